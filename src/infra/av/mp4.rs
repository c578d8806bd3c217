//! MP4 and M4A (ISO 14496-12, -14): boxes in boxes.

mod tables;

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use self::tables::{coded, samples, seen, times};
use super::{Cleaning, Known, Source, Stop, Walk, milliseconds};
use crate::infra::boxes::{Boxes, Inner, part};

/// A table of contents is read into memory; that of a film of many hours has a few MiB.
const MAX_MOOV: u64 = 32 * 1024 * 1024;
const MAX_SMALL: u64 = 1024 * 1024;
/// Most boxes outside the table of contents: a fragmented film has some for every few seconds.
const MAX_BOXES: u32 = 1_000_000;
const MAX_TRACKS: usize = 200;

/// What may stand where; anything else is made empty. `free` and its like are emptied too.
const OF_FILE: &[&[u8; 4]] = &[
    b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"sidx", b"ssix", b"mfra", b"prft", b"pdin",
];
const OF_MOOV: &[&[u8; 4]] = &[b"mvhd", b"trak", b"mvex", b"iods", b"pssh"];
const OF_TRAK: &[&[u8; 4]] = &[b"tkhd", b"edts", b"mdia", b"tref", b"tapt"];
const OF_MDIA: &[&[u8; 4]] = &[b"mdhd", b"hdlr", b"minf", b"elng"];
const OF_MINF: &[&[u8; 4]] = &[b"vmhd", b"smhd", b"nmhd", b"hdlr", b"dinf", b"stbl"];
const OF_MOOF: &[&[u8; 4]] = &[b"mfhd", b"traf", b"pssh"];
const OF_TRAF: &[&[u8; 4]] = &[
    b"tfhd", b"tfdt", b"trun", b"sbgp", b"sgpd", b"subs", b"saiz", b"saio", b"senc",
];

/// `None`: another kind of file in such boxes, as a picture.
pub(super) fn look<F: Read + Seek>(source: &mut Source<F>) -> Walk<Option<Known>> {
    let mut film = Film::default();
    let mut at = 0;
    let mut moov = None;
    let (mut data, mut fragmented) = (false, false);
    let mut left = MAX_BOXES;
    while let Some(found) = next(source, at, source.length, &mut left)? {
        match &found.kind {
            b"ftyp" if at == 0 => {
                let brands = source.bytes(found.body()..found.end, MAX_SMALL)?;
                if !is_film(&brands)? {
                    return Ok(None);
                }
            }
            b"moov" if moov.is_none() => {
                moov = Some(source.bytes(found.body()..found.end, MAX_MOOV)?);
                film.moov(moov.as_deref().unwrap_or_default(), found.body())?;
            }
            b"mdat" => data = true,
            b"moof" => {
                fragmented = true;
                film.fragment(source, &found, &mut left)?;
            }
            b"sidx" => {
                let index = source.bytes(found.body()..found.end, MAX_SMALL)?;
                film.index(&index)?;
            }
            kind if OF_FILE.contains(&kind) && kind != b"moov" => {}
            _ => film.empty(found.at, found.end, found.head)?,
        }
        at = found.end;
    }
    if moov.is_none() || !data {
        return Err(Stop::Damaged);
    }
    film.known(source.length, fragmented).map(Some)
}

/// Is it a film or a sound? The brands tell; QuickTime's own is another format with the same boxes.
fn is_film(brands: &[u8]) -> Walk<bool> {
    let (Some(major), more) = (brands.get(..4), brands.get(8..).unwrap_or_default()) else {
        return Err(Stop::Damaged);
    };
    let all = || std::iter::once(major).chain(more.chunks_exact(4));
    let has = |names: &[&[u8]]| all().any(|brand| names.contains(&brand));
    if major == b"qt  " {
        return Err(Stop::Unsupported("it is a QuickTime film; save it as MP4"));
    }
    match major {
        // What telephones send most that is not taken.
        b"heic" | b"heix" | b"hevc" | b"hevx" => {
            return Err(Stop::Unsupported("it is a HEIC picture; save it as JPEG"));
        }
        b"avif" | b"avis" | b"mif1" | b"msf1" => return Ok(false),
        _ => {}
    }
    let ours = has(&[
        b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9", b"mp41",
        b"mp42", b"avc1", b"M4V ", b"M4VH", b"M4VP", b"M4A ", b"M4B ", b"dash",
    ]);
    match ours {
        true => Ok(true),
        false => Err(Stop::Unsupported(
            "its boxes are of no MP4 that browsers play",
        )),
    }
}

