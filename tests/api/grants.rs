//! Roles that are limited to categories: what stands elsewhere is out of sight and out of reach.

use actix_web::http::Method;
use bantin::service::publishing::{SetAside, carry_out_due};
use serde_json::{Value, json};

use crate::support::newsroom::{column, slug};
use crate::support::operations::{World, operations};
use crate::support::sample::{content, figure, path, version, with};
use crate::support::{PASSWORD, Portal, User};

const USERS: &str = "/v1/editorial/users";
const CATEGORIES: &str = "/v1/editorial/categories";
const ARTICLES: &str = "/v1/editorial/articles";

fn one(category: &Value) -> String {
    format!("{CATEGORIES}/{}", category["id"])
}

fn row(user: &Value) -> String {
    format!("{USERS}/{}", user["id"])
}

impl Portal {
    /// Somebody new with these roles in these categories, signed in.
    async fn limited(&self, login: &str, role: &str, categories: &Value) -> User<'_> {
        let user = json!({
            "login": login, "name": login, "roles": [role], "password": PASSWORD,
            "categories": categories,
        });
        self.admin().await.post(USERS, &user).await.created();
        self.user(login).await
    }

    /// A category as editors see it, by its slug.
    async fn find(&self, wanted: &str) -> Value {
        let all = self.publisher().await.get(CATEGORIES).await.ok();
        let mut found = all["items"].as_array().unwrap().iter();
        found.find(|one| slug(one) == wanted).unwrap().clone()
    }

    /// Two categories side by side, one below the first, and the slugs of all three.
    async fn three(&self) -> [String; 3] {
        let first = self.category("Nông nghiệp", None).await;
        let below = self.category("Khuyến nông", first["id"].as_i64()).await;
        let second = self.category("Văn hoá", None).await;
        [&first, &below, &second].map(|category| slug(category).to_owned())
    }
}

#[actix_web::test]
async fn an_admin_limits_a_user_to_categories_and_everybody_sees_it() {
    let portal = Portal::new().await;
    let [first, below, second] = portal.three().await;
    let admin = portal.admin().await;
    let free = portal.editor().await.get("/v1/auth/me").await.ok();
    assert_eq!(free["categories"], Value::Null);
    let user = portal
        .limited("lan", "editor", &json!([second, below]))
        .await;
    let seen = portal.row_of("lan").await;
    // In the order in which the categories were made.
    let wanted = json!([below, second]);
    assert_eq!(seen["content"]["categories"], wanted);
    assert_eq!(user.get("/v1/auth/me").await.ok()["categories"], wanted);
    let pair = portal.sign_in("lan", PASSWORD).await;
    assert_eq!(pair["user"]["categories"], wanted);
    assert_eq!(admin.get(&row(&seen)).await.ok(), seen);

    // The same again is no change, in whatever order and by whatever slug.
    let renamed = portal.find(&second).await;
    let patch = json!({"slug": "van-hoa-xa"});
    let publisher = portal.publisher().await;
    publisher.patch(&one(&renamed), 1, &patch).await.ok();
    let now = admin.get(&row(&seen)).await.ok();
    assert_eq!(now["content"]["categories"], json!([below, "van-hoa-xa"]));
    assert_eq!(now["version"], 1);
    let same = with(&now["content"], "categories", json!([second, below]));
    assert_eq!(admin.put(&row(&seen), 1, &same).await.ok(), now);

    // It holds from the next request on, without signing in anew.
    let patch = json!({"categories": [first]});
    let changed = admin.patch(&row(&seen), 1, &patch).await.ok();
    assert_eq!(changed["version"], 2);
    let me = user.get("/v1/auth/me").await.ok();
    assert_eq!(me["categories"], json!([first]));
    let nowhere = json!({"categories": []});
    let nowhere = admin.patch(&row(&seen), 2, &nowhere).await.ok();
    assert_eq!(nowhere["content"]["categories"], json!([]));
    user.post(ARTICLES, &content("Tin", &first))
        .await
        .problem(403, "category_not_granted");
    let everywhere = json!({"categories": null});
    let everywhere = admin.patch(&row(&seen), 3, &everywhere).await.ok();
    assert_eq!(everywhere["content"]["categories"], Value::Null);
    user.draft(&content("Tin", &first)).await;
    // Other changes leave the limit alone.
    let patch = json!({"categories": [first], "name": "Lan Chi"});
    admin.patch(&row(&seen), 4, &patch).await.ok();
    let password = json!({"new_password": PASSWORD});
    let to = format!("{}/password", row(&seen));
    let after = admin.post_at(&to, 5, &password).await.ok();
    assert_eq!(after["content"]["categories"], json!([first]));
}

