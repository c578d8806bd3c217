//! Invitations by mail: the link reaches the user's address once, and nothing that the relay does
//! stands in the way of the invitation.

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::relay::{Mail, Manner, Relay, nobody};
use crate::support::{Answer, PASSWORD, Portal, User};

const USERS: &str = "/v1/editorial/users";
const PAGE: &str = "https://editor.example.vn/invite#{token}";
const SENDER: &str = "Toà soạn Sơn Hà <toasoan@sonha.example.vn>";
const EMAIL: &str = "tho.le@sonha.example.vn";

/// A portal that mails through a port of this machine. No test waits for a time-out but the one of
/// the relay that hangs.
async fn portal(port: u16, flags: &[&str]) -> Portal {
    let url = format!("smtp://127.0.0.1:{port}?tls=none");
    let mail = ["--invite-url", PAGE, "--smtp-from", SENDER];
    let given = |flag: &str| flags.contains(&flag);
    let url: &[&str] = match given("--smtp-url") {
        true => &[],
        false => &["--smtp-url", &url],
    };
    let patience: &[&str] = match given("--smtp-timeout") {
        true => &[],
        false => &["--smtp-timeout", "60"],
    };
    Portal::with(&[&mail, url, patience, flags].concat()).await
}

fn tho_le() -> Value {
    json!({"login": "tho.le", "name": "Lê Thơ", "roles": ["reporter"], "email": EMAIL})
}

async fn invite(admin: &User<'_>) -> Value {
    admin.post(USERS, &tho_le()).await.created()
}

async fn renew(admin: &User<'_>, user: &Value) -> Value {
    let place = format!("{USERS}/{}/invitation", user["id"]);
    let version = user["version"].as_i64().unwrap();
    admin.post_at(&place, version, &Value::Null).await.ok()
}

fn token(mail: &Mail) -> String {
    mail.link().split('#').nth(1).unwrap().to_owned()
}

async fn accept(portal: &Portal, token: &str) -> Answer {
    let body = json!({"token": token, "new_password": PASSWORD});
    let ask = portal.ask(Method::POST, "/v1/auth/invitation").json(&body);
    ask.send().await
}

/// Accepts with what an answer shows, and signs in.
async fn works(portal: &Portal, user: &Value) {
    let token = user["invitation"]["token"].as_str().unwrap();
    accept(portal, token).await.is(204);
    portal.sign_in("tho.le", PASSWORD).await;
}

#[actix_web::test]
async fn the_link_comes_by_mail_and_lets_the_user_in() {
    let relay = Relay::new(Manner::Takes);
    let portal = portal(relay.port, &[]).await;
    let admin = portal.admin().await;
    let user = invite(&admin).await;
    assert_eq!(user["content"]["email"], EMAIL);
    assert_eq!(user["invitation"]["mailed"], true);

    let mails = relay.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.from, "toasoan@sonha.example.vn");
    assert_eq!(mail.to, [EMAIL]);
    let sender = "\"Toà soạn Sơn Hà\" <toasoan@sonha.example.vn>";
    assert_eq!(
        mail.header("from").replace('"', ""),
        sender.replace('"', "")
    );
    assert_eq!(
        mail.header("to").replace('"', ""),
        format!("Lê Thơ <{EMAIL}>")
    );
    let subject = "Lời mời đặt mật khẩu – Cổng thông tin điện tử";
    assert_eq!(mail.header("subject"), subject);
    assert_eq!(mail.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(mail.header("auto-submitted"), "auto-generated");
    // The time of the portal's clock.
    assert_eq!(mail.header("date"), "Sat, 21 Mar 2026 02:00:00 +0000");
    assert!(mail.header("message-id").ends_with("@sonha.example.vn>"));
    assert!(mail.raw.is_ascii(), "{}", mail.raw);
    let text = mail.text();
    for words in [
        "Kính gửi Lê Thơ,",
        "Cổng thông tin điện tử mời",
        "Tên đăng nhập: tho.le",
        "đến 09:00 ngày 24/3/2026 (GMT+7)",
    ] {
        assert!(text.contains(words), "{text}");
    }

    assert_eq!(user["invitation"]["url"], mail.link());
    accept(&portal, &token(mail)).await.is(204);
    portal.sign_in("tho.le", PASSWORD).await;
}

