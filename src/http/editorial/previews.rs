//! Preview links: an edition as readers would get it, for who has the address. The address carries
//! a seal over its row in the database, so that it can be shown again and is stored nowhere.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, delete, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{created, deleted, file_path, visible};
use crate::ctx::Ctx;
use crate::domain::body::{LiveAttachment, LiveBlock, LiveEmbed};
use crate::domain::caption::LiveFigureItem;
use crate::domain::id::{ArticleId, EditionNumber, MediaId, PreviewId, UserId, Version};
use crate::domain::media::{LiveMedium, LiveRendition};
use crate::domain::preview::{NewPreview, Preview};
use crate::domain::time::{Instant, Zone};
use crate::http::caching::{private_json, private_list, written};
use crate::http::error::{ApiError, ApiResult, Code, Problem};
use crate::http::extract::{
    Body, Can, FromQuery, NoParams, PageParams, Paging, Params, Query, Segment, Write,
};
use crate::http::next_link;
use crate::http::public::articles::{BodyParams, BodyQuery};
use crate::http::public::present::{ArticleFull, Presenter};
use crate::service::publishing::previews as service;
use crate::store::editorial::{articles, previews};
use crate::store::public::{categories, portal};

/// Search engines must not keep what an address of these shows.
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_previews)
        .service(create_preview)
        .service(revoke_preview)
        .service(get_preview);
}

/// A link that shows one edition.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewOut {
    id: PreviewId,
    /// Opens the edition to whoever has it. Under another `--public-url` or after a new key of the
    /// previews this address is another one.
    #[schema(format = "uri", max_length = 2200)]
    url: String,
    edition: EditionNumber,
    created_by: UserId,
    created_at: Instant,
    expires_at: Instant,
}

impl PreviewOut {
    fn new(ctx: &Ctx, zone: &Zone, preview: &Preview) -> Self {
        let seal = ctx.keys.seal(&preview.sealed_text());
        let base = ctx.settings.base_url();
        Self {
            url: format!("{base}/v1/previews/{}-{seal}", preview.id),
            id: preview.id,
            edition: preview.edition,
            created_by: preview.created_by,
            created_at: zone.show(preview.created_at),
            expires_at: zone.show(preview.expires_at),
        }
    }
}

/// A page of preview links.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewPage {
    #[schema(max_items = 100)]
    items: Vec<PreviewOut>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
}

struct PreviewQuery(Paging);

impl FromQuery for PreviewQuery {
    fn read(query: &mut Query) -> Self {
        Self(Paging::read(query, "previews"))
    }
}

/// Preview links of an article.
///
/// Newest first; those that opened once and do no more are not there.
#[utoipa::path(operation_id = "list_previews", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article"), PageParams), responses(
    (status = 200, body = PreviewPage), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/articles/{id}/previews")]
async fn list_previews(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    Params(query): Params<PreviewQuery>,
) -> ApiResult {
    let now = ctx.now();
    let (page, zone) = ctx
        .db
        .read_brief(move |conn| {
            visible(conn, &can.actor, id.0)?;
            let page = previews::list(conn, id.0, now, query.0.cursor, query.0.limit)?;
            Ok::<_, ApiError>((page, portal::get(conn)?.zone()))
        })
        .await?;
    let items = page.items.iter();
    let page = PreviewPage {
        items: items
            .map(|preview| PreviewOut::new(&ctx, &zone, preview))
            .collect(),
        next: page.next.map(|cursor| cursor.encode("previews")),
    };
    let links = next_link(&request, &ctx.settings.base_url(), page.next.as_deref());
    private_list(&request, &page, &links)
}

/// Make a preview link.
///
/// Whoever has the address sees exactly this edition as readers would get it, until the link
/// expires, is revoked, or the article is taken down. Needs no `If-Match`.
#[utoipa::path(operation_id = "create_preview", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), request_body = NewPreview, responses(
    (status = 201, body = PreviewOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/previews")]
async fn create_preview(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    body: Body<NewPreview>,
    _: Params<NoParams>,
) -> ApiResult {
    let input = body.read_or_default()?;
    let command = can.command(&ctx, Some(body.digest()));
    let preview = service::create(&ctx, command, id.0, input).await?;
    let zone = ctx
        .db
        .read_brief(|conn| Ok::<_, ApiError>(portal::get(conn)?.zone()))
        .await?;
    let collection = format!("articles/{}/previews", id.0);
    let response = created(&ctx, &collection, preview.id.get());
    // A link never changes.
    written(
        response,
        Version::FIRST,
        &PreviewOut::new(&ctx, &zone, &preview),
    )
}

/// Revoke a preview link.
///
/// Its address answers 404 from now on. Needs no `If-Match`.
#[utoipa::path(operation_id = "revoke_preview", tag = "editorial articles", security(("bearer" = [])), params(
    ("id" = ArticleId, Path, description = "Id of the article"), ("preview_id" = PreviewId, Path, description = "Id of the link"),
), responses((status = 204), (status = 404, body = Problem, content_type = "application/problem+json")))]
#[delete("/v1/editorial/articles/{id}/previews/{preview_id}")]
async fn revoke_preview(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId, 0>,
    preview: Segment<PreviewId, 1>,
    _: Params<NoParams>,
) -> ApiResult {
    service::revoke(&ctx, can.command(&ctx, None), id.0, preview.0).await?;
    Ok(deleted())
}

