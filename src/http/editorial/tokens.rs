//! API tokens: everybody's own under `/v1/auth/tokens`, those of services, and all of them for an
//! admin to see and revoke, under `/v1/editorial/tokens`.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use deserr::Deserr;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::deleted;
use crate::ctx::Ctx;
use crate::domain::id::{TokenId, UserId};
use crate::domain::input::Faults;
use crate::domain::time::{Instant, Zone};
use crate::domain::token::{ApiToken, Scope, TokenName, TokenSecret};
use crate::domain::user::Login;
use crate::http::caching::{JSON, NO_STORE, private_json, private_list, to_bytes};
use crate::http::error::{ApiError, ApiResult, Code, Problem};
use crate::http::extract::{
    Administer, Body, Can, FromQuery, NoParams, PageParams, Paging, Params, Query, Segment,
    SignedIn,
};
use crate::http::next_link;
use crate::service::tokens::{self as service, Holder, NewToken};
use crate::store::editorial::tokens;
use crate::store::public::portal;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_own_tokens)
        .service(create_own_token)
        .service(get_own_token)
        .service(revoke_own_token)
        .service(list_tokens)
        .service(create_service_token)
        .service(get_token)
        .service(revoke_token);
}

/// An API token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiToken)]
struct TokenOut {
    id: TokenId,
    /// Whose roles bound what it may do.
    user_id: UserId,
    login: Login,
    name: TokenName,
    /// The last characters of the secret, to tell tokens apart.
    #[schema(max_length = 4, pattern = "^[0-9A-Za-z]{4}$")]
    hint: String,
    #[schema(max_items = 20)]
    scopes: Vec<Scope>,
    created_at: Instant,
    /// From then on it is refused; null for one that does not expire.
    expires_at: Option<Instant>,
    /// Since when it is refused; null for one that was not revoked.
    revoked_at: Option<Instant>,
    /// Exact to a minute; null for one that was never used.
    last_used_at: Option<Instant>,
}

impl TokenOut {
    fn new(token: ApiToken, zone: &Zone) -> Self {
        let show = |at: Option<Instant>| at.map(|at| zone.show(at));
        Self {
            id: token.id,
            user_id: token.user_id,
            login: token.login,
            name: token.name,
            hint: token.hint,
            scopes: token.scopes,
            created_at: zone.show(token.created_at),
            expires_at: show(token.expires_at),
            revoked_at: show(token.revoked_at),
            last_used_at: show(token.last_used_at),
        }
    }
}

/// A new API token with its secret.
#[derive(Serialize, ToSchema)]
struct ShownToken {
    #[serde(flatten)]
    token: TokenOut,
    /// Shown only now: only a digest of it is stored. Sent as `Authorization: Bearer <secret>`.
    #[schema(max_length = 50, pattern = "^bantin_(pat|svc)_[0-9A-Za-z]{39}$")]
    secret: String,
}

/// A page of API tokens, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct TokenList {
    #[schema(max_items = 100)]
    items: Vec<TokenOut>,
    /// Cursor of the next page; null on the last one.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
}

/// A token of one's own, to be made.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct OwnTokenInput {
    name: TokenName,
    /// Each once; answered in a fixed order.
    #[deserr(try_from(Vec<Scope>) = crate::domain::token::ordered -> crate::domain::input::Refusal)]
    #[schema(min_items = 1, max_items = 20)]
    scopes: Vec<Scope>,
    /// At most 366 days ahead.
    expires_at: Instant,
}

/// A token of a service, to be made.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct ServiceTokenInput {
    /// A user of the kind `service`.
    user_id: UserId,
    name: TokenName,
    /// Each once; answered in a fixed order.
    #[deserr(try_from(Vec<Scope>) = crate::domain::token::ordered -> crate::domain::input::Refusal)]
    #[schema(min_items = 1, max_items = 20)]
    scopes: Vec<Scope>,
    /// Null for one that does not expire.
    #[deserr(default)]
    expires_at: Option<Instant>,
}

struct OwnQuery(Paging);

impl FromQuery for OwnQuery {
    fn read(query: &mut Query) -> Self {
        Self(Paging::read(query, "own tokens"))
    }
}

struct AllQuery {
    user: Option<UserId>,
    context: String,
    paging: Paging,
}

