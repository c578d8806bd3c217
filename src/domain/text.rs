//! Vietnamese text: normal form, forbidden characters, and the keys for slugs, search and sorting.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

pub fn nfc(text: &str) -> String {
    text.nfc().collect()
}

/// NFC without the invisible characters that only word processors leave behind. U+200B goes only
/// from Vietnamese text: other scripts break lines with it. ZWJ and ZWNJ stay, blanks stay.
pub fn clean(text: &str, vietnamese: bool) -> String {
    text.chars()
        .filter(|c| !matches!(c, '\u{feff}' | '\u{2060}' | '\u{ad}'))
        .filter(|c| !(vietnamese && *c == '\u{200b}'))
        .nfc()
        .collect()
}

/// The first character that no text may hold: controls (but `\n` where lines may break) and the
/// two that break XML.
pub fn forbidden(text: &str, newline_allowed: bool) -> Option<char> {
    text.chars().find(|c| match c {
        '\n' => !newline_allowed,
        '\u{fffe}' | '\u{ffff}' => true,
        c => c.is_control(),
    })
}

/// Key for comparing without marks: NFC, lower case, one tone placement, no marks, `đ` as `d`.
pub fn fold(text: &str) -> String {
    nfc(text)
        .to_lowercase()
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        // Some keyboards write the Icelandic eth, which looks the same as a capital.
        .map(|c| if matches!(c, 'đ' | 'ð') { 'd' } else { c })
        .collect()
}

/// Key for comparing with marks: NFC, lower case, one tone placement (`hoà` as `hòa`).
pub fn exact(text: &str) -> String {
    let lower = nfc(text).to_lowercase();
    let mut out = String::with_capacity(lower.len());
    let mut word = String::new();
    for c in lower.chars() {
        if c.is_alphabetic() {
            word.push(c);
        } else {
            out.push_str(&one_placement(&word));
            word.clear();
            out.push(c);
        }
    }
    out.push_str(&one_placement(&word));
    out
}

/// Tones in their Vietnamese order; none comes first.
const TONES: [char; 5] = ['\u{300}', '\u{309}', '\u{303}', '\u{301}', '\u{323}'];

/// The vowel without its tone, and the tone's rank (0: none).
fn split_tone(c: char) -> (char, u8) {
    let mut tone = 0;
    let rest: String = std::iter::once(c)
        .nfd()
        .filter(|mark| match (1..).zip(TONES).find(|(_, t)| t == mark) {
            Some((rank, _)) => {
                tone = rank;
                false
            }
            None => true,
        })
        .nfc()
        .collect();
    (rest.chars().next().unwrap_or(c), tone)
}

fn with_tone(c: char, tone: u8) -> String {
    let mark = usize::from(tone).checked_sub(1).and_then(|i| TONES.get(i));
    std::iter::once(c).chain(mark.copied()).nfc().collect()
}

/// Syllables that end in `oa`, `oe` or `uy` bear their tone on the first or the second vowel by
/// two schools of spelling; here always on the first. After `q`, `u` is part of the consonant.
fn one_placement(word: &str) -> String {
    let letters: Vec<(char, u8)> = word.chars().map(split_tone).collect();
    if let [head @ .., (first, 0), (second, tone)] = letters.as_slice()
        && *tone > 0
        && matches!((first, second), ('o', 'a') | ('o', 'e') | ('u', 'y'))
        && head.last().is_none_or(|(c, _)| *c != 'q')
    {
        let mut out: String = head.iter().map(|(c, tone)| with_tone(*c, *tone)).collect();
        out.push_str(&with_tone(*first, *tone));
        out.push(*second);
        return out;
    }
    word.to_owned()
}

/// Byte-comparable key for sorting names: letters first (a < ă < â, d < đ), then tones (none,
/// huyền, hỏi, ngã, sắc, nặng), then case.
pub fn collation_key(text: &str) -> Vec<u8> {
    let (mut letters, mut tones, mut cases) = (Vec::new(), Vec::new(), Vec::new());
    for c in nfc(text).chars() {
        let (base, tone) = split_tone(c);
        let lower = base.to_lowercase().next().unwrap_or(base);
        letters.extend(rank(lower).to_be_bytes());
        tones.push(tone + 1);
        cases.push(if base == lower { 1 } else { 2 });
    }
    letters.extend([0, 0, 0, 0]);
    letters.extend(tones);
    letters.push(0);
    letters.extend(cases);
    letters
}

