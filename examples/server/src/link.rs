//! A connection's stream with two deadlines that hyper does not have: for a client that takes no bytes, and for a close.
//!
//! A client that does not read its answer keeps buffers in use. So a write that makes no progress for the longest pause is an
//! error, and the connection is cut.
//!
//! A server that closes while bytes of the client are still arriving makes the client's kernel throw away the answer. So a close
//! ends the sending first, and then reads what comes, for a while.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// The longest time for which a close reads what still comes.
const LINGER: Duration = Duration::from_secs(1);

pub(crate) struct Link {
    stream: TcpStream,
    /// The longest time for which a write may wait.
    stall: Duration,
    /// When a write has waited too long, or a close has read for too long.
    deadline: Pin<Box<Sleep>>,
    state: State,
}

#[derive(PartialEq)]
enum State {
    /// The last write went through.
    Flowing,
    /// A write waits.
    Stalled,
    /// The sending has ended.
    Closing,
}

impl Link {
    pub(crate) fn new(stream: TcpStream, stall: Duration) -> Self {
        Self { stream, stall, deadline: Box::pin(sleep(stall)), state: State::Flowing }
    }

    /// Counts the time of a write that waits.
    fn watch(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.state = State::Flowing;
            return written;
        }
        if self.state == State::Flowing {
            self.state = State::Stalled;
            self.deadline.as_mut().reset(Instant::now() + self.stall);
        }
        ready!(self.deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes no bytes")))
    }
}

impl AsyncRead for Link {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state != State::Closing {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.state = State::Closing;
            self.deadline.as_mut().reset(Instant::now() + LINGER);
        }
        let mut thrown_away = [0; 4096];
        while self.deadline.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