/// A box in the file.
struct Found {
    kind: [u8; 4],
    at: u64,
    /// Length of its head.
    head: u64,
    end: u64,
}

impl Found {
    fn body(&self) -> u64 {
        self.at.saturating_add(self.head)
    }
}

/// The box at a place; none where what it is in ends.
fn next<F: Read + Seek>(
    source: &mut Source<F>,
    at: u64,
    end: u64,
    left: &mut u32,
) -> Walk<Option<Found>> {
    if end.saturating_sub(at) < 8 {
        return Ok(None);
    }
    *left = left.checked_sub(1).ok_or(Stop::Damaged)?;
    let mut head = [0; 8];
    source.read(at, &mut head)?;
    let kind = part(&head, 4)?;
    let (length, size) = match u32::from_be_bytes(part(&head, 0)?) {
        0 => (end - at, 8),
        1 => {
            let mut long = [0; 8];
            source.read(at.saturating_add(8), &mut long)?;
            (u64::from_be_bytes(long), 16)
        }
        short => (short.into(), 8),
    };
    let stop = at.checked_add(length).ok_or(Stop::Damaged)?;
    if length < size || stop > end {
        return Err(Stop::Damaged);
    }
    Ok(Some(Found {
        kind,
        at,
        head: size,
        end: stop,
    }))
}

#[derive(Default)]
struct Film {
    cleaning: Cleaning,
    /// As the head of the film says.
    duration: Option<i64>,
    /// As an index says, by track.
    indexed: BTreeMap<u32, i64>,
    tracks: usize,
    sound: bool,
    picture: bool,
    size: Option<(u32, u32)>,
    /// Tracks that are neither, which are made empty.
    others: bool,
    extends: bool,
}

impl Film {
    /// Makes a box a `free` one without anything in it.
    fn empty(&mut self, at: u64, end: u64, head: u64) -> Walk<()> {
        self.cleaning.head(at.saturating_add(4), b"free".to_vec());
        self.cleaning.zero(at.saturating_add(head)..end)
    }

