//! ID tokens: read, held against a key of the provider, and checked claim by claim. Only RS256,
//! ES256 and EdDSA; the algorithm has to fit the kind of the key, so that no public key is ever
//! taken for a shared secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// Longest token that is looked at.
const MAX_TOKEN: usize = 32 * 1024;
/// Clocks of provider and portal may differ by this much.
const LEEWAY_SECONDS: i64 = 60;
/// A token is used at once: none that was issued longer ago is for this sign-in.
const OLDEST_SECONDS: i64 = 600;
/// Most keys of a set that are looked at.
const MOST_KEYS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

/// A public key of a provider (RFC 7517), as far as it matters.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The keys of a set that can be read; others are for somebody else.
pub(super) fn keys(set: &Value) -> Vec<Jwk> {
    let keys = set.get("keys").and_then(Value::as_array);
    keys.into_iter()
        .flatten()
        .take(MOST_KEYS)
        .filter_map(|key| Jwk::deserialize(key).ok())
        .collect()
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// A token taken apart. Nothing of it is true before `verify` and `check`.
pub(super) struct IdToken {
    algorithm: Algorithm,
    kid: Option<String>,
    signed: String,
    signature: Vec<u8>,
    pub(super) claims: Map<String, Value>,
}

/// What a token has to say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    /// What `at_hash` is of.
    pub(super) access_token: Option<&'a str>,
    pub(super) now: i64,
}

