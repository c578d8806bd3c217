//! Saving the working copy of an article: what article and caption commands share. Every save
//! that changes something appends an edition.

use std::collections::HashMap;

use super::{Command, Conflict, Deed, Error, IfMatch, require, write_down};
use crate::domain::article::{Action, Article, Saved, Stage};
use crate::domain::body::{self, Block};
use crate::domain::content::Content;
use crate::domain::id::{ArticleId, CategoryId, MediaId};
use crate::domain::input::{FaultCode, Faults};
use crate::domain::media::Kind;
use crate::domain::policy;
use crate::domain::portal::Portal;
use crate::domain::slug::Slug;
use crate::domain::user::Who;
use crate::infra::random;
use crate::store::editorial::{articles, audit, captions, editions, media, slugs, users};
use crate::store::public::{categories, portal};
use crate::store::{self, Conn};

/// The article, if this actor may know of it; nobody else changes it meanwhile.
pub fn load(conn: &mut Conn, command: &Command, id: ArticleId) -> Result<Article, Error> {
    let article = articles::hold(conn, id)?;
    if !policy::may_edit(&command.actor, &article.situation()) {
        return Err(Error::NotFound);
    }
    Ok(article)
}

/// Passes for the version that the client based its change on; who comes too late is told who saved
/// meanwhile.
pub fn at_version(conn: &mut Conn, article: &Article, if_match: IfMatch) -> Result<(), Error> {
    match if_match.check(article.version) {
        Err(Error::Stale { current, .. }) => Err(Error::Stale {
            current,
            saved: Some(Box::new(last_save(conn, article)?)),
        }),
        checked => checked,
    }
}

fn last_save(conn: &mut Conn, article: &Article) -> Result<Saved, Error> {
    let made = audit::who_made(conn, "article", article.id.get(), article.version)?;
    let (by, at) = match made {
        Some(made) => made,
        None => {
            let edition = editions::get(conn, article.id, article.edition)?;
            (edition.created_by, edition.created_at)
        }
    };
    let user = users::get(conn, by)?;
    Ok(Saved {
        version: article.version,
        edition: article.edition,
        saved_by: Who::from(&user),
        saved_at: portal::get(conn)?.zone().show(at),
    })
}

/// Content that was checked against the rest of the portal.
pub struct Checked {
    pub content: Content,
    pub category_id: CategoryId,
    pub portal: Portal,
}

/// Tidies content and finds everything it names; every fault at once. Nobody writes into a category
/// where their roles do not hold.
pub fn check(
    conn: &mut Conn,
    command: &Command,
    content: Content,
    current: Option<&Article>,
) -> Result<Checked, Error> {
    let portal = portal::get(conn)?;
    let language = content
        .language
        .clone()
        .unwrap_or_else(|| portal.content.language.clone());
    let mut content = content.tidy(&language)?;
    let mut faults = Faults::default();
    let tree = categories::tree(conn)?;
    let category_id = match categories::find(conn, &content.category) {
        Ok(id) if !command.actor.reach.covers(&tree.ids(id)) => {
            return Err(Error::NotGranted(format!(
                "your roles do not hold in the category {}",
                content.category
            )));
        }
        Ok(id) => Some(id),
        Err(store::Error::NotFound) => {
            faults.push(
                "/category",
                FaultCode::NotFound,
                "is not the slug of a category",
            );
            None
        }
        Err(error) => return Err(error.into()),
    };
    if let (Some(day), Some(at)) = (content.published_on, content.published_at)
        && portal.zone().day_of(at) != day
    {
        faults.push(
            "/published_at",
            FaultCode::Conflict,
            format!("does not fall on {day} in the portal's zone"),
        );
    }
    if let Some(current) = current {
        body::adopt(&mut content.body.0, &current.content.body.0);
    }
    // With what may stand there: attachments may be anything.
    let mut wanted: Vec<(String, MediaId, Place)> = content
        .cover_media_id
        .map(|id| ("/cover_media_id".to_owned(), id, Place::Picture))
        .into_iter()
        .collect();
    for (i, block) in content.body.0.iter().enumerate() {
        let here = format!("/body/{i}");
        let allowed = match block {
            Block::Attachment(_) => Place::Anything,
            Block::Embed(_) => Place::NoDocument,
            _ => Place::Picture,
        };
        wanted.extend(
            block
                .media()
                .into_iter()
                .map(|(below, id)| (format!("{here}{below}"), id, allowed)),
        );
        if let Block::Figure(figure) = block
            && let Some(id) = figure.caption_id
            && (current.is_none()
                || captions::owner(conn, id)? != current.map(|article| article.id))
        {
            faults.push(
                format!("{here}/caption_id"),
                FaultCode::NotFound,
                "is not a caption of this article",
            );
        }
    }
    let ids: Vec<MediaId> = wanted.iter().map(|(_, id, _)| *id).collect();
    let known: HashMap<MediaId, Kind> = media::load(conn, &ids)?
        .into_iter()
        .map(|medium| (medium.id, medium.kind))
        .collect();
    for (place, id, allowed) in wanted {
        match (known.get(&id), allowed) {
            (None, _) => faults.push(
                place,
                FaultCode::NotFound,
                format!("there is no medium {id}"),
            ),
            (Some(Kind::Document), Place::Picture | Place::NoDocument) => {
                let message = format!("the medium {id} is a document; attach it");
                faults.push(place, FaultCode::Conflict, message);
            }
            (Some(Kind::Video | Kind::Audio), Place::Picture) => {
                let message = format!("the medium {id} is no picture; embed or attach it");
                faults.push(place, FaultCode::Conflict, message);
            }
            (Some(_), _) => {}
        }
    }
    match category_id {
        Some(category_id) if faults.0.is_empty() => Ok(Checked {
            content,
            category_id,
            portal,
        }),
        _ => Err(faults.into()),
    }
}

