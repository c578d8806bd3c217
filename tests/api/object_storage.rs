//! Media storage in a folder, and in a bucket of the real S3 server that `BANTIN_TEST_S3` names
//! (`http://KEY:SECRET@HOST:PORT/BUCKET`). Without it only the folder is tested, and the last lines of
//! `cargo test` say so.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::Method;
use bantin::domain::media::ObjectFacts;
use bantin::domain::time::Instant;
use bantin::infra::blob::{BYTES, Blobs, Options, is_away};
use bantin::infra::clock::Clock;
use bantin::service::media::{storage, work_once};
use url::Url;

use crate::support::Portal;
use crate::support::sample::{local, picture, version};

/// A place in the server's bucket that no other test uses.
struct S3 {
    endpoint: String,
    key: String,
    secret: String,
    url: String,
}

impl S3 {
    fn new() -> Option<Self> {
        let at = Url::parse(&std::env::var("BANTIN_TEST_S3").ok()?).unwrap();
        let place = at.path().trim_matches('/');
        let token = bantin::infra::random::request_id();
        Some(Self {
            endpoint: format!("http://{}:{}", at.host_str()?, at.port().unwrap_or(80)),
            key: at.username().to_owned(),
            secret: at.password().unwrap_or_default().to_owned(),
            url: format!("s3://{place}/{token}"),
        })
    }

    fn options(&self) -> Options {
        let settings = [
            ("aws_region", "us-east-1"),
            ("aws_endpoint", &self.endpoint),
            ("aws_allow_http", "true"),
            ("aws_access_key_id", &self.key),
            ("aws_secret_access_key", &self.secret),
        ];
        Options {
            url: Url::parse(&self.url).unwrap(),
            settings: settings.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        }
    }

    /// Flags of a portal whose media are there.
    fn flags(&self) -> Vec<&str> {
        let flags = [
            ("--media-url", self.url.as_str()),
            ("--s3-endpoint", &self.endpoint),
            ("--s3-key", &self.key),
            ("--s3-secret", &self.secret),
        ];
        flags
            .into_iter()
            .flat_map(|(name, value)| [name, value])
            .collect()
    }

    fn blobs(&self, local: &Path) -> Blobs {
        Blobs::bucket(&self.options(), local).unwrap()
    }
}

/// Every place that media can be in here.
fn places(folder: &Path) -> Vec<Blobs> {
    let mut places = vec![Blobs::folder(&folder.join("media")).unwrap()];
    places.extend(S3::new().map(|s3| s3.blobs(&folder.join("local"))));
    places
}

fn keys(blobs: &Blobs) -> BTreeSet<(String, u64)> {
    let mut keys = BTreeSet::new();
    blobs
        .list(&mut |listed| {
            assert!(keys.insert((listed.key, listed.bytes)));
            Ok(())
        })
        .unwrap();
    keys
}

#[actix_web::test]
async fn what_is_put_is_there_once_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    for blobs in places(folder.path()) {
        let inner = blobs.clone();
        let large: Vec<u8> = (0..=250).cycle().take(20_000_000).collect();
        let file = folder.path().join("large");
        std::fs::write(&file, &large).unwrap();
        let wanted = large.clone();
        tokio::task::spawn_blocking(move || {
            let blobs = inner;
            blobs.put("aakey00001", BYTES, b"one").unwrap();
            let again = blobs.put("aakey00001", BYTES, b"two").unwrap_err();
            assert_eq!(again.kind(), ErrorKind::AlreadyExists);
            assert_eq!(
                blobs.put_file("aakey00002", BYTES, &file).unwrap(),
                20_000_000
            );
            let mut copy = Vec::new();
            let mut fetched = blobs.fetch("aakey00002").unwrap().reopen().unwrap();
            fetched.read_to_end(&mut copy).unwrap();
            assert!(copy == wanted);
            let small = blobs.fetch("aakey00001").unwrap();
            assert_eq!(std::fs::read(small.path()).unwrap(), b"one");
            let missing = blobs.fetch("aakey00003").unwrap_err();
            assert_eq!(missing.kind(), ErrorKind::NotFound);
            let found = keys(&blobs);
            let wanted = [("aakey00001", 3), ("aakey00002", 20_000_000)];
            assert_eq!(found, wanted.map(|(key, n)| (key.to_owned(), n)).into());
            blobs.delete("aakey00001").unwrap();
            blobs.delete("aakey00001").unwrap();
            assert_eq!(keys(&blobs).len(), 1);
            for bad in ["", "short", "../../../etc/passwd", ".hidden00", "a/b/c/d/e"] {
                let refused = blobs.put(bad, BYTES, b"").unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{bad}");
            }
        })
        .await
        .unwrap();
        let object = blobs.open("aakey00002").await.unwrap();
        let (object, bytes) = object.read(0..1).await.unwrap();
        assert_eq!(bytes, large[..1]);
        let (object, bytes) = object.read(9_000_000..9_100_000).await.unwrap();
        assert_eq!(bytes, large[9_000_000..9_100_000]);
        let (object, bytes) = object.read(19_999_999..20_000_000).await.unwrap();
        assert_eq!(bytes, large[19_999_999..]);
        let beyond = object.read(19_999_999..20_000_001).await.unwrap_err();
        assert_eq!(beyond.kind(), ErrorKind::UnexpectedEof);
    }
}

