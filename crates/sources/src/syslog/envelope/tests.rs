use super::*;
use vauban_evidence::TimeBase;

#[test]
fn layouts() {
    let base = TimeBase::utc((2025, 12, 31));
    let clock = Clock::new(&base);
    // line, time, host, tag, pid, message
    type Case = (
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        Option<u32>,
        &'static str,
    );
    let cases: &[Case] = &[
        (
            "Dec  9 02:03:04 mx postfix/submission/smtpd[12]: connect",
            "2025-12-09T02:03:04Z",
            "mx",
            "postfix/submission/smtpd",
            Some(12),
            "connect",
        ),
        (
            "<22>Dec  9 02:03:04 mx dovecot: imap: x",
            "2025-12-09T02:03:04Z",
            "mx",
            "dovecot",
            None,
            "imap: x",
        ),
        (
            "2025-12-09T02:03:04.5+01:00 mx dovecot: x",
            "2025-12-09T01:03:04.500000Z",
            "mx",
            "dovecot",
            None,
            "x",
        ),
        (
            "<38>1 2019-07-08T17:40:17-04:00 h sshd 5 - [a b=\"]\\\"\"][c d=\"e\"] Failed x",
            "2019-07-08T21:40:17Z",
            "h",
            "sshd",
            Some(5),
            "Failed x",
        ),
        (
            "<38>1 2019-07-08T17:40:17Z - sshd - - - x",
            "2019-07-08T17:40:17Z",
            "",
            "sshd",
            None,
            "x",
        ),
        (
            "Dec 09 02:03:04 imap-login: Info: Login",
            "2025-12-09T02:03:04Z",
            "",
            "imap-login",
            None,
            "Info: Login",
        ),
        (
            "Dec 09 02:03:04 imap(u)<1><s>: Info: x",
            "2025-12-09T02:03:04Z",
            "",
            "imap",
            None,
            "imap(u)<1><s>: Info: x",
        ),
        (
            "Dec  9 02:03:04 [sshd]: User root",
            "2025-12-09T02:03:04Z",
            "",
            "sshd",
            None,
            "User root",
        ),
        (
            "Dec  9 02:03:04 sshd[7]: x",
            "2025-12-09T02:03:04Z",
            "",
            "sshd",
            Some(7),
            "x",
        ),
        (
            "2025-12-09 02:03:04 1vSmXX-0001Ab-2C <= a@b H=x",
            "2025-12-09T02:03:04Z",
            "",
            "",
            None,
            "1vSmXX-0001Ab-2C <= a@b H=x",
        ),
        (
            "2025-12-09 02:03:04 H=x (y) [192.0.2.1] F=<a@b> rejected",
            "2025-12-09T02:03:04Z",
            "",
            "",
            None,
            "H=x (y) [192.0.2.1] F=<a@b> rejected",
        ),
        (
            "2025-12-09 02:03:04,388 fail2ban.actions        [123]: NOTICE  [x] Ban",
            "2025-12-09T02:03:04.388000Z",
            "",
            "fail2ban.actions",
            Some(123),
            "NOTICE  [x] Ban",
        ),
        (
            "2025-12-09T02:03:04.1Z stdout F Dec  9 02:03:04 mx dovecot: x",
            "2025-12-09T02:03:04Z",
            "mx",
            "dovecot",
            None,
            "x",
        ),
        (
            "mail-1  | Dec  9 02:03:04 mx dovecot: x",
            "2025-12-09T02:03:04Z",
            "mx",
            "dovecot",
            None,
            "x",
        ),
        (
            "@400000004c91b044077a9e94 dovecot-auth: x",
            "2010-09-16T05:50:50.125476Z",
            "",
            "dovecot-auth",
            None,
            "x",
        ),
        (
            "2025-12-09T02:03:04-07:00 INFO kernel: [1.0] x",
            "2025-12-09T09:03:04Z",
            "",
            "kernel",
            None,
            "[1.0] x",
        ),
        (
            "1765245784.5 mx dovecot: x",
            "2025-12-09T02:03:04.500000Z",
            "mx",
            "dovecot",
            None,
            "x",
        ),
    ];
    for &(line, time, host, tag, pid, message) in cases {
        let e = open(line, &clock).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(
            (e.time.to_string().as_str(), e.host, e.tag, e.pid, e.message),
            (time, host, tag, pid, message),
            "{line}"
        );
    }
    assert!(open("no stamp here", &clock).is_none());
}
