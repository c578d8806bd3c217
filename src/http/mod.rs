//! The API: JSON and XML in and out. Knows no SQL; reads go straight to the store, writes through
//! the services.
//!
//! This file is the application factory that the server and the tests share.

pub mod auth;
pub mod caching;
mod cors;
pub mod editorial;
pub mod error;
pub mod extract;
pub mod files;
mod json;
pub mod ops;
mod pages;
pub mod public;
pub mod request;
pub mod spec;
pub mod upload;

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::{App, HttpRequest, ResponseError, web};
use utoipa_actix_web::AppExt as _;
use utoipa_actix_web::service_config::ServiceConfig;

use self::error::{ApiError, Code};
use self::spec::Spec;
use crate::ctx::Ctx;
use crate::infra::rate::Limiter;

/// What all workers of one server share beside the context.
#[derive(Clone)]
pub struct Shared {
    pub ctx: Ctx,
    pub spec: Arc<Spec>,
    pub limiter: Arc<Option<Limiter>>,
}

impl Shared {
    pub fn new(ctx: Ctx) -> Self {
        Self {
            limiter: Arc::new(Limiter::new(ctx.settings.rate_limit)),
            spec: Arc::new(Spec::new(&ctx.settings.base_url())),
            ctx,
        }
    }
}

/// Every operation of the document.
pub fn routes(cfg: &mut ServiceConfig) {
    public::routes(cfg);
    auth::routes(cfg);
    editorial::routes(cfg);
    ops::routes(cfg);
}

/// The application, once for each worker.
pub fn app(
    shared: &Shared,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    let (app, _) = App::new()
        .into_utoipa_app()
        .configure(routes)
        .split_for_parts();
    app.app_data(web::Data::new(shared.ctx.clone()))
        .app_data(web::Data::from(Arc::clone(&shared.spec)))
        .app_data(web::Data::from(Arc::clone(&shared.limiter)))
        .configure(pages::routes)
        .default_service(web::to(nowhere))
        .wrap(actix_web::middleware::from_fn(request::handle))
}

/// Unknown addresses are 404; known ones with another method are 405 with `Allow`.
async fn nowhere(request: HttpRequest, spec: web::Data<Spec>) -> actix_web::HttpResponse {
    let allowed = spec.methods(request.path());
    if allowed.is_empty() {
        return ApiError::new(Code::NotFound)
            .detail("there is nothing at this address; see /openapi.json")
            .error_response();
    }
    ApiError::new(Code::MethodNotAllowed)
        .header(header::ALLOW, allowed.join(", "))
        .error_response()
}

/// The `Link` header of a list, when there is a next page.
pub fn next_link(request: &HttpRequest, base: &str, cursor: Option<&str>) -> Vec<String> {
    let Some(cursor) = cursor else {
        return Vec::new();
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        if name != "cursor" {
            query.append_pair(&name, &value);
        }
    }
    query.append_pair("cursor", cursor);
    vec![format!(
        "<{base}{}?{}>; rel=\"next\"",
        request.path(),
        query.finish()
    )]
}
