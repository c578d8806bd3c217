//! The content of an article: exactly the object that POST and PUT take, PATCH merges into, an
//! edition keeps and the editorial representation answers.

use deserr::{Deserr, IntoValue, ValuePointerRef};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Block;
use super::id::MediaId;
use super::input::{FaultCode, Faults, Refusal, at_most, from_text, parse, text};
use super::media::AiLabel;
use super::slug::Slug;
use super::time::{Day, Instant};

text! {
    /// Headline of an article: one line, 1 to 300 characters after NFC.
    Title(1..=300, Single, "Ra quân trồng cây đầu xuân");
    /// Lead (sapo): up to 2,000 characters after NFC, line breaks allowed.
    Lead(1..=2000, Multi, "Sáng 12/2, xã ra quân trồng cây tại ba thôn.");
    /// A tag as it is shown; compared by its folded form.
    Tag(1..=60, Single, "nông thôn mới");
    /// A person's name.
    PersonName(1..=200, Single, "Minh An");
    /// The unit somebody works for.
    Unit(1..=200, Single, "Trung tâm Văn hóa xã");
    /// What somebody did for the article.
    BylineRole(1..=100, Single, "Ảnh");
    /// Name of the outlet an article is republished from.
    SourceName(1..=200, Single, "Báo tỉnh");
}

/// Most tags of one article.
pub const MAX_TAGS: usize = 10;
/// Most names in one byline.
pub const MAX_BYLINE: usize = 20;
/// Most blocks of one body.
pub const MAX_BLOCKS: usize = 500;
/// Most characters of text in one body, captions and cells included.
pub const MAX_BODY_CHARACTERS: usize = 200_000;

/// Everything an editor writes about an article.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Content {
    pub title: Title,
    /// Made from the title when absent at creation; later null keeps the current one.
    #[deserr(default)]
    pub slug: Option<Slug>,
    #[deserr(default)]
    pub lead: Option<Lead>,
    /// Slug of the category; old slugs are accepted.
    pub category: Slug,
    /// The day of publication; null: the day of first publication.
    #[deserr(default)]
    pub published_on: Option<Day>,
    /// The instant of publication, within `published_on`; null where only the day is known, or,
    /// with `published_on` null too, the instant of first publication.
    #[deserr(default)]
    pub published_at: Option<Instant>,
    /// Null: the portal's language.
    #[deserr(default)]
    pub language: Option<Language>,
    #[deserr(default)]
    pub tags: Tags,
    /// Shown first on the front page.
    #[deserr(default)]
    pub featured: bool,
    #[deserr(default)]
    #[serde(default)]
    #[schema(inline)]
    pub ai_label: AiLabel,
    /// The picture for lists; null: the first image of the body.
    #[deserr(default)]
    pub cover_media_id: Option<MediaId>,
    #[deserr(default)]
    pub byline: Byline,
    /// Where the article comes from when it is republished.
    #[deserr(default)]
    pub source: Option<Source>,
    #[deserr(default)]
    pub body: Body,
}

impl Content {
    /// Strips U+200B, which Vietnamese text never needs, where the language is Vietnamese. What
    /// remains keeps the same rules, so it is parsed again.
    pub fn tidy(self, language: &Language) -> Result<Self, Faults> {
        if !language.is_vietnamese() {
            return Ok(self);
        }
        let mut value = serde_json::to_value(&self).unwrap_or_default();
        if strip(&mut value) {
            parse(value)
        } else {
            Ok(self)
        }
    }

    /// Every medium that it names, once.
    pub fn media(&self) -> Vec<MediaId> {
        let in_body = self.body.0.iter().flat_map(Block::media);
        let mut ids: Vec<MediaId> = in_body
            .map(|(_, id)| id)
            .chain(self.cover_media_id)
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }

    /// The same content with its instants in the zone's offset.
    pub fn shown_in(mut self, zone: &super::time::Zone) -> Self {
        self.published_at = self.published_at.map(|at| zone.show(at));
        if let Some(source) = &mut self.source {
            source.published_at = source.published_at.map(|at| zone.show(at));
        }
        self
    }
}