#[actix_web::test]
async fn a_bucket_lists_more_than_a_page() {
    let folder = tempfile::tempdir().unwrap();
    for blobs in places(folder.path()) {
        let found = tokio::task::spawn_blocking(move || {
            for i in 0..1100 {
                blobs.put(&format!("{i:010}"), BYTES, b"x").unwrap();
            }
            keys(&blobs)
        });
        assert_eq!(found.await.unwrap().len(), 1100);
    }
}

#[actix_web::test]
async fn a_portal_keeps_its_media_in_a_bucket() {
    let Some(s3) = S3::new() else { return };
    let portal = Portal::with(&s3.flags()).await;
    let editor = portal.editor().await;
    let medium = editor
        .upload("a.png", &picture(900, 600, 1), &[])
        .await
        .created();
    let names: usize = medium["renditions"].as_array().unwrap().len();
    let blobs = portal.ctx.blobs.clone();
    let count = move || keys(&blobs).len();
    let all = tokio::task::spawn_blocking(count.clone()).await.unwrap();
    assert_eq!(all, names + 1, "the original and its renditions");
    portal.show(&[&medium]).await;
    let public = portal
        .get(&format!("/v1/media/{}", medium["id"]))
        .await
        .ok();
    let rendition = &public["renditions"][0];
    let path = local(&rendition["url"]);
    let whole = portal.get(&path).await;
    whole.status_is(200);
    assert_eq!(
        u64::try_from(whole.body.len()).unwrap(),
        rendition["bytes"].as_u64().unwrap()
    );
    let part = portal.ask(Method::GET, &path).header("range", "bytes=2-9");
    let part = part.send().await;
    part.status_is(206);
    assert_eq!(part.body, whole.body[2..10]);
    let preview = local(&medium["renditions"][0]["preview_url"]);
    assert_eq!(portal.get(&preview).await.body, whole.body);
    // Another one is deleted, and its objects with it.
    let other = editor
        .upload("b.png", &picture(300, 200, 2), &[])
        .await
        .created();
    let path = format!("/v1/editorial/media/{}", other["id"]);
    editor.delete(&path, version(&other)).await.is(204);
    assert_eq!(tokio::task::spawn_blocking(count).await.unwrap(), all);
}

#[actix_web::test]
async fn readers_are_sent_to_signed_addresses_where_that_is_wanted() {
    let Some(s3) = S3::new() else { return };
    let mut flags = s3.flags();
    flags.extend(["--media-redirect", "120"]);
    let portal = Portal::with(&flags).await;
    let editor = portal.editor().await;
    let image = editor
        .upload("a.png", &picture(300, 200, 1), &[])
        .await
        .created();
    portal.show(&[&image]).await;
    let public = portal.get(&format!("/v1/media/{}", image["id"])).await.ok();
    let path = local(&public["renditions"][0]["url"]);
    let answer = portal.get(&path).await;
    answer.status_is(307);
    assert_eq!(answer.header("cache-control"), "public, max-age=30");
    let location = answer.header("location").to_owned();
    let (bytes, mime, refused) = tokio::task::spawn_blocking(move || {
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .build()
            .new_agent();
        let mut fetched = agent.get(&location).call().unwrap();
        let mime = fetched.headers()["content-type"].clone();
        let bytes = fetched.body_mut().read_to_vec().unwrap();
        let altered = location.replace("X-Amz-Expires=120", "X-Amz-Expires=9999");
        assert_ne!(altered, location);
        (bytes, mime, agent.get(&altered).call().unwrap().status())
    })
    .await
    .unwrap();
    assert_eq!(
        u64::try_from(bytes.len()).unwrap(),
        public["renditions"][0]["bytes"].as_u64().unwrap()
    );
    assert_eq!(mime, public["renditions"][0]["type"].as_str().unwrap());
    assert_eq!(refused, 403);
    // Who has the file is told so; a HEAD, and an editor's preview, are answered here.
    let tag = format!("\"{}\"", path.split('/').nth(2).unwrap());
    let known = portal.ask(Method::GET, &path).header("if-none-match", &tag);
    known.send().await.status_is(304);
    portal.ask(Method::HEAD, &path).send().await.status_is(200);
    let preview = local(&image["renditions"][0]["preview_url"]);
    portal.get(&preview).await.status_is(200);
}

