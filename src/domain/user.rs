//! Users and their roles.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{KnownFormat, ObjectBuilder, SchemaFormat};

use super::content::PersonName;
use super::email::Email;
use super::id::{TokenId, UserId, Version};
use super::input::{FaultCode, Refusal, SINGLE_LINE_PATTERN, from_text, text, words};
use super::reach::Reach;
use super::time::Instant;
use super::token::Grant;

words! {
    /// What somebody is in the newsroom. Publisher includes editor, editor includes reporter;
    /// admin stands apart and has no rights over content.
    Role { Reporter = "reporter", Editor = "editor", Publisher = "publisher", Admin = "admin" }
}

/// Roles that a setting names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleSet(Vec<Role>);

impl RoleSet {
    /// Roles separated by commas; an empty text is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty());
        let roles = words.map(|word| Role::parse(word).ok_or_else(|| format!("{word} is no role")));
        roles.collect::<Result<_, _>>().map(Self)
    }

    pub fn as_slice(&self) -> &[Role] {
        &self.0
    }
}

words! {
    /// A person signs in with a password; a service (a program) only ever sends API tokens, which an
    /// admin makes for it.
    UserKind { Person = "person", Service = "service" }
}

/// Somebody, for people to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Who {
    pub id: UserId,
    pub name: PersonName,
}

impl From<&User> for Who {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            name: user.name.clone(),
        }
    }
}

/// Name to sign in with: lower case, 3 to 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Login(String);

impl Login {
    pub const PATTERN: &str = "^[a-z0-9][a-z0-9._@+-]{2,63}$";

    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        let fits = (3..=64).contains(&raw.len())
            && raw.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && raw
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._@+-".contains(&b));
        if fits {
            Ok(Self(raw.to_owned()))
        } else {
            Err(Refusal::new(
                FaultCode::BadFormat,
                format!("must match {}", Self::PATTERN),
            ))
        }
    }

    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

from_text!(Login, |schema| schema
    .description(Some("Name to sign in with."))
    .pattern(Some(Login::PATTERN))
    .max_length(Some(64))
    .examples(["minh.an"]));

text! {
    /// A login as somebody typed it; capitals are read as small letters.
    SentLogin(1..=64, Single, "minh.an");
}

