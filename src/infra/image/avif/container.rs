//! The container of AVIF (ISO 23008-12, AV1 Image File Format): which bytes are the picture, how large it
//! is, and how it is to be shown. Nothing is decoded, nothing is copied, and what is kept is bounded by
//! counts of our own.

mod items;

use self::items::Items;
use super::super::ImageError;
use crate::infra::boxes::{Boxes, Broken, part};

/// Most brands that are looked at.
const MOST_BRANDS: usize = 64;

/// The picture of a file.
#[derive(Debug)]
pub(super) struct Avif<'a> {
    pub(super) colour: Coded<'a>,
    pub(super) alpha: Option<Coded<'a>>,
    /// The colours were multiplied by the transparency.
    pub(super) premultiplied: bool,
    pub(super) profile: Option<&'a [u8]>,
    pub(super) crop: Option<Crop>,
    /// Quarters of a turn against the clock, after the crop.
    pub(super) turns: u8,
    /// After the turn.
    pub(super) mirror: Option<Mirror>,
}

/// A part of the picture, in whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crop {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// What changes places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mirror {
    TopAndBottom,
    LeftAndRight,
}

/// Pixels that are coded, as one frame or as tiles.
#[derive(Debug)]
pub(super) struct Coded<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// What the container says of the colours; it goes before what the frame says.
    pub(super) nclx: Option<Nclx>,
    pub(super) source: Source<'a>,
}

#[derive(Debug)]
pub(super) enum Source<'a> {
    Frame(Frame<'a>),
    /// Row by row; so many in a row.
    Grid(usize, Vec<Frame<'a>>),
}

/// One frame of AV1, in pieces of the file.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pieces: Vec<&'a [u8]>,
}

/// Numbers of ISO 23091-2 for colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nclx {
    pub(super) transfer: u16,
    pub(super) matrix: u16,
    pub(super) full: bool,
}

impl<'a> Avif<'a> {
    /// All that is decoded.
    pub(super) fn frames(&self) -> impl Iterator<Item = &Frame<'a>> {
        let coded = std::iter::once(&self.colour).chain(&self.alpha);
        coded.flat_map(|coded| match &coded.source {
            Source::Frame(frame) => std::slice::from_ref(frame),
            Source::Grid(_, tiles) => tiles,
        })
    }

    /// As seen.
    pub(super) fn size(&self) -> (u32, u32) {
        let whole = (self.colour.width, self.colour.height);
        let (width, height) = self.crop.map_or(whole, |crop| (crop.width, crop.height));
        match self.turns % 2 {
            0 => (width, height),
            _ => (height, width),
        }
    }
}

impl From<Broken> for ImageError {
    fn from(_: Broken) -> Self {
        Self::Corrupt
    }
}

type Read<T> = Result<T, ImageError>;

/// None where the file is of another kind, as HEIC is, which lies in the same boxes.
pub(super) fn read(file: &[u8]) -> Read<Option<Avif<'_>>> {
    let mut boxes = Boxes { rest: file, at: 0 };
    let Some(Ok(first)) = boxes.next().filter(|_| file.get(4..8) == Some(b"ftyp")) else {
        return Ok(None);
    };
    let major = first.body.get(..4).into_iter();
    let more = first.body.get(8..).unwrap_or_default();
    let brands: Vec<&[u8]> = major
        .chain(more.chunks_exact(4))
        .take(MOST_BRANDS)
        .collect();
    let has = |names: &[&[u8]]| brands.iter().any(|brand| names.contains(brand));
    let claims = has(&[b"avif", b"avis"]);
    if !claims && !has(&[b"mif1", b"msf1", b"miaf"]) {
        return Ok(None);
    }
    match picture(file, boxes) {
        // Of a file that only says to be some picture it is not known what it should have been.
        Err(_) if !claims => Ok(None),
        found => found,
    }
}

fn picture<'a>(file: &'a [u8], boxes: Boxes<'a>) -> Read<Option<Avif<'a>>> {
    let mut meta = None;
    for inner in boxes {
        let inner = inner?;
        if &inner.kind == b"meta" && meta.is_none() {
            meta = Some(inner.body);
        }
    }
    let meta = meta.ok_or(ImageError::Corrupt)?;
    let items = Items::read(file, meta)?;
    let primary = items.primary.ok_or(ImageError::Corrupt)?;
    match items.kinds.get(&primary) {
        None => return Err(ImageError::Corrupt),
        Some(b"av01") => {}
        // A grid is ours if its tiles are.
        Some(b"grid") => {
            let tile = items.references(b"dimg", primary).next();
            if tile.and_then(|id| items.kinds.get(&id)) != Some(b"av01") {
                return Ok(None);
            }
        }
        Some(_) => return Ok(None),
    }
    let colour = items.coded(primary)?;
    let alpha = items.alpha_of(primary);
    let coded = alpha.map(|id| items.coded(id)).transpose()?;
    if let Some(alpha) = &coded
        && (alpha.width, alpha.height) != (colour.width, colour.height)
    {
        return Err(ImageError::Corrupt);
    }
    let mut shown = Avif {
        premultiplied: alpha
            .is_some_and(|id| items.references(b"prem", primary).any(|to| to == id)),
        alpha: coded,
        profile: None,
        crop: None,
        turns: 0,
        mirror: None,
        colour,
    };
    for (kind, body) in items.properties(primary)? {
        match &kind {
            b"colr" if matches!(body.get(..4), Some(b"prof" | b"rICC")) => {
                shown.profile = body.get(4..);
            }
            b"clap" => shown.crop = Some(crop(body, shown.colour.width, shown.colour.height)?),
            b"irot" => {
                let [turns] = part(body, 0)?;
                shown.turns = turns & 3;
            }
            b"imir" => {
                let [axis] = part(body, 0)?;
                shown.mirror = Some(match axis & 1 {
                    0 => Mirror::TopAndBottom,
                    _ => Mirror::LeftAndRight,
                });
            }
            _ => {}
        }
    }
    Ok(Some(shown))
}

/// Width, height, and how far its middle is from that of the picture, each as a fraction.
fn crop(body: &[u8], wide: u32, high: u32) -> Read<Crop> {
    const PART: ImageError =
        ImageError::Misread("is cropped to parts of pixels, which is not read: save it without");
    let number = |at: usize| Ok::<_, Broken>(i64::from(i32::from_be_bytes(part(body, at)?)));
    let whole = |over: i64, under: i64| match over.checked_rem(under) {
        Some(0) => over.checked_div(under).ok_or(PART),
        _ => Err(PART),
    };
    let width = whole(number(0)?, number(4)?)?;
    let height = whole(number(8)?, number(12)?)?;
    // Half of what is cut away, and the way from there: whole only together.
    let begin = |all: u32, part: i64, over: i64, under: i64| {
        let over = (i64::from(all) - part)
            .checked_mul(under)
            .and_then(|cut| cut.checked_add(over.checked_mul(2)?))
            .ok_or(PART)?;
        let begin = whole(over, under.saturating_mul(2))?;
        let inside = begin >= 0 && part > 0 && begin + part <= i64::from(all);
        match inside {
            true => Ok((begin, part)),
            false => Err(ImageError::Corrupt),
        }
    };
    let (left, width) = begin(wide, width, number(16)?, number(20)?)?;
    let (top, height) = begin(high, height, number(24)?, number(28)?)?;
    let small = |n: i64| u32::try_from(n).map_err(|_| ImageError::Corrupt);
    Ok(Crop {
        left: small(left)?,
        top: small(top)?,
        width: small(width)?,
        height: small(height)?,
    })
}
