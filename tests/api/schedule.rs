//! What happens by itself, when its time has come. Time is the portal's clock; nothing waits.

use bantin::domain::time::Instant;
use bantin::service::publishing::{SetAside, carry_out_due};
use bantin::store::editorial::articles::{self, schedules};
use serde_json::{Value, json};

use crate::support::newsroom::{address, slug};
use crate::support::sample::content;
use crate::support::{NOW, Portal, User};

/// What the server's loop does.
async fn tick(portal: &Portal) -> usize {
    carry_out_due(&portal.ctx, &mut SetAside::default())
        .await
        .unwrap()
}

/// Sets the clock to an instant.
fn set(portal: &Portal, at: &str) {
    let at = Instant::parse(at).unwrap().micros();
    let now = portal.ctx.clock.now_micros();
    portal.advance(0);
    portal.ctx.clock.advance(at - now);
}

async fn planned(user: &User<'_>, title: &str, category: &str, at: &str) -> Value {
    let draft = user.draft(&content(title, category)).await;
    user.act(&draft, "publish", &json!({"at": at})).await
}

async fn status(portal: &Portal, article: &Value) -> u16 {
    portal.get(&address(article)).await.status
}

#[actix_web::test]
async fn an_article_appears_at_its_second_and_not_before() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    // Midnight, ends of months, a leap day; the portal is seven hours ahead of UTC.
    for (n, at) in [
        "2026-03-31T23:59:59+07:00",
        "2026-04-01T00:00:00+07:00",
        "2026-05-31T17:00:00Z",
        "2027-01-01T00:00:00+07:00",
        "2028-02-29T00:00:01+07:00",
    ]
    .iter()
    .enumerate()
    {
        let publisher = portal.publisher().await;
        let article = planned(&publisher, &format!("Tin hẹn giờ {n}"), &category, at).await;
        let due = Instant::parse(at).unwrap();
        let shown = Instant::parse(article["scheduled"]["at"].as_str().unwrap()).unwrap();
        assert_eq!(shown.micros(), due.micros());
        assert!(
            article["scheduled"]["at"]
                .as_str()
                .unwrap()
                .ends_with("+07:00")
        );
        assert_eq!(article["stage"], "approved");
        portal.advance(0);
        let left = due.micros() - portal.ctx.clock.now_micros();
        portal.ctx.clock.advance(left - 1);
        assert_eq!(tick(&portal).await, 0);
        assert_eq!(status(&portal, &article).await, 404);
        portal.ctx.clock.advance(1);
        assert_eq!(tick(&portal).await, 1);
        let seen = portal.get(&address(&article)).await.ok();
        let published = Instant::parse(seen["published_at"].as_str().unwrap()).unwrap();
        assert_eq!(published.micros(), due.micros());
        let day = &seen["published_at"].as_str().unwrap()[..10];
        assert_eq!(seen["published_on"], day, "the day is the portal's");
        assert_eq!(tick(&portal).await, 0, "once only");
    }
    let changes = portal.get("/v1/changes").await.ok();
    let published = changes["items"].as_array().unwrap().iter();
    assert_eq!(published.filter(|row| row["why"] == "published").count(), 5);
}

#[actix_web::test]
async fn what_was_missed_is_caught_up_with_in_due_order() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let mut due = Vec::new();
    for (title, at) in [
        ("Ba", "2026-03-23T08:00:00+07:00"),
        ("Một", "2026-03-22T08:00:00+07:00"),
        ("Hai", "2026-03-22T08:00:00+07:00"),
        ("Sau", "2026-05-01T08:00:00+07:00"),
    ] {
        due.push(planned(&publisher, title, &category, at).await);
    }
    let body = json!({"expire_at": "2026-03-22T20:00:00+07:00"});
    let draft = publisher.draft(&content("Hết hạn", &category)).await;
    let expiring = publisher.act(&draft, "publish", &body).await;
    let since = portal.get("/v1/changes?since=now").await.ok()["next"].clone();
    set(&portal, "2026-04-10T00:00:00+07:00");
    assert_eq!(tick(&portal).await, 4);
    let path = format!("/v1/changes?since={}", since.as_str().unwrap());
    let rows = portal.get(&path).await.ok();
    let order: Vec<&Value> = rows["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["object"]["slug"])
        .collect();
    let expected = [&due[1], &due[2], &expiring, &due[0]].map(slug);
    assert_eq!(json!(order), json!(expected));
    assert_eq!(status(&portal, &due[3]).await, 404);
}

