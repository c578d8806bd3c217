//! One OpenID Connect provider as its client sees it: discovery, the address to send a browser to,
//! and what a code proves. Everything that asks the provider blocks: call it off the async threads.

mod fetch;
mod id_token;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use url::Url;

use self::fetch::Fetch;
use self::id_token::{Expected, IdToken, Jwk};

/// Discovery and keys are asked for again after this time.
const KEPT_SECONDS: i64 = 3600;
/// A token that names an unknown key has the keys asked for again, at most this often.
const AGAIN_SECONDS: i64 = 60;

/// Which provider, and as whom it knows us.
#[derive(Clone)]
pub struct Options {
    pub issuer: String,
    pub client_id: String,
    /// None for a public client.
    pub client_secret: Option<String>,
    pub redirect_url: String,
    pub scopes: String,
    /// Of each request to the provider, from the name look-up to the last byte.
    pub timeout: Duration,
}

/// Why somebody is not proven to be anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The provider cannot be reached, or does not answer as it should. For the log.
    Unavailable(String),
    /// It answered, and what it said proves nothing. For the log.
    Refused(String),
}

/// The secrets of one sign-in that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    pub nonce: String,
    /// PKCE (RFC 7636).
    pub verifier: String,
}

/// What a browser brought back.
pub struct Callback {
    pub code: String,
    /// RFC 9207.
    pub iss: Option<String>,
}

/// What the provider says of itself; as much of it as is used.
#[derive(Debug, Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
    access_token: Option<String>,
}

/// Something that was fetched, and when.
struct Kept<T> {
    at: i64,
    value: Arc<T>,
}

#[derive(Default)]
struct Keys {
    kept: Option<Kept<Vec<Jwk>>>,
    /// When an unknown key last had them asked for.
    again_at: Option<i64>,
}

/// The provider; made once, shared by all requests.
pub struct Provider {
    options: Options,
    fetch: Fetch,
    discovery: Mutex<Option<Kept<Discovery>>>,
    keys: Mutex<Keys>,
}

impl Provider {
    pub fn new(options: Options) -> Self {
        Self {
            fetch: Fetch::new(options.timeout, is_plain(&options.issuer)),
            options,
            discovery: Mutex::default(),
            keys: Mutex::default(),
        }
    }

    pub fn issuer(&self) -> &str {
        &self.options.issuer
    }