#[actix_web::test]
async fn what_is_no_category_or_is_there_twice_is_told() {
    let portal = Portal::new().await;
    let [first, ..] = portal.three().await;
    let admin = portal.admin().await;
    let seen = portal.row_of("editor").await;
    let stock = portal.stock().await;
    for (categories, faults) in [
        (json!(["khong-co"]), vec!["/categories/0 not_found"]),
        (json!([first, first]), vec!["/categories/1 duplicate"]),
        (
            json!([first, first, "a"]),
            vec!["/categories/1 duplicate", "/categories/2 not_found"],
        ),
        (json!(["Á"]), vec!["/categories/0 bad_format"]),
        (json!(first), vec!["/categories wrong_type"]),
        (json!(vec!["a"; 101]), vec!["/categories too_many"]),
    ] {
        let patch = json!({"categories": categories});
        let answer = admin.patch(&row(&seen), 1, &patch).await;
        answer.faults(422, "invalid", &faults);
        let user = json!({
            "login": "moi", "name": "Mới", "roles": ["editor"], "password": PASSWORD,
            "categories": categories,
        });
        admin
            .post(USERS, &user)
            .await
            .faults(422, "invalid", &faults);
    }
    assert_eq!(portal.stock().await, stock);
}

#[actix_web::test]
async fn every_operation_on_what_stands_elsewhere_finds_nothing() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    let other = portal.category("Nơi khác", None).await;
    let away = json!([slug(&other)]);
    for role in ["reporter", "editor", "publisher"] {
        portal.limited(&format!("xa-{role}"), role, &away).await;
    }
    let stock = portal.stock().await;
    let mut met = 0;
    for operation in operations().iter().filter(|one| one.is_editorial()) {
        let path = world.path(operation);
        let about = ["/articles/", "/captions/"];
        if !about.iter().any(|what| path.contains(what)) {
            continue;
        }
        for role in ["reporter", "editor", "publisher"] {
            let user = portal.user(&format!("xa-{role}")).await;
            let ask = || user.ask(operation.method.clone(), &path);
            for at in [version(&world.article), 99] {
                let ask = match world.body(operation) {
                    Some(body) => ask().at(at).json(&body),
                    None => ask().at(at),
                };
                let status = ask.send().await.status;
                // Who may not do such a thing anywhere is told so, whatever it is about.
                assert!(
                    status == 404 || status == 403 && role != "publisher",
                    "{} by a {role} of elsewhere: {status}",
                    operation.id
                );
            }
            met += 1;
        }
    }
    assert!(met > 40, "{met}");
    assert_eq!(portal.stock().await, stock);
    let figure = json!({"article_id": world.article["id"], "media": [{"media_id": world.medium}]});
    let user = portal.user("xa-publisher").await;
    let ask = user.ask(Method::POST, "/v1/editorial/captions");
    let answer = ask.at(version(&world.article)).json(&figure).send().await;
    answer.faults(422, "invalid", &["/article_id not_found"]);
    // Media have no category.
    user.get(&format!("/v1/editorial/media/{}", world.medium))
        .await
        .ok();
}

