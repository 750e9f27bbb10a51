//! A server that answers each request with a script.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
};

/// What the server does, in order.
pub(crate) enum Step {
    /// Writes these bytes as they are.
    Raw(Vec<u8>),
    /// Writes these bytes as one chunk of a chunked body, which the client reads as one piece.
    Piece(Vec<u8>),
    /// Ends the chunked body in order.
    End,
    /// Waits until the client closes the connection, and says so.
    AwaitClose(oneshot::Sender<()>),
    /// Closes the connection.
    Close,
}

/// A request as it arrived.
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Value,
    /// The connection that it came by, counted from 0.
    pub(crate) connection: usize,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// The script for a request with this body; `None` closes the connection.
type Answer = Arc<dyn Fn(&Value) -> Option<Vec<Step>> + Send + Sync>;

pub(crate) struct Upstream {
    pub(crate) base_url: String,
    received: mpsc::UnboundedReceiver<Received>,
}

impl Upstream {
    /// Answers one request with each script, in the order in which they come.
    pub(crate) async fn playing(scripts: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let scripts: Mutex<VecDeque<_>> = Mutex::new(scripts.into_iter().collect());
        Self::computing(move |_| scripts.lock().unwrap().pop_front()).await
    }

    /// Answers by what was sent.
    pub(crate) async fn computing(answer: impl Fn(&Value) -> Option<Vec<Step>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (sender, received) = mpsc::unbounded_channel();
        tokio::spawn(accept(listener, Arc::new(answer), sender));
        Self { base_url, received }
    }

    /// Answers one request, whole.
    pub(crate) async fn answering(status: &str, headers: &[(&str, &str)], body: &str) -> Self {
        Self::playing([whole(status, headers, body)]).await
    }

    /// Streams these events.
    pub(crate) async fn streaming(pieces: &[&str]) -> Self {
        Self::playing([stream(pieces)]).await
    }

    pub(crate) async fn next_request(&mut self) -> Received {
        self.received.recv().await.unwrap()
    }

    /// How many more requests have come.
    pub(crate) fn more_requests(&mut self) -> usize {
        std::iter::from_fn(|| self.received.try_recv().ok()).count()
    }
}

/// An event stream in order; each piece reaches the client as one read.
pub(crate) fn stream(pieces: &[&str]) -> Vec<Step> {
    let pieces: Vec<_> = pieces.iter().map(|piece| piece.as_bytes()).collect();
    let mut steps = opened(&pieces);
    steps.push(Step::End);
    steps
}

/// An event stream that is still open after its pieces.
pub(crate) fn opened(pieces: &[&[u8]]) -> Vec<Step> {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let pieces = pieces.iter().map(|piece| Step::Piece(piece.to_vec()));
    std::iter::once(Step::Raw(head.to_vec())).chain(pieces).collect()
}

/// A whole answer.
pub(crate) fn whole(status: &str, headers: &[(&str, &str)], body: &str) -> Vec<Step> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let answer = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
    vec![Step::Raw(answer.into_bytes())]
}

async fn accept(listener: TcpListener, answer: Answer, sender: mpsc::UnboundedSender<Received>) {
    for connection in 0.. {
        let Ok((socket, _)) = listener.accept().await else { return };
        tokio::spawn(serve(socket, connection, Arc::clone(&answer), sender.clone()));
    }
}

async fn serve(
    mut socket: TcpStream,
    connection: usize,
    answer: Answer,
    sender: mpsc::UnboundedSender<Received>,
) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    loop {
        let (head, body) = read_request(&mut socket).await?;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let script = answer(&body);
        sender.send(Received { head, body, connection }).ok();
        play(&mut socket, script?).await?;
    }
}

async fn play(socket: &mut TcpStream, script: Vec<Step>) -> Option<()> {
    for step in script {
        match step {
            Step::Raw(bytes) => socket.write_all(&bytes).await.ok()?,
            Step::Piece(bytes) => {
                let framed = [format!("{:x}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat();
                socket.write_all(&framed).await.ok()?;
            }
            Step::End => socket.write_all(b"0\r\n\r\n").await.ok()?,
            Step::AwaitClose(closed) => {
                let mut rest = Vec::new();
                socket.read_to_end(&mut rest).await.ok();
                closed.send(()).ok();
                return None;
            }
            Step::Close => return None,
        }
    }
    Some(())
}

async fn read_request(socket: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end_of_head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end_of_head].to_vec()).ok()?;
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = bytes.split_off(end_of_head);
    while body.len() < length.unwrap_or(0) {
        if socket.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, body))
}
