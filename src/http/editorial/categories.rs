//! Categories, for publishers: public at once.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{created, deleted};
use crate::ctx::Ctx;
use crate::domain::category::{Category, CategoryContent, CategoryMerge};
use crate::domain::id::{CategoryId, Version};
use crate::domain::portal::Portal;
use crate::http::caching::{object, private_json, written};
use crate::http::error::{ApiResult, Problem};
use crate::http::extract::{Body, Can, NoParams, Params, Publish, Segment, SignedIn};
use crate::service::Save;
use crate::service::categories::{self as service, Saved};
use crate::store::public::{categories, portal};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_editorial_categories)
        .service(create_category)
        .service(get_editorial_category)
        .service(replace_category)
        .service(update_category)
        .service(delete_category)
        .service(merge_category);
}

/// A category as editors see it.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryOut {
    id: CategoryId,
    version: Version,
    /// Permanent identity.
    #[schema(max_length = 300, format = "uri")]
    uri: Option<String>,
    /// Ids from the top down, the category itself last.
    #[schema(max_items = 4)]
    path: Vec<CategoryId>,
    content: CategoryContent,
}

impl CategoryOut {
    fn saved(saved: &Saved) -> Self {
        Self::of(&saved.category, Some(saved.uri.clone()))
    }

    fn new(category: &Category, portal: &Portal) -> Self {
        Self::of(category, portal.uri(&category.uuid))
    }

    fn of(category: &Category, uri: Option<String>) -> Self {
        Self {
            id: category.id,
            version: category.version,
            uri,
            path: category.path.clone(),
            content: category.content(),
        }
    }
}

/// All categories.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryOutList {
    #[schema(max_items = 1000)]
    items: Vec<CategoryOut>,
    /// Always null: all are answered at once.
    #[schema(max_length = 1, pattern = "^$")]
    next: Option<String>,
}

/// All categories with their versions.
///
/// Parents before children, each level in its order.
#[utoipa::path(operation_id = "list_editorial_categories", tag = "categories", security(("bearer" = [])), responses((status = 200, body = CategoryOutList)))]
#[get("/v1/editorial/categories")]
async fn list_editorial_categories(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _: Can<SignedIn>,
    _: Params<NoParams>,
) -> ApiResult {
    let list = ctx
        .db
        .read_brief(move |conn| {
            let portal = portal::get(conn)?;
            let tree = categories::tree(conn)?;
            Ok::<_, crate::store::Error>(CategoryOutList {
                items: tree
                    .all()
                    .iter()
                    .map(|c| CategoryOut::new(c, &portal))
                    .collect(),
                next: None,
            })
        })
        .await?;
    private_json(&request, &list)
}

/// One category with its version.
///
/// What PUT takes is in `content`.
#[utoipa::path(operation_id = "get_editorial_category", tag = "categories", security(("bearer" = [])), params(("id" = CategoryId, Path, description = "Id of the category")), responses(
    (status = 200, body = CategoryOut), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/categories/{id}")]
async fn get_editorial_category(
    ctx: web::Data<Ctx>,
    _: Can<SignedIn>,
    id: Segment<CategoryId>,
    _: Params<NoParams>,
) -> ApiResult {
    let category = ctx
        .db
        .read_brief(move |conn| {
            let portal = portal::get(conn)?;
            Ok::<_, crate::store::Error>(CategoryOut::new(&categories::get(conn, id.0)?, &portal))
        })
        .await?;
    object(category.version, &category)
}

