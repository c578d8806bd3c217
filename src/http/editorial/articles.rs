//! Articles as editors have them: drafts and how they are saved. The list and the actions have files
//! of their own below.

mod actions;
mod list;

use actix_web::{HttpResponse, HttpResponseBuilder, delete, get, patch, post, put, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{created, deleted, visible};
use crate::ctx::Ctx;
use crate::domain::alternative::{Warning, warnings};
use crate::domain::article::{Action, Article, Note, PublicState, ReasonCode, Scheduled, Stage};
use crate::domain::content::Content;
use crate::domain::id::{ArticleId, EditionNumber, UserId, Version};
use crate::domain::lock::Lock;
use crate::domain::policy::allowed_actions;
use crate::domain::time::{Day, Instant};
use crate::domain::user::Actor;
use crate::http::caching::{object, written};
use crate::http::error::{ApiError, ApiResult, Problem};
use crate::http::extract::{Body, Can, NoParams, Params, Segment, Write};
use crate::service::Save;
use crate::service::articles::{self as service};
use crate::store::editorial::media;
use crate::store::{self, Conn};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list::list_editorial_articles)
        .service(list::get_inbox)
        .service(create_article)
        .service(get_editorial_article)
        .service(replace_article)
        .service(update_article)
        .service(delete_article)
        .configure(actions::routes);
}

/// An article as editors have it.
#[derive(Debug, Serialize, ToSchema)]
struct ArticleOut {
    id: ArticleId,
    /// Permanent, global identity; null before anything of the portal was public.
    #[schema(max_length = 300, format = "uri")]
    uri: Option<String>,
    version: Version,
    /// Number of the newest edition: the working copy.
    edition: EditionNumber,
    #[schema(inline)]
    stage: Stage,
    /// Who brought it to this stage and when; null for a draft.
    stage_by: Option<UserId>,
    stage_at: Option<Instant>,
    /// Why an editor returned it, until it is handed in again.
    return_reason: Option<Note>,
    /// Who is to go on with it.
    assigned_to: Option<UserId>,
    #[schema(inline)]
    public_state: PublicState,
    public_edition: Option<EditionNumber>,
    has_unpublished_changes: bool,
    /// What will be published by itself; null when nothing is scheduled.
    scheduled: Option<Scheduled>,
    /// When it leaves the news and becomes archived.
    expire_at: Option<Instant>,
    /// Day and instant of publication, as last published.
    published_on: Option<Day>,
    published_at: Option<Instant>,
    /// Since when it is withdrawn or taken down, and why.
    state_at: Option<Instant>,
    state_note: Option<Note>,
    #[schema(inline)]
    reason_code: Option<ReasonCode>,
    /// What you may do with it now.
    #[schema(max_items = 20)]
    allowed_actions: Vec<Action>,
    created_by: UserId,
    created_at: Instant,
    updated_at: Instant,
    /// Who says to be at work on it; stops nobody from saving.
    lock: Option<Lock>,
    content: Content,
    /// What deserves a second look; it keeps nobody from saving.
    #[schema(max_items = 1000)]
    warnings: Vec<Warning>,
}

impl ArticleOut {
    /// With what the media of the content give reason to warn of.
    fn new(conn: &mut Conn, article: Article, actor: &Actor, now: Instant) -> store::Result<Self> {
        let media = media::load(conn, &article.content.media())?;
        let situation = article.situation();
        Ok(Self {
            warnings: warnings(&article.content, &media),
            has_unpublished_changes: situation.has_unpublished_changes(),
            allowed_actions: allowed_actions(actor, &situation),
            id: article.id,
            uri: article.uri,
            version: article.version,
            edition: article.edition,
            stage: article.stage,
            stage_by: article.stage_by,
            stage_at: article.stage_at,
            return_reason: article.return_reason,
            assigned_to: article.assigned_to,
            scheduled: article.scheduled,
            expire_at: article.expire_at,
            public_state: article.public_state,
            public_edition: article.public_edition,
            published_on: article.published_on,
            published_at: article.published_at,
            state_at: article.state_at,
            state_note: article.state_note,
            reason_code: article.reason_code,
            created_by: article.created_by,
            created_at: article.created_at,
            updated_at: article.updated_at,
            lock: article.lock.filter(|lock| lock.holds_at(now)),
            content: article.content,
        })
    }
}