#[actix_web::test]
async fn exactly_the_planned_edition_is_published_whatever_is_saved_later() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let (editor, publisher) = (portal.editor().await, portal.publisher().await);
    let article = planned(
        &publisher,
        "Bản đã duyệt",
        &category,
        "2026-03-22T08:00:00+07:00",
    )
    .await;
    let patch = json!({"title": "Bản sửa sau", "slug": "ban-sua-sau"});
    let saved = editor.edit(&article, &patch).await;
    assert_eq!(saved["stage"], "submitted");
    assert_eq!(saved["scheduled"]["edition"], 1);
    // Nobody gets the slug that the planned edition will need.
    let mut other = content("Bản khác", &category);
    other["slug"] = json!(slug(&article));
    let taken = editor.post("/v1/editorial/articles", &other).await;
    taken.problem(409, "slug_taken");
    set(&portal, "2026-03-22T08:00:00+07:00");
    assert_eq!(tick(&portal).await, 1);
    let seen = portal.get(&address(&article)).await.ok();
    assert_eq!(seen["title"], "Bản đã duyệt");
    let after = portal.editor().await.read(&article).await;
    assert_eq!(after["public_edition"], 1);
    assert_eq!(after["stage"], "submitted", "what came later still waits");
    assert_eq!(after["has_unpublished_changes"], true);
    assert_eq!(after["scheduled"], Value::Null);
}

#[actix_web::test]
async fn a_plan_is_cancelled_by_hand_and_by_what_overtakes_it() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let at = "2026-03-22T08:00:00+07:00";
    let hand = planned(&publisher, "Bằng tay", &category, at).await;
    let hand = publisher.act(&hand, "unschedule", &Value::Null).await;
    assert_eq!(hand["scheduled"], Value::Null);
    let refused = publisher.try_act(&hand, "unschedule", &Value::Null).await;
    refused.problem(409, "illegal_move");

    let now = planned(&publisher, "Đăng ngay", &category, at).await;
    let now = publisher.act(&now, "publish", &json!({})).await;
    assert_eq!(now["scheduled"], Value::Null);

    let plan = json!({"kind": "minor", "at": at});
    for (action, body) in [
        ("withdraw", json!({"note": "Sai."})),
        ("take-down", json!({"reason_code": "wrong"})),
    ] {
        let live = portal.published(&content("Bị dừng", &category)).await;
        let live = publisher.edit(&live, &json!({"title": "Chờ"})).await;
        let live = publisher.act(&live, "publish", &plan).await;
        let stopped = publisher.act(&live, action, &body).await;
        assert_eq!(stopped["scheduled"], Value::Null, "{action}");
    }
    set(&portal, "2026-03-23T08:00:00+07:00");
    assert_eq!(tick(&portal).await, 0);
    assert_eq!(status(&portal, &hand).await, 404);
}

#[actix_web::test]
async fn a_planned_article_is_not_deleted_recalled_or_returned() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let at = "2026-03-22T08:00:00+07:00";
    let article = planned(&publisher, "Đã hẹn", &category, at).await;
    let allowed = json!(["save", "publish", "unschedule"]);
    assert_eq!(article["allowed_actions"], allowed);
    for (action, body) in [("recall", Value::Null), ("return", json!({"reason": "a"}))] {
        let refused = publisher.try_act(&article, action, &body).await;
        refused.problem(409, "illegal_move");
    }
    let path = format!("/v1/editorial/articles/{}", article["id"]);
    let version = article["version"].as_i64().unwrap();
    publisher
        .delete(&path, version)
        .await
        .problem(409, "illegal_move");
}

#[actix_web::test]
async fn what_a_planned_edition_needs_is_still_there_in_time() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let photo = publisher.picture(5).await;
    let mut with_photo = content("Có ảnh", &category);
    with_photo["cover_media_id"] = json!(photo);
    let draft = publisher.draft(&with_photo).await;
    let plan = json!({"at": "2026-03-22T08:00:00+07:00"});
    let article = publisher.act(&draft, "publish", &plan).await;
    let other = portal.category("Nơi khác", None).await;
    let moved = json!({"cover_media_id": null, "category": other["content"]["slug"]});
    publisher.edit(&article, &moved).await;
    let path = format!("/v1/editorial/media/{photo}");
    publisher
        .delete(&path, 1)
        .await
        .problem(409, "media_in_use");
    let old = publisher.get("/v1/editorial/categories").await.ok();
    let old = old["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["content"]["slug"] == *category)
        .unwrap();
    let path = format!("/v1/editorial/categories/{}", old["id"]);
    publisher
        .delete(&path, 1)
        .await
        .problem(409, "category_in_use");
    set(&portal, "2026-03-22T08:00:00+07:00");
    assert_eq!(tick(&portal).await, 1);
    let seen = portal.get(&address(&article)).await.ok();
    assert_eq!(seen["cover"]["id"], photo);
    assert_eq!(seen["category"]["slug"], *category);
}

