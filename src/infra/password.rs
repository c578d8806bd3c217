//! Passwords: argon2id. All of it blocks: call it off the async threads.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Version};
use unicode_normalization::UnicodeNormalization as _;

/// Cost of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params {
    pub memory_kib: u32,
    pub iterations: u32,
    pub parallelism: u32,
}

/// Hashes and verifies passwords.
pub struct Hasher {
    argon2: Argon2<'static>,
    params: Params,
    /// Of no password: verified for unknown users, so that they take as long as known ones.
    dummy: String,
}

impl Hasher {
    pub fn new(params: Params) -> Result<Self, String> {
        let cost = argon2::Params::new(
            params.memory_kib,
            params.iterations,
            params.parallelism,
            None,
        )
        .map_err(|error| format!("argon2: {error}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);
        let mut hasher = Self {
            argon2,
            params,
            dummy: String::new(),
        };
        hasher.dummy = hasher.hash(&super::random::token())?;
        Ok(hasher)
    }

    /// The hash as a PHC string, with a fresh salt.
    pub fn hash(&self, password: &str) -> Result<String, String> {
        self.argon2
            .hash_password_with_salt(normal(password).as_bytes(), &super::random::bytes::<16>())
            .map(|hash| hash.to_string())
            .map_err(|error| format!("argon2: {error}"))
    }

    /// Is this the password? With the parameters that the hash names.
    pub fn verify(&self, password: &str, phc: &str) -> bool {
        PasswordHash::new(phc).is_ok_and(|hash| {
            self.argon2
                .verify_password(normal(password).as_bytes(), &hash)
                .is_ok()
        })
    }

    /// Takes as long as `verify`; for users that do not exist.
    pub fn verify_dummy(&self, password: &str) {
        self.verify(password, &self.dummy);
    }

    /// Was the hash made with other parameters than ours?
    pub fn needs_rehash(&self, phc: &str) -> bool {
        let Params {
            memory_kib,
            iterations,
            parallelism,
        } = self.params;
        !phc.starts_with(&format!(
            "$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}$"
        ))
    }
}

/// People type the same password on keyboards that compose marks differently.
fn normal(password: &str) -> String {
    password.nfc().collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const CHEAP: Params = Params {
        memory_kib: 8,
        iterations: 1,
        parallelism: 1,
    };

    #[test]
    fn only_the_right_password_verifies() {
        let hasher = Hasher::new(CHEAP).unwrap();
        let hash = hasher.hash("đường về làng xa").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        assert!(hasher.verify("đường về làng xa", &hash));
        let decomposed: String = "đường về làng xa".nfd().collect();
        assert!(hasher.verify(&decomposed, &hash));
        assert!(!hasher.verify("đường về làng Xa", &hash));
        assert!(!hasher.verify("x", "not a hash"));
    }

    #[test]
    fn a_hash_of_other_parameters_is_due_for_renewal() {
        let hasher = Hasher::new(CHEAP).unwrap();
        let other = Hasher::new(Params {
            iterations: 2,
            ..CHEAP
        })
        .unwrap();
        let hash = hasher.hash("mot mat khau dai").unwrap();
        assert!(!hasher.needs_rehash(&hash));
        assert!(other.needs_rehash(&hash));
        assert!(other.verify("mot mat khau dai", &hash));
    }
}
