//! Uploads that arrive in pieces, as the protocol tus 1.0 has them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deserr::ValuePointerRef;

use super::caption::{Alt, Credit};
use super::id::{MediaId, UserId};
use super::input::{FaultCode, Faults, Refusal, pointer};
use super::media::{AiLabel, Claim, FileName, MediaContent};
use super::time::Instant;

/// An upload, and how much of it has arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// 32 hexadecimal digits, random.
    pub id: String,
    /// Whose it is; nobody else knows of it.
    pub user_id: UserId,
    /// Of the whole file, in bytes.
    pub length: i64,
    /// In bytes from the beginning. All of them only when the medium is there.
    pub received: i64,
    pub file_name: FileName,
    /// What the client says it is.
    pub claim: Option<Claim>,
    pub content: MediaContent,
    pub expires_at: Instant,
    /// What it became.
    pub media_id: Option<MediaId>,
}

/// What the client says of a file before it sends it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    /// As it was sent, untidied.
    pub file_name: String,
    pub claim: Option<Claim>,
    pub content: MediaContent,
}

/// Why metadata are refused.
#[derive(Debug, PartialEq)]
pub enum MetadataError {
    /// The header is none.
    Malformed(&'static str),
    /// Values that a medium cannot have.
    Wrong(Faults),
}

impl Metadata {
    /// Reads `Upload-Metadata`: pairs of a name and a value in Base64, separated by commas. Names that
    /// mean nothing here are passed over, as the protocol has it.
    pub fn parse(header: &str) -> Result<Self, MetadataError> {
        let mut read = Self::default();
        let mut faults = Faults::default();
        let mut seen = Vec::new();
        for pair in header.split(',').map(str::trim) {
            let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
            if name.is_empty() {
                return Err(MetadataError::Malformed("a pair has no name"));
            }
            if seen.contains(&name) {
                return Err(MetadataError::Malformed("a name is there twice"));
            }
            seen.push(name);
            let value = STANDARD
                .decode(value.trim())
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or(MetadataError::Malformed(
                    "a value is not UTF-8 text in Base64",
                ))?;
            if let Err(refusal) = read.set(name, value) {
                let place = pointer(ValuePointerRef::Origin.push_key(name));
                faults.push(place, refusal.code, refusal.message);
            }
        }
        faults.or(read).map_err(MetadataError::Wrong)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), Refusal> {
        match name {
            // Clients differ in what they call it.
            "filename" | "name" => self.file_name = value,
            "filetype" | "type" => self.claim = Claim::parse(&value),
            "alt" => self.content.alt = Some(Alt::parse(&value)?),
            "credit" => self.content.credit = Some(Credit::parse(&value)?),
            "decorative" => {
                self.content.decorative = match value.as_str() {
                    "true" => true,
                    "false" => false,
                    _ => {
                        let message = "must be true or false";
                        return Err(Refusal::new(FaultCode::UnknownValue, message));
                    }
                }
            }
            "ai_label" => {
                let message = "must be none, assisted or generated";
                self.content.ai_label = AiLabel::parse(&value)
                    .ok_or_else(|| Refusal::new(FaultCode::UnknownValue, message))?;
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn metadata_are_pairs_in_base64() {
        let encode = |text: &str| STANDARD.encode(text);
        let header = format!(
            "filename {}, alt {},filetype {},empty",
            encode("Ảnh lễ.jpg"),
            encode("Bà con trồng cây"),
            encode("image/png")
        );
        let read = Metadata::parse(&header).unwrap();
        assert_eq!(read.file_name, "Ảnh lễ.jpg");
        assert_eq!(read.claim, Claim::parse("image/png"));
        let alt = read.content.alt.unwrap();
        assert_eq!(alt.as_str(), "Bà con trồng cây");
        for bad in ["", "alt !!!", "alt /w==", ",", "a YQ==,a YQ=="] {
            let refused = Metadata::parse(bad);
            assert!(matches!(refused, Err(MetadataError::Malformed(_))), "{bad}");
        }
        let wrong = format!("decorative {}", encode("maybe"));
        assert!(matches!(
            Metadata::parse(&wrong),
            Err(MetadataError::Wrong(_))
        ));
    }
}
