//! What editors do. Every handler takes `Can<…>`.

pub mod articles;
pub mod audit;
pub mod captions;
pub mod categories;
pub mod comments;
pub mod editions;
pub mod locks;
pub mod media;
pub mod people;
pub mod portal;
pub mod previews;
pub mod tokens;
pub mod users;

use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};
use utoipa_actix_web::service_config::ServiceConfig;

use super::caching::NO_STORE;
use super::error::ApiError;
use crate::ctx::Ctx;
use crate::domain::article::Article;
use crate::domain::id::{ArticleId, MediaId};
use crate::domain::policy;
use crate::domain::time::Instant;
use crate::domain::user::Actor;
use crate::store::editorial::articles as articles_store;
use crate::store::{self, Conn};

pub fn routes(cfg: &mut ServiceConfig) {
    articles::routes(cfg);
    audit::routes(cfg);
    captions::routes(cfg);
    comments::routes(cfg);
    editions::routes(cfg);
    categories::routes(cfg);
    locks::routes(cfg);
    previews::routes(cfg);
    media::routes(cfg);
    people::routes(cfg);
    portal::routes(cfg);
    tokens::routes(cfg);
    users::routes(cfg);
}

/// 201 with the address of the new object.
fn created(ctx: &Ctx, collection: &str, id: i64) -> HttpResponseBuilder {
    let mut response = HttpResponse::Created();
    response.insert_header((
        header::LOCATION,
        format!("{}/v1/editorial/{collection}/{id}", ctx.settings.base_url()),
    ));
    response
}

/// 204 after a deletion.
fn deleted() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::CACHE_CONTROL, NO_STORE))
        .finish()
}

/// The article, if this actor may know of it.
fn visible(conn: &mut Conn, actor: &Actor, id: ArticleId) -> Result<Article, ApiError> {
    let article = articles_store::get(conn, id)?;
    if policy::may_edit(actor, &article.situation()) {
        Ok(article)
    } else {
        Err(store::Error::NotFound.into())
    }
}

/// Path of a file that opens without a token for the next minutes, and not beyond `until`.
fn file_path(ctx: &Ctx, id: MediaId, rendition: &str, until: Instant) -> String {
    media::preview::path_until(ctx, id, rendition, until)
}
