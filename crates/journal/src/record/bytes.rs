//! Numbers, times and texts as bytes.
//!
//! Numbers are LEB128 (seven bits a byte, low ones first), times are the zigzag difference to the
//! record's own moment, texts are a length and UTF-8.

use lampfield_core::Timestamp;

use super::RecordError;
use super::codes::Coded;

/// Appends values.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(super) fn pair(&mut self, tag: u8, value: u8) {
        self.out.extend_from_slice(&[tag, value]);
    }

    pub(super) fn number(&mut self, mut number: u64) {
        while let rest @ 1.. = number >> 7 {
            self.out.push(low_byte(number) | 0x80);
            number = rest;
        }
        self.out.push(low_byte(number));
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(super) fn time(&mut self, time: Timestamp, origin: Timestamp) {
        let ahead = time.0.wrapping_sub(origin.0);
        self.number(((ahead << 1) ^ (ahead >> 63)).cast_unsigned());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(super) fn optional_text(&mut self, text: Option<&str>) {
        self.flags([text.is_some()]);
        if let Some(text) = text {
            self.text(text);
        }
    }

    /// Up to eight flags in a byte, the first one lowest.
    pub(super) fn flags<const N: usize>(&mut self, flags: [bool; N]) {
        const { assert!(N <= 8) };
        self.byte(flags.iter().rev().fold(0, |byte, flag| byte << 1 | u8::from(*flag)));
    }
}

const fn low_byte(number: u64) -> u8 {
    number.to_le_bytes()[0] & 0x7f
}

/// Takes values from the front. Never panics, whatever the bytes are.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn byte(&mut self) -> Result<u8, RecordError> {
        let (first, rest) = self.rest.split_first().ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn number(&mut self) -> Result<u64, RecordError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(RecordError::Damaged("a number in it is too large"))
    }

    pub(super) fn time(&mut self, origin: Timestamp) -> Result<Timestamp, RecordError> {
        let zigzag = self.number()?;
        let ahead = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
        Ok(Timestamp(origin.0.wrapping_add(ahead)))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, RecordError> {
        let length = usize::try_from(self.number()?).map_err(|_| CUT_OFF)?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(CUT_OFF)?;
        self.rest = rest;
        str::from_utf8(text).map_err(|_| RecordError::Damaged("a text in it is not UTF-8"))
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<&'a str>, RecordError> {
        let [is_some] = self.flags()?;
        if is_some { self.text().map(Some) } else { Ok(None) }
    }

    pub(super) fn flags<const N: usize>(&mut self) -> Result<[bool; N], RecordError> {
        const { assert!(N <= 8) };
        let byte = self.byte()?;
        if N < 8 && byte >> N != 0 {
            return Err(RecordError::Damaged("a flag in it is unknown"));
        }
        Ok(std::array::from_fn(|place| byte >> place & 1 == 1))
    }

    pub(super) fn coded<T: Coded>(&mut self) -> Result<T, RecordError> {
        T::of(self.byte()?).ok_or(RecordError::Damaged("a word in it is unknown"))
    }

    pub(super) fn list<T>(
        &mut self,
        max: u64,
        mut item: impl FnMut(&mut Self) -> Result<T, RecordError>,
    ) -> Result<Vec<T>, RecordError> {
        let count = self.number()?;
        // Every item has at least one byte: a count beyond that must not reserve memory.
        let left = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        if count > max.min(left) {
            return Err(RecordError::Damaged("a list in it is too long"));
        }
        (0..count).map(|_| item(self)).collect()
    }

    pub(super) const fn end(&self) -> Result<(), RecordError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(RecordError::Damaged("something follows its end"))
        }
    }
}

const CUT_OFF: RecordError = RecordError::Damaged("it is cut off");
