//! Captions on their own: the ETag is the article's version, every write is a save of the article.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use deserr::Deserr;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{created, visible};
use crate::ctx::Ctx;
use crate::domain::article::Article;
use crate::domain::body::{Block, Key};
use crate::domain::caption::{CaptionText, Credit, Figure, FigureMedium, FigureType};
use crate::domain::id::{ArticleId, CaptionId, MediaId, Version};
use crate::domain::input::Faults;
use crate::domain::policy::{self, Right};
use crate::domain::user::Actor;
use crate::http::caching::{NO_STORE, object, private_list, version_tag, written};
use crate::http::error::{ApiError, ApiResult, Problem};
use crate::http::extract::{
    Body, Can, FromQuery, NoParams, PageParams, Paging, Params, Query, Segment, Write,
};
use crate::http::next_link;
use crate::service::captions as service;
use crate::store::editorial::{articles, captions};
use crate::store::public::categories;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_editorial_captions)
        .service(create_caption)
        .service(get_editorial_caption)
        .service(update_caption)
        .service(delete_caption);
}

/// The article that a caption stands in.
#[derive(Debug, Serialize, ToSchema)]
struct ArticleVersion {
    id: ArticleId,
    /// The caption's ETag.
    version: Version,
}

/// A caption of a working copy: the figure, and where it stands.
#[derive(Debug, Serialize, ToSchema)]
struct CaptionOut {
    id: CaptionId,
    article: ArticleVersion,
    /// Index in the body.
    #[schema(minimum = 0, maximum = 499, format = "int32")]
    position: usize,
    #[serde(rename = "_type")]
    #[schema(inline)]
    kind: FigureType,
    #[serde(rename = "_key", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    key: Option<Key>,
    /// The same as `id`.
    caption_id: CaptionId,
    caption: Option<CaptionText>,
    credit: Option<Credit>,
    #[schema(min_items = 1, max_items = 50)]
    media: Vec<FigureMedium>,
}

impl CaptionOut {
    fn new(article: &Article, position: usize) -> Result<Self, ApiError> {
        let Some(Block::Figure(figure)) = article.content.body.0.get(position) else {
            return Err(ApiError::internal("a caption's place is wrong"));
        };
        let figure = figure.clone();
        let id = figure
            .caption_id
            .ok_or_else(|| ApiError::internal("a figure without an id"))?;
        Ok(Self {
            id,
            article: ArticleVersion {
                id: article.id,
                version: article.version,
            },
            position,
            kind: FigureType::Figure,
            key: figure.key,
            caption_id: id,
            caption: figure.caption,
            credit: figure.credit,
            media: figure.media,
        })
    }
}

/// A page of captions.
#[derive(Debug, Serialize, ToSchema)]
struct CaptionOutPage {
    #[schema(max_items = 100)]
    items: Vec<CaptionOut>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
}

/// A new figure.
#[derive(Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct NewCaption {
    article_id: ArticleId,
    /// Index in the body; the end when absent.
    #[deserr(default)]
    #[schema(minimum = 0, maximum = 499)]
    position: Option<u16>,
    #[deserr(default)]
    caption: Option<CaptionText>,
    #[deserr(default)]
    credit: Option<Credit>,
    #[schema(min_items = 1, max_items = 50)]
    media: Vec<FigureMedium>,
}

/// A merge patch on a figure.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body; the patch is merged as JSON")]
struct CaptionPatch {
    caption: Option<CaptionText>,
    credit: Option<Credit>,
    #[schema(min_items = 1, max_items = 50, nullable = false)]
    media: Option<Vec<FigureMedium>>,
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
        let context = format!("editorial captions {article:?} {media:?}");
        Self {
            article,
            media,
            paging: Paging::read(query, &context),
            context,
        }
    }
}

