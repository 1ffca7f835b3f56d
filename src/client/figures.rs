//! Numbers as short as a table wants them.

use crate::client::render::scaled;

/// Octets in at most 5 characters: `999`, `1.0k`, `12k`, `1.2M`: powers of 1000.
pub fn octets(count: u64) -> String {
    let (text, unit) = short(count);
    format!("{text}{unit}")
}

/// Octets a second: `999 B/s`, `1.2 MB/s`.
pub fn rate(count: u64) -> String {
    match short(count) {
        (text, "") => format!("{text} B/s"),
        (text, unit) => format!("{text} {unit}B/s"),
    }
}

/// 999.5 would be shown as 1000.
fn short(count: u64) -> (String, &'static str) {
    let (shown, unit) = scaled(count, 999.5);
    let digits = usize::from(!unit.is_empty() && shown < 9.95);
    (format!("{shown:.digits$}"), unit)
}

/// A time in at most 6 characters, up to 99 days: `59s`, `1m05s`, `3h04m`, `12d03h`.
pub fn time(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_short() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.0k"),
            (9949, "9.9k"),
            (9950, "10k"),
            (999_499, "999k"),
            (999_500, "1.0M"),
            (123_456_789, "123M"),
            (u64::MAX, "18E"),
        ] {
            assert_eq!(octets(count), text);
            assert!(text.len() <= 5);
        }
        assert_eq!((rate(7), rate(1_500_000)), ("7 B/s".into(), "1.5 MB/s".into()));
    }

    #[test]
    fn times_are_short() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (65, "1m05s"),
            (3599, "59m59s"),
            (11_079, "3h04m"),
            (86_399, "23h59m"),
            (1_047_600, "12d03h"),
        ] {
            assert_eq!(time(seconds), text);
        }
    }
}
