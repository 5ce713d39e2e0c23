//! One line, cut where its copies differ: stamp, ids, accounts, addresses, processes.

use std::collections::BTreeSet;
use std::io::Write;
use vauban_evidence::TimeBase;
use vauban_ocsf::{DAY, SECOND, civil_from_days};
use vauban_sources::stamp::{self, Clock};

/// What kind of log a line is of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The stamp stands first.
    Syslog,
    /// The stamp stands in brackets.
    Web,
}

/// A place where copies differ.
#[derive(Copy, Clone, Debug)]
enum Hole {
    /// Four digits of the copy's number are put in: the end of a session or queue id.
    Id,
    /// The same with a point before: the end of a message id's left side.
    MessageId,
    /// The lane's number is put in: the end of an account's name.
    Account,
    /// A process number of so many digits is replaced.
    Process(u8, u32),
    /// An address of so many characters is replaced.
    Address(u8, [u8; 4]),
}

/// A line and its holes.
#[derive(Clone, Debug)]
pub struct Line {
    /// UTC, microseconds.
    time: i64,
    /// Seconds the clock was ahead of UTC.
    offset: i32,
    layout: Layout,
    /// Before the stamp, with holes.
    head: Vec<u8>,
    /// After the stamp, newline included.
    tail: Vec<u8>,
    head_holes: Vec<(u32, Hole)>,
    tail_holes: Vec<(u32, Hole)>,
}

/// What a copy writes into the holes.
pub struct Copy {
    lane: u32,
    /// Copy number in four upper-case hexadecimal digits.
    id: [u8; 4],
    account: Vec<u8>,
}

impl Copy {
    /// Copy `number` of all, in lane `lane`.
    pub fn new(number: u32, lane: u32) -> Self {
        let mut id = [0; 4];
        for (at, digit) in id.iter_mut().enumerate() {
            *digit = b"0123456789ABCDEF"[(number >> (12 - 4 * at) & 15) as usize];
        }
        let account = match lane {
            0 => Vec::new(),
            n => format!("-{n}").into_bytes(),
        };
        Self { lane, id, account }
    }
}