#[actix_web::test]
async fn a_new_invitation_comes_by_mail_too_and_to_the_address_of_now() {
    let relay = Relay::new(Manner::Takes);
    let portal = portal(relay.port, &[]).await;
    let admin = portal.admin().await;
    let user = invite(&admin).await;
    let path = format!("{USERS}/{}", user["id"]);
    let moved = json!({"email": "le.tho@sonha.example.vn"});
    let user = admin.patch(&path, 1, &moved).await.ok();
    let renewed = renew(&admin, &user).await;
    assert_eq!(renewed["invitation"]["mailed"], true);
    let mails = relay.mails();
    assert_eq!(mails[1].to, ["le.tho@sonha.example.vn"]);
    assert_eq!(renewed["invitation"]["url"], mails[1].link());
    accept(&portal, &token(&mails[0]))
        .await
        .problem(401, "bad_invitation");
    works(&portal, &renewed).await;
}

#[actix_web::test]
async fn nothing_is_mailed_without_an_address_a_relay_or_an_invitation() {
    let relay = Relay::new(Manner::Takes);
    let portal = portal(relay.port, &[]).await;
    let admin = portal.admin().await;
    let mut user = tho_le();
    user["email"] = Value::Null;
    let user = admin.post(USERS, &user).await.created();
    assert_eq!(user["invitation"]["mailed"], false);
    let mut other = tho_le();
    other["login"] = json!("minh.an");
    other["password"] = json!(PASSWORD);
    let other = admin.post(USERS, &other).await.created();
    assert!(other.get("invitation").is_none());
    let robot = json!({
        "login": "may.anh", "name": "Máy", "roles": ["reporter"], "kind": "service", "email": EMAIL,
    });
    admin.post(USERS, &robot).await.created();
    assert!(relay.mails().is_empty());

    let silent = Portal::with(&["--invite-url", PAGE]).await;
    let user = invite(&silent.admin().await).await;
    assert_eq!(user["invitation"]["mailed"], false);
}

#[actix_web::test]
async fn a_relay_that_fails_leaves_the_invitation_as_it_is() {
    for manner in [
        Manner::Says("RCPT", "550 no such user"),
        Manner::Says("MAIL", "451 later"),
        Manner::Says("DATA", "552 too large"),
        Manner::Says(".", "554 {}"),
        Manner::Says("EHLO", "what?"),
        Manner::HangsUpAfter(""),
        Manner::HangsUpAfter("EHLO"),
        Manner::HangsUpAfter("RCPT"),
        Manner::HangsUpAfter("."),
    ] {
        let relay = Relay::new(manner);
        let portal = portal(relay.port, &[]).await;
        let user = invite(&portal.admin().await).await;
        assert_eq!(user["invitation"]["mailed"], false);
        assert!(relay.mails().is_empty());
        works(&portal, &user).await;
    }
    let portal = portal(nobody(), &[]).await;
    let user = invite(&portal.admin().await).await;
    assert_eq!(user["invitation"]["mailed"], false);
    works(&portal, &user).await;
}

#[actix_web::test]
async fn a_relay_that_hangs_is_not_waited_for() {
    let relay = Relay::new(Manner::Hangs);
    let portal = portal(relay.port, &["--smtp-timeout", "1"]).await;
    let user = invite(&portal.admin().await).await;
    assert_eq!(user["invitation"]["mailed"], false);
    works(&portal, &user).await;
}

#[actix_web::test]
async fn a_relay_that_takes_the_mail_need_not_say_good_bye() {
    let relay = Relay::new(Manner::HangsUpAfter("QUIT"));
    let portal = portal(relay.port, &[]).await;
    let user = invite(&portal.admin().await).await;
    assert_eq!(user["invitation"]["mailed"], true);
}

#[actix_web::test]
async fn no_mail_goes_out_in_the_open_unless_the_setting_says_so() {
    let relay = Relay::new(Manner::Takes);
    for (tls, mailed) in [
        ("", false),
        ("?tls=required", false),
        ("?tls=opportunistic", true),
    ] {
        let url = format!("smtp://127.0.0.1:{}{tls}", relay.port);
        let portal = portal(relay.port, &["--smtp-url", &url]).await;
        let user = invite(&portal.admin().await).await;
        assert_eq!(user["invitation"]["mailed"], mailed, "{url}");
    }
    assert_eq!(relay.mails().len(), 1);
}

#[actix_web::test]
async fn a_repeated_request_mails_once() {
    let relay = Relay::new(Manner::Takes);
    let portal = portal(relay.port, &[]).await;
    let admin = portal.admin().await;
    let ask = |path: &str, key: &str| admin.ask(Method::POST, path).header("idempotency-key", key);
    let made = (0..4).map(|_| ask(USERS, "k1").json(&tho_le()).send());
    let mut made = join_all(made).await;
    made.sort_by_key(|answer| answer.status);
    let user = made[0].created();
    for again in &made[1..] {
        again.problem(409, "secret_already_shown");
    }
    assert_eq!(relay.mails().len(), 1);
    let place = format!("{USERS}/{}/invitation", user["id"]);
    let renewed = ask(&place, "k2").at(1).send().await.ok();
    let again = ask(&place, "k2").at(1).send().await;
    again.problem(409, "secret_already_shown");
    let mails = relay.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(renewed["invitation"]["url"], mails[1].link());
}

