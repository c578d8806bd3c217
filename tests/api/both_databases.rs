//! What must hold on both databases alike: the schema, ids, and many writers at once.

use actix_web::http::Method;
use bantin::app::migrate_now;
use bantin::store::{Conn, migrate};
use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Portal, sample};

/// Requests of one race.
const RACERS: usize = 8;
/// Races, since one may go well by chance.
const ROUNDS: usize = 5;

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

fn connect(portal: &Portal) -> Conn {
    portal.ctx.db.address().connect().unwrap()
}

fn execute(conn: &mut Conn, sql: &str) {
    match conn {
        Conn::Sqlite(conn) => conn.batch_execute(sql).unwrap(),
        #[cfg(feature = "postgres")]
        Conn::Pg(conn) => conn.batch_execute(sql).unwrap(),
    }
}

fn lines(conn: &mut Conn, sqlite: &str, postgres: &str) -> Vec<String> {
    let sql = match conn {
        Conn::Sqlite(_) => sqlite,
        #[cfg(feature = "postgres")]
        Conn::Pg(_) => postgres,
    };
    let _ = postgres;
    let lines: Vec<Line> = diesel::sql_query(sql).load(conn).unwrap();
    let mut lines: Vec<String> = lines.into_iter().map(|line| line.line).collect();
    lines.sort();
    lines
}

/// Every table, column, key and index.
fn schema(conn: &mut Conn) -> Vec<String> {
    lines(
        conn,
        "SELECT type || ' ' || name || ' ' || COALESCE(sql, '') AS line FROM sqlite_master
         WHERE name NOT LIKE 'sqlite_%'",
        "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
            || COALESCE(column_default, '') || is_identity AS line
         FROM information_schema.columns WHERE table_schema = current_schema()
         UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()
         UNION ALL SELECT conrelid::regclass::text || ' ' || pg_get_constraintdef(oid)
         FROM pg_constraint WHERE connamespace = current_schema()::regnamespace",
    )
}

/// `table.column`, as far as both databases have them.
fn columns(conn: &mut Conn) -> Vec<String> {
    lines(
        conn,
        "SELECT m.name || '.' || p.name AS line FROM sqlite_master m, pragma_table_info(m.name) p
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
        "SELECT table_name || '.' || column_name AS line FROM information_schema.columns
         WHERE table_schema = current_schema()",
    )
}

#[actix_web::test]
async fn migrations_go_up_down_and_up_to_the_same_schema() {
    let portal = Portal::new().await;
    let mut conn = connect(&portal);
    let before = schema(&mut conn);
    assert!(before.len() > 20, "{before:?}");
    migrate::revert(&mut conn).unwrap();
    let left: Vec<String> = schema(&mut conn)
        .into_iter()
        .filter(|line| !line.contains("__diesel_schema_migrations"))
        .collect();
    assert!(left.is_empty(), "left behind: {left:#?}");
    migrate_now(&mut conn, portal.ctx.db.address()).unwrap();
    assert_eq!(schema(&mut conn), before);
}

#[cfg(feature = "postgres")]
#[actix_web::test]
async fn both_databases_have_the_same_tables_and_columns() {
    use bantin::store::db::Address;
    let portal = Portal::new().await;
    let folder = tempfile::tempdir().unwrap();
    let address = Address::Sqlite(folder.path().join("other.db"));
    let mut sqlite = address.connect().unwrap();
    migrate_now(&mut sqlite, &address).unwrap();
    assert_eq!(columns(&mut connect(&portal)), columns(&mut sqlite));
}

#[cfg(not(feature = "postgres"))]
#[actix_web::test]
async fn every_table_has_columns() {
    let portal = Portal::new().await;
    assert!(columns(&mut connect(&portal)).contains(&"log_head.seq".to_owned()));
}

#[actix_web::test]
async fn an_id_is_never_used_again() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let id = |object: &Value| object["id"].as_i64().unwrap();
    let mut last = (0, 0, 0);
    for round in 0..3 {
        let article = publisher.draft(&sample::content("Tin", &category)).await;
        let path = format!("/v1/editorial/articles/{}", id(&article));
        publisher.delete(&path, 1).await.is(204);

        let other = portal.category("Chuyên mục", None).await;
        let path = format!("/v1/editorial/categories/{}", id(&other));
        publisher.delete(&path, 1).await.is(204);

        let medium = publisher.picture(200 + round).await;
        let path = format!("/v1/editorial/media/{medium}");
        publisher.delete(&path, 1).await.is(204);

        let now = (id(&article), id(&other), medium);
        assert!(
            now.0 > last.0 && now.1 > last.1 && now.2 > last.2,
            "{now:?} after {last:?}"
        );
        last = now;
    }
}

#[actix_web::test]
async fn writers_queue() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let mut drafts = Vec::new();
    for number in 0..30 {
        let title = format!("Tin số {number}");
        drafts.push(editor.draft(&sample::content(&title, &category)).await);
    }
    let saves = join_all(drafts.iter().map(|draft| {
        let mut content = draft["content"].clone();
        content["lead"] = json!("Lời dẫn mới.");
        let (editor, path) = (&editor, format!("/v1/editorial/articles/{}", draft["id"]));
        async move { editor.put(&path, 1, &content).await }
    }))
    .await;
    for saved in saves {
        assert_eq!(saved.ok()["version"], 2);
    }
}

