//! The files of a collection as a host's tree, for what stands in files and not in events.

use vauban_case::contract::Case;
use vauban_evidence::{Collection, Problem};
use vauban_ocsf::{ArtefactId, Finding};
use vauban_persist::{File, Options, Rules, Tree};

struct Files<'a> {
    collection: &'a Collection,
    ids: Vec<ArtefactId>,
    files: Vec<File>,
}

impl Tree for Files<'_> {
    fn files(&self) -> &[File] {
        &self.files
    }

    fn read(&self, index: usize, limit: usize) -> Result<Vec<u8>, String> {
        let id = self.ids.get(index).ok_or("no such file")?;
        self.collection
            .read_range(*id, 0, limit)
            .map_err(|e| e.to_string())
    }
}

/// What an intruder left in files: web shells, keys, jobs, redirects, changed packages' files.
pub fn inspect(collection: &Collection, case: &Case, problems: &mut Vec<Problem>) -> Vec<Finding> {
    let mut tree = Files {
        collection,
        ids: Vec::new(),
        files: Vec::new(),
    };
    for a in collection.artefacts() {
        tree.ids.push(a.id);
        tree.files.push(File {
            artefact: a.path.clone(),
            path: a.logical_path(),
            size: a.size,
            mode: a.mode,
            modified: a.modified,
            ..File::default()
        });
    }
    let mut own_domains: Vec<String> = case
        .accounts
        .iter()
        .filter_map(|a| Some(a.account.rsplit_once('@')?.1.to_lowercase()))
        .collect();
    own_domains.sort();
    own_domains.dedup();
    let options = Options {
        own_domains,
        ..Options::default()
    };
    let report = vauban_persist::scan(&tree, &options, &Rules::builtin());
    problems.extend(
        report
            .problems
            .into_iter()
            .map(|p| Problem::warning(p.path, p.reason)),
    );
    report.findings
}
