//! What stands in files and not in events.

use vauban_case::contract::Case;
use vauban_evidence::{Collection, Problem};
use vauban_ocsf::Finding;
use vauban_persist::{CollectionTree, Options, Rules};

/// What an intruder left in files: web shells, keys, jobs, redirects, changed packages' files.
pub fn inspect(collection: &Collection, case: &Case, problems: &mut Vec<Problem>) -> Vec<Finding> {
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
    let tree = CollectionTree::new(collection);
    let report = vauban_persist::scan(&tree, &options, &Rules::builtin());
    problems.extend(
        report
            .problems
            .into_iter()
            .map(|p| Problem::warning(p.path, p.reason)),
    );
    report.findings
}
