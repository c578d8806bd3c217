//! The items of a picture: what each is, where it lies, what it has, and what belongs to it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::ImageError;
use super::{Coded, Frame, Nclx, Read, Source};
use crate::infra::boxes::{Boxes, Broken, part};

/// Most items, properties, references and pieces that are looked at: a grid has its tiles twice, with
/// their transparency.
const MOST: usize = 4096;
/// Most properties that all items have together.
const MOST_ASSOCIATIONS: usize = 4 * MOST;
/// Most tiles of a grid.
const MAX_TILES: usize = 1024;
/// What the tiles of a small grid may have beside its own pixels: one tile of a size that cameras take.
const MOST_BEYOND: u64 = 4_000_000;

/// Boxes that are there once. Were they not, they could fill the counts below again and again.
const ONCE: &[&[u8; 4]] = &[b"pitm", b"idat", b"iinf", b"iloc", b"iref", b"iprp"];

/// Properties that an item may not be shown without, and that are known here, or mean nothing to us.
const KNOWN: &[&[u8; 4]] = &[
    b"ispe", b"pixi", b"av1C", b"colr", b"irot", b"imir", b"clap", b"auxC", b"pasp", b"a1op",
    b"lsel", b"a1lx", b"clli", b"mdcv", b"cclv", b"amve",
];
const ALPHA: [&[u8]; 2] = [
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
    b"urn:mpeg:hevc:2015:auxid:1\0",
];

/// Where an item lies.
#[derive(Debug)]
struct Place {
    /// 0: in the file, 1: in the box for that.
    method: u16,
    elsewhere: bool,
    /// Where each piece begins, and how long it is.
    pieces: Vec<(u64, u64)>,
}

/// What the box of descriptions says, by the number of the item.
#[derive(Debug, Default)]
pub(super) struct Items<'a> {
    file: &'a [u8],
    idat: &'a [u8],
    pub(super) primary: Option<u32>,
    pub(super) kinds: BTreeMap<u32, [u8; 4]>,
    places: BTreeMap<u32, Place>,
    all_properties: Vec<([u8; 4], &'a [u8])>,
    /// Which properties each has, counted from one, and whether it is nothing without.
    properties: BTreeMap<u32, Vec<(usize, bool)>>,
    /// Kind, from, to.
    references: Vec<([u8; 4], u32, u32)>,
}

impl<'a> Items<'a> {
    pub(super) fn read(file: &'a [u8], meta: &'a [u8]) -> Read<Self> {
        let mut items = Self {
            file,
            ..Self::default()
        };
        // Four bytes of version and flags, as in most of the boxes below.
        let rest = meta.get(4..).ok_or(ImageError::Corrupt)?;
        let mut seen = BTreeSet::new();
        for inner in (Boxes { rest, at: 0 }) {
            let inner = inner?;
            if ONCE.contains(&&inner.kind) && !seen.insert(inner.kind) {
                return Err(ImageError::Corrupt);
            }
            match &inner.kind {
                b"pitm" => {
                    let mut body = Reader::new(inner.body)?;
                    items.primary = Some(body.id(body.version > 0)?);
                }
                b"idat" => items.idat = inner.body,
                b"iinf" => items.kinds(inner.body)?,
                b"iloc" => items.places(inner.body)?,
                b"iref" => items.all_references(inner.body)?,
                b"iprp" => items.described(inner.boxes())?,
                _ => {}
            }
        }
        Ok(items)
    }

