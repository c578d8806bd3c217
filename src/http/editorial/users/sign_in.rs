//! What an admin does about a user's signing in.

use actix_web::{post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{UserOut, answer};
use crate::ctx::Ctx;
use crate::domain::id::UserId;
use crate::http::editorial::deleted;
use crate::http::error::{ApiResult, Problem};
use crate::http::extract::{Administer, Can, NoParams, Params, Segment};
use crate::service::users as service;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(sign_out_user)
        .service(unlock_user)
        .service(reset_user_totp);
}

/// End all sign-ins of a user.
///
/// Access and refresh tokens are refused at once. The user may sign in anew; to prevent that,
/// disable the user or set a password.
#[utoipa::path(operation_id = "sign_out_user", tag = "users", security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Id of the user")),
    responses(
        (status = 204, description = "Signed out everywhere"),
        (status = 404, description = "No such user", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/editorial/users/{id}/sign-out")]
async fn sign_out_user(
    ctx: web::Data<Ctx>,
    can: Can<Administer>,
    id: Segment<UserId>,
    _: Params<NoParams>,
) -> ApiResult {
    let command = can.command(&ctx, None);
    service::sign_out(&ctx, command, id.0).await?;
    Ok(deleted())
}

/// Let a user try to sign in again.
///
/// Forgets the account's failed attempts, which made it wait (429). Those of an address stay.
#[utoipa::path(operation_id = "unlock_user", tag = "users", security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Id of the user")),
    responses(
        (status = 204, description = "The account may try again"),
        (status = 404, description = "No such user", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/editorial/users/{id}/unlock")]
async fn unlock_user(
    ctx: web::Data<Ctx>,
    can: Can<Administer>,
    id: Segment<UserId>,
    _: Params<NoParams>,
) -> ApiResult {
    let command = can.command(&ctx, None);
    service::unlock(&ctx, command, id.0).await?;
    Ok(deleted())
}

/// Turn a user's second factor off.
///
/// For a user who has lost the app and the recovery codes: be sure who asks. All the user's sign-ins
/// end. Where there is no second factor, nothing changes.
#[utoipa::path(operation_id = "reset_user_totp", tag = "users", security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Id of the user")),
    responses(
        (status = 200, description = "As it is now", body = UserOut),
        (status = 404, description = "No such user", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else has changed it", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "If-Match is required", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/editorial/users/{id}/totp/reset")]
async fn reset_user_totp(
    ctx: web::Data<Ctx>,
    can: Can<Administer>,
    id: Segment<UserId>,
    _: Params<NoParams>,
) -> ApiResult {
    let if_match = can.if_match;
    let command = can.command(&ctx, None);
    let user = service::reset_second_factor(&ctx, command, id.0, if_match).await?;
    answer(&ctx, user).await
}
