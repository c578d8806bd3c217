//! MP3 and Ogg: frames and pages, one after the other to the end.

mod comments;

use std::io::{Read, Seek};

use self::comments::Packets;
pub(super) use self::comments::seal;
use super::{Cleaning, Known, Source, Stop, Walk, milliseconds, part};

/// How far the next frame is looked for where there is none.
const SEARCH: u64 = 64 * 1024;
/// How often: a file with more gaps is damaged.
const MAX_GAPS: u32 = 100;
const MAX_STREAMS: usize = 1000;

/// The head of an MP3 frame (ISO 11172-3 and 13818-3, layer III).
#[derive(Clone, Copy, PartialEq, Eq)]
struct Frame {
    length: u64,
    samples: u32,
    rate: u32,
    /// Bytes between the head and what a first frame may say of the whole.
    side: u64,
}

impl Frame {
    fn read(head: [u8; 4]) -> Option<Self> {
        const FIRST: [u32; 14] = [
            32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
        ];
        const OTHER: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
        let [sync, what, rates, channels] = head;
        if sync != 0xFF || what & 0xE6 != 0xE2 {
            return None;
        }
        let first = match (what >> 3) & 3 {
            3 => true,
            0 | 2 => false,
            _ => return None,
        };
        let rate = match (rates >> 2) & 3 {
            0 => 44_100,
            1 => 48_000,
            2 => 32_000,
            _ => return None,
        };
        let rate = match (what >> 3) & 3 {
            3 => rate,
            2 => rate / 2,
            _ => rate / 4,
        };
        let bits = if first { FIRST } else { OTHER };
        let bits = bits.get(usize::from(rates >> 4).checked_sub(1)?)? * 1000;
        let samples = if first { 1152 } else { 576 };
        let padding = u32::from((rates >> 1) & 1);
        let mono = channels >> 6 == 3;
        Some(Self {
            length: u64::from(samples / 8 * bits / rate + padding),
            samples,
            rate,
            side: match (first, mono) {
                (true, false) => 32,
                (true, true) | (false, false) => 17,
                (false, true) => 9,
            },
        })
    }

    fn is_like(self, other: Self) -> bool {
        self.samples == other.samples && self.rate == other.rate
    }
}

fn frame<F: Read + Seek>(source: &mut Source<F>, at: u64) -> Walk<Option<Frame>> {
    if source.length.saturating_sub(at) < 4 {
        return Ok(None);
    }
    let mut head = [0; 4];
    source.read(at, &mut head)?;
    Ok(Frame::read(head))
}

