//! scratch
use vauban_evidence::TimeBase;
use vauban_ocsf::*;
use vauban_sources::{Context, LogFormat};
struct C(u64, u64);
impl EventSink for C {
    fn event(&mut self, e: &Event<'_>) { self.0 += 1; self.1 ^= e.time.0 as u64; }
    fn unparsed(&mut self, _: Evidence, _: &'static str) { panic!() }
}
fn main() {
    let b = std::fs::read("/tmp/dtest/access.log").unwrap();
    for l in [
        "nginx log $remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"",
        "nginx log $remote_addr - $remote_user [$time_local] \"$request_method $request_uri $server_protocol\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"",
    ] {
        let c = Context { artefact: ArtefactId(0), time: TimeBase::utc((2026,1,1)), access_layouts: vec![l.into()] };
        let t = std::time::Instant::now();
        let mut s = C(0, 0);
        vauban_sources::web::NGINX_ACCESS.parse(&c, &b, 0, &mut s);
        println!("{} {} MB/s {}", s.0, b.len() as f64 / 1e6 / t.elapsed().as_secs_f64(), s.1);
    }
}
