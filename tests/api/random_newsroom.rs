//! Random people do random things at random times, and what must always be true is looked at after
//! each of them: no draft is public, one edition at most is live, every public change has its row
//! in the log, `allowed_actions` tells the truth, and the audit log replays to the same state.
//!
//! The cases are the same in every run; `PROPTEST_CASES` asks for more of them.

use std::collections::BTreeMap;

use bantin::domain::time::Instant;
use bantin::service::publishing::{SetAside, carry_out_due};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::support::sample::content;
use crate::support::{Portal, User};

const PEOPLE: [&str; 3] = ["reporter", "editor", "publisher"];

#[derive(Debug, Clone)]
enum Deed {
    Create,
    Save,
    Delete,
    Act(&'static str),
    /// Kind, minutes until it is due, minutes until it ends.
    Publish(Option<&'static str>, Option<i64>, Option<i64>),
    /// Minutes pass.
    Wait(i64),
}

#[derive(Debug, Clone)]
struct Step {
    who: usize,
    which: usize,
    deed: Deed,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![Just(None), Just(Some("minor")), Just(Some("correction"))];
    let later = || prop_oneof![2 => Just(None), 1 => (1..60_i64).prop_map(Some)];
    let act = prop::sample::select(vec![
        "submit",
        "recall",
        "return",
        "approve",
        "unschedule",
        "withdraw",
        "archive",
        "take-down",
        "restore",
    ]);
    let deed = prop_oneof![
        2 => Just(Deed::Create),
        4 => Just(Deed::Save),
        1 => Just(Deed::Delete),
        9 => act.prop_map(Deed::Act),
        6 => (kind, later(), later()).prop_map(|(kind, at, end)| Deed::Publish(kind, at, end)),
        3 => (1..45_i64).prop_map(Deed::Wait),
    ];
    let step = (0..PEOPLE.len(), 0..4_usize, deed);
    prop::collection::vec(
        step.prop_map(|(who, which, deed)| Step { who, which, deed }),
        1..40,
    )
}

/// An article as it must be.
#[derive(Debug, Clone)]
struct Known {
    id: i64,
    slug: String,
    edition: i64,
    state: &'static str,
    public_edition: Option<i64>,
    /// Edition, instant, end.
    plan: Option<(i64, i64, Option<i64>)>,
    end: Option<i64>,
}

/// What the title of an edition holds, and no other text does.
fn mark(id: i64, edition: i64) -> String {
    format!("Dấu {id}/{edition}.")
}

struct Newsroom<'a> {
    portal: &'a Portal,
    category: String,
    articles: Vec<Known>,
    since: String,
    /// Rows that the log must have got since `since`, as (article, why).
    expected: Vec<(i64, &'static str)>,
    aside: SetAside,
}

impl Newsroom<'_> {
    fn now(&self) -> i64 {
        self.portal.ctx.clock.now_micros()
    }

    async fn take(&mut self, step: &Step) {
        let user = self.portal.user(PEOPLE[step.who]).await;
        if let Deed::Create = step.deed {
            return self.create(&user).await;
        }
        if let Deed::Wait(minutes) = step.deed {
            return self.wait(minutes).await;
        }
        let Some(at) = step.which.checked_rem(self.articles.len()) else {
            return;
        };
        let known = self.articles[at].clone();
        let path = format!("/v1/editorial/articles/{}", known.id);
        let seen = user.get(&path).await;
        if seen.status == 404 {
            // A reporter does not learn of others' articles, whatever they try.
            let blind = json!({"id": known.id, "version": 1});
            let answer = user.try_act(&blind, "submit", &Value::Null).await;
            assert_eq!(answer.status, 404);
            return;
        }
        let seen = seen.ok();
        self.act(&user, &known, &seen, step, at).await;
    }

    async fn create(&mut self, user: &User<'_>) {
        if self.articles.len() == 4 {
            return;
        }
        // The id is not known before, and the mark needs it.
        let draft = user.draft(&content("Chưa có tên", &self.category)).await;
        let id = draft["id"].as_i64().unwrap();
        let named = user.edit(&draft, &json!({"title": mark(id, 2)})).await;
        self.articles.push(Known {
            id,
            slug: named["content"]["slug"].as_str().unwrap().to_owned(),
            edition: 2,
            state: "none",
            public_edition: None,
            plan: None,
            end: None,
        });
    }

    async fn act(&mut self, user: &User<'_>, known: &Known, seen: &Value, step: &Step, at: usize) {
        let path = format!("/v1/editorial/articles/{}", known.id);
        let version = seen["version"].as_i64().unwrap();
        let allowed = seen["allowed_actions"].as_array().unwrap();
        let (action, body) = match &step.deed {
            Deed::Save => ("save", json!({"title": mark(known.id, known.edition + 1)})),
            Deed::Delete => ("delete", Value::Null),
            Deed::Act(action) => (
                *action,
                match *action {
                    "return" => json!({"reason": "Chưa rõ."}),
                    "withdraw" => json!({"note": "Đang xem lại."}),
                    "take-down" => json!({"reason_code": "wrong"}),
                    _ => Value::Null,
                },
            ),
            Deed::Publish(kind, due, end) => {
                let mut body = json!({});
                let begins = self.now() + due.unwrap_or(0) * 60_000_000;
                let text = |micros: i64| Instant::from_micros(micros).to_string();
                if let Some(kind) = kind {
                    body["kind"] = json!(kind);
                    body["note"] = json!("Sửa số liệu.");
                }
                if due.is_some() {
                    body["at"] = json!(text(begins));
                }
                if let Some(end) = end {
                    body["expire_at"] = json!(text(begins + end * 60_000_000));
                }
                ("publish", body)
            }
            Deed::Create | Deed::Wait(_) => return,
        };
        let answer = match action {
            "save" => user.patch(&path, version, &body).await,
            "delete" => user.delete(&path, version).await,
            action => user.try_act(seen, action, &body).await,
        };
        let done = answer.status < 300;
        if allowed.contains(&json!(action)) {
            let told = match answer.status {
                409 => answer.json()["code"] == "four_eyes" && action == "publish",
                422 => action == "publish",
                status => status < 300,
            };
            assert!(told, "{action} was allowed: {}", answer.text());
        } else {
            assert!(
                [403, 409].contains(&answer.status),
                "{action} was not allowed"
            );
        }
        if done {
            self.learn(action, &body, at);
        }
    }

    /// The rules of the newsroom once more, by the book.
    fn learn(&mut self, action: &str, body: &Value, at: usize) {
        let now = self.now();
        let known = &mut self.articles[at];
        let instant = |value: &Value| {
            value
                .as_str()
                .map(|text| Instant::parse(text).unwrap().micros())
        };
        let why = match action {
            "save" => {
                known.edition += 1;
                None
            }
            "delete" => {
                self.articles.remove(at);
                return;
            }
            "publish" => {
                let begins = instant(&body["at"]).unwrap_or(now);
                let end = match instant(&body["expire_at"]) {
                    None => known.end.filter(|end| *end > begins),
                    end => end,
                };
                if body["at"].is_string() {
                    known.plan = Some((known.edition, begins, end));
                    None
                } else {
                    (known.state, known.public_edition) = ("live", Some(known.edition));
                    (known.plan, known.end) = (None, end);
                    Some(match body["kind"].as_str() {
                        Some("minor") => "minor",
                        Some(_) => "correction",
                        None => "published",
                    })
                }
            }
            "unschedule" => {
                (known.plan, known.end) = (None, None);
                None
            }
            "withdraw" => {
                (known.state, known.plan) = ("withdrawn", None);
                Some("withdrawn")
            }
            "archive" => {
                (known.state, known.end) = ("archived", None);
                Some("archived")
            }
            "take-down" => {
                (known.state, known.plan, known.end) = ("taken_down", None, None);
                Some("taken_down")
            }
            "restore" => {
                known.state = "live";
                known.end = known.end.filter(|end| *end > now);
                Some("restored")
            }
            _ => None,
        };
        let id = known.id;
        self.expected.extend(why.map(|why| (id, why)));
    }

    async fn wait(&mut self, minutes: i64) {
        self.portal.advance(minutes * 60);
        let now = self.now();
        loop {
            let next = (0..self.articles.len())
                .flat_map(|at| {
                    let known = &self.articles[at];
                    let plan = known.plan.map(|(_, due, _)| (due, known.id, at, true));
                    let end = known.end.filter(|_| known.state == "live");
                    let end = end.map(|due| (due, known.id, at, false));
                    plan.into_iter().chain(end)
                })
                .filter(|(due, ..)| *due <= now)
                // At one instant an article is published before it ends.
                .min_by_key(|(due, id, _, publishes)| (*due, *id, !*publishes));
            let Some((_, id, at, publishes)) = next else {
                break;
            };
            let known = &mut self.articles[at];
            if publishes {
                let (edition, _, end) = known.plan.take().unwrap();
                let first = known.public_edition.is_none();
                (known.state, known.public_edition, known.end) = ("live", Some(edition), end);
                // Which kind it was is in the answer; here only that it was one.
                self.expected
                    .push((id, if first { "published" } else { "again" }));
            } else {
                (known.state, known.end) = ("archived", None);
                self.expected.push((id, "archived"));
            }
        }
        carry_out_due(&self.portal.ctx, &mut self.aside)
            .await
            .unwrap();
    }

    async fn check(&mut self) {
        let portal = self.portal;
        // Every public change has its row, and nothing else has.
        let path = format!("/v1/changes?since={}", self.since);
        let page = portal.get(&path).await.ok();
        let rows: Vec<(i64, String)> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let why = row["why"].as_str().unwrap().to_owned();
                (row["object"]["id"].as_i64().unwrap(), why)
            })
            .collect();
        let expected = std::mem::take(&mut self.expected);
        assert_eq!(rows.len(), expected.len(), "{rows:?} for {expected:?}");
        for ((id, why), (known, wanted)) in rows.iter().zip(&expected) {
            let again = *wanted == "again" && ["minor", "correction"].contains(&why.as_str());
            assert!(
                id == known && (why == wanted || again),
                "{rows:?} for {expected:?}"
            );
        }
        self.since = page["next"].as_str().unwrap().to_owned();