/// Passes connections on to the server, unless it is told to end them.
struct Line {
    port: u16,
    cut: Arc<AtomicBool>,
}

impl Line {
    fn to(endpoint: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicBool::new(false));
        let (to, gone) = (
            endpoint.trim_start_matches("http://").to_owned(),
            cut.clone(),
        );
        std::thread::spawn(move || {
            for inward in listener.incoming().map_while(Result::ok) {
                if gone.load(Ordering::SeqCst) {
                    continue;
                }
                let outward = TcpStream::connect(&to).unwrap();
                for (from, to) in [(&inward, &outward), (&outward, &inward)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let gone = gone.clone();
                    std::thread::spawn(move || {
                        let mut bytes = [0; 65536];
                        while let Ok(n @ 1..) = from.read(&mut bytes)
                            && !gone.load(Ordering::SeqCst)
                            && std::io::Write::write_all(&mut to, &bytes[..n]).is_ok()
                        {
                        }
                        let _ = to.shutdown(std::net::Shutdown::Both);
                    });
                }
            }
        });
        Self { port, cut }
    }

    fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}

#[actix_web::test]
async fn a_bucket_that_is_away_is_a_503_and_loses_nothing() {
    let Some(mut s3) = S3::new() else { return };
    let line = Line::to(&s3.endpoint);
    let direct = s3.options();
    s3.endpoint = format!("http://127.0.0.1:{}", line.port);
    let portal = Portal::with(&s3.flags()).await;
    let editor = portal.editor().await;
    let medium = editor
        .upload("a.png", &picture(300, 200, 1), &[])
        .await
        .created();
    line.cut();
    let preview = local(&medium["renditions"][0]["preview_url"]);
    let answer = portal.ask(Method::GET, &preview).send_to_broken().await;
    answer.problem(503, "busy");
    assert!(answer.headers.contains_key("retry-after"));
    let ask = editor.ask(Method::POST, "/v1/editorial/media");
    let ask = ask.form("b.png", &picture(300, 200, 2), &[]);
    ask.send_to_broken().await.problem(503, "busy");
    let media = editor.get("/v1/editorial/media").await.ok();
    assert_eq!(media["items"].as_array().unwrap().len(), 1);
    // What cannot be removed stays behind as an orphan; the row is gone.
    let path = format!("/v1/editorial/media/{}", medium["id"]);
    editor.delete(&path, version(&medium)).await.is(204);
    let folder = tempfile::tempdir().unwrap();
    let left = tokio::task::spawn_blocking(move || {
        let blobs = Blobs::bucket(&direct, folder.path()).unwrap();
        keys(&blobs).len()
    });
    assert!(left.await.unwrap() > 0);
}

#[actix_web::test]
async fn work_on_a_picture_waits_for_a_storage_that_is_away() {
    let Some(mut s3) = S3::new() else { return };
    let line = Line::to(&s3.endpoint);
    s3.endpoint = format!("http://127.0.0.1:{}", line.port);
    let mut flags = s3.flags();
    flags.extend(["--inline-pixels", "0"]);
    let portal = Portal::with(&flags).await;
    let editor = portal.editor().await;
    let later = editor.upload("a.png", &picture(300, 200, 1), &[]).await;
    let path = format!("/v1/editorial/media/{}", later.is(202)["id"]);
    line.cut();
    // More often than what fails for another reason is tried.
    for _ in 0..6 {
        assert!(work_once(&portal.ctx).await.unwrap());
        portal.advance(60);
    }
    assert_eq!(editor.get(&path).await.ok()["status"], "processing");
    line.mend();
    assert!(work_once(&portal.ctx).await.unwrap());
    assert_eq!(editor.get(&path).await.ok()["status"], "ready");
}

#[test]
fn a_bucket_that_cannot_be_used_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let options = |url: &str, settings: &[(&str, &str)]| Options {
        url: Url::parse(url).unwrap(),
        settings: settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    };
    let open = |options: &Options| Blobs::bucket(options, folder.path()).unwrap_err();
    let endpoint = format!("http://{nobody}");
    let settings = [
        ("aws_endpoint", endpoint.as_str()),
        ("aws_allow_http", "true"),
        ("aws_access_key_id", "key"),
        ("aws_secret_access_key", "secret"),
    ];
    assert!(!open(&options("s3://bucket", &settings)).is_empty());
    let why = open(&options("s3://bucket", &[("aws_colour", "red")]));
    assert!(why.contains("aws_colour"), "{why}");
    assert!(open(&options("ftp://bucket", &[])).contains("s3://"));
    if let Some(s3) = S3::new() {
        let mut wrong = s3.options();
        wrong.url = Url::parse("s3://no-such-bucket-here/x").unwrap();
        assert!(!open(&wrong).is_empty());
        let mut wrong = s3.options();
        wrong
            .settings
            .push(("aws_secret_access_key".to_owned(), "wrong".to_owned()));
        assert!(!open(&wrong).is_empty());
    }
    assert!(is_away(&std::io::Error::from(ErrorKind::NetworkDown)));
}