#[actix_web::test]
async fn lists_and_counts_say_nothing_of_what_stands_elsewhere() {
    let portal = Portal::new().await;
    let [first, below, second] = portal.three().await;
    let publisher = portal.publisher().await;
    let medium = publisher.picture(1).await;
    for number in 0..3 {
        for category in [&first, &below, &second] {
            let text = content(&format!("{category} {number}"), category);
            let text = with(&text, "body", json!([figure(category, &[medium])]));
            publisher.draft(&text).await;
        }
    }
    let own = portal.limited("lan", "editor", &json!([first])).await;
    let mut titles = Vec::new();
    let mut next = String::new();
    loop {
        let page = own
            .get(&format!("{ARTICLES}?count=true&limit=2{next}"))
            .await;
        let page = page.ok();
        assert_eq!(page["count"], 6);
        titles.extend(column(&page, "title"));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    let wanted = |number: i32| [format!("{below} {number}"), format!("{first} {number}")];
    assert_eq!(titles, [2, 1, 0].map(wanted).concat());
    let there = format!("{ARTICLES}?count=true&category={second}");
    let there = own.get(&there).await.ok();
    assert_eq!((&there["items"], &there["count"]), (&json!([]), &json!(0)));
    let captions = own.get("/v1/editorial/captions?limit=100").await.ok();
    assert_eq!(captions["items"].as_array().unwrap().len(), 6);
    assert!(!captions.to_string().contains(&second));
    let by_medium = format!("/v1/editorial/captions?media={medium}");
    let by_medium = own.get(&by_medium).await.ok();
    assert_eq!(by_medium["items"].as_array().unwrap().len(), 6);
    let inbox = own.get("/v1/editorial/inbox").await;
    let all = publisher.get("/v1/editorial/inbox").await;
    assert_ne!(inbox.ok(), all.ok());
    let nowhere = portal.limited("binh", "publisher", &json!([])).await;
    for empty in [ARTICLES, "/v1/editorial/captions"] {
        assert_eq!(nowhere.get(empty).await.ok()["items"], json!([]));
    }
}

#[actix_web::test]
async fn writing_into_a_category_and_moving_need_a_grant_there() {
    let portal = Portal::new().await;
    let [first, below, second] = portal.three().await;
    let own = portal.limited("lan", "reporter", &json!([first])).await;
    let refused = own.post(ARTICLES, &content("Tin", &second)).await;
    let detail = refused.problem(403, "category_not_granted")["detail"].to_string();
    assert!(detail.contains(&second), "{detail}");
    let draft = own.draft(&content("Tin", &first)).await;
    let there = json!({"category": second});
    own.change(&draft, &there)
        .await
        .problem(403, "category_not_granted");
    let moved = own.edit(&draft, &json!({"category": below})).await;
    assert_eq!(own.read(&draft).await, moved);

    // Who has a grant in both moves it, out of the reporter's sight.
    let both = portal
        .limited("binh", "editor", &json!([below, second]))
        .await;
    let gone = both.edit(&moved, &there).await;
    own.get(&path(&gone)).await.problem(404, "not_found");
    assert_eq!(own.get(ARTICLES).await.ok()["items"], json!([]));
    let back = json!({"category": first});
    both.change(&gone, &back)
        .await
        .problem(403, "category_not_granted");
    // Nobody brings it back who has a grant there only.
    own.change(&gone, &back).await.problem(404, "not_found");
}

#[actix_web::test]
async fn what_readers_see_elsewhere_needs_a_grant_there_too() {
    let portal = Portal::new().await;
    let [first, _, second] = portal.three().await;
    let live = portal.published(&content("Tin", &first)).await;
    let publisher = portal.publisher().await;
    let moved = publisher.edit(&live, &json!({"category": second})).await;
    let own = portal.limited("lan", "publisher", &json!([second])).await;
    let seen = own.read(&moved).await;
    assert_eq!(seen["allowed_actions"], json!(["save", "submit"]));
    for (action, body) in [
        ("publish", json!({"kind": "minor"})),
        ("withdraw", json!({"note": "Sai."})),
        ("archive", Value::Null),
        ("take-down", json!({"reason_code": "wrong"})),
    ] {
        let refused = own.try_act(&moved, action, &body).await;
        refused.problem(403, "category_not_granted");
    }
    assert_eq!(
        portal
            .titles(&format!("/v1/articles?category={first}"))
            .await,
        ["Tin"]
    );
    let user = portal.row_of("lan").await;
    let both = json!({"categories": [first, second]});
    portal.admin().await.patch(&row(&user), 1, &both).await.ok();
    let after = own.update(&moved, "minor").await;
    assert!(after["allowed_actions"].to_string().contains("take-down"));
    assert_eq!(
        portal
            .titles(&format!("/v1/articles?category={second}"))
            .await,
        ["Tin"]
    );
    // Now it is nobody's who has the first only.
    let one = json!({"categories": [first]});
    portal.admin().await.patch(&row(&user), 2, &one).await.ok();
    own.get(&path(&after)).await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_plan_stands_where_its_edition_does_and_is_kept_whatever_becomes_of_its_planner() {
    let portal = Portal::new().await;
    let [first, _, second] = portal.three().await;
    let planner = portal.limited("lan", "publisher", &json!([first])).await;
    let draft = planner.draft(&content("Tin", &first)).await;
    let later = json!({"at": "2026-03-21T09:10:00+07:00"});
    let planned = planner.act(&draft, "publish", &later).await;
    let actions = planned["allowed_actions"].to_string();
    assert!(actions.contains("unschedule"), "{actions}");
    let moved = portal.publisher().await;
    let moved = moved.edit(&planned, &json!({"category": second})).await;
    let other = portal.limited("binh", "publisher", &json!([second])).await;
    let seen = other.read(&moved).await;
    let listed = other.get(ARTICLES).await.ok();
    let told = &listed["items"][0]["allowed_actions"];
    assert_eq!(told, &seen["allowed_actions"]);
    for action in ["unschedule", "publish"] {
        assert!(!told.as_array().unwrap().contains(&json!(action)), "{told}");
        let refused = other.try_act(&moved, action, &json!({})).await;
        refused.problem(403, "category_not_granted");
    }
    let row_of = portal.row_of("lan").await;
    let nowhere = json!({"categories": [], "disabled": true});
    let admin = portal.admin().await;
    admin.patch(&row(&row_of), 1, &nowhere).await.ok();
    portal.advance(601);
    let mut aside = SetAside::default();
    assert_eq!(carry_out_due(&portal.ctx, &mut aside).await.unwrap(), 1);
    let list = format!("/v1/articles?category={first}");
    assert_eq!(portal.titles(&list).await, ["Tin"]);
}

/// An article of the reporter's in a public state, and whether its working copy was moved after.
async fn article_in(portal: &Portal, state: &str, from: &str, to: &str) -> Value {
    let publisher = portal.publisher().await;
    let draft = portal.reporter().await.draft(&content("Tin", from)).await;
    let article = match state {
        "none" => draft,
        _ => publisher.act(&draft, "publish", &json!({})).await,
    };
    let article = match state {
        "withdrawn" => publisher.withdraw(&article).await,
        "archived" => publisher.act(&article, "archive", &Value::Null).await,
        "taken_down" => publisher.take_down(&article).await,
        _ => article,
    };
    match from == to {
        true => article,
        false => publisher.edit(&article, &json!({"category": to})).await,
    }
}

#[actix_web::test]
async fn the_actions_that_are_told_are_those_that_are_let() {
    let portal = Portal::new().await;
    let [first, below, second] = portal.three().await;
    let actions = [
        ("submit", Value::Null),
        ("approve", Value::Null),
        ("publish", json!({"kind": "correction", "note": "Sửa."})),
        ("withdraw", json!({"note": "Sai."})),
        ("archive", Value::Null),
        ("take-down", json!({"reason_code": "wrong"})),
        ("restore", Value::Null),
    ];
    let (mut told, mut refused) = (0, 0);
    for role in ["editor", "publisher"] {
        let grants = [json!([first]), json!([second]), json!([first, second])];
        for (number, grants) in grants.iter().enumerate() {
            let login = format!("{role}-{number}");
            let user = portal.limited(&login, role, grants).await;
            for state in ["none", "live", "withdrawn", "archived", "taken_down"] {
                for to in [&below, &second] {
                    let what = format!("{role} {grants} {state} {to}");
                    let article = article_in(&portal, state, &below, to).await;
                    let seen = user.get(&path(&article)).await;
                    let allowed = match seen.status {
                        200 => seen.json()["allowed_actions"].clone(),
                        _ => json!([]),
                    };
                    let allowed = allowed.as_array().unwrap();
                    for (action, body) in &actions {
                        let first_time = *action == "publish" && state == "none";
                        let body = if first_time { &json!({}) } else { body };
                        if allowed.contains(&json!(action)) {
                            let article = article_in(&portal, state, &below, to).await;
                            let answer = user.try_act(&article, action, body).await;
                            assert_eq!(answer.status, 200, "{what} {action}");
                            told += 1;
                            continue;
                        }
                        let status = user.try_act(&article, action, body).await.status;
                        let wanted: &[u16] = match seen.status {
                            404 => &[403, 404],
                            _ => &[403, 409],
                        };
                        assert!(wanted.contains(&status), "{what} {action}: {status}");
                        refused += 1;
                    }
                    assert_eq!(
                        portal.publisher().await.read(&article).await["version"],
                        article["version"]
                    );
                }
            }
        }
    }
    assert!(told > 40 && refused > 200, "{told} {refused}");
}

#[actix_web::test]
async fn a_publisher_manages_the_tree_below_the_own_categories_only() {
    let portal = Portal::new().await;
    let [first, below, second] = portal.three().await;
    let (first, below, second) = (
        portal.find(&first).await,
        portal.find(&below).await,
        portal.find(&second).await,
    );
    let own = portal
        .limited("lan", "publisher", &json!([slug(&first)]))
        .await;
    let code = "category_not_granted";
    for parent in [Value::Null, second["id"].clone()] {
        let body = json!({"name": "Mới", "parent_id": parent});
        own.post(CATEGORIES, &body).await.problem(403, code);
        let body = json!({"parent_id": parent});
        own.patch(&one(&below), 1, &body).await.problem(403, code);
    }
    let name = json!({"name": "Tên khác"});
    own.patch(&one(&second), 1, &name).await.problem(403, code);
    own.delete(&one(&second), 1).await.problem(403, code);
    for (from, into) in [(&second, &first), (&below, &second)] {
        let merge = format!("{}/merge", one(from));
        let body = json!({"into": slug(into)});
        own.post_at(&merge, 1, &body).await.problem(403, code);
    }
    // The category of the grant itself is the publisher's, its place in the tree is not.
    own.patch(&one(&first), 1, &name).await.ok();
    let under = json!({"parent_id": second["id"]});
    own.patch(&one(&first), 2, &under).await.problem(403, code);
    let body = json!({"name": "Mới", "parent_id": first["id"]});
    let made = own.post(CATEGORIES, &body).await.created();
    let deeper = json!({"parent_id": below["id"]});
    let made = own.patch(&one(&made), 1, &deeper).await.ok();
    own.delete(&one(&made), version(&made)).await.is(204);
    let merge = format!("{}/merge", one(&below));
    let into = json!({"into": slug(&first)});
    own.post_at(&merge, 1, &into).await.ok();
}

#[actix_web::test]
async fn no_limit_is_lost_with_its_category() {
    let portal = Portal::new().await;
    let [first, below, second] = portal.three().await;
    let publisher = portal.publisher().await;
    let own = portal.limited("lan", "editor", &json!([below])).await;
    portal
        .limited("binh", "editor", &json!([below, second]))
        .await;
    let refused = publisher.delete(&one(&portal.find(&below).await), 1).await;
    let detail = refused.problem(409, "category_in_use")["detail"].to_string();
    assert!(detail.contains("limited"), "{detail}");
    let draft = publisher.draft(&content("Tin", &second)).await;
    own.get(&path(&draft)).await.problem(404, "not_found");

    // Merged, the limit goes where the articles go.
    let merge = format!("{}/merge", one(&portal.find(&below).await));
    let body = json!({"into": second});
    publisher.post_at(&merge, 1, &body).await.ok();
    for login in ["lan", "binh"] {
        let seen = portal.row_of(login).await;
        assert_eq!(seen["content"]["categories"], json!([second]), "{login}");
        assert_eq!(seen["version"], 1);
    }
    assert_eq!(own.read(&draft).await["content"]["category"], json!(second));
    own.post(ARTICLES, &content("Tin", &first))
        .await
        .problem(403, "category_not_granted");
}

#[actix_web::test]
async fn an_admin_manages_people_whatever_the_limit_says() {
    let portal = Portal::new().await;
    let admin = portal.limited("hoa", "admin", &json!([])).await;
    admin.get(USERS).await.ok();
    admin.get("/v1/editorial/portal").await.ok();
}
