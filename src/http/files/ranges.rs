//! Byte ranges as clients ask for them (RFC 9110, 14).

use actix_web::http::header::{self, HeaderMap};

/// Most ranges that are answered as such; whoever asks for more gets the whole file.
const MOST: usize = 8;
/// Ranges with fewer bytes between them are sent as one: the head of a part takes as many.
const GAP: u64 = 80;

/// Which bytes a request wants of a file of some length.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    Whole,
    One(Part),
    /// At least two, apart, in the order in which they were asked for.
    Several(Vec<Part>),
    /// Nothing but ranges that lie beyond the end.
    Nothing,
}

/// Both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub from: u64,
    pub to: u64,
}

impl Part {
    pub fn count(self) -> u64 {
        (self.to + 1).saturating_sub(self.from)
    }

    /// As `Content-Range` has it.
    pub fn of(self, length: u64) -> String {
        format!("bytes {}-{}/{length}", self.from, self.to)
    }

    fn is_near(self, other: Self) -> bool {
        self.from <= other.to.saturating_add(GAP) && other.from <= self.to.saturating_add(GAP)
    }

    fn with(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            to: self.to.max(other.to),
        }
    }
}

/// Ranges count only if `is_same` finds nothing against it in `If-Range`; what is malformed is as
/// good as absent.
pub fn wanted(
    headers: &HeaderMap,
    length: u64,
    is_same: impl FnOnce(&HeaderMap) -> bool,
) -> Wanted {
    let mut ranges = headers.get_all(header::RANGE);
    let (Some(value), None) = (ranges.next(), ranges.next()) else {
        return Wanted::Whole;
    };
    match value.to_str().ok().and_then(parse) {
        Some(ranges) if is_same(headers) => choose(&ranges, length),
        _ => Wanted::Whole,
    }
}

/// Those within the file; what overlaps or nearly meets is one.
fn choose(ranges: &[Range], length: u64) -> Wanted {
    if ranges.len() > MOST {
        return Wanted::Whole;
    }
    let mut parts: Vec<Part> = Vec::new();
    for mut part in ranges.iter().filter_map(|range| range.within(length)) {
        let mut place = parts.len();
        while let Some(at) = parts.iter().position(|other| other.is_near(part)) {
            part = part.with(parts.remove(at));
            place = place.min(at);
        }
        parts.insert(place.min(parts.len()), part);
    }
    match parts.as_slice() {
        [] => Wanted::Nothing,
        [one] => Wanted::One(*one),
        _ => Wanted::Several(parts),
    }
}

/// One byte range as it was asked for.
#[derive(Debug, Clone, Copy)]
enum Range {
    /// From a place to another, both included, or to the end.
    From(u64, Option<u64>),
    /// The last bytes.
    Last(u64),
}

fn parse(text: &str) -> Option<Vec<Range>> {
    let (unit, set) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    // Lists may have empty places (RFC 9110, 5.6.1.2).
    let ranges: Vec<Range> = set
        .split(',')
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .map(one)
        .collect::<Option<_>>()?;
    (!ranges.is_empty()).then_some(ranges)
}

fn one(text: &str) -> Option<Range> {
    match text.split_once('-')? {
        ("", last) => Some(Range::Last(number(last)?)),
        (first, "") => Some(Range::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Range::From(first, Some(last)))
        }
    }
}

/// Digits; more than a file can have is as good as very many.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

