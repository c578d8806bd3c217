//! The feed as Atom (RFC 4287) with tombstones (RFC 6721).

use atom_syndication as atom;

use super::{Feed, name};

impl Feed<'_> {
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
}
