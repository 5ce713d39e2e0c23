//! Writes a few made-up log-ins and requests as Parquet: `cargo run --example sample -- DIR`.
//! Also measures how many events a second one core turns into files.

use std::time::Instant;
use vauban_lake::ParquetSink;
use vauban_ocsf::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args()
        .nth(1)
        .ok_or("usage: sample DIR [EVENTS]")?;
    let count: u64 = std::env::args().nth(2).map_or(Ok(1000), |n| n.parse())?;
    let mut sink = ParquetSink::new(dir.as_ref(), vec!["var/log/nginx/access.log".into()])?;
    let start = Instant::now();
    let mut piece = sink.chunk();
    for n in 0..count {
        let ip = std::net::IpAddr::from([203, 0, 113, (n % 250) as u8]);
        let query = format!("_task=mail&_action=show&_uid={n}&_mbox=INBOX");
        let body = match n % 16 {
            0 => Body::Logon(Logon {
                user: "anne",
                src_ip: Some(ip),
                status: Status::Success,
                ..Default::default()
            }),
            1 => Body::Mailbox(Mailbox {
                user: "anne",
                mailbox: "INBOX",
                src_ip: Some(ip),
                action: if n % 32 == 1 {
                    MailboxAction::Search
                } else {
                    MailboxAction::Opened
                },
                ..Default::default()
            }),
            2 => Body::Network(Network {
                protocol: 6,
                src_ip: Some(ip),
                ..Default::default()
            }),
            3 => Body::Email(Email {
                queue_id: "4Xyz",
                src_ip: Some(ip),
                ..Default::default()
            }),
            4 => Body::Account(AccountChange {
                user: "anne",
                src_ip: Some(ip),
                ..Default::default()
            }),
            5 => Body::Process(ProcessLaunch {
                user: "root",
                command: "id",
                ..Default::default()
            }),
            6 => Body::Message(Message {
                text: "hello",
                src_ip: Some(ip),
                ..Default::default()
            }),
            _ => Body::Http(Http {
                method: "GET",
                path: "/",
                query: &query,
                user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                status: Some(200),
                bytes_out: Some(n),
                src_ip: Some(ip),
                ..Default::default()
            }),
        };
        piece.event(&Event {
            time: Timestamp(1_765_247_400_000_000 + n as i64 * 1000),
            evidence: Evidence {
                artefact: ArtefactId(0),
                offset: n * 100,
                length: 99,
            },
            product: Product::Nginx,
            host: "webmail",
            pid: None,
            body,
        });
        sink.write(&piece.take_ready())?;
    }
    sink.write(&piece.finish()?)?;
    let files = sink.close()?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{count} events in {seconds:.2} s, {:.0} a second",
        count as f64 / seconds
    );
    for f in files {
        println!("{}: {} rows", f.path.display(), f.rows);
    }
    Ok(())
}
