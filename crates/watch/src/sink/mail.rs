//! Findings by mail, several in one: through the local mail server (SMTP, RFC 5321) or a sendmail
//! command.
//!
//! Which findings a mail holds is noted before it is sent, and its Message-ID follows from them:
//! a mail that is sent again after a crash is the same mail, and a mailbox that drops repeated
//! Message-IDs shows it once.

use super::{Outcome, Sink};
use crate::config::MailSink;
use crate::store::{Pending, SinkState};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vauban_ocsf::Level;

/// Findings in one mail at most.
const TOGETHER: u32 = 100;
/// Time one SMTP reply may take (RFC 5321, 4.5.3.2 asks for minutes after the data).
const REPLY: Duration = Duration::from_secs(300);

/// Mail.
pub struct MailOut {
    name: String,
    config: MailSink,
    host: String,
}

/// What is noted before a mail is sent.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    /// The first finding of the mail being gathered.
    first: i64,
    /// Second since the epoch at which gathering began.
    since: u64,
    /// The last finding of a mail that is complete and perhaps sent; 0: none is.
    last: i64,
}

impl MailOut {
    /// Sends as configured.
    pub fn new(config: &MailSink) -> Self {
        Self {
            name: format!("mail:{}", config.to.join(",")),
            config: config.clone(),
            host: host(),
        }
    }

    fn send(&self, batch: &[Pending]) -> Result<(), String> {
        let text = self.compose(batch);
        match self.config.through.strip_prefix("sendmail:") {
            Some(program) => self.sendmail(program, &text),
            None => self.smtp(&text),
        }
    }

    fn compose(&self, batch: &[Pending]) -> String {
        let mut hash = Sha256::new();
        for pending in batch {
            hash.update(pending.finding.uid.as_bytes());
        }
        let id: String = hash.finalize()[..16]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let highest = batch.iter().map(|p| p.finding.severity).max().unwrap_or(1);
        let worst = batch.iter().find(|p| p.finding.severity == highest);
        let title = worst.map_or("", |p| p.finding.title.as_str());
        let subject = match batch.len() {
            1 => format!("[vauban] {} {title}", word(highest)),
            n => format!("[vauban] {n} findings, {}: {title}", word(highest)),
        };
        let now = jiff::ZonedDateTime::now();
        let date = jiff::fmt::rfc2822::to_string(&now).unwrap_or_default();
        let mut body = String::new();
        for pending in batch {
            describe(pending, &mut body);
        }
        let mut text = String::new();
        let _ = write!(
            text,
            "From: {}\r\nTo: {}\r\nSubject: {}\r\nDate: {date}\r\nMessage-ID: <{id}@{}>\r\n\
             Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n",
            self.config.from,
            self.config.to.join(",\r\n "),
            encoded(&subject),
            self.host,
        );
        let body = base64(body.as_bytes());
        for line in body.as_bytes().chunks(76) {
            text.push_str(std::str::from_utf8(line).unwrap_or_default());
            text.push_str("\r\n");
        }
        text
    }

    fn sendmail(&self, program: &str, text: &str) -> Result<(), String> {
        let named = |e: io::Error| format!("{program}: {e}");
        let mut child = Command::new(program)
            .args(["-i", "-f", &self.config.from, "--"])
            .args(&self.config.to)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(named)?;
        let written = match child.stdin.take() {
            Some(mut stdin) => stdin.write_all(text.replace("\r\n", "\n").as_bytes()),
            None => Ok(()),
        };
        let status = child.wait().map_err(named)?;
        if !status.success() {
            return Err(format!("{program}: {status}"));
        }
        written.map_err(named)
    }

    fn smtp(&self, text: &str) -> Result<(), String> {
        let to = &self.config.through;
        let named = |e: io::Error| format!("{to}: {e}");
        let address = to
            .to_socket_addrs()
            .map_err(named)?
            .next()
            .ok_or_else(|| format!("{to}: no address"))?;
        let stream =
            TcpStream::connect_timeout(&address, Duration::from_secs(30)).map_err(named)?;
        stream.set_read_timeout(Some(REPLY)).map_err(named)?;
        stream.set_write_timeout(Some(REPLY)).map_err(named)?;
        let mut server = BufReader::new(stream);
        let mut say = |line: &str, expected: u16| -> Result<(), String> {
            if !line.is_empty() {
                server.get_mut().write_all(line.as_bytes()).map_err(named)?;
            }
            let (code, reply) = reply(&mut server).map_err(named)?;
            if code / 100 == expected / 100 {
                Ok(())
            } else {
                Err(format!("{to}: {reply}"))
            }
        };
        say("", 220)?;
        say(&format!("EHLO {}\r\n", self.host), 250)?;
        say(&format!("MAIL FROM:<{}>\r\n", self.config.from), 250)?;
        for recipient in &self.config.to {
            say(&format!("RCPT TO:<{recipient}>\r\n"), 250)?;
        }
        say("DATA\r\n", 354)?;
        // No line begins with a dot: headers do not, and base64 has none.
        say(&format!("{text}.\r\n"), 250)?;
        // It is accepted; what is said of the farewell changes nothing.
        let _ = say("QUIT\r\n", 221);
        Ok(())
    }
}

