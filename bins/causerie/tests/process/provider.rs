//! A provider with an OpenAI-compatible address, on a thread of the test.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
};

/// How a reply goes on after its first piece.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It ends.
    Whole,
    /// It never does.
    Stalls,
}

/// Starts the provider and answers its base address. Every reply begins with `piece`.
pub(crate) fn provider(piece: &'static str, manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            std::thread::spawn(move || answer(connection, piece, manner));
        }
    });
    format!("http://{address}/v1")
}

/// One request to a connection; one that breaks off is over.
fn answer(connection: TcpStream, piece: &str, manner: Manner) -> std::io::Result<()> {
    let mut request = BufReader::new(connection.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        request.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.is_empty() {
            break;
        }
    }
    request.by_ref().take(length).read_to_end(&mut Vec::new())?;
    let mut reply = connection;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    let delta = format!(
        r#"{{"id":"1","object":"chat.completion.chunk","choices":[{{"index":0,"delta":{{"content":"{piece}"}}}}]}}"#
    );
    write!(reply, "{head}data: {delta}\n\n")?;
    reply.flush()?;
    if manner == Manner::Stalls {
        // Until the other side is gone.
        return request.read_to_end(&mut Vec::new()).map(|_| ());
    }
    let last =
        r#"{"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    write!(reply, "data: {last}\n\ndata: [DONE]\n\n")
}
