//! Packs the evidence: copies of the server's files, laid out as from its root, with modification
//! times on the story clock and without what only the laboratory needed.

use std::fs::{self, File, FileTimes};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::clock::{Clock, Nanos, SEC};
use crate::daemons::web::WebServer;
use crate::sandbox::{server_shell, shell_out};

/// Files that were installed on the machine after the story's end carry this date instead
/// (2025-09-02 08:00 UTC).
const INSTALLED: Nanos = 1_756_800_000 * SEC;

/// Rotates a log as logrotate does with `delaycompress`: `LOG` → `LOG.1` → `LOG.2.gz` → …
pub fn rotate(log: &Path, _now: Nanos) -> Result<()> {
    // `notifempty`, as Debian's configurations have it.
    if fs::metadata(log).map_or(0, |m| m.len()) == 0 {
        return Ok(());
    }
    let numbered = |n: u32, gz: bool| {
        let suffix = if gz { ".gz" } else { "" };
        PathBuf::from(format!("{}.{n}{suffix}", log.display()))
    };
    for n in (2..60).rev() {
        if numbered(n, true).exists() {
            fs::rename(numbered(n, true), numbered(n + 1, true))?;
        }
    }
    let first = numbered(1, false);
    if first.exists() {
        compress(&first, &numbered(2, true))?;
        fs::remove_file(&first)?;
    }
    fs::rename(log, &first).with_context(|| format!("cannot rotate {}", log.display()))
}

fn compress(from: &Path, to: &Path) -> Result<()> {
    let data = fs::read(from)?;
    let modified = fs::metadata(from)?.modified()?;
    let mut encoder = GzEncoder::new(File::create(to)?, Compression::default());
    encoder.write_all(&data)?;
    let file = encoder.finish()?;
    file.set_times(FileTimes::new().set_modified(modified))?;
    Ok(())
}

/// Copies files into the evidence directory.
pub struct Collector<'a> {
    clock: &'a Clock,
    root: PathBuf,
    end: Nanos,
}

