//! Mail addresses of users.

use serde::{Deserialize, Serialize};

use super::input::{FaultCode, Refusal, from_text};

/// Where mail reaches somebody: what every relay takes, so ASCII, neither quoted parts nor comments,
/// and a domain of at least two labels. Kept as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Lengths beside, this is the whole rule.
    pub const PATTERN: &str = concat!(
        r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*",
        r"@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?$",
    );
    /// RFC 5321, 4.5.3.1: a path has 256 octets, two of them brackets.
    pub const MAX: usize = 254;

    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        if raw.chars().count() > Self::MAX {
            let message = format!("has more than {} characters", Self::MAX);
            return Err(Refusal::new(FaultCode::TooLong, message));
        }
        match raw.rsplit_once('@') {
            Some((local, domain)) if is_local(local) && is_domain(domain) => {
                Ok(Self(raw.to_owned()))
            }
            _ => Err(Refusal::new(
                FaultCode::BadFormat,
                "must be a mail address, as minh.an@sonha.example.vn",
            )),
        }
    }

    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 5322, a dot-atom; at most 64 octets.
fn is_local(local: &str) -> bool {
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c);
    local.len() <= 64
        && local
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(atom))
}

/// Labels as host names have them; the last begins with a letter, so that it is no IPv4 address.
fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    domain.split('.').all(label)
        && domain
            .rsplit_once('.')
            .is_some_and(|(_, last)| last.starts_with(|c: char| c.is_ascii_alphabetic()))
}

from_text!(Email, |schema| schema
    .description(Some("A mail address."))
    .pattern(Some(Email::PATTERN))
    .max_length(Some(Email::MAX))
    .examples(["minh.an@sonha.example.vn"]));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_relay_would_take_is_an_address() {
        let long = format!("{}@{}.vn", "a".repeat(64), "b".repeat(63));
        for good in [
            "minh.an@sonha.example.vn",
            "MinhAn+tin@Example.VN",
            "o'neil_x@a-b.c3",
            "a@xn--sn-h-jua.vn",
            long.as_str(),
        ] {
            assert!(Email::parse(good).is_ok_and(|email| email.as_str() == good));
        }
    }

    #[test]
    fn nothing_that_could_end_a_line_or_name_somebody_else_is_an_address() {
        let (local, label) = ("a".repeat(65), "b".repeat(64));
        for bad in [
            "",
            "an",
            "@x.vn",
            "an@",
            "an@vn",
            "an@@x.vn",
            " an@x.vn",
            "an@x.vn ",
            "an@x.vn\r\nBcc: b@y.vn",
            "an\n@x.vn",
            "an@x.vn,b@y.vn",
            "an@x.vn>",
            "<an@x.vn>",
            "\"an\"@x.vn",
            "an(ban)@x.vn",
            ".an@x.vn",
            "an.@x.vn",
            "a..n@x.vn",
            "an@x..vn",
            "an@.vn",
            "an@x.vn.",
            "an@-x.vn",
            "an@x-.vn",
            "an@x_y.vn",
            "an@127.0.0.1",
            "an@[127.0.0.1]",
            "ăn@x.vn",
            "an@xã.vn",
            &format!("{local}@x.vn"),
            &format!("an@{label}.vn"),
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
        let long = format!("an@{}vn", "b.".repeat(126));
        assert!(Email::parse(&long).is_err_and(|refusal| refusal.code == FaultCode::TooLong));
    }
}
