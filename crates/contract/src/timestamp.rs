//! Moments on the wire: `2016-02-18T09:37:24.597Z` out, nearly any ISO 8601 spelling in.

use jiff::civil::Time;
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use lampfield_core::Timestamp;

/// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: what four digits of a year can say.
const EARLIEST: i64 = -62_167_219_200_000;
const LATEST: i64 = 253_402_300_799_999;
const DAY_MS: i64 = 86_400_000;

/// Appends `at` in UTC with milliseconds and `Z`, without quotes. Years outside 0000 to 9999 are cut
/// to the nearest moment inside.
pub fn write_timestamp(out: &mut Vec<u8>, at: Timestamp) {
    write_civil(out, at);
    out.push(b'Z');
}

/// Appends `at` with `+0000` instead of `Z`, as `creationTime` of `ConnectionDetails` (contract 8.2).
pub(crate) fn write_timestamp_with_offset(out: &mut Vec<u8>, at: Timestamp) {
    write_civil(out, at);
    out.extend_from_slice(b"+0000");
}

/// Returns `at` as [`write_timestamp`] writes it.
#[must_use]
pub fn format_timestamp(at: Timestamp) -> String {
    let mut out = Vec::with_capacity(24);
    write_timestamp(&mut out, at);
    String::from_utf8(out).unwrap_or_default()
}

/// Reads a moment with any offset (none means UTC) and reduced precision: `2026-01-05T11:00:00+0100`,
/// `2026-01-05T10:00Z`, `2026-01-05`. Digits beyond the millisecond are cut off.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let whole = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    let pieces = Pieces::parse(&whole).ok()?;
    if pieces.time_zone_annotation().is_some() {
        return None;
    }
    let moment = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
    let offset = pieces.to_numeric_offset().unwrap_or(Offset::UTC);
    let nanoseconds = offset.to_timestamp(moment).ok()?.as_nanosecond();
    i64::try_from(nanoseconds.div_euclid(1_000_000)).ok().map(Timestamp)
}

fn write_civil(out: &mut Vec<u8>, at: Timestamp) {
    let millis = at.0.clamp(EARLIEST, LATEST);
    let (year, month, day) = civil_date(millis.div_euclid(DAY_MS));
    let of_day = millis.rem_euclid(DAY_MS);
    digits(out, year, 4);
    out.push(b'-');
    digits(out, month, 2);
    out.push(b'-');
    digits(out, day, 2);
    out.push(b'T');
    digits(out, of_day / 3_600_000, 2);
    out.push(b':');
    digits(out, of_day / 60_000 % 60, 2);
    out.push(b':');
    digits(out, of_day / 1000 % 60, 2);
    out.push(b'.');
    digits(out, of_day % 1000, 3);
}

/// Returns year, month and day of a day since 1970-01-01 in the proleptic Gregorian calendar: eras
/// of 400 years that begin with March, so that the leap day is the last of its year.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn digits(out: &mut Vec<u8>, number: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_i64.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_founding_document_writes_its_timestamp_so() {
        let at = parse_timestamp("2016-02-18T09:37:24.597Z").expect("valid");

        assert_eq!(at, Timestamp(1_455_788_244_597));
        assert_eq!(format_timestamp(at), "2016-02-18T09:37:24.597Z");
    }

    #[test]
    fn offsets_and_reduced_precision_are_read() {
        let at = Timestamp(1_767_607_200_000);
        for text in [
            "2026-01-05T10:00:00.000Z",
            "2026-01-05T10:00:00Z",
            "2026-01-05T10:00Z",
            "2026-01-05T10:00:00.000+0000",
            "2026-01-05T11:00:00+01:00",
            "2026-01-05T05:00:00.000-05:00",
            "2026-01-05T10:00:00",
            "2026-01-05 10:00:00Z",
            "2026-01-05T10:00:00.000999Z",
        ] {
            assert_eq!(parse_timestamp(text), Some(at), "{text}");
        }
        assert_eq!(parse_timestamp("2026-01-05"), Some(Timestamp(1_767_571_200_000)));
        assert_eq!(parse_timestamp("2026-01"), Some(Timestamp(1_767_225_600_000)));
        assert_eq!(parse_timestamp("2026"), Some(Timestamp(1_767_225_600_000)));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "now",
            "2026-13-01",
            "2026-02-30",
            "2026-01-05T25:00:00Z",
            "1767607200000",
            "10:00",
            "2026-01-05T10:00:00Z[Europe/Berlin]",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn years_beyond_four_digits_are_cut() {
        assert_eq!(format_timestamp(Timestamp(i64::MAX)), "9999-12-31T23:59:59.999Z");
        assert_eq!(format_timestamp(Timestamp(i64::MIN)), "0000-01-01T00:00:00.000Z");
    }

    proptest! {
        #[test]
        fn a_moment_reads_back_and_agrees_with_the_calendar(millis in EARLIEST..=253_402_207_200_000) {
            let text = format_timestamp(Timestamp(millis));

            prop_assert_eq!(parse_timestamp(&text), Some(Timestamp(millis)));
            let calendar = jiff::Timestamp::from_millisecond(millis).expect("in range");
            prop_assert_eq!(text, format!("{calendar:.3}"));
        }
    }
}
