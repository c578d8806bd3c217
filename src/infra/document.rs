//! Documents: PDF and office files, known by their content and never by their name. Nothing is
//! unpacked but the few lines that say what an archive is. Blocks.

mod pages;

use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};

pub use self::pages::pages;

/// What a file turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A document of this MIME type.
    Document(&'static str),
    /// It begins as a document does and is damaged or cut short.
    Damaged,
    /// An office file that brings programs along.
    Macros,
    /// None of ours.
    Other,
}

const PDF: &[u8] = b"%PDF-";
const ZIP: &[u8] = b"PK\x03\x04";
const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// An archive with more entries is no office file that anybody wrote.
const MAX_ENTRIES: u16 = 10_000;
/// Most of a listing inside an archive that is read, in bytes.
const MAX_LISTING: u64 = 256 * 1024;
/// Most sectors of a directory that are read.
const MAX_SECTORS: usize = 256;

/// What the main part of an Office Open XML file says it is, and its MIME type.
#[rustfmt::skip]
const OPEN_XML: &[(&str, &str)] = &[
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
     "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
     "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
     "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
];

const OPEN_DOCUMENT: &[&str] = &[
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
];

/// The stream that makes a legacy file what it is, and its MIME type.
const LEGACY: &[(&str, &str)] = &[
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
];

/// Looks at a file. An error is one of reading it.
pub fn look(file: &mut (impl Read + Seek)) -> Result<Found> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(1024).read_to_end(&mut head)?;
    if head.starts_with(PDF) {
        return pdf(file);
    }
    if head.starts_with(ZIP) {
        return archive(file);
    }
    if head.starts_with(OLE) {
        return Ok(legacy(file, &head)?.unwrap_or(Found::Damaged));
    }
    Ok(Found::Other)
}

/// A whole PDF ends with a mark, perhaps with something after it.
fn pdf(file: &mut (impl Read + Seek)) -> Result<Found> {
    let tail = tail(file, 2048)?;
    let whole = tail.windows(5).any(|window| window == b"%%EOF");
    Ok(match whole {
        true => Found::Document("application/pdf"),
        false => Found::Damaged,
    })
}

fn tail(file: &mut (impl Read + Seek), most: u64) -> Result<Vec<u8>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut tail = Vec::new();
    file.by_ref().take(most).read_to_end(&mut tail)?;
    Ok(tail)
}

fn archive(file: &mut (impl Read + Seek)) -> Result<Found> {
    // The number of entries stands in the last record; the library makes room for all of them.
    let tail = tail(file, 66_000)?;
    let end = tail.windows(4).rposition(|window| window == b"PK\x05\x06");
    let count = end.and_then(|at| u16_at(&tail, at + 10));
    match count {
        None => return Ok(Found::Damaged),
        Some(count) if count > MAX_ENTRIES => return Ok(Found::Other),
        Some(_) => {}
    }
    let mut archive = match zip::ZipArchive::new(file) {
        Ok(archive) => archive,
        Err(zip::result::ZipError::Io(error)) if error.kind() != ErrorKind::UnexpectedEof => {
            return Err(error);
        }
        Err(_) => return Ok(Found::Damaged),
    };
    let mut entry = |name: &str| {
        let entry = archive.by_name(name).ok()?;
        let mut text = Vec::new();
        entry.take(MAX_LISTING).read_to_end(&mut text).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    };
    if let Some(types) = entry("[Content_Types].xml") {
        if types.contains("macroEnabled") {
            return Ok(Found::Macros);
        }
        let found = OPEN_XML.iter().find(|(part, _)| types.contains(part));
        return Ok(found.map_or(Found::Other, |(_, mime)| Found::Document(mime)));
    }
    if let Some(mime) = entry("mimetype") {
        let found = OPEN_DOCUMENT.iter().find(|known| **known == mime.trim());
        return Ok(found.map_or(Found::Other, |mime| Found::Document(mime)));
    }
    Ok(Found::Other)
}

/// The names in the directory of a compound file ([MS-CFB]); none where it is damaged.
fn legacy(file: &mut (impl Read + Seek), head: &[u8]) -> Result<Option<Found>> {
    let (Some(shift), Some(first)) = (u16_at(head, 30), u32_at(head, 48)) else {
        return Ok(None);
    };
    if !matches!(shift, 9 | 12) {
        return Ok(None);
    }
    let size = 1_usize << shift;
    let mut sector = first;
    for _ in 0..MAX_SECTORS {
        let Some(directory) = read_sector(file, sector, size)? else {
            return Ok(None);
        };
        for entry in directory.chunks_exact(128) {
            let name = name(entry);
            if let Some((_, mime)) = LEGACY.iter().find(|(stream, _)| *stream == name) {
                return Ok(Some(Found::Document(mime)));
            }
        }
        match next_sector(file, head, sector, size)? {
            Some(next) if next < 0xFFFF_FFFA => sector = next,
            Some(_) => return Ok(Some(Found::Other)),
            None => return Ok(None),
        }
    }
    Ok(Some(Found::Other))
}

/// What the allocation table says comes after a sector.
fn next_sector(
    file: &mut (impl Read + Seek),
    head: &[u8],
    sector: u32,
    size: usize,
) -> Result<Option<u32>> {
    let sector = usize::try_from(sector).map_err(Error::other)?;
    let (table, place) = (sector / (size / 4), sector % (size / 4));
    // The header names the first 109 sectors of the table: enough for a directory in 7 MB.
    if table >= 109 {
        return Ok(None);
    }
    let Some(table) = u32_at(head, 76 + table * 4) else {
        return Ok(None);
    };
    let table = read_sector(file, table, size)?;
    Ok(table.and_then(|table| u32_at(&table, place * 4)))
}