/// A reply of one or several lines (RFC 5321, 4.2.1).
fn reply(server: &mut impl BufRead) -> io::Result<(u16, String)> {
    loop {
        let mut line = String::new();
        let mut short = io::Read::take(&mut *server, 4096);
        if short.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            let code = line.get(..3).and_then(|c| c.parse().ok()).unwrap_or(0);
            return Ok((code, line.trim_end().to_owned()));
        }
    }
}

fn word(severity: u8) -> &'static str {
    match severity {
        5 => "critical",
        4 => "high",
        3 => "medium",
        2 => "low",
        _ => "informational",
    }
}

/// A finding in words.
fn describe(pending: &Pending, out: &mut String) {
    let finding: serde_json::Value =
        serde_json::from_str(&pending.finding.body).unwrap_or_default();
    let text = |value: &serde_json::Value| clean(value.as_str().unwrap_or(""));
    let _ = writeln!(
        out,
        "{} ({})\n{}",
        clean(&pending.finding.title),
        word(pending.finding.severity),
        text(&finding["message"])
    );
    for place in finding["evidences"]
        .as_array()
        .into_iter()
        .flatten()
        .take(5)
    {
        let _ = writeln!(
            out,
            "  {} at byte {}: {}",
            text(&place["name"]),
            place["data"]["offset"],
            text(&place["data"]["excerpt"])
        );
    }
    let next = text(&finding["remediation"]["desc"]);
    if !next.is_empty() {
        let _ = writeln!(out, "What to do: {next}");
    }
    let _ = writeln!(out, "Identifier: {}\n", pending.finding.uid);
}

/// Hostile text for a person's eyes: no control characters, of bearable length.
fn clean(text: &str) -> String {
    let mut clean: String = text
        .chars()
        .take(400)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if clean.len() < text.len() {
        clean.push('…');
    }
    clean
}

/// A header value as RFC 2047 wants it.
fn encoded(text: &str) -> String {
    let text = clean(text);
    let plain = text.bytes().all(|b| (0x20..0x7f).contains(&b)) && text.len() <= 900;
    if plain && !text.contains("=?") {
        return text;
    }
    let mut words = Vec::new();
    let mut part = String::new();
    for c in text.chars() {
        // 75 characters a word at most, of which 12 are not the text.
        if part.len() + c.len_utf8() > 45 {
            words.push(std::mem::take(&mut part));
        }
        part.push(c);
    }
    words.push(part);
    words
        .iter()
        .map(|w| format!("=?utf-8?B?{}?=", base64(w.as_bytes())))
        .collect::<Vec<_>>()
        .join("\r\n ")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            if i > chunk.len() {
                out.push('=');
            } else {
                let digit = (bits >> (18 - 6 * i)) as usize & 63;
                out.push(char::from(DIGITS[digit]));
            }
        }
    }
    out
}

/// The host's name, for what we say about ourselves.
pub(crate) fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            !name.is_empty() && name.chars().all(plain)
        })
        .unwrap_or_else(|| "localhost".into())
}

impl Sink for MailOut {
    fn name(&self) -> &str {
        &self.name
    }

    fn level(&self) -> Level {
        self.config.level.0
    }

    fn batch(&self) -> u32 {
        TOGETHER
    }

