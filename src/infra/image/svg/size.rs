//! How large a drawing is.

use xml::attribute::OwnedAttribute;

/// What browsers give a drawing that says nothing of its size.
const SIZE: (f64, f64) = (300.0, 150.0);
/// Longest side, so that sizes stay what front ends can count with.
const MAX_SIDE: f64 = 65_000.0;

/// Width and height in pixels, as the root says: in lengths, or in the proportions of its `viewBox`.
pub(super) fn of(root: &[OwnedAttribute]) -> (u32, u32) {
    let view = value(root, "viewBox").and_then(view);
    let side = |name| value(root, name).and_then(pixels);
    let (width, height) = match (side("width"), side("height"), view) {
        (Some(width), Some(height), _) => (width, height),
        (Some(width), None, Some((w, h))) => (width, width * h / w),
        (None, Some(height), Some((w, h))) => (height * w / h, height),
        (None, None, Some(size)) => size,
        (width, height, None) => (width.unwrap_or(SIZE.0), height.unwrap_or(SIZE.1)),
    };
    (whole(width), whole(height))
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
