//! Who is accepted as a receiver, and which addresses are dialled at all.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use lampfield_journal::BoxFuture;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;

use super::receiver::{Receiver, Reply, status};
use super::{client, lax};
use crate::config::WebhookConfig;
use crate::webhook::client::{Client, PostError, Route, public_trust};
use crate::webhook::connector::Resolve;
use crate::webhook::handshake::{HandshakeError, shake_hands};

#[tokio::test]
async fn a_receiver_that_echoes_the_token_is_accepted() {
    let receiver = Receiver::open().await;
    receiver.answer(|_| Reply::Echo);

    let shaken = shake_hands(&client(&lax()), &receiver.url()).await;

    assert_eq!(shaken, Ok(()));
    let got = &receiver.requests()[0];
    assert_eq!(got.line, "POST /hook?a=b HTTP/1.1");
    assert_eq!(got.header("content-length"), Some("0"));
    assert_eq!(got.header("host"), Some(receiver.address.to_string().as_str()));
    assert!(got.header("user-agent").unwrap().starts_with("RingCentral-Webhook/8.3 (compatible; "));
    assert!(got.header("validation-token").unwrap().len() >= 32);
    assert_eq!(got.header("verification-token"), None);
}

#[tokio::test]
async fn each_handshake_has_another_token() {
    let receiver = Receiver::open().await;
    receiver.answer(|_| Reply::Echo);
    let client = client(&lax());

    for _ in 0..2 {
        shake_hands(&client, &receiver.url()).await.unwrap();
    }

    let got = receiver.requests();
    assert_ne!(got[0].header("validation-token"), got[1].header("validation-token"));
}

#[tokio::test]
async fn an_old_http_1_0_receiver_that_closes_is_accepted() {
    let receiver = Receiver::open().await;
    receiver.answer(|got| {
        let token = got.header("validation-token").unwrap();
        Reply::Raw(
            format!("HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.6\r\nValidation-Token: {token}\r\n\r\n")
                .into_bytes(),
        )
    });

    assert_eq!(shake_hands(&client(&lax()), &receiver.url()).await, Ok(()));
}

#[tokio::test]
async fn each_bad_receiver_is_refused_with_its_code() {
    let long = "x".repeat(1000);
    let table: Vec<(&str, Reply)> = vec![
        ("SUB-520", status(200)),
        ("SUB-520", Reply::Status(200, vec![("Validation-Token", "another".to_owned())])),
        ("SUB-525", status(404)),
        ("SUB-525", status(302)),
        ("SUB-525", Reply::Raw(b"nonsense\r\n\r\n".to_vec())),
        ("SUB-525", Reply::Close),
        (
            "SUB-525",
            Reply::Status(200, vec![("Validation-Token", "x".to_owned()), ("X-Long", long)]),
        ),
        ("SUB-525", Reply::Endless("HTTP/1.1 200 OK\r\nValidation-Token: {token}\r\n\r\n")),
        (
            "SUB-525",
            Reply::Endless(
                "HTTP/1.1 200 OK\r\nValidation-Token: {token}\r\ncontent-length: 9999999\r\n\r\n",
            ),
        ),
        ("SUB-525", Reply::Endless("HTTP/1.1 200 OK\r\nX-Bomb: ")),
        ("SUB-521", Reply::Silence),
    ];
    let client = client(&WebhookConfig { timeout: Duration::from_millis(700), ..lax() });
    for (code, reply) in table {
        let receiver = Receiver::open().await;
        let answer = reply.clone();
        receiver.answer(move |_| answer.clone());

        let shaken = shake_hands(&client, &receiver.url()).await;

        assert_eq!(shaken.map_err(|error| error.code()), Err(code), "{reply:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Receiver::open().await;
    let receiver = Receiver::open().await;
    let url = elsewhere.url();
    receiver.answer(move |_| Reply::Status(307, vec![("Location", url.clone())]));

    let shaken = shake_hands(&client(&lax()), &receiver.url()).await;

    assert_eq!(shaken, Err(HandshakeError::InvalidAnswer));
    assert_eq!((receiver.connections(), elsewhere.connections()), (1, 0));
}

#[tokio::test]
async fn where_nobody_listens_nothing_is_reachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);

    let shaken = shake_hands(&client(&lax()), &format!("http://{address}/")).await;

    assert_eq!(shaken, Err(HandshakeError::NotReachable));
}

