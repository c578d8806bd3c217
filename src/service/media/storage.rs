//! Media storage as a whole: moving it elsewhere, and finding what nothing needs.

use std::io::{ErrorKind, Read as _};
use std::path::Path;

use super::{deed, internal, keys_of, require_unused};
use crate::domain::id::MediaId;
use crate::domain::media::ObjectFacts;
use crate::domain::time::Instant;
use crate::infra::blob::{BYTES, Blobs, Listed};
use crate::infra::checksum::{Algorithm, Hasher};
use crate::service::Error;
use crate::store::Db;
use crate::store::editorial::objects::{self, Keys};
use crate::store::editorial::{audit, media};

/// What is read at once while a file is hashed.
const CHUNK: usize = 256 * 1024;

/// Every key that a row names, with what rows tell of its object.
pub async fn known(db: &Db) -> Result<Keys, Error> {
    Ok(db.read(objects::keys).await?)
}

/// All objects there are.
pub fn list(blobs: &Blobs) -> Result<Vec<Listed>, Error> {
    let mut found = Vec::new();
    blobs
        .list(&mut |listed| {
            found.push(listed);
            Ok(())
        })
        .map_err(internal)?;
    Ok(found)
}

/// Copies one object, and reads the copy back. The bytes must be those that the rows tell of. False where
/// the object is gone.
pub fn copy(
    from: &Blobs,
    to: &Blobs,
    key: &str,
    told: Option<&ObjectFacts>,
) -> Result<bool, Error> {
    let bytes = match from.fetch(key) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        fetched => fetched.map_err(internal)?,
    };
    let hash = sha256(bytes.path()).map_err(internal)?;
    if told.is_some_and(|told| told.hash != hash) {
        return Err(Error::Internal(format!(
            "{key}: its bytes are not what they were"
        )));
    }
    let mime = told.map_or(BYTES, |told| told.mime.as_str());
    to.put_file(key, mime, bytes.path()).map_err(internal)?;
    let copy = to.fetch(key).map_err(internal)?;
    match sha256(copy.path()).map_err(internal)? == hash {
        true => Ok(true),
        false => Err(Error::Internal(format!("{key}: the copy has other bytes"))),
    }
}

/// SHA-256 of a file, lower-case hex.
pub(super) fn sha256(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let (mut hasher, mut chunk) = (Hasher::new(Algorithm::Sha256), vec![0; CHUNK]);
    loop {
        let read = file.read(&mut chunk)?;
        match chunk.get(..read) {
            Some(bytes) if read > 0 => hasher.update(bytes),
            _ => return Ok(hex::encode(hasher.finish())),
        }
    }
}

/// Objects older than that which no row names. `listed` must have been read before `known`: what is new
/// is an object first and a row after. An error where the two have nothing in common, which is the wrong
/// database or the wrong storage.
pub fn orphans(listed: Vec<Listed>, known: &Keys, before: Instant) -> Result<Vec<Listed>, Error> {
    let ours = |listed: &Listed| known.contains_key(&listed.key);
    if !listed.is_empty() && !listed.iter().any(ours) {
        return Err(Error::Internal(
            "none of the portal's files is in this storage".to_owned(),
        ));
    }
    let old = listed
        .into_iter()
        .filter(|listed| listed.at < before.micros());
    Ok(old.filter(|listed| !ours(listed)).collect())
}

/// Media older than that which no article holds.
pub async fn unused(db: &Db, before: Instant) -> Result<Vec<MediaId>, Error> {
    Ok(db.read(move |conn| objects::unused(conn, before)).await?)
}

/// Deletes a medium that nothing holds, as the command line does; answers the keys of its objects, none
/// where something holds it by now.
pub async fn delete_unused(db: &Db, at: Instant, id: MediaId) -> Result<Vec<String>, Error> {
    let done = db
        .publish(move |write| {
            let conn = write.conn();
            let medium = media::hold(conn, id)?;
            require_unused(conn, id)?;
            media::delete(conn, id)?;
            let deed = deed("delete", &medium, Some(medium.version), None);
            audit::append(conn, &deed.by_nobody(at))?;
            Ok(keys_of(medium))
        })
        .await;
    match done {
        Err(Error::Conflict { .. } | Error::NotFound) => Ok(Vec::new()),
        done => done,
    }
}