impl IdToken {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let unreadable = || "the ID token cannot be read".to_owned();
        if text.len() > MAX_TOKEN {
            return Err("the ID token is too long".to_owned());
        }
        let (signed, signature) = text.rsplit_once('.').ok_or_else(unreadable)?;
        let (header, claims) = signed.split_once('.').ok_or_else(unreadable)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| unreadable());
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| unreadable())?;
        let algorithm = match header.alg.as_str() {
            "RS256" => Algorithm::Rs256,
            "ES256" => Algorithm::Es256,
            "EdDSA" => Algorithm::EdDsa,
            _ => return Err("the ID token's algorithm is none that is trusted".to_owned()),
        };
        if header.crit.is_some() {
            return Err("the ID token asks for more than is known here".to_owned());
        }
        Ok(Self {
            algorithm,
            kid: header.kid,
            signature: decode(signature)?,
            claims: serde_json::from_slice(&decode(claims)?).map_err(|_| unreadable())?,
            signed: signed.to_owned(),
        })
    }

    /// The one key of a set that the token can be signed with. Without a `kid` there must be no
    /// choice.
    pub(super) fn key<'a>(&self, keys: &'a [Jwk]) -> Option<&'a Jwk> {
        let (name, kind, curve) = match self.algorithm {
            Algorithm::Rs256 => ("RS256", "RSA", None),
            Algorithm::Es256 => ("ES256", "EC", Some("P-256")),
            Algorithm::EdDsa => ("EdDSA", "OKP", Some("Ed25519")),
        };
        let mut fitting = keys.iter().filter(|key| {
            key.kty == kind
                && curve.is_none_or(|curve| key.crv.as_deref() == Some(curve))
                && key.alg.as_deref().is_none_or(|alg| alg == name)
                && key.usage.as_deref().is_none_or(|usage| usage == "sig")
                && (self.kid.is_none() || key.kid == self.kid)
        });
        let key = fitting.next()?;
        fitting.next().is_none().then_some(key)
    }

    pub(super) fn verify(&self, key: &Jwk) -> Result<(), String> {
        let wrong = || "the signature is wrong".to_owned();
        let part = |part: &Option<String>| -> Result<Vec<u8>, String> {
            let text = part.as_deref().unwrap_or_default();
            URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())
        };
        let (message, sent) = (self.signed.as_bytes(), self.signature.as_slice());
        let verified = match self.algorithm {
            Algorithm::Rs256 => RsaPublicKeyComponents {
                n: part(&key.n)?,
                e: part(&key.e)?,
            }
            .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, sent),
            Algorithm::Es256 => {
                let point = [vec![4], part(&key.x)?, part(&key.y)?].concat();
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
                    .verify(message, sent)
            }
            Algorithm::EdDsa => {
                UnparsedPublicKey::new(&signature::ED25519, part(&key.x)?).verify(message, sent)
            }
        };
        verified.map_err(|_| wrong())
    }

    /// Is it for us, for this sign-in, and good now (unix seconds)?
    pub(super) fn check(&self, expected: &Expected<'_>) -> Result<(), String> {
        let text = |name: &str| self.claims.get(name).and_then(Value::as_str);
        let time = |name: &str| self.claims.get(name).and_then(Value::as_i64);
        let now = expected.now;
        let refuse = |why: &str| Err(why.to_owned());
        if text("iss") != Some(expected.issuer) {
            return refuse("the ID token is of another issuer");
        }
        let audience: Vec<&str> = match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !audience.contains(&expected.client_id) {
            return refuse("the ID token is for somebody else");
        }
        let party = self.claims.get("azp");
        if party.is_none() && audience.len() > 1
            || party.is_some_and(|party| party != expected.client_id)
        {
            return refuse("the ID token was issued to somebody else");
        }
        if time("exp").is_none_or(|exp| exp.saturating_add(LEEWAY_SECONDS) <= now) {
            return refuse("the ID token has expired");
        }
        let issued = time("iat").ok_or("the ID token does not say when it was issued")?;
        if issued > now + LEEWAY_SECONDS || issued < now - OLDEST_SECONDS {
            return refuse("the ID token was not issued just now");
        }
        if let Some(from) = self.claims.get("nbf")
            && from.as_i64().is_none_or(|from| from > now + LEEWAY_SECONDS)
        {
            return refuse("the ID token is not good yet");
        }
        if text("nonce") != Some(expected.nonce) {
            return refuse("the ID token belongs to another sign-in");
        }
        let subject = text("sub").unwrap_or_default();
        if subject.is_empty() || subject.len() > 255 || !subject.is_ascii() {
            return refuse("the ID token names nobody");
        }
        self.check_access_token(expected.access_token)
    }

    /// `at_hash` where it is given. Of EdDSA tokens it is not checked: providers do not agree on
    /// the hash.
    fn check_access_token(&self, token: Option<&str>) -> Result<(), String> {
        let (Some(said), Some(token)) = (self.claims.get("at_hash"), token) else {
            return Ok(());
        };
        let digest = Sha256::digest(token.as_bytes());
        let half: Vec<u8> = digest.iter().copied().take(16).collect();
        if self.algorithm != Algorithm::EdDsa && *said != URL_SAFE_NO_PAD.encode(half) {
            return Err("the access token is not the ID token's".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    // Made once with OpenSSL; the private key is gone.
    const MODULUS: &str = "8_phS3mVpzBcAPVVRgqaGLdOipOfPMXqpRxjihQy5DE-CYPmsk2Aw88Vdgh5kb-XZRYAs9MXwnWNQW7-\
         TcBod3H3d7Ecm0nfUuWxt8zL7mVkdtbD4G141i46u5f7dm5D0jGpamoQcW99pYmrup3BfDYFaV-L0nyj\
         M-4f06Us4eB41s67c7OJ_BqbCXL0OWrByYXclk3qbYGoNKGFZB7nIPJpZPeBAYoFc2c9U1nywlTVZOLv\
         aBvsTUaeXZtKEu3OpDZP1zkBaNqORbBUFHX8WC9ZFRcdG68mOb0vBr0L3DAKS5rJZjscr9hZ7X1gOfm_\
         Hqfoel_ydWOXxEGI4jWbQQ";
    const SIGNED: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InIxIn0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUudm4iLCJh\
         dWQiOiJiYW50aW4iLCJzdWIiOiIxZjZjIiwibm9uY2UiOiJuIiwiaWF0IjoxODAwMDAwMDAwLCJleHAi\
         OjE4MDAwMDAzMDB9";
    const SIGNATURE: &str = "lyTWxEsp8x-7zN54_4CCHLspj-JOiUzfYPMXxyYmsG1GgjGTL9N-SnO55-3vTJmIOkrfqbp2XVecJvrH\
         wbdzreRk9CXzRE7VDQKNc-c3fVrFp44-IF7bP_2QIzSfI152brRYz_O2cD9S4MptJcSzq9Y-GoR8YhQe\
         gP5HDtdddn6_-GyIQN52kojAlTieUGndm6q2uzimJcJW2XjBXN-rihTNWNer58q5JL07XskSudlfQRaY\
         qIe1OnGoDcW3rejn6QOMTEYNgds183tyEIjvPQF3yGcLydA-cHBPuScABxp_kPTMSZWsXV1am-fU2nQt\
         iZjIYmK617dYCF5YMLjk_A";

    fn set() -> Value {
        json!({"keys": [
            {"kty": "RSA", "kid": "r1", "use": "enc", "n": "AQAB", "e": "AQAB"},
            {"kty": "RSA", "kid": "r1", "use": "sig", "n": MODULUS, "e": "AQAB"},
            {"kty": "oct", "kid": "r1", "k": "AQAB"}, 7,
        ]})
    }

    #[test]
    fn an_rsa_signature_holds_for_its_text_and_key_alone() {
        let keys = keys(&set());
        let text = format!("{SIGNED}.{SIGNATURE}");
        let token = IdToken::read(&text).unwrap();
        let key = token.key(&keys).unwrap();
        assert_eq!(token.verify(key), Ok(()));
        let expected = |now| Expected {
            issuer: "https://id.example.vn",
            client_id: "bantin",
            nonce: "n",
            access_token: None,
            now,
        };
        assert_eq!(token.check(&expected(1_800_000_000)), Ok(()));
        assert_eq!(token.check(&expected(1_800_000_359)), Ok(()));
        assert!(token.check(&expected(1_800_000_360)).is_err());
        let other = Jwk {
            n: key.n.as_ref().map(|n| n.replace('A', "B")),
            ..key.clone()
        };
        assert!(token.verify(&other).is_err());
        let changed = IdToken {
            signed: format!("{SIGNED}A"),
            ..token
        };
        assert!(changed.verify(key).is_err());
    }

    #[test]
    fn a_key_has_to_be_of_the_kind_of_the_algorithm() {
        let keys = keys(&set());
        let with = |header: Value| {
            let header = URL_SAFE_NO_PAD.encode(header.to_string());
            IdToken::read(&format!("{header}.e30.AA"))
        };
        assert!(with(json!({"alg": "RS256"})).unwrap().key(&keys).is_some());
        for header in [
            json!({"alg": "RS256", "kid": "r2"}),
            json!({"alg": "ES256", "kid": "r1"}),
            json!({"alg": "EdDSA"}),
        ] {
            assert!(with(header).unwrap().key(&keys).is_none());
        }
        for header in [
            json!({"alg": "none"}),
            json!({"alg": "HS256", "kid": "r1"}),
            json!({"alg": "rs256"}),
            json!({"alg": "PS256"}),
            json!({"alg": "RS256", "crit": ["exp"]}),
            json!({}),
        ] {
            assert!(with(header).is_err());
        }
        for text in ["", "..", "a.b.c", "e30.e30", &"a".repeat(MAX_TOKEN + 1)] {
            assert!(IdToken::read(text).is_err(), "{text}");
        }
    }
}
