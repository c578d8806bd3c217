//! A portal of generated articles, made through the services as a newsroom would.

use std::path::Path;

use bantin::app;
use bantin::config::Settings;
use bantin::ctx::Ctx;
use bantin::domain::article::Publish;
use bantin::domain::category::CategoryContent;
use bantin::domain::content::{Content, PersonName};
use bantin::domain::input::{Faults, parse};
use bantin::domain::media::MediaContent;
use bantin::domain::user::{Actor, Chosen, Login, NewPassword, Role};
use bantin::infra::clock::Clock;
use bantin::service::media::{self, Upload};
use bantin::service::users::{Console, UserContent};
use bantin::service::{Command, IfMatch, articles, categories, publishing};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Result;

/// Categories of the generated portal, one below the other by fives.
const CATEGORIES: usize = 25;
/// Seconds between two articles.
const PACE: i64 = 3600;

#[derive(clap::Parser)]
struct CommandLine {
    #[command(flatten)]
    settings: Settings,
}

/// Fills a data folder.
pub fn generate(folder: &Path, articles: usize) -> Result<()> {
    let folder = folder.to_str().ok_or("the folder's name is not UTF-8")?;
    let line = [
        "bench",
        "--data-dir",
        folder,
        "--argon2-memory",
        "8",
        // One hand writes and publishes here.
        "--four-eyes",
        "off",
    ];
    let settings = <CommandLine as clap::Parser>::parse_from(line).settings;
    app::prepare(&settings.place.address()?)?;
    let first = Clock::System.now_micros() - (i64::try_from(articles)? + 1) * PACE * 1_000_000;
    let ctx = app::context(settings, Clock::fixed(first))?;
    actix_web::rt::System::new().block_on(fill(&ctx, articles))
}

async fn fill(ctx: &Ctx, count: usize) -> Result<()> {
    let actor = publisher(ctx)?;
    let mut slugs = Vec::new();
    let mut top = None;
    for number in 0..CATEGORIES {
        let parent = if number % 5 == 0 { None } else { top };
        let content: CategoryContent =
            input(json!({"name": format!("Chuyên mục số {number}"), "parent_id": parent}))?;
        let saved = done(categories::create(ctx, command(ctx, &actor), content).await)?;
        if parent.is_none() {
            top = Some(saved.category.id);
        }
        slugs.push(saved.category.slug.as_str().to_owned());
    }
    for number in 0..count {
        ctx.clock.advance(PACE * 1_000_000);
        let category = slugs.get(number % CATEGORIES).ok_or("no category")?;
        let content: Content = input(article(number, category))?;
        let draft = done(articles::create(ctx, command(ctx, &actor), content).await)?;
        let version = IfMatch::Version(draft.version);
        let publish = publishing::publish(
            ctx,
            command(ctx, &actor),
            draft.id,
            version,
            Publish::default(),
        );
        done(publish.await)?;
    }
    show_files(ctx, &actor, slugs.first().ok_or("no category")?).await?;
    done(ctx.db.checkpoint().await)
}

/// An article with a photo and a document of a megabyte.
async fn show_files(ctx: &Ctx, actor: &Actor, category: &str) -> Result<()> {
    let mut seed = 1_u32;
    let mut noise = |_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    let mut photo = Vec::new();
    let pixels: Vec<u8> = (0..400 * 300 * 3).map(&mut noise).collect();
    jpeg_encoder::Encoder::new(&mut photo, 80).encode(
        &pixels,
        400,
        300,
        jpeg_encoder::ColorType::Rgb,
    )?;
    let mut document = b"%PDF-1.4\n".to_vec();
    document.extend((0..1024 * 1024).map(noise));
    document.extend(b"\nstartxref\n9\n%%EOF\n");
    let photo = upload(ctx, actor, &photo).await?;
    let document = upload(ctx, actor, &document).await?;
    let mut content = article(0, category);
    content["title"] = json!("Ảnh và văn bản của ngày hội");
    content["body"] = json!([
        {"_type": "figure", "media": [{"media_id": photo, "alt": "Ngày hội", "decorative": false}]},
        {"_type": "attachment", "media_id": document, "title": "Báo cáo"},
    ]);
    let draft = articles::create(ctx, command(ctx, actor), input(content)?).await;
    let draft = done(draft)?;
    let version = IfMatch::Version(draft.version);
    let asked = Publish::default();
    let publish = publishing::publish(ctx, command(ctx, actor), draft.id, version, asked);
    done(publish.await).map(|_| ())
}

