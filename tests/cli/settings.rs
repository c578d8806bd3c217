//! Every setting is a flag and a variable, documented, and refused by name when it is wrong.

use bantin::config::Settings;
use clap::Args as _;

use crate::program::{Folder, Server, done};

/// A value that each setting refuses.
const BAD: &[(&str, &str)] = &[
    ("BANTIN_DATA_DIR", "/dev/null/data"),
    ("BANTIN_DATABASE_URL", "mysql://localhost/news"),
    ("BANTIN_LISTEN", "everywhere"),
    ("BANTIN_PUBLIC_URL", "ftp://sonha.example.vn"),
    (
        "BANTIN_INVITE_URL",
        "https://editor.example.vn/invite?t={token}",
    ),
    ("BANTIN_MEDIA_DIR", "/dev/null/media"),
    ("BANTIN_MEDIA_URL", "ftp://bucket/media"),
    ("BANTIN_S3_ENDPOINT", "somewhere"),
    ("BANTIN_S3_REGION", "us-east-1"), // without a bucket
    ("BANTIN_S3_KEY", "key"),
    ("BANTIN_S3_SECRET", "s3cret"),
    ("BANTIN_MEDIA_OPTIONS", "colour"),
    ("BANTIN_MEDIA_REDIRECT", "3601"),
    ("BANTIN_KEYS_DIR", "/dev/null/keys"),
    ("BANTIN_CORS_ORIGINS", "https://editor.example.vn/path"),
    ("BANTIN_TRUSTED_PROXIES", "10.0.0.1,proxy"),
    ("BANTIN_WORKERS", "0"),
    ("BANTIN_DB_CONNECTIONS", "many"),
    ("BANTIN_MAX_JSON", "-1"),
    ("BANTIN_MAX_IMAGE", "268435457"),
    ("BANTIN_MAX_DOCUMENT", "25MB"),
    ("BANTIN_MAX_AUDIO", "0"),
    ("BANTIN_MAX_VIDEO", "68719476737"),
    ("BANTIN_UPLOAD_HOURS", "0"),
    ("BANTIN_MAX_PIXELS", "0"),
    ("BANTIN_SVG", "some"),
    ("BANTIN_INLINE_PIXELS", "-1"),
    ("BANTIN_BODY_TIMEOUT", "3601"),
    ("BANTIN_SHUTDOWN_TIMEOUT", "1.5"),
    ("BANTIN_CACHE_SECONDS", "61"),
    ("BANTIN_RATE_LIMIT", "none"),
    ("BANTIN_ACCESS_SECONDS", "59"),
    ("BANTIN_SESSION_DAYS", "0"),
    ("BANTIN_SESSION_IDLE_HOURS", "0"),
    ("BANTIN_LOGIN_FAILURES", "0"),
    ("BANTIN_LOGIN_FAILURES_ADDRESS", "10001"),
    ("BANTIN_TOTP_ROLES", "editor,king"),
    ("BANTIN_AUDIT_YEARS", "1"),
    ("BANTIN_FOUR_EYES", "three"),
    ("BANTIN_ARGON2_MEMORY", "7"),
    ("BANTIN_ARGON2_PASSES", "0"),
    ("BANTIN_ARGON2_LANES", "65"),
    ("BANTIN_OIDC_ISSUER", "http://id.example.vn"),
    ("BANTIN_OIDC_CLIENT_ID", "bantin"), // without an issuer
    ("BANTIN_OIDC_CLIENT_SECRET", "s3cret"),
    (
        "BANTIN_OIDC_REDIRECT_URL",
        "https://editor.example.vn/in#here",
    ),
    ("BANTIN_OIDC_SCOPES", "profile"),
    ("BANTIN_OIDC_ROLES_CLAIM", " "),
    ("BANTIN_OIDC_ROLES", "desk=king"),
    ("BANTIN_OIDC_TIMEOUT", "0"),
    ("BANTIN_SMTP_URL", "smtp://an:s3cret@mx.example.vn?tls=none"),
    ("BANTIN_SMTP_FROM", "toasoan@sonha.example.vn"), // without a relay
    ("BANTIN_SMTP_TIMEOUT", "0"),
    ("BANTIN_LOG_FORMAT", "xml"),
    ("BANTIN_LOG", "bantin=loud"),
];

/// Flag and variable of every setting.
fn settings() -> Vec<(String, String)> {
    let command = Settings::augment_args(clap::Command::new("bantin"));
    let arguments = command.get_arguments();
    arguments
        .map(|argument| {
            let flag = argument.get_long().unwrap().to_owned();
            let variable = argument.get_env().unwrap().to_str().unwrap().to_owned();
            (flag, variable)
        })
        .collect()
}

#[test]
fn every_setting_is_a_flag_and_a_variable_with_help() {
    let folder = Folder::new();
    for (flag, variable) in settings() {
        let named = flag.to_uppercase().replace('-', "_");
        assert_eq!(variable, format!("BANTIN_{named}"));
    }
    for command in ["serve", "demo"] {
        let help = folder.run(&[command, "--help"]).ok();
        for (flag, variable) in settings() {
            let start = help.find(&format!("--{flag} <"));
            let rest = &help[start.unwrap_or_else(|| panic!("{command}: no --{flag}"))..];
            let entry = rest.split("\n  -").next().unwrap().split("\n      --");
            let entry: Vec<&str> = entry.take(1).flat_map(str::split_whitespace).collect();
            let entry = entry.join(" ");
            let env = [format!("[env: {variable}="), format!("[env: {variable}]")];
            assert!(env.iter().any(|env| entry.contains(env)), "{entry}");
            let optional = ["cors-origins", "trusted-proxies"];
            assert!(
                entry.contains("[default: ") || optional.contains(&flag.as_str()),
                "{command}: no default: {entry}"
            );
        }
    }
}

