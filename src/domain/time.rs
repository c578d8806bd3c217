//! Instants, days and the portal's time zone. Instants are unix microseconds inside and RFC 3339
//! with the zone's offset outside; a day is a date in the portal's zone.

use jiff::tz::TimeZone;

use super::input::{FaultCode, Refusal, from_text};

/// A point in time: unix microseconds, with the offset it is shown in.
#[derive(Debug, Clone, Copy)]
pub struct Instant {
    micros: i64,
    offset: i32,
}

impl PartialEq for Instant {
    fn eq(&self, other: &Self) -> bool {
        self.micros == other.micros
    }
}
impl Eq for Instant {}

impl Instant {
    /// Unix microseconds of 1900-01-02 and 2999-12-31: a day within, wherever on earth, is one
    /// that `Day` reads.
    const EARLIEST: i64 = -2_208_902_400_000_000;
    const LATEST: i64 = 32_503_593_600_000_000;

    /// From unix microseconds, shown in UTC until `Zone::show` gives it an offset.
    pub fn from_micros(micros: i64) -> Self {
        Self { micros, offset: 0 }
    }

    pub fn micros(self) -> i64 {
        self.micros
    }

    /// Unix seconds, rounded down.
    pub fn seconds(self) -> i64 {
        self.micros.div_euclid(1_000_000)
    }

    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self {
            micros: self
                .micros
                .saturating_add(seconds.saturating_mul(1_000_000)),
            ..self
        }
    }

    /// For people who read Vietnamese, as `08:30 ngày 21/3/2026 (GMT+7)`.
    pub fn in_vietnamese(self) -> String {
        let stamp = jiff::Timestamp::from_microsecond(self.micros).unwrap_or_default();
        let offset = jiff::tz::Offset::from_seconds(self.offset).unwrap_or(jiff::tz::Offset::UTC);
        let there = offset.to_datetime(stamp);
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.abs() / 60;
        let zone = match (minutes / 60, minutes % 60) {
            (0, 0) => "GMT".to_owned(),
            (hours, 0) => format!("GMT{sign}{hours}"),
            (hours, rest) => format!("GMT{sign}{hours}:{rest:02}"),
        };
        format!(
            "{:02}:{:02} ngày {}/{}/{} ({zone})",
            there.hour(),
            there.minute(),
            there.day(),
            there.month(),
            there.year()
        )
    }

    /// RFC 3339 with seconds, a fraction only where there is one, and an offset; years 0000..9999.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let bad = || {
            Refusal::new(
                FaultCode::BadFormat,
                "must be an RFC 3339 time with an offset, as 2024-03-21T08:30:00+07:00",
            )
        };
        // jiff reads more spellings than RFC 3339 has; the shape is checked first.
        let bytes = text.as_bytes();
        let digit_at = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
        let is_at = |i: usize, c: u8| bytes.get(i) == Some(&c);
        let shape = text.is_ascii()
            && (20..=40).contains(&bytes.len())
            && [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18]
                .into_iter()
                .all(digit_at)
            && is_at(4, b'-')
            && is_at(7, b'-')
            && (is_at(10, b'T') || is_at(10, b't'))
            && is_at(13, b':')
            && is_at(16, b':');
        if !shape {
            return Err(bad());
        }
        let rest = text.get(19..).unwrap_or_default();
        let tail = match rest.strip_prefix('.') {
            Some(fraction) => {
                let tail = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
                if tail.len() == fraction.len() {
                    return Err(bad());
                }
                tail
            }
            None => rest,
        };
        let utc = tail.eq_ignore_ascii_case("z");
        let offset_shape =
            tail.len() == 6 && tail.starts_with(['+', '-']) && tail.get(3..4) == Some(":");
        if !(utc || offset_shape) {
            return Err(bad());
        }
        let stamp: jiff::Timestamp = text.to_ascii_uppercase().parse().map_err(|_| bad())?;
        let micros = stamp.as_microsecond();
        if !(Self::EARLIEST..Self::LATEST).contains(&micros) {
            return Err(Refusal::new(
                FaultCode::OutOfRange,
                "must lie between 1900-01-02 and 2999-12-31",
            ));
        }
        let number = |range| {
            tail.get(range)
                .and_then(|part: &str| part.parse::<i32>().ok())
        };
        let seconds = number(1..3).unwrap_or(0) * 3600 + number(4..6).unwrap_or(0) * 60;
        Ok(Self {
            micros,
            offset: if tail.starts_with('-') {
                -seconds
            } else {
                seconds
            },
        })
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stamp = jiff::Timestamp::from_microsecond(self.micros).map_err(|_| std::fmt::Error)?;
        if self.offset == 0 {
            return write!(f, "{stamp}");
        }
        let offset = jiff::tz::Offset::from_seconds(self.offset).map_err(|_| std::fmt::Error)?;
        write!(f, "{}", stamp.display_with_offset(offset))
    }
}

impl serde::Serialize for Instant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Instant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|refusal| serde::de::Error::custom(refusal.message))
    }
}

from_text!(Instant, |schema| schema
    .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
        utoipa::openapi::KnownFormat::DateTime,
    )))
    .description(Some(
        "An instant, RFC 3339; answers use the portal's offset.",
    ))
    .max_length(Some(40))
    .examples(["2026-03-21T08:30:00+07:00"]));

/// A date in the portal's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(jiff::civil::Date);

