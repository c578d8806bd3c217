//! Signing in and out, the password, who one is, and the public keys of access tokens.

mod provider;
mod sessions;
mod totp;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use deserr::Deserr;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::caching::{JSON, NO_STORE, private_json, public_json, to_bytes};
use super::error::{ApiError, ApiResult, Code, Problem};
use super::extract::{Body, Can, NoParams, Params, SignedIn, client_address};
use crate::ctx::Ctx;
use crate::domain::content::PersonName;
use crate::domain::id::UserId;
use crate::domain::input::{FaultCode, Faults, Refusal as Fault, string, words};
use crate::domain::policy::{self, Right};
use crate::domain::reach::Reach;
use crate::domain::second_factor::SentCode;
use crate::domain::slug::Slug;
use crate::domain::user::{Login, NewPassword, Password, Pending, Role, SentLogin};
use crate::service::auth::{self, Client, Refusal, Tokens};
use crate::service::users::invitations;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(sign_in)
        .service(refresh)
        .service(logout)
        .service(change_password)
        .service(accept_invitation)
        .service(get_me)
        .service(get_jwks)
        .configure(provider::routes);
    sessions::routes(cfg);
    totp::routes(cfg);
}

/// Most bytes of a body here: anybody may send one.
const SMALL: usize = 16 * 1024;

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let challenged = |code| Self::new(code).header(header::WWW_AUTHENTICATE, "Bearer");
        match refusal {
            Refusal::Credentials => challenged(Code::BadCredentials),
            Refusal::SecondFactorRequired => challenged(Code::SecondFactorRequired),
            Refusal::SecondFactor => challenged(Code::BadSecondFactor),
            Refusal::RefreshToken => challenged(Code::BadRefreshToken),
            Refusal::TooMany(seconds) => Self::new(Code::TooManyRequests)
                .detail("too many failed attempts; wait before the next one")
                .header(header::RETRY_AFTER, seconds),
            Refusal::NoProvider => {
                Self::new(Code::NotFound).detail("no sign-in provider is set up here")
            }
            Refusal::ProviderFailed => Self::new(Code::ProviderFailed),
            Refusal::NotProven => challenged(Code::SignInFailed),
            Refusal::NoRole => Self::new(Code::NoRole),
            Refusal::Failed(error) => error.into(),
        }
    }
}

impl From<invitations::Refusal> for ApiError {
    fn from(refusal: invitations::Refusal) -> Self {
        use invitations::Refusal as R;
        match refusal {
            R::Invitation => {
                Self::new(Code::BadInvitation).header(header::WWW_AUTHENTICATE, "Bearer")
            }
            R::TooMany(seconds) => Refusal::TooMany(seconds).into(),
            R::Failed(error) => error.into(),
        }
    }
}

/// The secret of an invitation and the password that the user chooses.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct InvitationInput {
    #[schema(value_type = String, min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_-]+$")]
    token: SentToken,
    new_password: NewPassword,
}

/// Login and password.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct LoginInput {
    login: SentLogin,
    password: Password,
    /// Of the second factor; needed where the user has set one up.
    #[deserr(default)]
    code: Option<SentCode>,
}

/// A refresh token to exchange.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct RefreshInput {
    #[schema(value_type = String, min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_-]+$")]
    refresh_token: SentToken,
}

/// The password as it is and as it shall be.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct PasswordInput {
    current_password: Password,
    new_password: NewPassword,
}

/// A refresh token as somebody sent it. Never printed.
struct SentToken(String);

impl std::fmt::Debug for SentToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SentToken(…)")
    }
}

impl Deserr<Faults> for SentToken {
    fn deserialize_from_value<V: deserr::IntoValue>(
        value: deserr::Value<V>,
        location: deserr::ValuePointerRef,
    ) -> Result<Self, Faults> {
        let text = string(value, location)?;
        let fits = (1..=128).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        if fits {
            Ok(Self(text))
        } else {
            Err(Fault::new(FaultCode::BadFormat, "is not a refresh token").at(location))
        }
    }
}

words! {
    /// What a user may do, as the roles say it.
    UserRight { Write = "write", Edit = "edit", Publish = "publish", Administer = "administer" }
}

impl UserRight {
    fn of(roles: &[Role]) -> Vec<Self> {
        Self::ALL
            .iter()
            .copied()
            .filter(|right| {
                policy::has(
                    roles,
                    match right {
                        Self::Write => Right::Write,
                        Self::Edit => Right::Edit,
                        Self::Publish => Right::Publish,
                        Self::Administer => Right::Administer,
                    },
                )
            })
            .collect()
    }
}

/// The user who is signed in.
#[derive(Debug, Serialize, ToSchema)]
struct Me {
    id: UserId,
    login: Login,
    name: PersonName,
    #[schema(max_items = 4)]
    roles: Vec<Role>,
    /// What the roles allow: `write` own articles, `edit` any, `publish`, `administer` users and the
    /// portal.
    #[schema(max_items = 4)]
    rights: Vec<UserRight>,
    /// Slugs of the categories that the roles are limited to, descendants included; null is the
    /// whole portal, an empty list nowhere.
    #[schema(max_items = 100)]
    categories: Option<Vec<Slug>>,
    /// Somebody else chose the password: until it is changed, only this, `/v1/auth/password` and
    /// `/v1/auth/logout` answer.
    must_change_password: bool,
    /// A role demands a second factor: until it is set up with `/v1/auth/totp`, little else answers.
    must_set_up_second_factor: bool,
}

