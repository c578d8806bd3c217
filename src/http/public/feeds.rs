//! Feeds: Atom, RSS 2.0 and JSON Feed of the newest 50 live articles, portal-wide and by category,
//! with full content.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use atom_syndication as atom;
use serde_json::{Value, json};
use utoipa_actix_web::service_config::ServiceConfig;

use super::present::{Presenter, moved};
use crate::ctx::Ctx;
use crate::domain::body::LiveBlock;
use crate::domain::caption::Alt;
use crate::domain::category::Category;
use crate::domain::page::{Limit, Sort};
use crate::domain::portal::Portal;
use crate::domain::render;
use crate::domain::slug::Slug;
use crate::domain::time::Instant;
use crate::http::caching::{conditional, etag_of, public_cache};
use crate::http::error::{ApiError, ApiResult, Problem};
use crate::http::extract::Segment;
use crate::store;
use crate::store::public::articles::{self, Filter, LiveArticle};
use crate::store::public::{categories, changes, portal};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_feed).service(get_category_feed);
}

/// How many articles a feed has.
const LENGTH: u8 = 50;

/// Format of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
enum Format {
    Atom,
    Rss,
    Json,
}

impl std::str::FromStr for Format {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "atom" => Ok(Self::Atom),
            "rss" => Ok(Self::Rss),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

/// The portal's feed.
///
/// The newest 50 live articles with full content, as Atom, RSS 2.0 or JSON Feed 1.1. Query
/// parameters are ignored.
#[utoipa::path(operation_id = "get_feed", tag = "feeds", security(()), params(("format" = inline(Format), Path, description = "Format of the feed")), responses(
    (status = 200, content((String = "application/atom+xml"), (String = "application/rss+xml"), (Value = "application/feed+json"))),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/feeds/{format}")]
async fn get_feed(request: HttpRequest, ctx: web::Data<Ctx>, format: Segment<Format>) -> ApiResult {
    answer(&request, &ctx, format.0, None).await
}

/// The feed of a category.
///
/// The newest 50 live articles of the category and its descendants.
#[utoipa::path(operation_id = "get_category_feed", tag = "feeds", security(()), params(("slug" = Slug, Path, description = "Slug of the category"), ("format" = inline(Format), Path, description = "Format of the feed")), responses(
    (status = 200, content((String = "application/atom+xml"), (String = "application/rss+xml"), (Value = "application/feed+json"))),
    (status = 301, description = "The category has another slug now."),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/feeds/categories/{slug}/{format}")]
async fn get_category_feed(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    slug: Segment<Slug, 0>,
    format: Segment<Format, 1>,
) -> ApiResult {
    answer(&request, &ctx, format.0, Some(slug.0)).await
}

async fn answer(
    request: &HttpRequest,
    ctx: &web::Data<Ctx>,
    format: Format,
    category: Option<Slug>,
) -> ApiResult {
    let base = ctx.settings.base_url();
    let made = ctx
        .db
        .read(move |conn| {
            let portal = portal::get(conn)?;
            let tree = categories::tree(conn)?;
            let category = match &category {
                None => None,
                Some(slug) => {
                    let id = categories::find(conn, slug)?;
                    let category = tree.get(id).ok_or(store::Error::NotFound)?;
                    if category.slug != *slug {
                        return Ok(Err(category.slug.clone()));
                    }
                    Some(category)
                }
            };
            let filter = Filter {
                category: category.map(|category| category.id),
                live_only: true,
                ..Filter::default()
            };
            let page = articles::list(conn, &tree, &filter, Sort::Newest, None, Limit::of(LENGTH))?;
            let ids: Vec<_> = page.items.iter().map(|item| item.id).collect();
            let mut bodies = articles::bodies(conn, &ids)?;
            let presenter = Presenter::new(&portal, &tree, &base);
            let entries: Vec<Entry> = page
                .items
                .into_iter()
                .map(|article| {
                    let mut body = bodies.remove(&article.id).unwrap_or_default();
                    for block in &mut body {
                        block.rebase(&base);
                    }
                    let category = tree
                        .get(article.category_id)
                        .map(|c| c.name.as_str().to_owned());
                    Entry {
                        url: presenter.article_url(&article.slug),
                        html: content(&article, &body),
                        category,
                        article,
                    }
                })
                .collect();
            let feed = Feed {
                url: match category {
                    Some(category) => format!("{base}/feeds/categories/{}/", category.slug),
                    None => format!("{base}/feeds/"),
                },
                page: match category {
                    Some(category) => presenter.category_url(&category.slug),
                    None => site(&portal).unwrap_or_else(|| format!("{base}/v1/home")),
                },
                began: changes::beginning(conn)?,
                gone: articles::tombstones(conn, LENGTH)?,
                portal: &portal,
                category,
                entries,
            };
            let made = match format {
                Format::Atom => ("application/atom+xml; charset=utf-8", feed.atom()),
                Format::Rss => ("application/rss+xml; charset=utf-8", feed.rss()),
                Format::Json => ("application/feed+json; charset=utf-8", feed.json()?),
            };
            Ok::<_, ApiError>(Ok(made))
        })
        .await?;
    match made {
        Ok((content_type, bytes)) => {
            let mut response = HttpResponse::Ok();
            response.insert_header((header::CACHE_CONTROL, public_cache(ctx)));
            Ok(conditional(
                request,
                response,
                &etag_of(&bytes),
                content_type,
                bytes,
            ))
        }
        Err(now) => Ok(moved(request, ctx, &now)),
    }
}

/// The front end's address, as far as the portal's templates tell it.
fn site(portal: &Portal) -> Option<String> {
    let template = portal.content.article_url.as_ref()?;
    let url = url::Url::parse(&template.fill(&Slug::stored("x".to_owned()))).ok()?;
    Some(format!("{}/", url.origin().ascii_serialization()))
}

/// The lead, then the body; the byline last, as the portal prints it.
fn content(article: &LiveArticle, body: &[LiveBlock]) -> String {
    let mut html = String::new();
    if let Some(lead) = &article.lead {
        html.push_str(&format!(
            "<p><strong>{}</strong></p>\n",
            render::lines(lead.as_str())
        ));
    }
    html.push_str(&render::html(body));
    for author in &article.byline {
        html.push_str(&format!(
            "<p><em>{}</em></p>\n",
            render::escape(&name(author))
        ));
    }
    html
}

/// A byline as one line: person, unit.
fn name(author: &crate::domain::content::Author) -> String {
    match &author.unit {
        Some(unit) => format!("{}, {}", author.name.as_str(), unit.as_str()),
        None => author.name.as_str().to_owned(),
    }
}

struct Entry {
    article: LiveArticle,
    url: String,
    html: String,
    category: Option<String>,
}

impl Entry {
    /// Of the last correction, or of the true first publication.
    fn updated(&self) -> Instant {
        self.article
            .updated_at
            .unwrap_or(self.article.first_published_at)
    }
}

struct Feed<'a> {
    portal: &'a Portal,
    category: Option<&'a Category>,
    /// Address of this feed without its format.
    url: String,
    /// The page that the feed is about.
    page: String,
    /// When the portal's log began.
    began: Instant,
    /// What was taken down last: uri and time.
    gone: Vec<(String, Instant)>,
    entries: Vec<Entry>,
}

