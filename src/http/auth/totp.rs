//! One's second factor: an authenticator app, and recovery codes for when it is lost.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use deserr::Deserr;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{SMALL, done};
use crate::ctx::Ctx;
use crate::domain::input::Faults;
use crate::domain::second_factor::{RecoveryCode, SentCode};
use crate::domain::user::{Password, Pending};
use crate::http::caching::{JSON, NO_STORE, private_json, to_bytes};
use crate::http::error::{ApiResult, Problem};
use crate::http::extract::{Body, Can, NoParams, Params, SignedIn};
use crate::service::auth::second_factor;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_totp)
        .service(start_totp)
        .service(confirm_totp)
        .service(disable_totp)
        .service(renew_recovery_codes);
}

/// One's password, asked for once more.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct TotpStart {
    current_password: Password,
}

/// A code.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct TotpCode {
    code: SentCode,
}

/// One's second factor.
#[derive(Debug, Serialize, ToSchema)]
struct TotpState {
    /// Is a code asked for after the password?
    enabled: bool,
    /// A role demands one that is not there: until it is set up, little else answers.
    setup_required: bool,
    /// Null without a second factor.
    #[schema(minimum = 0, maximum = 10)]
    recovery_codes_left: Option<i64>,
}

/// What an authenticator app needs, shown only now.
#[derive(Serialize, ToSchema)]
struct TotpSecret {
    /// In base 32, to be typed in.
    #[schema(max_length = 32, pattern = "^[A-Z2-7]{32}$")]
    secret: String,
    /// The same with the names of the portal and the user; show it as a QR code.
    #[schema(max_length = 4000, format = "uri")]
    otpauth_url: String,
}

/// Ten recovery codes, shown only now; each is good once, in place of a code of the app.
#[derive(Serialize, ToSchema)]
struct RecoveryCodes {
    #[schema(value_type = Vec<RecoveryCode>, max_items = 10)]
    recovery_codes: Vec<String>,
}

impl utoipa::PartialSchema for RecoveryCode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::{ObjectBuilder, Type};
        let schema = ObjectBuilder::new().schema_type(Type::String);
        schema
            .pattern(Some(Self::PATTERN))
            .max_length(Some(19))
            .into()
    }
}
impl ToSchema for RecoveryCode {}

/// An answer that holds a secret.
fn secret(body: &impl Serialize) -> ApiResult {
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, NO_STORE))
        .content_type(JSON)
        .body(to_bytes(body)?))
}

fn shown(codes: &[RecoveryCode]) -> ApiResult {
    secret(&RecoveryCodes {
        recovery_codes: codes.iter().map(RecoveryCode::shown).collect(),
    })
}

/// Have I a second factor?
///
/// Whether a code is asked for after the password, whether a role demands it, and how many recovery
/// codes are left.
#[utoipa::path(operation_id = "get_totp", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, description = "The second factor", body = TotpState),
))]
#[get("/v1/auth/totp")]
async fn get_totp(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<SignedIn>,
    _: Params<NoParams>,
) -> ApiResult {
    let left = second_factor::recovery_codes_left(&ctx, &can.actor).await?;
    let state = TotpState {
        enabled: left.is_some(),
        setup_required: can.actor.pending == Some(Pending::SecondFactor),
        recovery_codes_left: left,
    };
    private_json(&request, &state)
}

/// Set up an authenticator app.
///
/// Answers a secret for the app (RFC 6238: SHA-1, six digits, 30 seconds). Nothing is asked for
/// until `POST /v1/auth/totp/confirm` has seen a code of it; a secret that was not confirmed is
/// replaced. A wrong password is 401 `bad_credentials` and counts as a failed sign-in.
#[utoipa::path(operation_id = "start_totp", tag = "auth", security(("bearer" = [])), request_body = TotpStart, responses(
    (status = 200, description = "The secret", body = TotpSecret),
    (status = 409, description = "The second factor is on", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/auth/totp")]
async fn start_totp(
    ctx: web::Data<Ctx>,
    can: Can<SignedIn>,
    _: Params<NoParams>,
    body: Body<TotpStart, SMALL>,
) -> ApiResult {
    let password = body.read()?.current_password;
    let made = second_factor::start(&ctx, can.actor, can.address, password).await?;
    secret(&TotpSecret {
        secret: made.secret,
        otpauth_url: made.url,
    })
}

/// Turn the second factor on.
///
/// Takes a code of the app, and answers ten recovery codes, which are shown only now. From here on
/// `POST /v1/auth/login` asks for a code; all other sign-ins of the user end. A code is good once,
/// in its own thirty seconds and in those before and after; a wrong one is 422.
#[utoipa::path(operation_id = "confirm_totp", tag = "auth", security(("bearer" = [])), request_body = TotpCode, responses(
    (status = 200, description = "Turned on", body = RecoveryCodes),
    (status = 409, description = "It is on already, or no secret was asked for", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/auth/totp/confirm")]
async fn confirm_totp(
    ctx: web::Data<Ctx>,
    can: Can<SignedIn>,
    _: Params<NoParams>,
    body: Body<TotpCode, SMALL>,
) -> ApiResult {
    let code = body.read()?.code;
    shown(&second_factor::confirm(&ctx, can.actor, can.address, code).await?)
}

/// Turn the second factor off.
///
/// Takes a code of the app or a recovery code; a wrong one is 401 `bad_second_factor` and counts as
/// a failed sign-in. Where a role demands a second factor, another one has to be set up before
/// anything else.
#[utoipa::path(operation_id = "disable_totp", tag = "auth", security(("bearer" = [])), request_body = TotpCode, responses(
    (status = 204, description = "Turned off"),
    (status = 409, description = "It is off already", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/auth/totp/disable")]
async fn disable_totp(
    ctx: web::Data<Ctx>,
    can: Can<SignedIn>,
    _: Params<NoParams>,
    body: Body<TotpCode, SMALL>,
) -> ApiResult {
    let code = body.read()?.code;
    second_factor::disable(&ctx, can.actor, can.address, code).await?;
    Ok(done())
}

/// Replace one's recovery codes.
///
/// Takes a code as turning it off does. The ten new codes are shown only now; the old ones are void.
#[utoipa::path(operation_id = "renew_recovery_codes", tag = "auth", security(("bearer" = [])), request_body = TotpCode, responses(
    (status = 200, description = "The new codes", body = RecoveryCodes),
    (status = 409, description = "The second factor is off", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/auth/totp/recovery-codes")]
async fn renew_recovery_codes(
    ctx: web::Data<Ctx>,
    can: Can<SignedIn>,
    _: Params<NoParams>,
    body: Body<TotpCode, SMALL>,
) -> ApiResult {
    let code = body.read()?.code;
    shown(&second_factor::renew_recovery_codes(&ctx, can.actor, can.address, code).await?)
}
