//! Pictures cut to a shape, around the point that matters.

use super::{Focus, Form, ImageError, Picture, Rendition, classic, scale, webp};

/// Shapes by name, with the widths that each is made in.
const SHAPES: [(&str, u32, u32, [u32; 2]); 3] = [
    ("1x1", 1, 1, [320, 640]),
    ("4x3", 4, 3, [640, 1280]),
    ("16x9", 16, 9, [640, 1280]),
];
/// What sites show of a page that somebody links to.
const CARD: (u32, u32) = (1200, 630);

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The largest part of that shape, with the focus in its middle as far as the picture reaches.
fn window((width, height): (u32, u32), (wide, high): (u32, u32), focus: Focus) -> Window {
    let (width, height) = (f64::from(width), f64::from(height));
    let shape = f64::from(wide) / f64::from(high.max(1));
    let (w, h) = match width > height * shape {
        true => (height * shape, height),
        false => (width, width / shape),
    };
    let begin = |focus: f64, whole: f64, part: f64| {
        (focus * whole - part / 2.0).clamp(0.0, (whole - part).max(0.0))
    };
    Window {
        left: begin(focus.x, width, w),
        top: begin(focus.y, height, h),
        width: w,
        height: h,
    }
}

impl Window {
    /// Is it at least that large? A crop is never larger than what is there.
    fn reaches(&self, width: u32, height: u32) -> bool {
        // What was divided and multiplied again may be off by next to nothing.
        self.width + 1e-6 >= f64::from(width) && self.height + 1e-6 >= f64::from(height)
    }
}

/// Names of the crops that a picture of this size is large enough for.
pub(super) fn names(width: u32, height: u32) -> Vec<String> {
    let of = |shape| window((width, height), shape, Focus::default());
    let mut names = Vec::new();
    for (name, wide, high, widths) in SHAPES {
        let reached = widths.into_iter();
        let reached = reached.filter(|to| of((wide, high)).reaches(*to, to * high / wide));
        names.extend(reached.map(|to| format!("{name}-w{to}")));
    }
    let modern: Vec<String> = names.iter().map(|name| format!("{name}-webp")).collect();
    names.extend(of(CARD).reaches(CARD.0, CARD.1).then(|| "card".to_owned()));
    names.extend(modern);
    names
}

/// All crops that the picture is large enough for: those in the classic form, then those in WebP.
pub(super) fn all(picture: &Picture, focus: Focus) -> Result<Vec<Rendition>, ImageError> {
    let size = (picture.width, picture.height);
    let (mut made, mut modern) = (Vec::new(), Vec::new());
    for (name, wide, high, widths) in SHAPES {
        let window = window(size, (wide, high), focus);
        for width in widths {
            let height = width * high / wide;
            if window.reaches(width, height) {
                let cut = scale::part(picture, window, width, height)?;
                let name = format!("{name}-w{width}");
                modern.extend(webp(&name, &cut)?);
                made.push(classic(name, &cut)?);
            }
        }
    }
    let (width, height) = CARD;
    let window = window(size, CARD, focus);
    if window.reaches(width, height) {
        let cut = scale::part(picture, window, width, height)?;
        made.push(classic("card".to_owned(), &on_white(cut))?);
    }
    made.append(&mut modern);
    Ok(made)
}

/// JPEG knows no transparency.
fn on_white(mut picture: Picture) -> Picture {
    if picture.form == Form::Rgba {
        let blend = |colour: u8, alpha: u8| {
            let (colour, alpha) = (u32::from(colour), u32::from(alpha));
            u8::try_from((colour * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
        };
        let pixels = picture.pixels.chunks(4).flat_map(|pixel| match *pixel {
            [red, green, blue, alpha] => {
                [blend(red, alpha), blend(green, alpha), blend(blue, alpha)]
            }
            _ => [u8::MAX; 3],
        });
        picture.pixels = pixels.collect();
        picture.form = Form::Rgb;
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_the_focus_in_its_middle_unless_the_picture_ends() {
        let at = |x, y| window((400, 200), (1, 1), Focus { x, y });
        for (x, left) in [
            (0.5, 100.0),
            (0.0, 0.0),
            (1.0, 200.0),
            (0.3, 20.0),
            (0.9, 200.0),
        ] {
            let found = at(x, 0.5);
            assert!((found.left - left).abs() < 1e-9, "{x} {found:?}");
            assert!((found.top, found.width, found.height) == (0.0, 200.0, 200.0));
        }
        let tall = window((100, 900), (16, 9), Focus { x: 0.5, y: 1.0 });
        assert!((tall.top - 843.75).abs() < 1e-9 && tall.reaches(100, 56));
        assert!(!tall.reaches(100, 57) && !tall.reaches(101, 56));
    }
}
