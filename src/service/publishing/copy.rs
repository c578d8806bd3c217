//! Copies an edition into the public tables.

use std::collections::HashMap;

use crate::domain::article::{Article, PublishKind, Status};
use crate::domain::body::{Block, LiveAttachment, LiveBlock, LiveEmbed};
use crate::domain::caption::{
    Alt, Figure, LiveFigure, LiveFigureItem, LiveFigureMedium, WithdrawnMedium,
};
use crate::domain::changes::{NewChange, ObjectType, Op, Why};
use crate::domain::content::{Content, Language};
use crate::domain::id::{CategoryId, EditionNumber, MediaId, Seq};
use crate::domain::media::{FrozenMedium, Kind, LiveMedium};
use crate::domain::portal::Portal;
use crate::domain::time::{Day, Instant};
use crate::service::{Command, Error, uri};
use crate::store::Conn;
use crate::store::editorial::{articles, media};
use crate::store::public::changes::PublicWrite;
use crate::store::public::{articles as live, categories, media as live_media};

/// Everything that a public copy is made from.
pub(super) struct Shown {
    pub content: Content,
    pub category: CategoryId,
    pub why: Why,
    /// Category path of what readers saw until now.
    pub before: Option<Vec<CategoryId>>,
}

/// What a public copy is made of, whether readers get it or only a preview does.
pub(super) struct Model<'a> {
    pub article: &'a Article,
    pub portal: &'a Portal,
    pub content: Content,
    pub category: CategoryId,
    pub edition: EditionNumber,
    pub language: Language,
    pub frozen: &'a [FrozenMedium],
    /// Everything published of the article, oldest first.
    pub publications: Vec<articles::Publication>,
    pub on: Day,
    pub at: Option<Instant>,
    pub now: Instant,
    pub seq: Seq,
}

/// An article with its body and corrections, as readers get them.
pub struct Copy {
    pub article: live::LiveArticle,
    pub body: Vec<LiveBlock>,
    /// Oldest first.
    pub corrections: Vec<live::Correction>,
}

/// Makes a public copy; writes nothing.
pub(super) fn model(model: Model<'_>) -> Result<Copy, Error> {
    let Model {
        article, content, ..
    } = model;
    let zone = model.portal.zone();
    let frozen = model.frozen.iter().cloned();
    let frozen: Vec<FrozenMedium> = frozen.map(|medium| medium.shown_in(&zone)).collect();
    let known: HashMap<MediaId, &FrozenMedium> =
        frozen.iter().map(|medium| (medium.id, medium)).collect();
    let body = live_body(&content.body.0, &known)?;
    let cover = content
        .cover_media_id
        .or_else(|| first_image(&content.body.0, &known))
        .and_then(|id| known.get(&id))
        .filter(|medium| medium.withdrawn.is_none())
        .map(|medium| LiveMedium {
            alt: alt_in(&body, medium.id).or_else(|| medium.alt.clone()),
            ..medium.live("")
        });
    let corrections: Vec<live::Correction> = model
        .publications
        .into_iter()
        .filter(|publication| publication.kind == Some(PublishKind::Correction))
        .filter_map(|publication| {
            Some(live::Correction {
                id: publication.id,
                at: publication.at,
                edition: publication.edition,
                note: publication.note?,
            })
        })
        .collect();
    let article = live::LiveArticle {
        id: article.id,
        uri: uri(model.portal, &article.uuid)?,
        slug: content.slug.unwrap_or_else(|| article.slug.clone()),
        category_id: model.category,
        edition: model.edition,
        status: Status::Live,
        status_note: None,
        status_at: None,
        title: content.title,
        lead: content.lead,
        published_on: model.on,
        published_at: model.at,
        sort_at: model
            .at
            .unwrap_or_else(|| model.portal.zone().start_of(model.on)),
        first_published_at: article.first_published_at.unwrap_or(model.now),
        updated_at: corrections.last().map(|correction| correction.at),
        language: model.language,
        tags: content.tags.0,
        featured: content.featured,
        ai_label: content.ai_label,
        cover,
        byline: content.byline.0,
        source: content.source,
        seq: model.seq,
    };
    Ok(Copy {
        article,
        body,
        corrections,
    })
}

