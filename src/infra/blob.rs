//! Object storage for media: a local folder.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where objects lie. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    root: PathBuf,
}

impl Blobs {
    /// Opens the folder, making it when it is missing.
    pub fn open(root: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(root.join("tmp"))?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// The folder for files on their way in; on the same file system as the objects.
    pub fn incoming(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Writes a new object durably: it is there whole or not at all. A key is never written twice.
    pub fn put(&self, key: &str, bytes: &[u8]) -> std::io::Result<()> {
        self.write(key, |file| file.write_all(bytes))
    }

    fn write(
        &self,
        key: &str,
        fill: impl FnOnce(&mut std::fs::File) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let path = self.path(key)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            std::fs::create_dir_all(folder)?;
            std::fs::File::open(&self.root)?.sync_all()?;
        }
        let mut file = tempfile::NamedTempFile::new_in(self.incoming())?;
        fill(file.as_file_mut())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(&path).map_err(|error| error.error)?;
        if let Some(folder) = path.parent() {
            // The name itself must survive a power cut too.
            std::fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// The same with the bytes of a file, which is copied as a stream; answers how many they are.
    pub fn put_file(&self, key: &str, from: &Path) -> std::io::Result<u64> {
        let mut from = std::fs::File::open(from)?;
        let mut length = 0;
        self.write(key, |file| {
            length = std::io::copy(&mut from, file)?;
            Ok(())
        })?;
        Ok(length)
    }

    /// Opens an object for reading.
    pub fn open_object(&self, key: &str) -> std::io::Result<std::fs::File> {
        std::fs::File::open(self.path(key)?)
    }

    /// Removes an object; one that is gone already is no error.
    pub fn delete(&self, key: &str) -> std::io::Result<()> {
        match std::fs::remove_file(self.path(key)?) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Keys are ours (letters, digits, `-`, `_`, `.`), two levels deep by their first characters.
    fn path(&self, key: &str) -> std::io::Result<PathBuf> {
        let plain = key.len() >= 8
            && !key.starts_with('.')
            && key
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        match (plain, key.get(..2)) {
            (true, Some(folder)) => Ok(self.root.join(folder).join(key)),
            _ => Err(std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                "not an object key",
            )),
        }
    }
}