/// An edition before it is published.
///
/// By the address of a preview link; no token needed. The same as `get_article` would answer if the
/// edition were published now, but for the addresses of files, which are signed and short-lived. A
/// link that is unknown, expired, revoked or was changed answers 404.
#[utoipa::path(operation_id = "get_preview", tag = "articles", security(()), params(
    ("token" = String, Path, description = "From the address of the link", max_length = 81, pattern = "^[1-9][0-9]{0,15}-[0-9a-f]{64}$"), BodyParams,
), responses((status = 200, body = ArticleFull), (status = 404, body = Problem, content_type = "application/problem+json")))]
#[get("/v1/previews/{token}")]
async fn get_preview(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    token: Segment<String>,
    Params(form): Params<BodyQuery>,
) -> ApiResult {
    let unknown = || ApiError::new(Code::NotFound);
    let (id, seal) = token.0.split_once('-').ok_or_else(unknown)?;
    let id: PreviewId = id.parse().map_err(|_| unknown())?;
    let (base, now) = (ctx.settings.base_url(), ctx.now());
    let link = ctx.db.read_brief(move |conn| previews::get(conn, id)).await;
    let link = link.map_err(ApiError::from)?;
    // One spelling of each address.
    let plain = !seal.bytes().any(|b| b.is_ascii_uppercase());
    if !plain || !link.opens_at(now) || !ctx.keys.is_seal(&link.sealed_text(), seal) {
        return Err(unknown());
    }
    let shown_base = base.clone();
    let (mut copy, portal, tree) = ctx
        .db
        .read_brief(move |conn| {
            // Once more, in the snapshot that is shown: it may have been revoked meanwhile.
            let link = previews::get(conn, id)?;
            let article = articles::get(conn, link.article_id)?;
            let copy = service::look(conn, &shown_base, &article, link.edition, now)?;
            Ok::<_, ApiError>((copy, portal::get(conn)?, categories::tree(conn)?))
        })
        .await?;
    let signer = Signer {
        ctx: &ctx,
        until: link.expires_at,
    };
    if let Some(cover) = &mut copy.article.cover {
        signer.medium(cover);
    }
    copy.body.iter_mut().for_each(|block| signer.block(block));
    // Readers are told of the last correction first.
    copy.corrections.reverse();
    let presenter = Presenter::new(&portal, &tree, &base);
    let shown = presenter.full(copy.article, copy.body, &copy.corrections, form.0);
    let mut response = private_json(&request, &shown)?;
    response
        .headers_mut()
        .insert(ROBOTS, HeaderValue::from_static("noindex"));
    Ok(response)
}

/// Gives files addresses that open though they are not public.
struct Signer<'a> {
    ctx: &'a Ctx,
    until: Instant,
}

impl Signer<'_> {
    fn block(&self, block: &mut LiveBlock) {
        match block {
            LiveBlock::Figure(figure) => {
                for item in &mut figure.media {
                    if let LiveFigureItem::Shown(medium) = item {
                        medium.url = self.file(medium.media_id, "full");
                        self.renditions(medium.media_id, &mut medium.renditions);
                    }
                }
            }
            LiveBlock::Embed(LiveEmbed {
                media: Some(medium),
                ..
            })
            | LiveBlock::Attachment(LiveAttachment { media: medium, .. }) => self.medium(medium),
            _ => {}
        }
    }

    fn medium(&self, medium: &mut LiveMedium) {
        self.renditions(medium.id, &mut medium.renditions);
        for track in &mut medium.tracks {
            track.url = self.file(medium.id, &track.name());
        }
    }

    fn renditions(&self, id: MediaId, renditions: &mut [LiveRendition]) {
        for rendition in renditions {
            rendition.url = self.file(id, &rendition.name);
        }
    }

    fn file(&self, id: MediaId, rendition: &str) -> String {
        file_path(self.ctx, id, rendition, self.until)
    }
}
