use super::*;
use quick_xml::{Reader, events::Event};
use std::io::{Cursor, Read};
use std::process::Command;

const KINDS: [DocKind; 9] = [
    DocKind::Annex,
    DocKind::Budget,
    DocKind::Minutes,
    DocKind::Note,
    DocKind::Persons,
    DocKind::Photo,
    DocKind::Programme,
    DocKind::Scan,
    DocKind::Spec,
];

/// Text of an XML member; panics when it is not well formed.
fn xml_text(xml: &str) -> String {
    let mut reader = Reader::from_str(xml);
    let mut text = String::new();
    let mut depth = 0i32;
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            Event::Text(t) => {
                text.push_str(&t.xml10_content());
                text.push('\n');
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "elements closed");
    text
}

fn members(data: &[u8]) -> Vec<(String, String)> {
    let mut zip = zip::ZipArchive::new(Cursor::new(data)).expect("zip opens");
    (0..zip.len())
        .map(|i| {
            let mut f = zip.by_index(i).expect("member");
            let mut data = Vec::new();
            f.read_to_end(&mut data)
                .expect("member is whole and its CRC is right");
            let s = String::from_utf8(data).unwrap_or_default();
            (f.name().expect("member name").to_string(), s)
        })
        .collect()
}

fn have(tool: &str) -> bool {
    Command::new(tool).arg("-v").output().is_ok()
}

#[test]
fn documents_are_what_they_say() {
    let mut rng = Rng::new(11);
    let people = crate::people::ministry(&mut rng);
    let (mut pdf, mut restricted, mut sizes) = (0, 0, Vec::new());
    let pdftotext = have("pdftotext");
    if !pdftotext {
        println!("pdftotext is absent: PDF text is looked for in the file itself");
    }
    for round in 0..24 {
        for kind in KINDS {
            let language = if round % 3 == 0 {
                Language::En
            } else {
                Language::Fr
            };
            let at = 1_750_000_000 + round * 400_000;
            let scene = Scene::draw(&mut rng, &people, &[0, 1], language, at);
            let mark = round % 2 == 0;
            let a = make(kind, &scene, &mut rng, &people, &people[3], at, mark);
            sizes.push(a.data.len());
            assert!(
                (900..60_000).contains(&a.data.len()),
                "{} has {} octets",
                a.filename,
                a.data.len()
            );
            let title = words::title(
                kind,
                language,
                scene.slots.get("projet").unwrap(),
                scene.slots.get("ville").unwrap(),
            );
            let text = match a.content_type {
                "application/pdf" => {
                    pdf += 1;
                    assert!(a.data.starts_with(b"%PDF-1.") && a.data.ends_with(b"%%EOF"));
                    if !pdftotext {
                        continue;
                    }
                    let dir = std::env::temp_dir()
                        .join(format!("vauban-corpus-{}-{pdf}.pdf", std::process::id()));
                    std::fs::write(&dir, &a.data).expect("temporary file");
                    let out = Command::new("pdftotext")
                        .arg(&dir)
                        .arg("-")
                        .output()
                        .expect("pdftotext runs");
                    let _ = std::fs::remove_file(&dir);
                    assert!(
                        out.status.success(),
                        "{}",
                        String::from_utf8_lossy(&out.stderr)
                    );
                    assert!(
                        out.stderr.is_empty(),
                        "{}",
                        String::from_utf8_lossy(&out.stderr)
                    );
                    String::from_utf8(out.stdout).expect("UTF-8")
                }
                "image/png" => {
                    assert!(
                        a.data.starts_with(b"\x89PNG\r\n\x1a\n")
                            && a.data.ends_with(b"IEND\xaeB`\x82")
                    );
                    assert!(!a.restricted);
                    continue;
                }
                "text/csv" => String::from_utf8(a.data.to_vec()).expect("UTF-8"),
                _ => {
                    let all = members(&a.data);
                    if a.content_type == office::ODT {
                        assert_eq!(all[0], ("mimetype".into(), office::ODT.into()));
                        // ODF 1.3 part 2 §3.3: the media type stands uncompressed at offset 38.
                        assert_eq!(&a.data[38..38 + office::ODT.len()], office::ODT.as_bytes());
                    }
                    all.iter()
                        .filter(|(n, _)| n != "mimetype" && !n.ends_with(".png"))
                        .map(|(_, x)| xml_text(x))
                        .collect()
                }
            };
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                flat.contains(&title),
                "{}: no title {title:?} in {flat:.300}",
                a.filename
            );
            assert_eq!(flat.contains(MARKING), mark, "{}", a.filename);
            assert_eq!(a.restricted, mark);
            restricted += usize::from(mark);
        }
    }
    assert!(
        pdf > 40 && restricted > 60,
        "{pdf} PDF, {restricted} restricted"
    );
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2];
    println!("sizes: median {median}, largest {}", sizes[sizes.len() - 1]);
    assert!((4_000..20_000).contains(&median), "median size {median}");
}

/// pandoc reads what we write, where it is installed.
#[test]
fn another_program_reads_them() {
    if !have("pandoc") {
        println!("pandoc is absent: only our own checks are made");
    }
    let mut rng = Rng::new(5);
    let people = crate::people::ministry(&mut rng);
    let mut seen = 0;
    for round in 0..30 {
        let scene = Scene::draw(&mut rng, &people, &[0], Language::Fr, 1_755_000_000);
        let a = make(
            DocKind::Minutes,
            &scene,
            &mut rng,
            &people,
            &people[1],
            1_755_000_000,
            true,
        );
        let ext = a.filename.rsplit('.').next().unwrap_or("").to_string();
        if (ext == "docx" || ext == "odt") && seen < 4 {
            seen += 1;
            members(&a.data);
            if have("pandoc") {
                let path = std::env::temp_dir().join(format!(
                    "vauban-corpus-{}-{round}.{ext}",
                    std::process::id()
                ));
                std::fs::write(&path, &a.data).expect("temporary file");
                let out = Command::new("pandoc")
                    .args(["-t", "plain"])
                    .arg(&path)
                    .output()
                    .expect("pandoc runs");
                let _ = std::fs::remove_file(&path);
                assert!(
                    out.status.success(),
                    "{ext}: {}",
                    String::from_utf8_lossy(&out.stderr)
                );
                assert!(
                    String::from_utf8_lossy(&out.stdout).contains("Compte rendu"),
                    "{ext}"
                );
            }
        }
    }
    assert_eq!(seen, 4);
}
