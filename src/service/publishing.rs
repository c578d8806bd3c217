//! What readers see: publish, withdraw, archive, take down, restore. Each is one transaction over
//! edition, public tables, log and audit.

mod copy;
mod pictures;
pub mod previews;
mod schedule;

use self::copy::{Shown, dated, media_of, show};
pub use self::schedule::{SetAside, carry_out_due, look_ahead, unschedule};
use super::working_copy::{at_version, load};
use super::{
    Command, Conflict, Deed, Error, IfMatch, founded, require, run_public, uri, write_down,
};
use crate::ctx::Ctx;
use crate::domain::article::{
    Action, Article, Note, PublicState, Publish, PublishKind, Stage, Status, TakeDown, Withdraw,
};
use crate::domain::changes::{NewChange, ObjectType, Op, Why};
use crate::domain::content::Content;
use crate::domain::id::{ArticleId, CategoryId, EditionNumber, Version};
use crate::domain::input::{FaultCode, Faults};
use crate::domain::portal::Portal;
use crate::domain::time::{Day, Instant};
use crate::store::Conn;
use crate::store::editorial::{articles, editions, previews as links};
use crate::store::public::changes::PublicWrite;
use crate::store::public::{articles as live, categories, portal};

/// Publishes the edition that `If-Match` names, the newest: now, or when its time has come.
pub async fn publish(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    if_match: IfMatch,
    body: Publish,
) -> Result<Article, Error> {
    let base = ctx.settings.base_url();
    let four_eyes = ctx.settings.four_eyes;
    let article = run_public(ctx, command, move |write, command| {
        let article = open(write, command, id, if_match, Action::Publish)?;
        body.check(article.public_state, command.at)?;
        let author = command.actor.user_id;
        if !four_eyes.lets_authors(body.kind)
            && editions::wrote(write.conn(), id, article.public_edition, author)?
        {
            return Err(Error::Conflict {
                code: Conflict::FourEyes,
                detail: "you wrote part of it since it was last published; somebody else must \
                         publish it"
                    .to_owned(),
            });
        }
        pictures::check(write.conn(), &article, &article.content)?;
        if let Some(at) = body.at {
            return schedule::plan(write.conn(), command, article, body, at);
        }
        let release = Release {
            edition: article.edition,
            content: article.content.clone(),
            category: article.category_id,
            kind: body.kind,
            note: body.note.clone(),
            as_of: command.at,
            expire_at: body.expiry(article.expire_at, command.at),
        };
        let version = article.version;
        let article = release_edition(write, command, &base, article, release)?;
        let note = body.note.as_ref().map(Note::as_str);
        deed(write.conn(), command, "publish", &article, version, note)?;
        Ok(article)
    })
    .await?;
    schedule::look_ahead(ctx).await?;
    Ok(article)
}

/// One edition on its way to the readers.
struct Release {
    edition: EditionNumber,
    content: Content,
    category: CategoryId,
    kind: Option<PublishKind>,
    note: Option<Note>,
    /// When it counts as published: now, or when it was due.
    as_of: Instant,
    expire_at: Option<Instant>,
}

