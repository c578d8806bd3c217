//! What readers see: publish, withdraw, take down, restore. Each is one transaction over edition,
//! public tables, log and audit.

use std::collections::HashMap;

use super::{Command, Deed, Error, IfMatch, audit, founded, run_public, uri};
use crate::ctx::Ctx;
use crate::domain::article::{
    Action, Article, PublicState, Publish, PublishKind, Stage, Status, TakeDown, Withdraw, moves,
};
use crate::domain::body::{Block, LiveAttachment, LiveBlock, LiveEmbed};
use crate::domain::caption::{Figure, LiveFigure, LiveFigureMedium};
use crate::domain::changes::{NewChange, ObjectType, Op, Why};
use crate::domain::content::Content;
use crate::domain::id::{ArticleId, CaptionId, CategoryId, EditionNumber, MediaId, Seq};
use crate::domain::input::{FaultCode, Faults};
use crate::domain::media::{FrozenMedium, Kind};
use crate::domain::portal::Portal;
use crate::domain::time::{Day, Instant};
use crate::store::editorial::{articles, editions, media};
use crate::store::public::changes::PublicWrite;
use crate::store::public::{articles as live, categories, media as live_media};

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
        let mut article = open(write, id, if_match, Action::Publish)?;
        body.check(article.public_state)?;
        let portal = founded(write, &base, command.at)?;
        let (on, at) = publication_date(&article, &portal, command.at)?;
        let before = public_path(write, id)?;
        let frozen = freeze(write, &article.content)?;
        let note = body.note.clone();
        articles::add_publication(
            write.conn(),
            id,
            command.actor.user_id,
            &articles::Publication {
                edition: article.edition,
                kind: body.kind,
                note: note.clone(),
                at: command.at,
                media: frozen.clone(),
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
        article.first_published_at = article.first_published_at.or(Some(command.at));
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
        show(write, command, &portal, &article, Shown { content, category, frozen, why, before })?;
        deed(write, command, "publish", &article, version, note.as_ref().map(|note| note.as_str()))?;
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
        let mut article = open(write, id, if_match, Action::Withdraw)?;
        let version = article.version;
        article.version = version.next();
        article.public_state = PublicState::Withdrawn;
        article.state_note = Some(body.note.clone());
        article.state_at = Some(command.at);
        set_status(write, command, &article, Status::Withdrawn, Why::Withdrawn)?;
        articles::update(write.conn(), &article)?;
        deed(write, command, "withdraw", &article, version, Some(body.note.as_str()))?;
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
        let mut article = open(write, id, if_match, Action::TakeDown)?;
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
        live_media::remove_uses(write, id)?;
        live::take_down(write, &public, body.reason_code, command.at, seq)?;
        let version = article.version;
        article.version = version.next();
        article.public_state = PublicState::TakenDown;
        article.state_note = None;
        article.state_at = Some(command.at);
        article.reason_code = Some(body.reason_code);
        articles::update(write.conn(), &article)?;
        let reason = match &body.note {
            Some(note) => format!("{}: {}", body.reason_code.as_str(), note.as_str()),
            None => body.reason_code.as_str().to_owned(),
        };
        deed(write, command, "take-down", &article, version, Some(&reason))?;
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
        let mut article = open(write, id, if_match, Action::Restore)?;
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
            let frozen = articles::publications(write.conn(), id)?
                .pop()
                .map(|publication| publication.media)
                .unwrap_or_default();
            let shown = Shown { content, category, frozen, why: Why::Restored, before: None };
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
    id: ArticleId,
    if_match: IfMatch,
    action: Action,
) -> Result<Article, Error> {
    let article = articles::get(write.conn(), id)?;
    if_match.check(article.version)?;
    if !article.allows(action) {
        return Err(Error::IllegalMove {
            state: article.public_state.as_str(),
            allowed: moves(article.public_state).to_vec(),
        });
    }
    Ok(article)
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
        let field = if on > today { "published_on" } else { "published_at" };
        return Err(Faults::one(
            "",
            FaultCode::OutOfRange,
            format!("the content's {field} lies in the future"),
        )
        .into());
    }
    Ok((on, at))
}

/// Everything that a public copy is made from.
struct Shown {
    content: Content,
    category: CategoryId,
    frozen: Vec<FrozenMedium>,
    why: Why,
    /// Category path of what readers saw until now.
    before: Option<Vec<CategoryId>>,
}

