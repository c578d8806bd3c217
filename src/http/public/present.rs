//! Commons of the public handlers: how articles and categories look to readers.

use actix_web::HttpRequest;
use actix_web::http::header;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ctx::Ctx;
use crate::domain::article::{Note, Status};
use crate::domain::body::LiveBlock;
use crate::domain::category::{Category, CategoryName};
use crate::domain::content::{Author, Language, Lead, Source, Tag, Title};
use crate::domain::id::{ArticleId, CategoryId, EditionNumber};
use crate::domain::media::{AiLabel, LiveMedium};
use crate::domain::portal::Portal;
use crate::domain::slug::Slug;
use crate::domain::time::{Day, Instant, Zone};
use crate::http::caching::public_json;
use crate::http::error::{ApiError, ApiResult, Tombstone};
use crate::store::Conn;
use crate::store::public::articles::{self, Found, LiveArticle};
use crate::store::public::categories::Tree;
use crate::store::public::portal;

/// A category in a path.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CategoryStep {
    pub slug: Slug,
    pub name: CategoryName,
}

/// The category of an article, with its path from the top.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CategoryRef {
    pub id: CategoryId,
    pub slug: Slug,
    pub name: CategoryName,
    /// From the top down, the category itself last.
    #[schema(max_items = 4)]
    pub path: Vec<CategoryStep>,
}

/// An article in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArticleSummary {
    pub id: ArticleId,
    /// Permanent, global identity.
    #[schema(max_length = 300, format = "uri")]
    pub uri: String,
    pub slug: Slug,
    /// Number of the public edition, as in the log.
    pub edition: EditionNumber,
    /// The article's page at the front end, or here while there is none.
    #[schema(max_length = 2200, format = "uri")]
    pub canonical_url: String,
    pub title: Title,
    pub lead: Option<Lead>,
    pub category: CategoryRef,
    pub published_on: Day,
    /// Null where only the day is known.
    pub published_at: Option<Instant>,
    /// Time of the last correction.
    pub updated_at: Option<Instant>,
    #[schema(inline)]
    pub status: Status,
    /// Why it was withdrawn.
    pub status_note: Option<Note>,
    /// Since when it is withdrawn or archived.
    pub status_at: Option<Instant>,
    pub language: Language,
    #[schema(max_items = 10)]
    pub tags: Vec<Tag>,
    pub featured: bool,
    #[schema(inline)]
    pub ai_label: AiLabel,
    pub source: Option<Source>,
    pub cover: Option<LiveMedium>,
}

/// A whole article.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArticleFull {
    #[serde(flatten)]
    pub summary: ArticleSummary,
    #[schema(max_items = 20)]
    pub byline: Vec<Author>,
    pub corrections: CorrectionCount,
    /// With `body=blocks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 500)]
    pub body: Option<Vec<LiveBlock>>,
    /// With `body=html`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 5000000, pattern = "^[^\\u0000]*$")]
    pub body_html: Option<String>,
    /// With `body=text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 5000000, pattern = "^[^\\u0000]*$")]
    pub body_text: Option<String>,
}

/// How often an article was corrected, and when last.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CorrectionCount {
    #[schema(minimum = 0, maximum = 1000, format = "int32")]
    pub count: usize,
    pub last: Option<Instant>,
}

/// Which form of the body is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    Blocks,
    Html,
    Text,
}

impl BodyForm {
    pub const WORDS: &[(&str, BodyForm)] = &[
        ("blocks", Self::Blocks),
        ("html", Self::Html),
        ("text", Self::Text),
    ];
}

/// Turns stored values into what readers get: absolute addresses, the portal's time zone.
pub struct Presenter<'a> {
    portal: &'a Portal,
    tree: &'a Tree,
    base: &'a str,
    zone: Zone,
}

impl<'a> Presenter<'a> {
    pub fn new(portal: &'a Portal, tree: &'a Tree, base: &'a str) -> Self {
        Self {
            zone: portal.zone(),
            portal,
            tree,
            base,
        }
    }

    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    pub fn article_url(&self, slug: &Slug) -> String {
        match &self.portal.content.article_url {
            Some(template) => template.fill(slug),
            None => format!("{}/v1/articles/{slug}", self.base),
        }
    }

    pub fn category_url(&self, slug: &Slug) -> String {
        match &self.portal.content.category_url {
            Some(template) => template.fill(slug),
            None => format!("{}/v1/categories/{slug}", self.base),
        }
    }