async fn upload(ctx: &Ctx, actor: &Actor, bytes: &[u8]) -> Result<i64> {
    let file = tempfile::NamedTempFile::new_in(ctx.blobs.incoming())?;
    std::fs::write(file.path(), bytes)?;
    let upload = Upload {
        path: file.path().to_owned(),
        file_name: String::new(),
        claim: None,
        hash: hex::encode(Sha256::digest(bytes)),
        content: MediaContent::default(),
        arrival: None,
    };
    let done = done(media::upload(ctx, command(ctx, actor), upload).await)?;
    Ok(done.medium.id.get())
}

/// Seven paragraphs, a heading and a list, about 4,000 characters: the length of usual local news.
fn article(number: usize, category: &str) -> Value {
    let sentence = format!(
        "Ngày thứ {number}, bà con trong xã tiếp tục ra đồng thu hoạch lúa, giữ gìn đường làng ngõ xóm \
         sạch đẹp và chuẩn bị cho ngày hội đại đoàn kết toàn dân tộc ở khu dân cư. "
    );
    let block = |style: &str, text: &str| json!({"_type": "block", "style": style, "children": [{"text": text}]});
    let item = |text: &str| json!({"_type": "block", "listItem": "bullet", "level": 1, "children": [{"text": text}]});
    let long = sentence.repeat(3);
    let mut body: Vec<Value> = (0..7).map(|_| block("normal", &long)).collect();
    body.insert(3, block("h2", "Kết quả bước đầu"));
    body.extend(["Thu hoạch xong trước mưa", "Ba thôn đạt chuẩn"].map(item));
    json!({
        "title": format!("Bản tin số {number}: bà con ra đồng thu hoạch lúa mùa"),
        "lead": sentence,
        "category": category,
        "tags": ["nông nghiệp", format!("đợt {}", number % 50)],
        "byline": [{"name": "Minh An", "unit": "Trung tâm Văn hóa xã"}],
        "body": body,
    })
}

fn publisher(ctx: &Ctx) -> Result<Actor> {
    let login = Login::parse("bench").map_err(|refusal| refusal.message)?;
    let name = PersonName::parse("Bench").map_err(|refusal| refusal.message)?;
    let password =
        NewPassword::parse("con trâu đen bên bờ ao").map_err(|refusal| refusal.message)?;
    let content = UserContent {
        name,
        email: None,
        roles: vec![Role::Publisher],
        categories: None,
        disabled: false,
    };
    let console = Console { at: ctx.now() };
    let mut conn = app::connect(ctx.db.address())?;
    let user = done(console.add(
        &mut conn,
        &ctx.hasher,
        login,
        content,
        &password,
        Chosen::ByUser,
    ))?;
    Ok(Actor {
        user_id: user.id,
        session_id: None,
        login: user.login,
        name: user.name,
        roles: user.roles,
        reach: user.reach,
        token: None,
        pending: None,
    })
}

fn command(ctx: &Ctx, actor: &Actor) -> Command {
    Command {
        actor: actor.clone(),
        at: ctx.now(),
        address: None,
        idempotency: None,
    }
}

fn input<T: deserr::Deserr<Faults>>(value: Value) -> Result<T> {
    done(parse(value))
}

fn done<T, E: std::fmt::Debug>(result: std::result::Result<T, E>) -> Result<T> {
    result.map_err(|error| format!("{error:?}").into())
}
