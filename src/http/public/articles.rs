//! Articles: lists, one by slug, other news, corrections.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::present::{ArticleFull, ArticleSummary, BodyForm, Presenter, of_article};
use crate::ctx::Ctx;
use crate::domain::content::{Language, Tag};
use crate::domain::input::{FaultCode, Refusal};
use crate::domain::page::{Cursor, Limit, Sort};
use crate::domain::slug::Slug;
use crate::domain::time::Day;
use crate::http::caching::{JSON, public_bytes, to_bytes};
use crate::http::error::{ApiError, ApiResult, Problem};
use crate::http::extract::{FromQuery, Params, Query, Segment, flag, one_of};
use crate::http::next_link;
use crate::store;
use crate::store::public::articles::{self, Filter};
use crate::store::public::{categories, portal};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_articles)
        .service(get_article)
        .service(list_others);
}

/// Filters and paging of the list of articles.
#[derive(Debug, Clone, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; ListQuery is what handlers read"
)]
struct ListParams {
    /// Slug of a category, old ones too; its descendants are included.
    #[param(max_length = 100, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    category: Option<String>,
    /// A tag, compared without marks and case.
    #[param(
        min_length = 1,
        max_length = 60,
        pattern = "^[^\\u0000-\\u001F\\u007F-\\u009F\\uFFFD-\\uFFFF]*[^\\u0000-\\u0020\\u007F-\\u00A0\\u3000\\uFFFD-\\uFFFF]+$"
    )]
    tag: Option<String>,
    /// BCP 47 language tag.
    #[param(
        max_length = 12,
        pattern = "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$"
    )]
    language: Option<String>,
    /// First day of publication, in the portal's zone.
    #[param(format = "date", max_length = 10)]
    from: Option<String>,
    /// Last day of publication, in the portal's zone.
    #[param(format = "date", max_length = 10)]
    to: Option<String>,
    /// Only featured articles, or only others.
    featured: Option<bool>,
    /// Order of publication; newest by default.
    #[param(inline)]
    sort: Option<SortWord>,
    /// `summary` (default), or `full`: whole articles, at most 20.
    #[param(inline)]
    view: Option<ViewWord>,
    /// How many, 20 by default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i32>,
    /// `next` of the page before.
    #[param(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// Also count the whole list.
    count: Option<bool>,
}

#[derive(Debug, Clone, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "describes a parameter")]
enum SortWord {
    Newest,
    Oldest,
}

#[derive(Debug, Clone, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "describes a parameter")]
enum ViewWord {
    Summary,
    Full,
}

struct ListQuery {
    category: Option<Slug>,
    tag: Option<Tag>,
    language: Option<Language>,
    from: Option<Day>,
    to: Option<Day>,
    featured: Option<bool>,
    sort: Sort,
    full: bool,
    limit: Limit,
    cursor: Option<Cursor>,
    count: bool,
    /// What a cursor of this list is bound to.
    context: String,
}

impl FromQuery for ListQuery {
    fn read(query: &mut Query) -> Self {
        let category = query.take("category", Slug::parse);
        let tag = query.take("tag", Tag::parse);
        let language = query.take("language", Language::parse);
        let from = query.take("from", Day::parse);
        let to = query.take("to", Day::parse);
        let featured = query.take("featured", flag);
        let sort = query
            .take("sort", |text| {
                one_of(&[("newest", Sort::Newest), ("oldest", Sort::Oldest)], text)
            })
            .unwrap_or(Sort::Newest);
        let full = query
            .take("view", |text| {
                one_of(&[("summary", false), ("full", true)], text)
            })
            .unwrap_or(false);
        let most = if full { 20 } else { Limit::MAX };
        let limit = query
            .take("limit", |text| Limit::parse(text, most))
            .unwrap_or(Limit::DEFAULT);
        let context = format!(
            "articles {:?} {:?} {:?} {from:?} {to:?} {featured:?} {sort:?}",
            category.as_ref().map(Slug::as_str),
            tag.as_ref().map(Tag::as_str),
            language.as_ref().map(Language::as_str),
        );
        let cursor = query.take("cursor", |text| Cursor::decode(text, &context));
        let count = query.take("count", flag).unwrap_or(false);
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            query.fault(
                "to",
                Refusal::new(FaultCode::OutOfRange, "lies before `from`"),
            );
        }
        Self {
            category,
            tag,
            language,
            from,
            to,
            featured,
            sort,
            full,
            limit,
            cursor,
            count,
            context,
        }
    }
}

