//! A private Dovecot `imap` process on a pipe, and its answers.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Stdio};

/// The program that speaks IMAP on its standard input.
const IMAP: &str = "/usr/lib/dovecot/imap";
/// A user that may own mail: Dovecot refuses root.
const NOBODY: u32 = 65_534;

/// Whether the oracle can be asked.
pub fn is_here() -> bool {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|o| o.stdout == b"0\n");
    let here = Path::new(IMAP).exists() && root;
    if !here {
        println!("Dovecot or root is absent: checked among themselves only");
    }
    here
}

/// A temporary home for a mail user with a configuration for one mail location.
pub struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    /// `location` is Dovecot's `mail_location` with `~` for the home.
    pub fn new(location: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        chown(root, Some(NOBODY), Some(NOBODY)).unwrap();
        std::fs::create_dir(root.join("run")).unwrap();
        chown(root.join("run"), Some(NOBODY), Some(NOBODY)).unwrap();
        let home = root.display().to_string();
        let config = format!(
            "base_dir = {home}/run\nmail_location = {}\nlog_path = {home}/log\n\
             first_valid_uid = 0\nfirst_valid_gid = 0\nmail_uid = {NOBODY}\nmail_gid = {NOBODY}\n\
             ssl = no\nprotocols = imap\nstats_writer_socket_path =\n",
            location.replace('~', &home)
        );
        std::fs::write(root.join("dovecot.conf"), config).unwrap();
        Self { dir }
    }

    /// The home directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file that the mail user owns, with its directories.
    pub fn write(&self, path: &str, bytes: &[u8]) {
        let full = self.path().join(path);
        let mut at = self.path().to_owned();
        for piece in Path::new(path).parent().unwrap() {
            at.push(piece);
            if std::fs::create_dir(&at).is_ok() {
                chown(&at, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        std::fs::write(&full, bytes).unwrap();
        chown(&full, Some(NOBODY), Some(NOBODY)).unwrap();
    }

    /// Sends commands, one or many, and gives all that comes back.
    pub fn imap(&self, commands: &[u8]) -> Vec<u8> {
        let mut child = Command::new(IMAP)
            .arg("-c")
            .arg(self.path().join("dovecot.conf"))
            .env("USER", "oracle")
            .env("HOME", self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = commands.to_owned();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        output.stdout
    }
}

/// A node of a parsed IMAP response.
#[derive(Clone, Debug)]
pub enum Imap {
    /// NIL.
    Nil,
    /// Atom, string or literal.
    Text(String),
    /// Parenthesised list.
    List(Vec<Imap>),
}

impl Imap {
    /// Text, or `""`.
    pub fn text(&self) -> &str {
        match self {
            Imap::Text(t) => t,
            _ => "",
        }
    }

    /// Items, or none.
    pub fn list(&self) -> &[Imap] {
        match self {
            Imap::List(l) => l,
            _ => &[],
        }
    }
}

/// Reads a value with lists and literals.
pub fn read_imap(data: &[u8], at: &mut usize) -> Imap {
    while data.get(*at) == Some(&b' ') {
        *at += 1;
    }
    match data.get(*at) {
        Some(b'(') => {
            *at += 1;
            let mut list = Vec::new();
            loop {
                while data.get(*at) == Some(&b' ') {
                    *at += 1;
                }
                match data.get(*at) {
                    Some(b')') => {
                        *at += 1;
                        return Imap::List(list);
                    }
                    None => return Imap::List(list),
                    _ => list.push(read_imap(data, at)),
                }
            }
        }
        Some(b'"') => {
            *at += 1;
            let mut text = Vec::new();
            while let Some(&b) = data.get(*at) {
                *at += 1;
                match b {
                    b'"' => break,
                    b'\\' => {
                        text.extend(data.get(*at));
                        *at += 1;
                    }
                    _ => text.push(b),
                }
            }
            Imap::Text(String::from_utf8_lossy(&text).into_owned())
        }
        Some(b'{') => {
            let end = *at + data[*at..].iter().position(|b| *b == b'\n').unwrap_or(0);
            let size: usize = String::from_utf8_lossy(&data[*at + 1..end])
                .trim_end_matches(['}', '\r', '+'])
                .parse()
                .unwrap_or(0);
            *at = end + 1 + size;
            Imap::Text(String::from_utf8_lossy(&data[end + 1..*at]).into_owned())
        }
        _ => {
            let start = *at;
            let mut depth = 0;
            while let Some(&b) = data.get(*at) {
                // A section like BODY[HEADER.FIELDS (X)] is one atom.
                match b {
                    b'[' => depth += 1,
                    b']' => depth -= 1,
                    b' ' | b'(' | b')' | b'\r' if depth == 0 => break,
                    _ => {}
                }
                *at += 1;
            }
            let word = String::from_utf8_lossy(&data[start..*at]).into_owned();
            *at += usize::from(start == *at);
            if word == "NIL" {
                Imap::Nil
            } else {
                Imap::Text(word)
            }
        }
    }
}

/// FETCH responses by sequence number, items by name.
pub fn fetches(output: &[u8]) -> BTreeMap<usize, BTreeMap<String, Imap>> {
    let mut out: BTreeMap<usize, BTreeMap<String, Imap>> = BTreeMap::new();
    let mut at = 0;
    while at < output.len() {
        let line = &output[at..];
        let word_end = line.iter().position(|b| *b == b'\n').unwrap_or(line.len());
        let head = String::from_utf8_lossy(&line[..word_end.min(60)]).into_owned();
        let mut words = head.split(' ');
        if words.next() == Some("*")
            && let Some(Ok(seq)) = words.next().map(str::parse::<usize>)
            && words.next() == Some("FETCH")
        {
            at += head.find('(').unwrap();
            let items = read_imap(output, &mut at);
            let pairs = items.list().chunks(2).filter(|p| p.len() == 2);
            out.entry(seq)
                .or_default()
                .extend(pairs.map(|p| (p[0].text().to_owned(), p[1].clone())));
        }
        at += output[at..]
            .iter()
            .position(|b| *b == b'\n')
            .map_or(output.len() - at, |i| i + 1);
    }
    out
}
