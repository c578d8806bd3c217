//! The feed as RSS 2.0 with content, Dublin Core and its own address.

use super::{Feed, name};
use crate::domain::render;

impl Feed<'_> {
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
                        .map(|lead| render::lines(lead.as_str())),
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
}
