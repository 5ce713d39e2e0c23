//! What was installed: dpkg's `status`, lists that `rpm -qa` printed, and dpkg's `*.md5sums`.

use memchr::memchr;
use std::collections::BTreeMap;
use vauban_ocsf::{ArtefactId, Evidence, Timestamp};

/// An installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Name, without architecture.
    pub name: String,
    /// Source package, where it differs (`Source:`), else the name. rpm: the name.
    pub source: String,
    /// Version: dpkg's `epoch:upstream-revision`; rpm's `epoch:version-release`, the epoch only
    /// where the list has it.
    pub version: String,
    /// Version of the source, where `Source: name (version)` gives another.
    pub source_version: String,
    /// Architecture, or `""`.
    pub architecture: String,
    /// Whether it is there: dpkg keeps the entries of removed packages. rpm lists only installed
    /// ones.
    pub installed: bool,
    /// dpkg's three words ("install ok installed"); `""` for rpm.
    pub status: String,
    /// rpm's install time, where the query printed it.
    pub installed_at: Option<Timestamp>,
    /// Where it says so.
    pub evidence: Evidence,
}

/// Reads dpkg's `status` (deb-control(5) stanzas). Stanzas without a package or version are left
/// out; their places are returned beside.
pub fn dpkg_status(bytes: &[u8], artefact: ArtefactId) -> (Vec<Package>, Vec<Evidence>) {
    let (mut packages, mut unread) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = stanza_length(rest);
        let stanza = rest.get(..length).unwrap_or_default();
        let text = stanza.trim_ascii_end();
        if !text.is_empty() {
            let evidence = Evidence {
                artefact,
                offset: at as u64,
                length: u32::try_from(text.len()).unwrap_or(u32::MAX),
            };
            match stanza_package(&String::from_utf8_lossy(text), evidence) {
                Some(package) => packages.push(package),
                None => unread.push(evidence),
            }
        }
        at += length.max(1);
    }
    (packages, unread)
}

/// Bytes up to and with the empty line that ends a stanza.
fn stanza_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(newline) = bytes.get(at..).and_then(|rest| memchr(b'\n', rest)) {
        let line = bytes.get(at..at + newline).unwrap_or_default();
        at += newline + 1;
        if line.trim_ascii().is_empty() {
            return at;
        }
    }
    bytes.len()
}

fn stanza_package(stanza: &str, evidence: Evidence) -> Option<Package> {
    let field = |name: &str| {
        stanza.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let name = field("Package")?.to_owned();
    let version = field("Version").unwrap_or_default().to_owned();
    let status = field("Status").unwrap_or_default().to_owned();
    // A package of which only the configuration is left has a version; one never unpacked none.
    if version.is_empty() && status.is_empty() {
        return None;
    }
    let (source, source_version) = match field("Source") {
        Some(source) => match source.split_once(" (") {
            Some((source, version)) => {
                (source.to_owned(), version.trim_end_matches(')').to_owned())
            }
            None => (source.to_owned(), String::new()),
        },
        None => (name.clone(), String::new()),
    };
    // A lone stanza of an archive's `Packages` file has no status and is not installed.
    let installed = status.split_ascii_whitespace().nth(2).is_some_and(|state| {
        matches!(state, "installed" | "triggers-pending" | "triggers-awaited")
    });
    Some(Package {
        source,
        source_version: if source_version.is_empty() {
            version.clone()
        } else {
            source_version
        },
        architecture: field("Architecture").unwrap_or_default().to_owned(),
        name,
        version,
        installed,
        status,
        installed_at: None,
        evidence,
    })
}

/// Reads the output of `rpm -qa`, one package a line, in any of the usual forms:
/// `name-version-release.arch` (the default), the same followed by a blank and the install date
/// (`rpm -qa --last`), and fields separated by tabs, blanks, `|`, `;` or commas in the order name,
/// version(-release), release, arch (query formats of inventories). Lines that are none are
/// returned beside.
pub fn rpm_list(bytes: &[u8], artefact: ArtefactId) -> (Vec<Package>, Vec<Evidence>) {
    let (mut packages, mut unread) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        let raw = rest.get(..length).unwrap_or_default();
        let line = String::from_utf8_lossy(raw);
        let text = line.trim();
        if !text.is_empty() {
            let evidence = Evidence {
                artefact,
                offset: at as u64,
                length: u32::try_from(raw.trim_ascii_end().len()).unwrap_or(u32::MAX),
            };
            match rpm_line(text, evidence) {
                Some(package) => packages.push(package),
                None => unread.push(evidence),
            }
        }
        at += length + 1;
    }
    (packages, unread)
}

const ARCHITECTURES: &[&str] = &[
    "x86_64", "noarch", "i686", "i586", "i386", "aarch64", "ppc64le", "s390x", "armv7hl",
    "riscv64", "(none)",
];