/// A password as somebody typed it, in NFC. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    pub const MAX: usize = 200;

    /// 1 to 200 characters, none of them a control; nothing is trimmed.
    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        let text = super::text::nfc(raw);
        if super::text::forbidden(&text, false).is_some() {
            return Err(Refusal::new(
                FaultCode::ForbiddenCharacter,
                "holds a character that is not allowed",
            ));
        }
        match text.chars().count() {
            0 => Err(Refusal::new(FaultCode::TooShort, "must not be empty")),
            1..=Self::MAX => Ok(Self(text)),
            _ => Err(Refusal::new(FaultCode::TooLong, "may have 200 characters")),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

from_text!(Password, |schema| password(
    schema.description(Some("A password, 1 to 200 characters after NFC.")),
    1
));

/// A password that somebody chooses: 12 to 200 characters, not too easy to guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPassword(Password);

impl NewPassword {
    /// Shortest, in characters after NFC (NIST SP 800-63B: length counts, not kinds of characters).
    pub const MIN: usize = 12;

    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        let password = Password::parse(raw)?;
        if password.as_str().chars().count() < Self::MIN {
            return Err(Refusal::new(
                FaultCode::TooShort,
                "must have 12 to 200 characters",
            ));
        }
        let lower = password.as_str().to_lowercase();
        let distinct: std::collections::HashSet<char> = lower.chars().collect();
        let common = [
            "password",
            "123456789",
            "qwertyuiop",
            "matkhau",
            "abcdefgh",
            "iloveyou",
            "vietnam",
            "bantin",
            "admin",
        ];
        let rest = common
            .iter()
            .fold(lower.clone(), |rest, word| rest.replace(word, ""));
        // What counts is what stands beside the common words and the digits after them.
        let own = rest.chars().filter(|c| !c.is_ascii_digit()).count();
        if distinct.len() < 5 || own < 5 {
            return Err(Refusal::new(FaultCode::BadFormat, "is too easy to guess"));
        }
        Ok(Self(password))
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

from_text!(NewPassword, |schema| password(
    schema.description(Some(
        "A password to be: 12 to 200 characters after NFC, not too easy to guess."
    )),
    NewPassword::MIN
));

fn password(schema: ObjectBuilder, min: usize) -> ObjectBuilder {
    schema
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
        .min_length(Some(min))
        .max_length(Some(Password::MAX))
        .pattern(Some(SINGLE_LINE_PATTERN))
}

/// A user as stored, without the password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    pub version: Version,
    pub login: Login,
    pub name: PersonName,
    /// Where invitations are mailed to.
    #[serde(default)]
    pub email: Option<Email>,
    pub roles: Vec<Role>,
    /// Where the roles hold.
    #[serde(default)]
    pub reach: Reach,
    pub disabled_at: Option<Instant>,
    pub created_at: Instant,
    pub kind: UserKind,
    /// Services have none, nor has a person who has not accepted the invitation yet.
    pub has_password: bool,
    /// Somebody else chose the password.
    #[serde(default)]
    pub must_change_password: bool,
    /// Is a second factor asked for after the password?
    #[serde(default)]
    pub second_factor: bool,
}

impl User {
    /// What the user has to do before anything else, where `demanded` roles need a second factor.
    pub fn pending(&self, demanded: &[Role]) -> Option<Pending> {
        match () {
            () if self.must_change_password => Some(Pending::Password),
            () if self.lacks_second_factor(demanded) => Some(Pending::SecondFactor),
            () => None,
        }
    }

    /// Has the user a role that needs a second factor, and none set up? Who signs in without a
    /// password proves more or less elsewhere.
    pub fn lacks_second_factor(&self, demanded: &[Role]) -> bool {
        self.has_password
            && !self.second_factor
            && self.roles.iter().any(|role| demanded.contains(role))
    }

    pub fn can_sign_in(&self) -> bool {
        self.kind == UserKind::Person && self.has_password && self.disabled_at.is_none()
    }
}

/// Who asks: the user of a request, with the roles that the user's row has now.
#[derive(Debug, Clone, PartialEq)]
pub struct Actor {
    pub user_id: UserId,
    /// The sign-in that the access token belongs to; null for the command line.
    pub session_id: Option<String>,
    pub login: Login,
    pub name: PersonName,
    pub roles: Vec<Role>,
    /// Where the roles hold.
    pub reach: Reach,
    /// What the API token that was sent may do at most; none with a sign-in.
    pub token: Option<Grant>,
    /// What has to be done before anything else.
    pub pending: Option<Pending>,
}

impl Actor {
    /// The API token behind what the actor does.
    pub fn token_id(&self) -> Option<TokenId> {
        self.token.as_ref().map(|token| token.id)
    }
}

/// Names a sign-in; no secret, for it lets nobody in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(String);

impl SessionId {
    pub const PATTERN: &str = "^[A-Za-z0-9_-]{1,64}$";

    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        let fits = (1..=64).contains(&raw.len())
            && raw
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        fits.then(|| Self(raw.to_owned())).ok_or_else(|| {
            Refusal::new(
                FaultCode::BadFormat,
                format!("must match {}", Self::PATTERN),
            )
        })
    }

    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for SessionId {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::parse(text)
    }
}

from_text!(SessionId, |schema| schema
    .description(Some("Names a sign-in."))
    .pattern(Some(SessionId::PATTERN))
    .max_length(Some(64)));

/// A sign-in: the family of refresh tokens that began with one password.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    pub id: String,
    pub user_id: UserId,
    pub created_at: Instant,
    /// When one signed in or last refreshed.
    pub used_at: Instant,
    pub expires_at: Instant,
    pub ended: bool,
    /// From where it was used last.
    pub address: Option<String>,
    /// What the browser or program called itself when it signed in.
    pub agent: Option<String>,
}

/// What a user who has signed in must do before the API opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// Choose a password: somebody else chose the one that is there.
    Password,
    /// Set up a second factor: a role of theirs demands one.
    SecondFactor,
}

/// Who chose a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// The user, or whoever is the only one to know it.
    ByUser,
    /// Somebody else: it has to be changed at the first sign-in.
    ByOther,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_password_is_counted_after_nfc_and_never_printed() {
        let composed = Password::parse("đường làng").unwrap();
        let decomposed = Password::parse("đu\u{31b}o\u{31b}\u{300}ng la\u{300}ng").unwrap();
        assert_eq!(composed, decomposed);
        assert!(!format!("{composed:?}").contains("làng"));
        assert!(Password::parse(&"e\u{301}".repeat(200)).is_ok());
        for bad in [String::new(), "a\nb".into(), "a\0".into(), "a".repeat(201)] {
            assert!(Password::parse(&bad).is_err());
        }
        assert_eq!(Password::parse("  a  ").unwrap().as_str(), "  a  ");
    }

    #[test]
    fn short_and_common_passwords_are_not_chosen() {
        for bad in [
            "short",
            "aaaaaaaaaaaaaaaa",
            "password1234",
            "matkhau123456",
            "bantin123456",
            "Abcd12345678",
            "password123456789",
            "Admin123456789",
            "abc\ndefghijklmn",
        ] {
            assert!(NewPassword::parse(bad).is_err(), "{bad}");
        }
        assert!(NewPassword::parse("con trâu đen bên bờ ao").is_ok());
    }
}
