//! The three formats of a feed.

use atom_syndication as atom;
use serde_json::{Value, json};

use super::{Feed, name};
use crate::domain::caption::Alt;
use crate::domain::render;
use crate::http::error::{ApiError, ApiResult};

impl Feed<'_> {
    /// RFC 6721: what readers who kept it should drop.
    fn tombstones(&self) -> atom::extension::ExtensionMap {
        let gone: Vec<atom::extension::Extension> = self
            .gone
            .iter()
            .map(|(uri, at)| atom::extension::Extension {
                name: "at:deleted-entry".to_owned(),
                attrs: [
                    ("ref".to_owned(), uri.clone()),
                    ("when".to_owned(), self.time(*at).to_rfc3339()),
                ]
                .into(),
                ..atom::extension::Extension::default()
            })
            .collect();
        let mut map = atom::extension::ExtensionMap::default();
        if !gone.is_empty() {
            map.insert("at".to_owned(), [("deleted-entry".to_owned(), gone)].into());
        }
        map
    }

    pub(super) fn atom(&self) -> Vec<u8> {
        let link = |rel: &str, href: String, mime: Option<&str>| atom::Link {
            rel: rel.to_owned(),
            href,
            mime_type: mime.map(str::to_owned),
            ..atom::Link::default()
        };
        let person = |name: String| atom::Person {
            name,
            ..atom::Person::default()
        };
        let publisher = self
            .portal
            .content
            .agency
            .as_ref()
            .map_or(self.portal.content.name.as_str(), |a| a.as_str());
        let entries = self
            .entries
            .iter()
            .map(|entry| {
                let article = &entry.article;
                let mut links = vec![link("alternate", entry.url.clone(), None)];
                if let Some(url) = article
                    .source
                    .as_ref()
                    .and_then(|source| source.url.as_ref())
                {
                    links.push(link("via", url.as_str().to_owned(), None));
                }
                atom::Entry {
                    title: atom::Text::plain(article.title.as_str()),
                    id: article.uri.clone(),
                    updated: self.time(entry.updated()),
                    published: article.published_at.map(|at| self.time(at)),
                    authors: article
                        .byline
                        .iter()
                        .map(|author| person(name(author)))
                        .collect(),
                    categories: entry
                        .category
                        .iter()
                        .map(String::as_str)
                        .chain(article.tags.iter().map(|tag| tag.as_str()))
                        .map(|term| atom::Category {
                            term: term.to_owned(),
                            ..atom::Category::default()
                        })
                        .collect(),
                    links,
                    summary: article
                        .lead
                        .as_ref()
                        .map(|lead| atom::Text::plain(lead.as_str())),
                    content: Some(atom::Content {
                        lang: Some(article.language.as_str().to_owned()),
                        value: Some(entry.html.clone()),
                        content_type: Some("html".to_owned()),
                        ..atom::Content::default()
                    }),
                    ..atom::Entry::default()
                }
            })
            .collect();
        atom::Feed {
            title: atom::Text::plain(self.title()),
            id: self.id(),
            updated: self.time(self.updated()),
            authors: vec![person(publisher.to_owned())],
            links: vec![
                link(
                    "self",
                    format!("{}atom", self.url),
                    Some("application/atom+xml"),
                ),
                link("alternate", self.page.clone(), None),
            ],
            subtitle: Some(atom::Text::plain(self.description())),
            lang: Some(self.portal.content.language.as_str().to_owned()),
            namespaces: [(
                "at".to_owned(),
                "http://purl.org/atompub/tombstones/1.0".to_owned(),
            )]
            .into(),
            extensions: self.tombstones(),
            entries,
            ..atom::Feed::default()
        }
        .to_string()
        .into_bytes()
    }

    pub(super) fn rss(&self) -> Vec<u8> {
        use rss::extension::dublincore::DublinCoreExtension;
        let items = self
            .entries
            .iter()
            .map(|entry| {
                let article = &entry.article;
                let mut core = DublinCoreExtension::default();
                core.set_creators(article.byline.iter().map(name).collect::<Vec<_>>());
                // A day has no hour to invent: dc:date takes it as it is, pubDate cannot.
                if article.published_at.is_none() {
                    core.set_dates(vec![article.published_on.to_string()]);
                }
                rss::Item {
                    title: Some(article.title.as_str().to_owned()),
                    link: Some(entry.url.clone()),
                    // Readers take it for HTML.
                    description: article
                        .lead
                        .as_ref()
                        .map(|lead| render::escape(lead.as_str())),
                    content: Some(entry.html.clone()),
                    guid: Some(rss::Guid {
                        value: article.uri.clone(),
                        permalink: false,
                    }),
                    pub_date: article.published_at.map(|at| self.time(at).to_rfc2822()),
                    categories: entry
                        .category
                        .iter()
                        .map(String::as_str)
                        .chain(article.tags.iter().map(|tag| tag.as_str()))
                        .map(|name| rss::Category {
                            name: name.to_owned(),
                            domain: None,
                        })
                        .collect(),
                    dublin_core_ext: Some(core),
                    ..rss::Item::default()
                }
            })
            .collect();
        let mut channel = rss::Channel {
            title: self.title(),
            link: self.page.clone(),
            description: self.description(),
            language: Some(self.portal.content.language.as_str().to_owned()),
            last_build_date: (!self.entries.is_empty())
                .then(|| self.time(self.updated()).to_rfc2822()),
            items,
            ..rss::Channel::default()
        };
        for (prefix, uri) in [
            ("atom", "http://www.w3.org/2005/Atom"),
            ("content", "http://purl.org/rss/1.0/modules/content/"),
            ("dc", "http://purl.org/dc/elements/1.1/"),
        ] {
            channel.namespaces.insert(prefix.to_owned(), uri.to_owned());
        }
        channel.atom_ext = Some(rss::extension::atom::AtomExtension {
            links: vec![rss::extension::atom::Link {
                rel: "self".to_owned(),
                href: format!("{}rss", self.url),
                mime_type: Some("application/rss+xml".to_owned()),
                ..rss::extension::atom::Link::default()
            }],
        });
        channel.to_string().into_bytes()
    }

    pub(super) fn json(&self) -> ApiResult<Vec<u8>> {
        let zone = self.portal.zone();
        let items: Vec<Value> = self
            .entries
            .iter()
            .map(|entry| {
                let article = &entry.article;
                let mut item = json!({
                    "id": article.uri,
                    "url": entry.url,
                    "title": article.title,
                    "content_html": entry.html,
                    "date_modified": zone.show(entry.updated()),
                    "language": article.language,
                    "authors": article.byline.iter().map(|author| json!({"name": name(author)})).collect::<Vec<_>>(),
                    "tags": article.tags,
                    "_bantin": {"published_on": article.published_on, "id": article.id, "slug": article.slug},
                });
                if let Some(object) = item.as_object_mut() {
                    if let Some(lead) = &article.lead {
                        object.insert("summary".to_owned(), json!(lead));
                    }
                    if let Some(at) = article.published_at {
                        object.insert("date_published".to_owned(), json!(zone.show(at)));
                    }
                    if let Some(url) = article.source.as_ref().and_then(|source| source.url.as_ref()) {
                        object.insert("external_url".to_owned(), json!(url));
                    }
                    if let Some(cover) = &article.cover {
                        let mut cover = cover.clone();
                        cover.rebase(self.url.split("/feeds/").next().unwrap_or_default());
                        object.insert("image".to_owned(), json!(cover.url()));
                        let alt = cover.alt.as_ref().map(Alt::as_str);
                        if let Some(alt) = alt
                            && let Some(bantin) = object.get_mut("_bantin").and_then(Value::as_object_mut)
                        {
                            bantin.insert("image_alt".to_owned(), json!(alt));
                        }
                    }
                }
                item
            })
            .collect();
        let feed = json!({
            "version": "https://jsonfeed.org/version/1.1",
            "title": self.title(),
            "home_page_url": self.page,
            "feed_url": format!("{}json", self.url),
            "description": self.description(),
            "language": self.portal.content.language,
            "items": items,
        });
        serde_json::to_vec(&feed).map_err(ApiError::internal)
    }
}
