//! How values are written in a configuration: read from text, written as TOML.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use lampfield_contract::{AccountSegment, ExtensionIdForm};

/// A value that can stand in a configuration file, an environment variable or a flag.
pub(crate) trait Literal: Sized {
    /// What may be written, for people.
    const FORM: &'static str;

    /// Reads it from text (without TOML's quotes; lists are separated by commas).
    fn read(text: &str) -> Result<Self, String>;

    /// Writes it as a TOML value; nothing when it is not set.
    fn write(&self) -> Option<String>;

    /// Returns its size, to which bounds apply: a number, or milliseconds.
    fn size(&self) -> Option<u64> {
        None
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Literal for $number {
            const FORM: &'static str = "number";

            fn read(text: &str) -> Result<Self, String> {
                let digits = text.replace('_', "");
                digits.parse().map_err(|_| format!("{text:?} is not a whole number"))
            }

            fn write(&self) -> Option<String> {
                Some(grouped(&self.to_string()))
            }

            fn size(&self) -> Option<u64> {
                u64::try_from(*self).ok()
            }
        }
    )+};
}

numbers!(usize, u32, u64);

/// Writes 1048576 as 1_048_576.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

impl Literal for bool {
    const FORM: &'static str = "true or false";

    fn read(text: &str) -> Result<Self, String> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("{text:?} is neither true nor false")),
        }
    }

    fn write(&self) -> Option<String> {
        Some(self.to_string())
    }
}

/// Units from long to short, in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl Literal for Duration {
    const FORM: &'static str = "duration";

    /// Reads `250ms`, `30s`, `1h30m`, `7d`.
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text:?} is not a duration: write a number with a unit, such as 30s or 1h30m")
        };
        let mut rest = text;
        let mut millis: u64 = 0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
            let number: u64 = number.parse().map_err(|_| wrong())?;
            millis = number
                .checked_mul(*factor)
                .and_then(|part| millis.checked_add(part))
                .ok_or_else(wrong)?;
            rest = tail;
        }
        if text.is_empty() { Err(wrong()) } else { Ok(Self::from_millis(millis)) }
    }

    fn write(&self) -> Option<String> {
        Some(format!("\"{}\"", written_duration(*self)))
    }

    fn size(&self) -> Option<u64> {
        u64::try_from(self.as_millis()).ok()
    }
}

/// Writes a duration as people do: `30s`, `1h30m`.
pub(crate) fn written_duration(duration: Duration) -> String {
    let mut millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, factor) in UNITS {
        let count = millis / factor;
        if count > 0 {
            let _ = write!(text, "{count}{unit}");
            millis %= factor;
        }
    }
    text
}

impl Literal for String {
    const FORM: &'static str = "text";

    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn write(&self) -> Option<String> {
        Some(quoted(self))
    }
}

impl Literal for Option<String> {
    const FORM: &'static str = "text";

    fn read(text: &str) -> Result<Self, String> {
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    fn write(&self) -> Option<String> {
        self.as_deref().map(quoted)
    }
}

/// The word for "no bound".
const UNLIMITED: &str = "unlimited";

macro_rules! unlimited {
    ($($inner:ty => $form:literal),+) => {$(
        impl Literal for Option<$inner> {
            const FORM: &'static str = $form;

            fn read(text: &str) -> Result<Self, String> {
                if text == UNLIMITED { Ok(None) } else { <$inner>::read(text).map(Some) }
            }

            fn write(&self) -> Option<String> {
                match self {
                    Some(value) => value.write(),
                    None => Some(quoted(UNLIMITED)),
                }
            }

            fn size(&self) -> Option<u64> {
                self.as_ref().and_then(Literal::size)
            }
        }
    )+};
}

unlimited!(Duration => "duration or \"unlimited\"", u64 => "number or \"unlimited\"");

impl Literal for PathBuf {
    const FORM: &'static str = "path";

    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("a path must not be empty".to_owned()) } else { Ok(text.into()) }
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&self.to_string_lossy()))
    }
}

