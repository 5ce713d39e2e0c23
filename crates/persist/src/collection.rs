//! Copied evidence as a [`Tree`].

use crate::tree::{File, Tree};
use vauban_evidence::{Collection, Kind};
use vauban_ocsf::ArtefactId;

/// The artefacts and links of a collection. Members of archives stand where they stood on their
/// host; containers themselves are left out, and so are bytes that stand twice in one place.
pub struct CollectionTree<'c> {
    collection: &'c Collection,
    files: Vec<File>,
    ids: Vec<Option<ArtefactId>>,
}

impl<'c> CollectionTree<'c> {
    /// Takes all of a collection; reads nothing yet.
    pub fn new(collection: &'c Collection) -> Self {
        let (mut files, mut ids) = (Vec::new(), Vec::new());
        for a in collection
            .artefacts()
            .iter()
            .filter(|a| a.kind != Kind::Container)
        {
            files.push(File {
                artefact: a.path.clone(),
                path: a.logical_path(),
                size: a.size,
                mode: a.mode,
                owner: None,
                modified: a.modified,
                link: None,
            });
            ids.push(Some(a.id));
        }
        for l in collection.links() {
            files.push(File {
                artefact: l.path.clone(),
                path: vauban_evidence::logical_path(&l.path),
                link: Some(l.target.clone()),
                ..File::default()
            });
            ids.push(None);
        }
        Self {
            collection,
            files,
            ids,
        }
    }

    /// The artefact that a place of a finding names, for callers that keep evidence by number.
    pub fn artefact(&self, path: &str) -> Option<ArtefactId> {
        let at = self.files.iter().position(|f| f.artefact == path)?;
        *self.ids.get(at)?
    }
}

impl Tree for CollectionTree<'_> {
    fn files(&self) -> &[File] {
        &self.files
    }

    fn read(&self, index: usize, limit: usize) -> Result<Vec<u8>, String> {
        let id = self
            .ids
            .get(index)
            .copied()
            .flatten()
            .ok_or("a link has no bytes")?;
        self.collection
            .read_all(id, limit)
            .map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Rules, scan};
    use vauban_evidence::Limits;

    #[test]
    fn evidence_on_disk() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir
            .path()
            .join("host1/var/mail/vhosts/corp.example/anna.berg");
        std::fs::create_dir_all(home.join("sieve")).unwrap();
        std::fs::create_dir_all(dir.path().join("host1/etc")).unwrap();
        std::fs::write(dir.path().join("host1/etc/mailname"), "corp.example\n").unwrap();
        std::fs::write(
            home.join("sieve/a.sieve"),
            "redirect :copy \"x@y.example\";\n",
        )
        .unwrap();
        std::os::unix::fs::symlink("sieve/a.sieve", home.join(".dovecot.sieve")).unwrap();
        let collection = Collection::open(&[dir.path().to_owned()], &Limits::default(), &|_| {});
        let tree = CollectionTree::new(&collection);
        let report = scan(&tree, &Options::default(), &Rules::builtin());
        let found: Vec<_> = report.findings.iter().map(|f| f.rule.as_str()).collect();
        assert_eq!(found, ["sieve-redirect-foreign"]);
        let place = &report.findings[0].places[0];
        assert_eq!(place.line, Some(1));
        assert!(tree.artefact(&place.artefact).is_some(), "{place:?}");
    }
}
