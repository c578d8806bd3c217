//! What the tables of a film say: length, size, where samples lie.

use std::ops::Range;

use super::super::{Stop, Walk, part};
use super::Boxes;

/// Most pieces of one track that are made empty.
const MAX_CHUNKS: usize = 200_000;

/// Units in a second and how many there are, in `mvhd`; both versions. 0: not known.
pub(super) fn times(body: &[u8], at: usize) -> Walk<(u32, u64)> {
    match body.get(at) {
        Some(1) => {
            let duration = u64::from_be_bytes(part(body, at + 24)?);
            let known = if duration == u64::MAX { 0 } else { duration };
            Ok((u32::from_be_bytes(part(body, at + 20)?), known))
        }
        _ => {
            let duration = u32::from_be_bytes(part(body, at + 16)?);
            let known = if duration == u32::MAX { 0 } else { duration };
            Ok((u32::from_be_bytes(part(body, at + 12)?), known.into()))
        }
    }
}

/// Width and height as a player shows them: a quarter turn swaps the two.
pub(super) fn seen(tkhd: &[u8]) -> Walk<Option<(u32, u32)>> {
    let matrix = if tkhd.first() == Some(&1) { 52 } else { 40 };
    let number = |at: usize| Ok::<_, Stop>(u32::from_be_bytes(part(tkhd, matrix + at)?));
    let (width, height) = (number(36)? >> 16, number(40)? >> 16);
    if width == 0 || height == 0 {
        return Ok(None);
    }
    let turned = number(0)? == 0 && number(16)? == 0 && number(4)? != 0 && number(12)? != 0;
    Ok(Some(match turned {
        true => (height, width),
        false => (width, height),
    }))
}

/// Width and height of the coded picture.
pub(super) fn coded(table: &[u8]) -> Walk<Option<(u32, u32)>> {
    for inner in (Boxes { rest: table, at: 0 }) {
        let inner = inner?;
        if &inner.kind == b"stsd" && inner.body.len() >= 44 {
            let size = |at| Ok::<_, Stop>(u32::from(u16::from_be_bytes(part(inner.body, at)?)));
            let (width, height) = (size(40)?, size(42)?);
            return Ok((width > 0 && height > 0).then_some((width, height)));
        }
    }
    Ok(None)
}

/// Where the samples of a track lie: its chunks, as long as their samples are together.
pub(super) fn samples(table: &[u8]) -> Walk<Vec<Range<u64>>> {
    let (mut places, mut groups, mut sizes) = (Vec::new(), &[][..], &[][..]);
    for inner in (Boxes { rest: table, at: 0 }) {
        let inner = inner?;
        let rows = inner.body.get(8..).unwrap_or_default();
        match &inner.kind {
            b"stco" if rows.len() / 4 <= MAX_CHUNKS => {
                let rows = rows.chunks_exact(4);
                places = rows
                    .map(|row| Ok(u64::from(u32::from_be_bytes(part(row, 0)?))))
                    .collect::<Walk<_>>()?;
            }
            b"co64" if rows.len() / 8 <= MAX_CHUNKS => {
                let rows = rows.chunks_exact(8);
                places = rows
                    .map(|row| Ok(u64::from_be_bytes(part(row, 0)?)))
                    .collect::<Walk<_>>()?;
            }
            b"stco" | b"co64" => return Err(Stop::Unsupported("a track has too many pieces")),
            b"stsc" => groups = rows,
            b"stsz" => sizes = inner.body.get(4..).unwrap_or_default(),
            b"stz2" => return Err(Stop::Unsupported("a track has sizes of an unusual kind")),
            _ => {}
        }
    }
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let same = u64::from(u32::from_be_bytes(part(sizes, 0)?));
    let mut sizes = sizes.get(8..).unwrap_or_default().chunks_exact(4);
    let mut groups = groups.chunks_exact(12).peekable();
    let mut each = 0_u32;
    let mut found = Vec::new();
    for (number, place) in (1_u32..).zip(places) {
        while let Some(group) = groups.next_if(|group| first_chunk(group) <= number) {
            each = u32::from_be_bytes(part(group, 4)?);
        }
        let length = match same {
            0 => {
                let count = usize::try_from(each).map_err(|_| Stop::Damaged)?;
                let sizes = sizes.by_ref().take(count);
                sizes.fold(0_u64, |sum, size| {
                    let size = part(size, 0).map_or(0, u32::from_be_bytes);
                    sum.saturating_add(size.into())
                })
            }
            same => same.saturating_mul(each.into()),
        };
        found.push(place..place.saturating_add(length));
    }
    Ok(found)
}

fn first_chunk(group: &[u8]) -> u32 {
    part(group, 0).map_or(u32::MAX, u32::from_be_bytes)
}
