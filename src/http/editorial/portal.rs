//! The portal, for admins.

use actix_web::{HttpResponse, get, put, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::ctx::Ctx;
use crate::domain::id::Version;
use crate::domain::portal::{Portal, PortalContent};
use crate::http::caching::{object, written};
use crate::http::error::ApiResult;
use crate::http::extract::{Administer, Body, Can, NoParams, Params, SignedIn};
use crate::service::portal as service;
use crate::store::public::portal;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_editorial_portal).service(replace_portal);
}

/// The portal as admins see it.
#[derive(Debug, Serialize, ToSchema)]
struct PortalOut {
    version: Version,
    /// Permanent identity; authority and year are fixed by the
    /// first write that readers see.
    #[schema(max_length = 300, format = "uri")]
    uri: Option<String>,
    content: PortalContent,
}

impl From<Portal> for PortalOut {
    fn from(portal: Portal) -> Self {
        Self {
            version: portal.version,
            uri: portal.uri(&portal.uuid),
            content: portal.content,
        }
    }
}

/// The portal with its version.
///
/// What PUT takes is in `content`.
#[utoipa::path(operation_id = "get_editorial_portal", tag = "portal", security(("bearer" = [])), responses((status = 200, body = PortalOut)))]
#[get("/v1/editorial/portal")]
async fn get_editorial_portal(
    ctx: web::Data<Ctx>,
    _: Can<SignedIn>,
    _: Params<NoParams>,
) -> ApiResult {
    let portal = ctx.db.read_brief(portal::get).await?;
    object(portal.version, &PortalOut::from(portal))
}

/// Replace what is said of the portal.
///
/// Public at once.
#[utoipa::path(operation_id = "replace_portal", tag = "portal", security(("bearer" = [])), request_body = PortalContent, responses((status = 200, body = PortalOut)))]
#[put("/v1/editorial/portal")]
async fn replace_portal(
    ctx: web::Data<Ctx>,
    can: Can<Administer>,
    body: Body<PortalContent>,
    _: Params<NoParams>,
) -> ApiResult {
    let content = body.read()?;
    let if_match = can.if_match;
    let command = can.command(&ctx, Some(body.digest()));
    let portal = service::replace(&ctx, command, if_match, content).await?;
    written(HttpResponse::Ok(), portal.version, &PortalOut::from(portal))
}
