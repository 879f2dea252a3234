//! The day: how many clients are at work at an hour, and what they send.

use std::time::{Duration, Instant};

/// From each hour on: its name, and the clients that are at work, as a share of the most. Between two hours the number goes evenly from
/// one to the other.
pub(super) const HOURS: [(f64, &str, f64); 16] = [
    (0.0, "night", 0.01),
    (5.0, "", 0.01),
    (6.0, "morning", 0.05),
    (10.0, "", 0.3),
    (12.0, "burst", 0.3),
    (12.2, "", 1.0),
    (12.9, "", 1.0),
    (13.0, "", 0.2),
    (15.0, "burst", 0.2),
    (15.2, "", 0.8),
    (15.6, "", 0.8),
    (15.7, "silence", 0.0),
    (18.5, "giant bodies", 0.0),
    (18.7, "", 0.15),
    (20.5, "", 0.15),
    (20.7, "silence", 0.0),
];

/// The hours in which bodies are giants.
const GIANTS: std::ops::Range<f64> = 18.5..20.7;

/// An ordinary body, and a giant, in bytes. A giant of JSON has lines of half its size.
const ORDINARY: usize = 24 << 10;
const GIANT: usize = 1800 << 10;

/// A day in so much time.
#[derive(Clone, Copy)]
pub(super) struct Day {
    pub(super) start: Instant,
    pub(super) length: Duration,
    /// Clients at the most.
    pub(super) most: usize,
}

/// A request.
pub(super) struct Request {
    pub(super) path: &'static str,
    pub(super) body: Vec<u8>,
}

impl Day {
    pub(super) fn new(length: Duration, most: usize) -> Self {
        Self { start: Instant::now(), length, most }
    }

    /// The hour of this moment; `None` when the day is over.
    pub(super) fn hour(self) -> Option<f64> {
        let hour = 24.0 * self.start.elapsed().as_secs_f64() / self.length.as_secs_f64();
        (hour < 24.0).then_some(hour)
    }

    /// The clients that are at work at an hour.
    pub(super) fn clients(self, hour: f64) -> f64 {
        let next = HOURS.iter().position(|&(from, ..)| from > hour).unwrap_or(HOURS.len());
        let (from, _, share) = HOURS[next - 1];
        let share = match HOURS.get(next) {
            Some(&(to, _, next)) => share + (next - share) * (hour - from) / (to - from),
            None => share,
        };
        self.most as f64 * share
    }

    /// How long a client pauses in the middle of a body, as one does whose network is slow. It holds a context meanwhile.
    pub(super) fn pause(self) -> Duration {
        (self.length / 400).min(Duration::from_millis(1500))
    }

    /// The next request of a client, which has made so many.
    pub(super) fn request(self, hour: f64, client: usize, made: usize) -> Request {
        let mark = 1000 * client + made;
        match (GIANTS.contains(&hour), mark % 8) {
            (true, 0..4) => Request { path: "/json", body: lines(mark, GIANT, GIANT / 2) },
            (true, _) => Request { path: "/zstd", body: lines(mark, GIANT, 100) },
            (false, 0) => Request { path: "/json", body: lines(mark, ORDINARY, 100) },
            (false, 1 | 2) => Request { path: "/brotli", body: lines(mark, ORDINARY, 100) },
            (false, 3..6) => Request { path: "/zstd", body: lines(mark, ORDINARY, 100) },
            (false, _) => Request { path: "/gzip", body: lines(mark, ORDINARY, 100) },
        }
    }
}

/// Lines of JSON: of so many bytes together, and of so many each, about.
fn lines(mark: usize, bytes: usize, line: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(bytes + line + 64);
    let mut number = mark as u64;
    while body.len() < bytes {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        body.extend_from_slice(format!("{{\"mark\": {mark}, \"number\": {}, \"text\": \"", number >> 40).as_bytes());
        body.resize(body.len() + line.saturating_sub(50), b'a' + (number >> 60) as u8);
        body.extend_from_slice(b"\"}\n");
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_of_an_hour_lie_between_those_of_the_hours_around_it() {
        let day = Day::new(Duration::from_secs(600), 100);
        for (hour, clients) in [(0.0, 1.0), (8.0, 17.5), (12.5, 100.0), (17.0, 0.0), (19.0, 15.0), (23.9, 0.0)] {
            assert!((day.clients(hour) - clients).abs() < 1e-9, "{hour}: {}", day.clients(hour));
        }
    }
}
