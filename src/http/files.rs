//! Files out of media storage: conditional, in whole or one byte range, in pieces that are read
//! off the async threads. What public files and editors' previews share.

use std::io::{Read as _, Seek as _};

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::Stream;

use super::caching::is_known;
use super::error::{ApiError, ApiResult, Code};
use crate::ctx::Ctx;
use crate::domain::media::Withdrawal;

/// Most bytes of one answer that lie in memory at once.
const CHUNK: u64 = 64 * 1024;

/// A file to send.
pub struct File {
    /// Key in media storage.
    pub key: String,
    pub mime: String,
    /// Length.
    pub bytes: i64,
    /// SHA-256 of the bytes, lower-case hex: the ETag.
    pub hash: String,
}

/// The answer for a file that was withdrawn.
pub fn withdrawn(withdrawal: &Withdrawal) -> ApiError {
    let reason = withdrawal.reason_code.as_str();
    ApiError::new(Code::FileWithdrawn).detail(format!("withdrawn, for the reason {reason}"))
}

/// Answers a GET for a file: 304 for who has it, 206 for one range, 416 for one beyond its end,
/// 200 with everything otherwise (RFC 9110 lets several ranges be answered so).
pub async fn send(request: &HttpRequest, ctx: &Ctx, file: File, cache_control: &str) -> ApiResult {
    let tag = format!("\"{}\"", file.hash);
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::ETAG, tag.as_str()))
        .insert_header((header::CACHE_CONTROL, cache_control))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CONTENT_DISPOSITION, disposition(&file)))
        // Pages of any origin may show it.
        .insert_header((
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ));
    if !is_shown(&file.mime) {
        // Whatever a browser takes it for: it runs nothing and loads nothing.
        response.insert_header((
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; frame-ancestors 'none'",
        ));
    }
    if is_known(request.headers(), &tag) {
        response.status(StatusCode::NOT_MODIFIED);
        return Ok(response.finish());
    }
    let length = u64::try_from(file.bytes).map_err(ApiError::internal)?;
    let (from, count) = match wanted(request.headers(), &tag, length) {
        Wanted::Nothing => {
            return Err(ApiError::new(Code::RangeNotSatisfiable)
                .detail(format!("the file has {length} bytes"))
                .header(header::CONTENT_RANGE, format!("bytes */{length}")));
        }
        Wanted::Whole => (0, length),
        Wanted::Part { from, to } => {
            response
                .status(StatusCode::PARTIAL_CONTENT)
                .insert_header((header::CONTENT_RANGE, format!("bytes {from}-{to}/{length}")));
            (from, (to + 1).saturating_sub(from))
        }
    };
    let blobs = ctx.blobs.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let mut opened = blobs.open_object(&file.key)?;
        opened.seek(std::io::SeekFrom::Start(from))?;
        Ok::<_, std::io::Error>(opened)
    })
    .await
    .map_err(ApiError::internal)?
    .map_err(ApiError::internal)?;
    Ok(response
        .content_type(file.mime)
        .body(actix_web::body::SizedStream::new(
            count,
            pieces(opened, count),
        )))
}

/// What browsers may show in place: pictures, sound and film, none of which can run anything.
fn is_shown(mime: &str) -> bool {
    let kinds = ["image/", "audio/", "video/"];
    mime != "image/svg+xml" && kinds.iter().any(|kind| mime.starts_with(kind))
}

/// Documents are downloads. Their name is made of the hash: what the file was called when it was
/// uploaded is nobody's business.
fn disposition(file: &File) -> String {
    if is_shown(&file.mime) {
        return "inline".to_owned();
    }
    let name: String = file.hash.chars().take(12).collect();
    let ending = EXTENSIONS.iter().find(|(mime, _)| *mime == file.mime);
    let ending = ending.map_or("bin", |(_, ending)| ending);
    format!("attachment; filename=\"{name}.{ending}\"")
}

/// How files of a type are called.
#[rustfmt::skip]
const EXTENSIONS: &[(&str, &str)] = &[
    ("application/pdf", "pdf"),
    ("application/msword", "doc"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.ms-powerpoint", "ppt"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
    ("application/vnd.oasis.opendocument.text", "odt"),
    ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
    ("application/vnd.oasis.opendocument.presentation", "odp"),
];

/// The next `left` bytes of a file. A file that ends too soon breaks the answer off, so that the
/// client sees that it is not whole.
fn pieces(
    file: std::fs::File,
    left: u64,
) -> impl Stream<Item = Result<web::Bytes, std::io::Error>> {
    futures_util::stream::try_unfold((file, left), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let take = left.min(CHUNK);
        tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; usize::try_from(take).map_err(std::io::Error::other)?];
            file.read_exact(&mut bytes)?;
            Ok(Some((web::Bytes::from(bytes), (file, left - take))))
        })
        .await
        .map_err(std::io::Error::other)?
    })
}