/// Copies content into the public tables, with its row in the log.
fn show(
    write: &mut PublicWrite<'_>,
    command: &Command,
    portal: &Portal,
    article: &Article,
    shown: Shown,
) -> Result<Seq, Error> {
    let Shown { content, category, frozen, why, before } = shown;
    let path = categories::get(write.conn(), category)?.path;
    let language = content.language.clone().unwrap_or_else(|| portal.content.language.clone());
    let known: HashMap<MediaId, &FrozenMedium> =
        frozen.iter().map(|medium| (medium.id, medium)).collect();
    let body = live_body(&content.body.0, &known)?;
    let cover = content
        .cover_media_id
        .or_else(|| first_image(&content.body.0, &known))
        .and_then(|id| known.get(&id))
        .map(|medium| medium.live(""));
    let edition = article.public_edition.unwrap_or(EditionNumber::FIRST);
    let seq = write.record(
        command.at,
        &NewChange {
            op: Op::Put,
            why,
            object_type: ObjectType::Article,
            object_id: article.id.get(),
            uri: uri(portal, &article.uuid)?,
            edition: Some(edition),
            language: Some(language.clone()),
            before,
            after: Some(path.clone()),
        },
    )?;
    let corrections: Vec<live::Correction> = articles::publications(write.conn(), article.id)?
        .into_iter()
        .filter(|publication| publication.kind == Some(PublishKind::Correction))
        .filter_map(|publication| {
            Some(live::Correction {
                at: publication.at,
                edition: publication.edition,
                note: publication.note?,
            })
        })
        .collect();
    let on = article.published_on.unwrap_or_else(|| portal.zone().day_of(command.at));
    let public = live::LiveArticle {
        id: article.id,
        uri: uri(portal, &article.uuid)?,
        slug: content.slug.unwrap_or_else(|| article.slug.clone()),
        category_id: category,
        edition,
        status: Status::Live,
        status_note: None,
        status_at: None,
        title: content.title,
        lead: content.lead,
        published_on: on,
        published_at: article.published_at,
        sort_at: article.published_at.unwrap_or_else(|| portal.zone().start_of(on)),
        first_published_at: article.first_published_at.unwrap_or(command.at),
        updated_at: corrections.last().map(|correction| correction.at),
        language,
        tags: content.tags.0,
        featured: content.featured,
        cover,
        byline: content.byline.0,
        source: content.source,
        seq,
    };
    live::put(write, &public, &body, &path, &corrections)?;
    let uses = uses(&content.body.0, public.cover.as_ref().map(|cover| cover.id));
    live_media::put(write, &frozen, article.id, &uses)?;
    Ok(seq)
}

/// The category path of what readers see of an article now.
fn public_path(
    write: &mut PublicWrite<'_>,
    id: ArticleId,
) -> Result<Option<Vec<CategoryId>>, Error> {
    match live::get(write.conn(), id) {
        Ok(public) => Ok(Some(categories::get(write.conn(), public.category_id)?.path)),
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

/// The media that content names, as they are now.
fn freeze(write: &mut PublicWrite<'_>, content: &Content) -> Result<Vec<FrozenMedium>, Error> {
    let mut ids: Vec<MediaId> = content
        .body
        .0
        .iter()
        .flat_map(Block::media)
        .map(|(_, id)| id)
        .chain(content.cover_media_id)
        .collect();
    ids.sort();
    ids.dedup();
    Ok(media::load(write.conn(), &ids)?.into_iter().map(FrozenMedium::from).collect())
}

fn first_image(blocks: &[Block], known: &HashMap<MediaId, &FrozenMedium>) -> Option<MediaId> {
    blocks
        .iter()
        .filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            _ => None,
        })
        .flat_map(|figure| &figure.media)
        .map(|medium| medium.media_id)
        .find(|id| known.get(id).is_some_and(|medium| medium.kind == Kind::Image))
}

/// Which media an article holds, and in which figures.
fn uses(blocks: &[Block], cover: Option<MediaId>) -> Vec<(MediaId, Option<CaptionId>)> {
    let mut uses: Vec<(MediaId, Option<CaptionId>)> = cover.map(|id| (id, None)).into_iter().collect();
    for block in blocks {
        let caption = match block {
            Block::Figure(figure) => figure.caption_id,
            _ => None,
        };
        uses.extend(block.media().into_iter().map(|(_, id)| (id, caption)));
    }
    uses.sort();
    uses.dedup();
    uses
}

/// The body as readers get it, with media expanded.
fn live_body(
    blocks: &[Block],
    known: &HashMap<MediaId, &FrozenMedium>,
) -> Result<Vec<LiveBlock>, Error> {
    let missing = || Error::Internal("a stored body is incomplete".to_owned());
    blocks
        .iter()
        .map(|block| {
            Ok(match block {
                Block::Text(text) => LiveBlock::Text(text.clone()),
                Block::Table(table) => LiveBlock::Table(table.clone()),
                Block::Rule(rule) => LiveBlock::Rule(rule.clone()),
                Block::Figure(figure) => LiveBlock::Figure(live_figure(figure, known)?),
                Block::Embed(embed) => LiveBlock::Embed(LiveEmbed {
                    key: embed.key.clone().ok_or_else(missing)?,
                    url: embed.url.clone(),
                    media: match embed.media_id {
                        Some(id) => Some(known.get(&id).ok_or_else(missing)?.live("")),
                        None => None,
                    },
                    title: embed.title.clone(),
                }),
                Block::Attachment(attachment) => LiveBlock::Attachment(LiveAttachment {
                    key: attachment.key.clone().ok_or_else(missing)?,
                    media: known.get(&attachment.media_id).ok_or_else(missing)?.live(""),
                    title: attachment.title.clone(),
                }),
            })
        })
        .collect()
}

/// Alt texts and credit are resolved here and stay as they are until the next publication.
fn live_figure(
    figure: &Figure,
    known: &HashMap<MediaId, &FrozenMedium>,
) -> Result<LiveFigure, Error> {
    let missing = || Error::Internal("a stored figure is incomplete".to_owned());
    let media = figure
        .media
        .iter()
        .map(|used| {
            let frozen = known.get(&used.media_id).ok_or_else(missing)?;
            let medium = frozen.live("");
            let alt = match (used.decorative, &used.alt) {
                (true, _) => None,
                (false, Some(alt)) => Some(alt.clone()),
                (false, None) => frozen.alt.clone(),
            };
            Ok(LiveFigureMedium {
                media_id: used.media_id,
                kind: medium.kind,
                url: medium.url().to_owned(),
                width: medium.width,
                height: medium.height,
                alt,
                decorative: used.decorative,
                credit: medium.credit,
                renditions: medium.renditions,
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    Ok(LiveFigure {
        key: figure.key.clone().ok_or_else(missing)?,
        caption_id: figure.caption_id.ok_or_else(missing)?,
        caption: figure.caption.clone(),
        credit: figure.credit.clone(),
        media,
    })
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
        },
    )
}
