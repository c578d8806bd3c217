//! WebVTT, the format of subtitles: is a file in it what every player shows alike?
//!
//! Players repair what they can, each in its own way. Here nothing is repaired: faults are told with
//! their lines, and the file that is stored is the one that was sent.

use std::collections::HashSet;

use super::input::{FaultCode, Faults};

/// Largest file, in bytes.
pub const MAX: usize = 1024 * 1024;
/// Most cues.
pub const CUES: usize = 20_000;
/// Longest line, in characters.
pub const LINE: usize = 1000;

/// A line and its number, from 1.
type Line<'a> = (usize, &'a str);

/// The text without its byte order mark, or all its faults; `/line/12` is the pointer of one in line 12.
pub fn check(bytes: &[u8]) -> Result<&str, Faults> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let good = String::from_utf8_lossy(good);
        let mut faults = Found::default();
        faults.add(
            lines(&good).lines().count().max(1),
            FaultCode::BadFormat,
            "is not UTF-8",
        );
        faults.faults
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tidy = lines(text);
    let mut found = Found::default();
    let mut block = Vec::new();
    let mut header = true;
    for (place, line) in tidy.split('\n').enumerate() {
        let number = place + 1;
        found.line(number, line);
        if !line.is_empty() {
            block.push((number, line));
            continue;
        }
        if header {
            found.header(&block);
            header = false;
        } else {
            found.block(&block);
        }
        block.clear();
        if found.cues > CUES {
            break;
        }
    }
    match header {
        true => found.header(&block),
        false => found.block(&block),
    }
    found.faults.or(text)
}

/// The text with one kind of line ends.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[derive(Default)]
struct Found<'a> {
    faults: Faults,
    cues: usize,
    /// When the last cue began.
    last: u64,
    regions: HashSet<&'a str>,
}

impl<'a> Found<'a> {
    fn add(&mut self, line: usize, code: FaultCode, message: &str) {
        self.faults.push(format!("/line/{line}"), code, message);
    }

    fn bad(&mut self, line: usize, message: &str) {
        self.add(line, FaultCode::BadFormat, message);
    }

    fn line(&mut self, number: usize, line: &str) {
        if line.len() > LINE && line.chars().count() > LINE {
            self.add(
                number,
                FaultCode::TooLong,
                "a line may have 1000 characters",
            );
        }
        if line.contains(|c: char| c.is_control() && c != '\t') {
            let message = "control characters are not allowed";
            self.add(number, FaultCode::ForbiddenCharacter, message);
        }
    }