/// The nearest place from here on where a frame begins that another one like it follows.
fn search<F: Read + Seek>(
    source: &mut Source<F>,
    from: u64,
    like: Option<Frame>,
) -> Walk<Option<u64>> {
    let end = from.saturating_add(SEARCH).min(source.length);
    let bytes = source.bytes(from..end, SEARCH)?;
    for (at, head) in (from..).zip(bytes.windows(4)) {
        let Some(found) = Frame::read(part(head, 0)?) else {
            continue;
        };
        if like.is_some_and(|like| !like.is_like(found)) {
            continue;
        }
        let after = frame(source, at.saturating_add(found.length))?;
        if after.is_some_and(|after| after.is_like(found)) {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Length of the ID3 tag (version 2) at a place.
fn tag<F: Read + Seek>(source: &mut Source<F>, at: u64) -> Walk<Option<u64>> {
    if source.length.saturating_sub(at) < 10 {
        return Ok(None);
    }
    let mut head = [0; 10];
    source.read(at, &mut head)?;
    let size: [u8; 4] = part(&head, 6)?;
    if !head.starts_with(b"ID3") || size.iter().any(|byte| byte & 0x80 != 0) {
        return Ok(None);
    }
    let size = size
        .iter()
        .fold(0_u64, |size, byte| size << 7 | u64::from(*byte));
    Ok(Some(size + 10))
}

/// Duration comes from counting all frames: the first one may lie, or say nothing.
pub(super) fn mp3<F: Read + Seek>(source: &mut Source<F>, head: &[u8]) -> Walk<Option<Known>> {
    let tagged = head.starts_with(b"ID3");
    if !tagged && part(head, 0).map_or(None, Frame::read).is_none() {
        return Ok(None);
    }
    let mut cleaning = Cleaning::default();
    let mut at = 0;
    for _ in 0..4 {
        let Some(length) = tag(source, at)? else {
            break;
        };
        // Its frames may hold anything: a cover with the place where it was taken, whole files.
        let end = at.saturating_add(length);
        if end > source.length {
            return Err(Stop::Damaged);
        }
        cleaning.zero(at + 10..end)?;
        // No extended header and no other marks: nothing but padding follows.
        cleaning.head(at + 5, vec![0]);
        at = end;
    }
    let start = match tagged {
        true => search(source, at, None)?,
        // Two bytes prove nothing; a second frame right behind the first does.
        false => search(source, 0, None)?.filter(|start| *start == 0),
    };
    let Some(start) = start else {
        return Ok(None);
    };
    if start > at {
        cleaning.zero(at..start)?;
    }
    let first = frame(source, start)?.ok_or(Stop::Damaged)?;
    let promised = promised(source, start, first)?;
    let mut frames = 0_u64;
    let mut gaps = 0;
    at = start;
    loop {
        match frame(source, at)?.filter(|frame| frame.is_like(first)) {
            Some(found) if at.saturating_add(found.length) <= source.length => {
                frames += 1;
                at = at.saturating_add(found.length);
            }
            // Players leave out a last frame that is not whole.
            Some(_) => break,
            None => {
                gaps += 1;
                if gaps > MAX_GAPS {
                    return Err(Stop::Damaged);
                }
                match search(source, at, Some(first))? {
                    Some(next) if next > at => {
                        cleaning.zero(at..next)?;
                        at = next;
                    }
                    _ => break,
                }
            }
        }
    }
    if source.length.saturating_sub(at) > 4 * SEARCH {
        return Err(Stop::Damaged);
    }
    if at < source.length {
        cleaning.zero(at..source.length)?;
    }
    // The frame that tells how many there are is none of them.
    let sounding = match promised {
        Some(count) if count > frames => return Err(Stop::Damaged),
        Some(_) => frames - 1,
        None => frames,
    };
    Ok(Some(Known {
        mime: "audio/mpeg",
        width: None,
        height: None,
        duration_ms: milliseconds(sounding.saturating_mul(first.samples.into()), first.rate),
        cleaning,
    }))
}

/// How many frames the first one says there are.
fn promised<F: Read + Seek>(source: &mut Source<F>, at: u64, first: Frame) -> Walk<Option<u64>> {
    let place = at.saturating_add(4 + first.side);
    let mut words = [0; 12];
    if source.length.saturating_sub(place) < 12 {
        return Ok(None);
    }
    source.read(place, &mut words)?;
    let named = words.starts_with(b"Xing") || words.starts_with(b"Info");
    let counted = words.get(7).is_some_and(|flags| flags & 1 != 0);
    match named {
        true if counted => Ok(Some(u32::from_be_bytes(part(&words, 8)?).into())),
        true => Ok(Some(0)),
        false => Ok(None),
    }
}

/// A stream of sound in an Ogg file.
struct Stream {
    serial: u32,
    rate: u32,
    skip: u64,
    last: u64,
    packets: Packets,
}

/// The pages of Ogg (RFC 3533): what the first of each stream says, and how far the last one is.
pub(super) fn ogg<F: Read + Seek>(source: &mut Source<F>) -> Walk<Option<Known>> {
    let mut streams: Vec<Stream> = Vec::new();
    let (mut total, mut count) = (0_i64, 0);
    let (mut at, mut begun) = (0_u64, false);
    let mut cleaning = Cleaning::default();
    while at < source.length {
        let mut head = [0; 27];
        source.read(at, &mut head)?;
        if !head.starts_with(b"OggS") {
            return Err(Stop::Damaged);
        }
        let mut table = vec![0; usize::from(head.last().copied().unwrap_or(0))];
        source.read(at + 27, &mut table)?;
        let body = at + 27 + u64::try_from(table.len()).map_err(|_| Stop::Damaged)?;
        let length: u64 = table.iter().map(|segment| u64::from(*segment)).sum();
        let end = body.saturating_add(length);
        if end > source.length {
            return Err(Stop::Damaged);
        }
        let serial = u32::from_le_bytes(part(&head, 14)?);
        if head.get(5).is_some_and(|flags| flags & 2 != 0) {
            if begun {
                // One file after another: a recording of a broadcast.
                total = total.saturating_add(longest(&streams));
                streams.clear();
                begun = false;
            }
            count += 1;
            if count > MAX_STREAMS {
                return Err(Stop::Damaged);
            }
            let first = source.bytes(body..end.min(body + 64), 64)?;
            streams.extend(stream(serial, &first)?);
        } else {
            begun = true;
            let position = u64::from_le_bytes(part(&head, 6)?);
            let stream = streams.iter_mut().find(|stream| stream.serial == serial);
            if let Some(stream) = stream {
                if position != u64::MAX {
                    stream.last = stream.last.max(position);
                }
                let page = at..end;
                stream.packets.take(source, page, &table, &mut cleaning)?;
            }
        }
        at = end;
    }
    if streams.is_empty() {
        return Err(Stop::Unsupported("it is an Ogg file without sound"));
    }
    if !begun {
        return Err(Stop::Damaged);
    }
    let total = total.saturating_add(longest(&streams));
    Ok(Some(Known {
        mime: "audio/ogg",
        width: None,
        height: None,
        duration_ms: Some(total).filter(|ms| (1..=super::MOST_MS).contains(ms)),
        cleaning,
    }))
}

fn longest(streams: &[Stream]) -> i64 {
    let lengths = streams
        .iter()
        .filter_map(|stream| milliseconds(stream.last.saturating_sub(stream.skip), stream.rate));
    lengths.max().unwrap_or(0)
}

/// What the first page of a stream says; none for one that only describes others.
fn stream(serial: u32, first: &[u8]) -> Walk<Option<Stream>> {
    let (rate, skip) = if first.starts_with(b"\x01vorbis") {
        (u32::from_le_bytes(part(first, 12)?), 0)
    } else if first.starts_with(b"OpusHead") {
        (48_000, u16::from_le_bytes(part(first, 10)?).into())
    } else if first.starts_with(b"\x7FFLAC") {
        let [a, b, c] = part::<3>(first, 27)?;
        (u32::from_be_bytes([0, a, b, c]) >> 4, 0)
    } else if first.starts_with(b"fishead\0") {
        return Ok(None);
    } else if first.starts_with(b"\x80theora") {
        return Err(Stop::Unsupported(
            "it is an Ogg film (Theora); save it as WebM or MP4",
        ));
    } else {
        return Err(Stop::Unsupported(
            "it is an Ogg file of neither Vorbis, Opus nor FLAC",
        ));
    };
    Ok(Some(Stream {
        serial,
        rate,
        skip,
        last: 0,
        packets: Packets::default(),
    }))
}
