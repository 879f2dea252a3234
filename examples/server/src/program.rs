//! The program: it starts a collector and a server, prints where to look, and gives everything back in the end.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use pool_runtime::Collector;
use tokio::runtime;

use crate::connections::Server;
use crate::options::Options;
use crate::{replay, shutdown};

/// Does what the command line says.
pub fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    if options.replay {
        return replay::run(options);
    }
    let interval = Duration::from_secs_f64(options.collect);
    let collector = match interval {
        Duration::ZERO => None,
        interval => Some(Collector::builder().interval(interval).start().map_err(io::Error::other)?),
    };
    let mut runtime = runtime::Builder::new_multi_thread();
    if let Some(threads) = options.threads {
        runtime.worker_threads(threads.into());
    }
    let runtime = runtime.enable_all().build()?;
    let cut = runtime.block_on(async {
        let stop = shutdown::asked()?;
        let server = Server::bind(options)?;
        let address = server.address()?;
        println!("listening on http://{address}/, and the pools live on http://{address}/pools");
        Ok::<_, io::Error>(server.run(stop, Duration::from_secs_f64(options.grace)).await)
    })?;
    // With the runtime its threads end.
    drop(runtime);
    drop(collector);
    println!("stopped: {cut} connections cut, {}", shutdown::give_back());
    Ok(())
}
