//! A multipart form with one file: received under limits of size, time and number of parts. The
//! file goes to disk as it comes, so memory stays flat.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::time::Duration;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use deserr::ValuePointerRef;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};

use super::error::{ApiError, ApiResult, Code};
use crate::ctx::Ctx;
use crate::domain::input::{FaultCode, Faults, Refusal, pointer};
use crate::domain::media::{Claim, HEAD, Kind, sniff};
use crate::infra::checksum::{Algorithm, Hasher};

/// What boundaries, headers and texts may add to the file, in bytes.
const ENVELOPE: u64 = 256 * 1024;
/// Longest text, in bytes: well above what any of them may have in characters.
const MAX_TEXT: usize = 16 * 1024;
const MAX_PARTS: usize = 20;
/// Longest name of a field that is repeated in an answer, in characters.
const MAX_NAME: usize = 100;
/// Slowest pace at which the largest file may arrive, in bytes a second.
const PACE: u64 = 32 * 1024;

/// A file that has arrived; removed from disk when this is dropped.
pub struct Arrived {
    pub file: tempfile::NamedTempFile,
    /// As the client gave it: untidied, empty where it gave none.
    pub name: String,
    /// SHA-256, lower-case hex.
    pub hash: String,
    pub claim: Option<Claim>,
}

/// A form: its file, its texts, and what was wrong with its parts.
pub struct Form {
    pub file: Option<Arrived>,
    texts: BTreeMap<String, String>,
    pub faults: Faults,
}

impl Form {
    /// The value of a text, if it is there; what is wrong with it joins the faults.
    pub fn text<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Refusal>,
    ) -> Option<T> {
        match parse(self.texts.get(name)?) {
            Ok(value) => Some(value),
            Err(refusal) => {
                self.fault(name, refusal.code, refusal.message);
                None
            }
        }
    }

    fn fault(&mut self, name: &str, code: FaultCode, message: impl Into<String>) {
        let name: String = name.chars().take(MAX_NAME).collect();
        self.faults.push(
            pointer(ValuePointerRef::Origin.push_key(&name)),
            code,
            message,
        );
    }
}

/// How long so many bytes may take to arrive, pauses included.
pub fn patience(ctx: &Ctx, bytes: u64) -> Duration {
    let idle = Duration::from_secs(u64::from(ctx.settings.body_timeout));
    idle.saturating_add(Duration::from_secs(bytes / PACE))
}