#[tokio::test]
async fn by_default_loopback_and_plain_http_are_not_dialled() {
    let receiver = Receiver::open().await;
    let port = receiver.address.port();
    let strict = client(&WebhookConfig::default());
    let with_http = client(&WebhookConfig { allow_http: true, ..WebhookConfig::default() });

    for host in ["127.0.0.1", "localhost", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0"] {
        let plain = format!("http://{host}:{port}/");
        let secure = format!("https://{host}:{port}/");

        assert_eq!(
            shake_hands(&strict, &plain).await,
            Err(HandshakeError::HttpsRequired),
            "{host}"
        );
        assert_eq!(
            shake_hands(&strict, &secure).await,
            Err(HandshakeError::NotReachable),
            "{host}"
        );
        assert_eq!(
            shake_hands(&with_http, &plain).await,
            Err(HandshakeError::NotReachable),
            "{host}"
        );
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn plain_http_goes_only_where_private_addresses_are_allowed() {
    let client = resolving(&lax(), vec![vec![SocketAddr::from(([8, 8, 8, 8], 80))]]);

    let shaken = shake_hands(&client, "http://hooks.example.com/").await;

    assert_eq!(shaken, Err(HandshakeError::HttpsRequired));
}

#[tokio::test]
async fn no_spelling_of_a_local_address_gets_past_the_guard() {
    let receiver = Receiver::open().await;
    let port = receiver.address.port();
    let client = client(&WebhookConfig { allow_http: true, ..WebhookConfig::default() });

    for host in [
        "127.1",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "017700000001",
        "2130706433",
        "127.0.0.1.",
        "LocalHost.",
        "localhost.localdomain",
        "2852039166", // 169.254.169.254
        "0251.0376.0251.0376",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
    ] {
        let shaken = shake_hands(&client, &format!("http://{host}:{port}/")).await;

        assert_eq!(shaken, Err(HandshakeError::NotReachable), "{host}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn an_address_with_a_zone_is_none() {
    let client = client(&lax());
    for host in ["[fe80::1%25lo]", "[fe80::1%lo]", "[::1%25eth0]", "[::1%1]", "[v1.x]", "[]"] {
        let shaken = shake_hands(&client, &format!("http://{host}:1/")).await;

        assert_eq!(shaken, Err(HandshakeError::InvalidAddress), "{host}");
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_loopback_is_not_dialled() {
    let receiver = Receiver::open().await;
    let config = WebhookConfig { allow_http: true, ..WebhookConfig::default() };
    let client = resolving(&config, vec![vec![receiver.address]]);

    let shaken = shake_hands(&client, "http://hooks.example.com/").await;

    assert_eq!(shaken, Err(HandshakeError::NotReachable));
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_is_vetted_at_every_dial() {
    // Both answer; only the second's address is allowed. The name changes its mind after one dial.
    let forbidden = Receiver::open().await;
    let allowed = Receiver::open_on(Ipv4Addr::new(127, 0, 0, 2).into()).await;
    for receiver in [&forbidden, &allowed] {
        receiver.answer(|_| Reply::Echo);
    }
    let config = WebhookConfig {
        allow_private: vec![(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), 32)],
        ..WebhookConfig::default()
    };
    let client = resolving(&config, vec![vec![allowed.address], vec![forbidden.address]]);

    assert_eq!(shake_hands(&client, "http://hooks.example.com/").await, Ok(()));
    let again = shake_hands(&client, "http://hooks.example.com/").await;

    assert_eq!(again, Err(HandshakeError::HttpsRequired));
    assert_eq!((allowed.connections(), forbidden.connections()), (1, 0));
}

#[tokio::test]
async fn of_several_addresses_only_the_allowed_are_dialled() {
    let forbidden = Receiver::open().await;
    let allowed = Receiver::open_on(Ipv4Addr::new(127, 0, 0, 2).into()).await;
    allowed.answer(|_| Reply::Echo);
    let config = WebhookConfig {
        allow_private: vec![(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), 32)],
        ..WebhookConfig::default()
    };
    let client = resolving(&config, vec![vec![forbidden.address, allowed.address]]);

    assert_eq!(shake_hands(&client, "http://hooks.example.com/").await, Ok(()));
    assert_eq!(forbidden.connections(), 0);
}

#[tokio::test]
async fn a_certificate_of_nobody_known_is_refused() {
    let address = tls_server();

    let shaken = shake_hands(&client(&lax()), &format!("https://{address}/")).await;

    assert_eq!(shaken, Err(HandshakeError::InvalidCertificate));
}

#[tokio::test]
async fn a_trusted_certificate_is_accepted_for_its_own_name_only() {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(CERTIFICATE)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trust = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let address = tls_server();
    let resolver = Fixed { answers: vec![vec![address]], asked: AtomicUsize::new(0) };
    let client = Client::with(&lax(), Arc::new(resolver), trust).unwrap();
    let uri = |host: &str| format!("https://{host}:{}/", address.port());

    assert_eq!(shake_hands(&client, &uri("receiver.test")).await, Ok(()));
    assert_eq!(
        shake_hands(&client, &uri("other.test")).await,
        Err(HandshakeError::InvalidCertificate)
    );
}

#[tokio::test]
async fn https_to_a_port_that_speaks_http_is_not_reachable() {
    let receiver = Receiver::open().await;
    let client = client(&WebhookConfig { timeout: Duration::from_millis(700), ..lax() });

    let shaken = shake_hands(&client, &format!("https://{}/", receiver.address)).await;

    assert_eq!(shaken, Err(HandshakeError::NotReachable));
}

#[tokio::test]
async fn connections_are_kept_for_notifications_and_made_anew_on_demand() {
    let receiver = Receiver::open().await;
    let client = client(&lax());
    let uri = receiver.url().parse().unwrap();

    for route in [Route::Kept, Route::Kept, Route::Fresh, Route::Kept] {
        client.post(&uri, HeaderMap::new(), Bytes::new(), route).await.unwrap();
    }

    let over: Vec<_> = receiver.requests().iter().map(|got| got.connection).collect();
    assert_eq!(over, [0, 0, 1, 0]);
}

#[tokio::test]
async fn the_operator_reads_why_and_the_client_does_not() {
    let config = WebhookConfig { allow_http: true, ..WebhookConfig::default() };
    let uri = "http://169.254.169.254/latest/meta-data".parse().unwrap();

    let error = client(&config)
        .post(&uri, HeaderMap::new(), Bytes::new(), Route::Fresh)
        .await
        .expect_err("cloud metadata is not dialled");

    assert!(matches!(error, PostError::Dial(_)));
    assert!(error.to_string().starts_with("169.254.169.254 is a link-local address"), "{error}");
    assert_eq!(error.outside(), "I/O operation is failed. Details: [WebHook is not reachable]");
}

/// Answers with one list of addresses after the other; the last one repeats.
#[derive(Debug)]
struct Fixed {
    answers: Vec<Vec<SocketAddr>>,
    asked: AtomicUsize,
}

impl Resolve for Fixed {
    fn resolve(&self, _: String, _: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[asked.min(self.answers.len() - 1)].clone();
        Box::pin(async move { Ok(answer) })
    }
}

fn resolving(config: &WebhookConfig, answers: Vec<Vec<SocketAddr>>) -> Client {
    let resolver = Fixed { answers, asked: AtomicUsize::new(0) };
    Client::with(config, Arc::new(resolver), public_trust().unwrap()).unwrap()
}

const CERTIFICATE: &[u8] = include_bytes!("fixtures/receiver.test.crt.der");
const KEY: &[u8] = include_bytes!("fixtures/receiver.test.key.der");

/// A TLS server with a certificate of its own making for `receiver.test`, which echoes the token.
fn tls_server() -> SocketAddr {
    use std::io::{Read, Write};

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(KEY));
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::Stream::new(&mut tls, &mut socket);
            let mut head = Vec::new();
            let mut piece = [0; 1024];
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(count) if count > 0 => head.extend_from_slice(&piece[..count]),
                    _ => break,
                }
            }
            let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
            let token = head.lines().find_map(|line| line.strip_prefix("validation-token: "));
            let token = token.unwrap_or_default();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nValidation-Token: {token}\r\ncontent-length: 0\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes());
            let _ = stream.flush();
        }
    });
    address
}
