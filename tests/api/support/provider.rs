//! An OpenID Connect provider on this machine that does what a test tells it, also what no provider
//! should.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{NOW, Portal};

pub const CLIENT: &str = "bantin";
/// With characters that have to be encoded on their way.
pub const SECRET: &str = "đồng-lúa + 1:2/3%";
pub const REDIRECT: &str = "https://editor.example.vn/dang-nhap";
const ROLES: &str = "phong-vien=reporter,bien-tap=editor,xuat-ban=publisher,quan-tri=admin";

/// How a token is signed.
#[derive(Clone, Copy, PartialEq)]
pub enum Signing {
    Ed25519,
    Es256,
    /// By a key that is in no set, under the name of one that is.
    Stranger,
    /// Not at all.
    Nothing,
    /// HS256, with the public key for a secret.
    PublicKey,
}

type Bend = Box<dyn Fn(&mut Value, &mut Value) + Send>;

/// What the provider does, and what it has seen.
pub struct Script {
    /// Claims of whoever signs in.
    pub user: Value,
    /// Answer of the user endpoint; none: there is no such endpoint.
    pub userinfo: Option<Value>,
    /// Members of the discovery document that are not as usual.
    pub discovery: Value,
    pub signing: Signing,
    /// Changes header and claims before they are signed.
    pub bend: Bend,
    /// Status and bytes at a path, whatever is asked.
    pub instead: HashMap<&'static str, (u16, Vec<u8>)>,
    /// The path that nobody ever gets an answer at.
    pub silent: Option<&'static str>,
    /// Unix seconds.
    pub now: i64,
    /// Paths that were asked for.
    pub asked: Vec<String>,
    /// Forms that came to the token endpoint.
    pub forms: Vec<HashMap<String, String>>,
    pub keys: Keys,
    codes: HashMap<String, Grant>,
    held: Vec<TcpStream>,
}

struct Grant {
    nonce: String,
    challenge: String,
}

/// The provider's signing keys.
pub struct Keys {
    kid: String,
    ed25519: Ed25519KeyPair,
    es256: EcdsaKeyPair,
}

impl Keys {
    pub fn new(kid: &str) -> Self {
        let random = SystemRandom::new();
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let es256 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self {
            kid: kid.to_owned(),
            ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).unwrap(),
            es256: EcdsaKeyPair::from_pkcs8(algorithm, es256.as_ref(), &random).unwrap(),
        }
    }

    fn set(&self) -> Value {
        let point = self.es256.public_key().as_ref();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"keys": [
            // Of a kind that nobody here knows.
            {"kty": "AKP", "alg": "ML-DSA-44", "kid": self.kid, "pub": "AA"},
            {"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": self.kid,
             "x": encode(self.ed25519.public_key().as_ref())},
            {"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": self.kid,
             "x": encode(&point[1..33]), "y": encode(&point[33..])},
        ]})
    }
}

/// The provider; ends with its value.
pub struct Provider {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Provider {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(Script {
            user: json!({
                "sub": "1f6c", "preferred_username": "Hà.Lê", "name": "Lê Thị Hà",
                "roles": ["bien-tap", "doc-gia"],
            }),
            userinfo: None,
            discovery: json!({}),
            signing: Signing::Ed25519,
            bend: Box::new(|_, _| ()),
            instead: HashMap::new(),
            silent: None,
            now: NOW / 1_000_000,
            asked: Vec::new(),
            forms: Vec::new(),
            keys: Keys::new("k1"),
            codes: HashMap::new(),
            held: Vec::new(),
        }));
        let over = Arc::new(AtomicBool::new(false));
        let (told, is_over) = (Arc::clone(&script), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                serve(stream.unwrap(), &told, address);
            }
        });
        Self {
            address,
            script,
            over,
            thread: Some(thread),
        }
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    pub fn issuer(&self) -> String {
        issuer(self.address)
    }

    /// A portal that this provider is set up for.
    pub async fn portal(&self, more: &[&str]) -> Portal {
        let issuer = self.issuer();
        let mut flags = vec!["--oidc-issuer", &issuer, "--oidc-client-id", CLIENT];
        flags.extend(["--oidc-client-secret", SECRET]);
        flags.extend(["--oidc-redirect-url", REDIRECT, "--oidc-roles", ROLES]);
        flags.extend(more);
        Portal::with(&flags).await
    }

    /// What a user does at the provider: signs in, and is sent back with a code. Answers the body
    /// for the end of the sign-in.
    pub fn visit(&self, started: &Value) -> Value {
        let url = url::Url::parse(started["authorization_url"].as_str().unwrap()).unwrap();
        let sent: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(sent["response_type"], "code");
        assert_eq!(sent["client_id"], CLIENT);
        assert_eq!(sent["redirect_uri"], REDIRECT);
        assert_eq!(sent["code_challenge_method"], "S256");
        assert_eq!(sent["state"], started["state"].as_str().unwrap());
        assert!(sent["scope"].split(' ').any(|scope| scope == "openid"));
        let mut script = self.script();
        let code = format!("code-{}", script.codes.len());
        let grant = Grant {
            nonce: sent["nonce"].clone(),
            challenge: sent["code_challenge"].clone(),
        };
        script.codes.insert(code.clone(), grant);
        json!({"code": code, "state": sent["state"], "binding": started["binding"]})
    }

    /// Makes the codes that are out belong to other verifiers.
    pub fn forget_verifiers(&self) {
        for grant in self.script().codes.values_mut() {
            grant.challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(b"other"));
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn issuer(address: SocketAddr) -> String {
    format!("http://{address}/realms/xa")
}

/// Reads one request and answers it.
fn serve(mut stream: TcpStream, script: &Mutex<Script>, address: SocketAddr) {
    let Some((path, headers, body)) = read(&mut stream) else {
        return;
    };
    let mut script = script.lock().unwrap();
    script.asked.push(path.clone());
    if script.silent.is_some_and(|silent| path.ends_with(silent)) {
        script.held.push(stream);
        return;
    }
    let instead = script.instead.iter().find(|(end, _)| path.ends_with(**end));
    let (status, bytes) = match instead {
        Some((_, answer)) => answer.clone(),
        None => {
            let (status, value) = answer(&mut script, &path, &headers, &body, address);
            (status, value.to_string().into_bytes())
        }
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         location: {}/else\r\nconnection: close\r\n\r\n",
        bytes.len(),
        issuer(address)
    );
    // Whoever has read enough goes.
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&bytes);
}

