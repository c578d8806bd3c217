//! Who works here, for those who write: names beside ids, and whom an article can be assigned to.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::ctx::Ctx;
use crate::domain::content::PersonName;
use crate::domain::id::UserId;
use crate::domain::user::Role;
use crate::http::caching::private_list;
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::{Can, FromQuery, PageParams, Paging, Params, Query, Write};
use crate::http::next_link;
use crate::store::editorial::users;

const LIST: &str = "people";

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_people);
}

/// Somebody of the newsroom.
#[derive(Debug, Serialize, ToSchema)]
struct Person {
    id: UserId,
    name: PersonName,
    #[schema(max_items = 4)]
    roles: Vec<Role>,
    /// False for who is disabled: still the author of what they wrote.
    active: bool,
}

/// A page of people.
#[derive(Debug, Serialize, ToSchema)]
struct PersonPage {
    #[schema(max_items = 100)]
    items: Vec<Person>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
}

struct PersonQuery(Paging);

impl FromQuery for PersonQuery {
    fn read(query: &mut Query) -> Self {
        Self(Paging::read(query, LIST))
    }
}

/// Who works here.
///
/// Everybody, oldest first, by the ids that `created_by`, `assigned_to` and comments name. Logins are
/// for admins.
#[utoipa::path(operation_id = "list_people", tag = "users", security(("bearer" = [])), params(PageParams), responses((status = 200, body = PersonPage)))]
#[get("/v1/editorial/people")]
async fn list_people(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _can: Can<Write>,
    Params(PersonQuery(paging)): Params<PersonQuery>,
) -> ApiResult {
    let page = ctx
        .db
        .read_brief(move |conn| {
            let page = users::list(conn, paging.cursor, paging.limit)?;
            let person = |user: crate::domain::user::User| Person {
                id: user.id,
                name: user.name,
                roles: user.roles,
                active: user.disabled_at.is_none(),
            };
            Ok::<_, ApiError>(PersonPage {
                items: page.items.into_iter().map(person).collect(),
                next: page.next.map(|cursor| cursor.encode(LIST)),
            })
        })
        .await?;
    let links = next_link(&request, &ctx.settings.base_url(), page.next.as_deref());
    private_list(&request, &page, &links)
}
