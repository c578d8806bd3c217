//! Locks: who is at work on an article. Editors' screens show them; no save asks for one.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, delete, get, put, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{deleted, visible};
use crate::ctx::Ctx;
use crate::domain::id::ArticleId;
use crate::domain::lock::{Lock, TakeLock};
use crate::http::caching::{JSON, NO_STORE, etag_of, private_json, to_bytes};
use crate::http::error::{ApiError, ApiResult, Code, Problem};
use crate::http::extract::{Body, Can, NoParams, Params, Segment, Write};
use crate::service::locks as service;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_lock)
        .service(take_lock)
        .service(release_lock);
}

/// Who is at work on an article.
///
/// 404 while nobody says to be.
#[utoipa::path(operation_id = "get_lock", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), responses(
    (status = 200, body = Lock), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/articles/{id}/lock")]
async fn get_lock(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    _: Params<NoParams>,
) -> ApiResult {
    let article = ctx
        .db
        .read_brief(move |conn| visible(conn, &can.actor, id.0))
        .await?;
    match article.lock.filter(|lock| lock.holds_at(ctx.now())) {
        Some(lock) => private_json(&request, &lock),
        None => Err(ApiError::new(Code::NotFound).detail("nobody is at work on it")),
    }
}

/// Say to be at work on an article, or go on with it.
///
/// Takes the lock or renews one's own, from now for `minutes`. Somebody else's answers 409
/// `locked`, and with `force` becomes yours. It warns and stops nobody: a save asks for the version
/// alone, whoever holds the lock. Needs no `If-Match`.
#[utoipa::path(operation_id = "take_lock", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), request_body = TakeLock, responses(
    (status = 200, body = Lock), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[put("/v1/editorial/articles/{id}/lock")]
async fn take_lock(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    body: Body<TakeLock>,
    _: Params<NoParams>,
) -> ApiResult {
    let input = body.read_or_default()?;
    let command = can.command(&ctx, Some(body.digest()));
    let lock = service::take(&ctx, command, id.0, input).await?;
    let bytes = to_bytes(&lock)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, NO_STORE))
        .insert_header((header::ETAG, etag_of(&bytes)))
        .content_type(JSON)
        .body(bytes))
}

/// Say to be no longer at work on an article.
///
/// One's own lock; editors end anybody's. No lock at all is no fault. Needs no `If-Match`.
#[utoipa::path(operation_id = "release_lock", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), responses(
    (status = 204), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[delete("/v1/editorial/articles/{id}/lock")]
async fn release_lock(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    _: Params<NoParams>,
) -> ApiResult {
    service::release(&ctx, can.command(&ctx, None), id.0).await?;
    Ok(deleted())
}
