//! The child's side of the [`protocol`](crate::protocol).

use std::any::Any;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::protocol::{Answer, Greeting, Measure, Offer, Request};
use crate::roster::Entry;
use crate::scenario::Figures;

/// Answers requests about these contestants, until standard input ends.
///
/// # Errors
///
/// An error of reading or writing, and a request that cannot be understood.
pub fn serve(entries: &[Entry]) -> io::Result<()> {
    let offer = |entry: &Entry| Offer {
        name: entry.name.clone(),
        kind: entry.kind,
        scenarios: entry.scenarios.keys().copied().collect(),
    };
    say(&Greeting { contestants: entries.iter().map(offer).collect() })?;
    for line in io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        // A pool that panics is out of this measurement, and not of all others.
        let answer = catch_unwind(AssertUnwindSafe(|| answer(entries, &request)));
        say(&answer.unwrap_or_else(|payload| Answer::Failed(message(&*payload))))?;
    }
    Ok(())
}

fn say(line: &impl serde::Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, line)?;
    writeln!(out)?;
    out.flush()
}

fn answer(entries: &[Entry], request: &Request) -> Answer {
    let name = match request {
        Request::Verify(name) => name,
        Request::Measure(measure) => &measure.contestant,
    };
    let Some(entry) = entries.iter().find(|entry| entry.name == *name) else {
        return Answer::Failed(format!("no contestant is named `{name}`"));
    };
    match request {
        Request::Verify(_) => match (entry.verify)() {
            Ok(made) => Answer::Verified { made },
            Err(reason) => Answer::Failed(reason),
        },
        Request::Measure(Measure { scenario, task, .. }) => match entry.scenarios.get(scenario) {
            None => Answer::Failed(format!("`{name}` takes no part in {scenario:?}")),
            Some(_) if entry.most_held.is_some_and(|most| task.size > most) => {
                Answer::LeftOut(format!("made for at most {} objects", entry.most_held.unwrap_or(0)))
            }
            Some(run) => Answer::Figures(named(run(task))),
        },
    }
}

fn named(figures: Figures) -> BTreeMap<String, f64> {
    figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref().copied());
    format!("panicked: {}", text.unwrap_or("with a payload that is no text"))
}