#[actix_web::test]
async fn no_name_and_no_address_adds_a_recipient_or_a_header() {
    let relay = Relay::new(Manner::Takes);
    let portal = portal(relay.port, &[]).await;
    let admin = portal.admin().await;
    let mut user = tho_le();
    for hostile in [
        "tho.le@x.vn\r\nBcc: all@x.vn",
        "tho.le@x.vn\nDATA",
        "tho.le@x.vn, all@x.vn",
        "tho.le@x.vn> RCPT TO:<all@x.vn",
        "Thơ <tho.le@x.vn>",
        "\"tho\r\n.le\"@x.vn",
        "thơ.lê@x.vn",
        "tho.le",
        "",
    ] {
        user["email"] = json!(hostile);
        let answer = admin.post(USERS, &user).await;
        answer.faults(422, "invalid", &["/email bad_format"]);
    }
    user["email"] = json!(format!("a@{}vn", "b.".repeat(126)));
    let answer = admin.post(USERS, &user).await;
    answer.faults(422, "invalid", &["/email too_long"]);
    for name in ["Thơ\r\nBcc: all@x.vn", "Thơ\nX: y"] {
        let mut user = tho_le();
        user["name"] = json!(name);
        let answer = admin.post(USERS, &user).await;
        answer.faults(422, "invalid", &["/name forbidden_character"]);
    }
    assert!(relay.mails().is_empty());

    let current = admin.get("/v1/editorial/portal").await.ok();
    let mut content = current["content"].clone();
    content["name"] =
        json!("\"Tin\" <all@x.vn>, =?utf-8?q?=0D=0ABcc: all@x.vn?= \u{2028}Bcc: a@x.vn");
    let version = current["version"].as_i64().unwrap();
    admin
        .put("/v1/editorial/portal", version, &content)
        .await
        .ok();
    let names = [
        "Lê \"Thơ\" <all@x.vn>, B <b@x.vn>",
        "a@x.vn, b@x.vn",
        "=?utf-8?q?=0D=0ABcc: all@x.vn?=",
        "Thơ\u{2028}Bcc: all@x.vn",
        "Bcc: all@x.vn\\",
        "(all@x.vn) ; all@x.vn",
        ".",
    ];
    for (number, name) in names.iter().enumerate() {
        let mut user = tho_le();
        user["name"] = json!(name);
        user["login"] = json!(format!("tho.le{number}"));
        let user = admin.post(USERS, &user).await.created();
        assert_eq!(user["invitation"]["mailed"], true, "{name}");
    }
    let mails = relay.mails();
    assert_eq!(mails.len(), names.len());
    for mail in mails {
        assert_eq!(mail.to, [EMAIL]);
        assert!(mail.headers("bcc").is_empty(), "{}", mail.raw);
        assert!(mail.headers("cc").is_empty(), "{}", mail.raw);
        assert!(
            mail.header("to").ends_with(&format!("<{EMAIL}>")),
            "{}",
            mail.raw
        );
        mail.header("subject");
        mail.link();
    }
}

#[actix_web::test]
async fn an_address_is_part_of_what_an_admin_says_of_a_user() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let user = invite(&admin).await;
    let path = format!("{USERS}/{}", user["id"]);
    assert_eq!(user["content"]["email"], EMAIL);
    // The same as it is is no change.
    let same = admin.put(&path, 1, &user["content"]).await.ok();
    assert_eq!(same["version"], 1);
    // Two may share a box.
    let mut other = tho_le();
    other["login"] = json!("minh.an");
    admin.post(USERS, &other).await.created();

    let changed = admin
        .patch(&path, 1, &json!({"name": "Lê Thị Thơ"}))
        .await
        .ok();
    assert_eq!(changed["content"]["email"], EMAIL);
    let none = admin.patch(&path, 2, &json!({"email": null})).await.ok();
    assert_eq!(none["content"]["email"], Value::Null);
    let mut content = none["content"].clone();
    content["email"] = json!("Tho.Le@SonHa.example.vn");
    let set = admin.put(&path, 3, &content).await.ok();
    assert_eq!(set["content"]["email"], "Tho.Le@SonHa.example.vn");
    let wrong = admin.patch(&path, 4, &json!({"email": 7})).await;
    wrong.faults(422, "invalid", &["/email wrong_type"]);
    assert_eq!(admin.get(&path).await.ok(), set);
}
