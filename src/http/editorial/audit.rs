//! The audit log, for admins: in pages, as a whole, and the refused sign-ins beside it.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::Stream;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::ctx::Ctx;
use crate::domain::audit::{AuditEntry, AuditFilter, RefusedSignIns, address, word};
use crate::domain::id::UserId;
use crate::domain::input::{FaultCode, Refusal};
use crate::domain::time::{Day, Instant, Zone};
use crate::http::caching::{NO_STORE, private_list};
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::{Administer, Can, FromQuery, PageParams, Paging, Params, Query};
use crate::http::next_link;
use crate::store;
use crate::store::editorial::{audit, refusals};
use crate::store::public::portal;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_audit)
        .service(export_audit)
        .service(list_refused_sign_ins);
}

/// Rows that an export reads at once.
const CHUNK: i64 = 500;

/// A page of the audit log, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct AuditPage {
    #[schema(max_items = 100)]
    items: Vec<AuditEntry>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
}

/// A page of refused sign-ins, newest minute first.
#[derive(Debug, Serialize, ToSchema)]
struct RefusedPage {
    #[schema(max_items = 100)]
    items: Vec<RefusedSignIns>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
}

/// Filters of the audit log; a row has to pass all of them.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; Filters is what handlers read"
)]
struct AuditParams {
    /// Id of the user who did it.
    #[param(minimum = 1, maximum = 9007199254740991_i64)]
    actor: Option<i64>,
    /// What was done.
    #[param(max_length = 40, pattern = "^[a-z_-]+$")]
    action: Option<String>,
    /// What kind of object it was done to.
    #[param(max_length = 40, pattern = "^[a-z_-]+$")]
    object_type: Option<String>,
    /// Id of the object; needs `object_type`.
    #[param(minimum = 1, maximum = 9007199254740991_i64)]
    object_id: Option<i64>,
    /// Address of the client, exactly.
    #[param(max_length = 100, pattern = "^[!-~]+$")]
    address: Option<String>,
    /// First day, in the portal's zone.
    #[param(format = "date", max_length = 10)]
    from: Option<String>,
    /// Last day, in the portal's zone.
    #[param(format = "date", max_length = 10)]
    to: Option<String>,
}

/// Days of the refused sign-ins.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; Days is what handlers read"
)]
struct DayParams {
    /// First day, in the portal's zone.
    #[param(format = "date", max_length = 10)]
    from: Option<String>,
    /// Last day, in the portal's zone.
    #[param(format = "date", max_length = 10)]
    to: Option<String>,
}

/// First and last day, both included.
#[derive(Debug, Clone, Copy)]
struct Days {
    from: Option<Day>,
    to: Option<Day>,
}

impl Days {
    fn read(query: &mut Query) -> Self {
        let from = query.take("from", Day::parse);
        let to = query.take("to", Day::parse);
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            query.fault(
                "to",
                Refusal::new(FaultCode::OutOfRange, "lies before `from`"),
            );
        }
        Self { from, to }
    }

    /// From the one instant on and before the other.
    fn within(self, zone: &Zone) -> (Option<Instant>, Option<Instant>) {
        (
            self.from.map(|day| zone.start_of(day)),
            self.to.map(|day| zone.start_of(day.next())),
        )
    }
}

struct Filters {
    filter: AuditFilter,
    days: Days,
    context: String,
}

impl FromQuery for Filters {
    fn read(query: &mut Query) -> Self {
        let filter = AuditFilter {
            actor: query.take("actor", str::parse::<UserId>),
            action: query.take("action", word),
            object_type: query.take("object_type", word),
            object_id: query.take("object_id", |text| text.parse::<UserId>().map(UserId::get)),
            address: query.take("address", address),
            from: None,
            before: None,
        };
        if filter.object_id.is_some() && filter.object_type.is_none() {
            let refusal = Refusal::new(FaultCode::Required, "is required with `object_id`");
            query.fault("object_type", refusal);
        }
        let days = Days::read(query);
        Self {
            context: format!("audit {filter:?} {days:?}"),
            filter,
            days,
        }
    }
}

impl Filters {
    fn within(self, zone: &Zone) -> AuditFilter {
        let (from, before) = self.days.within(zone);
        AuditFilter {
            from,
            before,
            ..self.filter
        }
    }
}

struct AuditQuery(Filters, Paging);

impl FromQuery for AuditQuery {
    fn read(query: &mut Query) -> Self {
        let filters = Filters::read(query);
        let paging = Paging::read(query, &filters.context);
        Self(filters, paging)
    }
}

struct RefusedQuery(Days, Paging, String);

