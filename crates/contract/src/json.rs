//! JSON by hand where it is hot, and the limits of JSON from outside. Not a general encoder.

use uuid::Uuid;

/// How deep arrays and objects of a request may be nested.
pub const JSON_DEPTH_MAX: usize = 32;

/// Where @rc-ex/ws cuts a frame in two, wherever it stands (`clients.md`, 23). A caller's name with it
/// would end every process that watches.
pub(crate) const CUT: &[u8] = b",--Boundary";

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Tells whether `text` nests deeper than [`JSON_DEPTH_MAX`]; it need not be valid JSON.
#[must_use]
pub fn is_too_deep(text: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > JSON_DEPTH_MAX {
            return true;
        }
    }
    false
}

/// Appends `text` as a JSON string with its quotes, escaped as `serde_json` does; [`CUT`] is broken
/// by one more escape.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => *byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            0x00..=0x1f => b'u',
            b',' if bytes[at..].starts_with(CUT) => b'u',
            _ => continue,
        };
        out.extend_from_slice(&bytes[copied..at]);
        copied = at + 1;
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            let nibble = |value: u8| HEX[usize::from(value & 0xf)];
            out.extend_from_slice(&[b'0', b'0', nibble(byte >> 4), nibble(*byte)]);
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// Appends a number in decimal.
pub(crate) fn write_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends `true` or `false`.
pub(crate) fn write_flag(out: &mut Vec<u8>, flag: bool) {
    out.extend_from_slice(if flag { b"true" } else { b"false" });
}

/// Appends a UUID in its hyphenated lower-case form, without quotes.
pub(crate) fn write_uuid(out: &mut Vec<u8>, uuid: Uuid) {
    let mut text = Uuid::encode_buffer();
    out.extend_from_slice(uuid.hyphenated().encode_lower(&mut text).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!is_too_deep(nested(32).as_bytes()));
        assert!(is_too_deep(nested(33).as_bytes()));
        assert!(is_too_deep("{\"a\":".repeat(33).as_bytes()));
        assert!(!is_too_deep("[],".repeat(100).as_bytes()));
        assert!(!is_too_deep(format!("\"{}\"", "[".repeat(100)).as_bytes()));
        assert!(!is_too_deep(format!("\"\\\"{}\"", "[".repeat(100)).as_bytes()));
        assert!(is_too_deep(format!("\"\\\\\"{}", "[".repeat(100)).as_bytes()));
    }

    #[test]
    fn every_character_of_the_first_pages_is_escaped_as_serde_does() {
        for code in 0..0x3000 {
            let Some(c) = char::from_u32(code) else { continue };
            let text = format!("a{c}b{c}{c}");
            let mut out = Vec::new();
            write_string(&mut out, &text);
            assert_eq!(out, serde_json::to_vec(&text).expect("a string"), "{code:x}");
        }
    }

    #[test]
    fn what_a_client_would_cut_a_frame_at_is_escaped_and_means_the_same() {
        for text in
            [",--Boundary", "Evil,--Boundary_1 x", ",,--Boundary,--Boundary", "\\,--Boundary"]
        {
            let mut out = Vec::new();
            write_string(&mut out, text);

            assert!(!out.windows(CUT.len()).any(|it| it == CUT), "{text}");
            assert_eq!(serde_json::from_slice::<String>(&out).expect("a string"), text);
        }
        let mut near = Vec::new();
        write_string(&mut near, "a, --Boundary,--boundary");
        assert_eq!(near, br#""a, --Boundary,--boundary""#);
    }

    proptest! {
        #[test]
        fn any_text_is_escaped_as_serde_does(text: String) {
            let mut out = Vec::new();
            write_string(&mut out, &text);

            prop_assert_eq!(out, serde_json::to_vec(&text).expect("a string"));
        }
    }
}
