//! Which objects in media storage belong to something: what may not be removed from there.

use std::collections::HashMap;

use diesel::prelude::*;

use super::schema::{article_media, media, publications, scheduled_media, upload_parts};
use crate::domain::id::MediaId;
use crate::domain::media::{FrozenMedium, ObjectFacts, Rendition, Track};
use crate::domain::time::Instant;
use crate::store::public::media::{file_keys, held};
use crate::store::{Conn, Result, from_json};

/// Rows read at once.
const CHUNK: i64 = 500;

/// Keys of objects, each with what a row tells of it; nothing of a piece of an upload.
pub type Keys = HashMap<String, Option<ObjectFacts>>;

/// Every key that any row names: media, what is public, what was and may come back, uploads.
pub fn keys(conn: &mut Conn) -> Result<Keys> {
    let mut keys = file_keys(conn)?;
    for key in upload_parts::table.select(upload_parts::key).load(conn)? {
        keys.insert(key, None);
    }
    let mut after = 0;
    loop {
        let rows: Vec<(i64, String, String, String, String, String)> = media::table
            .filter(media::id.gt(after))
            .order(media::id)
            .limit(CHUNK)
            .select((
                media::id,
                media::hash,
                media::mime,
                media::original,
                media::renditions,
                media::tracks,
            ))
            .load(conn)?;
        let Some((last, ..)) = rows.last() else {
            break;
        };
        after = *last;
        for (_, hash, mime, original, renditions, tracks) in rows {
            keys.insert(original, Some(ObjectFacts { hash, mime }));
            add(&mut keys, from_json(&renditions)?, from_json(&tracks)?);
        }
    }
    let mut after = 0;
    loop {
        let rows: Vec<(i64, String)> = publications::table
            .filter(publications::id.gt(after))
            .order(publications::id)
            .limit(CHUNK)
            .select((publications::id, publications::media))
            .load(conn)?;
        let Some((last, _)) = rows.last() else {
            return Ok(keys);
        };
        after = *last;
        for (_, media) in rows {
            for medium in from_json::<Vec<FrozenMedium>>(&media)? {
                add(&mut keys, medium.renditions, medium.tracks);
            }
        }
    }
}

fn add(keys: &mut Keys, renditions: Vec<Rendition>, tracks: Vec<Track>) {
    let tracks = tracks.into_iter().map(|track| track.file());
    for Rendition {
        key, hash, mime, ..
    } in renditions.into_iter().chain(tracks)
    {
        keys.insert(key, Some(ObjectFacts { hash, mime }));
    }
}

/// Media older than that which no article holds, in its working copy, by plan or publicly. Withdrawn
/// ones are not among them: they are kept sealed.
pub fn unused(conn: &mut Conn, before: Instant) -> Result<Vec<MediaId>> {
    let used = article_media::table
        .select(article_media::media_id)
        .distinct()
        .load::<i64>(conn)?
        .into_iter()
        .chain(
            scheduled_media::table
                .select(scheduled_media::media_id)
                .load::<i64>(conn)?,
        )
        .chain(held(conn)?)
        .collect::<std::collections::HashSet<i64>>();
    let old: Vec<i64> = media::table
        .filter(media::created_at.lt(before.micros()))
        .filter(media::withdrawn_at.is_null())
        .order(media::id)
        .select(media::id)
        .load(conn)?;
    let unused = old.into_iter().filter(|id| !used.contains(id));
    Ok(unused.map(MediaId::stored).collect())
}
