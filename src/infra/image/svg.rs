//! SVG: a page that can run programs and fetch from anywhere. What leaves is a picture: elements and
//! attributes from a list, nothing from elsewhere, and the pictures inside it made anew.

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

use svg_hush::data_url_filter::{DataUrl, DataUrlFilterResult};
use xml::attribute::OwnedAttribute;
use xml::reader::XmlEvent;

use super::{Header, ImageError, Limits, Processed, Rendition, decode, encode};

pub const MIME: &str = "image/svg+xml";

/// Most bytes of one. Drawings are small; what is larger is a photo in disguise.
const MAX_BYTES: usize = 1024 * 1024;
/// Most bytes of what is made of one: the pictures inside may grow.
const MAX_CLEAN: usize = 4 * MAX_BYTES;
/// Most pictures inside one, and most pixels of each.
const MAX_INSIDE: u32 = 16;
const MAX_INSIDE_PIXELS: u64 = 4_000_000;
const NAMESPACE: &str = "http://www.w3.org/2000/svg";
/// What browsers give a drawing that says nothing of its size.
const SIZE: (f64, f64) = (300.0, 150.0);
/// Longest side, so that sizes stay what front ends can count with.
const MAX_SIDE: f64 = 65_000.0;

/// Does a file begin as one? Whether it is one the parser tells.
pub(super) fn is_svg(bytes: &[u8]) -> bool {
    let head = bytes.get(..1024).unwrap_or(bytes);
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let markup = text.trim_ascii_start().starts_with(b"<");
    markup && head.windows(4).any(|window| window == b"<svg")
}

/// Type and size of one that would be taken.
pub(super) fn header(original: &[u8], limits: &Limits) -> Result<Header, ImageError> {
    let (_, width, height) = clean(original, limits)?;
    Ok(Header {
        mime: MIME,
        width,
        height,
    })
}

/// The one file that readers get.
pub(super) fn process(original: &[u8], limits: &Limits) -> Result<Processed, ImageError> {
    let (bytes, width, height) = clean(original, limits)?;
    Ok(Processed {
        mime: MIME,
        width,
        height,
        look: None,
        renditions: vec![Rendition {
            name: "full".to_owned(),
            mime: MIME,
            width,
            height,
            bytes,
        }],
    })
}

fn clean(original: &[u8], limits: &Limits) -> Result<(Vec<u8>, u32, u32), ImageError> {
    if original.len() > MAX_BYTES {
        return Err(ImageError::Drawing("has more than 1 MiB"));
    }
    let Ok(text) = std::str::from_utf8(original) else {
        return Err(ImageError::Drawing("is not in UTF-8"));
    };
    // They grow without bound, and what draws today needs none.
    if text.contains("<!ENTITY") {
        return Err(ImageError::Drawing("declares entities"));
    }
    let mut filter = svg_hush::Filter::new();
    let most = limits.max_pixels.min(MAX_INSIDE_PIXELS);
    let lost = Rc::new(Cell::new(false));
    let (seen, count) = (Rc::clone(&lost), Cell::new(0));
    filter.set_data_url_filter(move |url| {
        count.set(count.get() + 1);
        let made = match count.get() <= MAX_INSIDE {
            true => inside(url, most),
            false => None,
        };
        seen.set(seen.get() || made.is_none());
        made.unwrap_or(DataUrlFilterResult::Drop)
    });
    let mut out = Bounded(Vec::new());
    let done = filter.filter(original, &mut out);
    if lost.get() {
        return Err(ImageError::Drawing(
            "has a picture inside that is damaged, too large, one of more than 16, or of a kind that is not read",
        ));
    }
    done.map_err(|_| ImageError::Corrupt)?;
    let (width, height) = size(&out.0)?;
    Ok((out.0, width, height))
}

/// A picture inside, without its metadata.
fn inside(url: &DataUrl<'_>, max_pixels: u64) -> Option<DataUrlFilterResult> {
    let (bytes, _) = url.decode_to_vec().ok()?;
    let (_, picture) = decode::here(&bytes, max_pixels).ok()?;
    let (mime, data) = encode::classic(&picture).ok()?;
    let mime_type = mime.to_owned();
    Some(DataUrlFilterResult::Rewrite { mime_type, data })
}

/// Takes no more than there may be.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.len() + bytes.len() <= MAX_CLEAN {
            true => self.0.write(bytes),
            false => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Width and height in pixels, as the root says: in lengths, or in the proportions of its `viewBox`.
fn size(clean: &[u8]) -> Result<(u32, u32), ImageError> {
    let root = xml::EventReader::new(clean).into_iter().find_map(|event| {
        let Ok(XmlEvent::StartElement {
            name, attributes, ..
        }) = event
        else {
            return None;
        };
        Some((name, attributes))
    });
    let Some((name, attributes)) = root else {
        return Err(ImageError::Corrupt);
    };
    if name.local_name != "svg" || name.namespace.as_deref() != Some(NAMESPACE) {
        return Err(ImageError::UnknownType);
    }
    let view = value(&attributes, "viewBox").and_then(view);
    let side = |name| value(&attributes, name).and_then(pixels);
    let (width, height) = match (side("width"), side("height"), view) {
        (Some(width), Some(height), _) => (width, height),
        (Some(width), None, Some((w, h))) => (width, width * h / w),
        (None, Some(height), Some((w, h))) => (height * w / h, height),
        (None, None, Some(size)) => size,
        (width, height, None) => (width.unwrap_or(SIZE.0), height.unwrap_or(SIZE.1)),
    };
    Ok((whole(width), whole(height)))
}

fn value<'a>(attributes: &'a [OwnedAttribute], name: &str) -> Option<&'a str> {
    let found = attributes
        .iter()
        .find(|one| one.name.local_name == name && one.name.namespace.is_none());
    found.map(|one| one.value.trim())
}

/// Width and height of a `viewBox`: the last two of four numbers.
fn view(text: &str) -> Option<(f64, f64)> {
    let mut numbers = text
        .split(|c: char| c == ',' || c.is_ascii_whitespace())
        .filter(|part| !part.is_empty())
        .map(str::parse::<f64>);
    let (_, _) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let size = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (is_side(size.0) && is_side(size.1)).then_some(size)
}

/// A length of CSS in pixels; none where it depends on what stands around the picture.
fn pixels(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 7] = [
        ("px", 1.0),
        ("in", 96.0),
        ("cm", 96.0 / 2.54),
        ("mm", 96.0 / 25.4),
        ("pt", 96.0 / 72.0),
        ("pc", 16.0),
        ("", 1.0),
    ];
    let (number, factor) = UNITS
        .into_iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let length = number.trim_end().parse::<f64>().ok()? * factor;
    is_side(length).then_some(length)
}

fn is_side(length: f64) -> bool {
    length.is_finite() && length > 0.0
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between one and 65,000"
)]
fn whole(length: f64) -> u32 {
    length.round().clamp(1.0, MAX_SIDE) as u32
}
