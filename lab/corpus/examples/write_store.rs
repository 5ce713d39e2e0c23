//! Writes the ministry's messages as `.eml` files: `write_store DIR [SEED]`, to look at them.

use std::path::PathBuf;
use vauban_corpus::{Corpus, Lookalike, Lure, MINISTRY_END, Rng};

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let dir = PathBuf::from(args.next().unwrap_or_else(|| "store".into()));
    let seed = args.next().and_then(|s| s.parse().ok()).unwrap_or(7);
    let corpus = Corpus::ministry(seed);
    for (i, m) in corpus.mails.iter().enumerate() {
        let folder = dir.join(&corpus.people[m.owner].user).join(&m.folder);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("{i:05}.eml")), &m.raw)?;
    }
    let extra = dir.join("lures");
    std::fs::create_dir_all(&extra)?;
    let mut rng = Rng::new(seed);
    for kind in Lure::ALL {
        let m = corpus.lure(kind, &mut rng, 0, MINISTRY_END);
        std::fs::write(extra.join(format!("{kind:?}.eml")), &m.raw)?;
    }
    for kind in Lookalike::ALL {
        let m = corpus.lookalike(kind, &mut rng, 0, MINISTRY_END);
        std::fs::write(extra.join(format!("harmless-{kind:?}.eml")), &m.raw)?;
    }
    let octets: usize = corpus.mails.iter().map(|m| m.raw.len()).sum();
    println!(
        "{} messages, {octets} octets in {}",
        corpus.mails.len(),
        dir.display()
    );
    Ok(())
}
