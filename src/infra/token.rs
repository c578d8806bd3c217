//! Access tokens: JWTs signed with Ed25519, and nothing else. The first key is made on first
//! start; `ring` is the folder of keys, where they are rotated.
//!
//! jsonwebtoken comes without a crypto library here; the provider in `eddsa` knows EdDSA only. What the
//! library is lax about (`crit`, unknown members, numbers as text) is parsed strictly first.

pub mod ring;

mod eddsa;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signature;
use hmac::Mac as _;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use self::ring::Ring;
use super::key_file::secret_file;

/// Longest token that is looked at.
const MAX_TOKEN: usize = 4096;
/// Clocks of nodes may differ by this much.
const LEEWAY_SECONDS: i64 = 5;
/// No token of ours lives longer.
const MAX_LIFETIME_SECONDS: i64 = 86_400;
/// The folder is looked into for an unknown key at most this often.
const LOOK_SECONDS: i64 = 5;
/// Before everything that is signed and is no token.
const CONTEXT: &[u8] = b"bantin-signature-v1\0";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// Id of the user.
    pub sub: String,
    /// Id of the sign-in.
    pub sid: String,
    pub jti: String,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// The token is not one of ours, or not good now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// The signing keys of the portal, as the folder of keys had them when it was last read.
pub struct Keys {
    issuer: String,
    audience: String,
    dir: PathBuf,
    ring: RwLock<Arc<Ring>>,
    /// When somebody's unknown key last made us look into the folder, in unix seconds.
    looked: AtomicI64,
    /// Signs addresses of previews.
    secret: [u8; 32],
}

