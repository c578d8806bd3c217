//! What a file looks like when its first bytes have come: enough to say how long it may be, no more. What
//! it is shows when it is there.

use super::Kind;

/// How many bytes a guess wants.
pub const HEAD: usize = 16;

/// The kind that begins so; none where nothing of ours does.
pub fn sniff(head: &[u8]) -> Option<Kind> {
    const BEGINNINGS: &[(&[u8], Kind)] = &[
        (b"\xFF\xD8\xFF", Kind::Image),
        (b"\x89PNG", Kind::Image),
        (b"GIF8", Kind::Image),
        (b"RIFF", Kind::Image),
        (b"%PDF-", Kind::Document),
        (b"PK\x03\x04", Kind::Document),
        (b"\xD0\xCF\x11\xE0", Kind::Document),
        (b"\x1A\x45\xDF\xA3", Kind::Video),
        (b"OggS", Kind::Audio),
        (b"ID3", Kind::Audio),
    ];
    if head.get(4..8) == Some(b"ftyp") {
        return Some(match head.get(8..12) {
            Some(b"avif" | b"avis" | b"heic" | b"heix" | b"mif1" | b"msf1") => Kind::Image,
            Some(b"M4A " | b"M4B ") => Kind::Audio,
            _ => Kind::Video,
        });
    }
    let begins = |(beginning, _): &&(&[u8], Kind)| head.starts_with(beginning);
    let known = BEGINNINGS.iter().find(begins).map(|(_, kind)| *kind);
    // A frame of MP3 has no more of a name than this.
    let frame = matches!(head, [0xFF, what, ..] if what & 0xE6 == 0xE2);
    known.or(frame.then_some(Kind::Audio))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bytes_tell_how_long_a_file_may_be() {
        for (head, kind) in [
            (&b"\xFF\xD8\xFF\xE0\0\x10JFIF"[..], Some(Kind::Image)),
            (b"\0\0\0\x1Cftypavif\0\0\0\0", Some(Kind::Image)),
            (b"\0\0\0\x1CftypM4A \0\0\0\0", Some(Kind::Audio)),
            (b"\0\0\0\x1Cftypisom\0\0\0\0", Some(Kind::Video)),
            (b"\xFF\xFB\x90\x00", Some(Kind::Audio)),
            (b"%PDF-1.7", Some(Kind::Document)),
            (b"<svg", None),
            (b"", None),
        ] {
            assert_eq!(sniff(head), kind, "{head:?}");
        }
    }
}