/// What a place in the content takes.
#[derive(Clone, Copy)]
enum Place {
    Picture,
    NoDocument,
    Anything,
}

/// Stores checked content as the newest edition of an article that already has a row. `action`
/// goes into the audit log.
pub fn store(
    conn: &mut Conn,
    command: &Command,
    mut article: Article,
    checked: Checked,
    action: &str,
) -> Result<Article, Error> {
    let mut content = checked.content;
    body::assign_keys(&mut content.body.0, &mut random::key);
    for block in &mut content.body.0 {
        if let Block::Figure(figure) = block
            && figure.caption_id.is_none()
        {
            figure.caption_id = Some(captions::create(conn, article.id)?);
        }
    }
    let before = (action != "create").then_some(article.version);
    if before.is_some() {
        article.slug = take_slug(conn, &article, content.slug.as_ref())?;
        article.version = article.version.next();
        article.edition = article.edition.next();
        let saved = article.stage.saved();
        if saved == Stage::Draft {
            article.stage = saved;
            (article.stage_by, article.stage_at) = (None, None);
        } else {
            article.move_to(saved, command.actor.user_id, command.at);
        }
    }
    content.slug = Some(article.slug.clone());
    if let Some(category) = categories::tree(conn)?.get(checked.category_id) {
        content.category = category.slug.clone();
        article.path = category.path.clone();
    }
    let zone = checked.portal.zone();
    article.category_id = checked.category_id;
    article.updated_at = zone.show(command.at);
    article.content = content.shown_in(&zone);
    editions::insert(
        conn,
        article.id,
        &editions::Edition {
            number: article.edition,
            title: article.content.title.clone(),
            created_by: command.actor.user_id,
            created_at: command.at,
        },
        article.category_id,
        &article.content,
    )?;
    articles::update(conn, &article)?;
    captions::sync(
        conn,
        article.id,
        &article.content.body.0,
        article.content.cover_media_id,
    )?;
    write_down(
        conn,
        command,
        &Deed {
            before,
            ..Deed::of_article(action, &article, article.version)
        },
    )?;
    Ok(article)
}

/// The slug that an article is to have: its own, or a new one that is free or was its own before.
fn take_slug(conn: &mut Conn, article: &Article, wanted: Option<&Slug>) -> Result<Slug, Error> {
    let Some(wanted) = wanted else {
        return Ok(article.slug.clone());
    };
    if *wanted == article.slug {
        return Ok(wanted.clone());
    }
    if !slugs::take(conn, article.id, wanted)? {
        return Err(slug_taken(wanted));
    }
    // A scheduled edition will be published under the slug that it was planned with.
    if article.scheduled.is_none() {
        slugs::release(conn, &article.slug)?;
    }
    Ok(wanted.clone())
}

pub fn slug_taken(slug: &Slug) -> Error {
    Error::Conflict {
        code: Conflict::SlugTaken,
        detail: format!("another article has or had the slug {slug}"),
    }
}

/// Saves content over the working copy; the same content again is no save, whatever `If-Match`
/// said, so that a repeated PUT is harmless.
pub fn save(
    conn: &mut Conn,
    command: &Command,
    article: Article,
    if_match: IfMatch,
    content: Content,
    action: &str,
) -> Result<Article, Error> {
    let mut checked = check(conn, command, content, Some(&article))?;
    checked
        .content
        .slug
        .get_or_insert_with(|| article.slug.clone());
    // Old slugs of a category are accepted, so the ids are what is compared.
    let same_category = checked.category_id == article.category_id;
    let category = std::mem::replace(
        &mut checked.content.category,
        article.content.category.clone(),
    );
    if same_category && checked.content == article.content {
        return Ok(article);
    }
    checked.content.category = category;
    at_version(conn, &article, if_match)?;
    require(command, &article, Action::Save)?;
    store(conn, command, article, checked, action)
}
