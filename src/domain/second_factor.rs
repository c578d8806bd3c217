//! The second factor of a sign-in: codes of an authenticator app, and recovery codes for when it
//! is lost.

use sha2::{Digest as _, Sha256};

use super::input::{FaultCode, Refusal, from_text};

/// Recovery codes that a user gets at once.
pub const RECOVERY_CODES: usize = 10;

/// A code as somebody typed it: six digits of the app, or a recovery code. Blanks and hyphens are
/// skipped, capitals and small letters are the same. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum SentCode {
    App(String),
    Recovery(RecoveryCode),
}

impl SentCode {
    pub const MAX: usize = 40;
    pub const PATTERN: &str = "^[0-9A-Za-z -]{6,40}$";

    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        let bare: String = raw
            .chars()
            .filter(|c| !matches!(c, ' ' | '-'))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if raw.len() <= Self::MAX && bare.len() == 6 && bare.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self::App(bare));
        }
        RecoveryCode::parse(&bare)
            .filter(|_| raw.len() <= Self::MAX)
            .map(Self::Recovery)
            .ok_or_else(|| {
                Refusal::new(
                    FaultCode::BadFormat,
                    "must be the six digits of the app or a recovery code",
                )
            })
    }
}

impl std::fmt::Debug for SentCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SentCode(…)")
    }
}

from_text!(SentCode, |schema| schema
    .description(Some(
        "Six digits of the authenticator app, or a recovery code; blanks and hyphens do not count."
    ))
    .pattern(Some(SentCode::PATTERN))
    .min_length(Some(6))
    .max_length(Some(SentCode::MAX))
    .examples(["492039"]));

/// Good once in place of the app: 80 random bits in base 32, without what is easily misread.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    const DIGITS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    const LEN: usize = 16;
    /// How it is shown.
    pub const PATTERN: &str = "^[a-km-np-z2-9]{4}(-[a-km-np-z2-9]{4}){3}$";

    pub fn new(random: [u8; 10]) -> Self {
        let mut text = String::with_capacity(Self::LEN);
        let (mut bits, mut count) = (0_u16, 0);
        for byte in random {
            bits = (bits << 8) | u16::from(byte);
            count += 8;
            while count >= 5 {
                count -= 5;
                let digit = usize::from((bits >> count) & 31);
                text.push(Self::DIGITS.get(digit).copied().map_or('a', char::from));
            }
            // What was written is not shifted out of the top.
            bits &= (1 << count) - 1;
        }
        Self(text)
    }

    fn parse(bare: &str) -> Option<Self> {
        let fits = bare.len() == Self::LEN && bare.bytes().all(|b| Self::DIGITS.contains(&b));
        fits.then(|| Self(bare.to_owned()))
    }

    /// In groups of four.
    pub fn shown(&self) -> String {
        let letters: Vec<char> = self.0.chars().collect();
        let groups: Vec<String> = letters
            .chunks(4)
            .map(|four| four.iter().collect())
            .collect();
        groups.join("-")
    }

    /// What is stored of it. A plain digest will do: nobody guesses 80 random bits.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_recovery_code_is_read_as_it_was_shown_or_typed_carelessly() {
        for random in [[0; 10], [255; 10], *b"con trau d"] {
            let code = RecoveryCode::new(random);
            let shown = code.shown();
            assert_eq!(shown.len(), 19);
            for typed in [
                shown.clone(),
                shown.to_uppercase(),
                shown.replace('-', ""),
                format!(" {} ", shown.replace('-', " ")),
            ] {
                assert!(SentCode::parse(&typed).unwrap() == SentCode::Recovery(code.clone()));
            }
        }
        assert_ne!(
            RecoveryCode::new([1; 10]).hash(),
            RecoveryCode::new([2; 10]).hash()
        );
    }

    #[test]
    fn every_bit_counts() {
        let zero = RecoveryCode::new([0; 10]);
        for bit in 0..80_usize {
            let mut random = [0; 10];
            *random.get_mut(bit / 8).unwrap() = 1 << (bit % 8);
            assert!(RecoveryCode::new(random).shown() != zero.shown(), "{bit}");
        }
    }

    #[test]
    fn six_digits_are_a_code_of_the_app_and_nothing_else_is() {
        assert!(SentCode::parse("123 456").unwrap() == SentCode::App("123456".into()));
        for bad in [
            "",
            "12345",
            "1234567",
            "١٢٣٤٥٦",
            "abcdef",
            "a".repeat(41).as_str(),
        ] {
            assert!(SentCode::parse(bad).is_err(), "{bad}");
        }
        let spaced = format!("123456{}", " ".repeat(40));
        assert!(SentCode::parse(&spaced).is_err());
        assert!(!format!("{:?}", SentCode::App("123456".into())).contains("123"));
    }
}