/// Copies content into the public tables, as the last publication froze it, with its row in the log.
pub(super) fn show(
    write: &mut PublicWrite<'_>,
    command: &Command,
    portal: &Portal,
    article: &Article,
    shown: Shown,
) -> Result<Seq, Error> {
    let Shown {
        content,
        category,
        why,
        before,
    } = shown;
    let mut publications = articles::publications(write.conn(), article.id)?;
    let last = publications.last_mut().ok_or(Error::NotFound)?;
    let (language, frozen_at) = (last.language.clone(), last.at);
    let frozen = without_withdrawn(write.conn(), std::mem::take(&mut last.media))?;
    let path = categories::get(write.conn(), category)?.path;
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
    let copy = model(Model {
        article,
        portal,
        content,
        category,
        edition,
        language,
        frozen: &frozen,
        publications,
        on: article
            .published_on
            .unwrap_or_else(|| portal.zone().day_of(command.at)),
        at: article.published_at,
        now: command.at,
        seq,
    })?;
    live::put(write, &copy.article, &copy.body, &path, &copy.corrections)?;
    live_media::put(write, article.id, &frozen, frozen_at)?;
    Ok(seq)
}

/// Media as they were frozen, but for those that were withdrawn since.
fn without_withdrawn(
    conn: &mut Conn,
    frozen: Vec<FrozenMedium>,
) -> Result<Vec<FrozenMedium>, Error> {
    let ids: Vec<MediaId> = frozen.iter().map(|medium| medium.id).collect();
    let mut withdrawn = media::withdrawn_among(conn, &ids)?;
    let close = |medium: FrozenMedium| match withdrawn.remove(&medium.id) {
        Some(withdrawal) => medium.closed(withdrawal),
        None => medium,
    };
    Ok(frozen.into_iter().map(close).collect())
}

/// Day and instant that content bears when it is published: as the editors say, as fixed before,
/// or now.
pub(super) fn dated(
    article: &Article,
    content: &Content,
    portal: &Portal,
    now: Instant,
) -> (Day, Option<Instant>) {
    let zone = portal.zone();
    match (content.published_on, content.published_at) {
        (Some(on), at) => (on, at),
        (None, Some(at)) => (zone.day_of(at), Some(at)),
        (None, None) => match article.published_on {
            Some(on) => (on, article.published_at),
            None => (zone.day_of(now), Some(zone.show(now))),
        },
    }
}

/// The media that content names, as they are now.
pub(super) fn media_of(conn: &mut Conn, content: &Content) -> Result<Vec<FrozenMedium>, Error> {
    Ok(media::load(conn, &content.media())?
        .into_iter()
        .map(FrozenMedium::from)
        .collect())
}

/// What the body says of a picture, where it shows it: the cover says the same.
fn alt_in(body: &[LiveBlock], id: MediaId) -> Option<Alt> {
    let figures = body.iter().filter_map(|block| match block {
        LiveBlock::Figure(figure) => Some(figure),
        _ => None,
    });
    figures
        .flat_map(LiveFigure::shown)
        .find(|medium| medium.media_id == id)
        .and_then(|medium| medium.alt.clone())
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
        .find(|id| {
            known
                .get(id)
                .is_some_and(|medium| medium.kind == Kind::Image && medium.withdrawn.is_none())
        })
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
                    media: known
                        .get(&attachment.media_id)
                        .ok_or_else(missing)?
                        .live(""),
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
            if let Some(withdrawal) = &frozen.withdrawn {
                return Ok(LiveFigureItem::Withdrawn(WithdrawnMedium {
                    media_id: used.media_id,
                    withdrawn: withdrawal.clone(),
                }));
            }
            let decorative = used.decorative || (used.alt.is_none() && frozen.decorative);
            let medium = frozen.live("");
            let alt = match (decorative, &used.alt) {
                (true, _) => None,
                (false, Some(alt)) => Some(alt.clone()),
                (false, None) => frozen.alt.clone(),
            };
            Ok(LiveFigureItem::Shown(LiveFigureMedium {
                media_id: used.media_id,
                kind: medium.kind,
                url: medium.url().to_owned(),
                width: medium.width,
                height: medium.height,
                thumbhash: medium.thumbhash,
                colour: medium.colour,
                alt,
                decorative,
                credit: medium.credit,
                ai_label: medium.ai_label,
                renditions: medium.renditions,
            }))
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