    fn keep<'a>(&mut self, inner: Inner<'a>, allowed: &[&[u8; 4]]) -> Walk<Option<Inner<'a>>> {
        if allowed.contains(&&inner.kind) {
            return Ok(Some(inner));
        }
        self.empty(inner.at, inner.end, inner.head)?;
        Ok(None)
    }

    fn moov(&mut self, body: &[u8], at: u64) -> Walk<()> {
        let mut scale = 0;
        for inner in (Boxes { rest: body, at }) {
            let Some(inner) = self.keep(inner?, OF_MOOV)? else {
                continue;
            };
            match &inner.kind {
                b"mvhd" => {
                    let (timescale, duration) = times(inner.body, 0)?;
                    scale = timescale;
                    self.duration = self.duration.or(milliseconds(duration, timescale));
                }
                b"mvex" => {
                    self.extends = true;
                    for extra in inner.boxes() {
                        let extra = extra?;
                        if &extra.kind == b"mehd" {
                            let whole = match extra.body.first() {
                                Some(1) => u64::from_be_bytes(part(extra.body, 4)?),
                                _ => u32::from_be_bytes(part(extra.body, 4)?).into(),
                            };
                            self.duration = self.duration.or(milliseconds(whole, scale));
                        }
                    }
                }
                b"trak" => self.track(&inner)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn track(&mut self, trak: &Inner<'_>) -> Walk<()> {
        self.tracks += 1;
        if self.tracks > MAX_TRACKS {
            return Err(Stop::Unsupported("it has too many tracks"));
        }
        let mut size = None;
        let mut what = None;
        for inner in trak.boxes() {
            let Some(inner) = self.keep(inner?, OF_TRAK)? else {
                continue;
            };
            match &inner.kind {
                b"tkhd" => size = seen(inner.body)?,
                b"mdia" => what = Some(self.media(&inner)?),
                _ => {}
            }
        }
        match what.ok_or(Stop::Damaged)? {
            Media::Picture(coded) => {
                self.picture = true;
                self.size = self.size.or(size).or(coded);
            }
            Media::Sound => self.sound = true,
            Media::Other(samples) => {
                // Where a phone was, second by second, lies in a track of its own.
                self.others = true;
                self.empty(trak.at, trak.end, trak.head)?;
                for chunk in samples {
                    self.cleaning.zero(chunk)?;
                }
            }
        }
        Ok(())
    }

    fn media(&mut self, mdia: &Inner<'_>) -> Walk<Media> {
        let mut handler = None;
        let mut table = None;
        for inner in mdia.boxes() {
            let Some(inner) = self.keep(inner?, OF_MDIA)? else {
                continue;
            };
            match &inner.kind {
                b"hdlr" => handler = Some(part::<4>(inner.body, 8)?),
                b"minf" => {
                    for inner in inner.boxes() {
                        let inner = self.keep(inner?, OF_MINF)?;
                        if let Some(stbl) = inner.filter(|inner| &inner.kind == b"stbl") {
                            table = Some(stbl.body);
                        }
                    }
                }
                _ => {}
            }
        }
        let table = table.ok_or(Stop::Damaged)?;
        match &handler.ok_or(Stop::Damaged)? {
            b"vide" => Ok(Media::Picture(coded(table)?)),
            b"soun" => Ok(Media::Sound),
            _ => Ok(Media::Other(samples(table)?)),
        }
    }

    fn fragment<F: Read + Seek>(
        &mut self,
        source: &mut Source<F>,
        moof: &Found,
        left: &mut u32,
    ) -> Walk<()> {
        let mut at = moof.body();
        while let Some(found) = next(source, at, moof.end, left)? {
            at = found.end;
            if !OF_MOOF.contains(&&found.kind) {
                self.empty(found.at, found.end, found.head)?;
            }
            if &found.kind == b"traf" {
                let mut below = found.body();
                while let Some(inner) = next(source, below, found.end, left)? {
                    below = inner.end;
                    if !OF_TRAF.contains(&&inner.kind) {
                        self.empty(inner.at, inner.end, inner.head)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// An index of fragments: how long they are together. One of other indexes says nothing new.
    fn index(&mut self, body: &[u8]) -> Walk<()> {
        let track = u32::from_be_bytes(part(body, 4)?);
        let scale = u32::from_be_bytes(part(body, 8)?);
        let head: usize = if body.first() == Some(&0) { 20 } else { 28 };
        let mut sum = 0_u64;
        for entry in body.get(head + 4..).unwrap_or_default().chunks_exact(12) {
            if entry.first().is_some_and(|first| first & 0x80 != 0) {
                return Ok(());
            }
            sum = sum.saturating_add(u32::from_be_bytes(part(entry, 4)?).into());
        }
        if self.indexed.len() >= MAX_TRACKS && !self.indexed.contains_key(&track) {
            return Ok(());
        }
        let known = self.indexed.entry(track).or_default();
        *known = known.saturating_add(milliseconds(sum, scale).unwrap_or(0));
        Ok(())
    }

    fn known(self, length: u64, fragmented: bool) -> Walk<Known> {
        if !self.picture && !self.sound {
            return Err(Stop::Unsupported("it has neither picture nor sound"));
        }
        if self.others && (fragmented || self.extends) {
            return Err(Stop::Unsupported(
                "it has tracks that are neither picture nor sound, in fragments",
            ));
        }
        let mut cleaning = self.cleaning;
        for range in &mut cleaning.zeros {
            range.end = range.end.min(length);
        }
        let indexed = self.indexed.into_values().max().filter(|ms| *ms > 0);
        let size = self.size.filter(|_| self.picture);
        Ok(Known {
            mime: match self.picture {
                true => "video/mp4",
                false => "audio/mp4",
            },
            width: size.map(|(width, _)| width),
            height: size.map(|(_, height)| height),
            duration_ms: self.duration.or(indexed),
            cleaning,
        })
    }
}

/// What a track is.
enum Media {
    Picture(Option<(u32, u32)>),
    Sound,
    /// With the places of all its samples.
    Other(Vec<std::ops::Range<u64>>),
}