    fn described(&mut self, boxes: Boxes<'a>) -> Read<()> {
        let mut seen = BTreeSet::new();
        let mut associations = 0;
        for inner in boxes {
            let inner = inner?;
            match &inner.kind {
                b"ipco" => {
                    for property in inner.boxes() {
                        let property = property?;
                        self.all_properties.push((property.kind, property.body));
                        few(self.all_properties.len(), MOST)?;
                    }
                }
                b"ipma" => {
                    // One for each form of numbers.
                    let body = Reader::new(inner.body)?;
                    if !seen.insert((body.version > 0, body.long)) {
                        return Err(ImageError::Corrupt);
                    }
                    self.associations(body, &mut associations)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn kinds(&mut self, body: &'a [u8]) -> Read<()> {
        let mut body = Reader::new(body)?;
        body.id(body.version > 0)?;
        for inner in (Boxes {
            rest: body.rest,
            at: 0,
        }) {
            let inner = inner?;
            let mut entry = Reader::new(inner.body)?;
            // Older ones know no kinds.
            if &inner.kind == b"infe" && entry.version >= 2 {
                let id = entry.id(entry.version > 2)?;
                entry.number(2)?;
                self.kinds.entry(id).or_insert(part(entry.rest, 0)?);
                few(self.kinds.len(), MOST)?;
            }
        }
        Ok(())
    }

    fn places(&mut self, body: &'a [u8]) -> Read<()> {
        let mut body = Reader::new(body)?;
        let (version, sizes) = (body.version, body.number(2)?);
        let size = |shift: u32| usize::try_from(sizes >> shift & 15).unwrap_or_default();
        let (of_offset, of_length, of_base) = (size(12), size(8), size(4));
        let of_index = if version > 0 { size(0) } else { 0 };
        let count = body.id(version > 1)?;
        let mut all = 0;
        for _ in 0..count {
            let id = body.id(version > 1)?;
            let method = if version > 0 { body.number(2)? & 15 } else { 0 };
            let elsewhere = body.number(2)? != 0;
            let base = body.number(of_base)?;
            let mut pieces = Vec::new();
            for _ in 0..body.number(2)? {
                body.number(of_index)?;
                let begin = base.checked_add(body.number(of_offset)?);
                pieces.push((begin.ok_or(Broken)?, body.number(of_length)?));
                all += 1;
                few(all, MOST)?;
            }
            let place = Place {
                method: u16::try_from(method).map_err(|_| Broken)?,
                elsewhere,
                pieces,
            };
            self.places.entry(id).or_insert(place);
            few(self.places.len(), MOST)?;
        }
        Ok(())
    }

    fn all_references(&mut self, body: &'a [u8]) -> Read<()> {
        let body = Reader::new(body)?;
        let long = body.version > 0;
        for inner in (Boxes {
            rest: body.rest,
            at: 0,
        }) {
            let inner = inner?;
            let mut entry = Reader {
                rest: inner.body,
                ..body
            };
            let from = entry.id(long)?;
            for _ in 0..entry.number(2)? {
                self.references.push((inner.kind, from, entry.id(long)?));
                few(self.references.len(), MOST)?;
            }
        }
        Ok(())
    }

    fn associations(&mut self, mut body: Reader<'a>, all: &mut usize) -> Read<()> {
        for _ in 0..body.number(4)? {
            let id = body.id(body.version > 0)?;
            let own = self.properties.entry(id).or_default();
            for _ in 0..body.number(1)? {
                let (number, essential) = match body.long {
                    true => (body.number(2)?, 0x8000),
                    false => (body.number(1)?, 0x80),
                };
                let index = usize::try_from(number & (essential - 1)).map_err(|_| Broken)?;
                own.push((index, number & essential != 0));
                *all += 1;
                few(*all, MOST_ASSOCIATIONS)?;
            }
            few(self.properties.len(), MOST)?;
        }
        Ok(())
    }

    pub(super) fn references(
        &self,
        kind: &'static [u8; 4],
        from: u32,
    ) -> impl Iterator<Item = u32> + '_ {
        let all = self.references.iter();
        let own = all.filter(move |(is, of, _)| is == kind && *of == from);
        own.map(|(_, _, to)| *to)
    }

    pub(super) fn properties(&self, id: u32) -> Read<Vec<([u8; 4], &'a [u8])>> {
        let mut found = Vec::new();
        for (index, essential) in self.properties.get(&id).into_iter().flatten() {
            // Zero is none.
            let Some(before) = index.checked_sub(1) else {
                continue;
            };
            let (kind, body) = self.all_properties.get(before).ok_or(Broken)?;
            if *essential && !KNOWN.contains(&kind) {
                return Err(ImageError::Misread(
                    "has properties that are not read: save it as another kind",
                ));
            }
            found.push((*kind, *body));
        }
        Ok(found)
    }

    pub(super) fn alpha_of(&self, primary: u32) -> Option<u32> {
        let to_it = self.references.iter();
        let to_it = to_it.filter(|(kind, _, to)| kind == b"auxl" && *to == primary);
        // Each once, however often it says so.
        let mut seen = BTreeSet::new();
        let to_it = to_it.filter(|(_, from, _)| seen.insert(*from));
        let is_alpha = |id: &u32| {
            let own = self.properties(*id).unwrap_or_default();
            let says = |body: &[u8]| {
                let name = body.get(4..).unwrap_or_default();
                ALPHA.iter().any(|alpha| name.starts_with(alpha))
            };
            own.iter().any(|(kind, body)| kind == b"auxC" && says(body))
        };
        to_it.map(|(_, from, _)| *from).find(is_alpha)
    }

    fn pieces(&self, id: u32) -> Read<Vec<&'a [u8]>> {
        let place = self.places.get(&id).ok_or(ImageError::Corrupt)?;
        let within = match place {
            Place {
                method: 0,
                elsewhere: false,
                ..
            } => self.file,
            Place {
                method: 1,
                elsewhere: false,
                ..
            } => self.idat,
            _ => {
                return Err(ImageError::Misread(
                    "has its pixels elsewhere, which is not read: save it as another kind",
                ));
            }
        };
        let piece = |(begin, length): &(u64, u64)| {
            let begin = usize::try_from(*begin).map_err(|_| ImageError::Corrupt)?;
            let length = usize::try_from(*length).map_err(|_| ImageError::Corrupt)?;
            let end = begin.checked_add(length).ok_or(ImageError::Corrupt)?;
            let piece = within.get(begin..end).filter(|piece| !piece.is_empty());
            piece.ok_or(ImageError::Corrupt)
        };
        let pieces = place.pieces.iter().map(piece).collect::<Read<Vec<_>>>()?;
        let long = pieces.iter().map(|piece| piece.len()).sum::<usize>() > self.file.len();
        match pieces.is_empty() || long {
            true => Err(ImageError::Corrupt),
            false => Ok(pieces),
        }
    }

    /// Size and colours, as the container says.
    fn size(&self, id: u32) -> Read<(u32, u32, Option<Nclx>)> {
        let (mut size, mut nclx) = (None, None);
        for (kind, body) in self.properties(id)? {
            match &kind {
                b"ispe" => {
                    let side = |at| Ok::<_, Broken>(u32::from_be_bytes(part(body, at)?));
                    size = Some((side(4)?, side(8)?));
                }
                b"colr" if body.get(..4) == Some(b"nclx") => {
                    let number = |at| Ok::<_, Broken>(u16::from_be_bytes(part(body, at)?));
                    nclx = Some(Nclx {
                        transfer: number(6)?,
                        matrix: number(8)?,
                        full: part(body, 10)? >= [0x80],
                    });
                }
                _ => {}
            }
        }
        let (width, height) = size.ok_or(ImageError::Corrupt)?;
        match width > 0 && height > 0 {
            true => Ok((width, height, nclx)),
            false => Err(ImageError::Corrupt),
        }
    }

    fn frame(&self, id: u32) -> Read<Frame<'a>> {
        let (width, height, _) = self.size(id)?;
        match self.kinds.get(&id) {
            Some(b"av01") => Ok(Frame {
                width,
                height,
                pieces: self.pieces(id)?,
            }),
            _ => Err(ImageError::Corrupt),
        }
    }

    pub(super) fn coded(&self, id: u32) -> Read<Coded<'a>> {
        let (width, height, nclx) = self.size(id)?;
        let source = match self.kinds.get(&id) {
            Some(b"grid") => self.grid(id, width, height)?,
            _ => Source::Frame(self.frame(id)?),
        };
        Ok(Coded {
            width,
            height,
            nclx,
            source,
        })
    }