impl Literal for SocketAddr {
    const FORM: &'static str = "address:port";

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            format!("{text:?} is not an address and port, such as 127.0.0.1:8650 or [::]:8650")
        })
    }

    fn write(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

impl Literal for Vec<(IpAddr, u8)> {
    const FORM: &'static str = "list of networks";

    fn read(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(network).collect()
    }

    fn write(&self) -> Option<String> {
        let networks: Vec<String> =
            self.iter().map(|(address, bits)| format!("\"{address}/{bits}\"")).collect();
        Some(format!("[{}]", networks.join(", ")))
    }
}

/// Reads `10.0.0.0/8`, or a single address.
fn network(text: &str) -> Result<(IpAddr, u8), String> {
    let wrong = || format!("{text:?} is not a network, such as 10.0.0.0/8 or ::1/128");
    let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        Some(bits) => bits.parse().map_err(|_| wrong())?,
        None => most,
    };
    if bits > most { Err(wrong()) } else { Ok((address, bits)) }
}

macro_rules! choices {
    ($type:ty, $form:literal, { $($variant:pat => $word:literal => $value:expr),+ $(,)? }) => {
        impl Literal for $type {
            const FORM: &'static str = $form;

            fn read(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok($value),)+
                    _ => Err(format!("{text:?} is not one of: {}", $form)),
                }
            }

            fn write(&self) -> Option<String> {
                Some(quoted(match self { $($variant => $word),+ }))
            }
        }
    };
}

choices!(AccountSegment, "tilde, resolved", {
    Self::Tilde => "tilde" => Self::Tilde,
    Self::Resolved => "resolved" => Self::Resolved,
});
choices!(ExtensionIdForm, "text, number", {
    Self::Text => "text" => Self::Text,
    Self::Number => "number" => Self::Number,
});
choices!(crate::telemetry::LogFormat, "human, json", {
    Self::Human => "human" => Self::Human,
    Self::Json => "json" => Self::Json,
});
choices!(crate::telemetry::LogLevel, "error, warn, info, debug, trace", {
    Self::Error => "error" => Self::Error,
    Self::Warn => "warn" => Self::Warn,
    Self::Info => "info" => Self::Info,
    Self::Debug => "debug" => Self::Debug,
    Self::Trace => "trace" => Self::Trace,
});

/// Writes a TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_what_they_write() {
        for text in ["0s", "250ms", "30s", "1h30m", "7d", "1d2h3m4s5ms"] {
            let duration = Duration::read(text).unwrap();
            assert_eq!(duration.write().unwrap(), format!("\"{text}\""));
        }
        assert_eq!(Duration::read("90m").unwrap(), Duration::from_secs(5400));
        for wrong in ["", "30", "s", "5 s", "-1s", "1.5h", "1y", "99999999999999999999s"] {
            assert!(Duration::read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn numbers_are_grouped_and_read_back() {
        assert_eq!(1_048_576_usize.write().unwrap(), "1_048_576");
        assert_eq!(50_u32.write().unwrap(), "50");
        assert_eq!(u64::read("1_048_576"), Ok(1_048_576));
        for wrong in ["", "-1", "1.5", "ten", "99999999999999999999999"] {
            assert!(usize::read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn networks_are_checked() {
        let networks = Vec::read("127.0.0.0/8, ::1").unwrap();
        assert_eq!(networks.write().unwrap(), r#"["127.0.0.0/8", "::1/128"]"#);
        for wrong in ["10.0.0.0/33", "host/8", "10.0.0.0/", "::/129"] {
            assert!(Vec::<(IpAddr, u8)>::read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn texts_are_quoted_as_toml() {
        assert_eq!("a\"b\\c\n".to_owned().write().unwrap(), r#""a\"b\\c\u000A""#);
    }
}