/// Of all answers one has the first status, the others the second.
#[track_caller]
fn one_wins(answers: &[Answer], won: u16, lost: (u16, &str)) {
    let winners = answers.iter().filter(|answer| answer.status == won);
    assert_eq!(winners.count(), 1, "{:?}", statuses(answers));
    for loser in answers.iter().filter(|answer| answer.status != won) {
        loser.problem(lost.0, lost.1);
    }
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

#[actix_web::test]
async fn of_two_saves_on_one_version_one_wins() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    for _ in 0..ROUNDS {
        let draft = editor.draft(&sample::content("Tin", &category)).await;
        let path = format!("/v1/editorial/articles/{}", draft["id"]);
        let answers = join_all((0..RACERS).map(|number| {
            let mut content = draft["content"].clone();
            content["lead"] = json!(format!("Lời dẫn {number}."));
            let (editor, path) = (&editor, &path);
            async move { editor.put(path, 1, &content).await }
        }))
        .await;
        one_wins(&answers, 200, (412, "version_mismatch"));
        let editions = editor.get(&format!("{path}/editions")).await.ok();
        assert_eq!(editions["items"].as_array().unwrap().len(), 2);
        assert_eq!(editor.get(&path).await.ok()["version"], 2);
    }
}

#[actix_web::test]
async fn of_two_publications_of_one_version_one_wins() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    for _ in 0..ROUNDS {
        let draft = publisher.draft(&sample::content("Tin", &category)).await;
        let path = format!("/v1/editorial/articles/{}/publish", draft["id"]);
        let before = log_length(&portal).await;
        let body = json!({});
        let answers = join_all((0..RACERS).map(|_| publisher.post_at(&path, 1, &body))).await;
        one_wins(&answers, 200, (412, "version_mismatch"));
        assert_eq!(log_length(&portal).await, before + 1);
    }
}

#[actix_web::test]
async fn a_save_and_a_publication_of_one_version_do_not_both_win() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    for _ in 0..ROUNDS {
        let draft = publisher.draft(&sample::content("Tin", &category)).await;
        let path = format!("/v1/editorial/articles/{}", draft["id"]);
        let mut content = draft["content"].clone();
        content["lead"] = json!("Lời dẫn mới.");
        let (publish, body) = (format!("{path}/publish"), json!({}));
        let (saved, published) = join(
            publisher.put(&path, 1, &content),
            publisher.post_at(&publish, 1, &body),
        )
        .await;
        one_wins(&[saved, published], 200, (412, "version_mismatch"));
        assert_eq!(publisher.get(&path).await.ok()["version"], 2);
    }
}

/// Rows of the log, which have no gaps.
async fn log_length(portal: &Portal) -> usize {
    let mut since = String::new();
    let mut length = 0;
    loop {
        let path = format!("/v1/changes?limit=100{since}");
        let page = portal.get(&path).await.ok();
        for change in page["items"].as_array().unwrap() {
            length += 1;
            assert_eq!(change["seq"], length, "a gap in the log");
        }
        if page["more"] == false {
            return length;
        }
        since = format!("&since={}", page["next"].as_str().unwrap());
    }
}

#[actix_web::test]
async fn the_log_has_no_gaps_under_many_publishers() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let mut drafts = Vec::new();
    for _ in 0..12 {
        drafts.push(publisher.draft(&sample::content("Tin", &category)).await);
    }
    let before = log_length(&portal).await;
    let body = json!({});
    // Every second one names a version that is not there.
    let paths: Vec<(String, i64)> = drafts
        .iter()
        .zip([1, 7].into_iter().cycle())
        .map(|(draft, version)| {
            let path = format!("/v1/editorial/articles/{}/publish", draft["id"]);
            (path, version)
        })
        .collect();
    let answers = join_all(
        paths
            .iter()
            .map(|(path, version)| publisher.post_at(path, *version, &body)),
    )
    .await;
    let published = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(published.count(), 6, "{:?}", statuses(&answers));
    assert_eq!(log_length(&portal).await, before + 6);
}

#[actix_web::test]
async fn titles_that_come_at_once_get_slugs_of_their_own() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    for round in 0..ROUNDS {
        let title = format!("Ra quân đợt {round}");
        let content = sample::content(&title, &category);
        let path = "/v1/editorial/articles";
        let answers = join_all((0..RACERS).map(|_| editor.post(path, &content))).await;
        let mut slugs: Vec<String> = answers
            .iter()
            .map(|answer| answer.created()["content"]["slug"].to_string())
            .collect();
        slugs.sort();
        slugs.dedup();
        assert_eq!(slugs.len(), RACERS, "{slugs:?}");
    }
    let publisher = portal.publisher().await;
    let body = json!({"name": "Chuyên mục"});
    let path = "/v1/editorial/categories";
    for answer in join_all((0..RACERS).map(|_| publisher.post(path, &body))).await {
        answer.created();
    }
}

