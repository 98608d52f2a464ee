//! A small HTTP client: one request a connection.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::run::{DEADLINE, Server};

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Sends a request; errors of the connection are `None`.
pub(crate) fn try_ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        let _ = writeln!(head, "{name}: {value}\r");
    }
    let _ = write!(head, "content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer { status, headers, body: Vec::new() };
    match answer.header("content-length").map(|length| length.parse().unwrap()) {
        Some(length) => {
            answer.body.resize(length, 0);
            reader.read_exact(&mut answer.body).ok()?;
        }
        None => {
            reader.read_to_end(&mut answer.body).ok()?;
        }
    }
    Some(answer)
}

pub(crate) fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let answer = try_ask(address, method, path, headers, body);
    answer.unwrap_or_else(|| panic!("no answer to {method} {path}"))
}

pub(crate) fn get(address: SocketAddr, path: &str, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    ask(address, "GET", path, &[("authorization", &bearer)], "")
}

pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    token: &str,
    body: &Value,
) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    ask(address, method, path, &headers, &body.to_string())
}

/// Logs in to a demo with form fields and returns the answer.
pub(crate) fn log_in(server: &Server, fields: &[(&str, &str)]) -> Answer {
    let form: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let client = [server.setting("RC_CLIENT_ID"), server.setting("RC_CLIENT_SECRET")].join(":");
    let basic = format!("Basic {}", base64(client.as_bytes()));
    let headers =
        [("authorization", basic.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    ask(server.address, "POST", "/restapi/oauth/token", &headers, &form.join("&"))
}

/// Logs in with a JWT of the environment file and returns the access token.
pub(crate) fn token_of(server: &Server, setting: &str) -> String {
    let jwt = server.setting(setting);
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let answer = log_in(server, &[("grant_type", grant), ("assertion", jwt)]);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let mut bits = [0_u8; 3];
        bits[..group.len()].copy_from_slice(group);
        let number = u32::from_be_bytes([0, bits[0], bits[1], bits[2]]);
        for place in 0..4 {
            if place <= group.len() {
                let index = usize::try_from((number >> (18 - 6 * place)) & 63).unwrap();
                out.push(char::from(LETTERS[index]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[test]
fn base64_is_that_of_the_rfc() {
    for (plain, coded) in
        [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
    {
        assert_eq!(base64(plain.as_bytes()), coded);
    }
}