impl Day {
    /// `YYYY-MM-DD`, years 1900..2999.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let bad = || Refusal::new(FaultCode::BadFormat, "must be a date, as 2024-03-21");
        let bytes = text.as_bytes();
        let shape = bytes.len() == 10
            && bytes.iter().enumerate().all(|(i, b)| match i {
                4 | 7 => *b == b'-',
                _ => b.is_ascii_digit(),
            });
        if !shape {
            return Err(bad());
        }
        let date: jiff::civil::Date = text.parse().map_err(|_| bad())?;
        if !(1900..=2999).contains(&date.year()) {
            return Err(Refusal::new(
                FaultCode::OutOfRange,
                "must be between 1900-01-01 and 2999-12-31",
            ));
        }
        Ok(Self(date))
    }

    pub fn year(self) -> i16 {
        self.0.year()
    }

    pub fn next(self) -> Self {
        Self(self.0.tomorrow().unwrap_or(self.0))
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl serde::Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|refusal| serde::de::Error::custom(refusal.message))
    }
}

from_text!(Day, |schema| schema
    .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
        utoipa::openapi::KnownFormat::Date,
    )))
    .description(Some("A day in the portal's time zone."))
    .max_length(Some(10))
    .examples(["2026-03-21"]));

/// The portal's time zone, by its IANA name; the data is compiled in.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    pub const DEFAULT: &str = "Asia/Ho_Chi_Minh";

    pub fn parse(name: &str) -> Result<Self, Refusal> {
        let zone = TimeZone::get(name).map_err(|_| {
            Refusal::new(
                FaultCode::UnknownValue,
                "must be an IANA time zone, as Asia/Ho_Chi_Minh",
            )
        })?;
        Ok(Self {
            name: zone.iana_name().unwrap_or(name).to_owned(),
            zone,
        })
    }

    /// A name that the database gave; UTC if this build no longer knows it.
    pub fn stored(name: &str) -> Self {
        Self::parse(name).unwrap_or_else(|_| Self {
            name: name.to_owned(),
            zone: TimeZone::UTC,
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The instant with the offset that this zone has then.
    pub fn show(&self, instant: Instant) -> Instant {
        let offset = jiff::Timestamp::from_microsecond(instant.micros)
            .map(|stamp| self.zone.to_offset(stamp).seconds())
            .unwrap_or(0);
        // Before standard time offsets had seconds, which RFC 3339 cannot say.
        let offset = offset - offset % 60;
        Instant { offset, ..instant }
    }

    /// The day on which the instant falls here.
    pub fn day_of(&self, instant: Instant) -> Day {
        let stamp = jiff::Timestamp::from_microsecond(instant.micros).unwrap_or_default();
        Day(stamp.to_zoned_datetime(self.zone.clone()).date())
    }

    /// The first instant of a day here.
    pub fn start_of(&self, day: Day) -> Instant {
        let micros = day
            .0
            .to_zoned_datetime(self.zone.clone())
            .map(|zoned| zoned.timestamp().as_microsecond())
            .unwrap_or(0);
        self.show(Instant::from_micros(micros))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn hanoi() -> Zone {
        Zone::parse(Zone::DEFAULT).unwrap()
    }

    #[test]
    fn an_instant_is_told_as_people_say_it() {
        let instant = Instant::parse("2026-03-21T01:30:59Z").unwrap();
        for (zone, words) in [
            (Zone::DEFAULT, "08:30 ngày 21/3/2026 (GMT+7)"),
            ("Asia/Kathmandu", "07:15 ngày 21/3/2026 (GMT+5:45)"),
            ("America/Bogota", "20:30 ngày 20/3/2026 (GMT-5)"),
            ("UTC", "01:30 ngày 21/3/2026 (GMT)"),
        ] {
            let zone = Zone::parse(zone).unwrap();
            assert_eq!(zone.show(instant).in_vietnamese(), words);
        }
    }

    #[test]
    fn instants_are_shown_with_the_portals_offset() {
        let instant = Instant::parse("2024-02-05T07:30:00Z").unwrap();
        assert_eq!(
            hanoi().show(instant).to_string(),
            "2024-02-05T14:30:00+07:00"
        );
        for same in [
            "2024-02-05T14:30:00+07:00",
            "2024-02-05T02:00:00.5-05:30",
            "2024-02-05T07:30:00Z",
        ] {
            assert_eq!(Instant::parse(same).unwrap().to_string(), same);
        }
    }

    #[test]
    fn an_instant_before_standard_time_comes_back_as_itself() {
        let instant = Instant::parse("1905-01-01T00:00:00+07:00").unwrap();
        let shown = hanoi().show(instant).to_string();
        assert_eq!(Instant::parse(&shown).unwrap(), instant, "{shown}");
        for bad in ["1800-01-01T00:00:00+07:00", "3000-01-01T00:00:00Z"] {
            assert!(Instant::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_rfc_3339_is_read() {
        for bad in [
            "2024-02-05",
            "2024-02-05T14:30:00",
            "2024-02-05 14:30:00+07:00",
            "2024-02-05T14:30+07:00",
            "2024-02-05T14:30:00+0700",
            "2024-02-05T14:30:00+07:00[Asia/Ho_Chi_Minh]",
            "2024-13-05T14:30:00Z",
            "2024-02-30T14:30:00Z",
            "",
            "2024-02-05T14:30:00.Z",
            "+02024-02-05T14:30:00Z",
        ] {
            assert!(Instant::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            Instant::parse("2024-02-05t14:30:00.250+07:00").unwrap(),
            Instant::parse("2024-02-05T07:30:00.25Z").unwrap()
        );
    }

    #[test]
    fn a_day_begins_at_local_midnight() {
        let day = Day::parse("2024-03-21").unwrap();
        assert_eq!(
            hanoi().start_of(day).to_string(),
            "2024-03-21T00:00:00+07:00"
        );
        assert_eq!(
            hanoi().day_of(Instant::parse("2024-03-20T17:00:00Z").unwrap()),
            day
        );
        assert!(Day::parse("2024-02-31").is_err());
        assert!(Day::parse("31/02/2024").is_err());
    }
}