#[actix_web::test]
async fn an_article_is_archived_when_its_time_is_over() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let draft = publisher.draft(&content("Có hạn", &category)).await;
    let body = json!({"at": "2026-03-22T08:00:00+07:00", "expire_at": "2026-03-23T00:00:00+07:00"});
    let article = publisher.act(&draft, "publish", &body).await;
    assert_eq!(article["expire_at"], Value::Null, "it is not public yet");
    set(&portal, "2026-03-22T12:00:00+07:00");
    assert_eq!(tick(&portal).await, 1);
    let publisher = portal.publisher().await;
    let live = publisher.read(&article).await;
    assert_eq!(live["expire_at"], body["expire_at"]);
    // A change that says nothing of the end leaves it.
    let live = publisher.edit(&live, &json!({"title": "Có hạn mới"})).await;
    let live = publisher.update(&live, "minor").await;
    assert_eq!(live["expire_at"], body["expire_at"]);
    set(&portal, "2026-03-23T00:00:00+07:00");
    assert_eq!(tick(&portal).await, 1);
    assert_eq!(portal.get(&address(&live)).await.ok()["status"], "archived");
    let rows = portal.get("/v1/changes").await.ok();
    let last = rows["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["why"], "archived");
    // Brought back, it stays.
    let publisher = portal.publisher().await;
    let archived = publisher.read(&article).await;
    publisher.restore(&archived).await;
    assert_eq!(tick(&portal).await, 0);
    assert_eq!(portal.get(&address(&live)).await.ok()["status"], "live");
}

#[actix_web::test]
async fn an_end_can_be_taken_back_and_waits_while_an_article_is_withdrawn() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let end = json!({"expire_at": "2026-03-22T00:00:00+07:00"});
    let mut articles = Vec::new();
    for title in ["Gỡ hạn", "Bỏ hẹn", "Đang rút"] {
        let draft = publisher.draft(&content(title, &category)).await;
        articles.push(publisher.act(&draft, "publish", &end).await);
    }
    let never = json!({"kind": "minor", "expire_at": null});
    let first = publisher.act(&articles[0], "publish", &never).await;
    assert_eq!(first["expire_at"], Value::Null);
    let event = json!({"event": "expiry"});
    let second = publisher.act(&articles[1], "unschedule", &event).await;
    assert_eq!(second["expire_at"], Value::Null);
    publisher.withdraw(&articles[2]).await;
    set(&portal, "2026-03-25T00:00:00+07:00");
    assert_eq!(
        tick(&portal).await,
        0,
        "what is withdrawn does not come back"
    );
    assert_eq!(
        portal.get(&address(&articles[2])).await.ok()["status"],
        "withdrawn"
    );
}

#[actix_web::test]
async fn an_end_that_was_cancelled_does_not_come_with_the_plan() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let draft = publisher.draft(&content("Tin", &category)).await;
    let plan = json!({"at": "2026-03-21T10:00:00+07:00", "expire_at": "2026-03-21T11:00:00+07:00"});
    let article = publisher.act(&draft, "publish", &plan).await;
    let body = json!({"event": "expiry"});
    let article = publisher.act(&article, "unschedule", &body).await;
    assert_eq!(article["scheduled"]["expire_at"], Value::Null);
    assert_eq!(publisher.read(&article).await, article);
    portal.advance(3 * 3600);
    assert_eq!(tick(&portal).await, 1);
    let article = portal.publisher().await.read(&article).await;
    assert_eq!(article["public_state"], "live");
    assert_eq!(article["expire_at"], Value::Null);
}

#[actix_web::test]
async fn a_plan_that_cannot_be_is_refused_when_it_is_made() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let draft = publisher.draft(&content("Hẹn sai", &category)).await;
    for (body, pointer) in [
        (json!({"at": "2026-03-21T09:00:00+07:00"}), "/at"),
        (json!({"at": "2020-01-01T00:00:00Z"}), "/at"),
        (json!({"at": "ngày mai"}), "/at"),
        (
            json!({"expire_at": "2026-03-21T08:00:00+07:00"}),
            "/expire_at",
        ),
        (
            json!({"at": "2026-03-23T00:00:00Z", "expire_at": "2026-03-22T00:00:00Z"}),
            "/expire_at",
        ),
        (
            json!({"kind": "minor", "at": "2026-03-23T00:00:00Z"}),
            "/kind",
        ),
    ] {
        let problem = publisher.try_act(&draft, "publish", &body).await;
        let problem = problem.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    // A day after the planned one is no day to be published on.
    let late = publisher
        .edit(&draft, &json!({"published_on": "2026-03-25"}))
        .await;
    let early = json!({"at": "2026-03-24T23:59:59+07:00"});
    publisher
        .try_act(&late, "publish", &early)
        .await
        .problem(422, "invalid");
    let same = json!({"at": "2026-03-25T00:00:00+07:00"});
    publisher.act(&late, "publish", &same).await;
}

