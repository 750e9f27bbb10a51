//! The server's life: listen, serve, stop.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use services::jobs::Worker;
use tokio_util::sync::CancellationToken;

use crate::{config::Settings, wire::Program};

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub struct ListenError {
    address: SocketAddr,
    #[source]
    source: io::Error,
}

impl ListenError {
    fn text(&self) -> String {
        let address = self.address;
        match self.source.kind() {
            io::ErrorKind::AddrInUse => format!(
                "port {} on {} is in use by another program: stop it, or choose another port with --port or \
                 CAUSERIE_SERVER__PORT",
                address.port(),
                address.ip()
            ),
            io::ErrorKind::PermissionDenied => {
                format!("this user may not listen on port {}: choose one above 1023 with --port", address.port())
            }
            _ => format!("cannot listen on {address}: check server.host and server.port"),
        }
    }
}

/// Binds the configured address.
///
/// # Errors
/// [`ListenError`], saying what to do.
pub fn listen(settings: &Settings) -> Result<TcpListener, ListenError> {
    let address = SocketAddr::new(settings.host, settings.port);
    let refused = |source| ListenError { address, source };
    let listener = TcpListener::bind(address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    Ok(listener)
}

/// Serves until the process is told to stop (SIGTERM, Ctrl-C), then finishes or records what runs.
///
/// # Errors
/// Failures to start the runtime or to serve.
pub fn run(program: Program, settings: &Settings, listener: TcpListener) -> io::Result<()> {
    actix_web::rt::System::new().block_on(async {
        let stop = CancellationToken::new();
        let signalled = stop.clone();
        tokio::spawn(async move {
            wait_for_signal().await;
            signalled.cancel();
        });
        serve(program, settings, listener, stop).await
    })
}

/// Serves until `stop` is cancelled. To be called on an actix runtime.
///
/// # Errors
/// Failures to serve.
pub async fn serve(
    program: Program,
    settings: &Settings,
    listener: TcpListener,
    stop: CancellationToken,
) -> io::Result<()> {
    let interrupted = program.turns.recover().await.map_err(io::Error::other)?;
    if interrupted > 0 {
        tracing::warn!(replies = interrupted, "replies that the last stop cut off are recorded as interrupted");
    }
    let Program { services, http, worker, database, .. } = program;
    let worker = Worker::start(worker);
    let served = api::serve(listener, services, http, stop).await;
    worker.stop(settings.shutdown).await;
    database.close().await;
    served
}

async fn wait_for_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
