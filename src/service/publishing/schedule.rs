//! What happens by itself: editions that are published, and articles that are archived, when their
//! time has come.

use std::sync::atomic::Ordering;

use super::{Release, deed, open, publication_date, put_away, release_edition};
use crate::ctx::Ctx;
use crate::domain::article::{Action, Article, Event, Note, Publish, Scheduled, Stage, Unschedule};
use crate::domain::body::Block;
use crate::domain::id::{ArticleId, MediaId, UserId};
use crate::domain::time::Instant;
use crate::domain::user::Actor;
use crate::service::{Command, Error, IfMatch, run_public};
use crate::store::editorial::articles::schedules;
use crate::store::editorial::{articles, editions, slugs, users};
use crate::store::public::changes::PublicWrite;
use crate::store::public::{categories, portal};
use crate::store::{self, Conn};

/// Plans the publication of the newest edition. An earlier plan is replaced.
pub(super) fn plan(
    conn: &mut Conn,
    command: &Command,
    mut article: Article,
    body: Publish,
    at: Instant,
) -> Result<Article, Error> {
    let portal = portal::get(conn)?;
    let zone = portal.zone();
    // What could not be published then is refused now.
    publication_date(&article, &article.content, &portal, at)?;
    let version = article.version;
    forget(conn, &mut article)?;
    let scheduled = Scheduled {
        edition: article.edition,
        at: zone.show(at),
        kind: body.kind,
        expire_at: body.expiry(article.expire_at, at).map(|end| zone.show(end)),
        note: body.note,
        by: command.actor.user_id,
    };
    let mut media: Vec<MediaId> = article
        .content
        .body
        .0
        .iter()
        .flat_map(Block::media)
        .map(|(_, id)| id)
        .chain(article.content.cover_media_id)
        .collect();
    media.sort();
    media.dedup();
    schedules::put(conn, article.id, &scheduled, &media)?;
    article.version = version.next();
    article.move_to(
        Stage::Approved,
        command.actor.user_id,
        zone.show(command.at),
    );
    article.updated_at = zone.show(command.at);
    articles::update(conn, &article)?;
    let reason = match &scheduled.note {
        Some(note) => format!("for {}: {}", scheduled.at, note.as_str()),
        None => format!("for {}", scheduled.at),
    };
    article.scheduled = Some(scheduled);
    article.scheduled_path = Some(article.path.clone());
    deed(conn, command, "schedule", &article, version, Some(&reason))?;
    Ok(article)
}

/// Cancels what is to happen to an article by itself.
pub async fn unschedule(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    if_match: IfMatch,
    body: Unschedule,
) -> Result<Article, Error> {
    let article = run_public(ctx, command, move |write, command| {
        let mut article = open(write, command, id, if_match, Action::Unschedule)?;
        let version = article.version;
        let conn = write.conn();
        if body.event != Some(Event::Expiry) {
            forget(conn, &mut article)?;
        }
        if body.event != Some(Event::Publication) {
            article.expire_at = None;
            // The plan would bring its own end along.
            if let Some(planned) = &mut article.scheduled {
                planned.expire_at = None;
                schedules::drop_end(conn, id)?;
            }
        }
        article.version = version.next();
        articles::update(conn, &article)?;
        let what = body.event.map(Event::as_str);
        deed(conn, command, "unschedule", &article, version, what)?;
        Ok(article)
    })
    .await?;
    look_ahead(ctx).await?;
    Ok(article)
}

/// Drops the plan for an article, and the slug that was kept for it.
pub(super) fn forget(conn: &mut Conn, article: &mut Article) -> Result<(), Error> {
    let Some(scheduled) = article.scheduled.take() else {
        return Ok(());
    };
    schedules::remove(conn, article.id)?;
    let tree = categories::tree(conn)?;
    let (_, _, content) = editions::content(conn, &tree, article.id, scheduled.edition)?;
    if let Some(slug) = content.slug
        && slug != article.slug
    {
        slugs::release(conn, &slug)?;
    }
    Ok(())
}

/// Finds out when something happens next, so that no cache outlives it.
pub async fn look_ahead(ctx: &Ctx) -> Result<(), Error> {
    look_past(ctx, &SetAside::default()).await
}

