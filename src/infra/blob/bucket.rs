//! Objects in a bucket. Its connections live on a thread of their own: those of the web server come
//! and go with its workers.

use std::fmt::Debug;
use std::future::Future;
use std::io::{self, Error, ErrorKind, Write as _};
use std::ops::Range;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path as Key;
use object_store::signer::Signer;
use object_store::{
    Attribute, AttributeValue, Attributes, BackoffConfig, ClientOptions, GetOptions, GetRange,
    MultipartUpload, ObjectStore, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions,
    RetryConfig,
};
use reqwest::Method;
use tokio::io::AsyncReadExt as _;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use url::Url;

use super::Listed;

/// What is sent or fetched at once: S3 takes no parts below 5 MiB, and 10,000 of them.
const PART: u64 = 8 * 1024 * 1024;
/// How long one request may take, its body included.
const REQUEST: Duration = Duration::from_secs(60);
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// Where the bucket is, and who asks.
#[derive(Clone)]
pub struct Options {
    /// `s3://BUCKET/PREFIX`, `gs://…` or `az://…`.
    pub url: Url,
    /// Settings of the client by their names in the crate `object_store`, as `aws_endpoint`.
    pub settings: Vec<(String, String)>,
}

pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    signer: Arc<dyn Signer>,
    /// Empty, or with a slash at its end.
    prefix: String,
    runtime: Handle,
    /// The thread ends when this is dropped.
    _alive: oneshot::Sender<()>,
}

impl Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bucket({})", self.store)
    }
}

impl Bucket {
    /// Fails when the settings are wrong or the bucket cannot be listed.
    pub(super) fn open(options: &Options) -> Result<Self, String> {
        let (runtime, _alive) = runtime().map_err(|error| error.to_string())?;
        let (store, signer) = {
            // Clients may look for it while they are built.
            let _inside = runtime.enter();
            build(options)?
        };
        let prefix = options.url.path().trim_matches('/');
        let bucket = Self {
            store,
            signer,
            prefix: match prefix {
                "" => String::new(),
                prefix => format!("{prefix}/"),
            },
            runtime,
            _alive,
        };
        bucket.answers().map_err(|error| error.to_string())?;
        Ok(bucket)
    }

    fn answers(&self) -> io::Result<()> {
        let (store, prefix) = (self.store.clone(), Key::from(self.prefix.as_str()));
        self.wait(async move {
            let mut objects = store.list(Some(&prefix));
            objects.next().await.transpose().map_err(told)?;
            Ok(())
        })
    }

    pub(super) fn put(&self, key: &str, mime: &str, bytes: Bytes) -> io::Result<()> {
        let (store, key) = (self.store.clone(), self.key(key));
        let new = PutOptions {
            mode: PutMode::Create,
            attributes: typed(mime),
            ..PutOptions::default()
        };
        self.wait(async move {
            store
                .put_opts(&key, bytes.into(), new)
                .await
                .map_err(told)?;
            Ok(())
        })
    }

    /// What is larger than one part goes up in parts, one in memory at a time. Parts cannot be made
    /// conditional; keys are random.
    pub(super) fn put_file(&self, key: &str, mime: &str, from: &Path) -> io::Result<u64> {
        let length = std::fs::metadata(from)?.len();
        if length <= PART {
            self.put(key, mime, std::fs::read(from)?.into())?;
            return Ok(length);
        }
        let (store, key, from) = (self.store.clone(), self.key(key), from.to_owned());
        let attributes = typed(mime);
        self.wait(async move {
            let mut file = tokio::fs::File::open(from).await?;
            let options = PutMultipartOptions {
                attributes,
                ..PutMultipartOptions::default()
            };
            let upload = store.put_multipart_opts(&key, options).await;
            let mut upload = upload.map_err(told)?;
            let sent = send(upload.as_mut(), &mut file).await;
            if sent.is_err() {
                // What it fails to remove, a rule of the bucket for unfinished uploads does.
                let _ = upload.abort().await;
            }
            sent
        })
    }

    pub(super) fn copy_to(&self, key: &str, to: &mut std::fs::File) -> io::Result<()> {
        let mut at = 0;
        loop {
            let (store, key) = (self.store.clone(), self.key(key));
            let (bytes, length) = self.wait(get(store, key, at..at + PART))?;
            to.write_all(&bytes)?;
            at += u64::try_from(bytes.len()).map_err(Error::other)?;
            if bytes.is_empty() || at >= length {
                return Ok(());
            }
        }
    }