    fn grid(&self, id: u32, width: u32, height: u32) -> Read<Source<'a>> {
        let pieces = self.pieces(id)?;
        let body = pieces.first().copied().unwrap_or_default();
        let [_, flags, rows, columns] = part(body, 0)?;
        let mut reader = Reader {
            rest: body.get(4..).unwrap_or_default(),
            version: 0,
            long: false,
        };
        let long = flags & 1 != 0;
        let (rows, columns) = (u64::from(rows) + 1, u64::from(columns) + 1);
        let size = (reader.id(long)?, reader.id(long)?);
        let ids = self.references(b"dimg", id).take(MAX_TILES + 1);
        let mut seen = BTreeSet::new();
        let tile = |id| match seen.insert(id) {
            true => self.frame(id),
            false => Err(ImageError::Misread(
                "has one tile in two places, which is not read: save it as another kind",
            )),
        };
        let tiles = ids.map(tile).collect::<Read<Vec<_>>>()?;
        let first = tiles.first().ok_or(ImageError::Corrupt)?;
        // The last row and the last column may reach beyond the picture, but not lie outside.
        let fits = |count: u64, tile: u32, whole: u32| {
            let (tile, whole) = (u64::from(tile), u64::from(whole));
            count * tile >= whole && (count - 1) * tile < whole
        };
        let alike = |tile: &Frame| (tile.width, tile.height) == (first.width, first.height);
        // Of two rows and two columns that holds. Of one only this says how large its tiles may be.
        let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height);
        let all = rows.saturating_mul(columns);
        let all = all.saturating_mul(pixels(first.width, first.height));
        let most = pixels(width, height).saturating_mul(4);
        let sound = size == (width, height)
            && u64::try_from(tiles.len()) == Ok(rows * columns)
            && tiles.len() <= MAX_TILES
            && tiles.iter().all(alike)
            && fits(columns, first.width, width)
            && fits(rows, first.height, height)
            && all <= most.saturating_add(MOST_BEYOND);
        match sound {
            true => Ok(Source::Grid(
                usize::try_from(columns).map_err(|_| Broken)?,
                tiles,
            )),
            false => Err(ImageError::Corrupt),
        }
    }
}

