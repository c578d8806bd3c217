//! The editorial list and the inbox.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::ctx::Ctx;
use crate::domain::article::{Action, PublicState, Stage};
use crate::domain::content::Title;
use crate::domain::id::{ArticleId, UserId, Version};
use crate::domain::input::{FaultCode, Refusal};
use crate::domain::policy::{self, Right, allowed_actions};
use crate::domain::slug::Slug;
use crate::domain::time::Instant;
use crate::domain::user::Actor;
use crate::http::caching::{private_json, private_list};
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::{
    Can, FromQuery, NoParams, PageParams, Paging, Params, Query, Write, flag,
};
use crate::http::next_link;
use crate::store;
use crate::store::editorial::articles::lists::{Assigned, Filter, count, list};
use crate::store::public::{categories, portal};

/// One line of the editorial list.
#[derive(Debug, Serialize, ToSchema)]
struct ArticleLine {
    id: ArticleId,
    version: Version,
    slug: Slug,
    title: Title,
    /// Slug of the category.
    category: Option<Slug>,
    #[schema(inline)]
    stage: Stage,
    /// Since when it is at this stage; null for a draft.
    stage_at: Option<Instant>,
    #[schema(inline)]
    public_state: PublicState,
    has_unpublished_changes: bool,
    /// When an edition will be published by itself.
    scheduled_at: Option<Instant>,
    assigned_to: Option<UserId>,
    /// What you may do with it now.
    #[schema(max_items = 20)]
    allowed_actions: Vec<Action>,
    created_by: UserId,
    updated_at: Instant,
}

/// A page of the editorial list.
#[derive(Debug, Serialize, ToSchema)]
struct ArticleLinePage {
    #[schema(max_items = 100)]
    items: Vec<ArticleLine>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
    /// How many there are in all; only with `count=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 9007199254740991_i64)]
    count: Option<i64>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; LineQuery is what handlers read"
)]
struct LineParams {
    #[param(inline)]
    stage: Option<Stage>,
    #[param(inline)]
    public_state: Option<PublicState>,
    /// Slug of a category; its descendants are included.
    #[param(max_length = 100, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    category: Option<String>,
    /// Who made it: `me` or the id of a user.
    #[param(max_length = 16, pattern = "^(me|[1-9][0-9]*)$")]
    created_by: Option<String>,
    /// Who is to go on with it: `me`, `none` or the id of a user.
    #[param(max_length = 16, pattern = "^(me|none|[1-9][0-9]*)$")]
    assigned_to: Option<String>,
    /// Whether a publication is scheduled.
    scheduled: Option<bool>,
    /// Whether it holds something that readers have not seen.
    unpublished: Option<bool>,
    /// Also count them all.
    count: Option<bool>,
}

/// A user as a filter names them.
#[derive(Debug, Clone, Copy)]
enum Whom {
    Me,
    None,
    Id(UserId),
}

impl Whom {
    fn parse(text: &str) -> Result<Self, Refusal> {
        match text {
            "me" => Ok(Self::Me),
            "none" => Ok(Self::None),
            id => id.parse().map(Self::Id).map_err(|_| {
                Refusal::new(FaultCode::BadFormat, "must be me, none or the id of a user")
            }),
        }
    }

    fn parse_somebody(text: &str) -> Result<Self, Refusal> {
        match Self::parse(text) {
            Ok(Self::Me | Self::Id(_)) => Self::parse(text),
            _ => Err(Refusal::new(
                FaultCode::BadFormat,
                "must be me or the id of a user",
            )),
        }
    }

    fn of(self, actor: &Actor) -> Assigned {
        match self {
            Self::Me => Assigned::To(actor.user_id),
            Self::None => Assigned::Nobody,
            Self::Id(id) => Assigned::To(id),
        }
    }
}

struct LineQuery {
    filter: Filter,
    created_by: Option<Whom>,
    assigned_to: Option<Whom>,
    category: Option<Slug>,
    count: bool,
    paging: Paging,
    context: String,
}

impl FromQuery for LineQuery {
    fn read(query: &mut Query) -> Self {
        let unknown = || {
            Refusal::new(
                FaultCode::UnknownValue,
                "is not one of the words of this filter",
            )
        };
        let filter = Filter {
            stage: query.take("stage", |text| Stage::parse(text).ok_or_else(unknown)),
            public_state: query.take("public_state", |text| {
                PublicState::parse(text).ok_or_else(unknown)
            }),
            scheduled: query.take("scheduled", flag),
            unpublished: query.take("unpublished", flag),
            ..Filter::default()
        };
        let category = query.take("category", Slug::parse);
        let created_by = query.take("created_by", Whom::parse_somebody);
        let assigned_to = query.take("assigned_to", Whom::parse);
        let context =
            format!("editorial articles {filter:?} {category:?} {created_by:?} {assigned_to:?}");
        Self {
            filter,
            created_by,
            assigned_to,
            category,
            count: query.take("count", flag).unwrap_or(false),
            paging: Paging::read(query, &context),
            context,
        }
    }
}

/// Nothing but what the actor may know of.
fn known_to(actor: &Actor) -> Filter {
    let all = policy::has(&actor.roles, Right::Edit);
    Filter {
        known_to: (!all).then_some(actor.user_id),
        within: actor.reach.clone(),
        ..Filter::default()
    }
}

