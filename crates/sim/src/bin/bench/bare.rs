//! The limit: a server that does nothing but write one prebuilt frame to each of its sockets, in a
//! loop. It upgrades whoever connects, and each line on its input is one round.

use std::io::{BufRead as _, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Serves `sockets` watchers with `rounds` frames of `bytes` payload, `per_second`, and prints the
/// CPU that the rounds took, in microseconds, when done. Runs as a process of its own.
pub(crate) fn serve(
    sockets: usize,
    bytes: usize,
    rounds: u32,
    per_second: u32,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    print(&listener.local_addr()?.to_string());
    let mut crowd = Vec::with_capacity(sockets);
    while crowd.len() < sockets {
        let (stream, _) = listener.accept()?;
        crowd.push(upgrade(stream)?);
    }
    // Whoever drives says when: the watchers must have read their upgrade first.
    std::io::stdin().lock().read_line(&mut String::new())?;
    let frame = prebuilt(bytes);
    let before = own_cpu()?;
    let start = Instant::now();
    for round in 0..rounds {
        for stream in &mut crowd {
            write(stream, &frame)?;
        }
        pace(start, round + 1, per_second);
    }
    print(&own_cpu()?.saturating_sub(before).as_micros().to_string());
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

fn upgrade(mut stream: TcpStream) -> anyhow::Result<TcpStream> {
    stream.set_nodelay(true)?;
    let mut request = [0; 1024];
    let length = stream.read(&mut request)?;
    anyhow::ensure!(request[..length].ends_with(b"\r\n\r\n"), "not one whole request");
    stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn prebuilt(bytes: usize) -> Vec<u8> {
    let length = u16::try_from(bytes).unwrap_or(u16::MAX);
    let mut frame = vec![0x81, 126];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.resize(frame.len() + usize::from(length), b'x');
    frame
}

/// Writes the whole frame; a full socket is waited for, since this server has nothing else to do.
fn write(stream: &mut TcpStream, frame: &[u8]) -> anyhow::Result<()> {
    let mut rest = frame;
    while !rest.is_empty() {
        match stream.write(rest) {
            Ok(length) => rest = &rest[length..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_micros(200));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits until `done` rounds are due.
pub(crate) fn pace(start: Instant, done: u32, per_second: u32) {
    let due = Duration::from_secs(1) / per_second.max(1) * done;
    if let Some(wait) = due.checked_sub(start.elapsed()) {
        std::thread::sleep(wait);
    }
}

fn own_cpu() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, after) = stat.rsplit_once(") ").context("/proc/self/stat has another form")?;
    let ticks: u64 =
        after.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

#[expect(clippy::print_stdout, reason = "the driving process reads it")]
fn print(line: &str) {
    println!("{line}");
}