impl FromQuery for AllQuery {
    fn read(query: &mut Query) -> Self {
        let user: Option<UserId> = query.take("user_id", str::parse);
        let context = format!("tokens {user:?}");
        Self {
            user,
            paging: Paging::read(query, &context),
            context,
        }
    }
}

/// A page of tokens: of one user, or all.
async fn page(
    request: &HttpRequest,
    ctx: &Ctx,
    user: Option<UserId>,
    paging: Paging,
    context: String,
) -> ApiResult {
    let Paging { limit, cursor } = paging;
    let list = ctx
        .db
        .read_brief(move |conn| {
            let zone = portal::get(conn)?.zone();
            let page = tokens::list(conn, user, cursor, limit)?;
            Ok::<_, ApiError>(TokenList {
                next: page.next.map(|cursor| cursor.encode(&context)),
                items: page
                    .items
                    .into_iter()
                    .map(|token| TokenOut::new(token, &zone))
                    .collect(),
            })
        })
        .await?;
    let links = next_link(request, &ctx.settings.base_url(), list.next.as_deref());
    private_list(request, &list, &links)
}

/// One token; not found when it is not the owner's, where one is named.
async fn one(request: &HttpRequest, ctx: &Ctx, id: TokenId, owner: Option<UserId>) -> ApiResult {
    let token = ctx
        .db
        .read_brief(move |conn| {
            let zone = portal::get(conn)?.zone();
            let token = tokens::get(conn, id)?;
            if owner.is_some_and(|owner| owner != token.user_id) {
                return Err(ApiError::new(Code::NotFound));
            }
            Ok(TokenOut::new(token, &zone))
        })
        .await?;
    private_json(request, &token)
}

/// Makes a token; 201 with the secret, this once.
async fn make<R>(
    ctx: &Ctx,
    can: Can<R>,
    body: [u8; 32],
    holder: Holder,
    new: NewToken,
) -> ApiResult {
    let command = can.command(ctx, Some(body));
    let made = service::create(ctx, command, holder, new).await?;
    let zone = ctx.db.read_brief(portal::get).await?.zone();
    let place = format!("{}{}", ctx.settings.base_url(), made.place);
    let shown = ShownToken {
        token: TokenOut::new(made.token, &zone),
        secret: TokenSecret::as_str(&made.secret).to_owned(),
    };
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, place))
        .insert_header((header::CACHE_CONTROL, NO_STORE))
        .content_type(JSON)
        .body(to_bytes(&shown)?))
}

/// Revokes a token; not found when it is not the owner's, where one is named.
async fn revoke<R>(ctx: &Ctx, can: Can<R>, id: TokenId, owner: Option<UserId>) -> ApiResult {
    service::revoke(ctx, can.command(ctx, None), id, owner).await?;
    Ok(deleted())
}

/// List one's API tokens.
///
/// Newest first, revoked and expired ones included.
#[utoipa::path(operation_id = "list_own_tokens", tag = "tokens", security(("bearer" = [])),
    params(PageParams),
    responses((status = 200, description = "A page of tokens", body = TokenList)),
)]
#[get("/v1/auth/tokens")]
async fn list_own_tokens(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<SignedIn>,
    query: Params<OwnQuery>,
) -> ApiResult {
    let own = Some(can.actor.user_id);
    page(&request, &ctx, own, query.0.0, "own tokens".to_owned()).await
}