/// Which bytes a request wants of a file of some length.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// Both ends included.
    Part {
        from: u64,
        to: u64,
    },
    /// A range that lies beyond the end.
    Nothing,
}

/// RFC 9110, 14.2: a range counts only if `If-Range` is absent or names the file by its strong
/// ETag (there is no date that could fit); a range that is malformed is as good as absent.
fn wanted(headers: &HeaderMap, tag: &str, length: u64) -> Wanted {
    let mut ranges = headers.get_all(header::RANGE);
    let (Some(range), None) = (ranges.next(), ranges.next()) else {
        return Wanted::Whole;
    };
    let fits = headers
        .get_all(header::IF_RANGE)
        .all(|value| value.as_bytes() == tag.as_bytes());
    match range.to_str().ok().and_then(parse) {
        Some(range) if fits => range.within(length),
        _ => Wanted::Whole,
    }
}

/// One byte range as it was asked for.
#[derive(Debug, Clone, Copy)]
enum Range {
    /// From a place to another, both included, or to the end.
    From(u64, Option<u64>),
    /// The last bytes.
    Last(u64),
}

fn parse(text: &str) -> Option<Range> {
    let (unit, range) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    match range.trim().split_once('-')? {
        ("", last) => Some(Range::Last(number(last)?)),
        (first, "") => Some(Range::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Range::From(first, Some(last)))
        }
    }
}

/// Digits; more than a file can have is as good as very many.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

impl Range {
    fn within(self, length: u64) -> Wanted {
        let Some(end) = length.checked_sub(1) else {
            return Wanted::Nothing;
        };
        match self {
            Self::From(first, _) if first > end => Wanted::Nothing,
            Self::From(first, last) => Wanted::Part {
                from: first,
                to: last.map_or(end, |last| last.min(end)),
            },
            Self::Last(0) => Wanted::Nothing,
            Self::Last(count) => Wanted::Part {
                from: length.saturating_sub(count),
                to: end,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn ask_of(length: u64, headers: &[(&'static str, &str)]) -> Wanted {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                header::HeaderName::from_static(name),
                value.parse().unwrap(),
            );
        }
        wanted(&map, "\"t\"", length)
    }

    fn ask(range: &str) -> Wanted {
        ask_of(100, &[("range", range)])
    }

    #[test]
    fn one_range_is_cut_to_the_file() {
        assert_eq!(ask("bytes=0-9"), Wanted::Part { from: 0, to: 9 });
        assert_eq!(ask("Bytes= 99-99 "), Wanted::Part { from: 99, to: 99 });
        assert_eq!(ask("bytes=90-"), Wanted::Part { from: 90, to: 99 });
        assert_eq!(ask("bytes=90-500"), Wanted::Part { from: 90, to: 99 });
        assert_eq!(
            ask("bytes=5-99999999999999999999999"),
            Wanted::Part { from: 5, to: 99 }
        );
        assert_eq!(ask("bytes=-10"), Wanted::Part { from: 90, to: 99 });
        assert_eq!(ask("bytes=-500"), Wanted::Part { from: 0, to: 99 });
    }

    #[test]
    fn a_range_beyond_the_end_is_not_satisfiable() {
        for nothing in [
            "bytes=100-",
            "bytes=100-200",
            "bytes=-0",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(ask(nothing), Wanted::Nothing, "{nothing}");
        }
        assert_eq!(ask_of(0, &[("range", "bytes=0-")]), Wanted::Nothing);
        assert_eq!(ask_of(0, &[("range", "bytes=-1")]), Wanted::Nothing);
    }

    #[test]
    fn what_is_malformed_or_several_is_answered_with_the_whole_file() {
        for whole in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=9-1",
            "bytes=a-b",
            "bytes=200-x",
            "bytes=+1-2",
            "bytes=1 - 2",
            "items=0-1",
            "bytes=0-1,5-6",
            "bytes=200-,300-",
            "bytes=-1,-2",
            "bytes=0x0-9",
            "bytes:0-9",
        ] {
            assert_eq!(ask(whole), Wanted::Whole, "{whole}");
        }
        assert_eq!(ask_of(100, &[]), Wanted::Whole);
        assert_eq!(
            ask_of(100, &[("range", "bytes=0-1"), ("range", "bytes=5-6")]),
            Wanted::Whole
        );
    }

    #[test]
    fn a_range_counts_only_if_the_file_is_the_one_it_was_asked_of() {
        let with = |tag| ask_of(100, &[("range", "bytes=0-9"), ("if-range", tag)]);
        assert_eq!(with("\"t\""), Wanted::Part { from: 0, to: 9 });
        for other in ["\"other\"", "W/\"t\"", "t", "Tue, 24 Nov 2026 15:00:00 GMT"] {
            assert_eq!(with(other), Wanted::Whole, "{other}");
        }
        assert_eq!(
            ask_of(100, &[("range", "bytes=500-"), ("if-range", "\"other\"")]),
            Wanted::Whole
        );
    }
}