/// Receives a form with a part `file` and the texts named. It is whole, but its faults are the
/// caller's to answer, together with those of the texts.
pub async fn receive(
    ctx: &Ctx,
    request: &HttpRequest,
    payload: web::Payload,
    texts: &[&str],
) -> ApiResult<Form> {
    let content_type = header_text(request, header::CONTENT_TYPE).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("multipart/form-data") {
        return Err(ApiError::new(Code::UnsupportedMediaType)
            .detail("send multipart/form-data")
            .header(header::ACCEPT, "multipart/form-data"));
    }
    let most = most(ctx).saturating_add(ENVELOPE);
    let declared: Option<u64> =
        header_text(request, header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    if declared.is_some_and(|length| length > most) {
        return Err(too_large(ctx, None));
    }
    let idle = Duration::from_secs(u64::from(ctx.settings.body_timeout));
    let whole = patience(ctx, most);
    let form = Multipart::new(request.headers(), limited(payload, most, idle));
    tokio::time::timeout(whole, read(ctx, form, texts))
        .await
        .map_err(|_| ApiError::new(Code::RequestTimeout))?
}

fn header_text(request: &HttpRequest, name: header::HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

/// Largest file of any kind, in bytes.
pub fn most(ctx: &Ctx) -> u64 {
    ctx.settings.sizes.largest()
}

/// How many bytes a file may have that begins so. What looks like nothing that is taken may be as long as
/// a picture.
pub fn most_of(ctx: &Ctx, head: &[u8]) -> (Kind, u64) {
    let kind = sniff(head).unwrap_or(Kind::Image);
    (kind, ctx.settings.sizes.of(kind))
}

/// The file is too large for what it looks like, or for anything.
pub fn too_large(ctx: &Ctx, kind: Option<Kind>) -> ApiError {
    let detail = match kind {
        Some(kind) => format!(
            "a file of the kind {} may have {} bytes",
            kind.as_str(),
            ctx.settings.sizes.of(kind)
        ),
        None => format!("a file may have {} bytes", most(ctx)),
    };
    ApiError::new(Code::TooLarge).detail(detail)
}

/// The body, as long as it keeps coming and has no more than `most` bytes: the parser's own limits
/// do not bound what lies around and between the parts.
pub fn limited(
    payload: web::Payload,
    most: u64,
    idle: Duration,
) -> impl Stream<Item = Result<web::Bytes, PayloadError>> {
    futures_util::stream::try_unfold((payload, most), move |(mut payload, left)| async move {
        let late = |_| PayloadError::Io(std::io::ErrorKind::TimedOut.into());
        match tokio::time::timeout(idle, payload.next())
            .await
            .map_err(late)?
            .transpose()?
        {
            None => Ok(None),
            Some(chunk) => {
                let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                let left = left.checked_sub(length).ok_or(PayloadError::Overflow)?;
                Ok(Some((chunk, (payload, left))))
            }
        }
    })
}

async fn read(ctx: &Ctx, mut parts: Multipart, texts: &[&str]) -> ApiResult<Form> {
    let broken = |error| broken(ctx, error);
    let mut form = Form {
        file: None,
        texts: BTreeMap::new(),
        faults: Faults::default(),
    };
    let mut seen = BTreeSet::new();
    let mut count = 0;
    // A part that is passed over is read and dropped by the parser on its way to the next.
    while let Some(mut part) = parts.try_next().await.map_err(broken)? {
        count += 1;
        if count > MAX_PARTS {
            form.faults.push(
                "",
                FaultCode::TooMany,
                format!("has more than {MAX_PARTS} parts"),
            );
            return Err(form.faults.into());
        }
        let name = part.name().unwrap_or_default().to_owned();
        if !seen.insert(name.clone()) {
            form.fault(&name, FaultCode::Duplicate, "is there twice");
        } else if name == "file" {
            form.file = Some(store(ctx, &mut part).await?);
        } else if texts.contains(&name.as_str()) {
            form.texts.insert(name, text(ctx, &mut part).await?);
        } else {
            let message = format!("is not a field; the fields are: file, {}", texts.join(", "));
            form.fault(&name, FaultCode::UnknownField, message);
        }
    }
    if form.file.is_none() {
        form.fault("file", FaultCode::Required, "is required");
    }
    Ok(form)
}

/// Writes a part to a temporary file beside the objects.
async fn store(ctx: &Ctx, part: &mut Field) -> ApiResult<Arrived> {
    let name = part
        .content_disposition()
        .and_then(|disposition| disposition.get_filename())
        .unwrap_or_default()
        .to_owned();
    let claim = part.content_type();
    let claim = claim.and_then(|mime| Claim::parse(mime.essence_str()));
    let mut spool = Spool::new(ctx, Some(Hasher::new(Algorithm::Sha256))).await?;
    while let Some(chunk) = part.try_next().await.map_err(|error| broken(ctx, error))? {
        spool = spool.push(chunk).await?;
        let (kind, most) = most_of(ctx, &spool.head);
        if u64::try_from(spool.bytes).map_err(ApiError::internal)? > most {
            return Err(too_large(ctx, Some(kind)));
        }
    }
    let (file, digest) = spool.close();
    Ok(Arrived {
        file,
        name,
        hash: hex::encode(digest.unwrap_or_default()),
        claim,
    })
}

/// Bytes on their way to a temporary file, off the async threads.
pub struct Spool {
    pub file: tempfile::NamedTempFile,
    hasher: Option<Hasher>,
    /// How many there are.
    pub bytes: i64,
    /// The first of them.
    pub head: Vec<u8>,
}

impl Spool {
    pub async fn new(ctx: &Ctx, hasher: Option<Hasher>) -> ApiResult<Self> {
        let folder = ctx.blobs.incoming().to_owned();
        off_thread(move || {
            Ok(Self {
                file: tempfile::NamedTempFile::new_in(folder)?,
                hasher,
                bytes: 0,
                head: Vec::new(),
            })
        })
        .await
    }

    pub async fn push(mut self, chunk: web::Bytes) -> ApiResult<Self> {
        off_thread(move || {
            self.file.write_all(&chunk)?;
            let missing = HEAD.saturating_sub(self.head.len());
            self.head.extend(chunk.iter().take(missing));
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&chunk);
            }
            self.bytes += i64::try_from(chunk.len()).map_err(std::io::Error::other)?;
            Ok(self)
        })
        .await
    }

    /// The file, and its digest where one was asked for.
    pub fn close(self) -> (tempfile::NamedTempFile, Option<Vec<u8>>) {
        (self.file, self.hasher.map(Hasher::finish))
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> ApiResult<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(ApiError::internal)?
        .map_err(ApiError::internal)
}

async fn text(ctx: &Ctx, part: &mut Field) -> ApiResult<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.try_next().await.map_err(|error| broken(ctx, error))? {
        if bytes.len().saturating_add(chunk.len()) > MAX_TEXT {
            return Err(
                ApiError::new(Code::TooLarge).detail(format!("a text may have {MAX_TEXT} bytes"))
            );
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes)
        .map_err(|_| ApiError::new(Code::BadRequest).detail("a text is not UTF-8"))
}

fn broken(ctx: &Ctx, error: MultipartError) -> ApiError {
    match error {
        MultipartError::Payload(error) => unreceived(error, || too_large(ctx, None)),
        error => ApiError::new(Code::BadRequest).detail(error.to_string()),
    }
}

/// Why a body ended before its time.
pub fn unreceived(error: PayloadError, too_large: impl FnOnce() -> ApiError) -> ApiError {
    match error {
        PayloadError::Overflow => too_large(),
        PayloadError::Io(cause) if cause.kind() == std::io::ErrorKind::TimedOut => {
            ApiError::new(Code::RequestTimeout)
        }
        error => ApiError::new(Code::BadRequest).detail(error.to_string()),
    }
}
