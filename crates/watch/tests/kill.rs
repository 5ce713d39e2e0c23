//! SIGKILL at random moments while logs are written and rotated: the findings are those of a watch
//! that nobody disturbed, none missing, none twice.

mod common;

use common::{Random, expected, findings, quoted, seed};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use vauban_watch::Until;

const KILLS: u32 = 200;
const LOGS: usize = 3;

fn config(dir: &Path, name: &str) -> String {
    format!(
        "state = {}\ncheckpoint_ms = 20\npoll_ms = 5\n\
         [[file]]\npath = {}\nfrom = 'beginning'\ndrain_seconds = 5\n\
         [[sink.file]]\npath = {}\n",
        quoted(dir.join(format!("state-{name}"))),
        quoted(dir.join("log*.log")),
        quoted(dir.join(format!("{name}.jsonl"))),
    )
}

/// The process that is killed: this test again, told by its environment. Without that it is none.
#[test]
#[ignore = "run by the other test as a process of its own"]
fn child() {
    let Ok(config) = std::env::var("VAUBAN_WATCH_CHILD") else {
        return;
    };
    common::watch(&config, Until::Stopped, &AtomicBool::new(false));
}

fn start(config: &str, told: &Path) -> Child {
    Command::new(std::env::current_exe().expect("own path"))
        .args(["--ignored", "--exact", "child", "--nocapture"])
        .env("VAUBAN_WATCH_CHILD", config)
        .stdout(Stdio::null())
        .stderr(open(told))
        .spawn()
        .expect("start")
}

/// A log with its writer and its rotation.
struct Log {
    path: PathBuf,
    name: String,
    file: File,
    count: u64,
    rotations: u32,
    rotated: Instant,
    lines: Vec<String>,
}

impl Log {
    fn new(dir: &Path, number: usize) -> Self {
        let name = format!("log{number}");
        let path = dir.join(format!("{name}.log"));
        Self {
            file: open(&path),
            path,
            name,
            count: 0,
            rotations: 0,
            rotated: Instant::now(),
            lines: Vec::new(),
        }
    }

    fn write(&mut self, random: &mut Random) {
        let mut text = String::new();
        for _ in 0..random.below(20) {
            self.count += 1;
            // Users are of one log each: the order among logs is nobody's to know.
            let user = format!("{}-u{}", self.name, random.below(4));
            let verdict = if random.below(4) == 0 { "bad" } else { "ok" };
            let line = format!("{} {} {user} {verdict}", self.name, self.count);
            text.push_str(&line);
            text.push('\n');
            self.lines.push(line);
        }
        // In two writes, mostly in the middle of a line.
        let half = random.below(text.len() as u64 + 1) as usize;
        self.file
            .write_all(&text.as_bytes()[..half])
            .expect("write");
        if random.below(3) == 0 {
            std::thread::sleep(Duration::from_millis(random.below(4)));
        }
        self.file
            .write_all(&text.as_bytes()[half..])
            .expect("write");
    }

    fn beside(&self, n: u32, ending: &str) -> PathBuf {
        PathBuf::from(format!("{}.{n}{ending}", self.path.display()))
    }

    fn rotate(&mut self, random: &mut Random) {
        self.rotations += 1;
        self.rotated = Instant::now();
        for n in (1..self.rotations).rev() {
            for ending in ["", ".gz"] {
                let _ = fs::rename(self.beside(n, ending), self.beside(n + 1, ending));
            }
        }
        match random.below(3) {
            0 => {
                fs::copy(&self.path, self.beside(1, "")).expect("copy");
                self.file.set_len(0).expect("truncate");
            }
            1 => {
                fs::rename(&self.path, self.beside(1, "")).expect("rename");
                self.file = open(&self.path);
            }
            _ => {
                // The writer goes on with the old file for a while.
                fs::rename(&self.path, self.beside(1, "")).expect("rename");
                let new = open(&self.path);
                self.write(random);
                self.file = new;
            }
        }
        if random.below(2) == 0 {
            self.compress(1 + random.below(3) as u32);
        }
    }