/// Takes U+200B out of every text; was there any?
fn strip(value: &mut serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) if text.contains('\u{200b}') => {
            *text = text.replace('\u{200b}', "");
            true
        }
        serde_json::Value::Array(items) => {
            items.iter_mut().fold(false, |any, item| strip(item) | any)
        }
        serde_json::Value::Object(members) => members
            .values_mut()
            .fold(false, |any, member| strip(member) | any),
        _ => false,
    }
}

/// BCP 47 language tag: a language, and optionally script and region.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Language(String);

impl Language {
    pub const PATTERN: &str = "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$";

    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        let mut parts = raw.split('-');
        let language = parts.next().is_some_and(|p| {
            (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_lowercase())
        });
        let is_script = |p: &str| {
            p.len() == 4
                && p.starts_with(|c: char| c.is_ascii_uppercase())
                && p.bytes().skip(1).all(|b| b.is_ascii_lowercase())
        };
        let is_region = |p: &str| {
            (p.len() == 2 && p.bytes().all(|b| b.is_ascii_uppercase()))
                || (p.len() == 3 && p.bytes().all(|b| b.is_ascii_digit()))
        };
        let rest: Vec<&str> = parts.collect();
        let tail = match rest.as_slice() {
            [] => true,
            [one] => is_script(one) || is_region(one),
            [script, region] => is_script(script) && is_region(region),
            _ => false,
        };
        if language && tail {
            Ok(Self(raw.to_owned()))
        } else {
            Err(Refusal::new(
                FaultCode::BadFormat,
                "must be a language tag, as vi or en-GB",
            ))
        }
    }

    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_vietnamese(&self) -> bool {
        self.0 == "vi" || self.0.starts_with("vi-")
    }
}

from_text!(Language, |schema| schema
    .description(Some(
        "BCP 47 language tag: language, optional script, optional region.",
    ))
    .pattern(Some(Language::PATTERN))
    .max_length(Some(12))
    .examples(["vi"]));

/// Bounded lists: `list! { Name(Item, most) }`.
macro_rules! list {
    ($($(#[$doc:meta])* $name:ident($item:ty, $most:expr, $check:expr);)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Vec<$item>);

        impl Deserr<Faults> for $name {
            fn deserialize_from_value<V: IntoValue>(
                value: deserr::Value<V>,
                location: ValuePointerRef,
            ) -> Result<Self, Faults> {
                if let deserr::Value::Sequence(items) = &value {
                    let count = deserr::Sequence::len(items);
                    if count > $most {
                        return Err(Refusal::new(
                            FaultCode::TooMany,
                            format!("has {count} items, {} are allowed", $most),
                        )
                        .at(location));
                    }
                }
                let items = Vec::<$item>::deserialize_from_value(value, location)?;
                at_most(&items, $most, location)?;
                let check: fn(&[$item], ValuePointerRef) -> Result<(), Faults> = $check;
                check(&items, location)?;
                Ok(Self(items))
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ArrayBuilder::new()
                    .items(utoipa::openapi::Ref::from_schema_name(<$item as ToSchema>::name()))
                    .max_items(Some($most))
                    .into()
            }
        }
        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
                schemas.push((
                    <$item as ToSchema>::name().into_owned(),
                    <$item as utoipa::PartialSchema>::schema(),
                ));
                <$item as ToSchema>::schemas(schemas);
            }
        }
    )*};
}

list! {
    /// At most 10 tags, no two with the same folded form.
    Tags(Tag, MAX_TAGS, |tags, location| {
        let mut seen = std::collections::HashSet::new();
        let mut faults = Faults::default();
        for (i, tag) in tags.iter().enumerate() {
            if !seen.insert(super::text::fold(tag.as_str())) {
                faults.push(
                    format!("{}/{i}", super::input::pointer(location)),
                    FaultCode::Duplicate,
                    "is the same tag as an earlier one",
                );
            }
        }
        faults.or(())
    });
    /// Who wrote it, at most 20.
    Byline(Author, MAX_BYLINE, |_, _| Ok(()));
    /// The body: Portable Text, at most 500 blocks and 200,000 characters, every `_key` unique.
    Body(Block, MAX_BLOCKS, super::body::check);
}

