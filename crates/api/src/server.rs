//! Serving: mounting the API in an application, and running it on a listener until told to stop.

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, HttpServer,
    middleware::{Compress, Condition, from_fn},
    web::{self, Data, ServiceConfig},
};
use tokio_util::sync::CancellationToken;

use crate::{
    handlers::fallback,
    middleware::{authenticate, cors, envelope},
    routes,
    settings::HttpSettings,
    state::{Services, State},
};

/// How long open connections may take to end once no reply is running, in seconds.
const CLOSING_S: u64 = 5;
/// How long a client may take to close a connection that is done.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The API, ready to be mounted; cloning shares it.
#[derive(Clone)]
pub struct Api {
    state: Arc<State>,
}

impl Api {
    /// Puts use cases and settings together.
    #[must_use]
    pub fn new(services: Services, settings: HttpSettings) -> Self {
        Self { state: Arc::new(State::new(services, settings)) }
    }
}

/// Adds the API to an actix application. It answers every path that nothing before it does, those that it does not
/// have with 404: register services of your own first.
pub fn configure(config: &mut ServiceConfig, api: &Api) {
    let state = &api.state;
    let (outer, inner) = (Arc::clone(state), Arc::clone(state));
    let origins = &state.settings.cors_origins;
    let scope = web::scope("")
        .app_data(Data::from(Arc::clone(state)))
        .configure(|config| routes::mount(config, &state.settings))
        .default_service(web::to(fallback::not_found))
        .wrap(from_fn(move |request, next| authenticate(Arc::clone(&inner), request, next)))
        .wrap(Compress::default())
        .wrap(Condition::new(!origins.is_empty(), cors(origins)))
        .wrap(from_fn(move |request, next| envelope(Arc::clone(&outer), request, next)));
    config.service(scope);
}

/// Serves the API on `listener` until `shutdown` is cancelled, then stops in order: no new connections and replies,
/// up to `drain_timeout` for the replies that run (the rest is recorded as interrupted), then the open connections.
///
/// # Errors
/// What the operating system says of the listener.
pub async fn serve(
    listener: TcpListener,
    services: Services,
    settings: HttpSettings,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let api = Api::new(services, settings);
    let settings = &api.state.settings;
    let mounted = api.clone();
    let server = HttpServer::new(move || App::new().configure(|config| configure(config, &mounted)))
        .workers(settings.workers.unwrap_or_else(cores))
        .keep_alive(settings.keep_alive)
        .client_request_timeout(settings.client_timeout)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .shutdown_timeout(CLOSING_S)
        .tcp_nodelay(true)
        .disable_signals()
        .listen(listener)?
        .run();
    let handle = server.handle();
    let stop = async {
        shutdown.cancelled().await;
        tracing::info!("stopping: running replies may finish");
        handle.pause().await;
        // Replies run on the workers' threads, so these must outlive them.
        api.state.services.turns.drain(settings.drain_timeout).await;
        handle.stop(true).await;
    };
    tokio::select! {
        ended = server => ended,
        () = stop => Ok(()),
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
