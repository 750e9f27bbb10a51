//! Serving on a listener, and stopping when told.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic in their helpers too")]

mod nothing;

use std::net::{SocketAddr, TcpListener};

use api::HttpSettings;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    ended: JoinHandle<std::io::Result<()>>,
}

fn start() -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let settings = HttpSettings { workers: Some(1), ..HttpSettings::default() };
    let ended = tokio::spawn(api::serve(listener, nothing::services(), settings, stop.clone()));
    Running { address, stop, ended }
}

/// Sends a request and reads until the end of its small JSON body; the connection stays open.
async fn ask(stream: &mut TcpStream, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "the connection was closed");
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn server_answers_on_its_listener_and_keeps_connections() {
    let running = start();
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    for _ in 0..2 {
        assert!(ask(&mut stream, "/health/live").await.starts_with("HTTP/1.1 200 OK"));
    }
    running.stop.cancel();
    running.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn idle_connection_does_not_hold_up_the_stop() {
    let running = start();
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    ask(&mut idle, "/health/live").await;
    running.stop.cancel();
    let end = tokio::time::timeout(std::time::Duration::from_secs(3), running.ended).await;
    end.expect("the server waits for an idle connection").unwrap().unwrap();
    let mut rest = Vec::new();
    assert_eq!(idle.read_to_end(&mut rest).await.unwrap_or_default(), 0);
}