impl<'a> Collector<'a> {
    /// Collects into `root` (the directory `evidence/`).
    pub fn new(clock: &'a Clock, root: &Path) -> Result<Collector<'a>> {
        if root.exists() {
            fs::remove_dir_all(root).with_context(|| format!("cannot clear {}", root.display()))?;
        }
        fs::create_dir_all(root).with_context(|| format!("cannot make {}", root.display()))?;
        Ok(Collector {
            clock,
            root: root.to_owned(),
            end: clock.now(),
        })
    }

    /// Collects everything a responder would copy.
    pub fn all(&self, web: WebServer) -> Result<()> {
        for dir in ["postfix", "dovecot", "roundcube", "php", "logrotate.d"] {
            self.tree(&Path::new("/etc").join(dir))?;
        }
        match web {
            WebServer::Nginx => self.tree(Path::new("/etc/nginx"))?,
            WebServer::Apache => self.tree(Path::new("/etc/apache2"))?,
        }
        for file in [
            "timezone",
            "hostname",
            "mailname",
            "hosts",
            "passwd",
            "group",
            "aliases",
            "nftables.conf",
            "debian_version",
            "resolv.conf",
            "ulogd.conf",
        ] {
            let path = Path::new("/etc").join(file);
            if path.exists() {
                self.file(&path)?;
            }
        }
        self.text(
            "etc/os-release",
            &fs::read_to_string("/usr/lib/os-release")?,
        )?;
        self.tree(Path::new("/var/log"))?;
        self.tree(Path::new("/var/mail/vhosts"))?;
        self.file(Path::new("/var/lib/roundcube/sqlite.db"))?;
        self.web_root()?;
        self.packages()?;
        let ruleset = server_shell("nft list ruleset", true)?;
        self.text("firewall/nft-ruleset.txt", &ruleset)
    }

    fn target(&self, source: &Path) -> PathBuf {
        self.root.join(source.strip_prefix("/").unwrap_or(source))
    }

    /// Copies a directory; symbolic links stay links.
    pub fn tree(&self, source: &Path) -> Result<()> {
        if !source.exists() {
            return Ok(());
        }
        let target = self.target(source);
        fs::create_dir_all(&target)?;
        let mut entries: Vec<_> = fs::read_dir(source)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let kind = entry.file_type()?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("99-lab.") {
                continue;
            }
            if kind.is_dir() {
                self.tree(&path)?;
            } else if kind.is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(&path)?, self.target(&path))?;
            } else if kind.is_file() {
                self.file(&path)?;
            }
        }
        self.stamp(source, &target)
    }

    /// Copies a file.
    pub fn file(&self, source: &Path) -> Result<()> {
        let target = self.target(source);
        self.copy(source, &target)
    }

    fn copy(&self, source: &Path, target: &Path) -> Result<()> {
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let data = fs::read(source).with_context(|| format!("cannot read {}", source.display()))?;
        let data = if source.starts_with("/etc") {
            without_lab_lines(data)
        } else {
            data
        };
        fs::write(target, data).with_context(|| format!("cannot write {}", target.display()))?;
        self.stamp(source, target)
    }

    /// Writes a text that is not a file of the server.
    pub fn text(&self, name: &str, text: &str) -> Result<()> {
        let target = self.root.join(name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&target, text)?;
        set_time(&target, self.end)
    }

    fn stamp(&self, source: &Path, target: &Path) -> Result<()> {
        let modified = fs::metadata(source)?
            .modified()?
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let real = i64::try_from(modified.as_nanos()).unwrap_or(i64::MAX);
        let story = self.clock.story_time_of(real);
        set_time(target, if story > self.end { INSTALLED } else { story })
    }

    fn web_root(&self) -> Result<()> {
        self.tree(Path::new("/var/lib/roundcube/public_html"))?;
        let list = shell_out(
            "cd /usr/share/roundcube; find index.php program/include program/lib/Roundcube \
               plugins/password plugins/managesieve plugins/zipdownload plugins/archive plugins/markasjunk \
               -name '*.php' -not -path '*/localization/*'; \
             ls program/js/*.min.js skins/elastic/*.js",
        )?;
        for name in list.lines() {
            let path = Path::new("/usr/share/roundcube").join(name);
            if path.is_file() && !path.is_symlink() {
                self.file(&path)?;
            }
        }
        self.text(
            "etc/.collected-links",
            "Symbolic links were copied as links, not followed.\n",
        )?;
        for package in [
            "roundcube-core",
            "roundcube-plugins",
            "postfix",
            "dovecot-core",
        ] {
            let sums = Path::new("/var/lib/dpkg/info").join(format!("{package}.md5sums"));
            if sums.exists() {
                self.file(&sums)?;
            }
        }
        Ok(())
    }

    fn packages(&self) -> Result<()> {
        let status = fs::read_to_string("/var/lib/dpkg/status")?;
        let wanted = [
            "postfix",
            "dovecot",
            "roundcube",
            "nginx",
            "apache2",
            "libapache2",
            "php",
            "openssl",
            "libssl",
            "libc6",
            "nftables",
            "conntrack",
            "sqlite3",
            "libsqlite3",
            "base-files",
            "ulogd2",
            "libnginx",
        ];
        let kept: Vec<&str> = status
            .split("\n\n")
            .filter(|stanza| {
                stanza
                    .lines()
                    .find_map(|l| l.strip_prefix("Package: "))
                    .is_some_and(|p| wanted.iter().any(|w| p.starts_with(w)))
            })
            .collect();
        self.text("var/lib/dpkg/status", &(kept.join("\n\n") + "\n"))
    }
}

fn set_time(path: &Path, at: Nanos) -> Result<()> {
    let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(at).unwrap_or(0));
    File::open(path)
        .and_then(|f| f.set_times(FileTimes::new().set_modified(time).set_accessed(time)))
        .with_context(|| format!("cannot set the time of {}", path.display()))
}

/// Takes the lines between `# lab-begin` and `# lab-end` out.
fn without_lab_lines(data: Vec<u8>) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(&data) else {
        return data;
    };
    if !text.contains("# lab-begin") {
        return data;
    }
    let mut out = String::new();
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        match line.trim_end() {
            "# lab-begin" => inside = true,
            "# lab-end" => inside = false,
            _ if inside => {}
            _ => out.push_str(line),
        }
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_lab_needs_is_left_out() {
        let text = b"a = 1\n# lab-begin\nb = 2\n# lab-end\nc = 3\n".to_vec();
        assert_eq!(without_lab_lines(text), b"a = 1\nc = 3\n");
        assert_eq!(without_lab_lines(vec![0xff, 0]), vec![0xff, 0]);
    }

    #[test]
    fn rotation_shifts_and_compresses() {
        let dir = std::env::temp_dir().join(format!("lab-rotate-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let log = dir.join("mail.log");
        for text in ["one", "two", "three"] {
            fs::write(&log, text).unwrap();
            rotate(&log, 0).unwrap();
        }
        assert!(!log.exists());
        assert_eq!(fs::read_to_string(dir.join("mail.log.1")).unwrap(), "three");
        assert!(dir.join("mail.log.2.gz").exists() && dir.join("mail.log.3.gz").exists());
        fs::remove_dir_all(&dir).unwrap();
    }
}