impl Line {
    /// The lines of a file that begin with a stamp; others are left out.
    pub fn all<'a>(
        bytes: &'a [u8],
        layout: Layout,
        base: &'a TimeBase,
    ) -> impl Iterator<Item = Self> + 'a {
        let clock = Clock::new(base);
        bytes
            .split_inclusive(|&b| b == b'\n')
            .filter(|line| line.ends_with(b"\n"))
            .filter_map(move |line| Self::cut(line, layout, base, &clock))
    }

    fn cut(line: &[u8], layout: Layout, base: &TimeBase, clock: &Clock<'_>) -> Option<Self> {
        let (start, time, length) = match layout {
            Layout::Syslog => {
                let (time, length) =
                    stamp::rfc3164(line, clock).or_else(|| stamp::rfc3339(line, clock))?;
                (0, time, length)
            }
            Layout::Web => {
                let start = memchr::memchr(b'[', line)? + 1;
                let (time, length) = stamp::clf(line.get(start..)?, clock)?;
                (start, time, length)
            }
        };
        let end = start + length;
        let text = line.get(start..end)?;
        let written = text
            .iter()
            .rposition(|b| matches!(b, b'+' | b'-' | b'Z'))
            .filter(|&at| at > 10)
            .and_then(|at| stamp::offset(text, at));
        let offset = match written {
            Some((offset, _)) => offset,
            None => {
                let utc = TimeBase::utc(base.latest);
                let (wall, _) = stamp::rfc3164(line, &Clock::new(&utc))?;
                i32::try_from((wall.0 - time.0) / SECOND).ok()?
            }
        };
        let head = line.get(..start)?.to_vec();
        let tail = line.get(end..)?.to_vec();
        Some(Self {
            time: time.0,
            offset,
            layout,
            head_holes: holes(&head),
            tail_holes: holes(&tail),
            head,
            tail,
        })
    }

    /// UTC, microseconds.
    pub fn time(&self) -> i64 {
        self.time
    }

    /// Bytes it is written with, about.
    pub fn len(&self) -> usize {
        let added = match self.layout {
            Layout::Syslog => 32,
            Layout::Web => 26,
        };
        self.head.len() + self.tail.len() + added + 3 * self.tail_holes.len()
    }

    /// The same line so many microseconds later.
    pub fn moved(&self, by: i64) -> Self {
        let mut line = self.clone();
        line.time += by;
        line
    }

    /// The server's own addresses: where clients connected to, and where nothing else can be.
    pub fn own_addresses<'a>(lines: impl IntoIterator<Item = &'a Line>) -> BTreeSet<[u8; 4]> {
        let mut own = BTreeSet::new();
        for line in lines {
            for &(at, hole) in &line.tail_holes {
                let Hole::Address(_, ip) = hole else { continue };
                if ip[0] == 127 || line.tail[..at as usize].ends_with(b"lip=") {
                    own.insert(ip);
                }
            }
        }
        own
    }

    /// Takes the holes of these addresses away.
    pub fn keep_addresses(&mut self, own: &BTreeSet<[u8; 4]>) {
        let keep = |(_, hole): &(u32, Hole)| match hole {
            Hole::Address(_, ip) => !own.contains(ip) && ip[0] != 127,
            _ => true,
        };
        self.head_holes.retain(keep);
        self.tail_holes.retain(keep);
    }

    /// Writes it `by` microseconds later, as it stands or as a copy.
    pub fn write(&self, out: &mut Vec<u8>, by: i64, copy: Option<&Copy>) {
        let Some(copy) = copy else {
            out.extend_from_slice(&self.head);
            self.stamp(out, by);
            out.extend_from_slice(&self.tail);
            return;
        };
        fill(out, &self.head, &self.head_holes, copy);
        self.stamp(out, by);
        fill(out, &self.tail, &self.tail_holes, copy);
    }

    fn stamp(&self, out: &mut Vec<u8>, by: i64) {
        const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
        let local = self.time + by + i64::from(self.offset) * SECOND;
        let (year, month, day) = civil_from_days(local.div_euclid(DAY));
        let micros = local.rem_euclid(DAY);
        let second = (micros / SECOND) as u32;
        let clock = [second / 3600, second / 60 % 60, second % 60];
        let sign = if self.offset < 0 { b'-' } else { b'+' };
        let ahead = self.offset.unsigned_abs() / 60;
        let year = year as u32;
        match self.layout {
            Layout::Syslog => {
                two(out, year / 100);
                two(out, year % 100);
                out.push(b'-');
                two(out, month);
                out.push(b'-');
                two(out, day);
                out.push(b'T');
                two(out, clock[0]);
                out.push(b':');
                two(out, clock[1]);
                out.push(b':');
                two(out, clock[2]);
                out.push(b'.');
                let fraction = (micros % SECOND) as u32;
                two(out, fraction / 10_000);
                two(out, fraction / 100 % 100);
                two(out, fraction % 100);
                out.push(sign);
                two(out, ahead / 60);
                out.push(b':');
                two(out, ahead % 60);
            }
            Layout::Web => {
                two(out, day);
                out.push(b'/');
                let at = 3 * (month as usize - 1);
                out.extend_from_slice(&MONTHS[at..at + 3]);
                out.push(b'/');
                two(out, year / 100);
                two(out, year % 100);
                for part in clock {
                    out.push(b':');
                    two(out, part);
                }
                out.push(b' ');
                out.push(sign);
                two(out, ahead / 60);
                two(out, ahead % 60);
            }
        }
    }
}

fn two(out: &mut Vec<u8>, n: u32) {
    out.extend_from_slice(&[b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8]);
}

fn fill(out: &mut Vec<u8>, text: &[u8], holes: &[(u32, Hole)], copy: &Copy) {
    let mut from = 0;
    for &(at, hole) in holes {
        out.extend_from_slice(&text[from..at as usize]);
        from = at as usize;
        match hole {
            Hole::Id => out.extend_from_slice(&copy.id),
            Hole::MessageId => {
                out.push(b'.');
                out.extend_from_slice(&copy.id);
            }
            Hole::Account => out.extend_from_slice(&copy.account),
            Hole::Process(length, number) => {
                // Below pid_max on 64 bits (4 194 304) for 200 lanes.
                let _ = write!(out, "{}", number % 20_000 + copy.lane * 20_000);
                from += usize::from(length);
            }
            Hole::Address(length, ip) => {
                let [a, b, c, d] = elsewhere(ip, copy.lane);
                let _ = write!(out, "{a}.{b}.{c}.{d}");
                from += usize::from(length);
            }
        }
    }
    out.extend_from_slice(&text[from..]);
}

