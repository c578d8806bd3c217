//! Where a medium is used, and taking it out of use everywhere.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{MediumOut, show};
use crate::ctx::Ctx;
use crate::domain::article::TakeDown;
use crate::domain::content::Title;
use crate::domain::id::{ArticleId, MediaId};
use crate::domain::page::{Cursor, Page};
use crate::domain::policy;
use crate::http::caching::{private_list, written};
use crate::http::error::{ApiError, ApiResult, Problem};
use crate::http::extract::{
    Body, Can, FromQuery, NoParams, PageParams, Paging, Params, Publish, Query, Segment, Write,
};
use crate::http::next_link;
use crate::service::media as service;
use crate::store::editorial::{articles, media};
use crate::store::public::media as live;

/// An article that uses a medium, and where.
#[derive(Debug, Serialize, ToSchema)]
struct MediumUse {
    article_id: ArticleId,
    title: Title,
    /// In what editors are writing.
    working_copy: bool,
    /// In what is to be published by itself.
    scheduled: bool,
    /// In what readers see.
    public: bool,
    /// In what was taken down and can be restored.
    taken_down: bool,
}

/// A page of articles that use a medium.
#[derive(Debug, Serialize, ToSchema)]
struct MediumUses {
    #[schema(max_items = 100)]
    items: Vec<MediumUse>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
    /// How many use it that you may not know of.
    #[schema(minimum = 0, maximum = 9007199254740991_i64, format = "int64")]
    hidden: usize,
}

struct UsesQuery(Paging);

impl FromQuery for UsesQuery {
    fn read(query: &mut Query) -> Self {
        Self(Paging::read(query, "uses of a medium"))
    }
}

/// Places of one article.
#[derive(Debug, Clone, Copy, Default)]
struct Places {
    working_copy: bool,
    scheduled: bool,
    public: bool,
    taken_down: bool,
}

/// Where is it used?
///
/// Articles that hold the medium, by id: in the working copy, in an edition that is scheduled, publicly,
/// or in what can be restored. A medium with any use cannot be deleted.
#[utoipa::path(operation_id = "list_media_uses", tag = "media", security(("bearer" = [])), params(("id" = MediaId, Path, description = "Id of the medium"), PageParams), responses(
    (status = 200, body = MediumUses), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/media/{id}/uses")]
pub async fn list_media_uses(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<MediaId>,
    Params(query): Params<UsesQuery>,
) -> ApiResult {
    let (id, actor) = (id.0, can.actor);
    let list = ctx
        .db
        .read(move |conn| {
            media::get(conn, id)?;
            let mut found: BTreeMap<i64, Places> = BTreeMap::new();
            let mut note = |ids: Vec<ArticleId>, mark: fn(&mut Places)| {
                for id in ids {
                    mark(found.entry(id.get()).or_default());
                }
            };
            note(media::uses(conn, id)?, |places| places.working_copy = true);
            note(media::scheduled_uses(conn, id)?, |places| {
                places.scheduled = true;
            });
            note(live::uses(conn, id)?, |places| places.public = true);
            note(media::restorable_uses(conn, id)?, |places| {
                places.taken_down = true;
            });
            let (mut items, mut hidden) = (Vec::new(), 0);
            let after = query.0.cursor.map_or(0, |cursor| cursor.id);
            for (id, places) in found {
                let article = articles::get(conn, ArticleId::stored(id))?;
                if !policy::may_edit(&actor, &article.situation()) {
                    hidden += 1;
                } else if id > after {
                    items.push(MediumUse {
                        article_id: article.id,
                        title: article.content.title,
                        working_copy: places.working_copy,
                        scheduled: places.scheduled,
                        public: places.public,
                        taken_down: places.taken_down,
                    });
                }
            }
            let page = Page::cut(items, query.0.limit, |used| Cursor {
                key: 0,
                id: used.article_id.get(),
            });
            Ok::<_, ApiError>(MediumUses {
                next: page.next.map(|cursor| cursor.encode("uses of a medium")),
                items: page.items,
                hidden,
            })
        })
        .await?;
    let links = next_link(&request, &ctx.settings.base_url(), list.next.as_deref());
    private_list(&request, &list, &links)
}

/// Withdraw a medium.
///
/// Its files answer 410 at once, also from addresses that somebody kept. Nothing is published anew:
/// figures of public articles keep their captions and show `withdrawn` in its place, lists lose it as
/// a cover, and each of these articles gets a row in the log. An edition that still holds it cannot
/// be published. `note`, `legal_basis` and `requester` go into the audit log and are never public.
/// The bytes stay in storage, sealed; there is no way back, and the same bytes uploaded again find
/// the withdrawn medium.
#[utoipa::path(operation_id = "withdraw_media", tag = "media", security(("bearer" = [])), params(("id" = MediaId, Path, description = "Id of the medium")), request_body = TakeDown, responses(
    (status = 200, body = MediumOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/media/{id}/withdraw")]
pub async fn withdraw_media(
    ctx: web::Data<Ctx>,
    can: Can<Publish>,
    id: Segment<MediaId>,
    body: Body<TakeDown>,
    _: Params<NoParams>,
) -> ApiResult {
    let (input, if_match) = (body.read()?, can.if_match);
    let command = can.command(&ctx, Some(body.digest()));
    let medium = service::withdraw(&ctx, command, id.0, if_match, input).await?;
    let medium = show(&ctx, medium).await?;
    written(HttpResponse::Ok(), medium.version, &medium)
}
