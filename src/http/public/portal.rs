//! The portal and its front page.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::present::{ArticleSummary, CategoryRef, Presenter};
use crate::ctx::Ctx;
use crate::domain::content::Language;
use crate::domain::page::{Limit, Sort};
use crate::domain::portal::{
    Agency, Imprint, PageTemplate, Portal, PortalContent, PortalName, Slogan, ZoneName,
};
use crate::http::caching::public_json;
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::{NoParams, Params};
use crate::store::public::articles::{self, Filter};
use crate::store::public::{categories, portal};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_portal).service(get_home);
}

/// The portal as readers see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicPortal {
    /// Permanent identity; null before anything was public.
    #[schema(max_length = 300, format = "uri")]
    uri: Option<String>,
    name: PortalName,
    slogan: Option<Slogan>,
    agency: Option<Agency>,
    imprint: Option<Imprint>,
    /// Default language of articles.
    language: Language,
    /// Languages that articles may be asked for in.
    #[schema(max_items = 20)]
    languages: Vec<Language>,
    time_zone: ZoneName,
    article_url: Option<PageTemplate>,
    category_url: Option<PageTemplate>,
}

impl From<Portal> for PublicPortal {
    fn from(portal: Portal) -> Self {
        let uri = portal.uri(&portal.uuid);
        let PortalContent {
            name,
            slogan,
            agency,
            imprint,
            language,
            time_zone,
            article_url,
            category_url,
        } = portal.content;
        Self {
            uri,
            name,
            slogan,
            agency,
            imprint,
            languages: vec![language.clone()],
            language,
            time_zone,
            article_url,
            category_url,
        }
    }
}

/// The portal.
///
/// Name, slogan, agency, imprint, languages and the address templates of the front end.
#[utoipa::path(operation_id = "get_portal", tag = "portal", security(()), responses((status = 200, body = PublicPortal)))]
#[get("/v1/portal")]
async fn get_portal(request: HttpRequest, ctx: web::Data<Ctx>, _: Params<NoParams>) -> ApiResult {
    let portal = ctx.db.read_brief(portal::get).await?;
    public_json(&request, &ctx, &PublicPortal::from(portal))
}

/// A front page in one request.
#[derive(Debug, Serialize, ToSchema)]
struct Home {
    portal: PublicPortal,
    /// The newest featured articles.
    #[schema(max_items = 5)]
    featured: Vec<ArticleSummary>,
    /// Top categories that have articles, each with its newest.
    #[schema(max_items = 1000)]
    categories: Vec<HomeCategory>,
}

/// One category of the front page.
#[derive(Debug, Serialize, ToSchema)]
struct HomeCategory {
    category: CategoryRef,
    #[schema(max_items = 5)]
    items: Vec<ArticleSummary>,
}

/// The front page.
///
/// The portal, up to five featured articles, and up to five newest articles of every top category
/// with its descendants, in the order of the tree.
#[utoipa::path(operation_id = "get_home", tag = "portal", security(()), responses((status = 200, body = Home)))]
#[get("/v1/home")]
async fn get_home(request: HttpRequest, ctx: web::Data<Ctx>, _: Params<NoParams>) -> ApiResult {
    let base = ctx.settings.base_url();
    let home = ctx
        .db
        .read(move |conn| {
            let portal = portal::get(conn)?;
            let tree = categories::tree(conn)?;
            let presenter = Presenter::new(&portal, &tree, &base);
            let mut newest = |filter: &Filter| {
                articles::list(conn, &tree, filter, Sort::Newest, None, Limit::of(5)).map(|page| {
                    page.items
                        .into_iter()
                        .map(|item| presenter.summary(item))
                        .collect::<Vec<_>>()
                })
            };
            let featured = newest(&Filter {
                featured: Some(true),
                live_only: true,
                ..Filter::default()
            })?;
            let mut sections = Vec::new();
            for top in tree.children(None) {
                let items = newest(&Filter {
                    category: Some(top.id),
                    live_only: true,
                    ..Filter::default()
                })?;
                if !items.is_empty() {
                    sections.push(HomeCategory {
                        category: presenter.category_ref(top),
                        items,
                    });
                }
            }
            Ok::<_, ApiError>(Home {
                featured,
                categories: sections,
                portal: portal.into(),
            })
        })
        .await?;
    public_json(&request, &ctx, &home)
}
