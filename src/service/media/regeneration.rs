//! Making the files of pictures again, as they would be made today, and giving them to readers, too.

use super::pictures::{Unready, make_ready};
use super::{deed, drop_objects, internal, is_needless};
use crate::domain::changes::Why;
use crate::domain::id::{ArticleId, MediaId};
use crate::domain::media::{
    Failure, FrozenMedium, Kind, LiveMedium, Medium, Rendition, Status, Work,
};
use crate::domain::time::Instant;
use crate::infra::blob::Blobs;
use crate::infra::image::{self, Limits};
use crate::service::Error;
use crate::store::Db;
use crate::store::editorial::{audit, media, media_jobs};
use crate::store::public::changes::PublicWrite;
use crate::store::public::{articles as live, categories, media as live_media};

/// What became of one medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Regenerated {
    /// It has other files now.
    Changed,
    /// Its files are as they would be made today.
    Same,
    /// No picture, withdrawn, or never made ready.
    Passed,
}

/// Pictures in the order of their ids: all, or those that lack a file which would be
/// made today.
pub async fn pictures(db: &Db, missing: bool) -> Result<Vec<MediaId>, Error> {
    let all = db.read(media::pictures).await?;
    let lacks = |medium: &Medium| {
        let size = medium.width.zip(medium.height);
        let size = size.and_then(|(w, h)| Some((u32::try_from(w).ok()?, u32::try_from(h).ok()?)));
        size.is_some_and(|(width, height)| {
            let has = |name: &String| medium.renditions.iter().any(|made| made.name == *name);
            !image::names(&medium.mime, width, height).iter().all(has)
        })
    };
    let chosen = all.into_iter().filter(|medium| !missing || lacks(medium));
    Ok(chosen.map(|medium| medium.id).collect())
}

/// Makes the files of one medium again. Articles that show it get them at once, each with a row in the
/// log; the old files stay where they are until the article is published again.
pub async fn regenerate(
    db: &Db,
    blobs: &Blobs,
    limits: Limits,
    at: Instant,
    id: MediaId,
) -> Result<Regenerated, Error> {
    let before = db.read(move |conn| media::get(conn, id)).await?;
    // What was given up for a fault of ours gets another chance.
    let makeable = before.status == Status::Ready || before.failure == Some(Failure::GaveUp);
    let ready = makeable && before.withdrawn.is_none();
    if before.kind != Kind::Image || !ready {
        return Ok(Regenerated::Passed);
    }
    let (from, old) = (blobs.clone(), before.clone());
    let made = tokio::task::spawn_blocking(move || make_ready(&from, &old, Work::All, &limits));
    let made = made.await.map_err(internal)?.map_err(|why| match why {
        Unready::Refused(why) => Error::Internal(format!("{why:?}")),
        Unready::Failed(error) => error,
    })?;
    let keys = made.keys();
    let mut medium = before.clone();
    made.put_into(&mut medium);
    let (files, old_files) = (
        fingerprint(&medium.renditions),
        fingerprint(&before.renditions),
    );
    if files == old_files {
        drop_objects(blobs, keys).await;
        return Ok(Regenerated::Same);
    }
    let done = db
        .publish(move |write| put(write, at, &before, medium))
        .await;
    if is_needless(&done, |()| true) {
        drop_objects(blobs, keys).await;
    }
    done.map(|()| Regenerated::Changed)
}

/// What a client notices of files.
fn fingerprint(renditions: &[Rendition]) -> Vec<(String, String)> {
    let one = |made: &Rendition| (made.name.clone(), made.hash.clone());
    renditions.iter().map(one).collect()
}

fn put(
    write: &mut PublicWrite<'_>,
    at: Instant,
    before: &Medium,
    mut medium: Medium,
) -> Result<(), Error> {
    let held = media::hold(write.conn(), before.id)?;
    if held.version != before.version {
        return Err(Error::Busy("it was changed meanwhile".to_owned()));
    }
    medium.version = before.version.next();
    media::put_made(write.conn(), &medium)?;
    media_jobs::drop_for(write.conn(), medium.id)?;
    let frozen = FrozenMedium::from(medium.clone());
    for article in live_media::uses(write.conn(), before.id)? {
        give_to(write, at, article, full(&before.renditions), &frozen)?;
    }
    let deed = deed(
        "regenerate",
        &medium,
        Some(before.version),
        Some(medium.version),
    );
    Ok(audit::append(write.conn(), &deed.by_nobody(at))?)
}

fn full(renditions: &[Rendition]) -> Option<&str> {
    let full = renditions.iter().find(|made| made.name == "full");
    full.map(|made| made.hash.as_str())
}

/// Gives the files to what readers see of one article, if it still shows the same picture: its file may
/// have been replaced since.
fn give_to(
    write: &mut PublicWrite<'_>,
    at: Instant,
    article: ArticleId,
    old_full: Option<&str>,
    medium: &FrozenMedium,
) -> Result<(), Error> {
    let shown = live_media::of_article(write.conn(), article, medium.id)?;
    if full(&shown.renditions) != old_full {
        return Ok(());
    }
    let files: LiveMedium = medium.live("");
    let mut public = live::get(write.conn(), article)?;
    let mut body = live::body(write.conn(), article)?;
    for block in &mut body {
        block.refresh(&files);
    }
    if let Some(cover) = public.cover.as_mut().filter(|cover| cover.id == medium.id) {
        cover.refresh(&files);
    }
    let path = categories::get(write.conn(), public.category_id)?.path;
    let change = public.changed(Why::MediaRegenerated, path.clone(), path);
    public.seq = write.record(at, &change)?;
    live::put_media(write, &public, &body)?;
    Ok(live_media::refresh(write, article, medium)?)
}
