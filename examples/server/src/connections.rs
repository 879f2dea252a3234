//! The connections: so many are served, some more are told that there are too many, and the rest are closed.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::limits::{Limits, Refusal};
use crate::link::Link;
use crate::options::Options;
use crate::{App, pools, prometheus, routes};

/// Connections that the kernel accepts before the server does.
const BACKLOG: u32 = 1024;

/// Connections that are told at once that there are too many.
const REFUSALS: usize = 64;

/// The most bytes of a head. A longer one is answered with status 431.
const HEAD: usize = 16 << 10;

/// The most bytes that hyper reads ahead of a request that does not take them.
const READ_AHEAD: usize = 64 << 10;

/// Connections that may still be opened.
#[derive(Clone)]
pub(crate) struct Count {
    free: Arc<Semaphore>,
    most: usize,
}

impl Count {
    fn new(most: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(most)), most }
    }

    /// Connections that are open.
    pub(crate) fn now(&self) -> usize {
        self.most - self.free.available_permits()
    }
}

/// A server that listens.
pub(crate) struct Server {
    listener: TcpListener,
    limits: Limits,
    connections: Count,
    router: Router,
    /// Dropped when the server stops: the page's streams of events end then, which have no end of their own.
    open: oneshot::Sender<()>,
}

impl Server {
    /// Listens. The runtime has to be that of tokio. A process has one server, since it has one recorder of metrics.
    ///
    /// # Errors
    ///
    /// If the address cannot be had, or there is a recorder.
    pub(crate) fn bind(options: &Options) -> io::Result<Self> {
        let socket = if options.listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(options.listen)?;
        let limits = options.limits();
        let connections = Count::new(limits.connections);
        let app = App { store: options.store, limits, connections: connections.clone() };
        let recorder = PrometheusBuilder::new().install_recorder().map_err(io::Error::other)?;
        let (open, closed) = oneshot::channel();
        let until = Box::pin(async { drop(closed.await) });
        let page = pools::Options { hosts: options.hosts.clone(), until, ..pools::Options::default() };
        let router = routes::router(app).merge(pools::router(page)).merge(prometheus::router(recorder));
        Ok(Self { listener: socket.listen(BACKLOG)?, limits, connections, router, open })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    ///
    /// If the system does not tell.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is done. Then no connection is accepted any more, idle ones are closed, and requests in flight have
    /// `grace` to end; what is left is cut. Returns the number of connections that were cut.
    ///
    /// When it returns, no request is left, and no task.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>, grace: Duration) -> usize {
        let graceful = GracefulShutdown::new();
        let refusals = Arc::new(Semaphore::new(REFUSALS));
        let mut tasks = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = self.listener.accept() => accepted,
                // A task that panicked has said so.
                Some(_) = tasks.join_next() => continue,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // No file descriptor is free, as a rule: one will be.
                    eprintln!("server: cannot accept: {error}");
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            if let Ok(permit) = self.connections.free.clone().try_acquire_owned() {
                let service = TowerToHyperService::new(self.router.clone());
                let connection = self.http().serve_connection(self.link(stream), service);
                let served = graceful.watch(connection);
                tasks.spawn(async move {
                    // A client that goes away is no error of the server.
                    let _ = served.await;
                    drop(permit);
                });
            } else if let Ok(permit) = refusals.clone().try_acquire_owned() {
                let refuse = service_fn(async |_| Ok::<_, Infallible>(Refusal::Busy.into_response()));
                let connection = self.http().keep_alive(false).serve_connection(self.link(stream), refuse);
                let refused = graceful.watch(connection);
                tasks.spawn(async move {
                    let _ = refused.await;
                    drop(permit);
                });
            }
        }
        drop((self.listener, self.open));
        if timeout(grace, graceful.shutdown()).await.is_ok() {
            // The connections are closed, and their tasks about to end.
            while tasks.join_next().await.is_some() {}
            return 0;
        }
        while tasks.try_join_next().is_some() {}
        let cut = tasks.len();
        tasks.shutdown().await;
        cut
    }

    fn http(&self) -> http1::Builder {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.limits.stall)
            .max_buf_size(READ_AHEAD)
            .max_header_size(HEAD);
        // A client that has ended its sending still gets its answer.
        http.half_close(true);
        http
    }

    fn link(&self, stream: TcpStream) -> TokioIo<Link> {
        // An answer is written in one piece: there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        TokioIo::new(Link::new(stream, self.limits.stall))
    }
}