/// The same, but for what is set aside: its time has come already, and nobody knows when it will
/// happen.
async fn look_past(ctx: &Ctx, aside: &SetAside) -> Result<(), Error> {
    let ids = aside.ids();
    let next = ctx
        .db
        .read_brief(move |conn| schedules::next(conn, &ids).map_err(Error::from))
        .await?;
    let at = next.map_or(i64::MAX, |due| due.at);
    ctx.due.store(at, Ordering::SeqCst);
    Ok(())
}

/// Articles whose event failed, each until it is tried again.
#[derive(Debug, Default)]
pub struct SetAside(Vec<(ArticleId, Instant)>);

impl SetAside {
    const SECONDS: i64 = 60;

    fn ids(&self) -> Vec<ArticleId> {
        self.0.iter().map(|(id, _)| *id).collect()
    }
}

/// Does everything whose time has come, in the order in which it was due, each in a transaction of
/// its own. What fails is set aside for a minute and holds nothing else up. Answers how much was
/// done.
pub async fn carry_out_due(ctx: &Ctx, aside: &mut SetAside) -> Result<usize, Error> {
    let mut done = 0;
    loop {
        let now = ctx.now();
        aside.0.retain(|(_, until)| until.micros() > now.micros());
        let (ids, base) = (aside.ids(), ctx.settings.base_url());
        let next = ctx
            .db
            .read_brief(move |conn| schedules::next(conn, &ids).map_err(Error::from))
            .await?;
        let Some(due) = next.filter(|due| due.at <= now.micros()) else {
            break;
        };
        let ids = aside.ids();
        let carried = ctx
            .db
            .publish(move |write| {
                // The log's head is held: nobody else does anything now. Is it still the first?
                if schedules::next(write.conn(), &ids)? != Some(due) {
                    return Ok(false);
                }
                carry_out(write, &base, due, now).map(|()| true)
            })
            .await;
        let lag = std::time::Duration::from_micros(now.micros().abs_diff(due.at));
        let article = due.article.get();
        match carried {
            Ok(true) => {
                done += 1;
                ctx.metrics.schedule_lag.observe(lag.as_secs_f64());
                let event = due.event.as_str();
                tracing::info!(article, event, ?lag, "carried out what was scheduled");
            }
            // Another node was quicker.
            Ok(false) => {}
            Err(error @ Error::Store(store::Error::Busy(_))) => return Err(error),
            Err(error) => {
                ctx.metrics.schedule_failures.inc();
                tracing::error!(article, ?error, "what was scheduled failed");
                aside
                    .0
                    .push((due.article, now.plus_seconds(SetAside::SECONDS)));
            }
        }
    }
    look_past(ctx, aside).await?;
    Ok(done)
}

fn carry_out(
    write: &mut PublicWrite<'_>,
    base: &str,
    due: schedules::Due,
    now: Instant,
) -> Result<(), Error> {
    let article = articles::hold(write.conn(), due.article)?;
    let version = article.version;
    match (due.event, article.scheduled.clone()) {
        (Event::Publication, Some(planned)) => {
            let command = by_itself(write.conn(), planned.by, now)?;
            let tree = categories::tree(write.conn())?;
            let (_, category, content) =
                editions::content(write.conn(), &tree, article.id, planned.edition)?;
            let release = Release {
                edition: planned.edition,
                content,
                category,
                kind: planned.kind,
                note: planned.note.clone(),
                as_of: planned.at,
                expire_at: planned.expire_at,
            };
            let article = release_edition(write, &command, base, article, release)?;
            let (what, note) = ("publish_scheduled", planned.note.as_ref().map(Note::as_str));
            deed(write.conn(), &command, what, &article, version, note)
        }
        (Event::Expiry, _) => {
            let by = articles::last_publisher(write.conn(), article.id)?;
            let command = by_itself(write.conn(), by, now)?;
            let article = put_away(write, &command, article)?;
            deed(write.conn(), &command, "expire", &article, version, None)
        }
        (Event::Publication, None) => Err(Error::NotFound),
    }
}

/// A command in the name of who planned it; without a sign-in, since nobody asks now.
fn by_itself(conn: &mut Conn, planner: UserId, now: Instant) -> Result<Command, Error> {
    let user = users::get(conn, planner)?;
    Ok(Command {
        actor: Actor {
            user_id: user.id,
            session_id: None,
            login: user.login,
            name: user.name,
            roles: user.roles,
            reach: user.reach,
            token: None,
            pending: None,
        },
        at: now,
        address: None,
        idempotency: None,
    })
}