/// The address that stands for `ip` in a lane: inside addresses stay inside.
fn elsewhere(ip: [u8; 4], lane: u32) -> [u8; 4] {
    let [a, b, c, d] = ip;
    if lane == 0 {
        return ip;
    }
    let lane = lane as u8;
    match a {
        10 => [10, b.wrapping_add(lane), c, d],
        // 11.0.0.0/8 to 126.0.0.0/8, then up to 223, without the private and the exercise ranges.
        _ => {
            let step = 11 + u16::from(lane);
            let first = [127, 172, 192, 198, 203]
                .iter()
                .fold(step, |n, &skip| n + u16::from(n >= skip));
            [first as u8, b ^ a, c, d]
        }
    }
}

fn is_id(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')
}

fn is_address(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+' | b'=' | b'@')
}

/// Finds what is to differ in one text.
fn holes(text: &[u8]) -> Vec<(u32, Hole)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&b) = text.get(at) {
        if !is_id(b) {
            at += 1;
            continue;
        }
        let before = &text[..at];
        let run = |which: fn(u8) -> bool| {
            let rest = &text[at..];
            rest.iter().position(|&b| !which(b)).unwrap_or(rest.len())
        };
        let after = |length: usize| text.get(at + length).copied();
        let message = [&b"message-id=<"[..], b"msgid=<", b"msgid="]
            .iter()
            .any(|p| before.ends_with(p));
        if message {
            let length = run(|b| !matches!(b, b'>' | b',' | b' ' | b':' | b'\n'));
            let left = memchr::memchr(b'@', &text[at..at + length]).unwrap_or(length);
            found.push(((at + left) as u32, Hole::MessageId));
            at += length;
            continue;
        }
        let id = run(is_id);
        let word = &text[at..at + id];
        let digits = word.iter().all(u8::is_ascii_digit);
        let hex = word
            .iter()
            .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(b));
        let queue = (before.ends_with(b"]: ") && after(id) == Some(b':'))
            || before.ends_with(b"queued as ");
        // LMTP numbers the recipients of one session: `<id:R2>`.
        let ends = |closing: &[u8]| {
            let rest = &text[at + id..];
            rest.starts_with(closing) || rest.starts_with(b":R")
        };
        let session = (before.ends_with(b"<") && ends(b">") && !digits)
            || (before.ends_with(b"> ") && ends(b" Saved"));
        if (queue && hex && id >= 6) || (session && id >= 12) {
            found.push(((at + id) as u32, Hole::Id));
            at += id;
            continue;
        }
        let process = (before.ends_with(b"[") && text[at + id..].starts_with(b"]:"))
            || before.ends_with(b"mpid=")
            || before.ends_with(b"lmtp(")
            || (before.ends_with(b"<") && after(id) == Some(b'>'));
        if digits && process && id <= 7 {
            let number = std::str::from_utf8(word).ok().and_then(|w| w.parse().ok());
            found.push((at as u32, Hole::Process(id as u8, number.unwrap_or(0))));
            at += id;
            continue;
        }
        if let Some((length, ip)) = address(text, at) {
            found.push((at as u32, Hole::Address(length, ip)));
            at += usize::from(length);
            continue;
        }
        let length = run(is_address);
        let mut start = at;
        if let Some(sign) = memchr::memchr(b'@', &text[at..at + length]) {
            // `sasl_username=name@domain`: the name begins after the sign.
            if let Some(equals) = memchr::memrchr(b'=', &text[at..at + sign]) {
                start = at + equals + 1;
            }
            if start < at + sign {
                found.push(((at + sign) as u32, Hole::Account));
            }
            at += length;
            continue;
        }
        at += run(|b| b.is_ascii_alphanumeric()).max(1);
    }
    found
}

/// A dotted quad at `at`, not inside a version number.
fn address(text: &[u8], at: usize) -> Option<(u8, [u8; 4])> {
    let free = |b: Option<&u8>| b.is_none_or(|b| !is_id(*b) && !matches!(b, b'.' | b'_' | b'-'));
    if !free(at.checked_sub(1).and_then(|i| text.get(i))) {
        return None;
    }
    let mut ip = [0; 4];
    let mut i = at;
    for (n, part) in ip.iter_mut().enumerate() {
        if n > 0 {
            if text.get(i) != Some(&b'.') {
                return None;
            }
            i += 1;
        }
        let digits = text.get(i..)?.iter().take_while(|b| b.is_ascii_digit());
        let length = digits.count();
        let word = std::str::from_utf8(text.get(i..i + length)?).ok()?;
        *part = word.parse().ok()?;
        i += length;
    }
    free(text.get(i)).then_some(((i - at) as u8, ip))
}
