//! A Lampfield server under test, and ways to make it work.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::http::Client;
use crate::process::{Process, wait_for};

/// A running server with its credentials.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its process.
    pub(crate) process: Process,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    credentials: BTreeMap<String, String>,
    folder: PathBuf,
}

/// Limits that a crowd of one log-in needs.
const ROOM: [&str; 4] = [
    "--set",
    "websocket.sockets_per_session_max=1000000",
    "--set",
    "api.subscriptions_max=1000000",
];

impl Server {
    /// Starts a quiet server with its data in a fresh folder.
    pub(crate) fn start(program: &Path) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("lampfield-bench-{}", std::process::id()));
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Self::start_in(program, folder)
    }

    fn start_in(program: &Path, folder: PathBuf) -> anyhow::Result<Self> {
        let env_file = folder.join("env");
        if env_file.exists() {
            std::fs::remove_file(&env_file)?;
        }
        let data = folder.join("data");
        let arguments = ["demo", "--listen", "127.0.0.1:0", "--calls", "off", "--data"];
        let mut arguments: Vec<&str> = arguments.to_vec();
        let paths = [data.display().to_string(), env_file.display().to_string()];
        arguments.extend([paths[0].as_str(), "--env-file", paths[1].as_str()]);
        arguments.extend(ROOM);
        let process = Process::start(program, &arguments, &folder.join("log"))?;
        let text = wait_for("the env file", Duration::from_secs(60), || {
            std::fs::read_to_string(&env_file).ok().filter(|text| text.contains("ADMIN_TOKEN"))
        })?;
        let credentials = parse_env(&text);
        let url = credentials.get("RC_SERVER_URL").context("no RC_SERVER_URL")?;
        let address = url.trim_start_matches("http://").parse().context("its address")?;
        Ok(Self { process, address, credentials, folder })
    }

    /// Kills it as a crash would, starts it again on the same data, and returns the new one.
    pub(crate) fn crash_and_restart(mut self, program: &Path) -> anyhow::Result<Self> {
        let folder = std::mem::take(&mut self.folder);
        self.process.is_over();
        Self::start_in(program, folder)
    }

    /// Returns a credential by its name in the env file.
    pub(crate) fn credential(&self, name: &str) -> anyhow::Result<&str> {
        self.credentials.get(name).map(String::as_str).with_context(|| format!("no {name}"))
    }

    /// Connects as the administrator.
    pub(crate) fn admin(&self) -> anyhow::Result<Client> {
        let key = self.credential("LAMPFIELD_ADMIN_TOKEN")?;
        Client::connect(self.address, &format!("Bearer {key}"))
    }

    /// Logs in as the demo's user and returns an access token.
    pub(crate) fn log_in(&self) -> anyhow::Result<String> {
        let app = format!(
            "{}:{}",
            self.credential("RC_CLIENT_ID")?,
            self.credential("RC_CLIENT_SECRET")?
        );
        let mut client =
            Client::connect(self.address, &format!("Basic {}", base64(app.as_bytes())))?;
        let form = format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={}",
            self.credential("RC_JWT")?
        );
        let answer = client.send(
            "POST",
            "/restapi/oauth/token",
            "application/x-www-form-urlencoded",
            form.as_bytes(),
        )?;
        let answer: Value = serde_json::from_slice(&answer)?;
        text(&answer, "access_token")
    }

    /// Returns the path at which a log-in's sockets upgrade.
    pub(crate) fn socket_path(&self, access: &str) -> anyhow::Result<String> {
        let mut client = Client::connect(self.address, &format!("Bearer {access}"))?;
        let answer = client.json("POST", "/restapi/oauth/wstoken", &json!({}))?;
        let uri = text(&answer, "uri")?;
        let path = uri.splitn(4, '/').nth(3).unwrap_or_default();
        Ok(format!("/{path}?access_token={}", text(&answer, "ws_access_token")?))
    }

    /// Returns the demo account's id.
    pub(crate) fn account(&self) -> anyhow::Result<&str> {
        self.credential("LAMPFIELD_ACCOUNT_ID")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Best effort: a folder in the temporary directory harms nobody.
        if self.process.is_over() && !self.folder.as_os_str().is_empty() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn parse_env(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.trim_start_matches("export ").split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
        .collect()
}

/// Returns a member that is a text.
pub(crate) fn text(answer: &Value, member: &str) -> anyhow::Result<String> {
    let value = answer.get(member).and_then(Value::as_str);
    value.map(str::to_owned).with_context(|| format!("no {member} in {answer}"))
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place)) & 63;
            let letter = ALPHABET.get(usize::try_from(index).unwrap_or(0)).copied().unwrap_or(b'=');
            out.push(if place > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_every_tail() {
        assert_eq!(base64(b"a"), "YQ==");
        assert_eq!(base64(b"ab"), "YWI=");
        assert_eq!(base64(b"abc"), "YWJj");
        assert_eq!(base64(b"abcd"), "YWJjZA==");
    }
}
