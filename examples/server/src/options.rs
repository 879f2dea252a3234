//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::limits::Limits;
use crate::store::Store;

/// A server that compresses bodies and adds up lines of JSON, with pooled contexts, buffers and scratch.
#[derive(Clone, Debug, Parser)]
#[command(name = "server")]
pub(crate) struct Options {
    /// The address to listen on. Port 0 is any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Where contexts, buffers and scratch come from.
    #[arg(long, value_enum, default_value_t = Store::Pooled)]
    pub(crate) store: Store,

    /// Age all pools at this interval; 0 starts no collector.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    pub(crate) collect: f64,

    /// Threads; by default one for each CPU.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,

    /// The most bytes of a body.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    pub(crate) max_body: u64,

    /// The most bytes of a line of JSON.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    pub(crate) max_line: usize,

    /// The most connections. A client beyond it is told with status 503.
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) max_connections: u32,

    /// The longest pause of a client that sends a head or a body, or receives an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    pub(crate) stall: f64,

    /// The longest time until a body has arrived.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    pub(crate) time: f64,

    /// How long a shutdown waits for requests in flight.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    pub(crate) grace: f64,

    /// A name of this host, from which the buttons of `/pools` can be pressed, beside its addresses and localhost.
    #[arg(long = "host", value_name = "NAME")]
    pub hosts: Vec<String>,

    /// Play a day of load to four servers, and draw their memory.
    #[arg(long)]
    pub(crate) replay: bool,

    /// How long the day takes.
    #[arg(long, value_name = "N", default_value_t = 10.0, requires = "replay", value_parser = seconds)]
    pub(crate) minutes: f64,

    /// Clients at the most, for each server.
    #[arg(long, value_name = "N", default_value_t = 300, requires = "replay", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) clients: u16,

    /// The picture of the replay.
    #[arg(long, value_name = "FILE", default_value = "replay.svg", requires = "replay")]
    pub(crate) svg: PathBuf,
}

impl Options {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            body: self.max_body,
            line: self.max_line,
            stall: Duration::from_secs_f64(self.stall),
            time: Duration::from_secs_f64(self.time),
            connections: self.max_connections as usize,
        }
    }
}

/// A number that is not negative, and not more than a day has.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..=86_400.0).contains(&number) => Ok(number),
        _ => Err("write a number from 0 to 86400".to_owned()),
    }
}
