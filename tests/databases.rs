//! The last lines of `cargo test`: which databases, vectors, bucket and provider the suites ran on. Fails where
//! something was asked for that did not run.

#![expect(clippy::print_stdout, reason = "its output is the result")]

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Test runners ask for a list first; this is not a suite.
    if std::env::args().any(|arg| arg == "--list") {
        return ExitCode::SUCCESS;
    }
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let server = std::env::var("BANTIN_TEST_POSTGRES").is_ok();
    let built = cfg!(feature = "postgres");
    println!();
    if !Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")).is_dir() {
        println!("NOT TESTED: the seed page and the shared Vietnamese vectors (no ../shared here)");
    }
    match (server, built) {
        (true, true) => println!("tested on PostgreSQL"),
        (true, false) => {
            println!("FAILED: BANTIN_TEST_POSTGRES is set, but the feature `postgres` is not");
            return ExitCode::FAILURE;
        }
        (false, _) => println!(
            "tested on SQLite; PostgreSQL was NOT TESTED: set BANTIN_TEST_POSTGRES=postgres://USER:PASSWORD@HOST/DATABASE \
             and run `cargo test --features postgres`"
        ),
    }
    let bucket = std::env::var("BANTIN_TEST_S3").is_ok();
    match bucket {
        true => println!("tested with media in S3"),
        false => println!(
            "media in S3 were NOT TESTED: set BANTIN_TEST_S3=http://KEY:SECRET@HOST:PORT/BUCKET"
        ),
    }
    if ci && built && !bucket {
        println!("FAILED: CI runs without an S3 server");
        return ExitCode::FAILURE;
    }
    let provider = std::env::var("BANTIN_TEST_OIDC").is_ok();
    match provider {
        true => println!("tested with a real OpenID Connect provider"),
        false => println!(
            "OpenID Connect against a real provider was NOT TESTED: start tests/oidc/provider.mjs and set BANTIN_TEST_OIDC"
        ),
    }
    if ci && built && !provider {
        println!("FAILED: CI runs without an OpenID Connect provider");
        return ExitCode::FAILURE;
    }
    if ci && built && !server {
        println!("FAILED: CI runs the feature `postgres` without a server");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