/// Make a category.
///
/// The tree may be four levels deep.
#[utoipa::path(operation_id = "create_category", tag = "categories", security(("bearer" = [])), request_body = CategoryContent, responses(
    (status = 201, body = CategoryOut), (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/categories")]
async fn create_category(
    ctx: web::Data<Ctx>,
    can: Can<Publish>,
    body: Body<CategoryContent>,
    _: Params<NoParams>,
) -> ApiResult {
    let content = body.read()?;
    let command = can.command(&ctx, Some(body.digest()));
    let category = CategoryOut::saved(&service::create(&ctx, command, content).await?);
    let response = created(&ctx, "categories", category.id.get());
    written(response, category.version, &category)
}

/// Replace a category.
///
/// A new slug leaves the old one answering 301; a new parent moves the whole subtree, with a row of
/// the log for every category and public article in it.
#[utoipa::path(operation_id = "replace_category", tag = "categories", security(("bearer" = [])), params(("id" = CategoryId, Path, description = "Id of the category")), request_body = CategoryContent, responses(
    (status = 200, body = CategoryOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[put("/v1/editorial/categories/{id}")]
async fn replace_category(
    ctx: web::Data<Ctx>,
    can: Can<Publish>,
    id: Segment<CategoryId>,
    body: Body<CategoryContent>,
    _: Params<NoParams>,
) -> ApiResult {
    let save = Save::replace(body.read()?);
    save_category(ctx, can, id.0, save, body.digest()).await
}

/// Change something of a category.
///
/// A merge patch (RFC 7396) on the content.
#[utoipa::path(operation_id = "update_category", tag = "categories", security(("bearer" = [])), params(("id" = CategoryId, Path, description = "Id of the category")), request_body = CategoryContent, responses(
    (status = 200, body = CategoryOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[patch("/v1/editorial/categories/{id}")]
async fn update_category(
    ctx: web::Data<Ctx>,
    can: Can<Publish>,
    id: Segment<CategoryId>,
    body: Body<CategoryContent>,
    _: Params<NoParams>,
) -> ApiResult {
    let save = Save::Patch(body.patch()?);
    save_category(ctx, can, id.0, save, body.digest()).await
}

async fn save_category(
    ctx: web::Data<Ctx>,
    can: Can<Publish>,
    id: CategoryId,
    save: Save<CategoryContent>,
    digest: [u8; 32],
) -> ApiResult {
    let if_match = can.if_match;
    let command = can.command(&ctx, Some(digest));
    let category = CategoryOut::saved(&service::save(&ctx, command, id, if_match, save).await?);
    written(HttpResponse::Ok(), category.version, &category)
}

/// Delete a category.
///
/// Only with no category below it and no article in any state.
#[utoipa::path(operation_id = "delete_category", tag = "categories", security(("bearer" = [])), params(("id" = CategoryId, Path, description = "Id of the category")), responses(
    (status = 204), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[delete("/v1/editorial/categories/{id}")]
async fn delete_category(
    ctx: web::Data<Ctx>,
    can: Can<Publish>,
    id: Segment<CategoryId>,
    _: Params<NoParams>,
) -> ApiResult {
    let if_match = can.if_match;
    service::delete(&ctx, can.command(&ctx, None), id.0, if_match).await?;
    Ok(deleted())
}

/// Merge a category into another.
///
/// `If-Match` names the version of the category that goes. Everything in it moves to `into` at once:
/// articles in every state with all their editions, and the categories below it. Its slugs lead to
/// `into` from then on, and it is gone. The log has a row for every category and public article that
/// moved, and one for the category that is gone. Answers the category that got everything.
#[utoipa::path(operation_id = "merge_category", tag = "categories", security(("bearer" = [])), params(("id" = CategoryId, Path, description = "Id of the category that goes")), request_body = CategoryMerge, responses(
    (status = 200, description = "The category that got everything", body = CategoryOut), (status = 404, description = "No such category", body = Problem, content_type = "application/problem+json"),
    (status = 412, description = "Somebody else has changed it", body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/categories/{id}/merge")]
async fn merge_category(
    ctx: web::Data<Ctx>,
    can: Can<Publish>,
    id: Segment<CategoryId>,
    body: Body<CategoryMerge>,
    _: Params<NoParams>,
) -> ApiResult {
    let merge = body.read()?;
    let if_match = can.if_match;
    let command = can.command(&ctx, Some(body.digest()));
    let into = service::merge(&ctx, command, id.0, if_match, merge).await?;
    let category = CategoryOut::saved(&into);
    written(HttpResponse::Ok(), category.version, &category)
}