/// One article with its working copy.
///
/// The ETag is the version; `content` sent back unchanged is always valid.
#[utoipa::path(operation_id = "get_editorial_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/articles/{id}")]
async fn get_editorial_article(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    _: Params<NoParams>,
) -> ApiResult {
    let (actor, now) = (can.actor, ctx.now());
    let article = ctx
        .db
        .read_brief(move |conn| {
            let article = visible(conn, &actor, id.0)?;
            Ok::<_, ApiError>(ArticleOut::new(conn, article, &actor, now)?)
        })
        .await?;
    object(article.version, &article)
}

/// Make a draft.
///
/// Readers see nothing of it before somebody publishes it.
#[utoipa::path(operation_id = "create_article", tag = "editorial articles", security(("bearer" = [])), request_body = Content, responses(
    (status = 201, body = ArticleOut), (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles")]
async fn create_article(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    body: Body<Content>,
    _: Params<NoParams>,
) -> ApiResult {
    let content = body.read()?;
    let actor = can.actor.clone();
    let article = service::create(&ctx, can.command(&ctx, Some(body.digest())), content).await?;
    let response = created(&ctx, "articles", article.id.get());
    answer(&ctx, response, article, actor).await
}

/// Replace the working copy.
///
/// Every save that changes something appends an edition. The same content again answers 200 and
/// makes none, whatever `If-Match` says.
#[utoipa::path(operation_id = "replace_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), request_body = Content, responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[put("/v1/editorial/articles/{id}")]
async fn replace_article(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    body: Body<Content>,
    _: Params<NoParams>,
) -> ApiResult {
    let save = Save::replace(body.read()?);
    save_article(ctx, can, id.0, save, body.digest()).await
}

/// Change something of the working copy.
///
/// A merge patch (RFC 7396) on the content.
#[utoipa::path(operation_id = "update_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), request_body = Content, responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[patch("/v1/editorial/articles/{id}")]
async fn update_article(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    body: Body<Content>,
    _: Params<NoParams>,
) -> ApiResult {
    let save = Save::Patch(body.patch()?);
    save_article(ctx, can, id.0, save, body.digest()).await
}

async fn save_article(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: ArticleId,
    save: Save<Content>,
    digest: [u8; 32],
) -> ApiResult {
    let (actor, if_match) = (can.actor.clone(), can.if_match);
    let article = service::save(&ctx, can.command(&ctx, Some(digest)), id, if_match, save).await?;
    acted(&ctx, article, actor).await
}

/// Delete a draft.
///
/// Only what was never public; what was is taken down instead.
#[utoipa::path(operation_id = "delete_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), responses(
    (status = 204), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[delete("/v1/editorial/articles/{id}")]
async fn delete_article(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    _: Params<NoParams>,
) -> ApiResult {
    let if_match = can.if_match;
    service::delete(&ctx, can.command(&ctx, None), id.0, if_match).await?;
    Ok(deleted())
}

async fn acted(ctx: &Ctx, article: Article, actor: Actor) -> ApiResult {
    answer(ctx, HttpResponse::Ok(), article, actor).await
}

/// The answer to a write.
async fn answer(
    ctx: &Ctx,
    response: HttpResponseBuilder,
    article: Article,
    actor: Actor,
) -> ApiResult {
    let (version, now) = (article.version, ctx.now());
    let out = ctx
        .db
        .read_brief(move |conn| ArticleOut::new(conn, article, &actor, now))
        .await?;
    written(response, version, &out)
}
