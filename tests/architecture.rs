//! The judge of the house: reads `src/` and `migrations/` and fails on an import that goes up or
//! sideways, and on what else of the architecture's rules text can show.
//!
//! A rule is a line in a table; to change one, change the table, with its reason.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A floor and the floors it may reach, top to bottom. A module stands on the longest name it
/// begins with. Of a floor around its own, a file may import only the commons.
#[rustfmt::skip]
const FLOORS: &[(&str, &str)] = &[
    ("main", "cli"),
    ("cli", "app http service ctx config store::editorial store::public store domain infra"),
    ("app", "http service ctx config store::public store domain infra"),
    // Presents previews as readers would get them, by the code that does so.
    ("http::editorial", "http::public http service ctx config store::editorial store::public store domain infra"),
    // Neither drafts nor commands: readers see nothing unpublished and change nothing.
    ("http::public", "http ctx config store::public store domain infra"),
    // What both sides of the API share must not hand drafts from one to the other.
    ("http", "service ctx config store::public store domain infra"),
    ("service", "ctx config store::editorial store::public store domain infra"),
    ("ctx", "config store domain infra"),
    ("config", "store domain infra"),
    ("store::editorial", "store::public store domain"),
    ("store::public", "store domain"),
    ("store", "domain"),
    ("domain", ""),
    ("infra", ""),
];

/// Files that the rest of their floor may import, and why; a floor's `mod.rs` always is one.
/// `*`: all of them.
#[rustfmt::skip]
const COMMONS: &[(&str, &str, &str)] = &[
    ("http", "caching", "headers of every answer"),
    ("http", "cors", "every answer is marked"),
    ("http", "error", "the one ResponseError"),
    ("http", "extract", "what every handler takes"),
    ("http", "files", "files of both sides"),
    ("http", "json", "how every body is read"),
    ("http", "request", "the id that errors carry"),
    ("http", "spec", "which methods an address has"),
    ("http", "upload", "the one way in for files"),
    ("http::public", "present", "how public objects look"),
    ("service", "refused", "whoever is refused is counted alike"),
    ("service", "working_copy", "an article and its captions are saved as one"),
    ("store", "db", "the doors to the database"),
    ("store", "error", "what they answer"),
    ("store::public", "categories", "lists and filters walk the tree"),
    ("store::public", "changes", "no public write without its log row"),
    ("store::public", "schema", "the tables"),
    ("store::editorial", "editions", "the working copy is its newest edition"),
    ("store::editorial", "locks", "an article shows who is at work on it"),
    ("store::editorial", "schema", "the tables"),
    ("domain", "*", "values are made of values"),
    ("infra", "random", "tokens, salts and keys are random"),
    ("infra", "boxes", "films and pictures lie in boxes of the same kind"),
    ("infra", "key_file", "keys of every kind are kept alike"),
];

/// Floors whose `mod.rs` puts the rooms together, and so names them; it does not re-export them.
const ASSEMBLIES: &str = "cli config http http::public http::editorial";

/// Imports that the tables above refuse, and why they stand. One that nobody needs any more fails.
#[rustfmt::skip]
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("store::db", "store::public::changes", "`Db::publish` hands out the log"),
    ("store::migrate", "store::public::portal", "a new database has its portal's row from the start"),
];

/// Names from outside that only some modules may mention; unit tests are free.
#[rustfmt::skip]
const OUTSIDE: &[(&str, &str, &str)] = &[
    ("diesel diesel_migrations libsqlite3_sys r2d2", "store", "all SQL is in store"),
    ("actix_multipart actix_web utoipa_actix_web", "http app cli", "only http speaks HTTP"),
    ("std::env", "config", "config.rs is the only reader of the environment"),
    ("std::time::SystemTime getrandom", "infra", "time and randomness are handed in"),
    ("jiff::Timestamp::now jiff::Zoned::now", "infra", "time and randomness are handed in"),
    ("std::fs std::io std::thread tokio", "main cli app http service ctx config store infra", "domain does no I/O"),
];

