//! Articles as editors have them: drafts, editions, and the actions that change what readers see.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{created, deleted, visible};
use crate::ctx::Ctx;
use crate::domain::article::{
    Action, Article, Note, PublicState, Publish as PublishBody, ReasonCode, Stage, TakeDown,
    Withdraw,
};
use crate::domain::content::{Content, Title};
use crate::domain::id::{ArticleId, EditionNumber, UserId, Version};
use crate::domain::input::{FaultCode, Refusal};
use crate::domain::policy::{self, Right, allowed_actions};
use crate::domain::slug::Slug;
use crate::domain::time::{Day, Instant};
use crate::domain::user::Actor;
use crate::http::caching::{object, private_list, written};
use crate::http::error::{ApiError, ApiResult, Problem};
use crate::http::extract::{
    Body, Can, FromQuery, NoParams, PageParams, Paging, Params, Publish, Query, Segment, Write,
};
use crate::http::next_link;
use crate::service::Save;
use crate::service::articles::{self as service};
use crate::service::publishing;
use crate::store;
use crate::store::editorial::articles;
use crate::store::public::{categories, portal};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_editorial_articles)
        .service(create_article)
        .service(get_editorial_article)
        .service(replace_article)
        .service(update_article)
        .service(delete_article)
        .service(publish_article)
        .service(withdraw_article)
        .service(take_down_article)
        .service(restore_article);
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
    #[schema(inline)]
    public_state: PublicState,
    public_edition: Option<EditionNumber>,
    has_unpublished_changes: bool,
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
    content: Content,
}

impl ArticleOut {
    fn new(article: Article, actor: &Actor) -> Self {
        Self {
            has_unpublished_changes: article.has_unpublished_changes(),
            allowed_actions: allowed_actions(actor, article.created_by, article.public_state),
            id: article.id,
            uri: article.uri,
            version: article.version,
            edition: article.edition,
            stage: article.stage,
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
            content: article.content,
        }
    }
}

/// One line of the editorial list.
#[derive(Debug, Serialize, ToSchema)]
struct ArticleLine {
    id: ArticleId,
    version: Version,
    slug: Slug,
    title: Title,
    /// Slug of the category.
    category: Option<Slug>,
    #[schema(inline)]
    stage: Stage,
    #[schema(inline)]
    public_state: PublicState,
    has_unpublished_changes: bool,
    created_by: UserId,
    updated_at: Instant,
}

/// A page of the editorial list.
#[derive(Debug, Serialize, ToSchema)]
struct ArticleLinePage {
    #[schema(max_items = 100)]
    items: Vec<ArticleLine>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; LineQuery is what handlers read"
)]
struct LineParams {
    #[param(inline)]
    stage: Option<Stage>,
    #[param(inline)]
    public_state: Option<PublicState>,
    /// Slug of a category; its descendants are included.
    #[param(max_length = 100, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    category: Option<String>,
}

struct LineQuery {
    stage: Option<Stage>,
    public_state: Option<PublicState>,
    category: Option<Slug>,
    paging: Paging,
    context: String,
}

impl FromQuery for LineQuery {
    fn read(query: &mut Query) -> Self {
        let unknown = || {
            Refusal::new(
                FaultCode::UnknownValue,
                "is not one of the words of this filter",
            )
        };
        let stage = query.take("stage", |text| Stage::parse(text).ok_or_else(unknown));
        let public_state = query.take("public_state", |text| {
            PublicState::parse(text).ok_or_else(unknown)
        });
        let category = query.take("category", Slug::parse);
        let context = format!("editorial articles {stage:?} {public_state:?} {category:?}");
        Self {
            stage,
            public_state,
            category,
            paging: Paging::read(query, &context),
            context,
        }
    }
}

