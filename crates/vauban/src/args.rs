//! Every argument, defined once: parser, help, man pages and completions come from here.

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;

/// From an advisory about a mail-server breach to a verdict on your own servers.
#[derive(Debug, Parser)]
#[command(
    name = "vauban",
    version,
    about,
    arg_required_else_help = true,
    after_help = "Exit status: 0 nothing found; 1 found, or not settled; 2 could not run.\n\
                  Try: vauban investigate /mnt/copy-of-mail1 --out case"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Was this server breached, what was read, what left, and what cannot be known?
    Investigate(Investigate),
    /// What do rules, indicators and behaviour say about this server's logs, mail and files?
    Hunt(Hunt),
    /// Follow logs without end, and deliver every finding once.
    Watch(crate::cmd::watch::Watch),
    /// Check rule files and run the examples they carry.
    Rules(Rules),
    /// Write the man pages.
    #[command(hide = true)]
    Man(Out),
    /// Write the completions for bash, zsh and fish.
    #[command(hide = true)]
    Completions(Out),
}

/// What may be given, for help and man page.
pub const EVIDENCE: &str = "\
Evidence is what was copied from a mail server: logs, mail store, configuration, webmail database, \
flow records, in any mix of directories, archives (tar, zip, gz, xz, zst, bz2, nested) and files. \
What a file is, is told by its content. The evidence is only read.";

/// Exit status of `vauban investigate`.
pub const EXIT_STATUS: &str =
    "0 no evidence of a breach; 1 breached, or inconclusive; 2 could not run.";

/// Examples of `vauban investigate`.
pub const EXAMPLES: [&str; 3] = [
    "vauban investigate /mnt/copy-of-mail1",
    "vauban investigate mail1.tar.gz web1.tar.gz --advisory alert.html --out case --lang fr",
    "vauban investigate /mnt/copy-of-mail1 --format json | jq .verdict",
];

fn after_investigate() -> String {
    let examples = EXAMPLES.join("\n  ");
    format!("{EVIDENCE}\n\nExit status: {EXIT_STATUS}\n\nExamples:\n  {examples}")
}

/// `vauban investigate`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_help = after_investigate())]
pub struct Investigate {
    /// Directories, archives or files copied from the servers.
    #[arg(required = true, value_name = "EVIDENCE", value_hint = ValueHint::AnyPath)]
    pub evidence: Vec<PathBuf>,
    /// Look for what this advisory names: article (HTML, text), STIX bundle, MISP event, CSV.
    /// Repeatable.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub advisory: Vec<PathBuf>,
    /// Write the report into this directory, made if need be; without it only the summary is
    /// printed.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Write into the report directory although it is not empty; an earlier report in it is
    /// replaced, other files stay.
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Language of the summary and of the report.
    #[arg(long, value_enum, default_value_t = Language::En)]
    pub lang: Language,
    /// What is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Judge by rule files of your own too, from sessions/, lures/ and markings/ in this directory.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub rules: Option<PathBuf>,
    /// Leave events/*.parquet out of the report directory.
    #[arg(long)]
    pub no_events: bool,
    /// Number of threads [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// Directory for lists too long for memory; best on a disk [default: $TMPDIR, or /var/tmp].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub scratch: Option<PathBuf>,
    /// Show no progress, and do not list what could not be read.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Languages.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
}

/// What is printed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A summary of one screen.
    Text,
    /// The whole case, as in case.json.
    Json,
}

fn after_hunt() -> String {
    format!(
        "{EVIDENCE}\n\n\
         With --events, each event is a JSON object on a line of its own; its fields product, \
         category and service, if it has them, tell which rules apply. Events are counted from 0, \
         and every match is printed, whatever its level.\n\n\
         Exit status: 0 nothing found; 1 found; 2 could not run.\n\n\
         Examples:\n  \
         vauban hunt /mnt/copy-of-mail1\n  \
         vauban hunt /var/log --indicators feed.json --level low --format jsonl > findings.jsonl\n  \
         vauban hunt --rules sigma/rules --events events.jsonl --format jsonl | jq .rule_title"
    )
}