/// Sequences of tokens that only some modules may hold.
#[rustfmt::skip]
const WORDS: &[(&str, &str, &str)] = &[
    ("# [ allow (", "", ALLOW),
    ("# ! [ allow (", "", ALLOW),
    (", allow (", "", ALLOW), // in cfg_attr
    (", env =", "config", SETTING),
    ("( env =", "config", SETTING),
    ("db . write (", "cli service", WRITE),
    ("db . publish (", "cli service", WRITE),
];
const ALLOW: &str = "write #[expect(…, reason = \"…\")]";
const SETTING: &str = "settings from the environment belong in config.rs";
const WRITE: &str = "writes go through a service";

const LONGEST_FILE: usize = 500;
const NAMELESS: &[&str] = &["utils.rs", "util.rs", "helpers.rs", "misc.rs"];

struct Token {
    text: String,
    line: usize,
}

impl Token {
    fn new(text: &str, line: usize) -> Self {
        let text = text.to_owned();
        Self { text, line }
    }
}

/// Tokens in one row; comments are gone, literals are `"`.
fn lex(source: &str) -> Result<Vec<Token>, String> {
    fn flatten(stream: TokenStream, row: &mut Vec<Token>) {
        let mut joint = false;
        for tree in stream {
            let line = tree.span().start().line;
            let text = match &tree {
                TokenTree::Ident(word) => word.to_string(),
                TokenTree::Literal(_) => "\"".to_owned(),
                TokenTree::Punct(mark) => mark.to_string(),
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    row.push(Token::new(open, line));
                    flatten(group.stream(), row);
                    row.push(Token::new(close, group.span_close().start().line));
                    continue;
                }
            };
            match row.last_mut() {
                Some(last) if joint && text == ":" && last.text == ":" => last.text.push(':'),
                _ => row.push(Token::new(&text, line)),
            }
            joint = matches!(tree, TokenTree::Punct(mark) if mark.spacing() == Spacing::Joint);
        }
    }
    let stream: TokenStream = source.parse().map_err(|error| format!("{error}"))?;
    let mut row = Vec::new();
    flatten(stream, &mut row);
    Ok(row)
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// A path that a file mentions: as written, then with its beginning resolved, `crate` first.
struct Mention {
    path: Vec<String>,
    line: usize,
    /// Inline modules around it.
    scope: Vec<String>,
    /// The name that a `use` gives it.
    name: Option<String>,
    glob: bool,
    /// `pub use`.
    again: bool,
}

impl Mention {
    fn is_use(&self) -> bool {
        self.glob || self.name.is_some()
    }

    fn in_unit_test(&self) -> bool {
        self.scope.iter().any(|module| module == "tests")
    }
}

/// Every path of a file, aliases followed, so that `use crate::store; store::editorial::…` hides
/// nothing.
fn mentions(module: &str, row: &[Token]) -> Vec<Mention> {
    let text = |at: usize| row.get(at).map_or("", |token| token.text.as_str());
    let mut found = Vec::new();
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut scope: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut at) = (0, 0);
    while at < row.len() {
        let names = || scope.iter().map(|(name, _)| name.clone()).collect();
        match text(at) {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                scope.pop_if(|(_, outer)| *outer == depth);
            }
            "mod" if is_word(text(at + 1)) && text(at + 2) == "{" => {
                scope.push((text(at + 1).to_owned(), depth));
                at += 1;
            }
            "mod" if is_word(text(at + 1)) && text(at + 2) == ";" => {
                let child = ["crate", module, text(at + 1)].join("::");
                let child = child.split("::").filter(|part| !part.is_empty());
                known.insert(
                    text(at + 1).to_owned(),
                    child.map(ToOwned::to_owned).collect(),
                );
                at += 1;
            }
            // `use<'a>` captures a lifetime.
            "use" if text(at + 1) != "<" => {
                let first = found.len();
                let end = use_tree(row, at + 1, Vec::new(), &mut found);
                for mention in &mut found[first..] {
                    mention.scope = names();
                    mention.again = at > 0 && matches!(text(at - 1), "pub" | ")");
                }
                at = end;
            }
            word if is_word(word) && (at == 0 || !matches!(text(at - 1), "." | "::")) => {
                let (line, mut path) = (row[at].line, vec![word.to_owned()]);
                while text(at + 1) == "::" && is_word(text(at + 2)) {
                    path.push(text(at + 2).to_owned());
                    at += 2;
                }
                if path.len() > 1 {
                    found.push(Mention {
                        path,
                        line,
                        scope: names(),
                        name: None,
                        glob: false,
                        again: false,
                    });
                }
            }
            _ => {}
        }
        at += 1;
    }

    // Imports first, for they name what other paths begin with; twice, for they may build on
    // each other.
    for _ in 0..2 {
        for mention in found.iter_mut().filter(|mention| mention.is_use()) {
            resolve(mention, module, &known);
            if let Some(name) = &mention.name {
                known.insert(name.clone(), mention.path.clone());
            }
        }
    }
    for mention in found.iter_mut().filter(|mention| !mention.is_use()) {
        resolve(mention, module, &known);
    }
    found
}