fn rpm_line(text: &str, evidence: Evidence) -> Option<Package> {
    let make = |name: &str, version: String, architecture: &str, at: Option<Timestamp>| {
        let plain = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+-._~^:".contains(&b))
        };
        (plain(name) && plain(&version) && version.bytes().any(|b| b.is_ascii_digit())).then(|| {
            Package {
                name: name.to_owned(),
                source: name.to_owned(),
                source_version: version.clone(),
                version,
                architecture: if architecture == "(none)" {
                    ""
                } else {
                    architecture
                }
                .to_owned(),
                installed: true,
                status: String::new(),
                installed_at: at,
                evidence,
            }
        })
    };
    let fields: Vec<&str> = text
        .split(['\t', ' ', '|', ';', ','])
        .map(|field| field.trim_matches('"'))
        .filter(|field| !field.is_empty())
        .collect();
    // `name-version-release.arch`, alone or followed by a date.
    let first = *fields.first()?;
    if let Some((name, version, architecture)) = nevra(first)
        && (fields.len() == 1 || !fields.get(1)?.starts_with(|c: char| c.is_ascii_digit()))
    {
        return make(name, version, architecture, rpm_date(fields.get(1..)?));
    }
    let (&name, rest) = fields.split_first()?;
    let (&version, rest) = rest.split_first()?;
    let mut version = version
        .strip_prefix("(none):")
        .unwrap_or(version)
        .to_owned();
    let mut architecture = "";
    let mut at = None;
    for field in rest {
        if ARCHITECTURES.contains(field) {
            architecture = field;
        } else if field.len() >= 9 && field.bytes().all(|b| b.is_ascii_digit()) {
            at = field.parse().ok().map(Timestamp::from_seconds);
        } else if !version.contains('-') && field.bytes().any(|b| b.is_ascii_digit()) {
            version = format!("{version}-{field}");
        }
    }
    if let Some((front, arch)) = version.rsplit_once('.')
        && ARCHITECTURES.contains(&arch)
    {
        architecture = ARCHITECTURES.iter().find(|&&known| known == arch)?;
        version = front.to_owned();
    }
    make(name, version, architecture, at)
}

/// `name-[epoch:]version-release.arch`, also `epoch:name-…` as dnf prints it.
fn nevra(text: &str) -> Option<(&str, String, &str)> {
    let (rest, architecture) = match text.rsplit_once('.') {
        Some((rest, arch)) if ARCHITECTURES.contains(&arch) => (rest, arch),
        // `rpm -qa` without architecture in its format (RHEL 5).
        _ => (text, ""),
    };
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let release_fits = release.starts_with(|c: char| c.is_ascii_alphanumeric());
    let version_fits = version.starts_with(|c: char| c.is_ascii_alphanumeric())
        && version.bytes().any(|b| b.is_ascii_digit());
    if !release_fits || !version_fits {
        return None;
    }
    match name.split_once(':') {
        Some((epoch, name)) if epoch.bytes().all(|b| b.is_ascii_digit()) => {
            Some((name, format!("{epoch}:{version}-{release}"), architecture))
        }
        _ => Some((name, format!("{version}-{release}"), architecture)),
    }
}

/// `rpm -qa --last`: `Tue 09 Dec 2025 02:30:00 AM CET`. Only a zone that is UTC gives an instant.
fn rpm_date(fields: &[&str]) -> Option<Timestamp> {
    let [_, day, month, year, clock, rest @ ..] = fields else {
        return None;
    };
    let zone = rest.last()?;
    if !matches!(*zone, "UTC" | "GMT") {
        return None;
    }
    let (mut hour, minute, second) = crate::stamp::clock_time(clock.as_bytes(), 0)?;
    match rest.first() {
        Some(&"PM") if hour < 12 => hour += 12,
        Some(&"AM") if hour == 12 => hour = 0,
        _ => {}
    }
    let civil = crate::stamp::Civil {
        year: year.parse().ok()?,
        month: crate::stamp::month(month.as_bytes(), 0)?,
        day: day.parse().ok()?,
        hour,
        minute,
        second,
        micros: 0,
    };
    Some(civil.checked()?.at_offset(0))
}

