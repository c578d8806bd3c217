//! Feeds: Atom, RSS 2.0 and JSON Feed of the newest 50 live articles, portal-wide and by category,
//! with full content.

mod atom;
mod json;
mod rss;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::present::{Presenter, moved};
use crate::ctx::Ctx;
use crate::domain::body::LiveBlock;
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
}