fn read_sector(file: &mut (impl Read + Seek), sector: u32, size: usize) -> Result<Option<Vec<u8>>> {
    let length = u64::try_from(size).map_err(Error::other)?;
    file.seek(SeekFrom::Start((u64::from(sector) + 1) * length))?;
    let mut bytes = Vec::new();
    file.by_ref().take(length).read_to_end(&mut bytes)?;
    Ok((bytes.len() == size).then_some(bytes))
}

/// The name in an entry of a directory: UTF-16, its length with a zero at the end beside it.
fn name(entry: &[u8]) -> String {
    let length = usize::from(u16_at(entry, 64).unwrap_or(0)).min(64);
    let units: Vec<u16> = entry
        .get(..length.saturating_sub(2))
        .unwrap_or_default()
        .chunks_exact(2)
        .filter_map(|pair| u16_at(pair, 0))
        .collect();
    String::from_utf16_lossy(&units)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(u16::from_le_bytes(two))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_le_bytes(four))
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::as_conversions,
        reason = "tests"
    )]
    use std::io::{Cursor, Write as _};

    use super::*;

    fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in entries {
            let options = zip::write::SimpleFileOptions::default();
            zip.start_file(*name, options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn types(part: &str) -> Vec<u8> {
        let listing = format!("<Types><Override ContentType=\"{part}\"/></Types>");
        zip(&[
            ("[Content_Types].xml", &listing),
            ("word/document.xml", "<w/>"),
        ])
    }

    /// A compound file whose directory spans two sectors, the stream's name in the second.
    fn compound(stream: &str) -> Vec<u8> {
        let mut file = vec![0_u8; 512 * 4];
        file[..8].copy_from_slice(OLE);
        file[30..32].copy_from_slice(&9_u16.to_le_bytes());
        file[48..52].copy_from_slice(&1_u32.to_le_bytes());
        file[76..80].copy_from_slice(&0_u32.to_le_bytes());
        // The table, in sector 0: 1 leads to 2, which is the last.
        file[512 + 4..512 + 8].copy_from_slice(&2_u32.to_le_bytes());
        file[512 + 8..512 + 12].copy_from_slice(&0xFFFF_FFFE_u32.to_le_bytes());
        let entry = 512 * 3;
        for (i, unit) in stream.encode_utf16().enumerate() {
            file[entry + i * 2..entry + i * 2 + 2].copy_from_slice(&unit.to_le_bytes());
        }
        let length = (stream.encode_utf16().count() as u16 + 1) * 2;
        file[entry + 64..entry + 66].copy_from_slice(&length.to_le_bytes());
        file
    }

    fn found(bytes: &[u8]) -> Found {
        look(&mut Cursor::new(bytes)).unwrap()
    }

    fn samples() -> Vec<(Vec<u8>, &'static str)> {
        let mut samples = vec![(
            b"%PDF-1.7\n1 0 obj\nendobj\ntrailer\n%%EOF\n".to_vec(),
            "application/pdf",
        )];
        samples.extend(OPEN_XML.iter().map(|(part, mime)| (types(part), *mime)));
        let open = OPEN_DOCUMENT.iter();
        samples.extend(open.map(|mime| (zip(&[("mimetype", *mime)]), *mime)));
        samples.extend(LEGACY.iter().map(|(name, mime)| (compound(name), *mime)));
        samples
    }

    #[test]
    fn documents_are_known_by_their_content() {
        for (bytes, mime) in samples() {
            assert_eq!(found(&bytes), Found::Document(mime));
        }
    }

    #[test]
    fn what_only_looks_like_a_document_is_none() {
        assert_eq!(found(b""), Found::Other);
        assert_eq!(found(b"hello %PDF-1.7 %%EOF"), Found::Other);
        assert_eq!(found(b"<html><script>alert(1)</script>"), Found::Other);
        assert_eq!(found(&zip(&[("a.txt", "x")])), Found::Other);
        assert_eq!(
            found(&zip(&[("mimetype", "application/epub+zip")])),
            Found::Other
        );
        assert_eq!(found(&compound("Contents")), Found::Other);
        let macros = "application/vnd.ms-word.document.macroEnabled.main+xml";
        assert_eq!(found(&types(macros)), Found::Macros);
    }

    #[test]
    fn what_is_cut_short_is_damaged() {
        for (bytes, mime) in samples() {
            let half = &bytes[..bytes.len() / 2];
            assert_eq!(found(half), Found::Damaged, "{mime}");
        }
    }

    #[test]
    fn damaged_files_never_panic_nor_loop() {
        let mut seed = 11_u64;
        let mut next = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize
        };
        for (good, _) in samples() {
            for _ in 0..300 {
                let mut bad = good.clone();
                for _ in 0..3 {
                    let at = next() % bad.len();
                    bad[at] = next() as u8;
                }
                bad.truncate(next() % (bad.len() + 1));
                let _ = look(&mut Cursor::new(&bad));
            }
        }
        // A directory that leads to itself.
        let mut ring = compound("Contents");
        ring[512 + 8..512 + 12].copy_from_slice(&1_u32.to_le_bytes());
        assert_eq!(found(&ring), Found::Other);
    }
}