/// Reads `var/lib/dpkg/info/PACKAGE.md5sums`: path (with a leading `/`) to MD5 as packaged. For
/// telling files of a web root that were changed since they were installed; MD5 is what dpkg has,
/// and a match means "not changed by accident or by someone who did not bother", no more.
pub fn md5sums(text: &str) -> BTreeMap<String, [u8; 16]> {
    let mut sums = BTreeMap::new();
    for line in text.lines() {
        // 32 hexadecimal digits, two blanks, path.
        let Some((digits, path)) = line.split_once("  ") else {
            continue;
        };
        let mut sum = [0; 16];
        let valid = digits.len() == 32
            && sum.iter_mut().enumerate().all(|(i, byte)| {
                digits
                    .get(2 * i..2 * i + 2)
                    .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                    .map(|value| *byte = value)
                    .is_some()
            });
        if valid && !path.is_empty() {
            sums.insert(format!("/{}", path.trim_start_matches('/')), sum);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dpkg() {
        let text = "Package: roundcube-core\nStatus: install ok installed\nArchitecture: all\n\
                    Source: roundcube\nVersion: 1.6.5+dfsg-1+deb12u13\nDescription: webmail\n \
                    Version: 9 in the description\n\n\
                    Package: libssl3\nStatus: deinstall ok config-files\nSource: openssl (3.0.1-2)\n\
                    Version: 3.0.1-2+b1\n\nFoo: bar\n";
        let (packages, unread) = dpkg_status(text.as_bytes(), ArtefactId(0));
        let facts: Vec<_> = packages
            .iter()
            .map(|p| {
                (
                    &*p.name,
                    &*p.version,
                    &*p.source,
                    &*p.source_version,
                    p.installed,
                )
            })
            .collect();
        assert_eq!(
            facts,
            [
                (
                    "roundcube-core",
                    "1.6.5+dfsg-1+deb12u13",
                    "roundcube",
                    "1.6.5+dfsg-1+deb12u13",
                    true
                ),
                ("libssl3", "3.0.1-2+b1", "openssl", "3.0.1-2", false),
            ]
        );
        assert_eq!(unread.len(), 1);
        assert_eq!(
            &text[packages[1].evidence.offset as usize..][..16],
            "Package: libssl3"
        );
    }

    #[test]
    fn rpm() {
        for (line, name, version, architecture) in [
            (
                "dovecot-2.3.16-11.el9.x86_64",
                "dovecot",
                "2.3.16-11.el9",
                "x86_64",
            ),
            (
                "httpd-filesystem-2.4.57-5.el9.noarch",
                "httpd-filesystem",
                "2.4.57-5.el9",
                "noarch",
            ),
            (
                "gpg-pubkey-fd431d51-4ae0493b",
                "gpg-pubkey",
                "fd431d51-4ae0493b",
                "",
            ),
            (
                "postfix-2:3.5.9-24.el9.x86_64",
                "postfix",
                "2:3.5.9-24.el9",
                "x86_64",
            ),
            (
                "2:postfix-3.5.9-24.el9.x86_64",
                "postfix",
                "2:3.5.9-24.el9",
                "x86_64",
            ),
            (
                "postfix-3.5.9-24.el9.x86_64        Tue 09 Dec 2025 02:30:00 AM UTC",
                "postfix",
                "3.5.9-24.el9",
                "x86_64",
            ),
            (
                "postfix\t3.5.9-24.el9\tx86_64",
                "postfix",
                "3.5.9-24.el9",
                "x86_64",
            ),
            (
                "postfix 3.5.9 24.el9 x86_64 1765245800",
                "postfix",
                "3.5.9-24.el9",
                "x86_64",
            ),
            ("postfix|2:3.5.9|24.el9", "postfix", "2:3.5.9-24.el9", ""),
            (
                "postfix,3.5.9-24.el9.x86_64",
                "postfix",
                "3.5.9-24.el9",
                "x86_64",
            ),
        ] {
            let (packages, unread) = rpm_list(line.as_bytes(), ArtefactId(0));
            assert!(unread.is_empty(), "{line}");
            assert_eq!(
                (
                    &*packages[0].name,
                    &*packages[0].version,
                    &*packages[0].architecture
                ),
                (name, version, architecture),
                "{line}"
            );
        }
        let (packages, _) = rpm_list(
            b"a-1-2.noarch Tue 09 Dec 2025 02:30:00 PM UTC",
            ArtefactId(0),
        );
        assert_eq!(
            packages[0].installed_at.map(|at| at.to_string()).as_deref(),
            Some("2025-12-09T14:30:00Z")
        );
        assert_eq!(rpm_list(b"error: no database\n", ArtefactId(0)).1.len(), 1);
    }

    #[test]
    fn sums() {
        let text = "d41d8cd98f00b204e9800998ecf8427e  usr/share/roundcube/index.php\nxx  y\n";
        let sums = md5sums(text);
        assert_eq!(sums.len(), 1);
        assert_eq!(sums["/usr/share/roundcube/index.php"][0], 0xd4);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[a-z:.\\-0-9 |\n]{0,80}") {
            let artefact = ArtefactId(0);
            let _ = (dpkg_status(&bytes, artefact), rpm_list(&bytes, artefact));
            let _ = (dpkg_status(text.as_bytes(), artefact), rpm_list(text.as_bytes(), artefact));
            let _ = md5sums(&text);
        }
    }
}