/// A page of summaries.
#[derive(Debug, Serialize, ToSchema)]
struct ArticlePage<T> {
    #[schema(max_items = 100)]
    items: Vec<T>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
    /// With `count=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 9007199254740991i64)]
    count: Option<i64>,
}

/// Either kind of page: `view` says which.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum ArticleList {
    Summaries(ArticlePage<ArticleSummary>),
    Full(ArticlePage<ArticleFull>),
}

/// Articles in order of publication.
///
/// Live and archived articles; every filter narrows the list. An unknown category is a fault of the
/// query. `Link: rel="next"` repeats the cursor.
#[utoipa::path(operation_id = "list_articles", tag = "articles", security(()), params(ListParams), responses((status = 200, body = ArticleList)))]
#[get("/v1/articles")]
async fn list_articles(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    Params(query): Params<ListQuery>,
) -> ApiResult {
    let base = ctx.settings.base_url();
    // Whole bodies, counts, and lists that one index range does not narrow enough take their time.
    let narrowings = [
        query.category.is_some(),
        query.tag.is_some(),
        query.language.is_some(),
        query.featured.is_some(),
    ];
    let narrow = narrowings.into_iter().filter(|there| *there).count() <= 1;
    let brief = narrow && !query.full && !query.count;
    let (list, next) = ctx
        .db
        .read_when(brief, move |conn| {
            let category = match &query.category {
                None => None,
                Some(slug) => Some(match categories::find(conn, slug) {
                    Err(store::Error::NotFound) => {
                        return Err(ApiError::parameter(
                            "category",
                            FaultCode::NotFound,
                            "is not the slug of a category",
                        ));
                    }
                    found => found?,
                }),
            };
            let portal = portal::get(conn)?;
            let tree = categories::tree(conn)?;
            let zone = portal.zone();
            let filter = Filter {
                category,
                tag: query.tag,
                language: query.language,
                featured: query.featured,
                from: query.from.map(|day| zone.start_of(day)),
                until: query.to.map(|day| zone.start_of(day.next())),
                ..Filter::default()
            };
            let page = articles::list(conn, &tree, &filter, query.sort, query.cursor, query.limit)?;
            let count = match query.count {
                true => Some(articles::count(conn, &tree, &filter)?),
                false => None,
            };
            let next = page.next.map(|cursor| cursor.encode(&query.context));
            let presenter = Presenter::new(&portal, &tree, &base);
            let list = if query.full {
                let ids: Vec<_> = page.items.iter().map(|item| item.id).collect();
                let mut bodies = articles::bodies(conn, &ids)?;
                let mut items = Vec::new();
                for item in page.items {
                    let body = bodies.remove(&item.id).unwrap_or_default();
                    let corrections = articles::corrections(conn, item.id)?;
                    items.push(presenter.full(item, body, &corrections, BodyForm::Blocks));
                }
                ArticleList::Full(ArticlePage {
                    items,
                    next: next.clone(),
                    count,
                })
            } else {
                let items = page
                    .items
                    .into_iter()
                    .map(|item| presenter.summary(item))
                    .collect();
                ArticleList::Summaries(ArticlePage {
                    items,
                    next: next.clone(),
                    count,
                })
            };
            Ok((list, next))
        })
        .await?;
    let links = next_link(&request, &ctx.settings.base_url(), next.as_deref());
    public_bytes(&request, &ctx, JSON, to_bytes(&list)?, &links)
}

