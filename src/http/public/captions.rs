//! Captions of public editions.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::ctx::Ctx;
use crate::domain::body::{Key, LiveBlock};
use crate::domain::caption::{CaptionText, Credit, FigureType, LiveFigureItem};
use crate::domain::id::{ArticleId, CaptionId, MediaId};
use crate::domain::slug::Slug;
use crate::http::caching::{JSON, public_bytes, public_json, to_bytes};
use crate::http::error::{ApiError, ApiResult, Problem};
use crate::http::extract::{FromQuery, NoParams, PageParams, Paging, Params, Query, Segment};
use crate::http::next_link;
use crate::store::public::captions::{self, LiveCaption};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_captions).service(get_caption);
}

/// The article that a caption stands in.
#[derive(Debug, Serialize, ToSchema)]
struct CaptionArticle {
    id: ArticleId,
    slug: Slug,
}

/// A caption: the figure, and where it stands.
#[derive(Debug, Serialize, ToSchema)]
struct PublicCaption {
    id: CaptionId,
    article: CaptionArticle,
    /// Index in the body.
    #[schema(minimum = 0, maximum = 499)]
    position: i32,
    #[serde(rename = "_type")]
    #[schema(inline)]
    kind: FigureType,
    #[serde(rename = "_key")]
    key: Key,
    /// The same as `id`.
    caption_id: CaptionId,
    caption: Option<CaptionText>,
    credit: Option<Credit>,
    #[schema(min_items = 1, max_items = 50)]
    media: Vec<LiveFigureItem>,
}

impl PublicCaption {
    fn new(caption: LiveCaption, base: &str) -> Self {
        let mut block = LiveBlock::Figure(caption.figure.clone());
        block.rebase(base);
        let figure = match block {
            LiveBlock::Figure(figure) => figure,
            _ => caption.figure,
        };
        Self {
            id: caption.id,
            article: CaptionArticle {
                id: caption.article_id,
                slug: caption.article_slug,
            },
            position: caption.position,
            kind: FigureType::Figure,
            key: figure.key,
            caption_id: figure.caption_id,
            caption: figure.caption,
            credit: figure.credit,
            media: figure.media,
        }
    }
}

/// A page of captions.
#[derive(Debug, Serialize, ToSchema)]
struct CaptionPage {
    #[schema(max_items = 100)]
    items: Vec<PublicCaption>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; CaptionQuery is what handlers read"
)]
struct CaptionParams {
    /// Id of an article.
    #[param(minimum = 1, maximum = 9007199254740991i64)]
    article: Option<i64>,
    /// Id of a medium.
    #[param(minimum = 1, maximum = 9007199254740991i64)]
    media: Option<i64>,
}

struct CaptionQuery {
    article: Option<ArticleId>,
    media: Option<MediaId>,
    paging: Paging,
    context: String,
}

impl FromQuery for CaptionQuery {
    fn read(query: &mut Query) -> Self {
        let article = query.take("article", str::parse);
        let media = query.take("media", str::parse);
        let context = format!("captions {article:?} {media:?}");
        Self {
            article,
            media,
            paging: Paging::read(query, &context),
            context,
        }
    }
}

/// Captions of public articles.
///
/// By id, oldest first; narrowed to an article or a medium.
#[utoipa::path(operation_id = "list_captions", tag = "captions", security(()), params(CaptionParams, PageParams), responses((status = 200, body = CaptionPage)))]
#[get("/v1/captions")]
async fn list_captions(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    Params(query): Params<CaptionQuery>,
) -> ApiResult {
    let base = ctx.settings.base_url();
    let page = ctx
        .db
        .read_brief(move |conn| {
            let Paging { limit, cursor } = query.paging;
            let page = captions::list(conn, query.article, query.media, cursor, limit)?;
            let next = page.next.map(|cursor| cursor.encode(&query.context));
            let items = page
                .items
                .into_iter()
                .map(|item| PublicCaption::new(item, &base))
                .collect();
            Ok::<_, ApiError>(CaptionPage { items, next })
        })
        .await?;
    let links = next_link(&request, &ctx.settings.base_url(), page.next.as_deref());
    public_bytes(&request, &ctx, JSON, to_bytes(&page)?, &links)
}

/// One caption.
///
/// The figure as the public edition has it.
#[utoipa::path(operation_id = "get_caption", tag = "captions", security(()), params(("id" = CaptionId, Path, description = "Id of the caption")), responses(
    (status = 200, body = PublicCaption),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/captions/{id}")]
async fn get_caption(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    id: Segment<CaptionId>,
    _: Params<NoParams>,
) -> ApiResult {
    let caption = ctx
        .db
        .read_brief(move |conn| captions::get(conn, id.0))
        .await?;
    let caption = PublicCaption::new(caption, &ctx.settings.base_url());
    public_json(&request, &ctx, &caption)
}