impl Me {
    fn new(
        (id, login, name): (UserId, Login, PersonName),
        roles: Vec<Role>,
        reach: &Reach,
        pending: Option<Pending>,
    ) -> Self {
        Self {
            categories: reach.slugs(),
            must_change_password: pending == Some(Pending::Password),
            must_set_up_second_factor: pending == Some(Pending::SecondFactor),
            rights: UserRight::of(&roles),
            id,
            login,
            name,
            roles,
        }
    }
}

words! {
    /// How the access token is sent: `Authorization: Bearer <token>`.
    TokenType { Bearer = "Bearer" }
}

/// What a client gets for a password or a refresh token.
#[derive(Serialize, ToSchema)]
struct TokenPair {
    /// A JWT; its keys are at `/.well-known/jwks.json`.
    #[schema(
        max_length = 4096,
        pattern = "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$"
    )]
    access_token: String,
    token_type: TokenType,
    /// Seconds that the access token is good for.
    #[schema(minimum = 0, maximum = 86400)]
    expires_in: i64,
    /// Good once; exchange it before the access token expires.
    #[schema(max_length = 128, pattern = "^[A-Za-z0-9_-]+$")]
    refresh_token: String,
    /// Seconds until the sign-in ends, however often it is refreshed.
    #[schema(minimum = 0, maximum = 31536000)]
    refresh_expires_in: i64,
    user: Me,
}

fn pair(ctx: &Ctx, tokens: Tokens) -> ApiResult {
    let user = tokens.user;
    let pending = user.pending(ctx.settings.totp_roles());
    let pair = TokenPair {
        access_token: tokens.access_token,
        token_type: TokenType::Bearer,
        expires_in: tokens.expires_in,
        refresh_token: tokens.refresh_token,
        refresh_expires_in: tokens.refresh_expires_in,
        user: Me::new(
            (user.id, user.login, user.name),
            user.roles,
            &user.reach,
            pending,
        ),
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, NO_STORE))
        .content_type(JSON)
        .body(to_bytes(&pair)?))
}

fn done() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::CACHE_CONTROL, NO_STORE))
        .finish()
}

/// Who speaks for somebody that signs in.
fn client(request: &HttpRequest, ctx: &Ctx) -> Client {
    Client {
        address: client_address(request, ctx),
        agent: agent(request),
    }
}

/// How the client calls itself, shortened; to recognise a sign-in by, and for nothing else.
fn agent(request: &HttpRequest) -> Option<String> {
    let said = request.headers().get(header::USER_AGENT)?.to_str().ok()?;
    let short: String = said.chars().filter(|c| !c.is_control()).take(120).collect();
    (!short.trim().is_empty()).then(|| short.trim().to_owned())
}

/// Sign in.
///
/// Exchanges login and password for a pair of tokens. A wrong password, an unknown login and a
/// disabled user are answered alike (401 `bad_credentials`). After too many failures the account or
/// the address has to wait (429 with `Retry-After`). Who has set up a second factor sends a code of
/// it too: without one the right password is answered 401 `second_factor_required`, which counts
/// for nothing; a wrong code is 401 `bad_second_factor`, which counts as a failure.
#[utoipa::path(operation_id = "login", tag = "auth", security(()), request_body = LoginInput, responses(
    (status = 200, description = "Signed in", body = TokenPair),
    (status = 401, description = "Login, password or code is wrong, or a code is needed", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/auth/login")]
async fn sign_in(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _: Params<NoParams>,
    body: Body<LoginInput, SMALL>,
) -> ApiResult {
    let LoginInput {
        login,
        password,
        code,
    } = body.read()?;
    let client = client(&request, &ctx);
    let tokens = auth::login(&ctx, client, login, password, code).await?;
    pair(&ctx, tokens)
}

/// Exchange a refresh token.
///
/// Answers a new pair; the token that was sent is used up. A client that lost the answer may send
/// the same token again within 60 seconds, as long as the pair it missed has not been used. Any
/// other second use is taken for theft and ends the sign-in (401 `bad_refresh_token`). A sign-in
/// that was not refreshed for `BANTIN_SESSION_IDLE_HOURS` is over.
#[utoipa::path(operation_id = "refresh_token", tag = "auth", security(()), request_body = RefreshInput, responses(
    (status = 200, description = "A new pair of tokens", body = TokenPair),
    (status = 401, description = "The refresh token is not valid", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/auth/refresh")]
async fn refresh(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _: Params<NoParams>,
    body: Body<RefreshInput, SMALL>,
) -> ApiResult {
    let token = body.read()?.refresh_token;
    let address = client_address(&request, &ctx);
    let tokens = auth::refresh(&ctx, address, &token.0).await?;
    pair(&ctx, tokens)
}

/// Sign out.
///
/// Ends the sign-in that the access token belongs to: its access and refresh tokens are refused
/// from now on.
#[utoipa::path(operation_id = "logout", tag = "auth", security(("bearer" = [])), responses(
    (status = 204, description = "Signed out"),
))]
#[post("/v1/auth/logout")]
async fn logout(ctx: web::Data<Ctx>, can: Can<SignedIn>, _: Params<NoParams>) -> ApiResult {
    auth::logout(&ctx, can.actor, can.address).await?;
    Ok(done())
}

