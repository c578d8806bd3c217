//! The folder of signing keys: `jwt-NNNN.key` holds a secret, `jwt-NNNN.pub` what may be known of
//! it and stays for ever, since old signatures must stay verifiable. All of it blocks.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::MAX_LIFETIME_SECONDS;
use crate::infra::key_file::{read_secret, secret_file, write_new};
use crate::infra::random;

/// A new key is published for this long before it signs: every node reads the folder each minute,
/// and caches keep the public keys for less.
pub const LEAD_SECONDS: i64 = 120;
/// A key is kept this long after its successor began to sign: the longest token, and what a node
/// may be late by in reading the folder.
pub const OVERLAP_SECONDS: i64 = MAX_LIFETIME_SECONDS + 600;

/// The keys of a folder.
pub struct Ring {
    /// Those whose secret is there, oldest first.
    pub keys: Vec<Key>,
    /// Those that only verify what they signed, and no tokens.
    retired: Vec<(String, VerifyingKey)>,
    /// Id of the one that signs.
    signs: String,
}

pub struct Key {
    pub kid: String,
    pub signing: SigningKey,
}

/// What `jwt-NNNN.pub` holds.
#[derive(Serialize, Deserialize)]
struct Public {
    kid: String,
    /// In hex.
    public_key: String,
    /// Unix seconds.
    signs_from: i64,
}

/// What a key is for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Published, and signs soon.
    Waits,
    Signs,
    /// Its successor signs; its tokens are still good.
    Verifies,
    /// Its secret is gone.
    Retired,
}

/// A key as `bantin keys list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub number: u32,
    pub kid: String,
    pub state: State,
    /// Unix seconds; 0 for a key that never waited.
    pub signs_from: i64,
}

/// One key of the folder.
struct Entry {
    kid: String,
    public: VerifyingKey,
    signs_from: i64,
    secret: Option<SigningKey>,
}

impl Ring {
    /// Reads a folder; `now` says which key signs.
    pub fn read(dir: &Path, now: i64) -> Result<Self, String> {
        let entries = entries(dir)?;
        let signs = signer(&entries, now).ok_or_else(|| format!("{}: no key", dir.display()))?;
        let signs = entries.get(&signs).map(|entry| entry.kid.clone());
        let (mut keys, mut retired) = (Vec::new(), Vec::new());
        for entry in entries.into_values() {
            match entry.secret {
                Some(signing) => keys.push(Key {
                    kid: entry.kid,
                    signing,
                }),
                None => retired.push((entry.kid, entry.public)),
            }
        }
        Ok(Self {
            keys,
            retired,
            signs: signs.unwrap_or_default(),
        })
    }

    /// The key that signs.
    pub fn current(&self) -> Option<&Key> {
        self.live(&self.signs)
    }

