//! Dates for logs and limits.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds in a day.
const DAY: u64 = 86_400;

/// Shows a time as `2026-11-21T12:34:56Z` (RFC 3339, UTC, whole seconds).
pub struct Utc(pub SystemTime);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (year, month, day) = date(seconds / DAY);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Shows a time as `Sat, 21 Nov 2026 12:34:56 GMT` (RFC 9110, section 5.6.7).
pub struct HttpDate(pub SystemTime);

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let seconds = self.0.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (year, month, day) = date(seconds / DAY);
        // Both are always in range: a remainder, and a month from 1 to 12.
        let weekday = DAYS.get((seconds / DAY % 7) as usize).unwrap_or(&"");
        let month = MONTHS.get(month as usize - 1).unwrap_or(&"");
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

/// A day of the Gregorian calendar (UTC), from 1970-01-01 to 9999-12-31; it reads
/// and shows as `2026-11-21`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// 1970-01-01.
    pub const FIRST: Self = Self { year: 1970, month: 1, day: 1 };

    /// The day of a moment.
    pub fn of(moment: SystemTime) -> Self {
        let seconds = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (year, month, day) = date(seconds.min(LAST_SECOND) / DAY);
        // In range: the last second is in the year 9999.
        Self { year: year as u16, month: month as u8, day: day as u8 }
    }

    /// Whether two days are in the same month of the same year.
    pub fn is_same_month(&self, other: &Self) -> bool {
        (self.year, self.month) == (other.year, other.month)
    }
}

/// 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

impl FromStr for Date {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let mut number = |digits: usize| -> Option<u64> {
            let part = parts.next().filter(|part| part.len() == digits)?;
            part.bytes().all(|octet| octet.is_ascii_digit()).then(|| part.parse().ok()).flatten()
        };
        let (year, month, day) = (number(4).ok_or(())?, number(2).ok_or(())?, number(2).ok_or(())?);
        let length = month
            .checked_sub(1)
            .and_then(|month| month_lengths(year).get(usize::try_from(month).ok()?).copied());
        let is_day = year >= 1970 && length.is_some_and(|length| (1..=length).contains(&day));
        if !is_day || parts.next().is_some() {
            return Err(());
        }
        Ok(Self { year: year as u16, month: month as u8, day: day as u8 })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// The Gregorian date of a day counted from 1970-01-01.
fn date(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    while days >= year_length(year) {
        days -= year_length(year);
        year += 1;
    }
    let mut month = 1;
    for length in month_lengths(year) {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

fn month_lengths(year: u64) -> [u64; 12] {
    let february = if year_length(year) == 366 { 29 } else { 28 };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

fn year_length(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if leap { 366 } else { 365 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_date_of_rfc_9110() {
        // "Sun, 06 Nov 1994 08:49:37 GMT" is the example of the specification.
        let moment = UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(HttpDate(moment).to_string(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn known_moments() {
        let moments = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, shown) in moments {
            assert_eq!(Utc(UNIX_EPOCH + Duration::from_secs(seconds)).to_string(), shown);
        }
    }

    #[test]
    fn a_date_reads_as_it_shows() {
        for text in ["1970-01-01", "2024-02-29", "2026-11-21", "9999-12-31"] {
            assert_eq!(text.parse::<Date>().unwrap().to_string(), text);
        }
        for text in ["", "2026-2-3", "2026-02-29", "2026-00-01", "2026-13-01", "2026-04-31"] {
            assert_eq!(text.parse::<Date>(), Err(()), "{text}");
        }
        for text in ["1969-12-31", "2026-01-01-", "2026-01-01T00:00:00Z", "+026-01-01", "2026-1"] {
            assert_eq!(text.parse::<Date>(), Err(()), "{text}");
        }
    }

    #[test]
    fn a_moment_has_its_day() {
        let day = |seconds| Date::of(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(day(1_735_689_599).to_string(), "2024-12-31");
        assert!(day(1_735_689_599) < day(1_735_689_600));
        assert_eq!(day(LAST_SECOND + 1).to_string(), "9999-12-31");
        assert!(day(0).is_same_month(&day(30 * DAY)) && !day(0).is_same_month(&day(31 * DAY)));
    }
}