/// Place of a lower-case letter: blanks and signs, digits, the Vietnamese alphabet, all others.
fn rank(c: char) -> u32 {
    const ALPHABET: &str = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz";
    if let Some((place, _)) = (0x200_u32..)
        .zip(ALPHABET.chars())
        .find(|(_, letter)| *letter == c)
    {
        place
    } else if let Some(digit) = c.to_digit(10) {
        0x100 + digit
    } else if c.is_ascii() {
        1 + u32::from(c)
    } else {
        0x1000 + u32::from(c)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn folding_strips_every_mark_and_the_stroke_of_d() {
        assert_eq!(fold("Đường Nguyễn Trãi"), "duong nguyen trai");
        assert_eq!(fold("ĐƯỜNG".nfd().collect::<String>().as_str()), "duong");
    }

    #[test]
    fn both_schools_of_tone_placement_have_one_key() {
        for (one, other) in [
            ("hòa", "hoà"),
            ("khỏe", "khoẻ"),
            ("thúy", "thuý"),
            ("Ủy", "Uỷ"),
        ] {
            assert_eq!(exact(one), exact(other), "{one}");
        }
        for same in ["quý", "toàn", "quả", "khuya", "thuở"] {
            assert_eq!(exact(same), same);
        }
        assert_ne!(exact("hoà"), exact("hoá"));
    }

    #[test]
    fn names_sort_as_in_a_vietnamese_dictionary() {
        let sorted = [
            "an", "ăn", "ân", "da", "đa", "ma", "mà", "mả", "mã", "má", "mạ", "on", "ôn", "ơn",
        ];
        let mut shuffled = sorted.to_vec();
        shuffled.reverse();
        shuffled.sort_by_key(|name| collation_key(name));
        assert_eq!(shuffled, sorted);
    }

    #[test]
    fn invisible_characters_go_and_joiners_stay() {
        assert_eq!(clean("nông\u{ad}thôn\u{feff}", true), "nôngthôn");
        assert_eq!(clean("a\u{200b}b", false), "a\u{200b}b");
        assert_eq!(clean("a\u{200b}b", true), "ab");
        assert_eq!(clean("a\u{200d}b\u{200c}", true), "a\u{200d}b\u{200c}");
        assert_eq!(clean("  hai  ô ", true), "  hai  ô ");
    }

    #[test]
    fn controls_and_what_breaks_xml_are_forbidden() {
        for bad in ["\0", "\t", "\r", "\u{7f}", "\u{85}", "\u{fffe}", "\u{ffff}"] {
            assert!(forbidden(bad, true).is_some(), "{bad:?}");
        }
        assert_eq!(forbidden("a\nb", true), None);
        assert_eq!(forbidden("a\nb", false), Some('\n'));
    }

    /// The shared vectors are used where they lie beside the project.
    #[test]
    fn shared_vectors_agree() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vi/vi_vectors.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            return;
        };
        let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
        let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        for v in vectors["normalization"].as_array().unwrap() {
            assert_eq!(nfc(&word(&v["nfd"])), word(&v["nfc"]));
            assert_eq!(fold(&word(&v["nfd"])), word(&v["fold"]));
            let slug = crate::domain::slug::Slug::from_title(&word(&v["nfc"]));
            assert_eq!(slug.as_str(), word(&v["slug"]));
        }
        for v in vectors["tone_pairs"].as_array().unwrap() {
            assert_eq!(exact(&word(&v["new"])), exact(&word(&v["old"])));
        }
        for v in vectors["tone_invariant"].as_array().unwrap() {
            assert_eq!(exact(&word(v)), word(v).to_lowercase());
        }
        for v in vectors["tone_never_equal"].as_array().unwrap() {
            assert_ne!(exact(&word(&v[0])), exact(&word(&v[1])));
        }
        let sorted: Vec<String> = vectors["collation_vi"]
            .as_array()
            .unwrap()
            .iter()
            .map(word)
            .collect();
        let mut again = sorted.clone();
        again.reverse();
        again.sort_by_key(|name| collation_key(name));
        assert_eq!(again, sorted);
    }
}
