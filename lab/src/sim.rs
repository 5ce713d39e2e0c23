//! A discrete-event scheduler over blocking actors.
//!
//! Every session of a story is a thread that talks to the daemons with blocking sockets and pauses
//! only on the story clock ([`Actor::sleep`]). Exactly one actor runs at a time; when it sleeps or
//! ends, the clock jumps to the next actor's time. Sessions thereby overlap as they do in life, a
//! fortnight is played in minutes, and a seed gives the same order of events again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::clock::{Clock, Nanos, SEC};

type Body = Box<dyn FnOnce(&Actor) -> Result<()> + Send>;

enum Wake {
    Start(String, Body),
    Resume(String, Sender<()>),
}

enum Msg {
    Sleep(Nanos, String, Sender<()>),
    Done(String, Result<()>),
}

/// What an actor has in hand while it runs.
pub struct Actor {
    name: String,
    clock: Arc<Clock>,
    to_sim: Sender<Msg>,
}

impl Actor {
    /// The story time now.
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// Pauses for a number of story seconds; other actors play meanwhile.
    pub fn sleep(&self, seconds: f64) -> Result<()> {
        #[allow(clippy::cast_possible_truncation)]
        self.sleep_until(self.now() + (seconds * 1e9) as i64)
    }

    /// Pauses until a story time.
    pub fn sleep_until(&self, at: Nanos) -> Result<()> {
        let (wake, woken) = channel();
        self.to_sim
            .send(Msg::Sleep(at, self.name.clone(), wake))
            .map_err(|_| anyhow!("the story was stopped"))?;
        woken.recv().map_err(|_| anyhow!("the story was stopped"))
    }
}

/// The scheduler.
pub struct Sim {
    clock: Arc<Clock>,
    queue: BTreeMap<(Nanos, u64), Wake>,
    next: u64,
    from_actors: Receiver<Msg>,
    to_sim: Sender<Msg>,
}

impl Sim {
    /// A scheduler without actors.
    pub fn new(clock: Arc<Clock>) -> Sim {
        let (to_sim, from_actors) = channel();
        Sim {
            clock,
            queue: BTreeMap::new(),
            next: 0,
            from_actors,
            to_sim,
        }
    }

    fn push(&mut self, at: Nanos, wake: Wake) {
        self.next += 1;
        self.queue.insert((at, self.next), wake);
    }

    /// Adds an actor that starts at a story time.
    pub fn at(
        &mut self,
        at: Nanos,
        name: &str,
        body: impl FnOnce(&Actor) -> Result<()> + Send + 'static,
    ) {
        self.push(at, Wake::Start(name.to_owned(), Box::new(body)));
    }

    /// Plays until no actor is left. `settle` is called before each jump of the clock with its
    /// length; it waits for what the daemons still have in hand.
    ///
    /// # Errors
    /// The first actor's error, or an actor that hangs for more than two real minutes.
    pub fn run(&mut self, mut settle: impl FnMut(Nanos) -> Result<()>) -> Result<()> {
        while let Some(((at, _), wake)) = self.queue.pop_first() {
            let jump = at - self.clock.now();
            if jump > 0 {
                settle(jump)?;
                self.clock.advance_to(at)?;
            }
            let running = match wake {
                Wake::Start(name, body) => {
                    self.start(&name, body)?;
                    name
                }
                Wake::Resume(name, sender) => {
                    sender
                        .send(())
                        .map_err(|_| anyhow!("{name} is gone while it slept"))?;
                    name
                }
            };
            self.wait(&running)?;
        }
        settle(SEC)
    }

    fn start(&mut self, name: &str, body: Body) -> Result<()> {
        let actor = Actor {
            name: name.to_owned(),
            clock: Arc::clone(&self.clock),
            to_sim: self.to_sim.clone(),
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let caught =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(&actor)));
                let result = caught.unwrap_or_else(|_| Err(anyhow!("panicked")));
                // The scheduler may have stopped already; nobody is left to tell then.
                let _ = actor.to_sim.send(Msg::Done(actor.name.clone(), result));
            })
            .with_context(|| format!("cannot start {name}"))?;
        Ok(())
    }

    fn wait(&mut self, running: &str) -> Result<()> {
        match self.from_actors.recv_timeout(Duration::from_secs(120)) {
            Ok(Msg::Sleep(at, name, sender)) => {
                self.push(at, Wake::Resume(name, sender));
                Ok(())
            }
            Ok(Msg::Done(name, result)) => result.with_context(|| format!("actor {name} failed")),
            Err(RecvTimeoutError::Timeout) => bail!("actor {running} hangs"),
            Err(RecvTimeoutError::Disconnected) => bail!("the scheduler lost its actors"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn clock() -> Arc<Clock> {
        let file = std::env::temp_dir().join(format!(
            "lab-sim-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        Arc::new(Clock::start(file, 1000 * SEC).unwrap())
    }

    #[test]
    fn actors_interleave_in_story_time() {
        let clock = clock();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut sim = Sim::new(Arc::clone(&clock));
        for (name, start, pause) in [("a", 1000, 3600.0), ("b", 1900, 60.0)] {
            let seen = Arc::clone(&seen);
            sim.at(start * SEC, name, move |me| {
                seen.lock().unwrap().push(format!("{name}1"));
                me.sleep(pause)?;
                seen.lock().unwrap().push(format!("{name}2"));
                Ok(())
            });
        }
        sim.run(|_| Ok(())).unwrap();
        assert_eq!(*seen.lock().unwrap(), ["a1", "b1", "b2", "a2"]);
        assert!(clock.now() >= 4600 * SEC && clock.now() < 4700 * SEC);
    }

    #[test]
    fn a_failing_actor_stops_the_story_by_name() {
        let mut sim = Sim::new(clock());
        sim.at(1001 * SEC, "broken", |_| bail!("no server"));
        let error = format!("{:#}", sim.run(|_| Ok(())).unwrap_err());
        assert!(error.contains("broken") && error.contains("no server"));
    }
}
