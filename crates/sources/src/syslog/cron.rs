//! cron: `(USER) CMD (COMMAND)`.

use super::{Accounted, Out, Program, Record};
use vauban_ocsf::{Body, ProcessLaunch, Product, Status};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    matches!(
        record.program,
        "CRON" | "cron" | "crond" | "anacron" | "crontab" | "CROND"
    )
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let Some((user, rest)) = crate::field::enclosed(record.message, "(", ") ") else {
        return out.ignored(record);
    };
    // crontab's `(root) REPLACE (alice)`: a table of commands was changed.
    let command = match rest
        .strip_prefix("CMD (")
        .or_else(|| rest.strip_prefix("CMD ["))
    {
        Some(command) => command.strip_suffix([')', ']']).unwrap_or(command).trim(),
        None if rest.starts_with("REPLACE") || rest.starts_with("DELETE") => rest,
        None => return out.ignored(record),
    };
    let launch = ProcessLaunch {
        user,
        target_user: user,
        command,
        status: Status::Success,
        ..ProcessLaunch::default()
    };
    out.event(record, Product::Cron, Body::Process(launch))
}
