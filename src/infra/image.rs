//! Pictures: recognised by content, cleaned of metadata, scaled. Blocks: call it off the async
//! threads.

mod avif;
mod crop;
mod decode;
mod encode;
mod look;
mod scale;
mod svg;

use std::path::Path;
use std::sync::Arc;

pub use self::avif::decode as decode_avif;
pub use self::look::Look;
pub use self::svg::{MIME as SVG, is_svg};

/// What a picture may cost, and who decodes what is not decoded here.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Each takes up to 12 bytes while the picture is decoded.
    pub max_pixels: u64,
    /// Where the program `bantin` is: it is started once more for each AVIF.
    pub program: Arc<Path>,
}

/// What matters most in a picture, from its left and its top, as parts of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Focus {
    pub x: f64,
    pub y: f64,
}

impl Default for Focus {
    fn default() -> Self {
        Self { x: 0.5, y: 0.5 }
    }
}

/// Widths for `srcset`. A picture gets those that are narrower than itself.
const WIDTHS: [u32; 5] = [320, 640, 960, 1280, 1920];

/// Why a file is no picture for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageError {
    Empty,
    UnknownType,
    Corrupt,
    TooManyPixels,
    /// Of a kind that would be shown wrong; which, for whoever sent it.
    Misread(&'static str),
    /// An SVG that is not taken; why.
    Drawing(&'static str),
    /// Not the file's fault: an encoder found no memory, say, or no other process could be started.
    Failed,
}

/// A picture made ready.
#[derive(Debug)]
pub struct Processed {
    /// Of the original.
    pub mime: &'static str,
    /// As seen, after the orientation was applied.
    pub width: u32,
    pub height: u32,
    /// None for a drawing: nothing here draws it.
    pub look: Option<Look>,
    pub renditions: Vec<Rendition>,
}

/// What the first bytes of a picture say.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Of the original.
    pub mime: &'static str,
    /// As seen, with the orientation applied.
    pub width: u32,
    pub height: u32,
}

impl Header {
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// One file to serve: no metadata but the colour profile.
#[derive(Debug)]
pub struct Rendition {
    pub name: String,
    pub mime: &'static str,
    pub width: u32,
    pub height: u32,
    pub bytes: Vec<u8>,
}

/// How pixels lie in memory: eight bits a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Grey,
    Rgb,
    Rgba,
}

/// Pixels in memory, row by row.
#[derive(Debug)]
struct Picture {
    form: Form,
    width: u32,
    height: u32,
    pixels: Vec<u8>,
    profile: Option<Vec<u8>>,
}

impl Picture {
    fn height_at(&self, width: u32) -> u32 {
        scale::height(self.width, self.height, width)
    }
}

/// Looks at a picture without decoding it: enough to refuse most of what will be refused. A drawing is
/// not known here, only to `is_svg`.
pub fn header(original: &[u8], limits: &Limits) -> Result<Header, ImageError> {
    decode::header(original, limits)
}

/// Makes of a picture no more than its crops. A drawing has none.
pub fn crops(original: &[u8], limits: &Limits, focus: Focus) -> Result<Vec<Rendition>, ImageError> {
    if svg::is_svg(original) {
        return Ok(Vec::new());
    }
    let (_, picture) = decode::picture(original, limits)?;
    crop::all(&picture, focus)
}

/// Names of the files that a picture of this type and size gets.
pub fn names(mime: &str, width: u32, height: u32) -> Vec<String> {
    if mime == SVG {
        return vec!["full".to_owned()];
    }
    let widest = WIDTHS.last().copied().unwrap_or_default();
    let sizes = WIDTHS.into_iter().filter(|narrow| *narrow < width);
    let fits = |to| to <= widest && scale::height(width, height, to) <= encode::WEBP_MAX_SIDE;
    let mut names = vec!["full".to_owned()];
    names.extend(sizes.clone().map(|narrow| format!("w{narrow}")));
    names.extend(fits(width).then(|| "full-webp".to_owned()));
    names.extend(sizes.filter(|to| fits(*to)).map(|to| format!("w{to}-webp")));
    names.extend(crop::names(width, height));
    names
}

/// Makes the renditions: `full` in the picture's own size, then `w320` to `w1920`, and all that are
/// no wider than the last in WebP, too; and the crops. Of a drawing a clean copy, `full`, that fits every
/// size.
pub fn process(original: &[u8], limits: &Limits, focus: Focus) -> Result<Processed, ImageError> {
    if svg::is_svg(original) {
        return svg::process(original, limits);
    }
    let (mime, picture) = decode::picture(original, limits)?;
    let mut renditions = vec![classic("full".to_owned(), &picture)?];
    let mut modern = Vec::new();
    modern.extend(webp("full", &picture)?);
    // Each from the widest: the steps are small, the picture may be large.
    let widest = WIDTHS.into_iter().rfind(|width| *width < picture.width);
    let base = widest
        .map(|width| scale::to(&picture, width, picture.height_at(width)))
        .transpose()?;
    let look = look::at(base.as_ref().unwrap_or(&picture))?;
    if let Some(base) = &base {
        for width in WIDTHS.into_iter().filter(|width| *width <= base.width) {
            let name = format!("w{width}");
            let smaller = match width < base.width {
                true => Some(scale::to(base, width, picture.height_at(width))?),
                false => None,
            };
            let scaled = smaller.as_ref().unwrap_or(base);
            modern.extend(webp(&name, scaled)?);
            renditions.push(classic(name, scaled)?);
        }
    }
    renditions.append(&mut modern);
    renditions.extend(crop::all(&picture, focus)?);
    Ok(Processed {
        mime,
        width: picture.width,
        height: picture.height,
        look: Some(look),
        renditions,
    })
}

fn classic(name: String, picture: &Picture) -> Result<Rendition, ImageError> {
    let (mime, bytes) = encode::classic(picture)?;
    Ok(Rendition {
        name,
        mime,
        width: picture.width,
        height: picture.height,
        bytes,
    })
}

/// None for what is larger than a page shows, or than WebP can be.
fn webp(name: &str, picture: &Picture) -> Result<Option<Rendition>, ImageError> {
    let widest = WIDTHS.last().copied().unwrap_or_default();
    if picture.width > widest || picture.height > encode::WEBP_MAX_SIDE {
        return Ok(None);
    }
    Ok(Some(Rendition {
        name: format!("{name}-webp"),
        mime: "image/webp",
        width: picture.width,
        height: picture.height,
        bytes: encode::webp(picture)?,
    }))
}

#[cfg(test)]
mod tests;