/// Change one's password.
///
/// All other sign-ins of the user end. Who has to change a password that somebody else chose must
/// choose another one (422). A wrong current password is 401 `bad_credentials` and
/// counts as a failed sign-in.
#[utoipa::path(operation_id = "change_password", tag = "auth", security(("bearer" = [])), request_body = PasswordInput, responses(
    (status = 204, description = "Changed"),
))]
#[post("/v1/auth/password")]
async fn change_password(
    ctx: web::Data<Ctx>,
    can: Can<SignedIn>,
    _: Params<NoParams>,
    body: Body<PasswordInput, SMALL>,
) -> ApiResult {
    let PasswordInput {
        current_password,
        new_password,
    } = body.read()?;
    auth::change_password(&ctx, can.actor, can.address, current_password, new_password).await?;
    Ok(done())
}

/// Accept an invitation.
///
/// Sets the password of the invited user and uses the invitation up; then sign in. An invitation
/// that is unknown, used, replaced or older than 72 hours is 401 `bad_invitation`, and counts as a
/// failed sign-in of the address.
#[utoipa::path(operation_id = "accept_invitation", tag = "auth", security(()), request_body = InvitationInput, responses(
    (status = 204, description = "The password is set"),
    (status = 401, description = "The invitation is not valid", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/auth/invitation")]
async fn accept_invitation(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _: Params<NoParams>,
    body: Body<InvitationInput, SMALL>,
) -> ApiResult {
    let InvitationInput {
        token,
        new_password,
    } = body.read()?;
    let address = client_address(&request, &ctx);
    invitations::accept(&ctx, address, &token.0, new_password).await?;
    Ok(done())
}

/// Who am I?
///
/// The user behind the access token, with the roles and rights of this moment.
#[utoipa::path(operation_id = "get_me", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, description = "The user", body = Me),
))]
#[get("/v1/auth/me")]
async fn get_me(request: HttpRequest, can: Can<SignedIn>, _: Params<NoParams>) -> ApiResult {
    let actor = can.actor;
    let me = Me::new(
        (actor.user_id, actor.login, actor.name),
        actor.roles,
        &actor.reach,
        actor.pending,
    );
    private_json(&request, &me)
}

/// One public key (RFC 8037).
#[derive(ToSchema)]
pub struct Jwk {
    #[schema(max_length = 10, pattern = "^OKP$")]
    pub kty: String,
    #[schema(max_length = 10, pattern = "^Ed25519$")]
    pub crv: String,
    #[schema(rename = "use", max_length = 10, pattern = "^sig$")]
    pub usage: String,
    #[schema(max_length = 10, pattern = "^EdDSA$")]
    pub alg: String,
    /// Names the key in the header of a token.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    pub kid: String,
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    pub x: String,
}

/// The public keys of access tokens (RFC 7517).
#[derive(ToSchema)]
pub struct JwkSet {
    #[schema(max_items = 100)]
    pub keys: Vec<Jwk>,
}

/// The public keys.
///
/// Whoever is handed an access token can check its signature with these.
#[utoipa::path(operation_id = "get_jwks", tag = "auth", security(()), responses(
    (status = 200, description = "A JSON Web Key Set", body = JwkSet),
))]
#[get("/.well-known/jwks.json")]
async fn get_jwks(request: HttpRequest, ctx: web::Data<Ctx>) -> ApiResult {
    public_json(&request, &ctx, &ctx.keys.jwks())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::domain::input::parse;
    use serde_json::json;

    #[test]
    fn secrets_are_not_printed() {
        let body = json!({"login": "Minh.An", "password": "bí mật lớn lao"});
        let login = format!("{:?}", parse::<LoginInput>(body).unwrap());
        assert!(
            login.contains("Minh.An") && !login.contains("bí mật"),
            "{login}"
        );
        let input = parse::<RefreshInput>(json!({"refresh_token": "abc123"})).unwrap();
        assert!(!format!("{input:?}").contains("abc123"));
    }

    #[test]
    fn what_cannot_be_a_refresh_token_is_refused() {
        for bad in ["", "a b", "ä", &"a".repeat(129)] {
            assert!(
                parse::<RefreshInput>(json!({"refresh_token": bad})).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn admins_have_no_rights_over_content() {
        assert_eq!(UserRight::of(&[Role::Admin]), [UserRight::Administer]);
        assert_eq!(
            UserRight::of(&[Role::Publisher]),
            [UserRight::Write, UserRight::Edit, UserRight::Publish]
        );
    }
}
