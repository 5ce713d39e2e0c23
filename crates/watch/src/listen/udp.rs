//! Datagrams, and the system's count of those nobody took in time.

use super::{Common, LOOK, is_timeout};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Instant;

/// Bytes the system is asked to hold for us.
const BUFFER: usize = 8 << 20;
/// Datagrams taken before they are written together.
const TOGETHER: usize = 256;

/// Receives in a thread.
pub fn start(address: SocketAddr, common: Arc<Common>) -> io::Result<SocketAddr> {
    let socket = UdpSocket::bind(address)?;
    let bound = socket.local_addr()?;
    // A smaller buffer than asked for (net.core.rmem_max) is no reason not to receive.
    let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, BUFFER);
    std::thread::Builder::new()
        .name("udp".into())
        .spawn(move || receive(&socket, &common))?;
    Ok(bound)
}

fn receive(socket: &UdpSocket, common: &Common) {
    let mut buffer = vec![0; 64 << 10];
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let inode = inode(socket);
    let mut counted = Instant::now();
    while common.room() {
        // Wait for the first, take what else is there.
        if socket.set_read_timeout(Some(LOOK)).is_err() || socket.set_nonblocking(false).is_err() {
            return;
        }
        loop {
            match socket.recv_from(&mut buffer) {
                Ok((n, from)) => {
                    let message = buffer.get(..n).unwrap_or_default();
                    let message = message.trim_ascii_end();
                    let message = message.strip_suffix(b"\0").unwrap_or(message);
                    if !message.is_empty() {
                        messages.push(Common::complete(message, from.ip()));
                    }
                    if messages.len() >= TOGETHER || socket.set_nonblocking(true).is_err() {
                        break;
                    }
                }
                Err(e) if is_timeout(&e) => break,
                // What ICMP says of an earlier datagram is no concern of a receiver.
                Err(_) => break,
            }
        }
        if !messages.is_empty() && !common.keep(&messages) {
            return;
        }
        messages.clear();
        if counted.elapsed() > LOOK {
            counted = Instant::now();
            if let Some(dropped) = inode.and_then(dropped) {
                common.metrics.syslog(&common.name, |c| c.dropped = dropped);
            }
        }
    }
}

/// The socket's inode number, by which the system's table names it.
fn inode(socket: &UdpSocket) -> Option<u64> {
    use std::os::fd::AsRawFd;
    let link = format!("/proc/self/fd/{}", socket.as_raw_fd());
    std::fs::metadata(link).ok().map(|m| m.ino())
}

/// Last column of the socket's line in `/proc/net/udp` or `udp6` (proc_pid_net(5)).
fn dropped(inode: u64) -> Option<u64> {
    ["/proc/self/net/udp", "/proc/self/net/udp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .find_map(|table| {
            table.lines().find_map(|line| {
                let columns: Vec<&str> = line.split_whitespace().collect();
                (columns.get(9)?.parse() == Ok(inode)).then(|| columns.last()?.parse().ok())?
            })
        })
}
