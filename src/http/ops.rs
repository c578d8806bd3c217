//! For those who run it: health, readiness, metrics.

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::caching::{JSON, to_bytes};
use super::error::{ApiResult, Problem};
use crate::ctx::Ctx;
use crate::service::media;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_health)
        .service(get_readiness)
        .service(get_metrics);
}

/// State of the process.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    #[schema(max_length = 10, pattern = "^(ok|ready)$")]
    status: &'static str,
    #[schema(max_length = 40, pattern = "^[0-9A-Za-z.+-]+$")]
    version: &'static str,
}

fn health(status: &'static str) -> ApiResult {
    let health = Health {
        status,
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type(JSON)
        .body(to_bytes(&health)?))
}

/// Is the process alive?
///
/// Answers without touching the database.
#[utoipa::path(operation_id = "get_health", tag = "operations", security(()), responses((status = 200, body = Health)))]
#[get("/healthz")]
async fn get_health() -> ApiResult {
    health("ok")
}

/// Can the process serve?
///
/// 503 while the database cannot be reached.
#[utoipa::path(operation_id = "get_readiness", tag = "operations", security(()), responses(
    (status = 200, body = Health),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
#[get("/readyz")]
async fn get_readiness(ctx: web::Data<Ctx>) -> ApiResult {
    ctx.db.ping().await?;
    health("ready")
}

/// Metrics for Prometheus.
///
/// OpenMetrics text: requests and their duration by route pattern, the head of the public log.
/// Keep it from the public at the proxy where that matters.
#[utoipa::path(operation_id = "get_metrics", tag = "operations", security(()), responses(
    (status = 200, body = String, content_type = "application/openmetrics-text"),
))]
#[get("/metrics")]
async fn get_metrics(ctx: web::Data<Ctx>) -> ApiResult {
    // The other figures matter most while the database is away.
    if let Ok(head) = ctx.db.read_brief(crate::store::public::changes::head).await {
        ctx.metrics.log_head.set(head.seq);
    }
    if let Ok(load) = media::load(&ctx).await {
        ctx.metrics.media_jobs_queued.set(load.queued);
        ctx.metrics.media_jobs_running.set(load.running);
    }
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(ctx.metrics.text()))
}
