//! Categories: the tree, and one with its path.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::present::{CategoryStep, Presenter, moved};
use crate::ctx::Ctx;
use crate::domain::category::{Category, CategoryName, LegalReference};
use crate::domain::id::CategoryId;
use crate::domain::slug::Slug;
use crate::http::caching::public_json;
use crate::http::error::{ApiError, ApiResult, Problem};
use crate::http::extract::{NoParams, Params, Segment};
use crate::store::public::categories::{self, Tree};
use crate::store::public::portal;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_categories).service(get_category);
}

/// A category and what is below it.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryNode {
    id: CategoryId,
    /// Permanent identity.
    #[schema(max_length = 300, format = "uri")]
    uri: Option<String>,
    slug: Slug,
    name: CategoryName,
    #[schema(max_length = 2200, format = "uri")]
    canonical_url: String,
    legal_reference: Option<LegalReference>,
    #[schema(no_recursion, max_items = 1000)]
    children: Vec<CategoryNode>,
}

/// A category with its path.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryDetail {
    #[serde(flatten)]
    node: CategoryNode,
    /// From the top down, the category itself last.
    #[schema(max_items = 4)]
    path: Vec<CategoryStep>,
}

/// The whole tree.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryTree {
    #[schema(max_items = 1000)]
    items: Vec<CategoryNode>,
    /// Always null: the tree is answered whole.
    #[schema(max_length = 1, pattern = "^$")]
    next: Option<String>,
}

fn node(
    presenter: &Presenter,
    portal: &crate::domain::portal::Portal,
    tree: &Tree,
    category: &Category,
) -> CategoryNode {
    CategoryNode {
        id: category.id,
        uri: portal.uri(&category.uuid),
        slug: category.slug.clone(),
        name: category.name.clone(),
        canonical_url: presenter.category_url(&category.slug),
        legal_reference: category.legal_reference.clone(),
        children: tree
            .children(Some(category.id))
            .map(|child| node(presenter, portal, tree, child))
            .collect(),
    }
}

/// The tree of categories.
///
/// Every category with those below it, in order.
#[utoipa::path(operation_id = "list_categories", tag = "categories", security(()), responses((status = 200, body = CategoryTree)))]
#[get("/v1/categories")]
async fn list_categories(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _: Params<NoParams>,
) -> ApiResult {
    let base = ctx.settings.base_url();
    let tree = ctx
        .db
        .read_brief(move |conn| {
            let portal = portal::get(conn)?;
            let tree = categories::tree(conn)?;
            let presenter = Presenter::new(&portal, &tree, &base);
            Ok::<_, ApiError>(CategoryTree {
                items: tree
                    .children(None)
                    .map(|top| node(&presenter, &portal, &tree, top))
                    .collect(),
                next: None,
            })
        })
        .await?;
    public_json(&request, &ctx, &tree)
}

/// One category.
///
/// With its path (breadcrumb) and the categories below it. Old slugs answer 301.
#[utoipa::path(operation_id = "get_category", tag = "categories", security(()), params(("slug" = Slug, Path, description = "Slug of the category")), responses(
    (status = 200, body = CategoryDetail),
    (status = 301, description = "The category has another slug now."),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/categories/{slug}")]
async fn get_category(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    slug: Segment<Slug>,
    _: Params<NoParams>,
) -> ApiResult {
    let base = ctx.settings.base_url();
    let wanted = slug.0.clone();
    let found = ctx
        .db
        .read_brief(move |conn| {
            let id = categories::find(conn, &wanted)?;
            let portal = portal::get(conn)?;
            let tree = categories::tree(conn)?;
            let category = tree.get(id).ok_or(crate::store::Error::NotFound)?;
            if category.slug != wanted {
                return Ok::<_, ApiError>(Err(category.slug.clone()));
            }
            let presenter = Presenter::new(&portal, &tree, &base);
            Ok(Ok(CategoryDetail {
                node: node(&presenter, &portal, &tree, category),
                path: presenter.path(id),
            }))
        })
        .await?;
    match found {
        Ok(category) => public_json(&request, &ctx, &category),
        Err(now) => Ok(moved(&request, &ctx, &now)),
    }
}
