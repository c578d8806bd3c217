//! WebM (RFC 8794 and 9559, the part of Matroska that browsers play): elements in elements.

use std::io::{Read, Seek};
use std::time::Duration;

use super::{Cleaning, Known, MOST_MS, Source, Stop, Walk, part};

pub(super) const EBML: &[u8] = b"\x1A\x45\xDF\xA3";

const SEGMENT: u32 = 0x1853_8067;
const SEEK_HEAD: u32 = 0x114D_9B74;
const INFO: u32 = 0x1549_A966;
const TRACKS: u32 = 0x1654_AE6B;
const CLUSTER: u32 = 0x1F43_B675;
const CUES: u32 = 0x1C53_BB6B;
const CHAPTERS: u32 = 0x1043_A770;
const TAGS: u32 = 0x1254_C367;
const ATTACHMENTS: u32 = 0x1941_A469;
const VOID: u32 = 0xEC;
const CRC: u32 = 0xBF;
const TRACK: u32 = 0xAE;
/// What a player may ask of `INFO`: the unit of times, the length, which programs wrote it, and its id.
const KEPT: [u32; 5] = [0x002A_D7B1, 0x4489, 0x4D80, 0x5741, 0x73A4];
/// What of a track is not kept: its name, that of its codec, old space, and the sum over what this changes.
const DROPPED: [u32; 4] = [0x536E, 0x0025_8688, VOID, CRC];

const MAX_TABLE: u64 = 4 * 1024 * 1024;
/// Most elements that are looked at: a recording of unknown length has one for each picture.
const MAX_ELEMENTS: u32 = 4_000_000;

/// An element of the file.
struct Found {
    id: u32,
    at: u64,
    body: u64,
    /// `None`: not known, as in what is recorded live.
    end: Option<u64>,
}

pub(super) fn look<F: Read + Seek>(source: &mut Source<F>) -> Walk<Option<Known>> {
    let mut left = MAX_ELEMENTS;
    let head = next(source, 0, &mut left)?;
    let end = head.end.ok_or(Stop::Damaged)?;
    let fields = source.bytes(head.body..end, 4096)?;
    let mut kind: &[u8] = b"matroska";
    for field in Fields::at(&fields, head.body) {
        let field = field?;
        if field.id == 0x4282 {
            kind = field.body;
        }
    }
    match kind.split(|byte| *byte == 0).next() {
        Some(b"webm") => {}
        Some(b"matroska") => {
            return Err(Stop::Unsupported("it is a Matroska film; save it as WebM"));
        }
        _ => return Ok(None),
    }
    let mut at = end;
    loop {
        let found = next(source, at, &mut left)?;
        match (found.id, found.end) {
            (SEGMENT, _) => return segment(source, &found, &mut left).map(Some),
            (VOID | CRC, Some(end)) => at = end,
            _ => return Err(Stop::Damaged),
        }
    }
}

fn segment<F: Read + Seek>(source: &mut Source<F>, segment: &Found, left: &mut u32) -> Walk<Known> {
    let end = segment.end.unwrap_or(source.length);
    let mut film = Film::default();
    let mut at = segment.body;
    while at < end {
        let found = next(source, at, left)?;
        at = match (found.id, found.end) {
            (CLUSTER, None) => cluster(source, found.body, end, left)?,
            // A known length says where the file goes on, and what lies beyond its end is missing.
            (_, None) => return Err(Stop::Damaged),
            (_, Some(end)) => end,
        };
        if at > end {
            return Err(Stop::Damaged);
        }
        match found.id {
            INFO | TRACKS => {
                let body = source.bytes(found.body..at, MAX_TABLE)?;
                match found.id {
                    INFO => film.info(&body, found.body)?,
                    _ => film.tracks(&body, found.body)?,
                }
            }
            CLUSTER => film.data = true,
            SEEK_HEAD | CUES | CHAPTERS | CRC => {}
            VOID => film.cleaning.zero(found.body..at)?,
            // Tags, attachments, and what we do not know.
            _ => film.empty(found.at, at)?,
        }
    }
    if end < source.length {
        film.cleaning.zero(end..source.length)?;
    }
    film.known()
}

