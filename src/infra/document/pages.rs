//! How many pages a document has, as it says itself: a number for readers, on which nothing relies.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// A larger PDF is not read into memory for the sake of a number.
const MAX_PDF: u64 = 64 * 1024 * 1024;
/// More is a lie or a mistake.
const MAX_PAGES: u32 = 100_000;
/// Most of an entry of an archive that is read, in bytes.
const MAX_ENTRY: u64 = 1024 * 1024;

/// Pages, or slides; none where the document does not tell or is not understood. Blocks, and may panic where
/// a library does.
pub fn pages(path: &Path, mime: &str) -> Option<u32> {
    let count = match mime {
        "application/pdf" => pdf(path),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => {
            between(&entry(path, "docProps/app.xml")?, "<Pages>", "<")
        }
        "application/vnd.openxmlformats-officedocument.presentationml.presentation" => {
            between(&entry(path, "docProps/app.xml")?, "<Slides>", "<")
        }
        "application/vnd.oasis.opendocument.text" => {
            between(&entry(path, "meta.xml")?, "meta:page-count=\"", "\"")
        }
        _ => None,
    };
    count.filter(|count| (1..=MAX_PAGES).contains(count))
}

fn pdf(path: &Path) -> Option<u32> {
    let length = path.metadata().ok()?.len();
    if length > MAX_PDF {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    Some(lopdf::Document::load_metadata_mem(&bytes).ok()?.page_count)
}

fn entry(path: &Path, name: &str) -> Option<String> {
    let mut archive = zip::ZipArchive::new(File::open(path).ok()?).ok()?;
    let entry = archive.by_name(name).ok()?;
    let mut text = Vec::new();
    entry.take(MAX_ENTRY).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

fn between(text: &str, before: &str, after: &str) -> Option<u32> {
    let (_, rest) = text.split_once(before)?;
    let (number, _) = rest.split_once(after)?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::fmt::Write as _;
    use std::io::Write as _;

    use super::*;

    fn pages_of(bytes: &[u8], mime: &str) -> Option<u32> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        pages(file.path(), mime)
    }

    /// A catalogue, and a tree of pages that says how many there are.
    fn a_pdf(count: u64) -> String {
        let objects = [
            "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
            format!("<</Type/Pages/Kids[3 0 R]/Count {count}>>"),
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>".to_owned(),
        ];
        let (mut pdf, mut places) = ("%PDF-1.4\n".to_owned(), String::new());
        for (number, object) in (1..).zip(objects) {
            writeln!(places, "{:010} 00000 n ", pdf.len()).unwrap();
            writeln!(pdf, "{number} 0 obj{object}endobj").unwrap();
        }
        let table = pdf.len();
        write!(pdf, "xref\n0 4\n0000000000 65535 f \n{places}").unwrap();
        write!(
            pdf,
            "trailer<</Size 4/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n"
        )
        .unwrap();
        pdf
    }

    fn archive(name: &str, text: &str) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn documents_say_how_many_pages_they_have() {
        const WORD: &str =
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        const SLIDES: &str =
            "application/vnd.openxmlformats-officedocument.presentationml.presentation";
        const TEXT: &str = "application/vnd.oasis.opendocument.text";
        assert_eq!(pages_of(a_pdf(7).as_bytes(), "application/pdf"), Some(7));
        let app = archive(
            "docProps/app.xml",
            "<Properties><Pages>12</Pages></Properties>",
        );
        assert_eq!(pages_of(&app, WORD), Some(12));
        assert_eq!(pages_of(&app, SLIDES), None);
        let app = archive(
            "docProps/app.xml",
            "<Properties><Slides>30</Slides></Properties>",
        );
        assert_eq!(pages_of(&app, SLIDES), Some(30));
        let meta = archive(
            "meta.xml",
            "<x meta:table-count=\"1\" meta:page-count=\"3\"/>",
        );
        assert_eq!(pages_of(&meta, TEXT), Some(3));
    }

    #[test]
    fn what_is_not_said_or_not_true_is_no_number() {
        for count in [0, 999_999_999] {
            assert_eq!(pages_of(a_pdf(count).as_bytes(), "application/pdf"), None);
        }
        let pdf = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n";
        assert_eq!(pages_of(pdf, "application/pdf"), None);
        assert_eq!(pages_of(b"", "application/msword"), None);
    }
}
