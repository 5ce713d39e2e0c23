//! shadow's tools: accounts created, deleted, given another password.

use super::{Accounted, Out, Program, Record};
use vauban_ocsf::{AccountActivity, AccountChange, Body, Product, Status};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    matches!(
        record.program,
        "useradd" | "userdel" | "usermod" | "passwd" | "chpasswd" | "chage"
    )
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let text = record.message;
    // `pam_unix(passwd:chauthtok): password changed for alice` is PAM's and read there.
    let (activity, user) = if let Some(rest) = text.strip_prefix("new user: name=") {
        (
            AccountActivity::Create,
            rest.split(',').next().unwrap_or_default(),
        )
    } else if let Some(rest) = text.strip_prefix("delete user '") {
        (
            AccountActivity::Delete,
            rest.split('\'').next().unwrap_or_default(),
        )
    } else if let Some((_, user)) = text.split_once("password changed for ") {
        (AccountActivity::PasswordChange, user.trim_end())
    } else if let Some(rest) = text.strip_prefix("change user '") {
        let (user, what) = rest.split_once("' ").unwrap_or((rest, ""));
        let password = what.starts_with("password");
        let activity = if password {
            AccountActivity::PasswordChange
        } else {
            AccountActivity::Other
        };
        (activity, user)
    } else {
        return out.ignored(record);
    };
    let change = AccountChange {
        activity,
        user,
        status: Status::Success,
        detail: text,
        ..AccountChange::default()
    };
    out.event(record, Product::Other, Body::Account(change))
}
