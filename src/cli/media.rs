//! `bantin media …`: media storage from the command line.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use clap::{Args, Subcommand};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use url::Url;

use super::{open, parsed, why};
use crate::app::{media_storage, private_folder};
use crate::config::media::MediaPlace;
use crate::config::{Pictures, Place};
use crate::domain::id::MediaId;
use crate::domain::time::Instant;
use crate::infra::blob::Blobs;
use crate::infra::clock::Clock;
use crate::infra::image::Limits;
use crate::service::media::regeneration::{self, Regenerated};
use crate::service::media::storage;

/// Objects without a row are left alone for a day: theirs may be on its way.
const DAY_SECONDS: i64 = 86_400;

#[derive(Debug, Args)]
pub struct MediaCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Copy all media files to another folder or bucket, reading each copy back; run again, it goes on
    Move(Move),
    /// Remove files that belong to nothing
    Clean(Clean),
    /// Make the files of pictures again, as they would be made today, for editors and readers
    Regenerate(Regenerate),
}

#[derive(Debug, Args)]
struct Move {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    media: MediaPlace,
    /// Where to: a folder, or a bucket as s3://BUCKET/PREFIX, reached as the settings say
    #[arg(long, value_name = "DIR|URL")]
    to: String,
}

#[derive(Debug, Args)]
struct Clean {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    media: MediaPlace,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove media, too, that were uploaded so many days ago and that no article holds
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    unused_days: Option<u16>,
}

#[derive(Debug, Args)]
struct Regenerate {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    media: MediaPlace,
    #[command(flatten)]
    pictures: Pictures,
    /// Only those that lack a file which would be made today
    #[arg(long)]
    missing: bool,
    /// Only this one
    #[arg(long, value_name = "ID", conflicts_with = "missing", value_parser = parsed(str::parse::<MediaId>))]
    id: Option<MediaId>,
}

impl MediaCommand {
    pub fn run(self) -> Result<(), String> {
        match self.action {
            Action::Move(command) => command.run(),
            Action::Clean(command) => command.run(),
            Action::Regenerate(command) => command.run(),
        }
    }
}

impl Move {
    fn run(self) -> Result<(), String> {
        let db = open(&self.place)?;
        let from = media_storage(&self.place, &self.media)?;
        let to = self.target()?;
        // In this order, since the server may be running: what comes meanwhile is the next run's.
        let before = super::block_on(storage::known(&db)).map_err(why)?;
        let listed = storage::list(&from).map_err(why)?;
        let known = super::block_on(storage::known(&db)).map_err(why)?;
        let there: HashMap<String, u64> = storage::list(&to)
            .map_err(why)?
            .into_iter()
            .map(|listed| (listed.key, listed.bytes))
            .collect();
        let total = listed.iter().map(|listed| listed.bytes).sum();
        let bar = bar(total, BYTES);
        let (mut copied, mut skipped) = (0_u64, 0_u64);
        for object in &listed {
            // A put is all or nothing, so what is there is whole.
            if there.get(&object.key) == Some(&object.bytes) {
                skipped += 1;
            } else {
                let told = known.get(&object.key).and_then(Option::as_ref);
                let done = storage::copy(&from, &to, &object.key, told)
                    .map_err(|error| format!("{}; run it again to go on", why(error)))?;
                // What was deleted meanwhile is told below, if a row still names it.
                copied += u64::from(done);
            }
            bar.inc(object.bytes);
        }
        bar.finish_and_clear();
        super::say(&format!(
            "{copied} files copied, {skipped} were there already; {} in all",
            HumanBytes(total)
        ))?;
        let listed: HashSet<&str> = listed.iter().map(|listed| listed.key.as_str()).collect();
        let named = before.keys().filter(|key| known.contains_key(*key));
        let missing = named.filter(|key| !listed.contains(key.as_str()));
        let missing = missing.count();
        match missing {
            0 => {
                super::say("Stop the server, run this once more, and start it with the new place.")
            }
            missing => Err(format!(
                "{missing} files that the portal knows are not in the old place"
            )),
        }
    }

