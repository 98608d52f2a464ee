//! The codec against its rules, and against another implementation in both directions.

use std::io::{self, Cursor, Read, Write};

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::*;

const MESSAGE_MAX: usize = 1000;
const MASK: [u8; 4] = [1, 2, 3, 4];

/// A client's frame, masked.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut bytes = vec![first];
    match length {
        0..=125 => bytes.push(0x80 + u8::try_from(length).unwrap()),
        126..=0xffff => {
            bytes.push(0x80 + 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(0x80 + 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

fn take(bytes: &[u8]) -> (Vec<Incoming>, Result<(), Fault>) {
    take_in_pieces(bytes, bytes.len().max(1))
}

fn take_in_pieces(bytes: &[u8], size: usize) -> (Vec<Incoming>, Result<(), Fault>) {
    let mut inbox = Inbox::default();
    let mut incoming = Vec::new();
    for piece in bytes.chunks(size) {
        if let Err(fault) = inbox.take(&mut piece.to_vec(), MESSAGE_MAX, &mut incoming) {
            return (incoming, Err(fault));
        }
    }
    (incoming, Ok(()))
}

fn text(text: &str) -> Incoming {
    Incoming::Text(text.to_owned())
}

fn code_of(bytes: &[u8]) -> Option<u16> {
    take(bytes).1.err().map(|fault| fault.code)
}

#[test]
fn fragments_make_one_message_and_control_frames_come_between() {
    let mut bytes = frame(0x01, "Grüß".as_bytes());
    bytes.extend(frame(0x89, b"are you there"));
    bytes.extend(frame(0x00, b""));
    bytes.extend(frame(0x8a, b"1234"));
    bytes.extend(frame(0x80, b" Gott"));
    let expected = [
        Incoming::Ping(b"are you there".to_vec()),
        Incoming::Pong(b"1234".to_vec()),
        text("Grüß Gott"),
    ];

    for size in [1, 2, 3, 7, bytes.len()] {
        assert_eq!(take_in_pieces(&bytes, size), (expected.to_vec(), Ok(())), "pieces of {size}");
    }
}

#[test]
fn a_character_may_be_split_between_fragments_but_not_be_wrong() {
    let word = "ü".as_bytes();
    let mut split = frame(0x01, &word[..1]);
    split.extend(frame(0x80, &word[1..]));
    assert_eq!(take(&split), (vec![text("ü")], Ok(())));

    let mut cut = frame(0x01, &word[..1]);
    cut.extend(frame(0x80, b"x"));
    assert_eq!(code_of(&cut), Some(close::INVALID_TEXT));
    assert_eq!(code_of(&frame(0x81, &[0xff])), Some(close::INVALID_TEXT));
    assert_eq!(code_of(&frame(0x81, &[0xed, 0xa0, 0x80])), Some(close::INVALID_TEXT));
}

#[test]
fn what_breaks_the_protocol_closes_with_1002() {
    let long_form_of_a_short_length = {
        let mut bytes = vec![0x81, 0x80 + 126, 0, 5];
        bytes.extend(MASK);
        bytes.extend([0; 5]);
        bytes
    };
    let sign_bit = [&[0x81, 0x80 + 127, 0x80][..], &[0; 7], &MASK].concat();
    let mut two_beginnings = frame(0x01, b"a");
    two_beginnings.extend(frame(0x81, b"b"));
    let cases: [(&str, Vec<u8>); 18] = [
        ("rsv1 without extension", frame(0xc1, b"x")),
        ("rsv2", frame(0xa1, b"x")),
        ("rsv3", frame(0x91, b"x")),
        ("opcode 3", frame(0x83, b"x")),
        ("opcode 11", frame(0x8b, b"x")),
        ("not masked", vec![0x81, 1, b'x']),
        ("long ping", frame(0x89, &[0; 126])),
        ("fragmented ping", frame(0x09, b"x")),
        ("fragmented close", frame(0x08, &[])),
        ("nothing to continue", frame(0x80, b"x")),
        ("text in the middle of a text", two_beginnings),
        ("close with one byte", frame(0x88, &[3])),
        ("close 1005", frame(0x88, &1005u16.to_be_bytes())),
        ("close 1006", frame(0x88, &1006u16.to_be_bytes())),
        ("close 999", frame(0x88, &999u16.to_be_bytes())),
        ("close 2000", frame(0x88, &2000u16.to_be_bytes())),
        ("length in long form", long_form_of_a_short_length),
        ("length with its sign bit", sign_bit),
    ];
    for (name, bytes) in cases {
        assert_eq!(code_of(&bytes), Some(close::PROTOCOL), "{name}");
    }
}

#[test]
fn what_is_not_text_or_too_big_is_refused_before_it_has_come() {
    assert_eq!(code_of(&frame(0x82, b"x")[..6]), Some(close::UNSUPPORTED));
    let big = frame(0x81, &[b'a'; MESSAGE_MAX + 1]);
    assert_eq!(code_of(&big[..8]), Some(close::TOO_BIG));
    let huge = [&[0x81, 0x80 + 127][..], &i64::MAX.to_be_bytes(), &MASK].concat();
    assert_eq!(code_of(&huge), Some(close::TOO_BIG));

    let mut parts = frame(0x01, &[b'a'; MESSAGE_MAX]);
    parts.extend(&frame(0x80, b"b")[..6]);
    assert_eq!(code_of(&parts), Some(close::TOO_BIG));
    assert_eq!(take(&frame(0x81, &[b'a'; MESSAGE_MAX])).1, Ok(()));
}

#[test]
fn closes_are_understood() {
    assert_eq!(take(&frame(0x88, b"")).0, [Incoming::Close(None)]);
    assert_eq!(take(&frame(0x88, &1000u16.to_be_bytes())).0, [Incoming::Close(Some(1000))]);
    let reason = [&4999u16.to_be_bytes()[..], b"bye"].concat();
    assert_eq!(take(&frame(0x88, &reason)).0, [Incoming::Close(Some(4999))]);
    let not_text = [&1000u16.to_be_bytes()[..], &[0xff]].concat();
    assert_eq!(code_of(&frame(0x88, &not_text)), Some(close::INVALID_TEXT));
}

#[test]
fn what_came_before_a_fault_is_kept() {
    let mut bytes = frame(0x81, b"good");
    bytes.extend(frame(0x83, b"bad"));

    let (incoming, result) = take(&bytes);

    assert_eq!(incoming, [text("good")]);
    assert_eq!(result.unwrap_err().code, close::PROTOCOL);
}

#[test]
fn nothing_is_kept_when_nothing_is_incomplete() {
    let mut inbox = Inbox::default();
    let bytes = frame(0x81, b"hello");
    let mut incoming = Vec::new();
    inbox.take(&mut bytes[..4].to_vec(), MESSAGE_MAX, &mut incoming).unwrap();
    assert!(!inbox.is_empty());
    inbox.take(&mut bytes[4..].to_vec(), MESSAGE_MAX, &mut incoming).unwrap();

    assert!(inbox.is_empty());
    assert_eq!(incoming, [text("hello")]);
}

#[test]
fn a_close_reason_is_cut_between_characters() {
    let mut out = Vec::new();
    append_close(&mut out, close::NORMAL, &"ü".repeat(100));

    assert_eq!(out.len(), 2 + 2 + 122);
    assert!(str::from_utf8(&out[4..]).is_ok());
}

/// A stream that reads what is given and keeps what is written.
struct Tape {
    given: Cursor<Vec<u8>>,
    kept: Vec<u8>,
}

impl Read for Tape {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.given.read(into)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn client(given: Vec<u8>) -> WebSocket<Tape> {
    let tape = Tape { given: Cursor::new(given), kept: Vec::new() };
    WebSocket::from_raw_socket(tape, Role::Client, None)
}

fn our_text(text: &str) -> Vec<u8> {
    let mut out = b"before".to_vec();
    let start = begin_text(&mut out);
    out.extend_from_slice(text.as_bytes());
    end_text(&mut out, start);
    out.split_off(6)
}

#[test]
fn frames_of_every_length_form_are_read_by_another_implementation() {
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 200_000] {
        let said = "x".repeat(length);
        let mut client = client(our_text(&said));

        assert_eq!(client.read().unwrap(), Message::text(said), "{length}");
    }
}

#[test]
fn control_frames_are_read_by_another_implementation() {
    let mut out = Vec::new();
    append_control(&mut out, Opcode::Ping, b"7");
    append_close(&mut out, close::POLICY, "because");
    let mut client = client(out);

    assert_eq!(client.read().unwrap(), Message::Ping(b"7".to_vec().into()));
    let Message::Close(Some(close)) = client.read().unwrap() else { panic!("no close") };
    assert_eq!((u16::from(close.code), close.reason.as_str()), (1008, "because"));
    assert!(matches!(client.read(), Err(Error::ConnectionClosed | Error::Io(_))));
}

proptest! {
    #[test]
    fn what_another_implementation_sends_is_understood(
        said in proptest::collection::vec("\\PC{0,200}", 0..6),
        size in 1usize..300,
    ) {
        let mut client = client(Vec::new());
        for one in &said {
            client.write(Message::text(one.clone())).unwrap();
        }
        client.flush().unwrap();
        let bytes = &client.get_ref().kept;
        let expected: Vec<_> = said.iter().map(|one| text(one)).collect();

        prop_assert_eq!(take_in_pieces(bytes, size), (expected, Ok(())));
    }

    #[test]
    fn what_is_sent_is_understood_by_another_implementation(said in "\\PC{0,400}") {
        let mut client = client(our_text(&said));

        prop_assert_eq!(client.read().unwrap(), Message::text(said));
    }

    #[test]
    fn pieces_do_not_matter(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        size in 1usize..50,
    ) {
        prop_assert_eq!(take_in_pieces(&bytes, size), take(&bytes));
    }

    #[test]
    fn unmasking_twice_changes_nothing(
        payload in proptest::collection::vec(any::<u8>(), 0..100),
        mask in any::<[u8; 4]>(),
    ) {
        let mut masked = payload.clone();
        unmask(&mut masked, mask);
        for (at, byte) in masked.iter().enumerate() {
            prop_assert_eq!(*byte, payload[at] ^ mask[at % 4]);
        }
        unmask(&mut masked, mask);
        prop_assert_eq!(masked, payload);
    }
}
