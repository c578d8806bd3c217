//! Access tokens that somebody made up: every one is refused, none breaks anything.

use actix_web::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{KeyInit as _, Mac as _};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Portal};

/// Somebody with the portal's own key, a token of its making, and bad intentions.
struct Forge {
    portal: Portal,
    key: SigningKey,
    token: String,
    header: Value,
    claims: Value,
}

impl Forge {
    async fn new() -> Self {
        let portal = Portal::new().await;
        let folder = portal.ctx.settings.keys_dir().unwrap();
        let seed = std::fs::read_to_string(folder.join("jwt-0001.key")).unwrap();
        let seed = hex::decode(seed.trim()).unwrap();
        let pair = portal.sign_in("editor", PASSWORD).await;
        let token = pair["access_token"].as_str().unwrap().to_owned();
        let part = |n: usize| {
            let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(n).unwrap());
            serde_json::from_slice(&bytes.unwrap()).unwrap()
        };
        Self {
            key: SigningKey::from_bytes(&seed.try_into().unwrap()),
            header: part(0),
            claims: part(1),
            portal,
            token,
        }
    }

    /// A token of this text, signed with this key.
    fn signed(&self, header: &str, claims: &str, key: &SigningKey) -> String {
        let signed = text(header, claims);
        let signature = key.sign(signed.as_bytes()).to_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// With some members of the header changed; null removes one.
    fn header(&self, change: &Value) -> String {
        let header = merged(&self.header, change).to_string();
        self.signed(&header, &self.claims.to_string(), &self.key)
    }

    /// With some claims changed; null removes one.
    fn claims(&self, change: &Value) -> String {
        let claims = merged(&self.claims, change).to_string();
        self.signed(&self.header.to_string(), &claims, &self.key)
    }

    async fn send(&self, authorization: &str) -> Answer {
        let ask = self.portal.ask(Method::GET, "/v1/auth/me");
        ask.header("authorization", authorization).send().await
    }

    async fn refuses(&self, token: &str) {
        let answer = self.send(&format!("Bearer {token}")).await;
        assert_eq!(answer.status, 401, "{token}: {}", answer.text());
        answer.problem(401, "unauthorized");
        // RFC 6750 tells one who brought no token from one whose token is bad.
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, "Bearer error=\"invalid_token\"");
    }
}

fn text(header: &str, claims: &str) -> String {
    let encode = |part: &str| URL_SAFE_NO_PAD.encode(part);
    format!("{}.{}", encode(header), encode(claims))
}

fn merged(value: &Value, change: &Value) -> Value {
    let mut object = value.as_object().unwrap().clone();
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => object.remove(name),
            value => object.insert(name.clone(), value.clone()),
        };
    }
    Value::Object(object)
}

#[actix_web::test]
async fn a_token_made_with_the_portals_key_is_one() {
    let forge = Forge::new().await;
    let token = forge.claims(&json!({"jti": "another"}));
    forge.send(&format!("Bearer {token}")).await.ok();
}