impl FromQuery for RefusedQuery {
    fn read(query: &mut Query) -> Self {
        let days = Days::read(query);
        let context = format!("refused sign-ins {days:?}");
        let paging = Paging::read(query, &context);
        Self(days, paging, context)
    }
}

/// Read the audit log.
///
/// Newest first: a row for every command that was carried out, and for signing in and out.
#[utoipa::path(operation_id = "list_audit", tag = "audit", security(("bearer" = [])),
    params(AuditParams, PageParams),
    responses((status = 200, description = "A page of the log", body = AuditPage)),
)]
#[get("/v1/editorial/audit")]
async fn list_audit(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _can: Can<Administer>,
    query: Params<AuditQuery>,
) -> ApiResult {
    let AuditQuery(filters, Paging { limit, cursor }) = query.0;
    let context = filters.context.clone();
    // Not brief: a filter that fits little may read a lot.
    let page = ctx
        .db
        .read(move |conn| {
            let zone = portal::get(conn)?.zone();
            audit::list(conn, &zone, &filters.within(&zone), cursor, limit)
        })
        .await?;
    let page = AuditPage {
        next: page.next.map(|cursor| cursor.encode(&context)),
        items: page.items,
    };
    let links = next_link(&request, &ctx.settings.base_url(), page.next.as_deref());
    private_list(&request, &page, &links)
}

/// Export the audit log.
///
/// Oldest first, one JSON object a line, each as an item of the list; `bantin audit export` writes
/// the same lines. The answer ends with the row that was the newest when it began; one that breaks
/// off is not whole.
#[utoipa::path(operation_id = "export_audit", tag = "audit", security(("bearer" = [])),
    params(AuditParams),
    responses((status = 200, description = "The rows", content_type = "application/x-ndjson", body = String)),
)]
#[get("/v1/editorial/audit/export")]
async fn export_audit(
    ctx: web::Data<Ctx>,
    _can: Can<Administer>,
    query: Params<Filters>,
) -> ApiResult {
    let filters = query.0;
    let (zone, last) = ctx
        .db
        .read_brief(|conn| {
            let last = audit::chain::head(conn)?.seq;
            Ok::<_, ApiError>((portal::get(conn)?.zone(), last))
        })
        .await?;
    let filter = filters.within(&zone);
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, NO_STORE))
        .insert_header((
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"audit.ndjson\"",
        ))
        .content_type("application/x-ndjson")
        .streaming(lines(ctx.get_ref().clone(), zone, filter, last)))
}

/// The rows up to `last`, a chunk at a time: no snapshot is held, and no more than a chunk is in
/// memory, however slowly a client reads.
fn lines(
    ctx: Ctx,
    zone: Zone,
    filter: AuditFilter,
    last: i64,
) -> impl Stream<Item = Result<web::Bytes, std::io::Error>> {
    futures_util::stream::try_unfold(Some(0), move |after| {
        let (db, zone, filter) = (ctx.db.clone(), zone.clone(), filter.clone());
        async move {
            let Some(after) = after else {
                return Ok(None);
            };
            let rows = db
                .read(move |conn| audit::following(conn, &zone, &filter, after, last, CHUNK))
                .await
                .map_err(|error: store::Error| std::io::Error::other(error.to_string()))?;
            let mut text = Vec::new();
            for row in &rows {
                serde_json::to_writer(&mut text, row)?;
                text.push(b'\n');
            }
            let next = rows.last().map(|row| row.id);
            Ok(next.map(|_| (web::Bytes::from(text), next)))
        }
    })
}

/// Read the refused sign-ins.
///
/// Counted by minute, account and address, newest minute first. A minute that has more than 1000
/// pairs counts the rest in one row without account and address.
#[utoipa::path(operation_id = "list_refused_sign_ins", tag = "audit", security(("bearer" = [])),
    params(DayParams, PageParams),
    responses((status = 200, description = "A page of counters", body = RefusedPage)),
)]
#[get("/v1/editorial/audit/refused-sign-ins")]
async fn list_refused_sign_ins(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _can: Can<Administer>,
    query: Params<RefusedQuery>,
) -> ApiResult {
    let RefusedQuery(days, Paging { limit, cursor }, context) = query.0;
    let page = ctx
        .db
        .read_brief(move |conn| {
            let zone = portal::get(conn)?.zone();
            let (from, before) = days.within(&zone);
            let page = refusals::list(conn, from, before, cursor, limit)?;
            Ok::<_, ApiError>(page.map(|row| RefusedSignIns {
                minute: zone.show(row.minute),
                ..row
            }))
        })
        .await?;
    let page = RefusedPage {
        next: page.next.map(|cursor| cursor.encode(&context)),
        items: page.items,
    };
    let links = next_link(&request, &ctx.settings.base_url(), page.next.as_deref());
    private_list(&request, &page, &links)
}
