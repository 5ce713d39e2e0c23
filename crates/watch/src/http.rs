//! The health and metrics page: HTTP/1.1, GET and HEAD, loopback only.

use crate::metrics::Metrics;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most bytes of a request that are read.
const REQUEST: usize = 8 << 10;
/// Longest time a client may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Serves `/health` and `/metrics` from a thread, until the process ends. The address it is
/// served on (the port that was chosen if 0 was asked for).
///
/// # Errors
/// If the address cannot be listened on.
pub fn serve(address: SocketAddr, metrics: Arc<Metrics>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    std::thread::Builder::new()
        .name("page".into())
        .spawn(move || {
            for client in listener.incoming() {
                // A client that goes away is no concern of ours.
                let _ = client.and_then(|client| answer(client, &metrics));
            }
        })?;
    Ok(address)
}

fn answer(mut client: TcpStream, metrics: &Metrics) -> io::Result<()> {
    client.set_write_timeout(Some(PATIENCE))?;
    let begun = Instant::now();
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|w| w == b"\r\n\r\n") {
        let left = PATIENCE.saturating_sub(begun.elapsed());
        if request.len() > REQUEST || left.is_zero() {
            return respond(&mut client, true, "400 Bad Request", "bad request\n");
        }
        client.set_read_timeout(Some(left))?;
        let n = client.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        request.extend_from_slice(buffer.get(..n).unwrap_or_default());
    }
    let line = request.split(|b| *b == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let body = match method {
        "GET" => true,
        "HEAD" => false,
        _ => return respond(&mut client, true, "405 Method Not Allowed", "GET only\n"),
    };
    match path.split('?').next().unwrap_or("") {
        "/health" => {
            let troubles = metrics.troubles();
            if troubles.is_empty() {
                respond(&mut client, body, "200 OK", "well\n")
            } else {
                let text = troubles.join("\n") + "\n";
                respond(&mut client, body, "503 Service Unavailable", &text)
            }
        }
        "/metrics" => respond(&mut client, body, "200 OK", &metrics.prometheus()),
        _ => respond(&mut client, body, "404 Not Found", "/health, /metrics\n"),
    }
}

fn respond(client: &mut TcpStream, body: bool, status: &str, text: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\nX-Content-Type-Options: nosniff\r\n\r\n",
        text.len()
    );
    client.write_all(head.as_bytes())?;
    if body {
        client.write_all(text.as_bytes())?;
    }
    client.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut s = TcpStream::connect(address).expect("connect");
        s.write_all(request.as_bytes()).expect("write");
        let mut text = String::new();
        s.read_to_string(&mut text).expect("read");
        text
    }

    #[test]
    fn pages() {
        let metrics = Arc::new(Metrics::default());
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let address = serve(any, Arc::clone(&metrics)).expect("serve");
        metrics.beat();
        let health = ask(address, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(health.starts_with("HTTP/1.1 200 "), "{health}");
        metrics.sink_failed("webhook:x", "refused");
        let health = ask(address, "GET /health HTTP/1.1\r\n\r\n");
        assert!(health.starts_with("HTTP/1.1 503 "), "{health}");
        assert!(health.contains("sink webhook:x: refused"), "{health}");
        let page = ask(address, "GET /metrics HTTP/1.1\r\n\r\n");
        assert!(page.contains("\nvauban_watch_up 0\n"), "{page}");
        assert!(page.contains("vauban_watch_sink_failures_total{sink=\"webhook:x\"} 1"));
        let head = ask(address, "HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(head.ends_with("\r\n\r\n") && head.contains("Content-Length: "));
        assert!(ask(address, "POST / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
        assert!(ask(address, "GET /x HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
        let long = "x".repeat(REQUEST * 2);
        let mut s = TcpStream::connect(address).expect("connect");
        // The server may close before all of it was sent.
        let _ = s.write_all(long.as_bytes());
        drop(s);
        assert!(ask(address, "GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 "));
    }
}
