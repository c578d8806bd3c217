//! Editions of an article: listed without content, read one by one with it.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::visible;
use crate::ctx::Ctx;
use crate::domain::content::{Content, Title};
use crate::domain::diff::Difference;
use crate::domain::id::{ArticleId, EditionNumber, UserId};
use crate::domain::input::FaultCode;
use crate::domain::time::{Instant, Zone};
use crate::http::caching::{private_json, private_list};
use crate::http::error::{ApiError, ApiResult, Problem};
use crate::http::extract::{
    Can, FromQuery, NoParams, PageParams, Paging, Params, Query, Segment, Write,
};
use crate::http::next_link;
use crate::store::editorial::editions;
use crate::store::public::{categories, portal};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_editions)
        .service(get_edition)
        .service(compare_editions);
}

/// An edition in a list.
#[derive(Debug, Serialize, ToSchema)]
struct EditionLine {
    number: EditionNumber,
    title: Title,
    created_by: UserId,
    created_at: Instant,
}

impl EditionLine {
    fn new(edition: editions::Edition, zone: &Zone) -> Self {
        Self {
            number: edition.number,
            title: edition.title,
            created_by: edition.created_by,
            created_at: zone.show(edition.created_at),
        }
    }
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
                .map(|edition| EditionLine::new(edition, &zone))
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

/// What makes one edition of the other.
#[derive(Debug, Serialize, ToSchema)]
struct EditionDiff {
    /// The edition before.
    from: EditionLine,
    /// The edition after.
    to: EditionLine,
    #[serde(flatten)]
    difference: Difference,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; DiffQuery is what handlers read"
)]
struct DiffParams {
    /// Number of the edition that counts as before; the one that came before it when absent.
    #[param(minimum = 1, maximum = 9007199254740991i64)]
    against: Option<i64>,
}

struct DiffQuery(Option<EditionNumber>);

impl FromQuery for DiffQuery {
    fn read(query: &mut Query) -> Self {
        Self(query.take("against", str::parse))
    }
}

/// Compare two editions.
///
/// Fields that differ with both values, and what became of the blocks of the body, told apart by
/// their `_key`: removed, added, moved, changed. Any two editions of the article can be compared, in
/// either direction.
#[utoipa::path(operation_id = "compare_editions", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article"), ("number" = EditionNumber, Path, description = "Number of the edition that counts as after"), DiffParams), responses(
    (status = 200, body = EditionDiff), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/articles/{id}/editions/{number}/diff")]
async fn compare_editions(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId, 0>,
    number: Segment<EditionNumber, 1>,
    Params(query): Params<DiffQuery>,
) -> ApiResult {
    let before = match query.0.or_else(|| number.0.previous()) {
        Some(before) => before,
        None => {
            return Err(ApiError::parameter(
                "against",
                FaultCode::Required,
                "is required: no edition came before the first",
            ));
        }
    };
    let (from, to, contents) = ctx
        .db
        .read_brief(move |conn| {
            visible(conn, &can.actor, id.0)?;
            let zone = portal::get(conn)?.zone();
            let tree = categories::tree(conn)?;
            let (from, _, old) = editions::content(conn, &tree, id.0, before)?;
            let (to, _, new) = editions::content(conn, &tree, id.0, number.0)?;
            let contents = (old.shown_in(&zone), new.shown_in(&zone));
            let line = |edition| EditionLine::new(edition, &zone);
            Ok::<_, ApiError>((line(from), line(to), contents))
        })
        .await?;
    // Long paragraphs take their time, which other requests of this worker should not wait for.
    let difference = web::block(move || Difference::between(&contents.0, &contents.1))
        .await
        .map_err(ApiError::internal)?;
    let diff = EditionDiff {
        from,
        to,
        difference,
    };
    private_json(&request, &diff)
}
