//! What readers see: publish, withdraw, take down, restore. Each is one transaction over edition,
//! public tables, log and audit.

mod copy;

use self::copy::{Shown, freeze, show};
use super::{Command, Deed, Error, IfMatch, audit, founded, run_public, uri};
use crate::ctx::Ctx;
use crate::domain::article::{
    Action, Article, PublicState, Publish, PublishKind, Stage, Status, TakeDown, Withdraw,
};
use crate::domain::changes::{NewChange, ObjectType, Op, Why};
use crate::domain::id::{ArticleId, CategoryId};
use crate::domain::input::{FaultCode, Faults};
use crate::domain::policy::allowed_actions;
use crate::domain::portal::Portal;
use crate::domain::time::{Day, Instant};
use crate::store::editorial::{articles, editions};
use crate::store::public::changes::PublicWrite;
use crate::store::public::{articles as live, categories, portal};

/// Publishes the edition that `If-Match` names: the newest.
pub async fn publish(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    if_match: IfMatch,
    body: Publish,
) -> Result<Article, Error> {
    let base = ctx.settings.base_url();
    run_public(ctx, command, move |write, command| {
        let mut article = open(write, command, id, if_match, Action::Publish)?;
        body.check(article.public_state)?;
        let portal = founded(write, &base, command.at)?;
        let (on, at) = publication_date(&article, &portal, command.at)?;
        let before = public_path(write, id)?;
        let frozen = freeze(write, &article.content)?;
        let language = article.content.language.clone();
        let language = language.unwrap_or_else(|| portal.content.language.clone());
        let note = body.note.clone();
        articles::add_publication(
            write.conn(),
            id,
            command.actor.user_id,
            &articles::Publication {
                id: 0,
                edition: article.edition,
                kind: body.kind,
                note: note.clone(),
                at: command.at,
                language: language.clone(),
                media: frozen,
            },
        )?;
        let version = article.version;
        article.version = version.next();
        article.stage = Stage::Draft;
        article.public_state = PublicState::Live;
        article.public_edition = Some(article.edition);
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
        let why = match body.kind {
            None => Why::Published,
            Some(PublishKind::Minor) => Why::Minor,
            Some(PublishKind::Correction) => Why::Correction,
        };
        let content = article.content.clone();
        let category = article.category_id;
        let shown = Shown {
            content,
            category,
            why,
            before,
        };
        show(write, command, &portal, &article, shown)?;
        deed(
            write,
            command,
            "publish",
            &article,
            version,
            note.as_ref().map(|note| note.as_str()),
        )?;
        Ok(article)
    })
    .await
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
        article.public_state = PublicState::Withdrawn;
        article.state_note = Some(body.note.clone());
        article.state_at = Some(shown_at(write, command)?);
        set_status(write, command, &article, Status::Withdrawn, Why::Withdrawn)?;
        articles::update(write.conn(), &article)?;
        deed(
            write,
            command,
            "withdraw",
            &article,
            version,
            Some(body.note.as_str()),
        )?;
        Ok(article)
    })
    .await
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
        let version = article.version;
        article.version = version.next();
        article.public_state = PublicState::TakenDown;
        article.state_note = None;
        article.state_at = Some(shown_at(write, command)?);
        article.reason_code = Some(body.reason_code);
        articles::update(write.conn(), &article)?;
        let reason = match &body.note {
            Some(note) => format!("{}: {}", body.reason_code.as_str(), note.as_str()),
            None => body.reason_code.as_str().to_owned(),
        };
        deed(
            write,
            command,
            "take-down",
            &article,
            version,
            Some(&reason),
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
        deed(write, command, "restore", &article, version, None)?;
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
    let article = articles::hold(write.conn(), id)?;
    if_match.check(article.version)?;
    if !article.allows(action) {
        return Err(Error::IllegalMove {
            state: article.public_state.as_str(),
            allowed: allowed_actions(&command.actor, article.created_by, article.public_state),
        });
    }
    Ok(article)
}

/// The time of a command, in the portal's zone.
fn shown_at(write: &mut PublicWrite<'_>, command: &Command) -> Result<Instant, Error> {
    Ok(portal::get(write.conn())?.zone().show(command.at))
}

/// Day and instant of publication: as the editors say, as fixed before, or now.
fn publication_date(
    article: &Article,
    portal: &Portal,
    now: Instant,
) -> Result<(Day, Option<Instant>), Error> {
    let zone = portal.zone();
    let today = zone.day_of(now);
    let content = &article.content;
    let (on, at) = match (content.published_on, content.published_at) {
        (Some(on), at) => (on, at),
        (None, Some(at)) => (zone.day_of(at), Some(at)),
        (None, None) => match article.published_on {
            Some(on) => (on, article.published_at),
            None => (today, Some(zone.show(now))),
        },
    };
    if on > today || at.is_some_and(|at| at.micros() > now.micros()) {
        let field = if on > today {
            "published_on"
        } else {
            "published_at"
        };
        return Err(Faults::one(
            "",
            FaultCode::OutOfRange,
            format!("the content's {field} lies in the future"),
        )
        .into());
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
    let seq = write.record(
        command.at,
        &NewChange {
            op: Op::Put,
            why,
            object_type: ObjectType::Article,
            object_id: article.id.get(),
            uri: public.uri.clone(),
            edition: Some(public.edition),
            language: Some(public.language.clone()),
            before: Some(path.clone()),
            after: Some(path.clone()),
        },
    )?;
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
    write: &mut PublicWrite<'_>,
    command: &Command,
    action: &str,
    article: &Article,
    before: crate::domain::id::Version,
    reason: Option<&str>,
) -> Result<(), Error> {
    audit(
        write.conn(),
        command,
        &Deed {
            action,
            object_type: "article",
            object_id: article.id.get(),
            before: Some(before),
            after: Some(article.version),
            reason,
            details: None,
        },
    )
}
