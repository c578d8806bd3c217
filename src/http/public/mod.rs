//! What anyone may read. Nothing here can reach the editorial tables.

pub mod articles;
pub mod captions;
pub mod categories;
pub mod changes;
pub mod corrections;
pub mod feeds;
pub mod media;
pub mod portal;
pub mod present;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    portal::routes(cfg);
    categories::routes(cfg);
    articles::routes(cfg);
    corrections::routes(cfg);
    captions::routes(cfg);
    media::routes(cfg);
    changes::routes(cfg);
    feeds::routes(cfg);
}