/// Captions of working copies.
///
/// By id, oldest first; narrowed to an article or a medium. Reporters see those of their own
/// articles and of those assigned to them.
#[utoipa::path(operation_id = "list_editorial_captions", tag = "captions", security(("bearer" = [])), params(CaptionParams, PageParams), responses((status = 200, body = CaptionOutPage)))]
#[get("/v1/editorial/captions")]
async fn list_editorial_captions(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    Params(query): Params<CaptionQuery>,
) -> ApiResult {
    let page = ctx
        .db
        .read(move |conn| {
            let all = policy::has(&can.actor.roles, Right::Edit);
            let known_to = (!all).then_some(can.actor.user_id);
            let Paging { cursor, limit } = query.paging;
            let within = categories::tree(conn)?.covered_by(&can.actor.reach);
            let (article, medium) = (query.article, query.media);
            let page = captions::list(conn, article, medium, known_to, within, cursor, limit)?;
            let next = page.next.map(|cursor| cursor.encode(&query.context));
            let mut known = std::collections::HashMap::new();
            let mut items = Vec::new();
            for (_, id, position) in page.items {
                if let std::collections::hash_map::Entry::Vacant(entry) = known.entry(id) {
                    entry.insert(articles::get(conn, id)?);
                }
                if let Some(article) = known.get(&id) {
                    items.push(CaptionOut::new(article, index(position)?)?);
                }
            }
            Ok::<_, ApiError>(CaptionOutPage { items, next })
        })
        .await?;
    let links = next_link(&request, &ctx.settings.base_url(), page.next.as_deref());
    private_list(&request, &page, &links)
}

fn index(position: i32) -> Result<usize, ApiError> {
    usize::try_from(position).map_err(ApiError::internal)
}

/// One caption of a working copy.
///
/// The ETag is the article's version.
#[utoipa::path(operation_id = "get_editorial_caption", tag = "captions", security(("bearer" = [])), params(("id" = CaptionId, Path, description = "Id of the caption")), responses(
    (status = 200, body = CaptionOut), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/captions/{id}")]
async fn get_editorial_caption(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<CaptionId>,
    _: Params<NoParams>,
) -> ApiResult {
    let actor: Actor = can.actor;
    let caption = ctx
        .db
        .read_brief(move |conn| {
            let (article, position) = captions::place(conn, id.0)?;
            let article = visible(conn, &actor, article)?;
            CaptionOut::new(&article, index(position)?)
        })
        .await?;
    object(caption.article.version, &caption)
}

/// Add a figure to an article.
///
/// `If-Match` names the article's version.
#[utoipa::path(operation_id = "create_caption", tag = "captions", security(("bearer" = [])), request_body = NewCaption, responses((status = 201, body = CaptionOut), (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/captions")]
async fn create_caption(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    body: Body<NewCaption>,
    _: Params<NoParams>,
) -> ApiResult {
    let input = body.read()?;
    let if_match = can.if_match;
    let command = can.command(&ctx, Some(body.digest()));
    let figure = Figure {
        key: None,
        caption_id: None,
        caption: input.caption,
        credit: input.credit,
        media: input.media,
    };
    let placed = service::create(
        &ctx,
        command,
        if_match,
        input.article_id,
        input.position,
        figure,
    )
    .await?;
    let caption = CaptionOut::new(&placed.article, placed.position)?;
    let response = created(&ctx, "captions", caption.id.get());
    written(response, caption.article.version, &caption)
}

/// Change a caption.
///
/// A merge patch (RFC 7396): caption, credit, media. Makes a new edition of the article.
#[utoipa::path(operation_id = "update_caption", tag = "captions", security(("bearer" = [])), params(("id" = CaptionId, Path, description = "Id of the caption")), request_body = CaptionPatch, responses(
    (status = 200, body = CaptionOut), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[patch("/v1/editorial/captions/{id}")]
async fn update_caption(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<CaptionId>,
    body: Body<CaptionPatch>,
    _: Params<NoParams>,
) -> ApiResult {
    let patch = body.patch()?;
    let if_match = can.if_match;
    let command = can.command(&ctx, Some(body.digest()));
    let placed = service::update(&ctx, command, id.0, if_match, patch).await?;
    let caption = CaptionOut::new(&placed.article, placed.position)?;
    written(HttpResponse::Ok(), caption.article.version, &caption)
}

/// Remove a figure from its article.
///
/// The whole figure; set `caption` to null to keep the pictures. The ETag of the answer is the
/// article's new version.
#[utoipa::path(operation_id = "delete_caption", tag = "captions", security(("bearer" = [])), params(("id" = CaptionId, Path, description = "Id of the caption")), responses(
    (status = 204), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[delete("/v1/editorial/captions/{id}")]
async fn delete_caption(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<CaptionId>,
    _: Params<NoParams>,
) -> ApiResult {
    let if_match = can.if_match;
    let article = service::delete(&ctx, can.command(&ctx, None), id.0, if_match).await?;
    Ok(HttpResponse::NoContent()
        .insert_header((header::CACHE_CONTROL, NO_STORE))
        .insert_header((header::ETAG, version_tag(article.version)))
        .finish())
}