    fn header(&mut self, block: &[Line<'a>]) {
        let first = block.first().map_or("", |(_, line)| line);
        if !is_word(first, "WEBVTT") {
            self.bad(1, "must be WEBVTT, alone or before a space");
        }
        let rest = block.get(1..).unwrap_or_default();
        self.no_arrow(block.get(..1).unwrap_or_default());
        if let Some((number, _)) = rest.iter().find(|(_, line)| line.contains("-->")) {
            self.bad(*number, "an empty line must come before the first cue");
        }
    }

    /// What stands between two empty lines.
    fn block(&mut self, block: &[Line<'a>]) {
        let Some(((number, first), rest)) = block.split_first() else {
            return;
        };
        let arrow = |line: Option<&Line<'_>>| line.is_some_and(|(_, text)| text.contains("-->"));
        if arrow(block.first()) {
            return self.cue(*number, first, rest);
        }
        if let Some(((timing, text), payload)) = rest.split_first()
            && text.contains("-->")
        {
            // The line before is the cue's name.
            return self.cue(*timing, text, payload);
        }
        let name = first.trim_end_matches([' ', '\t']);
        match name {
            _ if is_word(first, "NOTE") => {}
            "STYLE" | "REGION" if self.cues > 0 => {
                self.bad(*number, "must come before the first cue");
            }
            "STYLE" => {}
            "REGION" => self.region(*number, rest),
            _ => self.bad(*number, "is neither a cue nor NOTE, STYLE or REGION"),
        }
        self.no_arrow(rest);
    }

    fn no_arrow(&mut self, block: &[Line<'_>]) {
        for (number, line) in block {
            if line.contains("-->") {
                self.bad(*number, "--> may stand between the times of a cue only");
            }
        }
    }

    fn region(&mut self, first: usize, rest: &[Line<'a>]) {
        let mut seen = HashSet::new();
        for (number, line) in rest {
            for setting in words(line) {
                let known = setting.split_once(':');
                let known = known.filter(|(name, value)| is_region_setting(name, value));
                match known {
                    Some((name, _)) if !seen.insert(name) => {
                        self.add(
                            *number,
                            FaultCode::Duplicate,
                            "a setting stands there twice",
                        );
                    }
                    Some(("id", id)) if !self.regions.insert(id) => {
                        self.add(*number, FaultCode::Duplicate, "another region has this id");
                    }
                    Some(_) => {}
                    None => self.bad(*number, "has a setting that regions do not have"),
                }
            }
        }
        if !seen.contains("id") {
            self.add(first, FaultCode::Required, "a region must have an id");
        }
    }

    fn cue(&mut self, number: usize, timing: &str, payload: &[Line<'_>]) {
        self.cues += 1;
        if self.cues > CUES {
            return self.add(number, FaultCode::TooMany, "a file may have 20000 cues");
        }
        self.no_arrow(payload);
        let (start, rest) = timing.split_once("-->").unwrap_or((timing, ""));
        let mut rest = words(rest);
        let apart = timing.contains([' ', '\t'])
            && start.ends_with([' ', '\t'])
            && timing.contains("--> ") | timing.contains("-->\t");
        let times = time(start.trim_end_matches([' ', '\t'])).zip(rest.next().and_then(time));
        match times {
            Some((start, end)) if apart => {
                if start >= end {
                    self.add(number, FaultCode::OutOfRange, "must end after it begins");
                }
                if start < self.last {
                    let message = "begins before the cue that stands above it";
                    self.add(number, FaultCode::OutOfRange, message);
                }
                self.last = start;
            }
            _ => self.bad(number, "must have times like 00:01.000 --> 01:02:03.500"),
        }
        let mut seen = HashSet::new();
        for setting in rest {
            let (name, value) = setting.split_once(':').unwrap_or((setting, ""));
            if !is_setting(name, value) {
                self.bad(number, "has a setting that cues do not have");
            } else if !seen.insert(name) {
                self.add(number, FaultCode::Duplicate, "a setting stands there twice");
            } else if name == "region" && !self.regions.contains(value) {
                self.add(
                    number,
                    FaultCode::NotFound,
                    "names a region that is not there",
                );
            }
        }
    }
}

/// The word, alone or before a space.
fn is_word(line: &str, word: &str) -> bool {
    line.strip_prefix(word)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split([' ', '\t']).filter(|word| !word.is_empty())
}

/// A time in milliseconds: `mm:ss.ttt`, or with two digits or more for hours before it.
fn time(text: &str) -> Option<u64> {
    let (rest, millis) = text.rsplit_once('.')?;
    let (rest, seconds) = rest.rsplit_once(':')?;
    let (hours, minutes) = rest.rsplit_once(':').unwrap_or(("00", rest));
    let part = |text: &str, shortest: usize, longest: usize, most: u64| {
        let fits = is_number(text) && (shortest..=longest).contains(&text.len());
        let number = text.parse::<u64>().ok().filter(|_| fits)?;
        (number <= most).then_some(number)
    };
    let hours = part(hours, 2, 6, u64::MAX)?;
    let minutes = part(minutes, 2, 2, 59)?;
    let seconds = part(seconds, 2, 2, 59)?;
    let millis = part(millis, 3, 3, 999)?;
    Some(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis)
}

fn is_region_setting(name: &str, value: &str) -> bool {
    match name {
        "id" => !value.is_empty(),
        "width" => is_percentage(value),
        "lines" => is_number(value),
        "regionanchor" | "viewportanchor" => value
            .split_once(',')
            .is_some_and(|(x, y)| is_percentage(x) && is_percentage(y)),
        "scroll" => value == "up",
        _ => false,
    }
}

fn is_setting(name: &str, value: &str) -> bool {
    let (place, align) = match value.split_once(',') {
        Some((place, align)) => (place, Some(align)),
        None => (value, None),
    };
    let aligned = |words: &[&str]| align.is_none_or(|align| words.contains(&align));
    match name {
        "vertical" => ["rl", "lr"].contains(&value),
        "line" => {
            let number = place.strip_prefix('-').unwrap_or(place);
            (is_number(number) || is_percentage(place)) && aligned(&["start", "center", "end"])
        }
        "position" => is_percentage(place) && aligned(&["line-left", "center", "line-right"]),
        "size" => is_percentage(value),
        "align" => ["start", "center", "end", "left", "right"].contains(&value),
        "region" => !value.is_empty(),
        _ => false,
    }
}

fn is_number(text: &str) -> bool {
    (1..=9).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// From `0%` to `100%`, perhaps with a fraction.
fn is_percentage(text: &str) -> bool {
    let Some(number) = text.strip_suffix('%') else {
        return false;
    };
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    let digits = is_number(whole) && fraction.is_none_or(is_number);
    digits && number.parse::<f64>().is_ok_and(|number| number <= 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        match check(text.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(Faults(faults)) => faults
                .into_iter()
                .map(|fault| format!("{} {}", fault.pointer, fault.code.as_str()))
                .collect(),
        }
    }

    #[test]
    fn what_is_in_order_passes() {
        for text in [
            "WEBVTT",
            "WEBVTT\n",
            "\u{feff}WEBVTT Bản tin\nKind: captions\n\n",
            "WEBVTT\r\n\r\n00:00.000 --> 00:01.000\r\nXin chào\r\n",
            "WEBVTT\r\r1\r00:00.000 --> 00:01.000\rXin chào",
            "WEBVTT\n\nNOTE\nhai dòng\nghi chú\n\nSTYLE\n::cue { color: yellow }\n\nREGION\nid:duoi width:40% \
             lines:3 regionanchor:0%,100%\nviewportanchor:10%,90% scroll:up\n\n\n\
             mở đầu\n00:00.000 --> 00:02.000 region:duoi align:left line:-1,end position:10.5%,line-left size:50%\n\
             - Dòng <b>một</b>\n\n100:00:00.000\t-->\t100:00:00.001 vertical:rl line:5%\n\nNOTE hết",
            "WEBVTT\n\n00:01.000 --> 00:02.000\n\n00:01.000 --> 00:04.000\nCùng lúc",
        ] {
            assert_eq!(faults(text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(check("\u{feff}WEBVTT".as_bytes()), Ok("WEBVTT"));
    }

    #[test]
    fn faults_are_told_at_once_with_their_lines() {
        let text = "WEBVTT\n\n00:02.000 --> 00:01.000\nlùi\n\n00:01.000 --> 00:03.000\nsớm\n\nlạc\n\n\
                    0:01.000 --> 00:09.000\na --> b\n\nSTYLE\n\n00:60.000 --> 00:61.000 la:1 align:end align:left\n\
                    \n00:10.000-->00:11.000\n\n00:10.000 --> 00:11.000 region:x size:101%\n";
        let wanted = [
            "/line/3 out_of_range",
            "/line/6 out_of_range",
            "/line/9 bad_format",
            "/line/12 bad_format",
            "/line/11 bad_format",
            "/line/14 bad_format",
            "/line/16 bad_format",
            "/line/16 bad_format",
            "/line/16 duplicate",
            "/line/18 bad_format",
            "/line/20 not_found",
            "/line/20 bad_format",
        ];
        assert_eq!(faults(text), wanted);
    }

    #[test]
    fn what_is_no_webvtt_is_told_so() {
        assert_eq!(faults(""), ["/line/1 bad_format"]);
        assert_eq!(faults("WEBVTTX\n"), ["/line/1 bad_format"]);
        let srt = "1\n00:00:01,000 --> 00:00:02,000\nXin chào\n";
        assert_eq!(faults(srt), ["/line/1 bad_format", "/line/2 bad_format"]);
        let near = "WEBVTT\n00:00.000 --> 00:01.000\n";
        assert_eq!(faults(near), ["/line/2 bad_format"]);
        assert_eq!(faults("WEBVTT\n\na\0b\n").len(), 2);
        let region = "WEBVTT\n\nREGION\nwidth:x\n\nREGION\nid:a\n\nREGION\nid:a";
        let wanted = [
            "/line/4 bad_format",
            "/line/3 required",
            "/line/10 duplicate",
        ];
        assert_eq!(faults(region), wanted);
        let told = check(b"WEBVTT\n\nNOTE a\xff").map_err(|faults| faults.0.first().cloned());
        let pointer = told.map_err(|fault| fault.map(|fault| fault.pointer));
        assert_eq!(pointer, Err(Some("/line/3".to_owned())));
    }

    #[test]
    fn the_limits_hold() {
        let long = format!("WEBVTT\n\nNOTE {}", "ế".repeat(LINE - 5));
        assert_eq!(faults(&long), Vec::<String>::new());
        assert_eq!(faults(&format!("{long}ế")), ["/line/3 too_long"]);
        let cue = "00:00.000 --> 00:01.000\n\n";
        let full = format!("WEBVTT\n\n{}", cue.repeat(CUES));
        assert_eq!(faults(&full), Vec::<String>::new());
        assert_eq!(
            faults(&format!("{full}{cue}{cue}")),
            ["/line/40003 too_many"]
        );
        let bad = format!("WEBVTT\n\n{}", "x\n\n".repeat(500));
        assert_eq!(faults(&bad).len(), Faults::MOST);
    }
}
