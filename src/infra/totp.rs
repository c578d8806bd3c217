//! Codes of authenticator apps (RFC 6238, as every app has it: SHA-1, six digits, thirty seconds).

use totp_rs::{Builder, Secret, Totp};

use super::random;

/// Clocks of telephones may be off by one step to either side.
const SKEW: u16 = 1;

/// What the app and the server both know. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed(Vec<u8>);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(…)")
    }
}

impl Seed {
    /// 160 bits, as RFC 4226 advises.
    pub fn random() -> Self {
        Self(random::bytes::<20>().to_vec())
    }

    pub fn stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// In base 32, for people who type it in.
    pub fn to_base32(&self) -> String {
        Secret::from(self.0.clone()).to_base32()
    }

    /// The address behind the QR code that apps read.
    pub fn url(&self, issuer: &str, account: &str) -> Result<String, String> {
        // A colon parts issuer and account there.
        self.totp(&issuer.replace(':', " "), &account.replace(':', " "))?
            .to_url()
            .map_err(|error| error.to_string())
    }

    /// The time step whose code this is, if it is one of those around now, in unix seconds.
    pub fn step(&self, code: &str, now: i64) -> Option<i64> {
        let step = self
            .totp("", "")
            .ok()?
            .check(code, u64::try_from(now).ok()?)?;
        i64::try_from(step).ok()
    }

    fn totp(&self, issuer: &str, account: &str) -> Result<Totp, String> {
        Builder::new()
            .with_secret(self.0.clone())
            .with_skew(SKEW)
            .with_issuer(Some(issuer))
            .with_account_name(account)
            .build()
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn seed() -> Seed {
        Seed::stored(b"12345678901234567890".to_vec())
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        // Appendix B, the last six of its eight digits.
        for (at, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(seed().step(code, at), Some(at / 30), "{at}");
        }
    }

    #[test]
    fn a_code_is_good_one_step_before_and_after_its_own() {
        let step = 1_111_111_109 / 30;
        for (at, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let found = seed().step("081804", (step + at) * 30 + 7);
            assert_eq!(found, good.then_some(step), "{at}");
        }
        for bad in ["", "08180", "0818044", "08180a", "٠٨١٨٠٤", "-81804"] {
            assert_eq!(seed().step(bad, 1_111_111_109), None, "{bad}");
        }
    }

    #[test]
    fn apps_are_told_the_portal_and_the_user() {
        let url = seed().url("Cổng thông tin: Sơn Hạ", "minh.an").unwrap();
        let url = url::Url::parse(&url).unwrap();
        assert_eq!((url.scheme(), url.host_str()), ("otpauth", Some("totp")));
        let asked: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert!(asked.contains(&("secret".into(), seed().to_base32())));
        assert!(asked.contains(&("issuer".into(), "Cổng thông tin  Sơn Hạ".into())));
        assert!(url.path().ends_with(":minh.an"), "{}", url.path());
        assert!(!format!("{:?}", seed()).contains("123"));
    }
}