    pub(super) async fn read(&self, key: &str, range: Range<u64>) -> io::Result<Bytes> {
        let wanted = usize::try_from(range.end - range.start).map_err(Error::other)?;
        let (bytes, _) = self
            .run(get(self.store.clone(), self.key(key), range))
            .await?;
        match bytes.len() == wanted {
            true => Ok(bytes),
            false => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    pub(super) fn delete(&self, key: &str) -> io::Result<()> {
        let (store, key) = (self.store.clone(), self.key(key));
        self.wait(async move {
            match store.delete(&key).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(told(error)),
            }
        })
    }

    pub(super) fn list(&self, each: &mut dyn FnMut(Listed) -> io::Result<()>) -> io::Result<()> {
        let mut after: Option<Key> = None;
        loop {
            let (store, from) = (self.store.clone(), after.clone());
            let prefix = Key::from(self.prefix.as_str());
            let page = self.wait(async move {
                let objects = match &from {
                    Some(from) => store.list_with_offset(Some(&prefix), from),
                    None => store.list(Some(&prefix)),
                };
                let page: Vec<_> = objects.take(1000).collect().await;
                page.into_iter()
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(told)
            })?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.location.clone());
            for object in page {
                if let Some(key) = object.location.as_ref().strip_prefix(&self.prefix) {
                    each(Listed {
                        key: key.to_owned(),
                        bytes: object.size,
                        at: object.last_modified.timestamp_micros(),
                    })?;
                }
            }
        }
    }

    pub(super) async fn signed_url(&self, key: &str, good_for: Duration) -> io::Result<String> {
        let (signer, key) = (self.signer.clone(), self.key(key));
        self.run(async move {
            let signed = signer.signed_url(Method::GET, &key, good_for);
            Ok(signed.await.map_err(told)?.into())
        })
        .await
    }

    fn key(&self, key: &str) -> Key {
        Key::from(format!("{}{key}", self.prefix))
    }

    /// Blocks until the work is done on the bucket's thread.
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        self.runtime.spawn(async move {
            // Whoever asked may have gone.
            let _ = tell.send(work.await);
        });
        told.recv().map_err(Error::other)?
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        self.runtime.spawn(work).await.map_err(Error::other)?
    }
}

fn typed(mime: &str) -> Attributes {
    let mime = AttributeValue::from(mime.to_owned());
    Attributes::from_iter([(Attribute::ContentType, mime)])
}

/// Sends a file part by part; answers its length.
async fn send(upload: &mut dyn MultipartUpload, file: &mut tokio::fs::File) -> io::Result<u64> {
    let mut length = 0;
    loop {
        let mut part = Vec::new();
        (&mut *file).take(PART).read_to_end(&mut part).await?;
        if part.is_empty() {
            upload.complete().await.map_err(told)?;
            return Ok(length);
        }
        length += u64::try_from(part.len()).map_err(Error::other)?;
        upload.put_part(part.into()).await.map_err(told)?;
    }
}

/// The bytes of a range, fewer where the object ends before, and the length of the object.
async fn get(store: Arc<dyn ObjectStore>, key: Key, range: Range<u64>) -> io::Result<(Bytes, u64)> {
    let options = GetOptions {
        range: Some(GetRange::Bounded(range)),
        ..GetOptions::default()
    };
    let found = store.get_opts(&key, options).await.map_err(told)?;
    let length = found.meta.size;
    Ok((found.bytes().await.map_err(told)?, length))
}

/// All but what is certain counts as a storage that does not answer: it may in a moment.
fn told(error: object_store::Error) -> Error {
    let kind = match &error {
        object_store::Error::NotFound { .. } => ErrorKind::NotFound,
        object_store::Error::AlreadyExists { .. } => ErrorKind::AlreadyExists,
        _ => ErrorKind::NetworkDown,
    };
    Error::new(kind, error)
}

/// A client, and what signs addresses for others.
type Client = (Arc<dyn ObjectStore>, Arc<dyn Signer>);

/// A thread that drives the connections until the sender is dropped.
fn runtime() -> io::Result<(Handle, oneshot::Sender<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let handle = runtime.handle().clone();
    let (alive, gone) = oneshot::channel::<()>();
    std::thread::Builder::new()
        .name("bantin-media".to_owned())
        .spawn(move || {
            let _ = runtime.block_on(gone);
            // What hangs in a request must not hold the program up.
            runtime.shutdown_background();
        })?;
    Ok((handle, alive))
}

fn build(options: &Options) -> Result<Client, String> {
    // Wherever another part of the program has chosen it already, this changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: 3,
        retry_timeout: Duration::from_secs(20),
    };
    let client = ClientOptions::new()
        .with_timeout(REQUEST)
        .with_connect_timeout(CONNECT);
    macro_rules! built {
        ($builder:ty, $key:ty) => {{
            let mut builder = <$builder>::new().with_url(options.url.as_str());
            builder = builder.with_client_options(client).with_retry(retry);
            for (name, value) in &options.settings {
                let key = <$key>::from_str(name).map_err(|error| error.to_string())?;
                builder = builder.with_config(key, value);
            }
            let store = Arc::new(builder.build().map_err(|error| error.to_string())?);
            Ok((store.clone(), store))
        }};
    }
    match options.url.scheme() {
        "s3" => built!(AmazonS3Builder, AmazonS3ConfigKey),
        "gs" => built!(GoogleCloudStorageBuilder, GoogleConfigKey),
        "az" => built!(MicrosoftAzureBuilder, AzureConfigKey),
        _ => Err("must begin with s3://, gs:// or az://".to_owned()),
    }
}
