//! Tracks of films and sounds: put beside them, taken away.

use sha2::{Digest as _, Sha256};

use super::making::new_key;
use super::{
    Command, Error, IfMatch, deed, drop_objects, internal, is_needless, require_editor,
    require_open, run, unstored,
};
use crate::ctx::Ctx;
use crate::domain::content::Language;
use crate::domain::id::MediaId;
use crate::domain::input::{FaultCode, Faults};
use crate::domain::media::{Kind, MAX_TRACKS, Medium, TRACK_TYPE, Track, TrackKind, TrackLabel};
use crate::domain::webvtt;
use crate::service::write_down;
use crate::store::editorial::media;

/// A track that has arrived.
pub struct NewTrack {
    pub language: Language,
    pub kind: TrackKind,
    pub label: Option<TrackLabel>,
    pub bytes: Vec<u8>,
}

/// Puts a track beside a film or a sound, in the place of the one in its language. What readers still
/// have keeps its object; others are left to the cleaner, which knows what is held.
pub async fn put(
    ctx: &Ctx,
    command: Command,
    id: MediaId,
    if_match: IfMatch,
    new: NewTrack,
) -> Result<Medium, Error> {
    let early = command.clone();
    ctx.db
        .read_brief(move |conn| {
            let medium = media::get(conn, id)?;
            // A request that may have been answered before is looked at with its key.
            match early.idempotency {
                None => check(&medium, &early, if_match),
                Some(_) => Ok(()),
            }
        })
        .await?;
    let text = webvtt::check(&new.bytes)?;
    let track = Track {
        language: new.language,
        kind: new.kind,
        label: new.label,
        hash: hex::encode(Sha256::digest(text.as_bytes())),
        key: new_key(),
        bytes: i64::try_from(text.len()).map_err(internal)?,
    };
    let (blobs, key, bytes) = (
        ctx.blobs.clone(),
        track.key.clone(),
        text.as_bytes().to_vec(),
    );
    tokio::task::spawn_blocking(move || blobs.put(&key, TRACK_TYPE, &bytes))
        .await
        .map_err(internal)?
        .map_err(unstored)?;
    let key = track.key.clone();
    let put = change(ctx, command, id, if_match, "put_track", move |tracks| {
        if tracks.iter().any(|there| is_same(there, &track)) {
            return Ok(());
        }
        tracks.retain(|there| there.language != track.language);
        if tracks.len() >= MAX_TRACKS {
            let message = format!("a medium has at most {MAX_TRACKS} tracks");
            return Err(Faults::one("", FaultCode::TooMany, message).into());
        }
        tracks.push(track);
        tracks.sort_by(|a, b| a.language.as_str().cmp(b.language.as_str()));
        Ok(())
    })
    .await;
    let holds = |medium: &Medium| medium.tracks.iter().any(|track| track.key == key);
    if is_needless(&put, holds) {
        drop_objects(&ctx.blobs, vec![key]).await;
    }
    put
}

fn is_same(a: &Track, b: &Track) -> bool {
    (&a.language, &a.hash, a.kind, &a.label) == (&b.language, &b.hash, b.kind, &b.label)
}

/// Takes a track away; public articles keep theirs until they are published again.
pub async fn delete(
    ctx: &Ctx,
    command: Command,
    id: MediaId,
    if_match: IfMatch,
    language: Language,
) -> Result<Medium, Error> {
    change(ctx, command, id, if_match, "delete_track", move |tracks| {
        let count = tracks.len();
        tracks.retain(|track| track.language != language);
        match tracks.len() == count {
            true => Err(Error::NotFound),
            false => Ok(()),
        }
    })
    .await
}

async fn change(
    ctx: &Ctx,
    command: Command,
    id: MediaId,
    if_match: IfMatch,
    action: &'static str,
    change: impl FnOnce(&mut Vec<Track>) -> Result<(), Error> + Send + 'static,
) -> Result<Medium, Error> {
    run(ctx, command, move |conn, command| {
        let before = media::hold(conn, id)?;
        check(&before, command, if_match)?;
        let mut medium = before.clone();
        change(&mut medium.tracks)?;
        if medium.tracks == before.tracks {
            return Ok(before);
        }
        medium.version = before.version.next();
        media::put_tracks(conn, &medium)?;
        let deed = deed(action, &medium, Some(before.version), Some(medium.version));
        write_down(conn, command, &deed)?;
        Ok(medium)
    })
    .await
}

fn check(medium: &Medium, command: &Command, if_match: IfMatch) -> Result<(), Error> {
    require_editor(medium, command)?;
    if_match.check(medium.version)?;
    require_open(medium)?;
    match medium.kind {
        Kind::Video | Kind::Audio => Ok(()),
        Kind::Image | Kind::Document => {
            let message = "only films and sounds have tracks";
            Err(Faults::one("", FaultCode::Conflict, message).into())
        }
    }
}