#[actix_web::test]
async fn one_slug_wanted_at_once_goes_to_one() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    for round in 0..ROUNDS {
        let slug = format!("ra-quan-{round}");
        let mut content = sample::content("Ra quân", &category);
        content["slug"] = json!(slug);
        let path = "/v1/editorial/articles";
        let answers = join_all((0..RACERS).map(|_| publisher.post(path, &content))).await;
        one_wins(&answers, 201, (409, "slug_taken"));

        let mut drafts = Vec::new();
        for _ in 0..4 {
            drafts.push(publisher.draft(&sample::content("Tin", &category)).await);
        }
        let answers = join_all(drafts.iter().map(|draft| {
            let path = format!("/v1/editorial/articles/{}", draft["id"]);
            let (publisher, slug) = (&publisher, json!({"slug": format!("{slug}-moi")}));
            async move { publisher.patch(&path, 1, &slug).await }
        }))
        .await;
        one_wins(&answers, 200, (409, "slug_taken"));

        let body = json!({"name": "Chuyên mục", "slug": slug});
        let path = "/v1/editorial/categories";
        let answers = join_all((0..RACERS).map(|_| publisher.post(path, &body))).await;
        one_wins(&answers, 201, (409, "slug_taken"));
    }
}

#[actix_web::test]
async fn one_login_wanted_at_once_goes_to_one() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    for round in 0..ROUNDS {
        let body = json!({"login": format!("lan{round}"), "name": "Lan", "roles": ["editor"], "password": PASSWORD});
        let path = "/v1/editorial/users";
        let answers = join_all((0..RACERS).map(|_| admin.post(path, &body))).await;
        one_wins(&answers, 201, (409, "login_taken"));
    }
}

#[actix_web::test]
async fn the_same_picture_uploaded_at_once_is_one_medium() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    for round in 0..3 {
        let bytes = sample::picture(60, 40, round);
        let answers = join_all((0..4).map(|_| editor.upload("a.png", &bytes, &[]))).await;
        let created = answers.iter().filter(|answer| answer.status == 201);
        assert_eq!(created.count(), 1, "{:?}", statuses(&answers));
        let id = answers[0].json()["id"].clone();
        for answer in &answers {
            assert!([200, 201].contains(&answer.status), "{}", answer.text());
            assert_eq!(answer.json()["id"], id);
        }
    }
}

#[actix_web::test]
async fn a_category_and_its_first_article_do_not_miss_each_other() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    for _ in 0..ROUNDS {
        let category = portal.category("Chuyên mục", None).await;
        let slug = category["content"]["slug"].as_str().unwrap();
        let path = format!("/v1/editorial/categories/{}", category["id"]);
        let content = sample::content("Tin", slug);
        let (deleted, written) = join(
            publisher.delete(&path, 1),
            publisher
                .ask(Method::POST, "/v1/editorial/articles")
                .json(&content)
                .send_to_broken(),
        )
        .await;
        match (deleted.status, written.status) {
            // Found gone, or gone between the look and the row.
            (204, 422 | 503) => {}
            (409, 201) => drop(deleted.problem(409, "category_in_use")),
            other => panic!("{other:?}: {} {}", deleted.text(), written.text()),
        }
    }
}

/// A write transaction of somebody else, which holds the head of the log.
fn hold(portal: &Portal) -> Conn {
    let mut conn = connect(portal);
    let begin = match conn {
        Conn::Sqlite(_) => "BEGIN IMMEDIATE",
        #[cfg(feature = "postgres")]
        Conn::Pg(_) => "BEGIN",
    };
    execute(&mut conn, begin);
    execute(&mut conn, "UPDATE log_head SET seq = seq WHERE id = 1");
    conn
}

#[actix_web::test]
async fn a_busy_database_is_503_for_writers_and_nothing_for_readers() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let article = portal.published(&sample::content("Tin", &category)).await;
    let slug = article["content"]["slug"].as_str().unwrap();
    let draft = publisher.draft(&sample::content("Tin", &category)).await;

    let mut holder = hold(&portal);
    let publish = format!("/v1/editorial/articles/{}/publish", draft["id"]);
    let paths = [
        "/v1/home".to_owned(),
        "/v1/articles".to_owned(),
        format!("/v1/articles/{slug}"),
        format!("/v1/articles/{slug}/others"),
        "/v1/categories".to_owned(),
        "/v1/captions".to_owned(),
        "/v1/media".to_owned(),
        "/v1/corrections".to_owned(),
        "/v1/changes".to_owned(),
        "/feeds/atom".to_owned(),
    ];
    let body = json!({});
    let writing = publisher
        .ask(Method::POST, &publish)
        .at(1)
        .json(&body)
        .send_to_broken();
    let reading = async {
        for path in &paths {
            let answer = portal.get(path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
        publisher.get("/v1/editorial/articles").await.ok();
    };
    let (refused, ()) = join(writing, reading).await;
    refused.problem(503, "busy");
    assert_eq!(refused.header("retry-after"), "1");

    execute(&mut holder, "ROLLBACK");
    let done = publisher.post_at(&publish, 1, &body).await.ok();
    assert_eq!(done["public_state"], "live");
}
