//! Copies an edition into the public tables.

use std::collections::HashMap;

use crate::domain::article::{Article, PublishKind, Status};
use crate::domain::body::{Block, LiveAttachment, LiveBlock, LiveEmbed};
use crate::domain::caption::{Figure, LiveFigure, LiveFigureMedium};
use crate::domain::changes::{NewChange, ObjectType, Op, Why};
use crate::domain::content::Content;
use crate::domain::id::{CaptionId, CategoryId, EditionNumber, MediaId, Seq};
use crate::domain::media::{FrozenMedium, Kind};
use crate::domain::portal::Portal;
use crate::service::{Command, Error, uri};
use crate::store::editorial::{articles, media};
use crate::store::public::changes::PublicWrite;
use crate::store::public::{articles as live, categories, media as live_media};

/// Everything that a public copy is made from.
pub(super) struct Shown {
    pub content: Content,
    pub category: CategoryId,
    pub frozen: Vec<FrozenMedium>,
    pub why: Why,
    /// Category path of what readers saw until now.
    pub before: Option<Vec<CategoryId>>,
}

/// Copies content into the public tables, with its row in the log.
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
        frozen,
        why,
        before,
    } = shown;
    let path = categories::get(write.conn(), category)?.path;
    let language = content
        .language
        .clone()
        .unwrap_or_else(|| portal.content.language.clone());
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
    let on = article
        .published_on
        .unwrap_or_else(|| portal.zone().day_of(command.at));
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
        sort_at: article
            .published_at
            .unwrap_or_else(|| portal.zone().start_of(on)),
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
    let held = live_media::held_by(write.conn(), article.id)?;
    live::put(write, &public, &body, &path, &corrections)?;
    let uses = uses(&content.body.0, public.cover.as_ref().map(|cover| cover.id));
    live_media::put(write, &frozen, article.id, &uses, &held)?;
    Ok(seq)
}

/// The media that content names, as they are now.
pub(super) fn freeze(
    write: &mut PublicWrite<'_>,
    content: &Content,
) -> Result<Vec<FrozenMedium>, Error> {
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
    Ok(media::load(write.conn(), &ids)?
        .into_iter()
        .map(FrozenMedium::from)
        .collect())
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
                .is_some_and(|medium| medium.kind == Kind::Image)
        })
}

/// Which media an article holds, and in which figures.
fn uses(blocks: &[Block], cover: Option<MediaId>) -> Vec<(MediaId, Option<CaptionId>)> {
    let mut uses: Vec<(MediaId, Option<CaptionId>)> =
        cover.map(|id| (id, None)).into_iter().collect();
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