#[test]
fn every_command_has_help() {
    let folder = Folder::new();
    let help = folder.run(&["--help"]).ok();
    let commands = ["serve", "demo", "migrate", "openapi", "user"];
    for command in commands {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
        let own = folder.run(&[command, "--help"]).ok();
        assert!(own.contains("Usage: bantin"), "{own}");
        assert!(
            !own.starts_with("Usage"),
            "{command} says nothing of itself"
        );
    }
    for action in ["add", "list", "disable", "password"] {
        let own = folder.run(&["user", action, "--help"]).ok();
        let own = own.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(own.contains("[env: BANTIN_DATA_DIR="), "{own}");
        assert!(own.contains("[env: BANTIN_DATABASE_URL"), "{own}");
    }
    assert!(folder.run(&["--version"]).ok().starts_with("bantin "));
    folder.run(&[]).refused(&["Usage: bantin"]);
    folder.run(&["publish"]).refused(&["publish"]);
}

#[test]
fn help_shows_no_secret_of_the_environment() {
    let folder = Folder::new();
    let mut command = folder.command(&["serve", "--help"]);
    command.env("BANTIN_DATABASE_URL", "postgres://news:s3cret@db/news");
    command.env("BANTIN_OIDC_CLIENT_SECRET", "s3cret");
    command.env("BANTIN_SMTP_URL", "smtp://news:s3cret@mx.example.vn");
    assert!(!done(&mut command).ok().contains("s3cret"));
}

#[test]
fn a_bad_setting_is_refused_at_start_by_name() {
    let folder = Folder::new();
    for (flag, variable) in settings() {
        let bad = BAD.iter().find(|(name, _)| *name == variable);
        let (_, value) = bad.unwrap_or_else(|| panic!("{variable} has no bad value here"));
        let mut command = folder.command(&["serve"]);
        command
            .env("BANTIN_LISTEN", "127.0.0.1:0")
            .env(&variable, value);
        let words = done(&mut command).refused(&[]);
        assert!(
            words.contains(&variable) || words.contains(&format!("--{flag}")),
            "{variable}={value}: {words}"
        );
        assert!(
            variable != "BANTIN_SMTP_URL" || !words.contains("s3cret"),
            "{words}"
        );
        let equal = format!("--{flag}={value}");
        let words = folder.run(&["serve", &equal]).refused(&[]);
        assert!(
            words.contains(&variable) || words.contains(&format!("--{flag}")),
            "{equal}: {words}"
        );
    }
}

#[test]
fn settings_that_do_not_fit_together_are_refused_by_name() {
    let folder = Folder::new();
    let lanes = ["serve", "--argon2-lanes", "64", "--argon2-memory", "8"];
    folder.run(&lanes).refused(&["BANTIN_ARGON2_LANES"]);
    let in_no_folder = ["serve", "--database-url", "sqlite:/dev/null/news.db"];
    folder.run(&in_no_folder).refused(&["BANTIN_DATABASE_URL"]);
    let issuer = ["serve", "--oidc-issuer", "https://id.example.vn"];
    folder.run(&issuer).refused(&["BANTIN_OIDC_CLIENT_ID"]);
    let url = ["serve", "--smtp-url", "smtps://an:s3cret@mx.example.vn"];
    let words = folder.run(&url).refused(&["BANTIN_SMTP_FROM"]);
    assert!(!words.contains("s3cret"), "{words}");
    let from = ["--smtp-from", "Toà soạn <toasoan@sonha.example.vn>"];
    let both = [&url[..], &from].concat();
    folder.run(&both).refused(&["BANTIN_INVITE_URL"]);
    let two = [&url[..], &["--smtp-from", "a@x.vn, b@x.vn"]].concat();
    folder.run(&two).refused(&["BANTIN_SMTP_FROM"]);
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    for command in ["serve", "demo"] {
        let done = folder.run(&[command, "--listen", &taken]);
        done.refused(&["BANTIN_LISTEN", &taken]);
    }
}

#[test]
fn a_variable_that_is_empty_counts_as_one_that_is_not_set() {
    let folder = Folder::new();
    let mut command = folder.command(&["serve"]);
    for (_, variable) in settings() {
        command.env(variable, "");
    }
    // The test needs a port, and hashes that cost little.
    command.env("BANTIN_ARGON2_MEMORY", "8");
    Server::start(&mut command).stop();
    assert!(folder.database().exists());
    // A flag counts as it is given.
    for flag in ["--public-url=", "--invite-url=", "--smtp-url="] {
        let refused = folder.run(&["serve", "--listen=127.0.0.1:0", flag]);
        let name = flag.trim_matches(['-', '=']);
        let variable = format!("BANTIN_{}", name.to_uppercase().replace('-', "_"));
        let words = refused.refused(&[]);
        assert!(words.contains(name) || words.contains(&variable), "{words}");
    }
}

#[test]
fn the_document_is_printed() {
    let printed = Folder::new().run(&["openapi"]).ok();
    let document: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(document, bantin::http::spec::document());
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
}