        // What readers can find holds the public edition of each article and no other.
        let list = portal.get("/v1/articles?view=full&limit=20").await.ok();
        let mut places = list.to_string();
        for path in [
            "/v1/home",
            "/feeds/atom",
            "/feeds/json",
            "/v1/changes",
            "/v1/captions",
        ] {
            places += &portal.get(path).await.text();
        }
        for known in &self.articles {
            let alone = portal.get(&format!("/v1/articles/{}", known.slug)).await;
            let status = match known.state {
                "none" => 404,
                "taken_down" => 410,
                _ => 200,
            };
            assert_eq!(alone.status, status, "{known:?}");
            let alone = alone.text();
            for edition in 1..=known.edition {
                let mark = mark(known.id, edition);
                let public = known.public_edition == Some(edition) && status == 200;
                assert_eq!(alone.contains(&mark), public, "{mark} {known:?}");
                let listed = public && known.state != "withdrawn";
                assert_eq!(places.contains(&mark), listed, "{mark} {known:?}");
            }
            let items = list["items"].as_array().unwrap();
            let times = items.iter().filter(|item| item["id"] == known.id).count();
            let listed = ["live", "archived"].contains(&known.state);
            assert_eq!(times, usize::from(listed), "{known:?}");
        }
    }

    /// Reads an article's life off the audit log alone.
    async fn replay(&self, known: &Known) {
        let admin = self.portal.admin().await;
        let mut rows = Vec::new();
        let first = format!(
            "/v1/editorial/audit?object_type=article&object_id={}&limit=100",
            known.id
        );
        let mut path = first.clone();
        loop {
            let page = admin.get(&path).await.ok();
            rows.extend(page["items"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) => path = format!("{first}&cursor={next}"),
                None => break,
            }
        }
        rows.reverse();
        let (mut stage, mut state) = ("draft", "none");
        let (mut edition, mut public, mut planned) = (0_i64, Value::Null, None);
        let mut version = Value::Null;
        for row in &rows {
            assert_eq!(
                row["version_before"], version,
                "no version is missing: {row}"
            );
            version = row["version_after"].clone();
            match row["action"].as_str().unwrap() {
                "create" | "save" => {
                    edition += 1;
                    stage = match stage {
                        "submitted" | "approved" => "submitted",
                        _ => "draft",
                    };
                }
                "submit" => stage = "submitted",
                "recall" => stage = "draft",
                "return" => stage = "returned",
                "approve" => stage = "approved",
                "schedule" => (stage, planned) = ("approved", Some(edition)),
                "publish" => {
                    (stage, state, public, planned) = ("draft", "live", json!(edition), None);
                }
                "publish_scheduled" => {
                    let due = planned.take().unwrap();
                    (state, public) = ("live", json!(due));
                    if due == edition {
                        stage = "draft";
                    }
                }
                "withdraw" => state = "withdrawn",
                "archive" | "expire" => state = "archived",
                "take-down" => state = "taken_down",
                "restore" => state = "live",
                "unschedule" => {}
                other => panic!("an action that nobody did: {other}"),
            }
        }
        let path = format!("/v1/editorial/articles/{}", known.id);
        let seen = self.portal.editor().await.get(&path).await.ok();
        for (field, value) in [
            ("stage", json!(stage)),
            ("public_state", json!(state)),
            ("edition", json!(edition)),
            ("public_edition", public),
            ("version", version),
        ] {
            assert_eq!(seen[field], value, "{field} of {seen}");
        }
        assert_eq!(state, known.state);
    }
}

