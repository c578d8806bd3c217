//! Sign-ins that were refused, counted by minute, account and address. They stand beside the audit
//! log, not in it: anybody can cause them, as often as they like.

use diesel::prelude::*;

use super::schema::refused_sign_ins as refused;
use crate::domain::audit::RefusedSignIns;
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::time::Instant;
use crate::store::db::each_backend;
use crate::store::{Conn, Result};

/// Most pairs of account and address that one minute keeps apart; what goes beyond is counted
/// together, so that nobody fills the disk by inventing names.
const MOST: i64 = 1000;

const MINUTE: i64 = 60_000_000;

/// Counts one refusal. Touches one row, and nothing else in its transaction.
pub fn count(conn: &mut Conn, at: Instant, account: &str, address: &str) -> Result<()> {
    let minute = at.micros().div_euclid(MINUTE) * MINUTE;
    let is_known = refused::table
        .filter(refused::minute.eq(minute))
        .filter(refused::account.eq(account))
        .filter(refused::address.eq(address))
        .select(refused::count)
        .first::<i64>(conn)
        .optional()?
        .is_some();
    let is_too_many = !is_known
        && refused::table
            .filter(refused::minute.eq(minute))
            .count()
            .get_result::<i64>(conn)?
            >= MOST;
    let (account, address) = if is_too_many {
        ("", "")
    } else {
        (account, address)
    };
    each_backend!(conn, |c| diesel::insert_into(refused::table)
        .values((
            refused::minute.eq(minute),
            refused::account.eq(account),
            refused::address.eq(address),
            refused::count.eq(1),
        ))
        .on_conflict((refused::minute, refused::account, refused::address))
        .do_update()
        .set(refused::count.eq(refused::count + 1))
        .execute(c))?;
    Ok(())
}

type Row = (i64, i64, String, String, i64);

/// Newest minute first, from one instant on and before another.
pub fn list(
    conn: &mut Conn,
    from: Option<Instant>,
    before: Option<Instant>,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<Page<RefusedSignIns>> {
    let mut query = refused::table
        .order((refused::minute.desc(), refused::id.desc()))
        .limit(limit.and_one())
        .select((
            refused::id,
            refused::minute,
            refused::account,
            refused::address,
            refused::count,
        ))
        .into_boxed();
    if let Some(from) = from {
        // A minute that has begun before `from` may count what came after it.
        query = query.filter(refused::minute.gt(from.micros().saturating_sub(MINUTE)));
    }
    if let Some(before) = before {
        query = query.filter(refused::minute.lt(before.micros()));
    }
    if let Some(Cursor { key, id }) = cursor {
        query = query.filter(
            refused::minute
                .lt(key)
                .or(refused::minute.eq(key).and(refused::id.lt(id))),
        );
    }
    let rows: Vec<Row> = query.load(conn)?;
    let page = Page::cut(rows, limit, |row| Cursor {
        key: row.1,
        id: row.0,
    });
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(
        page.map(|(_, minute, account, address, count)| RefusedSignIns {
            minute: Instant::from_micros(minute),
            account: some(account),
            address: some(address),
            count,
        }),
    )
}

/// Removes what was counted before an instant.
pub fn prune(conn: &mut Conn, before: Instant) -> Result<usize> {
    Ok(diesel::delete(refused::table.filter(refused::minute.lt(before.micros()))).execute(conn)?)
}