fn few(count: usize, most: usize) -> Read<()> {
    match count <= most {
        true => Ok(()),
        false => Err(ImageError::Misread(
            "has too many parts: save it as another kind",
        )),
    }
}

/// Numbers one after the other.
#[derive(Debug, Clone, Copy)]
struct Reader<'a> {
    rest: &'a [u8],
    version: u8,
    /// The lowest flag, which makes some numbers longer.
    long: bool,
}

impl<'a> Reader<'a> {
    /// The body of a box that has version and flags.
    fn new(body: &'a [u8]) -> Read<Self> {
        let [version, _, _, flags] = part(body, 0)?;
        Ok(Self {
            rest: body.get(4..).unwrap_or_default(),
            version,
            long: flags & 1 != 0,
        })
    }

    /// A number of so many bytes; of none it is zero.
    fn number(&mut self, bytes: usize) -> Read<u64> {
        let (number, rest) = self.rest.split_at_checked(bytes).ok_or(Broken)?;
        self.rest = rest;
        if bytes > 8 {
            return Err(ImageError::Corrupt);
        }
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Ok(number.iter().fold(0, add))
    }

    fn id(&mut self, long: bool) -> Read<u32> {
        let number = self.number(if long { 4 } else { 2 })?;
        u32::try_from(number).map_err(|_| ImageError::Corrupt)
    }
}