    fn deliver(&mut self, batch: &[Pending], state: &SinkState) -> Outcome {
        let (Some(first), Some(last)) = (batch.first(), batch.last()) else {
            return Outcome::Done(state.clone());
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let noted: Noted = serde_json::from_str(&state.own).unwrap_or_default();
        let keep = |noted: Noted| {
            Outcome::Keep(SinkState {
                seq: state.seq,
                own: serde_json::to_string(&noted).unwrap_or_default(),
            })
        };
        if noted.first != first.seq {
            return keep(Noted {
                first: first.seq,
                since: now,
                last: 0,
            });
        }
        if noted.last == 0 {
            let full = batch.len() >= TOGETHER as usize;
            let due = noted.since.saturating_add(self.config.gather_seconds);
            if !full && now < due {
                return Outcome::Wait(Duration::from_secs((due - now).min(5)));
            }
            return keep(Noted {
                last: last.seq,
                ..noted
            });
        }
        let end = batch.iter().take_while(|p| p.seq <= noted.last).count();
        let mail = batch.get(..end).unwrap_or_default();
        match self.send(mail) {
            Ok(()) => Outcome::Done(SinkState {
                seq: noted.last,
                own: String::new(),
            }),
            Err(why) => Outcome::Failed(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MinLevel;
    use crate::store::Outgoing;

    fn pending(seq: i64) -> Pending {
        Pending {
            seq,
            finding: Outgoing {
                uid: format!("u{seq}"),
                severity: 3 + (seq == 2) as u8,
                title: format!("Accès {seq}\r\nBcc: x@example.org"),
                body: serde_json::json!({"message": "why", "evidences": [
                    {"name": "/var/log/mail.log", "data": {"offset": 5, "excerpt": "a\u{1b}[31mline"}}
                ]}).to_string(),
            },
        }
    }

    fn sink(through: &str) -> MailOut {
        MailOut::new(&MailSink {
            from: "vauban@example.org".into(),
            to: vec!["soc@example.org".into(), "b@example.org".into()],
            through: through.into(),
            gather_seconds: 0,
            level: MinLevel(Level::Low),
        })
    }

    /// Delivers as [`super::super::step`] does; how often something was noted first.
    fn deliver(sink: &mut MailOut, batch: &[Pending], state: &mut SinkState) -> usize {
        for kept in 0..5 {
            match sink.deliver(batch, state) {
                Outcome::Keep(keep) => *state = keep,
                Outcome::Done(done) => {
                    *state = done;
                    return kept;
                }
                other => panic!("{other:?}"),
            }
        }
        panic!("not sent");
    }

    #[test]
    fn digits() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn a_mail_is_the_same_when_it_is_sent_again() {
        let dir = tempfile::tempdir().expect("directory");
        let program = dir.path().join("sendmail");
        let out = dir.path().join("out");
        std::fs::write(
            &program,
            format!(
                "#!/bin/sh\necho \"args $*\" >> {0}; cat >> {0}\n",
                out.display()
            ),
        )
        .expect("write");
        std::os::unix::fs::PermissionsExt::set_mode(
            &mut std::fs::metadata(&program).expect("metadata").permissions(),
            0o755,
        );
        std::fs::set_permissions(
            &program,
            <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755),
        )
        .expect("mode");
        let through = format!("sendmail:{}", program.display());
        let mut sink = sink(&through);
        let mut state = SinkState::default();
        let batch = [pending(1), pending(2)];
        // Noted, and killed after sending: the next attempt has a third finding at hand.
        for _ in 0..2 {
            match sink.deliver(&batch, &state) {
                Outcome::Keep(keep) => state = keep,
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(sink.deliver(&batch, &state), Outcome::Done(_)));
        let more = [pending(1), pending(2), pending(3)];
        deliver(&mut sink, &more, &mut state);
        assert_eq!(state.seq, 2);
        let text = std::fs::read_to_string(&out).expect("read");
        let ids: Vec<_> = text
            .lines()
            .filter(|l| l.starts_with("Message-ID"))
            .collect();
        assert_eq!(ids.len(), 2);
        assert_eq!(ids[0], ids[1]);
        assert!(text.contains("args -i -f vauban@example.org -- soc@example.org b@example.org"));
        assert!(!text.contains("\nBcc:"), "{text}");
    }

    #[test]
    fn smtp_and_a_server_that_says_no() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address");
        let server = std::thread::spawn(move || {
            let mut heard = Vec::new();
            for refuse in [true, false] {
                let (stream, _) = listener.accept().expect("accept");
                let mut reader = BufReader::new(stream);
                let write = |r: &mut BufReader<TcpStream>, text: &str| {
                    r.get_mut().write_all(text.as_bytes()).expect("write");
                };
                write(&mut reader, "220-hello\r\n220 there\r\n");
                let mut data = false;
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).expect("read") == 0 {
                        break;
                    }
                    let line = line.trim_end().to_owned();
                    heard.push(line.clone());
                    let answer = match line.as_str() {
                        "." => {
                            data = false;
                            "250 2.0.0 queued\r\n"
                        }
                        _ if data => continue,
                        "DATA" => {
                            data = true;
                            "354 go on\r\n"
                        }
                        l if l.starts_with("RCPT") && refuse => "451 4.3.0 later\r\n",
                        l if l.starts_with("EHLO") => "250-x\r\n250 SIZE\r\n",
                        "QUIT" => "221 bye\r\n",
                        _ => "250 ok\r\n",
                    };
                    write(&mut reader, answer);
                }
            }
            heard
        });
        let mut sink = sink(&address.to_string());
        let mut state = SinkState::default();
        let batch = [pending(1)];
        for _ in 0..2 {
            match sink.deliver(&batch, &state) {
                Outcome::Keep(keep) => state = keep,
                other => panic!("{other:?}"),
            }
        }
        match sink.deliver(&batch, &state) {
            Outcome::Failed(why) => assert!(why.contains("451 4.3.0 later"), "{why}"),
            other => panic!("{other:?}"),
        }
        deliver(&mut sink, &batch, &mut state);
        assert_eq!(state.seq, 1);
        let heard = server.join().expect("server");
        assert!(heard.contains(&"MAIL FROM:<vauban@example.org>".to_string()));
        assert_eq!(heard.iter().filter(|l| *l == ".").count(), 1);
    }
}