fn read(stream: &mut TcpStream) -> Option<(String, String, String)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                let path = head.split(' ').nth(1)?.to_owned();
                return Some((path, head.to_owned(), body.to_owned()));
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend(&chunk[..count]),
        }
    }
}

fn answer(
    script: &mut Script,
    path: &str,
    headers: &str,
    body: &str,
    address: SocketAddr,
) -> (u16, Value) {
    let issuer = issuer(address);
    match path.strip_prefix("/realms/xa").unwrap_or_default() {
        "/.well-known/openid-configuration" => {
            let mut found = json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/auth?tenant=xa"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
            });
            if script.userinfo.is_some() {
                found["userinfo_endpoint"] = json!(format!("{issuer}/me"));
            }
            for (name, value) in script.discovery.as_object().unwrap() {
                found[name] = value.clone();
            }
            (200, found)
        }
        "/keys" => (200, script.keys.set()),
        "/token" => token(script, headers, body, &issuer),
        "/me" if headers.contains("Bearer at-1") => (200, script.userinfo.clone().unwrap()),
        _ => (404, json!({})),
    }
}

fn token(script: &mut Script, headers: &str, body: &str, issuer: &str) -> (u16, Value) {
    let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    script.forms.push(form.clone());
    let encode =
        |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair = STANDARD.encode(format!("{}:{}", encode(CLIENT), encode(SECRET)));
    let basic = headers.contains(&format!("Basic {pair}"));
    let posted = form.get("client_secret").is_some_and(|it| it == SECRET);
    if !basic && !posted {
        return (401, json!({"error": "invalid_client"}));
    }
    let refused = (400, json!({"error": "invalid_grant"}));
    let Some(grant) = form.get("code").and_then(|code| script.codes.remove(code)) else {
        return refused;
    };
    let verifier = form.get("code_verifier").cloned().unwrap_or_default();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    if challenge != grant.challenge
        || form["redirect_uri"] != REDIRECT
        || form["grant_type"] != "authorization_code"
    {
        return refused;
    }
    let mut claims = json!({
        "iss": issuer, "aud": CLIENT, "iat": script.now, "exp": script.now + 300,
        "nonce": grant.nonce,
    });
    for (name, value) in script.user.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let algorithm = match script.signing {
        Signing::Ed25519 | Signing::Stranger => "EdDSA",
        Signing::Es256 => "ES256",
        Signing::Nothing => "none",
        Signing::PublicKey => "HS256",
    };
    let mut header = json!({"alg": algorithm, "typ": "JWT", "kid": script.keys.kid});
    (script.bend)(&mut header, &mut claims);
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let message = signed.as_bytes();
    let signature: Vec<u8> = match script.signing {
        Signing::Ed25519 => script.keys.ed25519.sign(message).as_ref().to_vec(),
        Signing::Stranger => Keys::new("k1").ed25519.sign(message).as_ref().to_vec(),
        Signing::Es256 => {
            let random = SystemRandom::new();
            let signature = script.keys.es256.sign(&random, message).unwrap();
            signature.as_ref().to_vec()
        }
        Signing::Nothing => Vec::new(),
        Signing::PublicKey => {
            let public = script.keys.ed25519.public_key().as_ref();
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, public);
            ring::hmac::sign(&key, message).as_ref().to_vec()
        }
    };
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    let answer = json!({"id_token": token, "access_token": "at-1", "token_type": "Bearer"});
    (200, answer)
}