/// One name of a byline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Author {
    pub name: PersonName,
    #[deserr(default)]
    pub unit: Option<Unit>,
    #[deserr(default)]
    pub role: Option<BylineRole>,
}

/// Where a republished article comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub name: SourceName,
    #[deserr(default)]
    pub url: Option<WebUrl>,
    #[deserr(default)]
    pub author: Option<PersonName>,
    #[deserr(default)]
    pub published_at: Option<Instant>,
}

macro_rules! url_type {
    ($($(#[doc = $doc:literal])* $name:ident($pattern:literal, $example:literal, $($scheme:literal),+);)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn parse(raw: &str) -> Result<Self, Refusal> {
                checked_url(raw, &[$($scheme),+]).map(Self)
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        from_text!($name, |schema| schema
            .format(Some(utoipa::openapi::SchemaFormat::Custom("uri".to_owned())))
            .description(Some(concat!($($doc),*).trim()))
            .pattern(Some($pattern))
            .max_length(Some(MAX_URL))
            .examples([$example]));
    )*};
}

/// Most characters of an address.
pub const MAX_URL: usize = 2000;

url_type! {
    /// An absolute http or https address; what is not ASCII is percent-encoded.
    WebUrl("^https?://[^\\s/]", "https://bao.example.vn/tin/123", "http", "https");
    /// The target of a link in text: http, https, mailto or tel.
    LinkUrl("^(https?://[^\\s/]|mailto:[^\\s]|tel:[^\\s])", "https://vanban.example.vn/12", "http", "https", "mailto", "tel");
}

fn checked_url(raw: &str, schemes: &[&str]) -> Result<String, Refusal> {
    let bad = || {
        Refusal::new(
            FaultCode::BadFormat,
            format!(
                "must be an absolute address beginning with one of: {}",
                schemes.join(", ")
            ),
        )
    };
    if raw.chars().count() > MAX_URL {
        return Err(Refusal::new(
            FaultCode::TooLong,
            format!("has more than {MAX_URL} characters"),
        ));
    }
    if raw.chars().any(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{fffe}' | '\u{ffff}' | '<' | '>' | '"')
    }) {
        return Err(bad());
    }
    let url = url::Url::parse(raw).map_err(|_| bad())?;
    let web = matches!(url.scheme(), "http" | "https");
    let starts = schemes
        .iter()
        .any(|scheme| raw.starts_with(&format!("{scheme}:{}", if web { "//" } else { "" })));
    if !starts
        || !schemes.contains(&url.scheme())
        || (web && url.host().is_none())
        || (!web && url.path().is_empty())
    {
        return Err(bad());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::new(
            FaultCode::BadFormat,
            "must not carry a user name or password",
        ));
    }
    let spelled = spelled(raw, &url);
    if spelled.len() > MAX_URL {
        return Err(Refusal::new(
            FaultCode::TooLong,
            format!("has more than {MAX_URL} characters once it is percent-encoded"),
        ));
    }
    Ok(spelled)
}

/// What RFC 3986 allows nowhere behind the host, or (`#`) not again.
const ENCODED: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The address as it is where it is a URI, and else as browsers send it: people copy `/tin/xã` out
/// of the address bar, but feeds and clients want RFC 3986.
fn spelled(raw: &str, url: &url::Url) -> String {
    if encoded(raw) == raw {
        return raw.to_owned();
    }
    let (host, rest) = url
        .as_str()
        .split_at(url[..url::Position::BeforePath].len());
    format!("{host}{}", encoded(rest))
}

fn encoded(text: &str) -> String {
    let encode = |text: &str| {
        let mut out = String::with_capacity(text.len());
        for (i, part) in text.split('%').enumerate() {
            if i > 0 {
                let is_escape =
                    part.len() >= 2 && part.bytes().take(2).all(|b| b.is_ascii_hexdigit());
                out.push_str(if is_escape { "%" } else { "%25" });
            }
            out.extend(percent_encoding::utf8_percent_encode(part, ENCODED));
        }
        out
    };
    match text.split_once('#') {
        Some((before, fragment)) => format!("{}#{}", encode(before), encode(fragment)),
        None => encode(text),
    }
}
