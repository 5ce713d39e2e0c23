//! The network: a server namespace with an outside and an inside link, and the world around it.
//!
//! The laboratory itself stands in the world: every client address, the application host and the
//! Internet's mail exchangers are addresses of its two links, and a client `bind`s the one it plays.

use std::fs::File;
use std::net::IpAddr;
use std::process::{Child, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result};

use crate::sandbox::{on_server, server_shell, shell};

/// The server's address on the Internet.
pub const SERVER_OUT: &str = "192.0.2.25";
/// The server's IPv6 address on the Internet.
pub const SERVER_OUT6: &str = "2001:db8:25::25";
/// The server's address on the ministry's network.
pub const SERVER_IN: &str = "10.20.0.25";
/// The application host the server has no business with.
pub const APP_HOST: &str = "10.20.8.40";

/// The server's packet filter, as `/etc/nftables.conf` has it.
pub const RULESET: &str = r#"#!/usr/sbin/nft -f

flush ruleset

table inet raw {
	chain prerouting {
		type filter hook prerouting priority raw; policy accept;
		iif "lo" notrack
	}
	chain output {
		type filter hook output priority raw; policy accept;
		oif "lo" notrack
	}
}

table inet filter {
	set inside {
		type ipv4_addr
		flags interval
		elements = { 10.0.0.0/8 }
	}
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state established,related accept
		ct state invalid drop
		meta l4proto { icmp, ipv6-icmp } accept
		tcp dport { 25, 80, 110, 143, 443, 587, 993, 995, 4190 } accept
		iifname "eth1" tcp dport 22 accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
	chain output {
		type filter hook output priority filter; policy accept;
		oif "lo" accept
		ct state established,related accept
		ip daddr 10.20.0.1 udp dport { 53, 123 } accept
		oifname "eth1" ip daddr @inside log prefix "nft-out-drop: " group 1 drop
	}
}
"#;

/// The running network; its flow and packet logs write to `/var/log` of the room.
pub struct Net {
    conntrack: Mutex<Option<Child>>,
    ulogd: Mutex<Option<Child>>,
}

impl Net {
    /// Makes namespace, links and packet filter. `ruleset` is `nft -f` text.
    pub fn build(ruleset: &str) -> Result<Net> {
        shell(
            r#"
ip netns add server
ip link add w0 type veth peer name eth0 netns server
ip link add w1 type veth peer name eth1 netns server
for l in w0 w1; do ip link set $l up; done
ip addr add 192.0.2.1/24 dev w0
ip addr add 10.20.0.1/16 dev w1
ip -6 addr add 2001:db8:25::1/64 dev w0 nodad
ip -n server link set lo up
ip -n server link set eth0 up
ip -n server link set eth1 up
ip -n server addr add 192.0.2.25/24 dev eth0
ip -n server -6 addr add 2001:db8:25::25/64 dev eth0 nodad
ip -n server addr add 10.20.0.25/16 dev eth1
ip -n server route add default via 192.0.2.1
ip -n server -6 route add default via 2001:db8:25::1
ip -n server route add 10.0.0.0/8 via 10.20.0.1
ip addr add 10.20.8.40/32 dev w1
"#,
        )?;
        std::fs::write("/etc/nftables.conf", ruleset).context("cannot write nftables.conf")?;
        server_shell(
            "nft -f /etc/nftables.conf
             sysctl -qw net.netfilter.nf_conntrack_acct=1 \
               net.netfilter.nf_conntrack_tcp_timeout_time_wait=10 \
               net.netfilter.nf_conntrack_tcp_timeout_close=1",
            true,
        )?;
        Ok(Net {
            conntrack: Mutex::new(None),
            ulogd: Mutex::new(None),
        })
    }

    /// Gives the world more addresses: 10/8 stands inside, the rest on the Internet.
    pub fn add_addresses(&self, addresses: &[IpAddr]) -> Result<()> {
        let mut script = String::new();
        for address in addresses {
            let line = match address {
                IpAddr::V4(v4) if v4.octets()[0] == 10 => {
                    format!("ip addr replace {v4}/32 dev w1\n")
                }
                IpAddr::V4(v4) => format!("ip addr replace {v4}/32 dev w0\n"),
                IpAddr::V6(v6) => format!("ip -6 addr replace {v6}/128 dev w0 nodad\n"),
            };
            script.push_str(&line);
        }
        shell(&script)
    }

    /// Starts writing flows (`conntrack -E`) and dropped packets (ulogd).
    pub fn start_logs(&self, flows: &std::path::Path) -> Result<()> {
        let out = File::create(flows).context("cannot create the flow log")?;
        let child = on_server(true)
            .args([
                "conntrack",
                "-E",
                "-e",
                "DESTROY",
                "-o",
                "timestamp,extended",
                "-b",
                "8388608",
            ])
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start conntrack")?;
        *lock(&self.conntrack) = Some(child);
        std::fs::write(
            "/etc/ulogd.conf",
            "[global]\nlogfile=\"syslog\"\nloglevel=3\n\
             stack=log2:NFLOG,base1:BASE,ifi1:IFINDEX,ip2str1:IP2STR,print1:PRINTPKT,emu1:LOGEMU\n\
             [log2]\ngroup=1\nnetlink_qthreshold=1\n[emu1]\nfile=\"/var/log/ulog/syslogemu.log\"\nsync=1\n",
        )
        .context("cannot write ulogd.conf")?;
        let child = on_server(true)
            .args(["ulogd", "-c", "/etc/ulogd.conf"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start ulogd")?;
        *lock(&self.ulogd) = Some(child);
        Ok(())
    }

    /// Closes the books on finished connections, so that their flow records carry this hour's
    /// stamp and not the next scene's.
    pub fn flush_flows(&self) -> Result<()> {
        // conntrack exits 1 when there is nothing to delete.
        server_shell(
            "conntrack -D -p tcp --state TIME_WAIT >/dev/null 2>&1 || true
             conntrack -D -p tcp --state CLOSE >/dev/null 2>&1 || true
             conntrack -D -p udp >/dev/null 2>&1 || true",
            true,
        )
        .map(|_| ())
    }

    /// Deletes every flow that is left and stops both logs.
    pub fn stop_logs(&self) -> Result<()> {
        server_shell("conntrack -D >/dev/null 2>&1 || true; sleep 0.2", true)?;
        for child in [&self.conntrack, &self.ulogd] {
            if let Some(mut child) = lock(child).take() {
                child.kill().context("cannot stop a log")?;
                child.wait().context("cannot stop a log")?;
            }
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