/// Makes an edition the one that readers see.
fn release_edition(
    write: &mut PublicWrite<'_>,
    command: &Command,
    base: &str,
    mut article: Article,
    release: Release,
) -> Result<Article, Error> {
    let id = article.id;
    let portal = founded(write, base, command.at)?;
    let (on, at) = publication_date(&article, &release.content, &portal, release.as_of)?;
    let before = public_path(write, id)?;
    let frozen = media_of(write.conn(), &release.content)?;
    let language = release.content.language.clone();
    let language = language.unwrap_or_else(|| portal.content.language.clone());
    articles::add_publication(
        write.conn(),
        id,
        command.actor.user_id,
        &articles::Publication {
            id: 0,
            edition: release.edition,
            kind: release.kind,
            note: release.note,
            at: command.at,
            language,
            media: frozen,
        },
    )?;
    article.version = article.version.next();
    if release.edition == article.edition {
        article.move_to(Stage::Draft, command.actor.user_id, command.at);
        article.return_reason = None;
    }
    article.expire_at = release.expire_at.map(|at| portal.zone().show(at));
    article.public_state = PublicState::Live;
    article.public_edition = Some(release.edition);
    article.public_path = Some(categories::get(write.conn(), release.category)?.path);
    article.state_note = None;
    article.state_at = None;
    article.reason_code = None;
    article.published_on = Some(on);
    article.published_at = at;
    article.first_published_at = article
        .first_published_at
        .or(Some(portal.zone().show(command.at)));
    article.uri = Some(uri(&portal, &article.uuid)?);
    article.updated_at = portal.zone().show(command.at);
    articles::update(write.conn(), &article)?;
    let why = match release.kind {
        None => Why::Published,
        Some(PublishKind::Minor) => Why::Minor,
        Some(PublishKind::Correction) => Why::Correction,
    };
    let shown = Shown {
        content: release.content,
        category: release.category,
        why,
        before,
    };
    show(write, command, &portal, &article, shown)?;
    // Only now: what has just become public under the plan's slug keeps it.
    schedule::forget(write.conn(), &mut article)?;
    Ok(article)
}

/// Marks a public article: readable by its address, in no list.
pub async fn withdraw(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    if_match: IfMatch,
    body: Withdraw,
) -> Result<Article, Error> {
    run_public(ctx, command, move |write, command| {
        let mut article = open(write, command, id, if_match, Action::Withdraw)?;
        let version = article.version;
        article.version = version.next();
        schedule::forget(write.conn(), &mut article)?;
        article.public_state = PublicState::Withdrawn;
        article.state_note = Some(body.note.clone());
        article.state_at = Some(shown_at(write, command)?);
        set_status(write, command, &article, Status::Withdrawn, Why::Withdrawn)?;
        articles::update(write.conn(), &article)?;
        let note = Some(body.note.as_str());
        deed(write.conn(), command, "withdraw", &article, version, note)?;
        Ok(article)
    })
    .await
}

/// Takes an article out of the news: still in lists and search, no longer on front pages.
pub async fn archive(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    if_match: IfMatch,
) -> Result<Article, Error> {
    run_public(ctx, command, move |write, command| {
        let article = open(write, command, id, if_match, Action::Archive)?;
        let version = article.version;
        let article = put_away(write, command, article)?;
        deed(write.conn(), command, "archive", &article, version, None)?;
        Ok(article)
    })
    .await
}

/// Makes a live article an archived one.
fn put_away(
    write: &mut PublicWrite<'_>,
    command: &Command,
    mut article: Article,
) -> Result<Article, Error> {
    article.version = article.version.next();
    article.expire_at = None;
    article.public_state = PublicState::Archived;
    article.state_at = Some(shown_at(write, command)?);
    set_status(write, command, &article, Status::Archived, Why::Archived)?;
    articles::update(write.conn(), &article)?;
    Ok(article)
}

/// Removes an article from public sight at once; reason code and time stay for ever.
pub async fn take_down(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    if_match: IfMatch,
    body: TakeDown,
) -> Result<Article, Error> {
    run_public(ctx, command, move |write, command| {
        let mut article = open(write, command, id, if_match, Action::TakeDown)?;
        let public = live::get(write.conn(), id)?;
        let before = public_path(write, id)?;
        let seq = write.record(
            command.at,
            &NewChange {
                op: Op::Delete,
                why: Why::TakenDown,
                object_type: ObjectType::Article,
                object_id: id.get(),
                uri: public.uri.clone(),
                edition: None,
                language: Some(public.language.clone()),
                before,
                after: None,
            },
        )?;
        live::take_down(write, &public, body.reason_code, command.at, seq)?;
        // A link may not show what readers may no longer see, nor after it has come back.
        links::void(write.conn(), id)?;
        let version = article.version;
        article.version = version.next();
        schedule::forget(write.conn(), &mut article)?;
        article.expire_at = None;
        article.public_state = PublicState::TakenDown;
        article.state_note = None;
        article.state_at = Some(shown_at(write, command)?);
        article.reason_code = Some(body.reason_code);
        articles::update(write.conn(), &article)?;
        write_down(
            write.conn(),
            command,
            &Deed {
                reason: Some(&body.reason()),
                details: body.details().as_deref(),
                ..Deed::of_article("take-down", &article, version)
            },
        )?;
        Ok(article)
    })
    .await
}

