//! What the bytes of an answer pass through before async-openai reads them.

use std::{io, time::Duration};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};

/// The most bytes of one answer. A reply of 128,000 tokens, each in an event of 300 bytes, is 38 MB.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// The most bytes of one line of events: the parser scans an unfinished line anew with every piece.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// How long to look beyond `[DONE]` for the body's end. Reading it lets the connection be used again; it normally
/// comes in the same packet.
const AFTER_DONE: Duration = Duration::from_millis(20);

/// Closes an event left open, and says that the body ended without `[DONE]`, which ends the reading earlier.
const END_OF_BODY: &[u8] = b"\n\ndata: {\"end_of_body\":true}\n\n";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What the provider sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Server-sent events.
    Events,
    /// One JSON object, from a server that does not stream or that fails with status 200. Made one event.
    WholeJson,
}

/// The body of a chat reply on its way to the event parser.
#[derive(Debug)]
pub(super) struct ReplyBody {
    form: Form,
    /// The first bytes, until they are known to be a byte order mark or not; then `None`.
    lead: Option<Vec<u8>>,
    total: usize,
    line: usize,
}

struct Reading<S> {
    upstream: S,
    body: ReplyBody,
    ahead: Option<Option<reqwest::Result<Bytes>>>,
    ended: bool,
}

impl ReplyBody {
    pub(super) fn new(form: Form) -> Self {
        Self { form, lead: Some(Vec::new()), total: 0, line: 0 }
    }

    /// The bytes as the parser should see them.
    pub(super) fn read<S>(self, upstream: S) -> impl Stream<Item = io::Result<Bytes>> + Send
    where
        S: Stream<Item = reqwest::Result<Bytes>> + Send + Unpin + 'static,
    {
        let reading = Reading { upstream, body: self, ahead: None, ended: false };
        stream::unfold(reading, |mut reading| async move { reading.next().await.map(|item| (item, reading)) })
    }

    fn pass(&mut self, piece: Bytes) -> io::Result<Bytes> {
        let (piece, first) = self.without_mark(piece);
        self.measure(&piece)?;
        match self.form {
            Form::Events => Ok(piece),
            Form::WholeJson => {
                // Raw line breaks stand only between JSON's tokens, where a space is as good.
                let flat = piece.iter().map(|&byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte });
                let prefix: &[u8] = if first { b"data: " } else { b"" };
                Ok(prefix.iter().copied().chain(flat).collect())
            }
        }
    }

    /// The piece without a byte order mark at the very start, and whether it is the first that is let through.
    fn without_mark(&mut self, piece: Bytes) -> (Bytes, bool) {
        let Some(mut lead) = self.lead.take() else { return (piece, false) };
        lead.extend_from_slice(&piece);
        if lead.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&lead) {
            self.lead = Some(lead);
            return (Bytes::new(), false);
        }
        let start = if lead.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        (Bytes::from(lead).slice(start..), true)
    }

    fn measure(&mut self, piece: &[u8]) -> io::Result<()> {
        self.total += piece.len();
        let unbroken = match piece.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')) {
            Some(at) if self.form == Form::Events => piece.len() - at - 1,
            _ => self.line + piece.len(),
        };
        let longest = self.line.max(unbroken);
        self.line = unbroken;
        if longest > MAX_LINE_BYTES || self.total > MAX_ANSWER_BYTES { Err(too_long()) } else { Ok(()) }
    }
}

impl<S: Stream<Item = reqwest::Result<Bytes>> + Unpin> Reading<S> {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        while !self.ended {
            let item = match self.ahead.take() {
                Some(item) => item,
                None => self.upstream.next().await,
            };
            let passed = match item {
                Some(Ok(piece)) => self.body.pass(piece),
                Some(Err(error)) => Err(io::Error::other(error.without_url())),
                None => {
                    self.ended = true;
                    Ok(Bytes::from_static(END_OF_BODY))
                }
            };
            match passed {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => {
                    if piece.trim_ascii_end().ends_with(b"[DONE]") {
                        self.ahead = tokio::time::timeout(AFTER_DONE, self.upstream.next()).await.ok();
                    }
                    return Some(Ok(piece));
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// The body of an answer that is read whole, up to the limit.
pub(super) fn capped<S>(upstream: S) -> impl Stream<Item = io::Result<Bytes>> + Send
where
    S: Stream<Item = reqwest::Result<Bytes>> + Send + 'static,
{
    upstream.scan(0, |total, item| {
        let item = item.map_err(|error| io::Error::other(error.without_url())).and_then(|piece| {
            *total += piece.len();
            if *total > MAX_ANSWER_BYTES { Err(too_long()) } else { Ok(piece) }
        });
        futures::future::ready(Some(item))
    })
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "the provider's answer is longer than any real one")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(form: Form, pieces: &[&'static [u8]]) -> Vec<u8> {
        let mut body = ReplyBody::new(form);
        pieces.iter().flat_map(|piece| body.pass(Bytes::from_static(piece)).unwrap()).collect()
    }

    #[test]
    fn byte_order_mark_is_taken_off_wherever_it_is_cut() {
        for pieces in [&[&b"\xef\xbb\xbfdata"[..]][..], &[b"\xef", b"\xbb", b"\xbfda", b"ta"], &[b"", b"data"]] {
            assert_eq!(passed(Form::Events, pieces), b"data");
        }
        assert_eq!(passed(Form::Events, &[b"\xef\xbb", b"x\xef\xbb\xbf"]), b"\xef\xbbx\xef\xbb\xbf");
    }

    #[test]
    fn whole_json_becomes_one_event() {
        assert_eq!(passed(Form::WholeJson, &[b"{\n", b"\"a\":\r\n1}"]), b"data: { \"a\":  1}");
    }

    #[test]
    fn line_without_end_is_cut_off_but_many_lines_are_not() {
        let kibibyte = Bytes::from_static(&[b'x'; 1024]);
        let mut body = ReplyBody::new(Form::Events);
        let error = (0..=1024).find_map(|_| body.pass(kibibyte.clone()).err()).unwrap();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);

        let mut body = ReplyBody::new(Form::Events);
        for _ in 0..2048 {
            body.pass(kibibyte.clone()).unwrap();
            body.pass(Bytes::from_static(b"\n")).unwrap();
        }
    }

    #[tokio::test]
    async fn end_of_the_body_is_told_and_what_follows_done_is_not_lost() {
        let pieces = [&b"data: [DONE]"[..], b" x\n\n"].map(|piece| Ok(Bytes::from_static(piece)));
        let read: Vec<_> = ReplyBody::new(Form::Events).read(stream::iter(pieces)).map(Result::unwrap).collect().await;
        assert_eq!(read.concat(), [b"data: [DONE] x\n\n", END_OF_BODY].concat());
    }
}