/// Takes a `use` tree apart; answers where it ends.
fn use_tree(
    row: &[Token],
    mut at: usize,
    mut path: Vec<String>,
    found: &mut Vec<Mention>,
) -> usize {
    let text = |at: usize| row.get(at).map_or(";", |token| token.text.as_str());
    let line = row.get(at).map_or(0, |token| token.line);
    loop {
        match text(at) {
            "::" => at += 1,
            "{" => {
                at += 1;
                while !matches!(text(at), "}" | ";") {
                    at = use_tree(row, at, path.clone(), found);
                    at += usize::from(text(at) == ",");
                }
                return at + 1;
            }
            "self" if !path.is_empty() => at += 1,
            word if is_word(word) && word != "as" => {
                path.push(word.to_owned());
                at += 1;
            }
            end => {
                let glob = end == "*";
                let alias = (end == "as").then(|| text(at + 1).to_owned());
                let name = alias.or_else(|| path.last().filter(|_| !glob).cloned());
                found.push(Mention {
                    path,
                    line,
                    scope: Vec::new(),
                    name,
                    glob,
                    again: false,
                });
                return at + usize::from(glob) + 2 * usize::from(end == "as");
            }
        }
    }
}

fn resolve(mention: &mut Mention, module: &str, known: &BTreeMap<String, Vec<String>>) {
    let mut here: Vec<String> = std::iter::once("crate")
        .chain(module.split("::").filter(|part| !part.is_empty()))
        .map(ToOwned::to_owned)
        .chain(mention.scope.iter().cloned())
        .collect();
    let first = mention.path.first().cloned().unwrap_or_default();
    let mut rest = mention.path.split_off(1.min(mention.path.len()));
    let start = match first.as_str() {
        "crate" => vec![first],
        "self" => here,
        "super" => {
            here.pop();
            while rest.first().is_some_and(|part| part == "super") {
                rest.remove(0);
                here.pop();
            }
            here
        }
        // The program sees the library from outside.
        "bantin" if module == "main" => vec!["crate".to_owned()],
        _ => known.get(&first).cloned().unwrap_or_else(|| vec![first]),
    };
    mention.path = start;
    mention.path.append(&mut rest);
}

/// The entries of a table's cell.
fn list(cell: &'static str) -> impl Iterator<Item = &'static str> {
    cell.split_whitespace()
}

fn within(module: &str, place: &str) -> bool {
    module
        .strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn floor(module: &str) -> Option<&'static str> {
    let floors = FLOORS.iter().map(|(name, _)| *name);
    floors
        .filter(|name| within(module, name))
        .max_by_key(|name| name.len())
}

/// The file or folder of a floor that a module belongs to; none for the floor's own `mod.rs`.
fn room<'a>(module: &'a str, floor: &str) -> Option<&'a str> {
    let rest = module.strip_prefix(floor)?.strip_prefix("::")?;
    rest.split("::").next()
}

/// `src/http/public/mod.rs` is `http::public`; `src/lib.rs` is the root, without a name.
fn module_of(path: &str) -> String {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "lib" {
        String::new()
    } else {
        path.replace('/', "::")
    }
}

struct House {
    modules: BTreeSet<String>,
}

