//! Object storage for media: a local folder, or a bucket of S3 and its like. What writes or reads whole
//! objects blocks: call it off the async threads.

mod bucket;
mod folder;

use std::io::{self, Error, ErrorKind};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tempfile::NamedTempFile;

use self::bucket::Bucket;
pub use self::bucket::Options;
use self::folder::Folder;

/// After this a file on its way in belongs to nobody: an upload takes hours at the most.
const ABANDONED: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// The MIME type of bytes that are nothing by themselves.
pub const BYTES: &str = "application/octet-stream";

/// Where objects lie. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    place: Place,
    incoming: PathBuf,
}

#[derive(Debug, Clone)]
enum Place {
    Folder(Folder),
    Bucket(Arc<Bucket>),
}

/// An object as a listing tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    pub bytes: u64,
    /// When it was written, in unix microseconds.
    pub at: i64,
}

/// An object that is read in pieces.
#[derive(Debug)]
pub enum Object {
    File(std::fs::File),
    Key(Arc<Bucket>, String),
}

impl Blobs {
    /// A folder, made when it is missing.
    pub fn folder(root: &Path) -> io::Result<Self> {
        let incoming = root.join("tmp");
        std::fs::create_dir_all(&incoming)?;
        Ok(Self {
            place: Place::Folder(Folder::new(root, &incoming)),
            incoming,
        })
    }

    /// A bucket; files on their way in lie in a local folder, made when it is missing. Fails when the
    /// bucket cannot be listed.
    pub fn bucket(options: &Options, local: &Path) -> Result<Self, String> {
        let incoming = local.join("tmp");
        std::fs::create_dir_all(&incoming).map_err(|error| error.to_string())?;
        Ok(Self {
            place: Place::Bucket(Arc::new(Bucket::open(options)?)),
            incoming,
        })
    }

    /// The local folder for files on their way in.
    pub fn incoming(&self) -> &Path {
        &self.incoming
    }

    /// Removes files on their way in that nobody has written to for a day: their process is gone.
    pub fn sweep(&self) -> io::Result<()> {
        for file in std::fs::read_dir(&self.incoming)? {
            let file = file?;
            let old = file.metadata().and_then(|found| found.modified());
            let old = old.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED));
            if old {
                std::fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }

    /// Writes a new object durably: it is there whole or not at all. A key is never written twice. A bucket
    /// tells the MIME type to whoever fetches the object from there.
    pub fn put(&self, key: &str, mime: &str, bytes: &[u8]) -> io::Result<()> {
        check(key)?;
        match &self.place {
            Place::Folder(folder) => folder.put(key, &mut &*bytes).map(|_| ()),
            Place::Bucket(bucket) => bucket.put(key, mime, Bytes::copy_from_slice(bytes)),
        }
    }

    /// The same with the bytes of a file, which is copied as a stream; answers how many they are.
    pub fn put_file(&self, key: &str, mime: &str, from: &Path) -> io::Result<u64> {
        check(key)?;
        match &self.place {
            Place::Folder(folder) => folder.put(key, &mut std::fs::File::open(from)?),
            Place::Bucket(bucket) => bucket.put_file(key, mime, from),
        }
    }

    /// A local copy of an object, removed when it is dropped.
    pub fn fetch(&self, key: &str) -> io::Result<NamedTempFile> {
        let mut copy = NamedTempFile::new_in(&self.incoming)?;
        self.copy_to(key, copy.as_file_mut())?;
        Ok(copy)
    }

    /// Writes an object to the end of a file.
    pub fn copy_to(&self, key: &str, to: &mut std::fs::File) -> io::Result<()> {
        check(key)?;
        match &self.place {
            Place::Folder(folder) => io::copy(&mut folder.open(key)?, to).map(|_| ()),
            Place::Bucket(bucket) => bucket.copy_to(key, to),
        }
    }

    /// Removes an object; one that is gone already is no error.
    pub fn delete(&self, key: &str) -> io::Result<()> {
        check(key)?;
        match &self.place {
            Place::Folder(folder) => folder.delete(key),
            Place::Bucket(bucket) => bucket.delete(key),
        }
    }

    /// Tells of every object, in no order. What is in the place and no object of ours is passed over.
    pub fn list(&self, each: &mut dyn FnMut(Listed) -> io::Result<()>) -> io::Result<()> {
        let mut ours = |listed: Listed| match check(&listed.key) {
            Ok(()) => each(listed),
            Err(_) => Ok(()),
        };
        match &self.place {
            Place::Folder(folder) => folder.list(&mut ours),
            Place::Bucket(bucket) => bucket.list(&mut ours),
        }
    }

    /// Opens an object for reading.
    pub async fn open(&self, key: &str) -> io::Result<Object> {
        check(key)?;
        match &self.place {
            Place::Folder(folder) => {
                let (folder, key) = (folder.clone(), key.to_owned());
                off_thread(move || folder.open(&key).map(Object::File)).await
            }
            Place::Bucket(bucket) => Ok(Object::Key(bucket.clone(), key.to_owned())),
        }
    }

    /// An address at which anybody gets the object for that long; none for a folder.
    pub async fn signed_url(&self, key: &str, good_for: Duration) -> io::Result<Option<String>> {
        check(key)?;
        match &self.place {
            Place::Folder(_) => Ok(None),
            Place::Bucket(bucket) => bucket.signed_url(key, good_for).await.map(Some),
        }
    }
}

impl Object {
    /// Most bytes that one read should ask for: a local file costs little to ask again, a bucket a
    /// round trip.
    pub fn piece(&self) -> u64 {
        match self {
            Self::File(_) => 64 * 1024,
            Self::Key(..) => 1024 * 1024,
        }
    }

    /// Exactly these bytes; an object that ends before is an error.
    pub async fn read(self, range: Range<u64>) -> io::Result<(Self, Bytes)> {
        match self {
            Self::File(mut file) => {
                off_thread(move || {
                    let bytes = folder::read(&mut file, range)?;
                    Ok((Self::File(file), bytes.into()))
                })
                .await
            }
            Self::Key(bucket, key) => {
                let bytes = bucket.read(&key, range).await?;
                Ok((Self::Key(bucket, key), bytes))
            }
        }
    }
}

/// Did the storage fail to answer, so that the same may go well in a moment?
pub fn is_away(error: &Error) -> bool {
    error.kind() == ErrorKind::NetworkDown
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::other)?
}

/// Keys are ours: letters, digits, `-`, `_`, `.`.
fn check(key: &str) -> io::Result<()> {
    let plain = key.len() >= 8
        && !key.starts_with('.')
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    match plain {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::InvalidInput, "not an object key")),
    }
}
