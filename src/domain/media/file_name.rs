//! What files are called by those who send them.

use serde::{Deserialize, Serialize};

/// The name that a file came with: data for editors, never a path, never shown to readers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileName(String);

impl FileName {
    /// Longest name kept, in characters after NFC.
    pub const MAX: usize = 255;

    /// Takes what clients send: no name is refused, what could mislead is left out. Controls, line
    /// separators and marks of direction go (`gpj.exe` must not read as `exe.jpg`), separators of
    /// paths become `_`.
    pub fn tidy(raw: &str) -> Self {
        let kept = crate::domain::text::nfc(raw)
            .chars()
            .filter(|c| !c.is_control())
            .filter(|c| {
                !matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                    | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
            })
            .map(|c| if matches!(c, '/' | '\\') { '_' } else { c })
            .take(Self::MAX)
            .collect();
        Self(kept)
    }

    /// A name that this program stored itself.
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidy(raw: &str) -> String {
        FileName::tidy(raw).as_str().to_owned()
    }

    #[test]
    fn a_file_name_is_kept_as_data_without_what_misleads() {
        assert_eq!(tidy("T 29.png"), "T 29.png");
        assert_eq!(tidy("A\u{309}nh le\u{302}\u{303}.jpg"), "Ảnh lễ.jpg");
        assert_eq!(tidy("../../etc/passwd"), ".._.._etc_passwd");
        assert_eq!(tidy("C:\\anh\\a.png"), "C:_anh_a.png");
        assert_eq!(
            tidy("a\0b\r\nc\u{202e}gpj.exe\u{2069}\u{2028}"),
            "abcgpj.exe"
        );
        assert_eq!(tidy(""), "");
        assert_eq!(tidy(&"ế".repeat(300)).chars().count(), FileName::MAX);
    }
}