/// Articles in every state.
///
/// Newest first, without content. Reporters see their own.
#[utoipa::path(operation_id = "list_editorial_articles", tag = "editorial articles", security(("bearer" = [])), params(LineParams, PageParams), responses((status = 200, body = ArticleLinePage)))]
#[get("/v1/editorial/articles")]
async fn list_editorial_articles(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    Params(query): Params<LineQuery>,
) -> ApiResult {
    let page = ctx
        .db
        .read_brief(move |conn| {
            let zone = portal::get(conn)?.zone();
            let tree = categories::tree(conn)?;
            let category = match &query.category {
                Some(slug) => Some(categories::find(conn, slug).map_err(|error| match error {
                    store::Error::NotFound => ApiError::parameter(
                        "category",
                        FaultCode::NotFound,
                        "is not the slug of a category",
                    ),
                    error => error.into(),
                })?),
                None => None,
            };
            let all = policy::has(&can.actor.roles, Right::Edit);
            let filter = articles::Filter {
                author: (!all).then_some(can.actor.user_id),
                stage: query.stage,
                public_state: query.public_state,
                category,
            };
            let Paging { cursor, limit } = query.paging;
            let page = articles::list(conn, &tree, &filter, cursor, limit)?;
            let items = page
                .items
                .into_iter()
                .map(|line| ArticleLine {
                    id: line.id,
                    version: line.version,
                    slug: line.slug,
                    title: Title::stored(line.title),
                    category: tree
                        .get(line.category_id)
                        .map(|category| category.slug.clone()),
                    stage: line.stage,
                    public_state: line.public_state,
                    has_unpublished_changes: line.has_unpublished_changes,
                    created_by: line.created_by,
                    updated_at: zone.show(line.updated_at),
                })
                .collect();
            Ok::<_, ApiError>(ArticleLinePage {
                items,
                next: page.next.map(|cursor| cursor.encode(&query.context)),
            })
        })
        .await?;
    let links = next_link(&request, &ctx.settings.base_url(), page.next.as_deref());
    private_list(&request, &page, &links)
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
    let actor = can.actor;
    let article = ctx
        .db
        .read_brief(move |conn| {
            Ok::<_, ApiError>(ArticleOut::new(visible(conn, &actor, id.0)?, &actor))
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
    written(response, article.version, &ArticleOut::new(article, &actor))
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
    written(
        HttpResponse::Ok(),
        article.version,
        &ArticleOut::new(article, &actor),
    )
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

/// Publish the newest edition.
///
/// `kind` is absent the first time and required ever after: a `correction` is public with its note
/// and moves `updated_at`, a `minor` change is neither.
#[utoipa::path(operation_id = "publish_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), request_body = PublishBody, responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/publish")]
async fn publish_article(
    ctx: web::Data<Ctx>,
    can: Can<Publish>,
    id: Segment<ArticleId>,
    body: Body<PublishBody>,
    _: Params<NoParams>,
) -> ApiResult {
    let input = match body.is_empty() {
        true => PublishBody::default(),
        false => body.read()?,
    };
    let (actor, if_match) = (can.actor.clone(), can.if_match);
    let command = can.command(&ctx, Some(body.digest()));
    acted(
        publishing::publish(&ctx, command, id.0, if_match, input).await?,
        &actor,
    )
}

/// Withdraw an article.
///
/// Still readable by its address, marked with the note; gone from every list.
#[utoipa::path(operation_id = "withdraw_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), request_body = Withdraw, responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/withdraw")]
async fn withdraw_article(
    ctx: web::Data<Ctx>,
    can: Can<Publish>,
    id: Segment<ArticleId>,
    body: Body<Withdraw>,
    _: Params<NoParams>,
) -> ApiResult {
    let input = body.read()?;
    let (actor, if_match) = (can.actor.clone(), can.if_match);
    let command = can.command(&ctx, Some(body.digest()));
    acted(
        publishing::withdraw(&ctx, command, id.0, if_match, input).await?,
        &actor,
    )
}

/// Take an article down.
///
/// Text, captions and pictures are gone at once; its address answers 410 with reason and time until
/// it is restored or published again as a correction. The note stays internal.
#[utoipa::path(operation_id = "take_down_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), request_body = TakeDown, responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/take-down")]
async fn take_down_article(
    ctx: web::Data<Ctx>,
    can: Can<Publish>,
    id: Segment<ArticleId>,
    body: Body<TakeDown>,
    _: Params<NoParams>,
) -> ApiResult {
    let input = body.read()?;
    let (actor, if_match) = (can.actor.clone(), can.if_match);
    let command = can.command(&ctx, Some(body.digest()));
    acted(
        publishing::take_down(&ctx, command, id.0, if_match, input).await?,
        &actor,
    )
}

/// Restore an article.
///
/// Brings back the last public edition, unchanged.
#[utoipa::path(operation_id = "restore_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/restore")]
async fn restore_article(
    ctx: web::Data<Ctx>,
    can: Can<Publish>,
    id: Segment<ArticleId>,
    _: Params<NoParams>,
) -> ApiResult {
    let (actor, if_match) = (can.actor.clone(), can.if_match);
    let command = can.command(&ctx, None);
    acted(
        publishing::restore(&ctx, command, id.0, if_match).await?,
        &actor,
    )
}

fn acted(article: Article, actor: &Actor) -> ApiResult {
    written(
        HttpResponse::Ok(),
        article.version,
        &ArticleOut::new(article, actor),
    )
}
