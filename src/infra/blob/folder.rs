//! Objects as files, in folders by their first two characters.

use std::fs::File;
use std::io::{self, Error, ErrorKind, Read, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Listed;

#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: PathBuf,
    /// On the same file system: what is written there is moved into place.
    incoming: PathBuf,
}

impl Folder {
    pub(super) fn new(root: &Path, incoming: &Path) -> Self {
        Self {
            root: root.to_owned(),
            incoming: incoming.to_owned(),
        }
    }

    /// Answers how many bytes there were.
    pub(super) fn put(&self, key: &str, from: &mut dyn Read) -> io::Result<u64> {
        let path = self.path(key)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            std::fs::create_dir_all(folder)?;
            File::open(&self.root)?.sync_all()?;
        }
        let mut file = tempfile::NamedTempFile::new_in(&self.incoming)?;
        let length = io::copy(from, file.as_file_mut())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(&path).map_err(|error| error.error)?;
        if let Some(folder) = path.parent() {
            // The name itself must survive a power cut too.
            File::open(folder)?.sync_all()?;
        }
        Ok(length)
    }

    pub(super) fn open(&self, key: &str) -> io::Result<File> {
        File::open(self.path(key)?)
    }

    pub(super) fn delete(&self, key: &str) -> io::Result<()> {
        match std::fs::remove_file(self.path(key)?) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn list(&self, each: &mut dyn FnMut(Listed) -> io::Result<()>) -> io::Result<()> {
        for folder in std::fs::read_dir(&self.root)? {
            let folder = folder?;
            if folder.path() == self.incoming || !folder.file_type()?.is_dir() {
                continue;
            }
            for file in std::fs::read_dir(folder.path())? {
                let file = file?;
                let found = match file.metadata() {
                    Ok(found) if found.is_file() => found,
                    // Deleted since the folder was read, or not ours.
                    _ => continue,
                };
                if let Ok(key) = file.file_name().into_string()
                    && file.path() == self.path(&key).unwrap_or_default()
                {
                    each(Listed {
                        key,
                        bytes: found.len(),
                        at: micros(found.modified()?),
                    })?;
                }
            }
        }
        Ok(())
    }

    fn path(&self, key: &str) -> io::Result<PathBuf> {
        match key.get(..2) {
            Some(folder) => Ok(self.root.join(folder).join(key)),
            None => Err(Error::new(ErrorKind::InvalidInput, "not an object key")),
        }
    }
}

fn micros(at: SystemTime) -> i64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    })
}

pub(super) fn read(file: &mut File, range: Range<u64>) -> io::Result<Vec<u8>> {
    let count = range.end.saturating_sub(range.start);
    let mut bytes = vec![0; usize::try_from(count).map_err(Error::other)?];
    file.seek(SeekFrom::Start(range.start))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
