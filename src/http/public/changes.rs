//! The public log.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::ctx::Ctx;
use crate::domain::changes::{Change, ObjectType, Op, Token, Why};
use crate::domain::content::Language;
use crate::domain::id::{CategoryId, EditionNumber, Seq};
use crate::domain::page::Limit;
use crate::domain::slug::Slug;
use crate::domain::time::{Instant, Zone};
use crate::http::caching::{JSON, conditional, etag_of, to_bytes};
use crate::http::error::{ApiError, ApiResult, Code, Problem};
use crate::http::extract::{FromQuery, Params, Query};
use crate::store::public::{changes, portal};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_changes);
}

/// What a row is about.
#[derive(Debug, Serialize, ToSchema)]
struct ChangedObject {
    #[serde(rename = "type")]
    kind: ObjectType,
    #[schema(minimum = 1, maximum = 9007199254740991i64)]
    id: i64,
    /// Permanent, global identity.
    #[schema(max_length = 300, format = "uri")]
    uri: String,
    /// The slug of today; null for the portal and for what is gone.
    slug: Option<Slug>,
}

/// Categories of an article before and after: ids from the top down.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryMove {
    #[schema(max_items = 4)]
    before: Option<Vec<CategoryId>>,
    #[schema(max_items = 4)]
    after: Option<Vec<CategoryId>>,
}

/// One row of the log.
#[derive(Debug, Serialize, ToSchema)]
struct ChangeRow {
    seq: Seq,
    at: Instant,
    op: Op,
    why: Why,
    object: ChangedObject,
    edition: Option<EditionNumber>,
    language: Option<Language>,
    category: CategoryMove,
}

impl ChangeRow {
    fn new((change, slug): (Change, Option<Slug>), zone: &Zone) -> Self {
        Self {
            seq: change.seq,
            at: zone.show(change.at),
            op: change.op,
            why: change.why,
            object: ChangedObject {
                kind: change.object_type,
                id: change.object_id,
                uri: change.uri,
                slug,
            },
            edition: change.edition,
            language: change.language,
            category: CategoryMove {
                before: change.before,
                after: change.after,
            },
        }
    }
}

/// A stretch of the log.
#[derive(Debug, Serialize, ToSchema)]
struct ChangeList {
    #[schema(max_items = 100)]
    items: Vec<ChangeRow>,
    /// Where to go on; never null, good for ever within this generation of the log.
    #[schema(max_length = 32, pattern = "^[0-9a-f]{12}\\.[0-9]{1,16}$")]
    next: String,
    /// Whether there is more right now.
    more: bool,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; ChangeQuery is what handlers read"
)]
struct ChangeParams {
    /// `next` of the last answer, or `now` for the head; absent: from the beginning.
    #[param(max_length = 32, pattern = "^(now|[0-9a-f]{12}\\.[0-9]{1,16})$")]
    since: Option<String>,
    /// How many, 20 by default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i32>,
}

#[derive(Debug, Clone)]
enum Since {
    Beginning,
    Now,
    Token(Token),
}

struct ChangeQuery {
    since: Since,
    limit: Limit,
}

impl FromQuery for ChangeQuery {
    fn read(query: &mut Query) -> Self {
        Self {
            since: query
                .take("since", |text| match text {
                    "now" => Ok(Since::Now),
                    token => Token::parse(token).map(Since::Token),
                })
                .unwrap_or(Since::Beginning),
            limit: query
                .take("limit", |text| Limit::parse(text, Limit::MAX))
                .unwrap_or(Limit::DEFAULT),
        }
    }
}

/// The log of everything public.
///
/// One row for every public object that a write changed, in the order of the commits, without gaps
/// and never compacted. Read it with `since=<next>` until `more` is false, then come back. A token
/// of another generation (the portal was restored from a backup) answers 410 `resync`: begin anew.
#[utoipa::path(operation_id = "list_changes", tag = "changes", security(()), params(ChangeParams), responses(
    (status = 200, body = ChangeList),
    (status = 410, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/changes")]
async fn list_changes(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    Params(query): Params<ChangeQuery>,
) -> ApiResult {
    let list = ctx
        .db
        .read_brief(move |conn| {
            let head = changes::head(conn)?;
            let after = match query.since {
                Since::Beginning => 0,
                Since::Now => head.seq,
                Since::Token(token)
                    if token.generation == head.generation && token.seq <= head.seq =>
                {
                    token.seq
                }
                Since::Token(_) => return Err(ApiError::new(Code::Resync)),
            };
            let zone = portal::get(conn)?.zone();
            let mut rows = changes::list(conn, after, query.limit.and_one())?;
            let more = rows.len() > query.limit.get();
            rows.truncate(query.limit.get());
            let seq = rows.last().map_or(after, |(change, _)| change.seq.get());
            Ok(ChangeList {
                items: rows
                    .into_iter()
                    .map(|row| ChangeRow::new(row, &zone))
                    .collect(),
                next: Token { seq, ..head }.to_string(),
                more,
            })
        })
        .await?;
    let bytes = to_bytes(&list)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-cache"));
    Ok(conditional(
        &request,
        response,
        &etag_of(&bytes),
        JSON,
        bytes,
    ))
}
