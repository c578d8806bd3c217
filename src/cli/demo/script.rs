//! What the demo portal tells: `content.json`, read into the words of the newsroom. Times there
//! are days before today, so that the portal is always fresh.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::photos::Scene;
use crate::domain::article::{Note, Publish, PublishKind, ReasonCode, TakeDown, Withdraw};
use crate::domain::category::CategoryContent;
use crate::domain::content::Content;
use crate::domain::id::{CategoryId, MediaId};
use crate::domain::input::{self, Faults};
use crate::domain::media::MediaContent;
use crate::domain::portal::PortalContent;
use crate::domain::slug::Slug;
use crate::domain::time::{Instant, Zone};

const CONTENT: &str = include_str!("content.json");
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The whole of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    portal: Value,
    pub categories: Vec<Category>,
    pub photos: Vec<Photo>,
    pub articles: Vec<Piece>,
}

/// A category; its parent stands before it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    pub slug: String,
    name: String,
    pub parent: Option<String>,
    legal_reference: Option<String>,
    position: u16,
}

/// A photograph to be painted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Photo {
    pub key: String,
    alt: String,
    credit: Option<String>,
    scene: String,
    pub seed: u64,
    pub portrait: bool,
}

/// An article and what became of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    days_ago: i64,
    /// `HH:MM`; where it is missing, readers are told the day only.
    time: Option<String>,
    pub action: Fate,
    note: Option<String>,
    reason_code: Option<String>,
    /// What the first edition got wrong.
    misprint: Option<Misprint>,
    content: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    Draft,
    Publish,
    Correct,
    Withdraw,
    TakeDown,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Misprint {
    right: String,
    wrong: String,
}

/// One thing that somebody does to an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The reporter's draft, or the editor's where nobody signs for it.
    Write,
    /// The editor chooses what is featured, and the cover.
    Edit,
    Publish,
    /// The editor mends the misprint.
    Mend,
    Correct,
    Withdraw,
    TakeDown,
}

pub type Result<T> = std::result::Result<T, String>;

/// Faults in words.
fn faulty(what: &str) -> impl FnOnce(Faults) -> String {
    move |faults| format!("{what} of the demo portal: {:?}", faults.0)
}

impl Script {
    pub fn read() -> Result<Self> {
        serde_json::from_str(CONTENT).map_err(|error| format!("content.json: {error}"))
    }

    pub fn portal(&self) -> Result<PortalContent> {
        input::parse(self.portal.clone()).map_err(faulty("the portal"))
    }

    /// All that is done to articles, in the order of time: when, which, what.
    pub fn steps(&self, zone: &Zone, now: Instant) -> Result<Vec<(Instant, usize, Step)>> {
        let mut steps = Vec::new();
        for (which, piece) in self.articles.iter().enumerate() {
            for (at, step) in piece.steps(zone, now)? {
                steps.push((at, which, step));
            }
        }
        steps.sort_by_key(|(at, which, _)| (at.micros(), *which));
        Ok(steps)
    }

    /// When the portal was set up: before everything else.
    pub fn founding(&self, zone: &Zone, now: Instant) -> Instant {
        let days = self.articles.iter().map(|piece| piece.days_ago).max();
        midnight(zone, now, days.unwrap_or(0) + 1).plus_seconds(9 * HOUR)
    }
}

impl Category {
    pub fn content(&self, parent: Option<CategoryId>) -> Result<CategoryContent> {
        input::parse(json!({
            "name": self.name,
            "slug": self.slug,
            "parent_id": parent,
            "position": self.position,
            "legal_reference": self.legal_reference,
        }))
        .map_err(faulty(&self.slug))
    }
}

impl Photo {
    pub fn content(&self) -> Result<MediaContent> {
        input::parse(json!({"alt": self.alt, "credit": self.credit})).map_err(faulty(&self.key))
    }

    pub fn scene(&self) -> Result<Scene> {
        Scene::parse(&self.scene).ok_or_else(|| format!("{}: no scene {}", self.key, self.scene))
    }
}

