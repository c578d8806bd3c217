//! `bantin keys`: listing and rotating what signs access tokens.

use crate::program::Folder;

/// The states of the keys, oldest first.
fn states(folder: &Folder) -> Vec<String> {
    let list = folder.run(&["keys", "list"]).ok();
    list.lines()
        .map(|line| line.split('\t').nth(2).unwrap().to_owned())
        .collect()
}

#[test]
fn keys_are_rotated_and_listed_and_a_leaked_one_is_dropped_at_once() {
    let folder = Folder::new();
    folder
        .run(&["keys", "list"])
        .refused(&["there is no folder"]);
    let out = folder.run(&["keys", "rotate"]).ok();
    assert!(out.starts_with("jwt-0002: "), "{out}");
    assert_eq!(states(&folder), ["signs", "waits"]);
    let out = folder.run(&["keys", "rotate", "--at-once"]).ok();
    let kid = out.split(' ').nth(1).unwrap();
    assert_eq!(states(&folder), ["retired", "retired", "signs"]);
    let server = folder.serve(&["serve"]);
    let set = server.get("/.well-known/jwks.json");
    server.stop();
    assert!(set.contains(kid), "{set}");
    assert_eq!(set.matches("Ed25519").count(), 1, "{set}");
}
