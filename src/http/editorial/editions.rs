//! Editions of an article: listed without content, read one by one with it.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::visible;
use crate::ctx::Ctx;
use crate::domain::content::{Content, Title};
use crate::domain::id::{ArticleId, EditionNumber, UserId};
use crate::domain::time::Instant;
use crate::http::caching::{private_json, private_list};
use crate::http::error::{ApiError, ApiResult, Problem};
use crate::http::extract::{
    Can, FromQuery, NoParams, PageParams, Paging, Params, Query, Segment, Write,
};
use crate::http::next_link;
use crate::store::editorial::editions;
use crate::store::public::{categories, portal};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_editions).service(get_edition);
}

/// An edition in a list.
#[derive(Debug, Serialize, ToSchema)]
struct EditionLine {
    number: EditionNumber,
    title: Title,
    created_by: UserId,
    created_at: Instant,
}

/// A page of editions.
#[derive(Debug, Serialize, ToSchema)]
struct EditionPage {
    #[schema(max_items = 100)]
    items: Vec<EditionLine>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
}

/// A whole edition.
#[derive(Debug, Serialize, ToSchema)]
struct EditionOut {
    number: EditionNumber,
    created_by: UserId,
    created_at: Instant,
    content: Content,
}

struct EditionQuery(Paging);

impl FromQuery for EditionQuery {
    // Numbers of editions mean the same in every article, so one cursor fits all.
    fn read(query: &mut Query) -> Self {
        Self(Paging::read(query, "editions"))
    }
}

/// Editions of an article.
///
/// Newest first, without content.
#[utoipa::path(operation_id = "list_editions", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article"), PageParams), responses(
    (status = 200, body = EditionPage), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/articles/{id}/editions")]
async fn list_editions(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    Params(query): Params<EditionQuery>,
) -> ApiResult {
    let page = ctx
        .db
        .read_brief(move |conn| {
            visible(conn, &can.actor, id.0)?;
            let zone = portal::get(conn)?.zone();
            let page = editions::list(conn, id.0, query.0.cursor, query.0.limit)?;
            let next = page.next.map(|cursor| cursor.encode("editions"));
            let items = page
                .items
                .into_iter()
                .map(|edition| EditionLine {
                    number: edition.number,
                    title: edition.title,
                    created_by: edition.created_by,
                    created_at: zone.show(edition.created_at),
                })
                .collect();
            Ok::<_, ApiError>(EditionPage { items, next })
        })
        .await?;
    let links = next_link(&request, &ctx.settings.base_url(), page.next.as_deref());
    private_list(&request, &page, &links)
}

/// One edition with its content.
///
/// Editions never change.
#[utoipa::path(operation_id = "get_edition", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article"), ("number" = EditionNumber, Path, description = "Number of the edition")), responses(
    (status = 200, body = EditionOut), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/articles/{id}/editions/{number}")]
async fn get_edition(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId, 0>,
    number: Segment<EditionNumber, 1>,
    _: Params<NoParams>,
) -> ApiResult {
    let edition = ctx
        .db
        .read_brief(move |conn| {
            visible(conn, &can.actor, id.0)?;
            let zone = portal::get(conn)?.zone();
            let tree = categories::tree(conn)?;
            let (edition, _, content) = editions::content(conn, &tree, id.0, number.0)?;
            Ok::<_, ApiError>(EditionOut {
                number: edition.number,
                created_by: edition.created_by,
                created_at: zone.show(edition.created_at),
                content: content.shown_in(&zone),
            })
        })
        .await?;
    private_json(&request, &edition)
}
