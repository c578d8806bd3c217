//! What is to happen to articles by itself: publications and expiries.

use diesel::prelude::*;

use crate::domain::article::{Event, Note, PublicState, PublishKind, Scheduled};
use crate::domain::id::{ArticleId, EditionNumber, MediaId, UserId};
use crate::domain::time::{Instant, Zone};
use crate::store::editorial::schema::{articles, scheduled_media, schedules};
use crate::store::{Conn, Result, word};

/// An event whose time is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub article: ArticleId,
    pub event: Event,
    /// Unix microseconds.
    pub at: i64,
}

/// A publication that is to come, as its table has it.
pub type Row = (
    i64,
    i64,
    i64,
    Option<String>,
    Option<String>,
    Option<i64>,
    i64,
);

/// The publication that is to come, its instants in the portal's zone.
pub fn read((_, edition, at, kind, note, expire_at, by): Row, zone: &Zone) -> Result<Scheduled> {
    let show = |at: i64| zone.show(Instant::from_micros(at));
    Ok(Scheduled {
        edition: EditionNumber::stored(edition),
        at: show(at),
        kind: kind
            .map(|kind| word(PublishKind::parse, &kind))
            .transpose()?,
        note: note.map(Note::stored),
        expire_at: expire_at.map(show),
        by: UserId::stored(by),
    })
}

/// Schedules a publication in place of an earlier plan. `media` of the edition stay until then.
pub fn put(
    conn: &mut Conn,
    article: ArticleId,
    scheduled: &Scheduled,
    media: &[MediaId],
) -> Result<()> {
    remove(conn, article)?;
    diesel::insert_into(schedules::table)
        .values((
            schedules::article_id.eq(article.get()),
            schedules::edition.eq(scheduled.edition.get()),
            schedules::at.eq(scheduled.at.micros()),
            schedules::kind.eq(scheduled.kind.map(PublishKind::as_str)),
            schedules::note.eq(scheduled.note.as_ref().map(Note::as_str)),
            schedules::expire_at.eq(scheduled.expire_at.map(Instant::micros)),
            schedules::by_user.eq(scheduled.by.get()),
        ))
        .execute(conn)?;
    for id in media {
        diesel::insert_into(scheduled_media::table)
            .values((
                scheduled_media::article_id.eq(article.get()),
                scheduled_media::media_id.eq(id.get()),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Forgets the publication that is to come of an article.
pub fn remove(conn: &mut Conn, article: ArticleId) -> Result<()> {
    diesel::delete(scheduled_media::table.filter(scheduled_media::article_id.eq(article.get())))
        .execute(conn)?;
    diesel::delete(schedules::table.find(article.get())).execute(conn)?;
    Ok(())
}

/// What is planned of an article comes without an end.
pub fn drop_end(conn: &mut Conn, article: ArticleId) -> Result<()> {
    diesel::update(schedules::table.find(article.get()))
        .set(schedules::expire_at.eq(None::<i64>))
        .execute(conn)?;
    Ok(())
}

/// The next event of all, but for the articles set aside: the earliest, and at one instant that of
/// the lowest id. Expiries count for live articles only: what is withdrawn does not come back as
/// archived.
pub fn next(conn: &mut Conn, aside: &[ArticleId]) -> Result<Option<Due>> {
    let aside: Vec<i64> = aside.iter().map(|id| id.get()).collect();
    let publication: Option<(i64, i64)> = schedules::table
        .filter(schedules::article_id.ne_all(&aside))
        .order((schedules::at, schedules::article_id))
        .select((schedules::at, schedules::article_id))
        .first(conn)
        .optional()?;
    let expiry: Option<(i64, i64)> = articles::table
        .filter(articles::expire_at.is_not_null())
        .filter(articles::public_state.eq(PublicState::Live.as_str()))
        .filter(articles::id.ne_all(&aside))
        .order((articles::expire_at, articles::id))
        .select((articles::expire_at.assume_not_null(), articles::id))
        .first(conn)
        .optional()?;
    let due = |event: Event| {
        move |(at, id): (i64, i64)| Due {
            article: ArticleId::stored(id),
            event,
            at,
        }
    };
    let first = publication
        .map(due(Event::Publication))
        .into_iter()
        .chain(expiry.map(due(Event::Expiry)))
        .min_by_key(|due| (due.at, due.article.get()));
    Ok(first)
}