impl House {
    fn new<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            modules: paths.into_iter().map(module_of).collect(),
        }
    }

    /// The module that a path of this crate leads to; none for a name of another crate.
    fn target(&self, path: &[String]) -> Option<String> {
        let (first, rest) = path.split_first()?;
        if first != "crate" {
            return None;
        }
        let mut module = String::new();
        for part in rest {
            let deeper = if module.is_empty() {
                part.clone()
            } else {
                format!("{module}::{part}")
            };
            if !self.modules.contains(&deeper) && !FLOORS.iter().any(|(name, _)| *name == deeper) {
                break;
            }
            module = deeper;
        }
        Some(module)
    }

    /// Why `from` may not import `to`.
    fn objection(&self, from: &str, to: &str, again: bool) -> Option<String> {
        let is_floor = FLOORS.iter().any(|(name, _)| *name == from);
        let assembles = list(ASSEMBLIES).any(|name| name == from) && !again;
        if within(to, from) && (assembles || !is_floor) {
            return None;
        }
        if EXCEPTIONS
            .iter()
            .any(|(a, b, _)| within(from, a) && within(to, b))
        {
            return None;
        }
        let Some(below) = floor(to) else {
            return Some("the root only declares the floors".to_owned());
        };
        let Some((above, reach)) = FLOORS.iter().find(|(name, _)| Some(*name) == floor(from))
        else {
            return Some("stands on no floor: fix the map (FLOORS) first".to_owned());
        };
        if below == *above {
            let same_room = room(from, above).is_some() && room(from, above) == room(to, above);
            return (!same_room && !common(to, below))
                .then(|| format!("sideways: what {below} shares lives in its commons or below"));
        }
        if !list(reach).any(|name| name == below) {
            return Some(format!("{above} may not reach {below}"));
        }
        (within(above, below) && !common(to, below))
            .then(|| format!("{above} may import only the commons of {below}"))
    }

    /// Everything wrong with one file.
    fn check(&self, path: &str, source: &str) -> Vec<String> {
        let module = module_of(path);
        let mut faults = Vec::new();
        if !source.starts_with("//!") {
            faults.push(format!("{path}:1: opens with `//!`: what belongs here"));
        }
        let lines = source.lines().count();
        if lines > LONGEST_FILE {
            faults.push(format!("{path}: {lines} lines, at most {LONGEST_FILE}"));
        }
        if NAMELESS
            .iter()
            .any(|name| path.ends_with(&format!("/{name}")))
        {
            faults.push(format!("{path}: a file is named after what it holds"));
        }
        if floor(&module).is_none() && !module.is_empty() {
            faults.push(format!(
                "{path}: stands on no floor: fix the map (FLOORS) first"
            ));
        }
        let row = match lex(source) {
            Ok(row) => row,
            Err(why) => {
                faults.push(format!("{path}: {why}"));
                return faults;
            }
        };
        let allowed = |places| list(places).any(|place| within(&module, place));
        for (words, places, why) in WORDS {
            for window in row.windows(list(words).count()) {
                if list(words).eq(window.iter().map(|token| token.text.as_str()))
                    && !allowed(places)
                {
                    faults.push(format!("{path}:{}: {why}", window[0].line));
                }
            }
        }
        for mention in mentions(&module, &row) {
            let written = mention.path.join("::");
            let mut fault = |why: &str| {
                faults.push(format!("{path}:{}: {written}: {why}", mention.line));
            };
            if let Some(target) = self.target(&mention.path) {
                if let Some(why) = self.objection(&module, &target, mention.again) {
                    fault(&why);
                } else if mention.glob
                    && target != module
                    && within(&target, &written.replacen("crate::", "", 1))
                {
                    fault("a glob hides what is imported");
                }
            } else if !mention.in_unit_test() {
                for (names, places, why) in OUTSIDE {
                    if list(names).any(|name| within(&written, name)) && !allowed(places) {
                        fault(why);
                    }
                }
            }
        }
        faults
    }
}

