//! Seals secrets that are kept in the database, with a key that is not: whoever reads only the
//! database learns nothing. ChaCha20-Poly1305 with a random nonce.

use std::path::Path;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::key_file::secret_file;
use super::random;

/// Says how the rest is made, so that it can change one day.
const VERSION: u8 = 1;

/// The key that seals and opens.
pub struct Vault(LessSafeKey);

impl Vault {
    /// Reads the key in a folder, making it where there is none. Blocks.
    pub fn load_or_create(dir: &Path) -> Result<Self, String> {
        Self::new(&secret_file(&dir.join("vault.key"))?)
    }

    fn new(key: &[u8; 32]) -> Result<Self, String> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|error| error.to_string())?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals a secret; it opens only with the same `purpose`.
    pub fn seal(&self, purpose: &str, secret: &[u8]) -> Result<Vec<u8>, String> {
        let nonce = random::bytes::<NONCE_LEN>();
        let mut text = secret.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose),
                &mut text,
            )
            .map_err(|error| error.to_string())?;
        Ok([&[VERSION][..], &nonce, &text].concat())
    }

    /// The secret; an error where it was sealed with another key or for another purpose.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, String> {
        let fail = || "is sealed with another key than vault.key".to_owned();
        let (nonce, text) = match sealed {
            [VERSION, rest @ ..] => rest.split_at_checked(NONCE_LEN).ok_or_else(fail)?,
            _ => return Err(fail()),
        };
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| fail())?;
        let mut text = text.to_vec();
        let secret = self
            .0
            .open_in_place(nonce, Aad::from(purpose), &mut text)
            .map_err(|_| fail())?;
        Ok(secret.to_vec())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_the_same_key_and_purpose_open_it() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::load_or_create(dir.path()).unwrap();
        let sealed = vault.seal("user 7", b"con trau").unwrap();
        assert_ne!(sealed, vault.seal("user 7", b"con trau").unwrap());
        let again = Vault::load_or_create(dir.path()).unwrap();
        assert_eq!(again.open("user 7", &sealed).unwrap(), b"con trau");
        assert!(vault.open("user 8", &sealed).is_err());
        assert!(
            Vault::new(&[7; 32])
                .unwrap()
                .open("user 7", &sealed)
                .is_err()
        );
    }

    #[test]
    fn what_was_changed_or_cut_does_not_open() {
        let vault = Vault::new(&[7; 32]).unwrap();
        let sealed = vault.seal("user 7", b"con trau").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            *changed.get_mut(at).unwrap() ^= 1;
            assert!(vault.open("user 7", &changed).is_err(), "{at}");
            assert!(vault.open("user 7", sealed.get(..at).unwrap()).is_err());
        }
    }
}