    pub fn category_ref(&self, category: &Category) -> CategoryRef {
        CategoryRef {
            id: category.id,
            slug: category.slug.clone(),
            name: category.name.clone(),
            path: self.path(category.id),
        }
    }

    pub fn path(&self, id: CategoryId) -> Vec<CategoryStep> {
        self.tree
            .path(id)
            .into_iter()
            .map(|step| CategoryStep {
                slug: step.slug.clone(),
                name: step.name.clone(),
            })
            .collect()
    }

    pub fn summary(&self, article: LiveArticle) -> ArticleSummary {
        let show = |at: Option<Instant>| at.map(|at| self.zone.show(at));
        let category = match self.tree.get(article.category_id) {
            Some(category) => self.category_ref(category),
            // A foreign key keeps this from happening.
            None => CategoryRef {
                id: article.category_id,
                slug: article.slug.clone(),
                name: CategoryName::stored(String::new()),
                path: Vec::new(),
            },
        };
        let mut cover = article.cover;
        if let Some(cover) = &mut cover {
            cover.rebase(self.base);
        }
        ArticleSummary {
            id: article.id,
            uri: article.uri,
            canonical_url: self.article_url(&article.slug),
            slug: article.slug,
            edition: article.edition,
            title: article.title,
            lead: article.lead,
            category,
            published_on: article.published_on,
            published_at: show(article.published_at),
            updated_at: show(article.updated_at),
            status: article.status,
            status_note: article.status_note,
            status_at: show(article.status_at),
            language: article.language,
            tags: article.tags,
            featured: article.featured,
            ai_label: article.ai_label,
            source: article.source.map(|source| Source {
                published_at: show(source.published_at),
                ..source
            }),
            cover,
        }
    }

    pub fn full(
        &self,
        article: LiveArticle,
        mut body: Vec<LiveBlock>,
        corrections: &[articles::Correction],
        form: BodyForm,
    ) -> ArticleFull {
        for block in &mut body {
            block.rebase(self.base);
        }
        let byline = article.byline.clone();
        let (mut blocks, mut html, mut text) = (None, None, None);
        match form {
            BodyForm::Html => html = Some(crate::domain::render::html(&body)),
            BodyForm::Text => text = Some(crate::domain::render::text(&body)),
            BodyForm::Blocks => blocks = Some(body),
        }
        ArticleFull {
            summary: self.summary(article),
            byline,
            corrections: CorrectionCount {
                count: corrections.len(),
                last: corrections.first().map(|last| self.zone.show(last.at)),
            },
            body: blocks,
            body_html: html,
            body_text: text,
        }
    }
}

/// Answers what is made of the article behind a slug; 404, 410 and 301 for every sub-resource alike.
pub async fn of_article<T: Serialize + Send + 'static>(
    request: &HttpRequest,
    ctx: &Ctx,
    slug: Slug,
    make: impl FnOnce(&mut Conn, LiveArticle) -> ApiResult<T> + Send + 'static,
) -> ApiResult {
    let found = ctx
        .db
        .read_brief(move |conn| match articles::find(conn, &slug)? {
            Found::Article(article) => make(conn, *article).map(Ok),
            Found::Moved(now) => Ok(Err(now)),
            Found::TakenDown {
                uri,
                reason_code,
                at,
            } => {
                let at = portal::get(conn)?.zone().show(at);
                Err(ApiError::taken_down(Tombstone {
                    uri,
                    reason_code,
                    at,
                }))
            }
        })
        .await?;
    match found {
        Ok(value) => public_json(request, ctx, &value),
        Err(now) => Ok(moved(request, ctx, &now)),
    }
}

/// 301 to the same address with the slug of today; sub-path and query are kept.
pub fn moved(request: &HttpRequest, ctx: &Ctx, to: &Slug) -> actix_web::HttpResponse {
    let pattern = request.match_pattern().unwrap_or_default();
    let path: Vec<&str> = request
        .path()
        .split('/')
        .zip(pattern.split('/'))
        .map(|(have, want)| if want == "{slug}" { to.as_str() } else { have })
        .collect();
    let query = match request.query_string() {
        "" => String::new(),
        query => format!("?{query}"),
    };
    let address = format!("{}{}{query}", ctx.settings.base_url(), path.join("/"));
    actix_web::HttpResponse::MovedPermanently()
        .insert_header((header::LOCATION, address))
        .insert_header((
            header::CACHE_CONTROL,
            crate::http::caching::public_cache(ctx),
        ))
        .finish()
}
