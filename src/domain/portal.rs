//! The portal: who publishes here, and where its pages are.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::content::{Language, WebUrl};
use super::input::{FaultCode, Faults, Refusal, from_text, text};
use super::slug::Slug;
use super::time::Zone;

text! {
    /// Name of the portal.
    PortalName(1..=300, Single, "Trang thông tin điện tử xã Sơn Hà");
    /// Slogan of the portal.
    Slogan(1..=1000, Single, "Gần dân, vì dân");
    /// The public body behind the portal.
    Agency(1..=300, Single, "Ủy ban nhân dân xã Sơn Hà");
    /// Imprint: licence, responsible person, address, contact.
    Imprint(1..=5000, Multi, "Chịu trách nhiệm: Chủ tịch UBND xã");
}

/// What an admin says of the portal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct PortalContent {
    pub name: PortalName,
    #[deserr(default)]
    pub slogan: Option<Slogan>,
    #[deserr(default)]
    pub agency: Option<Agency>,
    #[deserr(default)]
    pub imprint: Option<Imprint>,
    /// Default language of articles.
    pub language: Language,
    pub time_zone: ZoneName,
    /// Address of an article's page at the front end, with `{slug}` in it.
    #[deserr(default)]
    pub article_url: Option<PageTemplate>,
    /// Address of a category's page at the front end, with `{slug}` in it.
    #[deserr(default)]
    pub category_url: Option<PageTemplate>,
}

/// The portal as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Portal {
    pub version: super::id::Version,
    pub uuid: String,
    pub content: PortalContent,
    /// Authority and year of every `uri`, fixed by the first write that readers see.
    pub authority: Option<(String, i16)>,
}

impl Portal {
    pub fn zone(&self) -> Zone {
        Zone::stored(&self.content.time_zone.0)
    }
}

/// Name of an IANA time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ZoneName(String);

impl ZoneName {
    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        Zone::parse(raw).map(|zone| Self(zone.name().to_owned()))
    }
}

from_text!(ZoneName, |schema| schema
    .description(Some("Name of an IANA time zone."))
    .pattern(Some("^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$"))
    .max_length(Some(64))
    .examples(["Asia/Ho_Chi_Minh"]));

/// A page address with `{slug}` in its path or query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageTemplate(String);

impl PageTemplate {
    /// Stands for the slug while the address is checked and encoded.
    const PLACE: &str = "0-the-slug-0";

    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        if raw.matches("{slug}").count() != 1 || raw.replace("{slug}", "").contains(['{', '}']) {
            return Err(Refusal::new(
                FaultCode::BadFormat,
                "must hold {slug} exactly once and no other braces",
            ));
        }
        let filled = WebUrl::parse(&raw.replace("{slug}", Self::PLACE))?;
        let host = url::Url::parse(filled.as_str())
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned));
        let template = filled.as_str().replacen(Self::PLACE, "{slug}", 1);
        if template.find("{slug}")
            < template
                .find("://")
                .map(|at| at + 3 + host.unwrap_or_default().len())
        {
            return Err(Refusal::new(
                FaultCode::BadFormat,
                "{slug} must stand after the host",
            ));
        }
        Ok(Self(template))
    }

    pub fn fill(&self, slug: &Slug) -> String {
        self.0.replace("{slug}", slug.as_str())
    }
}

from_text!(PageTemplate, |schema| schema
    .description(Some(
        "Address of a front-end page, with {slug} exactly once after the host.",
    ))
    .pattern(Some("^https?://[^\\s{}/]+/[^\\s{}]*\\{slug\\}[^\\s{}]*$"))
    .max_length(Some(super::content::MAX_URL))
    .examples(["https://sonha.example.vn/tin/{slug}"]));

impl Portal {
    /// The permanent identity of an object; none before anything was public.
    pub fn uri(&self, uuid: &str) -> Option<String> {
        self.authority
            .as_ref()
            .map(|(authority, year)| format!("tag:{authority},{year}:{uuid}"))
    }
}
