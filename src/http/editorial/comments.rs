//! Comments of the newsroom on an article; never public.

use actix_web::{HttpRequest, delete, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{created, deleted, visible};
use crate::ctx::Ctx;
use crate::domain::article::{Comment, NewComment};
use crate::domain::id::{ArticleId, CommentId, Version};
use crate::http::caching::{private_list, written};
use crate::http::error::{ApiError, ApiResult, Problem};
use crate::http::extract::{
    Body, Can, FromQuery, NoParams, PageParams, Paging, Params, Query, Segment, Write,
};
use crate::http::next_link;
use crate::service::comments as service;
use crate::store::editorial::comments;
use crate::store::public::portal;

const LIST: &str = "comments";

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_comments)
        .service(create_comment)
        .service(delete_comment);
}

/// A page of comments.
#[derive(Debug, Serialize, ToSchema)]
struct CommentPage {
    #[schema(max_items = 100)]
    items: Vec<Comment>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
}

struct CommentQuery(Paging);

impl FromQuery for CommentQuery {
    fn read(query: &mut Query) -> Self {
        Self(Paging::read(query, LIST))
    }
}

/// What the newsroom said of an article.
///
/// Newest first. Never public, and no part of any edition.
#[utoipa::path(operation_id = "list_comments", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article"), PageParams), responses(
    (status = 200, body = CommentPage), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/articles/{id}/comments")]
async fn list_comments(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    Params(CommentQuery(paging)): Params<CommentQuery>,
) -> ApiResult {
    let page = ctx
        .db
        .read_brief(move |conn| {
            let article = visible(conn, &can.actor, id.0)?;
            let zone = portal::get(conn)?.zone();
            let page = comments::list(conn, article.id, paging.cursor, paging.limit)?;
            let show = |comment: Comment| Comment {
                created_at: zone.show(comment.created_at),
                ..comment
            };
            Ok::<_, ApiError>(CommentPage {
                items: page.items.into_iter().map(show).collect(),
                next: page.next.map(|cursor| cursor.encode(LIST)),
            })
        })
        .await?;
    let links = next_link(&request, &ctx.settings.base_url(), page.next.as_deref());
    private_list(&request, &page, &links)
}

/// Say something of an article.
///
/// Needs no `If-Match` and makes no version: nobody's unsaved work is touched.
#[utoipa::path(operation_id = "create_comment", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), request_body = NewComment, responses(
    (status = 201, body = Comment), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/comments")]
async fn create_comment(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    body: Body<NewComment>,
    _: Params<NoParams>,
) -> ApiResult {
    let input = body.read()?;
    let command = can.command(&ctx, Some(body.digest()));
    let comment = service::create(&ctx, command, id.0, input).await?;
    let collection = format!("articles/{}/comments", id.0);
    let response = created(&ctx, &collection, comment.id.get());
    // A comment never changes.
    written(response, Version::FIRST, &comment)
}

/// Remove a comment.
///
/// One's own; editors remove anybody's.
#[utoipa::path(operation_id = "delete_comment", tag = "editorial articles", security(("bearer" = [])), params(
    ("id" = ArticleId, Path, description = "Id of the article"), ("comment_id" = CommentId, Path, description = "Id of the comment"),
), responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")))]
#[delete("/v1/editorial/articles/{id}/comments/{comment_id}")]
async fn delete_comment(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId, 0>,
    comment: Segment<CommentId, 1>,
    _: Params<NoParams>,
) -> ApiResult {
    service::delete(&ctx, can.command(&ctx, None), id.0, comment.0).await?;
    Ok(deleted())
}
