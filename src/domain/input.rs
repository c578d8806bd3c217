//! Faults of what a client sent, all of them at once, each with the JSON pointer of its place;
//! and the macro that makes bounded text types.

use std::ops::ControlFlow;

use deserr::{DeserializeError, Deserr, ErrorKind, IntoValue, MergeWithError, ValuePointerRef};
use serde::{Deserialize, Serialize};

/// A closed set of words: `words! { /// doc  Name { Variant = "word", … } }`.
macro_rules! words {
    ($($(#[doc = $doc:literal])* $name:ident { $($variant:ident = $word:literal),+ $(,)? })*) => {$(
        $(#[doc = $doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            deserr::Deserr,
        )]
        #[deserr(error = $crate::domain::input::Faults)]
        pub enum $name {
            $(#[serde(rename = $word)] #[deserr(rename = $word)] $variant,)+
        }
        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
        // utoipa's derive does not see names that come through a macro.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::domain::input::word_schema(concat!($($doc, "\n"),*), &[$($word),+])
            }
        }
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}
pub(crate) use words;

/// One fault of a request body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// RFC 6901 pointer into the body; empty for the whole body.
    pub pointer: String,
    /// Stable code, listed in `docs/problems.md`.
    pub code: FaultCode,
    /// One English sentence for developers.
    pub message: String,
}

words! {
    /// Every kind of fault that a field or a query parameter can have.
    FaultCode {
        Required = "required", UnknownField = "unknown_field", WrongType = "wrong_type",
        UnknownValue = "unknown_value", TooShort = "too_short", TooLong = "too_long",
        TooMany = "too_many", OutOfRange = "out_of_range", BadFormat = "bad_format",
        ForbiddenCharacter = "forbidden_character", Duplicate = "duplicate",
        NotFound = "not_found", Conflict = "conflict", MediaNotReady = "media_not_ready",
    }
}

/// The faults of one body, field by field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Nobody reads more; a body of nothing but faults must not become a larger answer.
    pub const MOST: usize = 100;
    /// Longest pointer told, in characters.
    const MAX_POINTER: usize = 500;

    pub fn one(pointer: impl Into<String>, code: FaultCode, message: impl Into<String>) -> Self {
        let mut faults = Self::default();
        faults.push(pointer, code, message);
        faults
    }

    pub fn push(
        &mut self,
        pointer: impl Into<String>,
        code: FaultCode,
        message: impl Into<String>,
    ) {
        if self.0.len() >= Self::MOST {
            return;
        }
        let pointer: String = pointer.into();
        self.0.push(Fault {
            pointer: pointer.chars().take(Self::MAX_POINTER).collect(),
            code,
            message: message.into(),
        });
    }

    /// Looks for more faults while there are few.
    fn go_on(mut self) -> ControlFlow<Self, Self> {
        if self.0.len() < Self::MOST {
            return ControlFlow::Continue(self);
        }
        self.0.truncate(Self::MOST);
        ControlFlow::Break(self)
    }

    /// `value` when nothing is wrong with it.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

/// A fault of a single value, before its place is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: FaultCode,
    pub message: String,
}

impl Refusal {
    pub fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Gives the fault its place.
    pub fn at(self, location: ValuePointerRef) -> Faults {
        Faults::one(pointer(location), self.code, self.message)
    }
}

