//! Signing in through an OpenID Connect provider.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, post, web};
use deserr::Deserr;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{SMALL, SentToken, TokenPair, pair};
use crate::ctx::Ctx;
use crate::domain::input::{FaultCode, Faults, Refusal as Fault, string};
use crate::http::caching::{JSON, NO_STORE, to_bytes};
use crate::http::error::{ApiResult, Problem};
use crate::http::extract::{Body, NoParams, Params, client_address};
use crate::service::auth::provider::{self, Returned};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(start).service(finish);
}

/// A sign-in that has begun.
#[derive(Serialize, ToSchema)]
struct ProviderSignIn {
    /// Where to send the browser.
    #[schema(format = "uri", max_length = 8192)]
    authorization_url: String,
    /// Comes back with the browser; compare it before anything else.
    #[schema(max_length = 128, pattern = "^[A-Za-z0-9_-]+$")]
    state: String,
    /// Keep it in this browser, as in `sessionStorage`, and send it with the code. It never leaves
    /// the front end otherwise.
    #[schema(max_length = 128, pattern = "^[A-Za-z0-9_-]+$")]
    binding: String,
    /// Seconds that the user has for it.
    #[schema(minimum = 0, maximum = 3600)]
    expires_in: i64,
}

/// What the browser brought back, and the binding that stayed.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct ProviderAnswer {
    #[schema(value_type = String, min_length = 1, max_length = 2048, pattern = "^[ -~]+$")]
    code: Sent,
    #[schema(value_type = String, min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_-]+$")]
    state: SentToken,
    #[schema(value_type = String, min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_-]+$")]
    binding: SentToken,
    /// The parameter `iss`, where the provider sent one (RFC 9207).
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2048, pattern = "^[ -~]+$")]
    iss: Option<Sent>,
}

/// A parameter of the provider's, as it came. Never printed: codes are secrets.
struct Sent(String);

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sent(…)")
    }
}

impl Deserr<Faults> for Sent {
    fn deserialize_from_value<V: deserr::IntoValue>(
        value: deserr::Value<V>,
        location: deserr::ValuePointerRef,
    ) -> Result<Self, Faults> {
        let text = string(value, location)?;
        let fits =
            (1..=2048).contains(&text.len()) && text.bytes().all(|b| matches!(b, b' '..=b'~'));
        if fits {
            Ok(Self(text))
        } else {
            Err(Fault::new(FaultCode::BadFormat, "is no answer of a provider").at(location))
        }
    }
}

/// Begin a sign-in through the provider.
///
/// Answers the address of the provider that the browser has to be sent to. The provider sends it
/// back to the page that the server is set up with, with `code` and `state`; from there
/// `/v1/auth/oidc/finish` answers a pair of tokens. 404 where no provider is set up, 502 where it
/// cannot be reached.
#[utoipa::path(operation_id = "start_provider_sign_in", tag = "auth", security(()), responses(
    (status = 200, description = "Begun", body = ProviderSignIn),
    (status = 502, description = "The provider does not answer as it should", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/auth/oidc/start")]
async fn start(request: HttpRequest, ctx: web::Data<Ctx>, _: Params<NoParams>) -> ApiResult {
    let address = client_address(&request, &ctx);
    let started = provider::start(&ctx, address).await?;
    let sign_in = ProviderSignIn {
        authorization_url: started.authorization_url,
        state: started.state,
        binding: started.binding,
        expires_in: started.expires_in,
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, NO_STORE))
        .content_type(JSON)
        .body(to_bytes(&sign_in)?))
}

/// Finish a sign-in through the provider.
///
/// Exchanges what the browser brought back for a pair of tokens, as signing in with a password
/// does. Somebody new becomes a user without a password; the roles follow the provider's claim at
/// every sign-in. A state is good once, for ten minutes, and only with its binding. What does not
/// prove who somebody is, and a disabled user, is 401 `sign_in_failed`; who gets no role from the
/// claim is refused with 403 `no_role`.
#[utoipa::path(operation_id = "finish_provider_sign_in", tag = "auth", security(()), request_body = ProviderAnswer, responses(
    (status = 200, description = "Signed in", body = TokenPair),
    (status = 401, description = "The sign-in has failed", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "The provider gives no role", body = Problem, content_type = "application/problem+json"),
    (status = 502, description = "The provider does not answer as it should", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/auth/oidc/finish")]
async fn finish(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _: Params<NoParams>,
    body: Body<ProviderAnswer, SMALL>,
) -> ApiResult {
    let sent = body.read()?;
    let client = super::client(&request, &ctx);
    let returned = Returned {
        code: sent.code.0,
        state: sent.state.0,
        binding: sent.binding.0,
        iss: sent.iss.map(|iss| iss.0),
    };
    let tokens = provider::finish(&ctx, client, returned).await?;
    pair(&ctx, tokens)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::domain::input::parse;
    use serde_json::json;

    #[test]
    fn codes_and_bindings_are_not_printed() {
        let body = json!({"code": "c0de", "state": "s7ate", "binding": "b1nd", "iss": null});
        let text = format!("{:?}", parse::<ProviderAnswer>(body).unwrap());
        for secret in ["c0de", "s7ate", "b1nd"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