impl Keys {
    /// Reads the keys in a folder, making the first where there is none. `now`: unix seconds.
    pub fn load_or_create(
        dir: &Path,
        issuer: &str,
        audience: &str,
        now: i64,
    ) -> Result<Self, String> {
        // Once for the process; a second portal finds it there already.
        let _ = eddsa::PROVIDER.install_default();
        ring::make_first(dir)?;
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            dir: dir.to_owned(),
            ring: RwLock::new(Arc::new(Ring::read(dir, now)?)),
            looked: AtomicI64::new(i64::MIN),
            secret: secret_file(&dir.join("preview.key"))?,
        })
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the folder again: what was rotated there counts from now on. Blocks. A folder that
    /// cannot be read leaves everything as it was.
    pub fn reload(&self, now: i64) -> Result<(), String> {
        let ring = Arc::new(Ring::read(&self.dir, now)?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }

    /// Removes the secrets of keys that no token can need any more, then reads the folder again.
    /// Blocks.
    pub fn tidy(&self, now: i64) -> Result<(), String> {
        ring::retire(&self.dir, now)?;
        self.reload(now)
    }

    /// Does the token name a key that we do not know, and is it time to look for it? Rarely, so
    /// that invented tokens cannot keep the folder busy.
    pub fn wants_reload(&self, token: &str, now: i64) -> bool {
        let header = token.split('.').next().unwrap_or_default();
        if token.len() > MAX_TOKEN
            || strict::<StrictHeader>(header)
                .map_or(true, |header| self.ring().live(&header.kid).is_some())
        {
            return false;
        }
        let looked = self.looked.load(Ordering::Relaxed);
        now.saturating_sub(looked) >= LOOK_SECONDS
            && self
                .looked
                .compare_exchange(looked, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// The public keys that tokens are checked with, as RFC 7517 wants them; those that will sign
    /// soon among them.
    pub fn jwks(&self) -> serde_json::Value {
        self.ring().jwks()
    }

    /// Signs bytes that are no token with the key of now; answers its id and the signature. What
    /// is signed begins with a context of its own, so that nobody can pass a token off as such
    /// bytes, or such bytes as a token.
    pub fn sign(&self, bytes: &[u8]) -> Result<(String, Vec<u8>), String> {
        use ed25519_dalek::Signer as _;
        let ring = self.ring();
        let key = ring.current().ok_or("no signing key")?;
        let signature = key.signing.sign(&in_context(bytes));
        Ok((key.kid.clone(), signature.to_bytes().to_vec()))
    }

    /// Did the key of this id sign the bytes? Any key that ever signed, retired ones included.
    pub fn verify_signature(&self, kid: &str, bytes: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = Signature::from_slice(signature) else {
            return false;
        };
        self.ring()
            .public(kid)
            .is_some_and(|key| key.verify_strict(&in_context(bytes), &signature).is_ok())
    }

    /// A token for a user and sign-in, good from `now` (unix seconds) on.
    pub fn issue(
        &self,
        user: &str,
        session: &str,
        now: i64,
        lifetime: i64,
    ) -> Result<String, String> {
        let ring = self.ring();
        let key = ring.current().ok_or("no signing key")?;
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user.to_owned(),
            sid: session.to_owned(),
            jti: super::random::request_id(),
            iat: now,
            nbf: now,
            exp: now + lifetime,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("JWT".to_owned());
        header.kid = Some(key.kid.clone());
        let encoding = EncodingKey::from_ed_der(key.signing.as_bytes());
        jsonwebtoken::encode(&header, &claims, &encoding).map_err(|error| error.to_string())
    }

    /// What a token says, if it is one of ours and good at `now` (unix seconds).
    pub fn verify(&self, token: &str, now: i64) -> Result<Claims, Refused> {
        if token.len() > MAX_TOKEN {
            return Err(Refused);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refused);
        };
        let header: StrictHeader = strict(header)?;
        if header.alg != "EdDSA" || header.typ != "JWT" {
            return Err(Refused);
        }
        let claims: Claims = strict(claims)?;
        let ring = self.ring();
        let key = ring.live(&header.kid).ok_or(Refused)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        // Time is checked below, against the clock that we are handed.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_audience(&[&self.audience]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "nbf", "iat", "aud", "iss", "sub"]);
        let decoding = DecodingKey::from_ed_der(key.signing.verifying_key().as_bytes());
        jsonwebtoken::decode::<Claims>(token, &decoding, &validation).map_err(|_| Refused)?;
        let fresh = claims.nbf <= now.saturating_add(LEEWAY_SECONDS)
            && claims.iat <= now.saturating_add(LEEWAY_SECONDS)
            && now < claims.exp
            && claims.iat >= 0
            && claims.exp.saturating_sub(claims.iat) <= MAX_LIFETIME_SECONDS;
        let ours = claims.iss == self.issuer && claims.aud == self.audience;
        if fresh && ours {
            Ok(claims)
        } else {
            Err(Refused)
        }
    }

    /// A signature over text that only this portal can make.
    pub fn seal(&self, text: &str) -> String {
        hex::encode(self.mac(text).finalize().into_bytes())
    }

    /// Is this our signature over the text? In constant time.
    pub fn is_seal(&self, text: &str, seal: &str) -> bool {
        hex::decode(seal).is_ok_and(|seal| self.mac(text).verify_slice(&seal).is_ok())
    }

    fn mac(&self, text: &str) -> hmac::Hmac<Sha256> {
        let mut key = [0; 64];
        for (to, from) in key.iter_mut().zip(self.secret) {
            *to = from;
        }
        let mut mac = <hmac::Hmac<Sha256> as hmac::KeyInit>::new(&key.into());
        mac.update(text.as_bytes());
        mac
    }
}

fn in_context(bytes: &[u8]) -> Vec<u8> {
    [CONTEXT, bytes].concat()
}

/// Canonical base64url of a JSON object with exactly the members of `T`, none of them twice.
fn strict<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused)?;
    serde_json::from_slice(&bytes).map_err(|_| Refused)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use ed25519_dalek::Signer as _;
    use serde_json::{Value, json};

    const NOW: i64 = 1_800_000_000;

    fn keys() -> (tempfile::TempDir, Keys) {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::load_or_create(dir.path(), "us", "them", NOW).unwrap();
        (dir, keys)
    }

    fn header(keys: &Keys) -> Value {
        json!({"alg": "EdDSA", "typ": "JWT", "kid": keys.ring().keys[0].kid})
    }

    fn claims() -> Value {
        json!({"iss": "us", "aud": "them", "sub": "1", "sid": "s", "jti": "j",
               "iat": NOW, "nbf": NOW, "exp": NOW + 900})
    }

    fn raw(keys: &Keys, header: &str, claims: &str) -> String {
        let body = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let signature = keys.ring().keys[0].signing.sign(body.as_bytes());
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    fn with(mut value: Value, name: &str, to: Value) -> Value {
        value[name] = to;
        value
    }

    fn without(mut value: Value, name: &str) -> Value {
        value.as_object_mut().unwrap().remove(name);
        value
    }

    #[test]
    fn a_token_of_ours_is_good_until_it_expires() {
        let (_dir, keys) = keys();
        let token = keys.issue("7", "s", NOW, 900).unwrap();
        assert_eq!(keys.verify(&token, NOW).unwrap().sub, "7");
        assert!(keys.verify(&token, NOW + 899).is_ok());
        assert_eq!(keys.verify(&token, NOW + 900), Err(Refused));
        assert_eq!(keys.verify(&token, NOW - 60), Err(Refused));
    }

    #[test]
    fn keys_survive_a_restart_and_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let (dir, keys) = keys();
        let token = keys.issue("7", "s", NOW, 900).unwrap();
        let again = Keys::load_or_create(dir.path(), "us", "them", NOW).unwrap();
        assert!(again.verify(&token, NOW).is_ok());
        let path = dir.path().join("jwt-0001.key");
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Keys::load_or_create(dir.path(), "us", "them", NOW).is_err());
    }

    #[test]
    fn every_known_forgery_is_refused() {
        let (_dir, keys) = keys();
        let good_header = header(&keys);
        let sign =
            |header: &Value, claims: &Value| raw(&keys, &header.to_string(), &claims.to_string());
        assert!(keys.verify(&sign(&good_header, &claims()), NOW).is_ok());
        let mut bad = vec![String::new(), "a.b".into(), "..".into(), "a.b.c.d".into()];
        for (name, to) in [
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!("eddsa")),
            ("alg", json!(null)),
            ("typ", json!("jwt+x")),
            ("typ", json!(null)),
            ("kid", json!("other")),
            ("kid", json!(1)),
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("b64", json!(false)),
            ("jku", json!("https://x")),
            ("jwk", json!({})),
            ("x5u", json!("https://x")),
            ("zip", json!("DEF")),
            ("cty", json!("JWT")),
        ] {
            bad.push(sign(&with(good_header.clone(), name, to), &claims()));
        }
        for name in ["alg", "typ", "kid"] {
            bad.push(sign(&without(good_header.clone(), name), &claims()));
        }
        for name in ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"] {
            bad.push(sign(&good_header, &without(claims(), name)));
        }
        for (name, to) in [
            ("exp", json!((NOW + 900).to_string())),
            ("exp", json!(1.8e9)),
            ("exp", json!(NOW)),
            ("exp", json!(-1)),
            ("exp", json!(i64::MAX)),
            ("exp", json!(u64::MAX)),
            ("exp", json!(null)),
            ("nbf", json!(NOW + 60)),
            ("nbf", json!("0")),
            ("iat", json!(NOW + 60)),
            ("iat", json!(true)),
            ("iss", json!("me")),
            ("aud", json!("us")),
            ("aud", json!(["them"])),
            ("sub", json!(1)),
            ("admin", json!(true)),
        ] {
            bad.push(sign(&good_header, &with(claims(), name, to)));
        }
        let good = sign(&good_header, &claims());
        bad.push(format!("{good}="));
        bad.push(format!("{good} "));
        bad.push(format!(" {good}"));
        bad.push(good.trim_end_matches(|c| c != '.').to_owned());
        bad.push(raw(
            &keys,
            &format!(
                "{} ",
                r#"{"alg":"EdDSA","alg":"EdDSA","typ":"JWT","kid":"k"}"#
            ),
            &claims().to_string(),
        ));
        let mut flipped = good.clone().into_bytes();
        let last = flipped.len() - 10;
        flipped[last] = if flipped[last] == b'A' { b'B' } else { b'A' };
        bad.push(String::from_utf8(flipped).unwrap());
        bad.push("a".repeat(MAX_TOKEN + 1));
        for token in bad {
            assert_eq!(keys.verify(&token, NOW), Err(Refused), "{token}");
        }
        let other = tempfile::tempdir().unwrap();
        let others = Keys::load_or_create(other.path(), "us", "them", NOW).unwrap();
        assert_eq!(
            keys.verify(&others.issue("1", "s", NOW, 900).unwrap(), NOW),
            Err(Refused)
        );
    }

    #[test]
    fn a_seal_fits_its_text_only() {
        let (_dir, keys) = keys();
        let seal = keys.seal("a");
        assert!(keys.is_seal("a", &seal));
        assert!(!keys.is_seal("b", &seal));
        assert!(!keys.is_seal("a", ""));
        assert!(!keys.is_seal("a", "zz"));
    }

    #[test]
    fn what_is_signed_is_no_token_and_fits_its_bytes_and_key_only() {
        let (_dir, keys) = keys();
        let (kid, signature) = keys.sign(b"checkpoint").unwrap();
        assert!(keys.verify_signature(&kid, b"checkpoint", &signature));
        assert!(!keys.verify_signature(&kid, b"checkpoins", &signature));
        assert!(!keys.verify_signature("other", b"checkpoint", &signature));
        assert!(!keys.verify_signature(&kid, b"checkpoint", &signature[1..]));
        assert!(!keys.verify_signature(&kid, b"checkpoint", &[]));
        let claim = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let body = format!("{}.{}", claim(&header(&keys)), claim(&claims()));
        let (_, signature) = keys.sign(body.as_bytes()).unwrap();
        let token = format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(keys.verify(&token, NOW), Err(Refused));
    }

    #[test]
    fn a_rotated_key_signs_when_every_node_can_know_it_and_the_old_one_verifies_on() {
        let (dir, keys) = keys();
        let kid = |keys: &Keys| keys.sign(b"x").unwrap().0;
        let (first, old) = (kid(&keys), keys.issue("7", "s", NOW, 86_400).unwrap());
        let (_, seal) = keys.sign(b"checkpoint").unwrap();
        let made = ring::rotate(dir.path(), NOW, false).unwrap();
        keys.reload(NOW).unwrap();
        // Everybody may see it, nobody signs with it yet.
        assert_eq!(keys.jwks()["keys"].as_array().unwrap().len(), 2);
        assert_eq!(kid(&keys), first);
        let later = NOW + ring::LEAD_SECONDS;
        keys.reload(later).unwrap();
        assert_eq!(kid(&keys), made.kid);
        assert!(keys.verify(&old, later).is_ok());
        let end = later + ring::OVERLAP_SECONDS;
        keys.tidy(end - 1).unwrap();
        assert!(keys.verify(&old, NOW + 86_399).is_ok());
        assert_eq!(keys.jwks()["keys"].as_array().unwrap().len(), 2);
        keys.tidy(end).unwrap();
        assert_eq!(keys.verify(&old, NOW + 86_399), Err(Refused));
        assert_eq!(keys.jwks()["keys"].as_array().unwrap().len(), 1);
        assert!(!dir.path().join("jwt-0001.key").exists());
        // What the retired key signed is checked for ever, also by who starts now.
        assert!(keys.verify_signature(&first, b"checkpoint", &seal));
        let again = Keys::load_or_create(dir.path(), "us", "them", end).unwrap();
        assert!(again.verify_signature(&first, b"checkpoint", &seal));
        assert_eq!(kid(&again), made.kid);
    }

    #[test]
    fn a_node_looks_for_a_key_that_it_does_not_know_now_and_then_only() {
        let (dir, node) = keys();
        ring::rotate(dir.path(), NOW, true).unwrap();
        let other = Keys::load_or_create(dir.path(), "us", "them", NOW).unwrap();
        let token = other.issue("7", "s", NOW, 900).unwrap();
        assert_eq!(node.verify(&token, NOW), Err(Refused));
        assert!(!node.wants_reload("nonsense", NOW));
        assert!(node.wants_reload(&token, NOW));
        assert!(!node.wants_reload(&token, NOW + LOOK_SECONDS - 1));
        assert!(node.wants_reload(&token, NOW + LOOK_SECONDS));
        node.reload(NOW).unwrap();
        assert!(node.verify(&token, NOW).is_ok());
        assert!(!node.wants_reload(&token, NOW + 60));
    }

    #[test]
    fn a_folder_that_cannot_be_read_leaves_the_keys_as_they_were() {
        let (dir, keys) = keys();
        let token = keys.issue("7", "s", NOW, 900).unwrap();
        std::fs::write(dir.path().join("jwt-0001.key"), "not a key").unwrap();
        assert!(keys.reload(NOW).is_err());
        assert!(keys.verify(&token, NOW).is_ok());
    }
}