impl Piece {
    pub fn title(&self) -> &str {
        self.field("title").as_str().unwrap_or_default()
    }

    fn field(&self, name: &str) -> &Value {
        self.content.get(name).unwrap_or(&Value::Null)
    }

    /// The slug that the article gets from its title.
    pub fn slug(&self) -> Slug {
        Slug::from_title(self.title())
    }

    /// Does a reporter stand behind it?
    pub fn is_signed(&self) -> bool {
        self.field("byline")
            .as_array()
            .is_some_and(|names| !names.is_empty())
    }

    fn is_chosen(&self) -> bool {
        *self.field("featured") == true || !self.field("cover").is_null()
    }

    fn steps(&self, zone: &Zone, now: Instant) -> Result<Vec<(Instant, Step)>> {
        // What has no hour for readers still happened at one.
        let time = self.time.as_deref().unwrap_or("10:00");
        let at = midnight(zone, now, self.days_ago).plus_seconds(seconds(time)?);
        let mut steps = vec![(at.plus_seconds(-90 * MINUTE), Step::Write)];
        if self.is_signed() && self.is_chosen() {
            steps.push((at.plus_seconds(-25 * MINUTE), Step::Edit));
        }
        let later = at.plus_seconds(26 * HOUR);
        match self.action {
            Fate::Draft => return Ok(steps),
            Fate::Publish => steps.push((at, Step::Publish)),
            Fate::Correct => steps.extend([
                (at, Step::Publish),
                (later.plus_seconds(-10 * MINUTE), Step::Mend),
                (later, Step::Correct),
            ]),
            Fate::Withdraw => steps.extend([(at, Step::Publish), (later, Step::Withdraw)]),
            Fate::TakeDown => steps.extend([(at, Step::Publish), (later, Step::TakeDown)]),
        }
        Ok(steps)
    }

    /// The content as it is after a step.
    pub fn content(
        &self,
        step: Step,
        photos: &HashMap<String, MediaId>,
        zone: &Zone,
        now: Instant,
    ) -> Result<Content> {
        let mut content = self.content.clone();
        let day = midnight(zone, now, self.days_ago);
        let on = (self.time.is_none() && self.action != Fate::Draft).then(|| zone.day_of(day));
        content.insert("published_on".to_owned(), json!(on));
        let source = content.get_mut("source");
        if let Some(time) = source.and_then(|source| source.get_mut("published_at")) {
            let text = time.as_str().unwrap_or_default();
            *time = json!(day.plus_seconds(seconds(text)?));
        }
        let cover = match content.remove("cover").as_ref().and_then(Value::as_str) {
            Some(key) => Some(known(photos, key)?),
            None => None,
        };
        content.insert("cover_media_id".to_owned(), json!(cover));
        if step == Step::Write && self.is_signed() {
            content.insert("featured".to_owned(), json!(false));
            content.insert("cover_media_id".to_owned(), Value::Null);
        }
        let blocks = content.get_mut("body").and_then(Value::as_array_mut);
        for medium in blocks
            .into_iter()
            .flatten()
            .filter_map(|block| block.get_mut("media")?.as_array_mut())
            .flatten()
            .filter_map(Value::as_object_mut)
        {
            let key = medium.remove("photo").unwrap_or_default();
            let id = known(photos, key.as_str().unwrap_or_default())?;
            medium.insert("media_id".to_owned(), json!(id));
        }
        let mut content = Value::Object(content);
        if let Some(misprint) = self.misprint.as_ref().filter(|_| step != Step::Mend) {
            let text = content.to_string();
            content = serde_json::from_str(&text.replace(&misprint.right, &misprint.wrong))
                .map_err(|error| error.to_string())?;
        }
        input::parse(content).map_err(faulty(self.title()))
    }

    /// Photographs that it shows, by key.
    pub fn photos(&self) -> impl Iterator<Item = &str> {
        let shown = self.field("body").as_array().into_iter().flatten();
        shown
            .filter_map(|block| block.get("media")?.as_array())
            .flatten()
            .filter_map(|medium| medium.get("photo")?.as_str())
            .chain(self.field("cover").as_str())
    }