#[actix_web::test]
async fn who_brings_no_token_is_asked_for_one() {
    let forge = Forge::new().await;
    let answer = forge.portal.get("/v1/auth/me").await;
    answer.problem(401, "unauthorized");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

#[actix_web::test]
async fn another_algorithm_is_refused() {
    let forge = Forge::new().await;
    for alg in [
        "none", "None", "NONE", "", "HS256", "HS512", "RS256", "ES256", "eddsa", "EDDSA",
        "Ed25519", "EdDSA ",
    ] {
        forge.refuses(&forge.header(&json!({"alg": alg}))).await;
    }
    let none = merged(&forge.header, &json!({"alg": "none"})).to_string();
    let unsigned = text(&none, &forge.claims.to_string());
    for token in [format!("{unsigned}."), unsigned.clone()] {
        forge.refuses(&token).await;
    }
}

#[actix_web::test]
async fn the_public_key_is_no_secret_to_sign_with() {
    let forge = Forge::new().await;
    let public = forge.key.verifying_key();
    let encoded = URL_SAFE_NO_PAD.encode(public.as_bytes());
    for secret in [&public.as_bytes()[..], encoded.as_bytes(), b""] {
        for alg in ["HS256", "EdDSA"] {
            let header = merged(&forge.header, &json!({"alg": alg})).to_string();
            let signed = text(&header, &forge.claims.to_string());
            let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
            mac.update(signed.as_bytes());
            let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
            forge.refuses(&format!("{signed}.{signature}")).await;
        }
    }
}

#[actix_web::test]
async fn a_header_that_says_more_or_less_than_ours_is_refused() {
    let forge = Forge::new().await;
    let public = URL_SAFE_NO_PAD.encode(forge.key.verifying_key().as_bytes());
    for change in [
        json!({"alg": null}),
        json!({"alg": 1}),
        json!({"alg": ["EdDSA"]}),
        json!({"typ": null}),
        json!({"typ": "at+jwt"}),
        json!({"typ": "jwt"}),
        json!({"typ": 1}),
        json!({"kid": null}),
        json!({"kid": 1}),
        json!({"kid": "unknown"}),
        json!({"kid": ""}),
        json!({"kid": "../../jwt-0001.key"}),
        json!({"kid": "' OR 1=1 --"}),
        json!({"crit": ["exp"]}),
        json!({"crit": []}),
        json!({"b64": false}),
        json!({"b64": true}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": public}}),
        json!({"jku": "https://evil.example/jwks.json"}),
        json!({"x5u": "https://evil.example/cert.pem"}),
        json!({"cty": "JWT"}),
        json!({"zip": "DEF"}),
    ] {
        forge.refuses(&forge.header(&change)).await;
    }
}

#[actix_web::test]
async fn every_claim_is_required_and_typed() {
    let forge = Forge::new().await;
    for name in ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"] {
        forge.refuses(&forge.claims(&json!({name: null}))).await;
        forge.refuses(&forge.claims(&json!({name: []}))).await;
        forge.refuses(&forge.claims(&json!({name: true}))).await;
    }
    for name in ["iat", "nbf", "exp"] {
        let number = forge.claims[name].as_i64().unwrap();
        forge
            .refuses(&forge.claims(&json!({name: number.to_string()})))
            .await;
        forge.refuses(&forge.claims(&json!({name: 1e300}))).await;
        forge
            .refuses(&forge.claims(&json!({name: 1_774_058_400.5})))
            .await;
        forge.refuses(&forge.claims(&json!({name: u64::MAX}))).await;
    }
    for name in ["iss", "aud", "sub", "sid", "jti"] {
        forge.refuses(&forge.claims(&json!({name: 2}))).await;
    }
    forge.refuses(&forge.claims(&json!({"admin": true}))).await;
}

#[actix_web::test]
async fn a_token_for_others_or_of_others_is_refused() {
    let forge = Forge::new().await;
    for change in [
        json!({"aud": "somebody-else"}),
        json!({"aud": ""}),
        json!({"aud": [forge.claims["aud"], "somebody-else"]}),
        json!({"iss": "somebody-else"}),
        json!({"iss": "bantin "}),
        json!({"sub": "999"}),
        json!({"sub": "0"}),
        json!({"sub": "-1"}),
        json!({"sub": "9223372036854775808"}),
        json!({"sub": "editor"}),
        // Another user's id with this sign-in.
        json!({"sub": "4"}),
        json!({"sid": "unknown"}),
        json!({"sid": ""}),
        json!({"sid": "a".repeat(3000)}),
    ] {
        forge.refuses(&forge.claims(&change)).await;
    }
}

#[actix_web::test]
async fn a_token_of_another_time_is_refused() {
    let forge = Forge::new().await;
    let now = forge.claims["iat"].as_i64().unwrap();
    for change in [
        json!({"exp": now}),
        json!({"exp": now - 1}),
        json!({"exp": 0}),
        json!({"exp": i64::MAX}),
        json!({"exp": i64::MIN}),
        json!({"exp": now + 86_401}),
        json!({"nbf": now + 60}),
        json!({"nbf": i64::MAX}),
        json!({"iat": now + 60}),
        json!({"iat": -1}),
        json!({"iat": i64::MIN, "exp": i64::MAX}),
    ] {
        forge.refuses(&forge.claims(&change)).await;
    }
}

#[actix_web::test]
async fn members_that_are_there_twice_are_refused() {
    let forge = Forge::new().await;
    let (header, claims) = (forge.header.to_string(), forge.claims.to_string());
    let twice = |object: &str, member: &str| object.replacen('{', &format!("{{{member},"), 1);
    let alg = twice(&header, r#""alg":"none""#);
    let sub = twice(&claims, r#""sub":"4""#);
    let exp = twice(&claims, r#""exp":1"#);
    for (header, claims) in [(&alg, &claims), (&header, &sub), (&header, &exp)] {
        let token = forge.signed(header, claims, &forge.key);
        forge.refuses(&token).await;
    }
}

#[actix_web::test]
async fn another_key_and_a_changed_text_are_refused() {
    let forge = Forge::new().await;
    let (header, claims) = (forge.header.to_string(), forge.claims.to_string());
    let stranger = SigningKey::from_bytes(&[7; 32]);
    forge
        .refuses(&forge.signed(&header, &claims, &stranger))
        .await;
    let (signed, signature) = forge.token.rsplit_once('.').unwrap();
    let claims = merged(&forge.claims, &json!({"sub": "4"})).to_string();
    forge
        .refuses(&format!("{}.{signature}", text(&header, &claims)))
        .await;
    let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
    for bad in ["", "AA", &zeros, &signature[..signature.len() - 4]] {
        forge.refuses(&format!("{signed}.{bad}")).await;
    }
}

#[actix_web::test]
async fn another_spelling_of_a_good_token_is_refused() {
    let forge = Forge::new().await;
    let token = &forge.token;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    for bad in [
        format!("{token}="),
        format!("{token}=="),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}==.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{token} x"),
        format!("{header}..{signature}"),
        token.replace('.', " "),
        "....".to_owned(),
        ".".to_owned(),
        "null".to_owned(),
        "a".repeat(5000),
        // The last character of the signature carries bits that say nothing.
        format!("{}{}", &token[..token.len() - 1], following(token)),
        forge.signed("[]", "[]", &forge.key),
        forge.signed("null", "null", &forge.key),
        forge.signed("", "", &forge.key),
        forge.signed(&"[".repeat(1000), &forge.claims.to_string(), &forge.key),
    ] {
        forge.refuses(&bad).await;
    }
}

/// The next character of the alphabet after the last one.
fn following(token: &str) -> char {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = token.chars().last().unwrap();
    let next = alphabet.chars().skip_while(|c| *c != last).nth(1);
    next.unwrap_or('A')
}

#[actix_web::test]
async fn two_authorization_headers_are_one_too_many() {
    let forge = Forge::new().await;
    let good = format!("Bearer {}", forge.token);
    for (first, second) in [(&*good, "Bearer x"), ("Bearer x", &*good), (&good, &good)] {
        let ask = forge.portal.ask(Method::GET, "/v1/auth/me");
        let answer = ask
            .header("authorization", first)
            .header("authorization", second)
            .send()
            .await;
        answer.problem(400, "bad_header");
    }
}

#[actix_web::test]
async fn other_schemes_are_refused() {
    let forge = Forge::new().await;
    let token = forge.token.clone();
    for bad in [
        token.clone(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Basic {token}"),
        format!("Token {token}"),
        format!("Bearer:{token}"),
        format!("Bearer\t{token}"),
        format!("BearerX {token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer {token}, Bearer {token}"),
        format!("DPoP {token}"),
        String::new(),
    ] {
        forge.send(&bad).await.problem(401, "unauthorized");
    }
    // RFC 9110: the name of a scheme has no case.
    forge.send(&format!("bearer {token}")).await.ok();
}

#[actix_web::test]
async fn a_token_anywhere_else_is_not_looked_at() {
    let forge = Forge::new().await;
    let path = format!("/v1/auth/me?access_token={}", forge.token);
    forge.portal.get(&path).await.problem(401, "unauthorized");
    for (name, value) in [
        ("cookie", format!("access_token={}", forge.token)),
        ("x-access-token", forge.token.clone()),
        ("proxy-authorization", format!("Bearer {}", forge.token)),
    ] {
        let ask = forge.portal.ask(Method::GET, "/v1/auth/me");
        let answer = ask.header(name, &value).send().await;
        answer.problem(401, "unauthorized");
    }
}

#[actix_web::test]
async fn a_header_that_is_not_ascii_is_refused() {
    let forge = Forge::new().await;
    let answer = forge.send("Bearer thẻ.của.tôi").await;
    assert!(matches!(answer.status, 400 | 401), "{}", answer.status);
}
