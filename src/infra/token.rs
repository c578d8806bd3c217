//! Access tokens: JWTs signed with Ed25519, and nothing else. The keys are made on first start.
//!
//! jsonwebtoken comes without a crypto library here; the provider below knows EdDSA only. What the
//! library is lax about (`crit`, unknown members, numbers as text) is parsed strictly first.

use std::io::{Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Longest token that is looked at.
const MAX_TOKEN: usize = 4096;
/// Clocks of nodes may differ by this much.
const LEEWAY_SECONDS: i64 = 5;
/// No token of ours lives longer.
const MAX_LIFETIME_SECONDS: i64 = 86_400;

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

/// The signing keys of the portal.
pub struct Keys {
    issuer: String,
    audience: String,
    /// Oldest first; the last one signs.
    keys: Vec<Key>,
    /// Signs addresses of previews.
    secret: [u8; 32],
}

struct Key {
    kid: String,
    signing: SigningKey,
}

impl Keys {
    /// Reads the keys in a folder, making the first where there is none.
    pub fn load_or_create(dir: &Path, issuer: &str, audience: &str) -> Result<Self, String> {
        // Once for the process; a second portal finds it there already.
        let _ = PROVIDER.install_default();
        let fail = |what: &str, error: std::io::Error| format!("{what} {}: {error}", dir.display());
        std::fs::create_dir_all(dir).map_err(|error| fail("cannot make", error))?;
        let mut seeds = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(|error| fail("cannot read", error))? {
            let path = entry.map_err(|error| fail("cannot read", error))?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if name.starts_with("jwt-") && name.ends_with(".key") {
                seeds.push((name.to_owned(), secret_file(&path)?));
            }
        }
        if seeds.is_empty() {
            seeds.push((
                "jwt-0001.key".to_owned(),
                secret_file(&dir.join("jwt-0001.key"))?,
            ));
        }
        seeds.sort();
        let keys = seeds
            .into_iter()
            .map(|(_, seed)| {
                let signing = SigningKey::from_bytes(&seed);
                let digest = Sha256::digest(signing.verifying_key().as_bytes());
                let kid = URL_SAFE_NO_PAD.encode(digest).chars().take(16).collect();
                Key { kid, signing }
            })
            .collect();
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            keys,
            secret: secret_file(&dir.join("preview.key"))?,
        })
    }

    /// The public keys, as RFC 7517 wants them.
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

    /// A token for a user and sign-in, good from `now` (unix seconds) on.
    pub fn issue(
        &self,
        user: &str,
        session: &str,
        now: i64,
        lifetime: i64,
    ) -> Result<String, String> {
        let Some(key) = self.keys.last() else {
            return Err("no signing key".to_owned());
        };
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
        let key = self
            .keys
            .iter()
            .find(|key| key.kid == header.kid)
            .ok_or(Refused)?;
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

use hmac::Mac as _;

/// Canonical base64url of a JSON object with exactly the members of `T`, none of them twice.
fn strict<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused)?;
    serde_json::from_slice(&bytes).map_err(|_| Refused)
}

/// The 32 bytes in a file that only we may read; made when it is missing. Two processes that start
/// at once agree: the file appears whole, and the first one wins.
fn secret_file(path: &Path) -> Result<[u8; 32], String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    if !path.exists() {
        let folder = path.parent().unwrap_or(Path::new("."));
        // Temporary files of this crate have mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
        file.write_all(hex::encode(super::random::bytes::<32>()).as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .map_err(fail)?;
        match file.persist_noclobber(path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(fail(error.error)),
        }
    }
    let mut file = std::fs::File::open(path).map_err(fail)?;
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
        .ok_or_else(|| format!("{}: is not a key", path.display()))
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::EdDSA => {
            let seed: [u8; 32] = key
                .as_bytes()
                .try_into()
                .map_err(|_| ErrorKind::InvalidEddsaKey)?;
            Ok(Box::new(Ed25519Signer(SigningKey::from_bytes(&seed))))
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::EdDSA => {
            let bytes: [u8; 32] = key
                .try_get_as_bytes()?
                .try_into()
                .map_err(|_| ErrorKind::InvalidEddsaKey)?;
            let key = VerifyingKey::from_bytes(&bytes).map_err(|_| ErrorKind::InvalidEddsaKey)?;
            Ok(Box::new(Ed25519Verifier(key)))
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

struct Ed25519Signer(SigningKey);

impl signature::Signer<Vec<u8>> for Ed25519Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        use ed25519_dalek::Signer as _;
        Ok(self.0.sign(message).to_bytes().to_vec())
    }
}

impl JwtSigner for Ed25519Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct Ed25519Verifier(VerifyingKey);

impl signature::Verifier<Vec<u8>> for Ed25519Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let signature = Signature::from_slice(signature).map_err(|_| signature::Error::new())?;
        self.0
            .verify_strict(message, &signature)
            .map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Ed25519Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
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
        let keys = Keys::load_or_create(dir.path(), "us", "them").unwrap();
        (dir, keys)
    }

    fn header(keys: &Keys) -> Value {
        json!({"alg": "EdDSA", "typ": "JWT", "kid": keys.keys[0].kid})
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
        let signature = keys.keys[0].signing.sign(body.as_bytes());
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
        let again = Keys::load_or_create(dir.path(), "us", "them").unwrap();
        assert!(again.verify(&token, NOW).is_ok());
        let path = dir.path().join("jwt-0001.key");
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Keys::load_or_create(dir.path(), "us", "them").is_err());
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
        let others = Keys::load_or_create(other.path(), "us", "them").unwrap();
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
}
