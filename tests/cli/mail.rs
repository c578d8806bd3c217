//! Mail as the real binary sends it: under TLS that the system trusts, with a password, and with
//! nothing of either in the log.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use crate::program::{Folder, Server};
use crate::relay::{Manner, Relay};

const PASSWORD: &str = "con trâu đen bên bờ ao";

/// A piece of DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut piece = vec![tag, 0x82, length[0], length[1]];
    if content.len() < 128 {
        piece = vec![tag, length[1]];
    } else if content.len() < 256 {
        piece = vec![tag, 0x81, length[1]];
    }
    piece.extend(content);
    piece
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

/// A certificate for `localhost` that vouches for itself, and what a server makes of it.
fn certificate() -> (Vec<u8>, Arc<rustls::ServerConfig>) {
    let random = SystemRandom::new();
    let kind = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let secret = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(kind, secret.as_ref(), &random).unwrap();
    let oid = |bytes: &[u8]| der(0x06, bytes);
    let signed_by = sequence(&[&oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])]);
    let common_name = sequence(&[&oid(&[0x55, 4, 3]), &der(0x0c, b"localhost")]);
    let name = sequence(&[&der(0x31, &common_name)]);
    let times = [b"20200101000000Z", b"29991231235959Z"].map(|time| der(0x18, time));
    let curve = sequence(&[
        &oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]),
        &oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]),
    ]);
    let point = [&[0][..], pair.public_key().as_ref()].concat();
    let hosts = sequence(&[&der(0x82, b"localhost")]);
    let alternative = sequence(&[&oid(&[0x55, 0x1d, 0x11]), &der(0x04, &hosts)]);
    let told = sequence(&[
        &der(0xa0, &der(0x02, &[2])),
        &der(0x02, &[1]),
        &signed_by,
        &name,
        &sequence(&[&times[0], &times[1]]),
        &name,
        &sequence(&[&curve, &der(0x03, &point)]),
        &der(0xa3, &sequence(&[&alternative])),
    ]);
    let signature = pair.sign(&random, &told).unwrap();
    let signature = der(0x03, &[&[0][..], signature.as_ref()].concat());
    let certificate = sequence(&[&told, &signed_by, &signature]);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.clone())],
            PrivateKeyDer::Pkcs8(secret.as_ref().to_vec().into()),
        )
        .unwrap();
    (certificate, Arc::new(config))
}

/// A server that mails through an address, with an admin.
fn serve(folder: &Folder, url: &str, trusts: &[u8]) -> Server {
    let add = ["user", "add", "quantri", "--role", "admin"];
    let add = [&add[..], &["--password-stdin"]].concat();
    folder.run_with(&add, PASSWORD).ok();
    let pem = folder.path().join("trusted.pem");
    let text = STANDARD.encode(trusts);
    let text = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    std::fs::write(&pem, text).unwrap();
    let mut command = folder.command(&["serve", "--log", "bantin=trace,lettre=trace,rustls=trace"]);
    command
        .env("SSL_CERT_FILE", &pem)
        .env_remove("SSL_CERT_DIR")
        .env("BANTIN_SMTP_URL", url)
        .env("BANTIN_SMTP_FROM", "toasoan@sonha.example.vn")
        .env("BANTIN_SMTP_TIMEOUT", "60")
        .env("BANTIN_INVITE_URL", "https://editor.example.vn/#{token}");
    Server::start(&mut command)
}

/// The body of an answer.
fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// Invites somebody as the admin; answers what was shown.
fn invite(server: &mut Server) -> Value {
    let change = "bầy cò trắng về đồng";
    let login = json!({"login": "quantri", "password": PASSWORD}).to_string();
    let token = body(&server.post("/v1/auth/login", &login));
    let token = token["access_token"].as_str().unwrap().to_owned();
    let new = json!({"current_password": PASSWORD, "new_password": change}).to_string();
    server.post_as(&token, "/v1/auth/password", &new);
    let user = json!({
        "login": "tho.le", "name": "Lê Thơ", "roles": ["reporter"], "email": "tho.le@x.vn",
    });
    let user = server.post_as(&token, "/v1/editorial/users", &user.to_string());
    // The last line of the request, so that what was logged before is there.
    server.wait_for("\"path\":\"/v1/editorial/users\"");
    body(&user)["invitation"].clone()
}

#[test]
fn a_password_goes_under_tls_to_a_relay_that_the_system_trusts() {
    let (certificate, config) = certificate();
    let relay = Relay::new(Manner::Secured(config));
    let url = format!("smtp://toasoan%40x.vn:s3cret@localhost:{}", relay.port);
    let folder = Folder::new();
    let mut server = serve(&folder, &url, &certificate);
    let shown = invite(&mut server);
    assert_eq!(shown["mailed"], true, "{}", server.log());
    let mails = relay.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].tls);
    let by = ("toasoan@x.vn".to_owned(), "s3cret".to_owned());
    assert_eq!(mails[0].by, Some(by));
    assert_eq!(shown["url"], mails[0].link());
    let log = server.log();
    for secret in ["s3cret", shown["token"].as_str().unwrap()] {
        assert!(!log.contains(secret), "{log}");
    }
    server.stop();
}

#[test]
fn a_relay_that_nobody_vouches_for_gets_neither_password_nor_mail() {
    let ((other, _), (_, config)) = (certificate(), certificate());
    let relay = Relay::new(Manner::Secured(config));
    let url = format!("smtp://an:s3cret@localhost:{}", relay.port);
    let folder = Folder::new();
    let mut server = serve(&folder, &url, &other);
    assert_eq!(invite(&mut server)["mailed"], false);
    assert!(relay.mails().is_empty());
    let log = server.log();
    assert!(log.contains("could not be mailed"), "{log}");
    assert!(!log.contains("s3cret"), "{log}");
    server.stop();
}

#[test]
fn what_a_relay_repeats_of_the_mail_stays_out_of_the_log() {
    let (certificate, _) = certificate();
    let relay = Relay::new(Manner::Says(".", "554 spam: {}"));
    let url = format!("smtp://localhost:{}?tls=none", relay.port);
    let folder = Folder::new();
    let mut server = serve(&folder, &url, &certificate);
    let shown = invite(&mut server);
    assert_eq!(shown["mailed"], false);
    let log = server.log();
    assert!(log.contains("could not be mailed"), "{log}");
    assert!(log.contains("554") && log.contains("spam"), "{log}");
    assert!(!log.contains(shown["token"].as_str().unwrap()), "{log}");
    server.stop();
}