    fn note(&self) -> Result<Option<Note>> {
        let note = self.note.as_deref().map(Note::parse).transpose();
        note.map_err(|refusal| format!("{}: the note {}", self.title(), refusal.message))
    }

    pub fn correction(&self) -> Result<Publish> {
        Ok(Publish {
            kind: Some(PublishKind::Correction),
            note: self.note()?,
            ..Publish::default()
        })
    }

    pub fn withdrawal(&self) -> Result<Withdraw> {
        let note = self.note()?;
        let note = note.ok_or_else(|| format!("{}: has no note", self.title()))?;
        Ok(Withdraw { note })
    }

    pub fn taking_down(&self) -> Result<TakeDown> {
        let reason_code = self.reason_code.as_deref().and_then(ReasonCode::parse);
        let reason_code =
            reason_code.ok_or_else(|| format!("{}: has no reason code", self.title()))?;
        Ok(TakeDown::because(reason_code, self.note()?))
    }
}

fn known(photos: &HashMap<String, MediaId>, key: &str) -> Result<MediaId> {
    let id = photos.get(key).copied();
    id.ok_or_else(|| format!("there is no photo {key:?}"))
}

fn midnight(zone: &Zone, now: Instant, days_ago: i64) -> Instant {
    zone.start_of(zone.day_of(now.plus_seconds(-days_ago * DAY)))
}

