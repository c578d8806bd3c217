//! SVG: a page that can run programs and fetch from anywhere. What leaves is a picture: elements from a list,
//! attributes that only say how they look, nothing from elsewhere, and the pictures inside made anew.

mod size;

use std::io::{self, Write};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use xml::attribute::OwnedAttribute;
use xml::name::OwnedName;
use xml::reader::XmlEvent;
use xml::writer::XmlEvent as Written;
use xml::{EmitterConfig, EventWriter, ParserConfig};

use super::{ImageError, Limits, Processed, Rendition, decode, encode};

pub const MIME: &str = "image/svg+xml";

/// Most bytes of one. Drawings are small; what is larger is a photo in disguise.
const MAX_BYTES: usize = 1024 * 1024;
/// Most bytes of what is made of one: the pictures inside may grow.
const MAX_CLEAN: usize = 4 * MAX_BYTES;
/// Elements in elements: those who draw follow them one by one.
const MAX_DEPTH: u32 = 100;
/// Most pictures inside one, and most pixels of each.
const MAX_INSIDE: u32 = 16;
const MAX_INSIDE_PIXELS: u64 = 4_000_000;

const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Shapes, texts and what they are filled with. Nothing that runs, moves, leads elsewhere or holds another
/// language.
#[rustfmt::skip]
const ELEMENTS: &[&str] = &[
    "svg", "g", "defs", "symbol", "use", "switch", "title", "desc", "style", "a",
    "path", "rect", "circle", "ellipse", "line", "polyline", "polygon",
    "text", "tspan", "textPath", "image",
    "linearGradient", "radialGradient", "stop", "pattern", "clipPath", "mask", "marker", "filter",
    "feBlend", "feColorMatrix", "feComponentTransfer", "feComposite", "feConvolveMatrix",
    "feDiffuseLighting", "feDisplacementMap", "feDistantLight", "feDropShadow", "feFlood", "feFuncA",
    "feFuncB", "feFuncG", "feFuncR", "feGaussianBlur", "feImage", "feMerge", "feMergeNode",
    "feMorphology", "feOffset", "fePointLight", "feSpecularLighting", "feSpotLight", "feTile",
    "feTurbulence",
];
/// Those that may refer to another, or hold a picture.
#[rustfmt::skip]
const REFERRING: &[&str] = &[
    "use", "textPath", "image", "feImage", "pattern", "filter", "linearGradient", "radialGradient",
];
/// Words of CSS that fetch something, or hide a word that does.
#[rustfmt::skip]
const FETCHING: &[&str] = &[
    "\\", "@import", "@font-face", "image(", "image-set(", "src(", "attr(", "element(", "expression(",
    "-moz-binding",
];

/// Does a file begin as one? Whether it is one the parser tells.
pub fn is_svg(bytes: &[u8]) -> bool {
    let head = bytes.get(..1024).unwrap_or(bytes);
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let markup = text.trim_ascii_start().starts_with(b"<");
    let named = |window: &[u8]| matches!(window, b"<svg" | b":svg");
    markup && head.windows(4).any(named)
}

