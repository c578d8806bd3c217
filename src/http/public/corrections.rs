//! Corrections: of one article, and of the portal.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::present::{ArticleSummary, Presenter, of_article};
use crate::ctx::Ctx;
use crate::domain::article::Note;
use crate::domain::id::EditionNumber;
use crate::domain::slug::Slug;
use crate::domain::time::Instant;
use crate::http::caching::{JSON, public_bytes, to_bytes};
use crate::http::error::{ApiError, ApiResult, Problem};
use crate::http::extract::{FromQuery, NoParams, PageParams, Paging, Params, Query, Segment};
use crate::http::next_link;
use crate::store::public::{articles, categories, portal};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_article_corrections)
        .service(list_corrections);
}

/// A public correction.
#[derive(Debug, Serialize, ToSchema)]
struct CorrectionNote {
    at: Instant,
    note: Note,
    edition: EditionNumber,
}

/// An article's corrections.
#[derive(Debug, Serialize, ToSchema)]
struct ArticleCorrections {
    #[schema(max_items = 1000)]
    items: Vec<CorrectionNote>,
    /// Always null: all are answered at once.
    #[schema(max_length = 1, pattern = "^$")]
    next: Option<String>,
}

/// Corrections of one article.
///
/// Newest first: what was corrected, when, and with which edition.
#[utoipa::path(operation_id = "list_article_corrections", tag = "articles", security(()), params(("slug" = Slug, Path, description = "Slug of the article")), responses(
    (status = 200, body = ArticleCorrections),
    (status = 301, description = "The article has another slug now."),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 410, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/articles/{slug}/corrections")]
async fn list_article_corrections(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    slug: Segment<Slug>,
    _: Params<NoParams>,
) -> ApiResult {
    of_article(&request, &ctx, slug.0, move |conn, article| {
        let zone = portal::get(conn)?.zone();
        let items = articles::corrections(conn, article.id)?
            .into_iter()
            .map(|correction| CorrectionNote {
                at: zone.show(correction.at),
                note: correction.note,
                edition: correction.edition,
            })
            .collect();
        Ok(ArticleCorrections { items, next: None })
    })
    .await
}

/// A correction with its article.
#[derive(Debug, Serialize, ToSchema)]
struct PortalCorrection {
    #[serde(flatten)]
    correction: CorrectionNote,
    article: ArticleSummary,
}

/// A page of the portal's corrections.
#[derive(Debug, Serialize, ToSchema)]
struct CorrectionPage {
    #[schema(max_items = 100)]
    items: Vec<PortalCorrection>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
}

struct CorrectionQuery(Paging);

impl FromQuery for CorrectionQuery {
    fn read(query: &mut Query) -> Self {
        Self(Paging::read(query, "corrections"))
    }
}

/// Corrections of the portal.
///
/// Newest first, each with its article.
#[utoipa::path(operation_id = "list_corrections", tag = "articles", security(()), params(PageParams), responses((status = 200, body = CorrectionPage)))]
#[get("/v1/corrections")]
async fn list_corrections(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    Params(query): Params<CorrectionQuery>,
) -> ApiResult {
    let base = ctx.settings.base_url();
    let (page, next) = ctx
        .db
        .read_brief(move |conn| {
            let portal = portal::get(conn)?;
            let tree = categories::tree(conn)?;
            let presenter = Presenter::new(&portal, &tree, &base);
            let page = articles::all_corrections(conn, query.0.cursor, query.0.limit)?;
            let next = page.next.map(|cursor| cursor.encode("corrections"));
            let items = page
                .items
                .into_iter()
                .map(|(correction, article)| PortalCorrection {
                    correction: CorrectionNote {
                        at: presenter.zone().show(correction.at),
                        note: correction.note,
                        edition: correction.edition,
                    },
                    article: presenter.summary(article),
                })
                .collect();
            Ok::<_, ApiError>((
                CorrectionPage {
                    items,
                    next: next.clone(),
                },
                next,
            ))
        })
        .await?;
    let links = next_link(&request, &ctx.settings.base_url(), next.as_deref());
    public_bytes(&request, &ctx, JSON, to_bytes(&page)?, &links)
}