/// Brings back the last public edition, unchanged.
pub async fn restore(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    if_match: IfMatch,
) -> Result<Article, Error> {
    let base = ctx.settings.base_url();
    run_public(ctx, command, move |write, command| {
        let mut article = open(write, command, id, if_match, Action::Restore)?;
        let was = article.public_state;
        let version = article.version;
        article.version = version.next();
        article.public_state = PublicState::Live;
        article.state_note = None;
        article.state_at = None;
        article.reason_code = None;
        // What should have ended meanwhile is brought back on purpose.
        article.expire_at = article
            .expire_at
            .filter(|end| end.micros() > command.at.micros());
        articles::update(write.conn(), &article)?;
        if was == PublicState::TakenDown {
            let portal = founded(write, &base, command.at)?;
            let tree = categories::tree(write.conn())?;
            let number = article.public_edition.ok_or(Error::NotFound)?;
            let (_, category, content) = editions::content(write.conn(), &tree, id, number)?;
            let shown = Shown {
                content,
                category,
                why: Why::Restored,
                before: None,
            };
            show(write, command, &portal, &article, shown)?;
        } else {
            set_status(write, command, &article, Status::Live, Why::Restored)?;
        }
        deed(write.conn(), command, "restore", &article, version, None)?;
        Ok(article)
    })
    .await
}

/// The article, at the version that the client saw and in a state that allows the action.
fn open(
    write: &mut PublicWrite<'_>,
    command: &Command,
    id: ArticleId,
    if_match: IfMatch,
    action: Action,
) -> Result<Article, Error> {
    let article = load(write.conn(), command, id)?;
    at_version(write.conn(), &article, if_match)?;
    require(command, &article, action)?;
    Ok(article)
}

/// The time of a command, in the portal's zone.
fn shown_at(write: &mut PublicWrite<'_>, command: &Command) -> Result<Instant, Error> {
    Ok(portal::get(write.conn())?.zone().show(command.at))
}

/// Day and instant of publication: as the editors say, as fixed before, or now.
fn publication_date(
    article: &Article,
    content: &Content,
    portal: &Portal,
    now: Instant,
) -> Result<(Day, Option<Instant>), Error> {
    let zone = portal.zone();
    let today = zone.day_of(now);
    let (on, at) = dated(article, content, portal, now);
    if on > today || at.is_some_and(|at| at.micros() > now.micros()) {
        let place = match on > today {
            true => "/content/published_on",
            false => "/content/published_at",
        };
        return Err(Faults::one(place, FaultCode::OutOfRange, "lies in the future").into());
    }
    Ok((on, at))
}

/// The category path of what readers see of an article now.
fn public_path(
    write: &mut PublicWrite<'_>,
    id: ArticleId,
) -> Result<Option<Vec<CategoryId>>, Error> {
    match live::get(write.conn(), id) {
        Ok(public) => Ok(Some(
            categories::get(write.conn(), public.category_id)?.path,
        )),
        Err(crate::store::Error::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn set_status(
    write: &mut PublicWrite<'_>,
    command: &Command,
    article: &Article,
    status: Status,
    why: Why,
) -> Result<(), Error> {
    let public = live::get(write.conn(), article.id)?;
    let path = categories::get(write.conn(), public.category_id)?.path;
    let seq = write.record(command.at, &public.changed(why, path.clone(), path.clone()))?;
    let public = live::LiveArticle {
        status,
        status_note: article.state_note.clone(),
        status_at: article.state_at,
        seq,
        ..public
    };
    live::set_status(write, &public, &path)?;
    Ok(())
}

fn deed(
    conn: &mut Conn,
    command: &Command,
    action: &str,
    article: &Article,
    before: Version,
    reason: Option<&str>,
) -> Result<(), Error> {
    write_down(
        conn,
        command,
        &Deed {
            reason,
            ..Deed::of_article(action, article, before)
        },
    )
}