fn common(module: &str, floor: &str) -> bool {
    room(module, floor).is_none_or(|room| {
        COMMONS
            .iter()
            .any(|(of, name, _)| *of == floor && (*name == room || *name == "*"))
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sources: path from the repository's root, and text.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&root().join("src"), &mut paths);
    paths.sort();
    let name = |path: &PathBuf| path.strip_prefix(root()).unwrap().display().to_string();
    paths
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn every_source_file_keeps_the_rules() {
    let sources = sources();
    let house = House::new(sources.iter().map(|(path, _)| path.as_str()));
    let faults: Vec<String> = sources
        .iter()
        .flat_map(|(path, source)| house.check(path, source))
        .collect();
    assert!(
        faults.is_empty(),
        "{} fault(s) against the house rules:\n{}\n",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn every_exception_is_still_needed() {
    let sources = sources();
    let house = House::new(sources.iter().map(|(path, _)| path.as_str()));
    for (from, to, why) in EXCEPTIONS {
        let needed = sources.iter().any(|(path, source)| {
            let module = module_of(path);
            within(&module, from)
                && mentions(&module, &lex(source).unwrap())
                    .iter()
                    .filter_map(|mention| house.target(&mention.path))
                    .any(|target| within(&target, to))
        });
        assert!(
            needed,
            "{from} no longer imports {to} ({why}): remove the exception"
        );
    }
}

#[test]
fn migrations_come_in_pairs_that_go_up_and_down() {
    let names = |database: &str| -> BTreeSet<String> {
        let folder = root().join("migrations").join(database);
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let (sqlite, postgres) = (names("sqlite"), names("postgres"));
    assert_eq!(sqlite, postgres, "each migration is two folders, one name");
    for name in &sqlite {
        let numbered = name.split_once('_').is_some_and(|(number, _)| {
            number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit())
        });
        assert!(numbered, "{name}: migrations are called NNNN_name");
        for database in ["sqlite", "postgres"] {
            for file in ["up.sql", "down.sql"] {
                let path = root()
                    .join("migrations")
                    .join(database)
                    .join(name)
                    .join(file);
                let text = fs::read_to_string(&path)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                assert!(!text.trim().is_empty(), "{}: is empty", path.display());
            }
        }
    }
}

/// The judge judged: (file, source, what the one fault says; empty: no fault).
#[rustfmt::skip]
const CASES: &[(&str, &str, &str)] = &[
    // Down is free, up is not.
    ("src/service/articles.rs", "use crate::store::Conn;", ""),
    ("src/domain/slug.rs", "use crate::store::Conn;", "domain may not reach store"),
    ("src/store/db.rs", "fn f(ctx: &crate::ctx::Ctx) {}", "store may not reach ctx"),
    ("src/store/public/articles.rs", "fn f() { super::super::super::http::app() }", "store::public may not reach http"),
    ("src/infra/token.rs", "use super::random;", ""),
    ("src/infra/token.rs", "use crate::domain::slug::Slug;", "infra may not reach domain"),
    ("src/main.rs", "fn main() { bantin::cli::run() }", ""),
    ("src/main.rs", "use bantin::store::Db;", "main may not reach store"),
    // Drafts are out of a reader's reach, whatever the spelling.
    ("src/http/public/articles.rs", "use crate::store::{Conn, editorial::articles};", "may not reach store::editorial"),
    ("src/http/public/articles.rs", "use crate::store; fn f() { store::editorial::articles::get() }", "may not reach store::editorial"),
    ("src/http/public/articles.rs", "use crate::store as s; use s::editorial as e;", "may not reach store::editorial"),
    ("src/http/public/articles.rs", "fn f() { r#try!(crate::store::editorial::articles::get()) }", "may not reach store::editorial"),
    ("src/http/error.rs", "use crate::store::editorial::articles;", "may not reach store::editorial"),
    ("src/store/public/articles.rs", "use crate::store::editorial::articles;", "may not reach store::editorial"),
    ("src/store/mod.rs", "pub mod editorial; pub use editorial::articles;", "may not reach store::editorial"),
    ("src/store/mod.rs", "mod editorial; fn f() { editorial::articles::get() }", "may not reach store::editorial"),
    ("src/store/mod.rs", "mod db; pub use db::Conn;", ""),
    ("src/http/mod.rs", "mod auth; pub use auth::login;", "sideways"),
    ("src/http/public/articles.rs", "use crate::service::articles;", "may not reach service"),
    ("src/store/editorial/articles.rs", "use crate::store::public::articles;", ""),
    // Siblings meet in the commons.
    ("src/http/public/articles.rs", "use super::present::Presenter; use crate::http::error::ApiError;", ""),
    ("src/http/public/articles.rs", "use super::media::Medium;", "sideways"),
    ("src/http/public/articles.rs", "use crate::http::editorial::articles::ArticleOut;", "may not reach http::editorial"),
    ("src/http/editorial/articles.rs", "use crate::http::auth::login;", "only the commons of http"),
    ("src/http/editorial/media/preview.rs", "use super::MediumOut;", ""),
    ("src/http/editorial/articles.rs", "use super::media::preview::sign;", "sideways"),
    ("src/service/articles.rs", "use super::media::Upload;", "sideways"),
    ("src/service/articles.rs", "use super::{Command, working_copy::save};", ""),
    ("src/domain/slug.rs", "use super::text;", ""),
    ("src/http/mod.rs", "mod public; mod auth; fn f() { public::routes(); self::auth::routes() }", ""),
    ("src/service/articles.rs", "use crate::store::public::articles::*;", "a glob"),
    ("src/service/articles.rs", "mod tests { use super::*; }", ""),
    // Outside names.
    ("src/service/articles.rs", "use diesel::prelude::*;", "all SQL is in store"),
    ("src/service/articles.rs", "fn f() { diesel::sql_query(\"\"); }", "all SQL is in store"),
    ("src/service/articles.rs", "use actix_web::web;", "only http speaks HTTP"),
    ("src/app.rs", "use std::{env, fs};", "only reader of the environment"),
    ("src/app.rs", "fn f() { env!(\"A\"); std::env::var(\"A\"); }", "only reader of the environment"),
    ("src/cli/serve.rs", "struct S { #[arg(long, env = \"A\")] a: u8 }", "belong in config.rs"),
    ("src/service/articles.rs", "use std::time; fn f() { time::SystemTime::now(); }", "handed in"),
    ("src/domain/slug.rs", "use std::fs::File;", "no I/O"),
    ("src/domain/slug.rs", "mod tests { fn f() { std::fs::read(\"a\"); } }", ""),
    // Words in comments and strings are only words.
    ("src/domain/slug.rs", "// crate::store\nconst A: &str = \"crate::store::Conn #[allow(x)]\";", ""),
    ("src/domain/slug.rs", "#[allow(dead_code)] fn f() {}", "#[expect"),
    ("src/domain/slug.rs", "#![cfg_attr(test, allow(dead_code))]", "#[expect"),
    ("src/http/editorial/articles.rs", "fn f(ctx: Ctx) { ctx\n.db\n.write(|_| ()) }", "writes go through a service"),
    ("src/domain/utils.rs", "", "named after what it holds"),
    ("src/news.rs", "", "stands on no floor"),
];

#[test]
fn the_judge_sees_what_is_wrong_and_only_that() {
    let house = House::new(CASES.iter().map(|(path, ..)| *path).chain([
        "src/http/auth.rs",
        "src/http/public/media.rs",
        "src/http/public/present.rs",
        "src/http/editorial/media.rs",
        "src/domain/text.rs",
        "src/infra/random.rs",
        "src/service/media.rs",
        "src/service/working_copy.rs",
    ]));
    for (path, source, says) in CASES {
        let faults = house.check(path, &format!("//! Room.\n{source}\n"));
        match faults.as_slice() {
            [] => assert!(says.is_empty(), "{path}: nothing wrong with: {source}"),
            [one] => assert!(
                !says.is_empty() && one.contains(says),
                "{source}\nsays: {one}"
            ),
            many => panic!("{path}: {source}\nsays: {}", many.join("\n")),
        }
    }
    let bare = house.check("src/domain/slug.rs", "fn f() {}");
    assert!(bare[0].contains("opens with `//!`"), "{bare:?}");
    let long = house.check("src/domain/slug.rs", &"//! a\n".repeat(LONGEST_FILE + 1));
    assert!(long[0].contains("501 lines"), "{long:?}");
}