async fn live_through(steps: &[Step]) {
    let portal = Portal::with(&["--four-eyes", "on"]).await;
    let category = portal.news().await;
    let since = portal.get("/v1/changes?since=now").await.ok()["next"].clone();
    let mut newsroom = Newsroom {
        portal: &portal,
        category,
        articles: Vec::new(),
        since: since.as_str().unwrap().to_owned(),
        expected: Vec::new(),
        aside: SetAside::default(),
    };
    for step in steps {
        newsroom.take(step).await;
        newsroom.check().await;
    }
    for known in newsroom.articles.clone() {
        newsroom.replay(&known).await;
    }
    // Who follows the log from its beginning has what is public.
    let mut followed = BTreeMap::new();
    let mut path = "/v1/changes?limit=100".to_owned();
    loop {
        let page = portal.get(&path).await.ok();
        for row in page["items"].as_array().unwrap() {
            let object = &row["object"];
            if object["type"] == "article" {
                followed.insert(object["id"].as_i64().unwrap(), row["op"] == "put");
            }
        }
        if page["more"] == false {
            break;
        }
        path = format!(
            "/v1/changes?limit=100&since={}",
            page["next"].as_str().unwrap()
        );
    }
    let public: BTreeMap<i64, bool> = newsroom
        .articles
        .iter()
        .filter(|known| known.state != "none")
        .map(|known| (known.id, known.state != "taken_down"))
        .collect();
    assert_eq!(followed, public);
}

#[test]
fn whatever_people_do_the_rules_hold() {
    let config = Config {
        cases: std::env::var("PROPTEST_CASES").map_or(12, |cases| cases.parse().unwrap()),
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    runner
        .run(&steps(), |steps| {
            actix_web::rt::System::new().block_on(live_through(&steps));
            Ok(())
        })
        .unwrap();
}
