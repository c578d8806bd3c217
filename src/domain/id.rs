//! Typed numbers: ids, versions, edition numbers, log positions. All are 1..=2^53-1, so that
//! JavaScript reads them exactly.

use std::fmt;
use std::str::FromStr;

use super::input::{FaultCode, Faults, Refusal};

/// The largest integer that every JSON reader keeps exact: 2^53 - 1.
pub const MAX: i64 = 9_007_199_254_740_991;

macro_rules! number {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            pub fn parse(value: i64) -> Result<Self, Refusal> {
                if (1..=MAX).contains(&value) {
                    Ok(Self(value))
                } else {
                    Err(Refusal::new(FaultCode::OutOfRange, "must be between 1 and 9007199254740991"))
                }
            }
            /// A number that the database gave.
            pub fn stored(value: i64) -> Self {
                Self(value)
            }
            pub fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Refusal;
            /// Plain decimal digits only: no sign, no leading zero, no blanks.
            fn from_str(text: &str) -> Result<Self, Refusal> {
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
                match text.parse::<i64>() {
                    Ok(value) if digits => Self::parse(value),
                    _ => Err(Refusal::new(FaultCode::BadFormat, "must be a positive whole number")),
                }
            }
        }

        impl deserr::Deserr<Faults> for $name {
            fn deserialize_from_value<V: deserr::IntoValue>(
                value: deserr::Value<V>,
                location: deserr::ValuePointerRef,
            ) -> Result<Self, Faults> {
                let value = <i64 as deserr::Deserr<Faults>>::deserialize_from_value(value, location)?;
                Self::parse(value).map_err(|refusal| refusal.at(location))
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::Integer)
                    .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
                        utoipa::openapi::KnownFormat::Int64,
                    )))
                    .description(Some(concat!($($doc),*).trim()))
                    .minimum(Some(1))
                    .maximum(Some(9_007_199_254_740_991_i64))
                    .examples([1])
                    .into()
            }
        }
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

number! {
    /// Id of an article; never used again.
    ArticleId;
    /// Id of a category; never used again.
    CategoryId;
    /// Id of a caption (a figure with an identity); never used again.
    CaptionId;
    /// Id of a comment; never used again.
    CommentId;
    /// Id of a medium; never used again.
    MediaId;
    /// Id of a preview link; never used again.
    PreviewId;
    /// Id of a user; never used again.
    UserId;
    /// Id of an API token; never used again.
    TokenId;
    /// Counts the saves of one object; the editorial ETag is this number in quotes.
    Version;
    /// Number of an edition within its article, from 1.
    EditionNumber;
    /// Position in the public log; no gaps.
    Seq;
}

impl Version {
    pub const FIRST: Version = Version(1);

    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl EditionNumber {
    pub const FIRST: EditionNumber = EditionNumber(1);

    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// None for the first.
    pub fn previous(self) -> Option<Self> {
        (self.0 > 1).then(|| Self(self.0 - 1))
    }
}