/// Walks through a cluster of unknown length to where it ends: at the next element of its own floor.
fn cluster<F: Read + Seek>(
    source: &mut Source<F>,
    from: u64,
    end: u64,
    left: &mut u32,
) -> Walk<u64> {
    let mut at = from;
    while at < end {
        let found = next(source, at, left)?;
        let floor = [
            SEGMENT,
            SEEK_HEAD,
            INFO,
            TRACKS,
            CLUSTER,
            CUES,
            CHAPTERS,
            TAGS,
            ATTACHMENTS,
        ];
        if floor.contains(&found.id) {
            break;
        }
        at = found.end.ok_or(Stop::Damaged)?;
    }
    Ok(at)
}

/// The element at a place. One that goes on beyond the end of the file is cut short.
fn next<F: Read + Seek>(source: &mut Source<F>, at: u64, left: &mut u32) -> Walk<Found> {
    *left = left.checked_sub(1).ok_or(Stop::Damaged)?;
    let room = usize::try_from(source.length.saturating_sub(at).min(12)).unwrap_or(0);
    let mut bytes = [0; 12];
    let bytes = bytes.get_mut(..room).ok_or(Stop::Damaged)?;
    source.read(at, bytes)?;
    let (id, size, head) = start(bytes)?;
    let head = u64::try_from(head).map_err(|_| Stop::Damaged)?;
    let body = at.checked_add(head).ok_or(Stop::Damaged)?;
    let end = match size {
        None => None,
        Some(size) => Some(body.checked_add(size).ok_or(Stop::Damaged)?),
    };
    if end.is_some_and(|end| end > source.length) {
        return Err(Stop::Damaged);
    }
    Ok(Found { id, at, body, end })
}

/// Id, length of the body if it is known, and length of the two numbers themselves.
fn start(bytes: &[u8]) -> Walk<(u32, Option<u64>, usize)> {
    let first = *bytes.first().ok_or(Stop::Damaged)?;
    let id_length = length_of(first).filter(|length| *length <= 4);
    let id_length = id_length.ok_or(Stop::Damaged)?;
    let id = bytes.get(..id_length).ok_or(Stop::Damaged)?;
    let id = id.iter().fold(0_u32, |id, byte| id << 8 | u32::from(*byte));
    let rest = bytes.get(id_length..).unwrap_or_default();
    let first = *rest.first().ok_or(Stop::Damaged)?;
    let length = length_of(first).ok_or(Stop::Damaged)?;
    let digits = rest.get(..length).ok_or(Stop::Damaged)?;
    let size = digits
        .iter()
        .fold(0_u64, |size, byte| size << 8 | u64::from(*byte));
    let bits = u32::try_from(length).map_err(|_| Stop::Damaged)? * 7;
    let most = (1_u64 << bits) - 1;
    let size = size & most;
    Ok((id, (size != most).then_some(size), id_length + length))
}

/// How many bytes a number has that begins so.
fn length_of(first: u8) -> Option<usize> {
    let zeros = usize::try_from(first.leading_zeros()).ok()?;
    (zeros < 8).then_some(zeros + 1)
}

/// The elements in the body of another, in memory.
struct Fields<'a> {
    rest: &'a [u8],
    /// Where the rest stands in the file.
    at: u64,
}

/// One of them.
struct Field<'a> {
    id: u32,
    body: &'a [u8],
    /// From where to where in the file it goes.
    at: u64,
    end: u64,
}

impl Field<'_> {
    /// Where its body stands.
    fn inside(&self) -> Walk<u64> {
        let length = u64::try_from(self.body.len()).map_err(|_| Stop::Damaged)?;
        self.end.checked_sub(length).ok_or(Stop::Damaged)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Walk<Field<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.one();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn at(rest: &'a [u8], at: u64) -> Self {
        Self { rest, at }
    }

    fn one(&mut self) -> Walk<Field<'a>> {
        let (id, size, head) = start(self.rest)?;
        let size = usize::try_from(size.ok_or(Stop::Damaged)?).map_err(|_| Stop::Damaged)?;
        let length = head.checked_add(size).ok_or(Stop::Damaged)?;
        let body = self.rest.get(head..length).ok_or(Stop::Damaged)?;
        self.rest = self.rest.get(length..).unwrap_or_default();
        let at = self.at;
        let length = u64::try_from(length).map_err(|_| Stop::Damaged)?;
        self.at = at.checked_add(length).ok_or(Stop::Damaged)?;
        let end = self.at;
        Ok(Field { id, body, at, end })
    }
}

fn number(bytes: &[u8]) -> Walk<u64> {
    match bytes.len() {
        0..=8 => Ok(bytes
            .iter()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte))),
        _ => Err(Stop::Damaged),
    }
}

