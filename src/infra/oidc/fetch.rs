//! Requests to the provider, under limits: time, size, no redirects, TLS but on this machine.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use super::Failure;

/// Largest answer of a provider.
const MOST_BYTES: u64 = 256 * 1024;

/// Asks the provider.
pub(super) struct Fetch {
    agent: Agent,
}

impl Fetch {
    /// `plain`: the provider is on this machine and may speak without TLS.
    pub(super) fn new(timeout: Duration, plain: bool) -> Self {
        let mut tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        if !plain {
            tls = tls.root_certs(trusted());
        }
        let config = Agent::config_builder()
            .https_only(!plain)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(timeout))
            .max_response_header_size(16 * 1024)
            .max_idle_connections(0)
            .user_agent(concat!("bantin/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .tls_config(tls.build())
            .build();
        Self {
            agent: config.new_agent(),
        }
    }

    /// The JSON at an address.
    pub(super) fn get(&self, url: &str, bearer: Option<&str>) -> Result<Value, Failure> {
        let mut request = self.agent.get(url);
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        match read(url, request.call())? {
            (200, value) => Ok(value),
            (status, _) => Err(Failure::Unavailable(format!("{url} answers {status}"))),
        }
    }

    /// Status and JSON of the answer to a form.
    pub(super) fn post(
        &self,
        url: &str,
        form: &[(&str, &str)],
        authorization: Option<String>,
    ) -> Result<(u16, Value), Failure> {
        let mut request = self.agent.post(url);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        read(url, request.send_form(form.iter().copied()))
    }
}

fn read(
    url: &str,
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<(u16, Value), Failure> {
    let failed = |error: ureq::Error| Failure::Unavailable(format!("{url}: {error}"));
    let mut answer = answer.map_err(failed)?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(MOST_BYTES);
    let bytes = body.read_to_vec().map_err(failed)?;
    match serde_json::from_slice(&bytes) {
        Ok(value) => Ok((status, value)),
        // An error page need not be JSON.
        Err(_) if status != 200 => Ok((status, Value::Null)),
        Err(error) => Err(Failure::Unavailable(format!("{url}: {error}"))),
    }
}

/// What the system trusts.
fn trusted() -> RootCerts {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate of the system cannot be read");
    }
    if found.certs.is_empty() {
        tracing::error!("the system trusts no certificate: no provider can be reached");
    }
    let certs = found.certs.iter();
    RootCerts::from(certs.map(|cert| Certificate::from_der(cert).to_owned()))
}

/// `Authorization` of a client with a secret; both are form-encoded first (RFC 6749, 2.3.1).
pub(super) fn basic(id: &str, secret: &str) -> String {
    let encode =
        |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair = format!("{}:{}", encode(id), encode(secret));
    format!("Basic {}", STANDARD.encode(pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_secret_are_encoded_before_they_are_joined() {
        let wanted = format!("Basic {}", STANDARD.encode("a%3Ab:c+%2B"));
        assert_eq!(basic("a:b", "c +"), wanted);
    }
}
