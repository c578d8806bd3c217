//! Files of keys: they appear whole, and nobody else may read them. All of it blocks.

use std::io::{Read as _, Write as _};
use std::path::Path;

use super::random;

/// The 32 bytes in a file that only we may read; made when it is missing. Two processes that start
/// at once agree: the file appears whole, and the first one wins.
pub fn secret_file(path: &Path) -> Result<[u8; 32], String> {
    if !path.exists() {
        write_new(path, &hex::encode(random::bytes::<32>()))?;
    }
    read_secret(path)?.ok_or_else(|| format!("{}: has gone", path.display()))
}

/// Writes a file that appears whole, with mode 0600; false when there is one already.
pub fn write_new(path: &Path, text: &str) -> Result<bool, String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    // Temporary files of this crate have mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(fail)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(fail(error.error)),
    }
}

/// The 32 bytes in a file, which nobody else may read.
pub fn read_secret(path: &Path) -> Result<Option<[u8; 32]>, String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(fail)?,
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().map_err(fail)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(format!(
                "{}: others may read it; chmod 600 it",
                path.display()
            ));
        }
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(fail)?;
    hex::decode(text.trim())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .map(Some)
        .ok_or_else(|| format!("{}: is not a key", path.display()))
}