/// Make an API token for oneself.
///
/// The secret is in this answer and nowhere else. The token may do what its scopes say and the roles
/// of its user allow at that moment. With an `Idempotency-Key`, a repeated request makes no second
/// token but is answered 409 `secret_already_shown`.
#[utoipa::path(operation_id = "create_own_token", tag = "tokens", security(("bearer" = [])),
    request_body = OwnTokenInput,
    responses(
        (status = 201, description = "Made", body = ShownToken),
        (status = 409, description = "Made by this request before", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/auth/tokens")]
async fn create_own_token(
    ctx: web::Data<Ctx>,
    can: Can<SignedIn>,
    _: Params<NoParams>,
    body: Body<OwnTokenInput, 16384>,
) -> ApiResult {
    let input = body.read()?;
    let new = NewToken {
        name: input.name,
        scopes: input.scopes,
        expires_at: Some(input.expires_at),
    };
    make(&ctx, can, body.digest(), Holder::Oneself, new).await
}

/// Read one of one's API tokens.
///
/// Everything but the secret.
#[utoipa::path(operation_id = "get_own_token", tag = "tokens", security(("bearer" = [])),
    params(("id" = TokenId, Path, description = "Id of the token")),
    responses(
        (status = 200, description = "The token", body = TokenOut),
        (status = 404, description = "No such token, or another user's", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[get("/v1/auth/tokens/{id}")]
async fn get_own_token(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<SignedIn>,
    id: Segment<TokenId>,
    _: Params<NoParams>,
) -> ApiResult {
    one(&request, &ctx, id.0, Some(can.actor.user_id)).await
}

/// Revoke one of one's API tokens.
///
/// It is refused from now on, and stays in the list. Revoking it again changes nothing.
#[utoipa::path(operation_id = "revoke_own_token", tag = "tokens", security(("bearer" = [])),
    params(("id" = TokenId, Path, description = "Id of the token")),
    responses(
        (status = 204, description = "Revoked"),
        (status = 404, description = "No such token, or another user's", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[delete("/v1/auth/tokens/{id}")]
async fn revoke_own_token(
    ctx: web::Data<Ctx>,
    can: Can<SignedIn>,
    id: Segment<TokenId>,
    _: Params<NoParams>,
) -> ApiResult {
    let own = Some(can.actor.user_id);
    revoke(&ctx, can, id.0, own).await
}

/// List all API tokens.
///
/// Of people and services, newest first, revoked and expired ones included.
#[utoipa::path(operation_id = "list_tokens", tag = "tokens", security(("bearer" = [])),
    params(PageParams, ("user_id" = Option<UserId>, Query, description = "Only this user's")),
    responses((status = 200, description = "A page of tokens", body = TokenList)),
)]
#[get("/v1/editorial/tokens")]
async fn list_tokens(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _can: Can<Administer>,
    query: Params<AllQuery>,
) -> ApiResult {
    let AllQuery {
        user,
        context,
        paging,
    } = query.0;
    page(&request, &ctx, user, paging, context).await
}

/// Make an API token for a service.
///
/// For a user of the kind `service`; people make their tokens themselves. The secret is in this
/// answer and nowhere else. With an `Idempotency-Key`, a repeated request makes no second token but
/// is answered 409 `secret_already_shown`.
#[utoipa::path(operation_id = "create_service_token", tag = "tokens", security(("bearer" = [])),
    request_body = ServiceTokenInput,
    responses(
        (status = 201, description = "Made", body = ShownToken),
        (status = 409, description = "Made by this request before", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/editorial/tokens")]
async fn create_service_token(
    ctx: web::Data<Ctx>,
    can: Can<Administer>,
    _: Params<NoParams>,
    body: Body<ServiceTokenInput>,
) -> ApiResult {
    let input = body.read()?;
    let holder = Holder::Service(input.user_id);
    let new = NewToken {
        name: input.name,
        scopes: input.scopes,
        expires_at: input.expires_at,
    };
    make(&ctx, can, body.digest(), holder, new).await
}

/// Read any API token.
///
/// Everything but the secret.
#[utoipa::path(operation_id = "get_token", tag = "tokens", security(("bearer" = [])),
    params(("id" = TokenId, Path, description = "Id of the token")),
    responses(
        (status = 200, description = "The token", body = TokenOut),
        (status = 404, description = "No such token", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[get("/v1/editorial/tokens/{id}")]
async fn get_token(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _can: Can<Administer>,
    id: Segment<TokenId>,
    _: Params<NoParams>,
) -> ApiResult {
    one(&request, &ctx, id.0, None).await
}

/// Revoke any API token.
///
/// It is refused from now on, and stays in the list. Revoking it again changes nothing, and no
/// `If-Match` is needed: whoever revokes means the token, whatever has become of it.
#[utoipa::path(operation_id = "revoke_token", tag = "tokens", security(("bearer" = [])),
    params(("id" = TokenId, Path, description = "Id of the token")),
    responses(
        (status = 204, description = "Revoked"),
        (status = 404, description = "No such token", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[delete("/v1/editorial/tokens/{id}")]
async fn revoke_token(
    ctx: web::Data<Ctx>,
    can: Can<Administer>,
    id: Segment<TokenId>,
    _: Params<NoParams>,
) -> ApiResult {
    revoke(&ctx, can, id.0, None).await
}