#[actix_web::test]
async fn media_move_from_a_folder_to_a_bucket_and_stay_what_they_are() {
    let Some(s3) = S3::new() else { return };
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let medium = editor
        .upload("a.png", &picture(900, 600, 1), &[])
        .await
        .created();
    portal.show(&[&medium]).await;
    let known = storage::known(&portal.ctx.db).await.unwrap();
    let from = portal.ctx.blobs.clone();
    let folder = tempfile::tempdir().unwrap();
    let to = s3.blobs(folder.path());
    let inner = to.clone();
    let moved = tokio::task::spawn_blocking(move || {
        let listed = storage::list(&from).unwrap();
        assert_eq!(listed.len(), known.len());
        for object in &listed {
            let told = known[&object.key].as_ref();
            assert!(told.is_some());
            storage::copy(&from, &inner, &object.key, told).unwrap();
            storage::copy(&from, &inner, &object.key, told).unwrap_err();
            let other = told.map(|told| ObjectFacts {
                hash: told.hash.replace('a', "b").replace('1', "2"),
                ..told.clone()
            });
            storage::copy(&from, &inner, &object.key, other.as_ref()).unwrap_err();
        }
        keys(&from) == keys(&inner)
    });
    assert!(moved.await.unwrap());
}

#[actix_web::test]
async fn media_that_nothing_holds_go_when_they_are_old() {
    let portal = Portal::new().await;
    let (editor, publisher) = (portal.editor().await, portal.publisher().await);
    let mut media = Vec::new();
    for shade in 1..=4 {
        let picture = picture(300, 200, shade);
        media.push(editor.upload("a.png", &picture, &[]).await.created());
    }
    let id = |medium: &serde_json::Value| medium["id"].as_i64().unwrap();
    // Shown, taken down, withdrawn; the fourth is for nobody.
    portal.show(&[&media[0]]).await;
    let gone = portal.show(&[&media[1]]).await;
    let gone = publisher
        .act(
            &gone,
            "take-down",
            &serde_json::json!({"reason_code": "privacy"}),
        )
        .await;
    let empty = serde_json::json!({"body": []});
    let path = format!("/v1/editorial/articles/{}", gone["id"]);
    publisher.patch(&path, version(&gone), &empty).await.ok();
    let path = format!("/v1/editorial/media/{}/withdraw", media[2]["id"]);
    let reason = serde_json::json!({"reason_code": "privacy"});
    publisher.post_at(&path, 1, &reason).await.ok();
    let db = &portal.ctx.db;
    let now = portal.ctx.now();
    assert_eq!(storage::unused(db, now).await.unwrap(), []);
    let later = now.plus_seconds(1);
    let found = storage::unused(db, later).await.unwrap();
    let wanted = [id(&media[1]), id(&media[3])];
    assert_eq!(found.iter().map(|id| id.get()).collect::<Vec<_>>(), wanted);
    // What was taken down may be restored, so its media stay.
    let kept = storage::delete_unused(db, later, found[0]).await.unwrap();
    assert_eq!(kept, Vec::<String>::new());
    let keys = storage::delete_unused(db, later, found[1]).await.unwrap();
    assert_eq!(
        keys.len(),
        media[3]["renditions"].as_array().unwrap().len() + 1
    );
    let path = format!("/v1/editorial/media/{}", media[3]["id"]);
    editor.get(&path).await.problem(404, "not_found");
    // Its objects are orphans now, and nothing else is.
    let known = storage::known(db).await.unwrap();
    let listed = storage::list(&portal.ctx.blobs).unwrap();
    // Files have the time of the machine, the portal one of its own.
    let soon = Instant::from_micros(Clock::System.now_micros()).plus_seconds(60);
    let orphans = storage::orphans(listed.clone(), &known, soon).unwrap();
    let orphans: BTreeSet<String> = orphans.into_iter().map(|orphan| orphan.key).collect();
    assert_eq!(orphans, keys.into_iter().collect());
    let old = soon.plus_seconds(-86_400);
    assert!(storage::orphans(listed, &known, old).unwrap().is_empty());
}