    fn target(&self) -> Result<Blobs, String> {
        let place = &self.to;
        let told = |why: String| format!("--to {place}: {why}");
        if !place.contains("://") {
            let folder = Path::new(place);
            return private_folder(folder)
                .and_then(|()| Blobs::folder(folder))
                .map_err(|error| told(error.to_string()));
        }
        let url = Url::parse(place).map_err(|error| told(error.to_string()))?;
        let options = self.media.options(&url).map_err(told)?;
        Blobs::bucket(&options, &self.media.dir(&self.place)).map_err(told)
    }
}

impl Clean {
    fn run(self) -> Result<(), String> {
        let db = open(&self.place)?;
        let blobs = media_storage(&self.place, &self.media)?;
        let now = Instant::from_micros(Clock::System.now_micros());
        if let Some(days) = self.unused_days {
            let before = now.plus_seconds(-i64::from(days) * DAY_SECONDS);
            let unused = super::block_on(storage::unused(&db, before)).map_err(why)?;
            let mut count = 0_u64;
            for id in unused {
                if self.dry_run {
                    super::say(&format!("medium {id}"))?;
                    count += 1;
                    continue;
                }
                let keys = super::block_on(storage::delete_unused(&db, now, id)).map_err(why)?;
                count += u64::from(!keys.is_empty());
                for key in keys {
                    blobs.delete(&key).map_err(|error| error.to_string())?;
                }
            }
            super::say(&self.words(count, "media that no article holds"))?;
        }
        if !self.dry_run {
            blobs.sweep().map_err(|error| error.to_string())?;
        }
        // In this order: an object is there before its row.
        let listed = storage::list(&blobs).map_err(why)?;
        let known = super::block_on(storage::known(&db)).map_err(why)?;
        let orphans =
            storage::orphans(listed, &known, now.plus_seconds(-DAY_SECONDS)).map_err(why)?;
        let bytes = orphans.iter().map(|orphan| orphan.bytes).sum();
        let mut count = 0_u64;
        for orphan in orphans {
            match self.dry_run {
                true => super::say(&format!("file {}", orphan.key))?,
                false => blobs
                    .delete(&orphan.key)
                    .map_err(|error| error.to_string())?,
            }
            count += 1;
        }
        let words = self.words(count, "files that belong to nothing");
        super::say(&format!("{words}, {}", HumanBytes(bytes)))
    }

    fn words(&self, count: u64, what: &str) -> String {
        match self.dry_run {
            true => format!("would remove {count} {what}"),
            false => format!("removed {count} {what}"),
        }
    }
}

impl Regenerate {
    /// Pictures one after the other: each is whole before the next begins, so it may be ended at any time
    /// and run again.
    fn run(self) -> Result<(), String> {
        let db = open(&self.place)?;
        let blobs = media_storage(&self.place, &self.media)?;
        let limits = Limits {
            max_pixels: u64::from(self.pictures.max_pixels),
            program: crate::config::program().into(),
        };
        let ids = match self.id {
            Some(id) => vec![id],
            None => super::block_on(regeneration::pictures(&db, self.missing)).map_err(why)?,
        };
        let bar = bar(u64::try_from(ids.len()).unwrap_or(u64::MAX), PICTURES);
        let (mut changed, mut same, mut failed) = (0_u64, 0_u64, 0_u64);
        for id in ids {
            let now = Instant::from_micros(Clock::System.now_micros());
            let done = regeneration::regenerate(&db, &blobs, limits.clone(), now, id);
            match super::block_on(done) {
                Ok(Regenerated::Changed) => changed += 1,
                Ok(Regenerated::Same | Regenerated::Passed) => same += 1,
                Err(error) => {
                    failed += 1;
                    bar.suspend(|| super::say(&format!("medium {id}: {}", why(error))))?;
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        super::say(&format!(
            "{changed} pictures have new files, {same} are as they were"
        ))?;
        match failed {
            0 => Ok(()),
            failed => Err(format!("{failed} pictures failed")),
        }
    }
}

const BYTES: &str = "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
const PICTURES: &str = "{bar:40} {pos}/{len} {eta}";

/// On the standard error, where that is a terminal.
fn bar(length: u64, style: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}