#[actix_web::test]
async fn no_cache_outlives_what_comes_next() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let article = planned(
        &publisher,
        "Sắp tới",
        &category,
        "2026-03-21T09:10:00+07:00",
    )
    .await;
    let cached = || async { portal.get("/v1/articles").await.header("cache-control") };
    assert!(
        cached()
            .await
            .contains("max-age=30, s-maxage=30, stale-while-revalidate=30")
    );
    for (left, fresh, stale) in [(50, 30, 20), (12, 12, 0), (1, 1, 0), (0, 0, 0)] {
        let due = NOW + 600_000_000;
        portal
            .ctx
            .clock
            .advance(due - left * 1_000_000 - portal.ctx.clock.now_micros());
        let expected =
            format!("public, max-age={fresh}, s-maxage={fresh}, stale-while-revalidate={stale}");
        assert_eq!(cached().await, expected, "{left} s before");
    }
    tick(&portal).await;
    assert!(cached().await.contains("max-age=30"));
    assert_eq!(status(&portal, &article).await, 200);
    let metrics = portal.get("/metrics").await.text();
    assert!(
        metrics.contains("bantin_schedule_lag_seconds_count 1"),
        "{metrics}"
    );
}

#[actix_web::test]
async fn one_that_fails_holds_nothing_else_up_and_is_tried_again() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let broken = planned(&publisher, "Hỏng", &category, "2026-03-22T08:00:00+07:00").await;
    let sound = planned(&publisher, "Lành", &category, "2026-03-22T08:00:01+07:00").await;
    let id: bantin::domain::id::ArticleId = broken["id"].to_string().parse().unwrap();
    let read = portal.ctx.db.read(move |conn| articles::get(conn, id));
    let made = read.await.unwrap().scheduled.unwrap();
    // A plan that no rule lets come about: its edition is not there.
    let plan = |edition: i64| {
        let db = portal.ctx.db.clone();
        let plan = bantin::domain::article::Scheduled {
            edition: bantin::domain::id::EditionNumber::stored(edition),
            ..made.clone()
        };
        async move {
            let done: Result<(), bantin::store::Error> = db
                .write(move |conn| schedules::put(conn, id, &plan, &[]))
                .await;
            done.unwrap();
        }
    };
    plan(9).await;
    let mut aside = SetAside::default();
    set(&portal, "2026-03-22T09:00:00+07:00");
    assert_eq!(carry_out_due(&portal.ctx, &mut aside).await.unwrap(), 1);
    assert_eq!(status(&portal, &sound).await, 200);
    assert_eq!(status(&portal, &broken).await, 404);
    let kept = portal.get("/v1/portal").await.header("cache-control");
    assert!(
        kept.contains("max-age=30"),
        "caches wait for nothing: {kept}"
    );
    plan(1).await;
    assert_eq!(
        carry_out_due(&portal.ctx, &mut aside).await.unwrap(),
        0,
        "not at once"
    );
    portal.advance(61);
    assert_eq!(carry_out_due(&portal.ctx, &mut aside).await.unwrap(), 1);
    assert_eq!(status(&portal, &broken).await, 200);
}

#[actix_web::test]
async fn two_nodes_do_each_thing_once() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let mut all = Vec::new();
    for n in 0..20 {
        let title = format!("Tin {n}");
        all.push(planned(&publisher, &title, &category, "2026-03-22T08:00:00+07:00").await);
    }
    set(&portal, "2026-03-22T08:00:00+07:00");
    let (mut one, mut two) = (SetAside::default(), SetAside::default());
    let (a, b) = futures_util::future::join(
        carry_out_due(&portal.ctx, &mut one),
        carry_out_due(&portal.ctx, &mut two),
    )
    .await;
    assert_eq!(a.unwrap() + b.unwrap(), 20);
    let rows = portal.get("/v1/changes?limit=100").await.ok();
    let published: Vec<&str> = rows["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["why"] == "published")
        .map(|row| row["object"]["slug"].as_str().unwrap())
        .collect();
    assert_eq!(published, all.iter().map(slug).collect::<Vec<_>>());
}