/// Form of the body.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; BodyQuery is what handlers read"
)]
pub struct BodyParams {
    /// `blocks` (default) gives `body`, `html` gives `body_html`, `text` gives `body_text`.
    #[param(inline)]
    body: Option<BodyWord>,
}

#[derive(Debug, Clone, ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "describes a parameter")]
enum BodyWord {
    Blocks,
    Html,
    Text,
}

pub struct BodyQuery(pub BodyForm);

impl FromQuery for BodyQuery {
    fn read(query: &mut Query) -> Self {
        Self(
            query
                .take("body", |text| one_of(BodyForm::WORDS, text))
                .unwrap_or(BodyForm::Blocks),
        )
    }
}

/// One article.
///
/// Old slugs answer 301. What was taken down answers 410 with its uri, reason and time.
#[utoipa::path(operation_id = "get_article", tag = "articles", security(()), params(("slug" = Slug, Path, description = "Slug of the article"), BodyParams), responses(
    (status = 200, body = ArticleFull),
    (status = 301, description = "The article has another slug now."),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 410, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/articles/{slug}")]
async fn get_article(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    slug: Segment<Slug>,
    Params(form): Params<BodyQuery>,
) -> ApiResult {
    let base = ctx.settings.base_url();
    of_article(&request, &ctx, slug.0, move |conn, article| {
        let portal = portal::get(conn)?;
        let tree = categories::tree(conn)?;
        let body = articles::body(conn, article.id)?;
        let corrections = articles::corrections(conn, article.id)?;
        let presenter = Presenter::new(&portal, &tree, &base);
        Ok(presenter.full(article, body, &corrections, form.0))
    })
    .await
}

/// Other news.
#[derive(Debug, Serialize, ToSchema)]
struct Others {
    /// Published after the article, newest first.
    #[schema(max_items = 20)]
    newer: Vec<ArticleSummary>,
    /// Published before the article, newest first.
    #[schema(max_items = 20)]
    older: Vec<ArticleSummary>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; OthersQuery is what handlers read"
)]
struct OthersParams {
    /// How many of each, 5 by default.
    #[param(minimum = 1, maximum = 20)]
    limit: Option<i32>,
}

struct OthersQuery(Limit);

impl FromQuery for OthersQuery {
    fn read(query: &mut Query) -> Self {
        Self(
            query
                .take("limit", |text| Limit::parse(text, 20))
                .unwrap_or(Limit::of(5)),
        )
    }
}

/// Other news (Các tin khác).
///
/// Live articles of the same category, without its descendants, around this one.
#[utoipa::path(operation_id = "list_others", tag = "articles", security(()), params(("slug" = Slug, Path, description = "Slug of the article"), OthersParams), responses(
    (status = 200, body = Others),
    (status = 301, description = "The article has another slug now."),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 410, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/articles/{slug}/others")]
async fn list_others(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    slug: Segment<Slug>,
    Params(query): Params<OthersQuery>,
) -> ApiResult {
    let base = ctx.settings.base_url();
    of_article(&request, &ctx, slug.0, move |conn, article| {
        let portal = portal::get(conn)?;
        let tree = categories::tree(conn)?;
        let presenter = Presenter::new(&portal, &tree, &base);
        let filter = Filter {
            own_category: Some(article.category_id),
            live_only: true,
            ..Filter::default()
        };
        let here = Some(articles::cursor_of(&article));
        let mut around = |sort: Sort| {
            articles::list(conn, &tree, &filter, sort, here, query.0).map(|page| {
                page.items
                    .into_iter()
                    .map(|item| presenter.summary(item))
                    .collect::<Vec<_>>()
            })
        };
        let mut newer = around(Sort::Oldest)?;
        newer.reverse();
        let older = around(Sort::Newest)?;
        Ok(Others { newer, older })
    })
    .await
}