impl Feed<'_> {
    fn title(&self) -> String {
        let portal = self.portal.content.name.as_str();
        match self.category {
            Some(category) => format!("{} - {portal}", category.name.as_str()),
            None => portal.to_owned(),
        }
    }

    fn description(&self) -> String {
        match &self.portal.content.slogan {
            Some(slogan) => slogan.as_str().to_owned(),
            None => self.title(),
        }
    }

    fn id(&self) -> String {
        let uuid = self
            .category
            .map_or(&self.portal.uuid, |category| &category.uuid);
        self.portal
            .uri(uuid)
            .unwrap_or_else(|| format!("{}atom", self.url))
    }

    /// In the portal's zone, as the feed libraries want it.
    fn time(&self, at: Instant) -> chrono::DateTime<chrono::FixedOffset> {
        let shown = self.portal.zone().show(at).to_string();
        chrono::DateTime::parse_from_rfc3339(&shown).unwrap_or_default()
    }

    fn updated(&self) -> Instant {
        self.entries
            .iter()
            .map(Entry::updated)
            .chain(self.gone.iter().map(|(_, at)| *at))
            .max_by_key(|at| at.micros())
            .unwrap_or(self.began)
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

    fn atom(&self) -> Vec<u8> {
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

    fn rss(&self) -> Vec<u8> {
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

    fn json(&self) -> ApiResult<Vec<u8>> {
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