/// RFC 6901 spelling of a location.
pub fn pointer(location: ValuePointerRef) -> String {
    match location {
        ValuePointerRef::Origin => String::new(),
        ValuePointerRef::Key { key, prev } => {
            format!("{}/{}", pointer(*prev), escape(key))
        }
        ValuePointerRef::Index { index, prev } => format!("{}/{index}", pointer(*prev)),
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Parses a JSON value into an input type, collecting every fault.
pub fn parse<T: Deserr<Faults>>(value: serde_json::Value) -> Result<T, Faults> {
    deserr::deserialize::<T, serde_json::Value, Faults>(value)
}

/// The text of a JSON value, or the fault that it is none.
pub fn string<V: IntoValue>(
    value: deserr::Value<V>,
    location: ValuePointerRef,
) -> Result<String, Faults> {
    String::deserialize_from_value(value, location)
}

/// RFC 7396 merge of `patch` onto a representation that names every field: `null` takes a field
/// away, and its default comes back. An unknown field is kept, so that it is found and refused.
pub fn merge(target: &mut serde_json::Value, patch: serde_json::Value) {
    match (target, patch) {
        (serde_json::Value::Object(target), serde_json::Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() && target.remove(&key).is_some() {
                    continue;
                }
                merge(target.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (target, patch) => *target = patch,
    }
}

impl MergeWithError<Faults> for Faults {
    fn merge(
        self_: Option<Self>,
        other: Faults,
        _location: ValuePointerRef,
    ) -> ControlFlow<Self, Self> {
        let mut all = self_.unwrap_or_default();
        all.0.extend(other.0);
        all.go_on()
    }
}

impl MergeWithError<Refusal> for Faults {
    fn merge(
        self_: Option<Self>,
        other: Refusal,
        location: ValuePointerRef,
    ) -> ControlFlow<Self, Self> {
        <Self as MergeWithError<Faults>>::merge(self_, other.at(location), location)
    }
}

impl DeserializeError for Faults {
    fn error<V: IntoValue>(
        self_: Option<Self>,
        error: ErrorKind<V>,
        location: ValuePointerRef,
    ) -> ControlFlow<Self, Self> {
        let mut all = self_.unwrap_or_default();
        let place = pointer(location);
        let list = |names: &[&str]| names.join(", ");
        match error {
            ErrorKind::IncorrectValueKind { actual, accepted } => {
                let accepted: Vec<_> = accepted.iter().map(kind_name).collect();
                let mut accepted = accepted;
                accepted.dedup();
                all.push(
                    place,
                    FaultCode::WrongType,
                    format!(
                        "must be {}, is {}",
                        accepted.join(" or "),
                        kind_name(&actual.kind())
                    ),
                );
            }
            ErrorKind::MissingField { field } => all.push(
                format!("{place}/{}", escape(field)),
                FaultCode::Required,
                "is required",
            ),
            ErrorKind::UnknownKey { key, accepted } => all.push(
                format!("{place}/{}", escape(key)),
                FaultCode::UnknownField,
                format!("is not a field; the fields are: {}", list(accepted)),
            ),
            ErrorKind::UnknownValue { accepted, .. } => all.push(
                place,
                FaultCode::UnknownValue,
                format!("must be one of: {}", list(accepted)),
            ),
            ErrorKind::BadSequenceLen { expected, .. } => all.push(
                place,
                FaultCode::WrongType,
                format!("must have exactly {expected} items"),
            ),
            ErrorKind::Unexpected { msg } => all.push(place, FaultCode::BadFormat, msg),
        }
        all.go_on()
    }
}

fn kind_name(kind: &deserr::ValueKind) -> &'static str {
    match kind {
        deserr::ValueKind::Null => "null",
        deserr::ValueKind::Boolean => "a boolean",
        deserr::ValueKind::Integer | deserr::ValueKind::NegativeInteger => "an integer",
        deserr::ValueKind::Float => "a number",
        deserr::ValueKind::String => "a string",
        deserr::ValueKind::Sequence => "an array",
        deserr::ValueKind::Map => "an object",
    }
}

/// A list with an upper bound, checked before its items are kept.
pub fn at_most<T>(items: &[T], most: usize, location: ValuePointerRef) -> Result<(), Faults> {
    if items.len() > most {
        return Err(Refusal::new(
            FaultCode::TooMany,
            format!("has {} items, {most} are allowed", items.len()),
        )
        .at(location));
    }
    Ok(())
}

/// Lets a type that is parsed from text stand in JSON bodies and in the document: its own `parse` is
/// the one way in, and the function given adds what the document says of it to a string's schema.
macro_rules! from_text {
    ($name:ident, $describe:expr) => {
        impl deserr::Deserr<$crate::domain::input::Faults> for $name {
            fn deserialize_from_value<V: deserr::IntoValue>(
                value: deserr::Value<V>,
                location: deserr::ValuePointerRef,
            ) -> Result<Self, $crate::domain::input::Faults> {
                let raw = $crate::domain::input::string(value, location)?;
                Self::parse(&raw).map_err(|refusal| refusal.at(location))
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let describe: fn(utoipa::openapi::ObjectBuilder) -> utoipa::openapi::ObjectBuilder =
                    $describe;
                let text = utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String);
                describe(text).into()
            }
        }
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}
pub(crate) use from_text;

/// A whole number within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> Whole<MIN, MAX> {
    pub fn get(self) -> i64 {
        self.0
    }
}

impl<const MIN: i64, const MAX: i64> Deserr<Faults> for Whole<MIN, MAX> {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        let number = <i64 as Deserr<Faults>>::deserialize_from_value(value, location)?;
        if (MIN..=MAX).contains(&number) {
            return Ok(Self(number));
        }
        let message = format!("must be between {MIN} and {MAX}");
        Err(Refusal::new(FaultCode::OutOfRange, message).at(location))
    }
}

impl<const MIN: i64, const MAX: i64> utoipa::PartialSchema for Whole<MIN, MAX> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Integer)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
                utoipa::openapi::KnownFormat::Int32,
            )))
            .minimum(Some(MIN))
            .maximum(Some(MAX))
            .into()
    }
}
/// Always said in place: the bounds are no name.
impl<const MIN: i64, const MAX: i64> utoipa::ToSchema for Whole<MIN, MAX> {}