    /// Where to send the browser.
    pub fn authorization_url(
        &self,
        state: &str,
        secrets: &Secrets,
        now: i64,
    ) -> Result<String, Failure> {
        let discovery = self.discovery(now)?;
        let mut url = Url::parse(&discovery.authorization_endpoint)
            .map_err(|error| Failure::Unavailable(format!("authorization_endpoint: {error}")))?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(secrets.verifier.as_bytes()));
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.options.client_id)
            .append_pair("redirect_uri", &self.options.redirect_url)
            .append_pair("scope", &self.options.scopes)
            .append_pair("state", state)
            .append_pair("nonce", &secrets.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Exchanges the code and answers what the provider says of the user. `wanted`: a claim that
    /// the user endpoint is asked for where the ID token lacks it.
    pub fn claims(
        &self,
        callback: &Callback,
        secrets: &Secrets,
        wanted: impl Fn(&Map<String, Value>) -> bool,
        now: i64,
    ) -> Result<Map<String, Value>, Failure> {
        let refused = |why: &str| Failure::Refused(why.to_owned());
        let discovery = self.discovery(now)?;
        match &callback.iss {
            Some(iss) if *iss != self.options.issuer => {
                return Err(refused("the browser comes from another issuer"));
            }
            None if discovery.authorization_response_iss_parameter_supported => {
                return Err(refused("the browser brought no issuer"));
            }
            _ => {}
        }
        let answer = self.exchange(&discovery, &callback.code, &secrets.verifier)?;
        let token = IdToken::read(&answer.id_token).map_err(Failure::Refused)?;
        self.check_signature(&token, &discovery, now)?;
        token
            .check(&Expected {
                issuer: &self.options.issuer,
                client_id: &self.options.client_id,
                nonce: &secrets.nonce,
                access_token: answer.access_token.as_deref(),
                now,
            })
            .map_err(Failure::Refused)?;
        let mut claims = token.claims;
        if let (false, Some(url), Some(access_token)) = (
            wanted(&claims),
            &discovery.userinfo_endpoint,
            &answer.access_token,
        ) {
            let more = self.fetch.get(url, Some(access_token))?;
            let Value::Object(more) = more else {
                return Err(Failure::Unavailable("userinfo is no object".to_owned()));
            };
            // An answer about somebody else must not be mixed in (OpenID Connect Core 5.3.2).
            if more.get("sub") != claims.get("sub") {
                return Err(refused("userinfo is about somebody else"));
            }
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
        Ok(claims)
    }

    fn exchange(
        &self,
        discovery: &Discovery,
        code: &str,
        verifier: &str,
    ) -> Result<TokenAnswer, Failure> {
        let Options {
            client_id,
            client_secret,
            redirect_url,
            ..
        } = &self.options;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_url),
            ("code_verifier", verifier),
        ];
        let methods = discovery.token_endpoint_auth_methods_supported.as_ref();
        let basic = methods.is_none_or(|list| list.iter().any(|m| m == "client_secret_basic"));
        let mut authorization = None;
        match client_secret {
            Some(secret) if basic => authorization = Some(fetch::basic(client_id, secret)),
            Some(secret) => form.extend([
                ("client_id", client_id.as_str()),
                ("client_secret", secret.as_str()),
            ]),
            None => form.push(("client_id", client_id)),
        }
        let (status, answer) = self
            .fetch
            .post(&discovery.token_endpoint, &form, authorization)?;
        if status == 200 {
            return serde_json::from_value(answer)
                .map_err(|error| Failure::Unavailable(format!("token endpoint: {error}")));
        }
        let error = answer.get("error").and_then(Value::as_str);
        let error: String = error.unwrap_or_default().chars().take(64).collect();
        let why = format!("the token endpoint answers {status} {error:?}");
        // What the browser brought is wrong; everything else is wrong with us or with the provider.
        match error.as_str() {
            "invalid_grant" => Err(Failure::Refused(why)),
            _ => Err(Failure::Unavailable(why)),
        }
    }

    fn discovery(&self, now: i64) -> Result<Arc<Discovery>, Failure> {
        if let Some(known) = young(lock(&self.discovery).as_ref(), now) {
            return Ok(known);
        }
        let issuer = &self.options.issuer;
        let base = issuer.trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let found: Discovery = serde_json::from_value(self.fetch.get(&url, None)?)
            .map_err(|error| Failure::Unavailable(format!("discovery: {error}")))?;
        if found.issuer != *issuer {
            return Err(Failure::Unavailable(format!(
                "discovery is of another issuer: {:?}",
                found.issuer
            )));
        }
        let pkce = found.code_challenge_methods_supported.as_ref();
        if pkce.is_some_and(|methods| !methods.iter().any(|method| method == "S256")) {
            return Err(Failure::Unavailable("it does not know PKCE".to_owned()));
        }
        let endpoints = [
            Some(&found.authorization_endpoint),
            Some(&found.token_endpoint),
            Some(&found.jwks_uri),
            found.userinfo_endpoint.as_ref(),
        ];
        for endpoint in endpoints.into_iter().flatten() {
            if !may_be_asked(endpoint, is_plain(issuer)) {
                return Err(Failure::Unavailable(format!("discovery: {endpoint:?}")));
            }
        }
        let value = Arc::new(found);
        *lock(&self.discovery) = Some(Kept {
            at: now,
            value: Arc::clone(&value),
        });
        Ok(value)
    }

    fn check_signature(
        &self,
        token: &IdToken,
        discovery: &Discovery,
        now: i64,
    ) -> Result<(), Failure> {
        let known = young(lock(&self.keys).kept.as_ref(), now);
        let (keys, fresh) = match known {
            Some(keys) => (keys, false),
            None => (self.fetch_keys(discovery, now)?, true),
        };
        let mut key = token.key(&keys).cloned();
        if key.is_none() && !fresh {
            {
                let mut keys = lock(&self.keys);
                if keys.again_at.is_some_and(|at| now < at + AGAIN_SECONDS) {
                    return Err(Failure::Refused("its key is unknown".to_owned()));
                }
                keys.again_at = Some(now);
            }
            key = token.key(&self.fetch_keys(discovery, now)?).cloned();
        }
        let key = key.ok_or_else(|| Failure::Refused("its key is unknown".to_owned()))?;
        token.verify(&key).map_err(Failure::Refused)
    }

    fn fetch_keys(&self, discovery: &Discovery, now: i64) -> Result<Arc<Vec<Jwk>>, Failure> {
        let found = self.fetch.get(&discovery.jwks_uri, None)?;
        let value = Arc::new(id_token::keys(&found));
        lock(&self.keys).kept = Some(Kept {
            at: now,
            value: Arc::clone(&value),
        });
        Ok(value)
    }
}

fn young<T>(kept: Option<&Kept<T>>, now: i64) -> Option<Arc<T>> {
    kept.filter(|kept| now < kept.at + KEPT_SECONDS)
        .map(|kept| Arc::clone(&kept.value))
}

/// What was stored is whole, also where the thread that stored it went on to fail.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Is this an issuer without TLS? Only one on this machine may be.
fn is_plain(issuer: &str) -> bool {
    issuer.starts_with("http:")
}

/// An address with TLS, or without it on this machine.
fn may_be_asked(text: &str, plain: bool) -> bool {
    Url::parse(text).is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => plain && is_loopback(&url),
        _ => false,
    })
}

/// Does an address lead to this machine?
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
