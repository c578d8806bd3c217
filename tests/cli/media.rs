//! Media storage from the command line: cleaned and moved, with the server down.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::demo::demo;
use crate::program::{Folder, read};

/// Files below a folder, those on their way in aside.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true if path.ends_with("tmp") => {}
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn media_are_cleaned_and_moved() {
    let folder = Folder::new();
    let server = demo(&folder);
    let home = server.get("/v1/home");
    let base = format!("http://127.0.0.1:{}", server.port);
    let url = home
        .split('"')
        .find(|text| text.contains("/media/"))
        .unwrap();
    let file = url.strip_prefix(&base).unwrap().to_owned();
    server.stop();
    let media = folder.path().join("bantin-data/media");
    let all = files(&media).len();

    // An orphan of two days is removed, one of now is not.
    std::fs::create_dir_all(media.join("or")).unwrap();
    for name in ["orphan0001", "orphan0002"] {
        std::fs::write(media.join("or").join(name), b"left").unwrap();
    }
    let old = SystemTime::now() - Duration::from_secs(2 * 86_400);
    let orphan = File::options()
        .write(true)
        .open(media.join("or/orphan0001"));
    orphan.unwrap().set_modified(old).unwrap();
    let out = folder.run(&["media", "clean", "--dry-run"]).ok();
    assert!(
        out.contains("file orphan0001\nwould remove 1 files"),
        "{out}"
    );
    assert_eq!(files(&media).len(), all + 2);
    let out = folder.run(&["media", "clean"]).ok();
    assert!(out.contains("removed 1 files"), "{out}");
    assert!(!media.join("or/orphan0001").exists());
    std::fs::remove_file(media.join("or/orphan0002")).unwrap();

    // The copy is whole; a second run has nothing to do; a file that has changed is told.
    let to = ["media", "move", "--to", "elsewhere"];
    let out = folder.run(&to).ok();
    assert!(
        out.contains(&format!("{all} files copied, 0 were there")),
        "{out}"
    );
    let out = folder.run(&to).ok();
    assert!(
        out.contains(&format!("0 files copied, {all} were there")),
        "{out}"
    );
    let copies = files(&folder.path().join("elsewhere"));
    std::fs::remove_file(&copies[0]).unwrap();
    let name = copies[0].file_name().unwrap().to_str().unwrap();
    let source = media.join(&name[..2]).join(name);
    let bytes = std::fs::read(&source).unwrap();
    std::fs::write(&source, b"something else").unwrap();
    folder
        .run(&to)
        .refused(&[name, "not what they were", "run it again"]);
    std::fs::write(&source, bytes).unwrap();
    folder.run(&to).ok();
    let mut command = folder.command(&["serve"]);
    command.env("BANTIN_MEDIA_DIR", "elsewhere");
    let server = crate::program::Server::start(&mut command);
    let mut stream = server.connect();
    let head = format!("HEAD {file} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    assert!(read(stream).starts_with("HTTP/1.1 200 "));
    server.stop();

    // Another portal's storage is not cleaned.
    let wrong = ["media", "clean", "--media-dir", "another"];
    std::fs::create_dir_all(folder.path().join("another/an")).unwrap();
    std::fs::write(folder.path().join("another/an/another001"), b"x").unwrap();
    folder.run(&wrong).refused(&["none of the portal's files"]);
    folder
        .run(&["media", "move", "--to", "ftp://x"])
        .refused(&["--to"]);
}
