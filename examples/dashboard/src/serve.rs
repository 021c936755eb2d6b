//! Taking connections, and stopping: whoever is being answered is answered, and nobody holds it up.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::say;

/// How long the header of a request may take to come.
const HEADER: Duration = Duration::from_secs(10);

/// How long the last answers may take once it stops.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// How long a connection that is owed no answer is kept once it stops: time for the last bytes of one to leave.
const NOTHING_OWED: Duration = Duration::from_millis(500);

/// How long to wait when no connection can be taken, such as for want of file descriptors.
const NO_ROOM: Duration = Duration::from_millis(100);

/// What says that it is to stop: Ctrl-C, and SIGTERM of whatever runs it.
pub struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    /// From now on they end nothing by themselves.
    ///
    /// # Errors
    ///
    /// When the system lets nobody listen for them.
    pub fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the next of them.
    pub async fn told(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler there is nothing to wait for, and the process ends the hard way.
            std::future::pending::<()>().await;
        }
    }
}

/// Serves until it is told to stop, and then until everybody who is owed an answer has it, for ten seconds at most
/// and not after it is told again.
pub async fn until(stop: &mut Stop, listener: TcpListener, router: Router) {
    let (tell, told) = watch::channel(());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.told() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone(), told.clone()));
                }
                Err(error) => {
                    say(&format!("twofa-dashboard: a connection cannot be taken: {error}"));
                    tokio::time::sleep(NO_ROOM).await;
                }
            },
        }
    }
    drop((listener, tell));
    say("Stopping: requests under way are answered. The same again stops it at once.");
    tokio::select! {
        () = async { while connections.join_next().await.is_some() {} } => {}
        () = tokio::time::sleep(LAST_ANSWERS) => {}
        () = stop.told() => {}
    }
}

/// Serves one connection, until it ends by itself or `stopping` is closed and nothing is owed.
async fn connection(stream: TcpStream, router: Router, mut stopping: watch::Receiver<()>) {
    let owed = Arc::new(AtomicUsize::new(0));
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request| {
        let debt = Debt::one_more(&owed);
        let answer = router.call(request);
        async move {
            let answer = answer.await;
            drop(debt);
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // However it ended, there is nobody left to tell.
        _ = connection.as_mut() => return,
        _ = stopping.changed() => connection.as_mut().graceful_shutdown(),
    }
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            () = tokio::time::sleep(NOTHING_OWED) => {
                if owed.load(Ordering::Relaxed) == 0 {
                    return;
                }
            }
        }
    }
}

/// Counts one request for as long as it is owed an answer, also when its connection is lost meanwhile.
struct Debt(Arc<AtomicUsize>);

impl Debt {
    fn one_more(owed: &Arc<AtomicUsize>) -> Self {
        owed.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(owed))
    }
}

impl Drop for Debt {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
