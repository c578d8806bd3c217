//! One's own sign-ins: to see them, and to end those that are not wanted any more.

use actix_web::{HttpRequest, delete, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::done;
use crate::ctx::Ctx;
use crate::domain::time::{Instant, Zone};
use crate::domain::user::{Session, SessionId};
use crate::http::caching::private_json;
use crate::http::error::{ApiResult, Problem};
use crate::http::extract::{Can, NoParams, Params, Segment, SignedIn};
use crate::service::auth;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_sessions)
        .service(end_session)
        .service(end_other_sessions);
}

/// A sign-in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionOut {
    id: SessionId,
    created_at: Instant,
    /// When one signed in or last refreshed.
    last_used_at: Instant,
    /// Its end, however often it is refreshed.
    expires_at: Instant,
    /// From where it was used last, as far as it is known.
    #[schema(max_length = 64, pattern = "^[^\\u0000-\\u001F]*$")]
    address: Option<String>,
    /// What the browser or program called itself when it signed in, shortened.
    #[schema(max_length = 120, pattern = "^[^\\u0000-\\u001F]*$")]
    user_agent: Option<String>,
    /// The one that asks.
    current: bool,
}

impl SessionOut {
    fn new(session: Session, zone: &Zone, current: Option<&str>) -> Self {
        Self {
            created_at: zone.show(session.created_at),
            last_used_at: zone.show(session.used_at),
            expires_at: zone.show(session.expires_at),
            address: session.address,
            user_agent: session.agent,
            current: current == Some(session.id.as_str()),
            id: SessionId::stored(session.id),
        }
    }
}

/// Sign-ins of the user, the last used first.
#[derive(Debug, Serialize, ToSchema)]
struct SessionList {
    #[schema(max_items = 100)]
    items: Vec<SessionOut>,
}

/// List one's sign-ins.
///
/// Those that are not over, the last used first; at most 100.
#[utoipa::path(operation_id = "list_sessions", tag = "auth", security(("bearer" = [])), responses(
    (status = 200, description = "The sign-ins", body = SessionList),
))]
#[get("/v1/auth/sessions")]
async fn list_sessions(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<SignedIn>,
    _: Params<NoParams>,
) -> ApiResult {
    let (found, zone) = auth::own_sessions(&ctx, &can.actor).await?;
    let current = can.actor.session_id.as_deref();
    let list = SessionList {
        items: found
            .into_iter()
            .map(|session| SessionOut::new(session, &zone, current))
            .collect(),
    };
    private_json(&request, &list)
}

/// End one of one's sign-ins.
///
/// Its access and refresh tokens are refused from now on. Somebody else's is 404.
#[utoipa::path(operation_id = "end_session", tag = "auth", security(("bearer" = [])),
    params(("id" = SessionId, Path, description = "Id of the sign-in")),
    responses(
        (status = 204, description = "Ended"),
        (status = 404, description = "No such sign-in of yours", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[delete("/v1/auth/sessions/{id}")]
async fn end_session(
    ctx: web::Data<Ctx>,
    can: Can<SignedIn>,
    id: Segment<SessionId>,
    _: Params<NoParams>,
) -> ApiResult {
    auth::end_session(&ctx, can.actor, can.address, id.0).await?;
    Ok(done())
}

/// End all other sign-ins.
///
/// The one that asks stays.
#[utoipa::path(operation_id = "end_other_sessions", tag = "auth", security(("bearer" = [])), responses(
    (status = 204, description = "Ended"),
))]
#[delete("/v1/auth/sessions")]
async fn end_other_sessions(
    ctx: web::Data<Ctx>,
    can: Can<SignedIn>,
    _: Params<NoParams>,
) -> ApiResult {
    auth::end_others(&ctx, can.actor, can.address).await?;
    Ok(done())
}