/// Which characters a text may hold and how it is tidied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// One line: no line breaks, blanks at both ends trimmed.
    Single,
    /// `\n` allowed, nothing trimmed.
    Multi,
}

/// Normalises and bounds a text; lengths count characters after NFC.
pub fn bounded(raw: &str, min: usize, max: usize, lines: Lines) -> Result<String, Refusal> {
    let clean = super::text::clean(raw, false);
    let clean = match lines {
        Lines::Single => clean.trim().to_owned(),
        Lines::Multi => clean,
    };
    if let Some(found) = super::text::forbidden(&clean, lines == Lines::Multi) {
        return Err(Refusal::new(
            FaultCode::ForbiddenCharacter,
            format!(
                "holds the character U+{:04X}, which is not allowed",
                u32::from(found)
            ),
        ));
    }
    let count = clean.chars().count();
    if count > max {
        return Err(Refusal::new(
            FaultCode::TooLong,
            format!("has {count} characters, {max} are allowed"),
        ));
    }
    if count < min || (min > 0 && clean.chars().all(char::is_whitespace)) {
        return Err(Refusal::new(FaultCode::TooShort, "must not be blank"));
    }
    Ok(clean)
}

/// Characters every text refuses: controls and the two that break XML.
pub const SINGLE_LINE_PATTERN: &str = r"^[^\u0000-\u001F\u007F-\u009F\uFFFE\uFFFF]*$";
/// The same, with `\n` allowed.
pub const MULTI_LINE_PATTERN: &str = r"^[^\u0000-\u0009\u000B-\u001F\u007F-\u009F\uFFFE\uFFFF]*$";

/// Makes bounded text types: `text! { /// doc  Title(1..=300, Single, "example") }`.
macro_rules! text {
    ($($(#[doc = $doc:literal])* $name:ident($min:literal ..= $max:literal, $lines:ident, $example:literal);)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub const MAX: usize = $max;

            pub fn parse(raw: &str) -> Result<Self, $crate::domain::input::Refusal> {
                $crate::domain::input::bounded(raw, $min, $max, $crate::domain::input::Lines::$lines).map(Self)
            }
            /// A value that this program stored itself.
            pub fn stored(text: String) -> Self {
                Self(text)
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        $crate::domain::input::from_text!($name, |schema| $crate::domain::input::bounded_schema(
            schema.description(Some(concat!($($doc, "\n"),*).trim())).examples([$example]),
            $min, $max, $crate::domain::input::Lines::$lines,
        ));
    )*};
}
pub(crate) use text;

/// The schema of a closed set of words.
pub fn word_schema(
    description: &str,
    words: &[&str],
) -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    let description = description.trim();
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .description((!description.is_empty()).then_some(description))
        .enum_values(Some(words.to_vec()))
        .into()
}

/// What the document says of a bounded text type.
pub fn bounded_schema(
    schema: utoipa::openapi::ObjectBuilder,
    min: usize,
    max: usize,
    lines: Lines,
) -> utoipa::openapi::ObjectBuilder {
    let pattern = match lines {
        Lines::Single => SINGLE_LINE_PATTERN,
        Lines::Multi => MULTI_LINE_PATTERN,
    };
    schema
        .min_length(Some(min))
        .max_length(Some(max))
        .pattern(Some(pattern))
}