    fn compress(&self, n: u32) {
        let plain = self.beside(n, "");
        if plain.exists() {
            // gzip itself: it keeps times and removes the plain file at the end.
            let done = Command::new("gzip").arg("-1").arg(&plain).status();
            assert!(done.expect("gzip").success());
        }
    }
}

fn open(path: &Path) -> File {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .expect("open")
}

#[test]
fn killed_two_hundred_times() {
    let seed = seed();
    let mut random = Random(seed);
    let dir = tempfile::tempdir().expect("directory");
    let mut logs: Vec<Log> = (0..LOGS).map(|n| Log::new(dir.path(), n)).collect();
    let (calm, killed) = (config(dir.path(), "calm"), config(dir.path(), "killed"));
    let told = dir.path().join("told");
    let stop = AtomicBool::new(false);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let undisturbed = scope.spawn(|| common::watch(&calm, Until::Stopped, &stop));
        // Both know the logs before they are rotated for the first time.
        let mut known = |name: &str| {
            let mut child = start(&killed, &told);
            let path = dir.path().join(format!("{name}.jsonl"));
            for log in &mut logs {
                for n in 1..8 {
                    log.count = n;
                    let line = format!("{} {n} {}-u0 ok", log.name, log.name);
                    writeln!(log.file, "{line}").expect("write");
                    log.lines.push(line);
                }
            }
            let begun = Instant::now();
            let until = begun + Duration::from_secs(30);
            while findings(&path).len() < LOGS && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            assert_eq!(findings(&path).len(), LOGS, "the watch has begun");
            child.kill().expect("kill");
            child.wait().expect("wait");
            begun.elapsed()
        };
        // A slow machine takes longer to start than a quick one to do everything.
        let start_up = known("killed").as_micros() as u64;
        for _ in 0..KILLS {
            let mut child = start(&killed, &told);
            // From before it has read its state to long after.
            let life = Duration::from_micros(random.below(start_up.min(200_000) * 2));
            let until = Instant::now() + life;
            while Instant::now() < until {
                let which = random.below(LOGS as u64) as usize;
                logs[which].write(&mut random);
                // Fifty times a second and log at most: a directory that changes within the steps in
                // which file times move does not tell what came first.
                let due = logs[which].rotated.elapsed() > Duration::from_millis(20);
                if due && random.below(4) == 0 {
                    logs[which].rotate(&mut random);
                }
                std::thread::sleep(Duration::from_millis(random.below(8)));
            }
            child.kill().expect("kill");
            child.wait().expect("wait");
        }
        let all: Vec<String> = logs.iter().flat_map(|l| l.lines.clone()).collect();
        let expected = expected(&all);
        let mut child = start(&killed, &told);
        let until = Instant::now() + Duration::from_secs(60);
        let missing =
            |name: &str| findings(&dir.path().join(format!("{name}.jsonl"))).len() < expected.len();
        while (missing("killed") || missing("calm")) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
        }
        // Were there one too many, it would come now.
        std::thread::sleep(Duration::from_millis(1500));
        child.kill().expect("kill");
        child.wait().expect("wait");
        stop.store(true, Ordering::Release);
        undisturbed.join().expect("undisturbed watch");
        for name in ["calm", "killed"] {
            let found = findings(&dir.path().join(format!("{name}.jsonl")));
            let lost: Vec<_> = expected.iter().filter(|e| !found.contains(e)).collect();
            let never: Vec<_> = found.iter().filter(|f| !expected.contains(f)).collect();
            let twice: Vec<_> = found.windows(2).filter(|w| w[0] == w[1]).collect();
            assert!(
                lost.is_empty() && twice.is_empty() && found.len() == expected.len(),
                "{name}, VAUBAN_SEED={seed}: {} of {}; lost {lost:?}; never {never:?}; twice {twice:?}; \
                 told {}",
                found.len(),
                expected.len(),
                fs::read_to_string(&told).unwrap_or_default()
            );
        }
        println!(
            "{KILLS} kills, {} lines, {} findings, {:.1} s",
            all.len(),
            expected.len(),
            begun.elapsed().as_secs_f64()
        );
        assert!(expected.len() > 1000, "the test has something to find");
    });
}
