//! The events of a reply as they arrive, with the time limits between them.

use std::{collections::VecDeque, pin::Pin, sync::Arc, time::Duration};

use async_openai::types::stream::StreamResponse;
use domain::{ChatEvent, ChatStream, ModelError};
use futures::{StreamExt, stream};
use tokio::time::{Instant, Sleep, sleep};

use super::{
    chat::Model,
    reply::{Assembly, Broken},
    wire::Chunk,
};

/// How long the usage may come after the finish: all known vendors send it in the same packet.
const AFTER_FINISH: Duration = Duration::from_secs(2);

/// A reply under way. Dropping it drops the receiving end of async-openai's reader, which closes the connection.
pub(super) struct Reply {
    model: Arc<Model>,
    chunks: StreamResponse<Chunk>,
    limit: Pin<Box<Sleep>>,
    assembly: Assembly,
    ready: VecDeque<Result<ChatEvent, ModelError>>,
    over: bool,
}

/// The limit up to the first token, which begins before the call.
pub(super) fn first_token_limit(model: &Model) -> Pin<Box<Sleep>> {
    Box::pin(sleep(Duration::from_millis(model.connection.timeouts.first_token_ms)))
}

impl Reply {
    pub(super) fn new(model: Arc<Model>, chunks: StreamResponse<Chunk>, limit: Pin<Box<Sleep>>) -> Self {
        Self { model, chunks, limit, assembly: Assembly::default(), ready: VecDeque::new(), over: false }
    }

    pub(super) fn into_stream(self) -> ChatStream {
        Box::pin(stream::unfold(self, |mut reply| async move { reply.next().await.map(|item| (item, reply)) }))
    }

    async fn next(&mut self) -> Option<Result<ChatEvent, ModelError>> {
        while self.ready.is_empty() && !self.over {
            tokio::select! {
                biased;
                chunk = self.chunks.next() => match chunk {
                    Some(Ok(chunk)) => self.accept(chunk),
                    Some(Err(error)) => {
                        let error = self.model.peer().failed(error);
                        self.fail(error);
                    }
                    None => self.end(),
                },
                () = &mut self.limit => self.run_out(),
            }
        }
        self.ready.pop_front()
    }

    fn accept(&mut self, chunk: Chunk) {
        match self.assembly.accept(chunk) {
            Ok(events) => self.ready.extend(events.into_iter().map(Ok)),
            Err(broken) => return self.break_off(broken),
        }
        if self.assembly.finished() {
            self.allow(AFTER_FINISH.min(self.idle()));
        } else if self.assembly.spoken() {
            self.allow(self.idle());
        }
    }

    fn end(&mut self) {
        match self.assembly.end() {
            Ok(events) => self.ready.extend(events.into_iter().map(Ok)),
            Err(broken) => return self.break_off(broken),
        }
        self.over = true;
    }

    fn run_out(&mut self) {
        let peer = self.model.peer();
        let error = if self.assembly.spoken() { peer.silent() } else { peer.late() };
        self.fail(error);
    }

    fn break_off(&mut self, broken: Broken) {
        let error = self.model.peer().broken(broken);
        self.fail(error);
    }

    /// Ends with what was counted so far, and with the error unless the reply is whole: then nothing is lost.
    fn fail(&mut self, error: ModelError) {
        self.ready.extend(self.assembly.take_usage().map(|usage| Ok(ChatEvent::Usage(usage))));
        if self.assembly.finished() {
            tracing::debug!(%error, "the provider failed after the reply was whole");
        } else {
            self.ready.push_back(Err(error));
        }
        self.over = true;
    }

    fn idle(&self) -> Duration {
        Duration::from_millis(self.model.connection.timeouts.idle_ms)
    }

    fn allow(&mut self, pause: Duration) {
        self.limit.as_mut().reset(Instant::now() + pause);
    }
}