/// Articles in every state.
///
/// Newest first, without content. Reporters see their own and what is assigned to them.
#[utoipa::path(operation_id = "list_editorial_articles", tag = "editorial articles", security(("bearer" = [])), params(LineParams, PageParams), responses((status = 200, body = ArticleLinePage)))]
#[get("/v1/editorial/articles")]
pub(super) async fn list_editorial_articles(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    Params(query): Params<LineQuery>,
) -> ApiResult {
    let page = ctx
        .db
        .read_brief(move |conn| {
            let zone = portal::get(conn)?.zone();
            let tree = categories::tree(conn)?;
            let category = match &query.category {
                Some(slug) => Some(categories::find(conn, slug).map_err(|error| match error {
                    store::Error::NotFound => ApiError::parameter(
                        "category",
                        FaultCode::NotFound,
                        "is not the slug of a category",
                    ),
                    error => error.into(),
                })?),
                None => None,
            };
            let known = known_to(&can.actor);
            let filter = Filter {
                known_to: known.known_to,
                within: known.within,
                created_by: match query.created_by.map(|whom| whom.of(&can.actor)) {
                    Some(Assigned::To(user)) => Some(user),
                    _ => None,
                },
                assigned_to: query.assigned_to.map(|whom| whom.of(&can.actor)),
                category,
                ..query.filter
            };
            let Paging { cursor, limit } = query.paging;
            let page = list(conn, &tree, &filter, cursor, limit)?;
            let items = page
                .items
                .into_iter()
                .map(|line| ArticleLine {
                    id: line.id,
                    version: line.version,
                    slug: line.slug,
                    title: Title::stored(line.title),
                    category: tree
                        .get(line.category_id)
                        .map(|category| category.slug.clone()),
                    stage: line.situation.stage,
                    stage_at: line.stage_at.map(|at| zone.show(at)),
                    public_state: line.situation.public_state,
                    has_unpublished_changes: line.situation.has_unpublished_changes(),
                    scheduled_at: line.scheduled_at.map(|at| zone.show(at)),
                    assigned_to: line.situation.assigned_to,
                    allowed_actions: allowed_actions(&can.actor, &line.situation),
                    created_by: line.situation.created_by,
                    updated_at: zone.show(line.updated_at),
                })
                .collect();
            Ok::<_, ApiError>(ArticleLinePage {
                items,
                next: page.next.map(|cursor| cursor.encode(&query.context)),
                count: match query.count {
                    true => Some(count(conn, &tree, &filter)?),
                    false => None,
                },
            })
        })
        .await?;
    let links = next_link(&request, &ctx.settings.base_url(), page.next.as_deref());
    private_list(&request, &page, &links)
}

/// How many articles wait at each stage.
#[derive(Debug, Serialize, ToSchema)]
struct StageCounts {
    /// Drafts that hold something readers have not seen.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    draft: i64,
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    submitted: i64,
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    approved: i64,
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    returned: i64,
}

/// What waits, counted. The list with the same filters shows it.
#[derive(Debug, Serialize, ToSchema)]
struct Inbox {
    /// Assigned to you: `assigned_to=me`.
    assigned: StageCounts,
    /// Made by you: `created_by=me`.
    mine: StageCounts,
    /// Everything that you may know of.
    all: StageCounts,
    /// Publications that are to come.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    scheduled: i64,
}

/// What waits for whom.
///
/// Counts by stage; `GET /v1/editorial/articles` with the same filters lists them.
#[utoipa::path(operation_id = "get_inbox", tag = "editorial articles", security(("bearer" = [])), responses((status = 200, body = Inbox)))]
#[get("/v1/editorial/inbox")]
pub(super) async fn get_inbox(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    _: Params<NoParams>,
) -> ApiResult {
    let inbox = ctx
        .db
        .read(move |conn| {
            let tree = categories::tree(conn)?;
            let known = known_to(&can.actor);
            let me = can.actor.user_id;
            let mut at_stages = |filter: &Filter| {
                let mut at = |stage: Stage| {
                    let filter = Filter {
                        stage: Some(stage),
                        unpublished: (stage == Stage::Draft).then_some(true),
                        ..filter.clone()
                    };
                    count(conn, &tree, &filter)
                };
                Ok::<_, store::Error>(StageCounts {
                    draft: at(Stage::Draft)?,
                    submitted: at(Stage::Submitted)?,
                    approved: at(Stage::Approved)?,
                    returned: at(Stage::Returned)?,
                })
            };
            let (assigned, mine, all) = (
                at_stages(&Filter {
                    assigned_to: Some(Assigned::To(me)),
                    ..known.clone()
                })?,
                at_stages(&Filter {
                    created_by: Some(me),
                    ..known.clone()
                })?,
                at_stages(&known)?,
            );
            let scheduled = Filter {
                scheduled: Some(true),
                ..known
            };
            Ok::<_, ApiError>(Inbox {
                assigned,
                mine,
                all,
                scheduled: count(conn, &tree, &scheduled)?,
            })
        })
        .await?;
    private_json(&request, &inbox)
}