/// `vauban hunt`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_help = after_hunt())]
pub struct Hunt {
    /// Directories, archives or files to look at.
    #[arg(value_name = "EVIDENCE", value_hint = ValueHint::AnyPath, required_unless_present = "events", conflicts_with = "events")]
    pub evidence: Vec<PathBuf>,
    /// Directories or files of Sigma rules, correlations and filters, used beside those built in;
    /// with --events, instead of them.
    #[arg(long, num_args = 1.., value_name = "DIR", value_hint = ValueHint::AnyPath)]
    pub rules: Vec<PathBuf>,
    /// Look for what this advisory or feed names: STIX bundle, MISP event, CSV, text, HTML.
    /// Repeatable.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "events")]
    pub indicators: Vec<PathBuf>,
    /// The least level that is told.
    #[arg(long, value_enum, default_value_t = HuntLevel::Medium)]
    pub level: HuntLevel,
    /// JSON events, one a line; - is standard input.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub events: Option<PathBuf>,
    /// What is printed.
    #[arg(long, value_enum, default_value_t = HuntFormat::Text)]
    pub format: HuntFormat,
    /// Try every rule on every event, whatever logsource either names.
    #[arg(long)]
    pub no_routing: bool,
    /// Tell of a correlation once for each group, not at every further event.
    #[arg(long)]
    pub once: bool,
    /// A value for %NAME% in rules that use it (modifier expand). Repeatable.
    #[arg(long, value_name = "NAME=VALUE")]
    pub placeholder: Vec<String>,
    /// Number of threads [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// Do not list what could not be read or used.
    #[arg(long, short)]
    pub quiet: bool,
}

/// How much a finding matters, in Sigma's words.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum HuntLevel {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

/// What `vauban hunt` prints.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum HuntFormat {
    /// Lines for a person.
    Text,
    /// A JSON object for each match; over evidence an OCSF Detection Finding.
    Jsonl,
    /// Matches counted by rule.
    Table,
    /// A SARIF 2.1.0 log.
    Sarif,
}

/// `vauban rules`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Without a command: rules of all kinds are checked and their examples run.\n\n\
Exit status: 0 every example comes out as it says; 1 one does not, or something is doubtful; 2 a \
file is no rule, or could not run.\n\n\
Examples:\n  \
vauban rules list --evidence /mnt/copy-of-mail1\n  \
vauban rules explain mail_spray_then_login\n  \
vauban rules check my-rules/ && vauban rules test my-rules/"
)]
pub struct Rules {
    /// What to do with Sigma rules.
    #[command(subcommand)]
    pub action: Option<RulesAction>,
    /// Rule files of your own (sessions/, lures/, markings/, sigma/ in it), checked beside those
    /// built in.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

/// Commands of `vauban rules`.
#[derive(Debug, Subcommand)]
pub enum RulesAction {
    /// Say what is wrong or doubtful in Sigma rules.
    Check(RulesCheck),
    /// List Sigma rules; with evidence, those that can never fire on it, and why.
    List(RulesList),
    /// Say in words what a rule looks for.
    Explain(RulesExplain),
    /// Run the log lines that stand beside Sigma rules as examples.
    Test(RulesTest),
}

/// `vauban rules check`.
#[derive(Debug, Args)]
pub struct RulesCheck {
    /// Directories or files of Sigma rules [default: those built in].
    #[arg(value_name = "RULES", value_hint = ValueHint::AnyPath)]
    pub rules: Vec<PathBuf>,
    /// Also tell what could be better, and which rules cannot match any event of Vauban's.
    #[arg(long)]
    pub notes: bool,
    /// What is printed.
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub format: TextFormat,
}

/// `vauban rules list`.
#[derive(Debug, Args)]
pub struct RulesList {
    /// Directories or files of Sigma rules [default: those built in].
    #[arg(value_name = "RULES", value_hint = ValueHint::AnyPath)]
    pub rules: Vec<PathBuf>,
    /// Tell which rules can never fire on this evidence: their logsource has no event in it, or a
    /// field they need never occurs. Repeatable.
    #[arg(long, value_name = "EVIDENCE", value_hint = ValueHint::AnyPath)]
    pub evidence: Vec<PathBuf>,
    /// What is printed.
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub format: TextFormat,
}

/// `vauban rules explain`.
#[derive(Debug, Args)]
pub struct RulesExplain {
    /// The rule's id, name or title.
    #[arg(value_name = "RULE")]
    pub rule: String,
    /// Directories or files of Sigma rules [default: those built in].
    #[arg(value_name = "RULES", value_hint = ValueHint::AnyPath)]
    pub rules: Vec<PathBuf>,
}

/// `vauban rules test`.
#[derive(Debug, Args)]
pub struct RulesTest {
    /// Directories or files of Sigma rules [default: those built in].
    #[arg(value_name = "RULES", value_hint = ValueHint::AnyPath)]
    pub rules: Vec<PathBuf>,
    /// What is printed.
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub format: TextFormat,
}

/// What is printed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// Lines for a person.
    Text,
    /// JSON.
    Json,
}

/// Where to write.
#[derive(Debug, Args)]
pub struct Out {
    /// Directory, made if need be.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
}