#[derive(Default)]
struct Film {
    cleaning: Cleaning,
    duration: Option<i64>,
    picture: bool,
    sound: bool,
    size: Option<(u32, u32)>,
    data: bool,
}

impl Film {
    /// Makes an element a Void with nothing in it.
    fn empty(&mut self, at: u64, end: u64) -> Walk<()> {
        let whole = end - at;
        let head = match whole {
            0 | 1 => return Err(Stop::Damaged),
            2..=128 => {
                let size = u8::try_from(whole - 2).map_err(|_| Stop::Damaged)?;
                vec![0xEC, 0x80 | size]
            }
            _ => {
                let size = (whole - 9) | 1 << 56;
                let mut head = vec![0xEC];
                head.extend(size.to_be_bytes());
                head
            }
        };
        self.cleaning.head(at, head);
        self.cleaning.zero(at..end)
    }

    fn info(&mut self, body: &[u8], at: u64) -> Walk<()> {
        let (mut scale, mut length) = (1_000_000, None);
        for field in Fields::at(body, at) {
            let field = field?;
            if !KEPT.contains(&field.id) {
                self.empty(field.at, field.end)?;
            }
            match (field.id, field.body) {
                (0x2A_D7B1, value) => scale = number(value)?,
                (0x4489, value) => {
                    length = match value.len() {
                        4 => Some(f64::from(f32::from_be_bytes(part(value, 0)?))),
                        8 => Some(f64::from_be_bytes(part(value, 0)?)),
                        _ => return Err(Stop::Damaged),
                    };
                }
                _ => {}
            }
        }
        let scale = u32::try_from(scale).map_err(|_| Stop::Damaged)?;
        let seconds = length.map(|length| length * f64::from(scale) / 1e9);
        self.duration = seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .and_then(|length| i64::try_from(length.as_millis()).ok())
            .filter(|ms| (1..=MOST_MS).contains(ms));
        Ok(())
    }

    fn tracks(&mut self, body: &[u8], at: u64) -> Walk<()> {
        for track in Fields::at(body, at) {
            let track = track?;
            if track.id != TRACK {
                self.empty(track.at, track.end)?;
                continue;
            }
            let (mut kind, mut size) = (0, None);
            for field in Fields::at(track.body, track.inside()?) {
                let field = field?;
                if DROPPED.contains(&field.id) {
                    self.empty(field.at, field.end)?;
                }
                match (field.id, field.body) {
                    (0x83, value) => kind = number(value)?,
                    (0xE0, value) => size = seen(value)?,
                    _ => {}
                }
            }
            match kind {
                1 => {
                    self.picture = true;
                    self.size = self.size.or(size);
                }
                2 => self.sound = true,
                _ => {
                    return Err(Stop::Unsupported(
                        "it has tracks that are neither picture nor sound",
                    ));
                }
            }
        }
        Ok(())
    }

    fn known(self) -> Walk<Known> {
        if !self.data {
            return Err(Stop::Damaged);
        }
        if !self.picture && !self.sound {
            return Err(Stop::Unsupported("it has neither picture nor sound"));
        }
        Ok(Known {
            mime: match self.picture {
                true => "video/webm",
                false => "audio/webm",
            },
            width: self.size.map(|(width, _)| width),
            height: self.size.map(|(_, height)| height),
            duration_ms: self.duration,
            cleaning: self.cleaning,
        })
    }
}

/// Width and height as a player shows them, where they are told in pixels.
fn seen(video: &[u8]) -> Walk<Option<(u32, u32)>> {
    let (mut coded, mut shown, mut unit) = ((0, 0), (0, 0), 0);
    // Where they stand in the file is nobody's question.
    for field in Fields::at(video, 0) {
        let field = field?;
        match (field.id, field.body) {
            (0xB0, value) => coded.0 = number(value)?,
            (0xBA, value) => coded.1 = number(value)?,
            (0x54B0, value) => shown.0 = number(value)?,
            (0x54BA, value) => shown.1 = number(value)?,
            (0x54B2, value) => unit = number(value)?,
            _ => {}
        }
    }
    let side = |side: u64| {
        u32::try_from(side)
            .ok()
            .filter(|side| (1..=65_535).contains(side))
    };
    let size = |(width, height): (u64, u64)| side(width).zip(side(height));
    Ok(size(shown).filter(|_| unit == 0).or(size(coded)))
}
