//! Actions: the way of an article through the newsroom, and to and from the readers.

use actix_web::{post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{ArticleOut, acted};
use crate::ctx::Ctx;
use crate::domain::article::{
    Article, Assign, Publish as PublishBody, Return, TakeDown, Unschedule, Withdraw,
};
use crate::domain::id::{ArticleId, EditionNumber};
use crate::http::error::{ApiResult, Problem};
use crate::http::extract::{Body, Can, Edit, NoParams, Params, Publish, Segment, Write};
use crate::service::workflow::Step;
use crate::service::{Command, Error, IfMatch, articles, publishing, workflow};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(submit_article)
        .service(recall_article)
        .service(return_article)
        .service(approve_article)
        .service(assign_article)
        .service(publish_article)
        .service(unschedule_article)
        .service(withdraw_article)
        .service(archive_article)
        .service(take_down_article)
        .service(restore_article)
        .service(restore_edition);
}

/// Carries an action out and answers the article as it is now. `body` is the digest of the body.
async fn act<R, F>(
    ctx: &Ctx,
    can: Can<R>,
    body: Option<[u8; 32]>,
    action: impl FnOnce(Command, IfMatch) -> F,
) -> ApiResult
where
    F: Future<Output = Result<Article, Error>>,
{
    let (actor, if_match) = (can.actor.clone(), can.if_match);
    let article = action(can.command(ctx, body), if_match).await?;
    acted(ctx, article, actor).await
}

/// Hand an article in.
///
/// The newest edition waits for an editor; its reporter can change it again after `recall`.
#[utoipa::path(operation_id = "submit_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/submit")]
async fn submit_article(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    _: Params<NoParams>,
) -> ApiResult {
    act(&ctx, can, None, |command, if_match| {
        workflow::step(&ctx, command, id.0, if_match, Step::Submit)
    })
    .await
}

/// Take an article back.
///
/// What was handed in, or approved, is a draft again.
#[utoipa::path(operation_id = "recall_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/recall")]
async fn recall_article(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId>,
    _: Params<NoParams>,
) -> ApiResult {
    act(&ctx, can, None, |command, if_match| {
        workflow::step(&ctx, command, id.0, if_match, Step::Recall)
    })
    .await
}

/// Give an article back to its author.
///
/// The reason is required and shown to the author.
#[utoipa::path(operation_id = "return_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), request_body = Return, responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/return")]
async fn return_article(
    ctx: web::Data<Ctx>,
    can: Can<Edit>,
    id: Segment<ArticleId>,
    body: Body<Return>,
    _: Params<NoParams>,
) -> ApiResult {
    let input = body.read()?;
    act(&ctx, can, Some(body.digest()), |command, if_match| {
        workflow::step(&ctx, command, id.0, if_match, Step::Return(input))
    })
    .await
}

/// Approve the newest edition.
///
/// Holds for this edition only: the next save ends it. Publishing needs no approval.
#[utoipa::path(operation_id = "approve_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/approve")]
async fn approve_article(
    ctx: web::Data<Ctx>,
    can: Can<Edit>,
    id: Segment<ArticleId>,
    _: Params<NoParams>,
) -> ApiResult {
    act(&ctx, can, None, |command, if_match| {
        workflow::step(&ctx, command, id.0, if_match, Step::Approve)
    })
    .await
}

/// Assign an article.
///
/// To somebody who can write, or to nobody. The version stays, and `If-Match` is not needed: nobody's
/// unsaved work is touched. A reporter may open and save what is assigned to them.
#[utoipa::path(operation_id = "assign_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), request_body = Assign, responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/assign")]
async fn assign_article(
    ctx: web::Data<Ctx>,
    can: Can<Edit>,
    id: Segment<ArticleId>,
    body: Body<Assign>,
    _: Params<NoParams>,
) -> ApiResult {
    let input = body.read()?;
    act(&ctx, can, Some(body.digest()), |command, _| {
        workflow::assign(&ctx, command, id.0, input)
    })
    .await
}

/// Publish the newest edition, now or later.
///
/// With `at` it is scheduled: exactly this edition is published then, whatever is saved meanwhile.
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
    let input = body.read_or_default()?;
    act(&ctx, can, Some(body.digest()), |command, if_match| {
        publishing::publish(&ctx, command, id.0, if_match, input)
    })
    .await
}

/// Cancel what is scheduled.
///
/// The publication, the expiry, or both when `event` is absent.
#[utoipa::path(operation_id = "unschedule_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), request_body = Unschedule, responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/unschedule")]
async fn unschedule_article(
    ctx: web::Data<Ctx>,
    can: Can<Publish>,
    id: Segment<ArticleId>,
    body: Body<Unschedule>,
    _: Params<NoParams>,
) -> ApiResult {
    let input = body.read_or_default()?;
    act(&ctx, can, Some(body.digest()), |command, if_match| {
        publishing::unschedule(&ctx, command, id.0, if_match, input)
    })
    .await
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
    act(&ctx, can, Some(body.digest()), |command, if_match| {
        publishing::withdraw(&ctx, command, id.0, if_match, input)
    })
    .await
}

/// Archive an article.
///
/// Out of the news: still readable and in lists, no longer on the front page, in *other news* and
/// feeds.
#[utoipa::path(operation_id = "archive_article", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article")), responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/archive")]
async fn archive_article(
    ctx: web::Data<Ctx>,
    can: Can<Publish>,
    id: Segment<ArticleId>,
    _: Params<NoParams>,
) -> ApiResult {
    act(&ctx, can, None, |command, if_match| {
        publishing::archive(&ctx, command, id.0, if_match)
    })
    .await
}

/// Take an article down.
///
/// Text, captions and pictures are gone at once; its address answers 410 with reason and time until
/// it is restored or published again as a correction. Note, legal basis and requester
/// stay internal.
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
    act(&ctx, can, Some(body.digest()), |command, if_match| {
        publishing::take_down(&ctx, command, id.0, if_match, input)
    })
    .await
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
    act(&ctx, can, None, |command, if_match| {
        publishing::restore(&ctx, command, id.0, if_match)
    })
    .await
}

/// Make an old edition the working copy again.
///
/// Its content is saved as a new edition, with the captions' own ids; the article keeps its slug.
/// What is the working copy already makes none. 422 tells, by places in the edition's content, what
/// of it is gone meanwhile: its category, a medium.
#[utoipa::path(operation_id = "restore_edition", tag = "editorial articles", security(("bearer" = [])), params(("id" = ArticleId, Path, description = "Id of the article"), ("number" = EditionNumber, Path, description = "Number of the edition")), responses(
    (status = 200, body = ArticleOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/articles/{id}/editions/{number}/restore")]
async fn restore_edition(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<ArticleId, 0>,
    number: Segment<EditionNumber, 1>,
    _: Params<NoParams>,
) -> ApiResult {
    act(&ctx, can, None, |command, if_match| {
        articles::restore_edition(&ctx, command, id.0, if_match, number.0)
    })
    .await
}