impl Range {
    fn within(self, length: u64) -> Option<Part> {
        let end = length.checked_sub(1)?;
        match self {
            Self::From(first, last) => (first <= end).then(|| Part {
                from: first,
                to: last.map_or(end, |last| last.min(end)),
            }),
            Self::Last(count) => (count > 0).then(|| Part {
                from: length.saturating_sub(count),
                to: end,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn ask_of(length: u64, ranges: &[&str]) -> Wanted {
        let mut map = HeaderMap::new();
        for range in ranges {
            map.append(header::RANGE, range.parse().unwrap());
        }
        wanted(&map, length, |_| true)
    }

    fn ask(range: &str) -> Wanted {
        ask_of(1000, &[range])
    }

    fn one(from: u64, to: u64) -> Wanted {
        Wanted::One(Part { from, to })
    }

    fn several(parts: &[(u64, u64)]) -> Wanted {
        let part = |&(from, to): &(u64, u64)| Part { from, to };
        Wanted::Several(parts.iter().map(part).collect())
    }

    #[test]
    fn one_range_is_cut_to_the_file() {
        assert_eq!(ask("bytes=0-9"), one(0, 9));
        assert_eq!(ask("Bytes= 999-999 "), one(999, 999));
        assert_eq!(ask("bytes=90-"), one(90, 999));
        assert_eq!(ask("bytes=90-5000"), one(90, 999));
        assert_eq!(ask("bytes=5-99999999999999999999999"), one(5, 999));
        assert_eq!(ask("bytes=-10"), one(990, 999));
        assert_eq!(ask("bytes=-5000"), one(0, 999));
    }

    #[test]
    fn ranges_beyond_the_end_are_not_satisfiable() {
        for nothing in [
            "bytes=1000-",
            "bytes=1000-2000",
            "bytes=-0",
            "bytes=99999999999999999999999-",
            "bytes=1000-,2000-,-0",
        ] {
            assert_eq!(ask(nothing), Wanted::Nothing, "{nothing}");
        }
        assert_eq!(ask_of(0, &["bytes=0-"]), Wanted::Nothing);
        assert_eq!(ask_of(0, &["bytes=-1"]), Wanted::Nothing);
    }

    #[test]
    fn several_ranges_come_in_the_order_of_the_question() {
        assert_eq!(ask("bytes=0-1,500-600"), several(&[(0, 1), (500, 600)]));
        assert_eq!(ask("bytes=-1, 0-0"), several(&[(999, 999), (0, 0)]));
        assert_eq!(ask("bytes=,0-1 ,, 500-,"), several(&[(0, 1), (500, 999)]));
        // What lies beyond the end is left out.
        assert_eq!(ask("bytes=0-1,2000-"), one(0, 1));
        assert_eq!(
            ask("bytes=0-0,100-100,200-200,300-300,400-400,500-500,600-600,700-700"),
            several(&[0, 1, 2, 3, 4, 5, 6, 7].map(|n| (n * 100, n * 100)))
        );
    }

    #[test]
    fn what_overlaps_or_nearly_meets_is_one() {
        assert_eq!(ask("bytes=0-9,5-20"), one(0, 20));
        assert_eq!(ask("bytes=0-9,10-20"), one(0, 20));
        assert_eq!(ask("bytes=0-9,89-100"), one(0, 100));
        assert_eq!(ask("bytes=0-9,90-100"), several(&[(0, 9), (90, 100)]));
        assert_eq!(ask("bytes=0-,0-,0-"), one(0, 999));
        // One that closes the gap between two others.
        assert_eq!(
            ask("bytes=900-,0-9,400-500,10-399"),
            several(&[(900, 999), (0, 500)])
        );
    }

    #[test]
    fn what_is_malformed_or_too_much_is_answered_with_the_whole_file() {
        let many = format!("bytes={}", ["0-0"; 9].join(","));
        for whole in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=9-1",
            "bytes=a-b",
            "bytes=0-1,a-b",
            "bytes=2000-x",
            "bytes=+1-2",
            "bytes=1 - 2",
            "items=0-1",
            "bytes=0x0-9",
            "bytes:0-9",
            &many,
        ] {
            assert_eq!(ask(whole), Wanted::Whole, "{whole}");
        }
        assert_eq!(ask_of(100, &[]), Wanted::Whole);
        assert_eq!(ask_of(100, &["bytes=0-1", "bytes=5-6"]), Wanted::Whole);
    }

    #[test]
    fn a_file_that_is_another_is_answered_whole() {
        let mut map = HeaderMap::new();
        map.append(header::RANGE, "bytes=5000-".parse().unwrap());
        assert_eq!(wanted(&map, 10, |_| false), Wanted::Whole);
    }
}