/// Seconds from midnight to `HH:MM`.
fn seconds(time: &str) -> Result<i64> {
    let read = || {
        let (hour, minute) = time.split_once(':')?;
        let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
        ((0..24).contains(&hour) && (0..60).contains(&minute))
            .then_some(hour * HOUR + minute * MINUTE)
    };
    read().ok_or_else(|| format!("{time:?} is no time of day"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::domain::body::Block;

    /// 21 March 2026, half past midnight in Vietnam: the day is young.
    const NOW: i64 = 1_774_027_800_000_000;

    fn zone() -> Zone {
        Zone::parse(Zone::DEFAULT).unwrap()
    }

    fn ids(script: &Script) -> HashMap<String, MediaId> {
        let keys = script.photos.iter().map(|photo| photo.key.clone());
        keys.zip(1..)
            .map(|(key, id)| (key, MediaId::stored(id)))
            .collect()
    }

    /// Every article that readers get, as last saved.
    fn read_all() -> (Script, Vec<Content>) {
        let script = Script::read().unwrap();
        let ids = ids(&script);
        let contents = script
            .articles
            .iter()
            .map(|piece| {
                let last = Step::Mend;
                piece
                    .content(last, &ids, &zone(), Instant::from_micros(NOW))
                    .unwrap()
            })
            .collect();
        (script, contents)
    }

    #[test]
    fn everything_is_acceptable_to_the_newsroom() {
        let (script, contents) = read_all();
        script.portal().unwrap();
        let mut slugs = Vec::new();
        for category in &script.categories {
            category.content(None).unwrap();
            assert!(
                category
                    .parent
                    .as_ref()
                    .is_none_or(|parent| slugs.contains(parent)),
                "{} stands before its parent",
                category.slug
            );
            slugs.push(category.slug.clone());
        }
        for photo in &script.photos {
            assert!(photo.content().unwrap().alt.is_some(), "{}", photo.key);
            photo.scene().unwrap();
        }
        for content in &contents {
            assert!(slugs.contains(&content.category.to_string()));
            assert!(
                !content.body.0.is_empty(),
                "{}: empty",
                content.title.as_str()
            );
        }
    }

    #[test]
    fn everything_happened_before_now_and_in_order() {
        let script = Script::read().unwrap();
        let now = Instant::from_micros(NOW);
        let founding = script.founding(&zone(), now);
        for piece in &script.articles {
            let mut last = founding;
            for (at, _) in piece.steps(&zone(), now).unwrap() {
                assert!(last.micros() < at.micros(), "{}", piece.title());
                last = at;
            }
            assert!(last.micros() < now.micros(), "{}", piece.title());
        }
    }

    #[test]
    fn every_kind_of_article_is_there() {
        let (script, contents) = read_all();
        let statutory = |category: &&Category| category.legal_reference.is_some();
        assert!(script.categories.iter().filter(statutory).count() >= 10);

        let of_fate = |fate: Fate| {
            let pieces = script.articles.iter();
            pieces.filter(|piece| piece.action == fate).count()
        };
        assert!(of_fate(Fate::Publish) >= 40);
        for fate in [Fate::Draft, Fate::Correct, Fate::Withdraw, Fate::TakeDown] {
            assert!(of_fate(fate) >= 1, "{fate:?}");
        }
        for piece in &script.articles {
            match piece.action {
                Fate::Correct => {
                    assert!(piece.correction().unwrap().note.is_some());
                    let ids = ids(&script);
                    let now = Instant::from_micros(NOW);
                    let first = piece.content(Step::Write, &ids, &zone(), now).unwrap();
                    let mended = piece.content(Step::Mend, &ids, &zone(), now).unwrap();
                    assert_ne!(first, mended, "{} has nothing to mend", piece.title());
                }
                Fate::Withdraw => drop(piece.withdrawal().unwrap()),
                Fate::TakeDown => drop(piece.taking_down().unwrap()),
                Fate::Draft | Fate::Publish => {}
            }
        }

        let has = |what: &str, kind: &dyn Fn(&Content) -> bool| {
            assert!(contents.iter().any(kind), "no article is {what}");
        };
        let json = |content: &Content| serde_json::to_value(content).unwrap();
        let blocks = |content: &Content, wanted: &dyn Fn(&Value) -> bool| {
            let body = json(content)["body"].take();
            body.as_array()
                .unwrap()
                .iter()
                .filter(|b| wanted(b))
                .count()
        };
        let figures = |content: &Content| {
            let body = content.body.0.iter();
            body.filter(|block| matches!(block, Block::Figure(_)))
                .count()
        };
        has("a short notice", &|c| {
            c.lead.is_none() && c.body.0.len() == 1
        });
        has("long", &|c| {
            blocks(c, &|b| b["style"] == "h2") >= 3
                && blocks(c, &|b| b["style"] == "h3") >= 2
                && blocks(c, &|b| b["_type"] == "table") >= 1
                && blocks(c, &|b| b["listItem"].is_string()) >= 3
                && blocks(c, &|b| b["style"] == "blockquote") >= 1
                && blocks(c, &|b| b["markDefs"] != json!([])) >= 1
                && figures(c) >= 2
        });
        has("full of figures", &|c| figures(c) >= 3);
        has("one with a caption over two photos", &|c| {
            blocks(c, &|b| {
                b["media"].as_array().is_some_and(|media| media.len() >= 2)
                    && b["caption"].is_string()
            }) >= 1
        });
        has("republished", &|c| {
            c.source
                .as_ref()
                .is_some_and(|s| s.url.is_some() && s.author.is_some() && s.published_at.is_some())
        });
        has("of a day without an hour", &|c| c.published_on.is_some());
        has("featured", &|c| c.featured);
        has("one with a cover of its own", &|c| {
            c.cover_media_id.is_some()
        });
        has("a numbered list", &|c| {
            blocks(c, &|b| b["listItem"] == "number") >= 3
        });
        let mut slugs: Vec<String> = script
            .articles
            .iter()
            .map(|piece| piece.slug().to_string())
            .collect();
        slugs.sort();
        slugs.dedup();
        assert_eq!(slugs.len(), script.articles.len(), "two articles, one slug");
    }

    #[test]
    fn every_photograph_is_shown() {
        let script = Script::read().unwrap();
        for photo in &script.photos {
            let shown = script
                .articles
                .iter()
                .any(|piece| piece.photos().any(|key| key == photo.key));
            assert!(shown, "{} is in no article", photo.key);
        }
    }
}