    /// A key that tokens may name.
    pub fn live(&self, kid: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The public keys that tokens are checked with, as RFC 7517 wants them.
    pub fn jwks(&self) -> serde_json::Value {
        let keys: Vec<_> = self
            .keys
            .iter()
            .map(|key| {
                serde_json::json!({
                    "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.kid,
                    "x": URL_SAFE_NO_PAD.encode(key.signing.verifying_key().as_bytes()),
                })
            })
            .collect();
        serde_json::json!({ "keys": keys })
    }

    /// Any key that ever was.
    pub fn public(&self, kid: &str) -> Option<VerifyingKey> {
        self.live(kid)
            .map(|key| key.signing.verifying_key())
            .or_else(|| {
                let mut retired = self.retired.iter();
                retired.find(|(id, _)| id == kid).map(|(_, key)| *key)
            })
    }
}

/// Makes the folder and the first key, where they are missing.
pub fn make_first(dir: &Path) -> Result<(), String> {
    std::fs::create_dir_all(dir)
        .map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
    if entries(dir)?.is_empty() {
        secret_file(&dir.join(name(1, "key")))?;
    }
    Ok(())
}

/// Makes a new key. It signs after `LEAD_SECONDS`; `at_once` is for a key that somebody else may
/// have: the new one signs now, and the secrets of all others are removed.
pub fn rotate(dir: &Path, now: i64, at_once: bool) -> Result<Listed, String> {
    make_first(dir)?;
    let number = entries(dir)?.keys().next_back().map_or(1, |last| last + 1);
    let signs_from = if at_once { now } else { now + LEAD_SECONDS };
    let seed = random::bytes::<32>();
    let public = SigningKey::from_bytes(&seed).verifying_key();
    // The public half first: a secret without it would sign at once. Whoever comes second to the
    // same number is refused here.
    if !write_public(dir, number, &public, signs_from)?
        || !write_new(&dir.join(name(number, "key")), &hex::encode(seed))?
    {
        return Err(
            "somebody else makes a key at this moment; look with `bantin keys list`".into(),
        );
    }
    if at_once {
        for (old, entry) in entries(dir)? {
            if old < number && entry.secret.is_some() {
                forget(dir, old, &entry)?;
            }
        }
    }
    retire(dir, now)?;
    Ok(Listed {
        number,
        kid: kid(&public),
        state: if at_once { State::Signs } else { State::Waits },
        signs_from,
    })
}

/// Removes the secrets of keys whose successor has signed for `OVERLAP_SECONDS`; answers how many.
pub fn retire(dir: &Path, now: i64) -> Result<usize, String> {
    let entries = entries(dir)?;
    let mut removed = 0;
    for (number, entry) in &entries {
        let mut successors = entries.iter().filter(|(other, successor)| {
            *other > number
                && successor.secret.is_some()
                && successor.signs_from.saturating_add(OVERLAP_SECONDS) <= now
        });
        if entry.secret.is_some() && successors.next().is_some() {
            forget(dir, *number, entry)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// All keys, oldest first.
pub fn list(dir: &Path, now: i64) -> Result<Vec<Listed>, String> {
    let entries = entries(dir)?;
    let signs = signer(&entries, now);
    let listed = entries.into_iter().map(|(number, entry)| Listed {
        number,
        state: match () {
            () if entry.secret.is_none() => State::Retired,
            () if Some(number) == signs => State::Signs,
            () if entry.signs_from > now => State::Waits,
            () => State::Verifies,
        },
        kid: entry.kid,
        signs_from: entry.signs_from,
    });
    Ok(listed.collect())
}

/// Number of the key that signs: the newest whose time has come, or else the oldest there is.
fn signer(entries: &BTreeMap<u32, Entry>, now: i64) -> Option<u32> {
    let mut live = entries.iter().filter(|(_, entry)| entry.secret.is_some());
    let oldest = live.clone().next();
    live.rfind(|(_, entry)| entry.signs_from <= now)
        .or(oldest)
        .map(|(number, _)| *number)
}

fn name(number: u32, kind: &str) -> String {
    format!("jwt-{number:04}.{kind}")
}

fn kid(public: &VerifyingKey) -> String {
    let digest = Sha256::digest(public.as_bytes());
    URL_SAFE_NO_PAD.encode(digest).chars().take(16).collect()
}

fn entries(dir: &Path) -> Result<BTreeMap<u32, Entry>, String> {
    let fail = |error: std::io::Error| format!("cannot read {}: {error}", dir.display());
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fail)? {
        let file = entry.map_err(fail)?.file_name();
        let number = file
            .to_str()
            .and_then(|file| file.strip_prefix("jwt-"))
            .and_then(|rest| rest.strip_suffix(".key").or(rest.strip_suffix(".pub")))
            .and_then(|number| number.parse::<u32>().ok());
        numbers.extend(number);
    }
    let mut found = BTreeMap::new();
    for number in numbers {
        if !found.contains_key(&number)
            && let Some(entry) = entry(dir, number)?
        {
            found.insert(number, entry);
        }
    }
    Ok(found)
}

/// Reads one key; none when another node has removed it meanwhile.
fn entry(dir: &Path, number: u32) -> Result<Option<Entry>, String> {
    let path = dir.join(name(number, "pub"));
    let public = match std::fs::read_to_string(&path) {
        Ok(text) => Some(
            read_public(&text).ok_or_else(|| format!("{}: is not a public key", path.display()))?,
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    let path = dir.join(name(number, "key"));
    let secret = read_secret(&path)?.map(|seed| SigningKey::from_bytes(&seed));
    Ok(match (public, secret) {
        (Some((public, _)), Some(secret)) if secret.verifying_key() != public => {
            return Err(format!("{}: does not fit its .pub", path.display()));
        }
        (Some((public, signs_from)), secret) => Some(Entry {
            kid: kid(&public),
            public,
            signs_from,
            secret,
        }),
        // A first key, or one from before there were public halves.
        (None, Some(secret)) => Some(Entry {
            kid: kid(&secret.verifying_key()),
            public: secret.verifying_key(),
            signs_from: 0,
            secret: Some(secret),
        }),
        (None, None) => None,
    })
}

fn read_public(text: &str) -> Option<(VerifyingKey, i64)> {
    let said: Public = serde_json::from_str(text).ok()?;
    let bytes: [u8; 32] = hex::decode(&said.public_key).ok()?.try_into().ok()?;
    let key = VerifyingKey::from_bytes(&bytes).ok()?;
    (kid(&key) == said.kid).then_some((key, said.signs_from))
}

/// Writes the public half; false when there is one already.
fn write_public(
    dir: &Path,
    number: u32,
    key: &VerifyingKey,
    signs_from: i64,
) -> Result<bool, String> {
    let said = Public {
        kid: kid(key),
        public_key: hex::encode(key.as_bytes()),
        signs_from,
    };
    let text = serde_json::to_string(&said).map_err(|error| error.to_string())?;
    write_new(&dir.join(name(number, "pub")), &text)
}

/// Removes a secret, after its public half is safe.
fn forget(dir: &Path, number: u32, entry: &Entry) -> Result<(), String> {
    write_public(dir, number, &entry.public, entry.signs_from)?;
    let path = dir.join(name(number, "key"));
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn states(dir: &Path, now: i64) -> Vec<State> {
        list(dir, now)
            .unwrap()
            .iter()
            .map(|key| key.state)
            .collect()
    }

    #[test]
    fn a_key_waits_signs_verifies_and_retires() {
        let dir = tempfile::tempdir().unwrap();
        make_first(dir.path()).unwrap();
        assert_eq!(states(dir.path(), NOW), [State::Signs]);
        let made = rotate(dir.path(), NOW, false).unwrap();
        assert_eq!((made.number, made.state), (2, State::Waits));
        assert_eq!(states(dir.path(), NOW), [State::Signs, State::Waits]);
        let later = NOW + LEAD_SECONDS;
        assert_eq!(states(dir.path(), later), [State::Verifies, State::Signs]);
        let end = later + OVERLAP_SECONDS;
        assert_eq!(retire(dir.path(), end - 1), Ok(0));
        assert_eq!(retire(dir.path(), end), Ok(1));
        assert_eq!(states(dir.path(), end), [State::Retired, State::Signs]);
        // No number comes twice, and the next one retires nothing too early.
        assert_eq!(rotate(dir.path(), end, false).unwrap().number, 3);
        let last = [State::Retired, State::Signs, State::Waits];
        assert_eq!(states(dir.path(), end), last);
    }

    #[test]
    fn a_key_that_leaked_is_replaced_at_once() {
        let dir = tempfile::tempdir().unwrap();
        rotate(dir.path(), NOW, false).unwrap();
        let made = rotate(dir.path(), NOW, true).unwrap();
        let all = [State::Retired, State::Retired, State::Signs];
        assert_eq!(states(dir.path(), NOW), all);
        assert_eq!(made.state, State::Signs);
        // The only secret left is never removed.
        assert_eq!(retire(dir.path(), i64::MAX), Ok(0));
    }

    #[test]
    fn halves_that_do_not_fit_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        rotate(dir.path(), NOW, false).unwrap();
        let other = hex::encode(random::bytes::<32>());
        std::fs::write(dir.path().join("jwt-0002.key"), other).unwrap();
        assert!(Ring::read(dir.path(), NOW).is_err());
        std::fs::write(dir.path().join("jwt-0002.pub"), "{}").unwrap();
        assert!(Ring::read(dir.path(), NOW).is_err());
    }
}