/// The one file that readers get.
pub(super) fn process(original: &[u8], limits: &Limits) -> Result<Processed, ImageError> {
    let (bytes, (width, height)) = clean(original, limits)?;
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

fn clean(original: &[u8], limits: &Limits) -> Result<(Vec<u8>, (u32, u32)), ImageError> {
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
    let mut cleaner = Cleaner {
        // Between the parts of a text a blank is a blank.
        out: EmitterConfig::new()
            .perform_indent(false)
            .create_writer(Bounded(Vec::new())),
        max_pixels: limits.max_pixels.min(MAX_INSIDE_PIXELS),
        size: None,
        depth: 0,
        dropped: 0,
        style: None,
        inside: 0,
    };
    let config = ParserConfig::new()
        .cdata_to_characters(true)
        .coalesce_characters(false)
        .max_attributes(200)
        .max_name_length(1000);
    for event in config.create_reader(original) {
        cleaner.take(event.map_err(|_| ImageError::Corrupt)?)?;
    }
    let size = cleaner.size.ok_or(ImageError::Corrupt)?;
    Ok((cleaner.out.into_inner().0, size))
}

struct Cleaner {
    out: EventWriter<Bounded>,
    /// Of the pictures inside.
    max_pixels: u64,
    /// Known when the root is.
    size: Option<(u32, u32)>,
    /// How many elements are open.
    depth: u32,
    /// How many of those that are left out are open.
    dropped: u32,
    /// The text of an open `style`.
    style: Option<String>,
    /// How many pictures have come.
    inside: u32,
}

impl Cleaner {
    fn take(&mut self, event: XmlEvent) -> Result<(), ImageError> {
        match event {
            XmlEvent::StartElement {
                name, attributes, ..
            } => self.open(&name, &attributes),
            XmlEvent::EndElement { .. } => self.close(),
            XmlEvent::Characters(text) | XmlEvent::Whitespace(text) => self.text(&text),
            // Declarations, comments, and words to programs.
            _ => Ok(()),
        }
    }

    fn open(&mut self, name: &OwnedName, attributes: &[OwnedAttribute]) -> Result<(), ImageError> {
        let ours = name.namespace.as_deref() == Some(SVG);
        if self.size.is_none() {
            if !ours || name.local_name != "svg" {
                return Err(ImageError::UnknownType);
            }
            self.size = Some(size::of(attributes));
        }
        if self.dropped > 0 || !ours || !ELEMENTS.contains(&name.local_name.as_str()) {
            self.dropped += 1;
            return Ok(());
        }
        if self.style.is_some() {
            return Err(ImageError::Drawing("has styles that are no plain text"));
        }
        if name.local_name == "style" {
            self.style = Some(String::new());
        }
        if self.depth == MAX_DEPTH {
            return Err(ImageError::Drawing("is too deep: elements in elements"));
        }
        self.depth += 1;
        let mut kept: Vec<(&str, String)> = Vec::new();
        for one in attributes {
            let attribute = self.attribute(&name.local_name, one)?;
            // `href` may be there in its old form, too.
            kept.extend(attribute.filter(|(name, _)| kept.iter().all(|(known, _)| known != name)));
        }
        let mut element = Written::start_element(name.local_name.as_str());
        if self.depth == 1 {
            element = element.default_ns(SVG);
        }
        for (name, value) in &kept {
            element = element.attr(*name, value.as_str());
        }
        self.write(element.into())
    }

    fn close(&mut self) -> Result<(), ImageError> {
        if self.dropped > 0 {
            self.dropped -= 1;
            return Ok(());
        }
        if let Some(style) = self.style.take() {
            require_plain(&style)?;
            self.write(Written::characters(&style))?;
        }
        self.depth -= 1;
        self.write(Written::end_element().into())
    }

    fn text(&mut self, text: &str) -> Result<(), ImageError> {
        match &mut self.style {
            _ if self.dropped > 0 || self.depth == 0 => Ok(()),
            Some(style) => {
                style.push_str(text);
                Ok(())
            }
            None => self.write(Written::characters(text)),
        }
    }

    fn write(&mut self, event: Written<'_>) -> Result<(), ImageError> {
        self.out
            .write(event)
            .map_err(|_| ImageError::Drawing("becomes too large with the pictures inside it"))
    }

    /// An attribute as it is kept, with its name.
    fn attribute<'a>(
        &mut self,
        element: &str,
        one: &'a OwnedAttribute,
    ) -> Result<Option<(&'a str, String)>, ImageError> {
        let (name, value) = (one.name.local_name.as_str(), one.value.as_str());
        match (one.name.namespace.as_deref(), name) {
            (None, _) | (Some(XLINK), "href") => {}
            (Some(XML), "space") => return Ok(Some(("xml:space", value.to_owned()))),
            (Some(XML), "lang") => return Ok(Some(("xml:lang", value.to_owned()))),
            _ => return Ok(None),
        }
        // Programs, what editors note for themselves, and names that are none.
        let begins = |word: &str| {
            name.get(..word.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(word))
        };
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !plain || begins("on") || begins("data-") {
            return Ok(None);
        }
        match name {
            "href" if !REFERRING.contains(&element) => Ok(None),
            // HTML, into which somebody may copy it, knows no capitals.
            other if other != "href" && other.eq_ignore_ascii_case("href") => Ok(None),
            "href" => Ok(self.reference(value.trim())?.map(|value| (name, value))),
            "style" => {
                require_plain(value)?;
                Ok(Some((name, value.to_owned())))
            }
            _ => Ok(is_plain(value).then(|| (name, value.to_owned()))),
        }
    }

    /// What an element may refer to: another of the same drawing, or a picture that it holds.
    fn reference(&mut self, value: &str) -> Result<Option<String>, ImageError> {
        if value.starts_with('#') {
            return Ok(Some(value.to_owned()));
        }
        let scheme = value.get(..5).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("data:") {
            return Ok(None);
        }
        self.inside += 1;
        let made = match self.inside <= MAX_INSIDE {
            true => inside(value, self.max_pixels),
            false => None,
        };
        let why = "has a picture inside that is damaged, too large, one of more than 16, or no JPEG, PNG, WebP or GIF";
        made.map(Some).ok_or(ImageError::Drawing(why))
    }
}

/// A picture inside, without its metadata.
fn inside(url: &str, max_pixels: u64) -> Option<String> {
    /// As browsers read it: with the filling at its end or without.
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let (head, data) = url.split_once(',')?;
    if !head.to_ascii_lowercase().ends_with(";base64") {
        return None;
    }
    let data: String = data.split_ascii_whitespace().collect();
    let bytes = LENIENT.decode(data).ok()?;
    let (_, picture) = decode::here(&bytes, max_pixels).ok()?;
    let (mime, bytes) = encode::classic(&picture).ok()?;
    Some(format!("data:{mime};base64,{}", STANDARD.encode(bytes)))
}

fn require_plain(css: &str) -> Result<(), ImageError> {
    match is_plain(css) {
        true => Ok(()),
        false => Err(ImageError::Drawing(
            "has styles that fetch something: a font, a picture, other styles",
        )),
    }
}

/// Does a style, or the value of an attribute, refer to nothing but other parts of the drawing?
fn is_plain(css: &str) -> bool {
    let css = css.to_ascii_lowercase();
    let mut urls = css.split("url(").skip(1);
    let is_part = |url: &str| {
        let url = url.trim_start();
        url.strip_prefix(['"', '\''])
            .unwrap_or(url)
            .starts_with('#')
    };
    !FETCHING.iter().any(|word| css.contains(word)) && urls.all(is_part)
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
