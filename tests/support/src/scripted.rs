//! A model that answers what the test says.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use domain::{
    ChatEvent, ChatRequest, ChatStream, FinishReason, ModelError, ModelFault, ModelInfo, ModelState, Usage,
    ports::{ChatModel, TokenCounter},
};
use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

/// Holds a scripted reply back until it is opened.
#[derive(Debug, Clone, Default)]
pub struct Gate(CancellationToken);

impl Gate {
    /// Lets the reply go on.
    pub fn open(&self) {
        self.0.cancel();
    }
}

/// One step of a scripted reply.
#[derive(Clone)]
enum Step {
    Event(ChatEvent),
    Fail(ModelFault),
    Wait(Gate),
}

/// One scripted reply.
#[derive(Clone, Default)]
pub struct Script {
    steps: Vec<Step>,
    refuse: Option<ModelFault>,
}

impl Script {
    /// Says the pieces, then finishes.
    #[must_use]
    pub fn says(pieces: &[&str]) -> Self {
        pieces.iter().fold(Self::default(), |script, piece| script.text(piece))
    }

    /// Refuses the call before any event.
    #[must_use]
    pub fn refuses(fault: ModelFault) -> Self {
        Self { refuse: Some(fault), ..Self::default() }
    }

    /// More text.
    #[must_use]
    pub fn text(self, piece: &str) -> Self {
        self.step(Step::Event(ChatEvent::Text(piece.to_owned())))
    }

    /// Some reasoning.
    #[must_use]
    pub fn reasoning(self, piece: &str) -> Self {
        self.step(Step::Event(ChatEvent::Reasoning(piece.to_owned())))
    }

    /// Numbers from the provider.
    #[must_use]
    pub fn usage(self, prompt_tokens: u64, completion_tokens: u64) -> Self {
        let total_tokens = prompt_tokens + completion_tokens;
        let usage = Usage { prompt_tokens, completion_tokens, total_tokens, cost_usd: None, estimated: false };
        self.step(Step::Event(ChatEvent::Usage(usage)))
    }

    /// Ends for this reason in place of `stop`.
    #[must_use]
    pub fn finishes(self, reason: FinishReason) -> Self {
        self.step(Step::Event(ChatEvent::Finish(reason)))
    }

    /// Breaks off.
    #[must_use]
    pub fn fails(self, fault: ModelFault) -> Self {
        self.step(Step::Fail(fault))
    }

    /// Waits until the gate is opened.
    #[must_use]
    pub fn waits_for(self, gate: &Gate) -> Self {
        self.step(Step::Wait(gate.clone()))
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// A chat model that takes one script for each call, in order, and keeps every request.
///
/// Without a script left it repeats the last user message, so that a test that does not care need not say anything.
pub struct ScriptedModel {
    info: ModelInfo,
    scripts: Mutex<VecDeque<Script>>,
    requests: Mutex<Vec<ChatRequest>>,
    dropped: Arc<CancellationToken>,
}

impl ScriptedModel {
    /// A model with this window.
    #[must_use]
    pub fn with_window(context_window: u32) -> Arc<Self> {
        Arc::new(Self {
            info: ModelInfo {
                id: "scripted/model".to_owned(),
                context_window,
                max_output_tokens: context_window / 4,
                price_per_million: Some((1.0, 2.0)),
            },
            scripts: Mutex::default(),
            requests: Mutex::default(),
            dropped: Arc::default(),
        })
    }

    /// A model with a window of 8,192 tokens.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Self::with_window(8_192)
    }

    /// Adds the script of a later call.
    pub fn push(&self, script: Script) {
        self.scripts.lock().unwrap().push_back(script);
    }

    /// Every request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<ChatRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns once a stream of this model was dropped before its end: the generation was cancelled at its source.
    pub async fn until_dropped(&self) {
        self.dropped.cancelled().await;
    }

    fn next(&self, request: &ChatRequest) -> Script {
        let scripted = self.scripts.lock().unwrap().pop_front();
        scripted.unwrap_or_else(|| {
            let said = request.messages.last().map(|message| message.content.clone()).unwrap_or_default();
            Script::says(&["You said: ", &said])
        })
    }
}

/// Notes that a stream was dropped while it still had something to say.
struct DropMark {
    mark: Arc<CancellationToken>,
    finished: bool,
}

impl DropMark {
    /// The stream has said everything.
    fn finish(mark: &mut Option<Self>) {
        if let Some(mark) = mark {
            mark.finished = true;
        }
    }
}

impl Drop for DropMark {
    fn drop(&mut self) {
        if !self.finished {
            self.mark.cancel();
        }
    }
}

#[async_trait]
impl ChatModel for ScriptedModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn state(&self) -> ModelState {
        ModelState::Ready
    }

    fn tokens(&self) -> &dyn TokenCounter {
        &WordCounter
    }

    async fn stream(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let script = self.next(&request);
        self.requests.lock().unwrap().push(request);
        if let Some(fault) = script.refuse {
            return Err(ModelError::new(fault, "the scripted model refuses"));
        }
        let mark = DropMark { mark: Arc::clone(&self.dropped), finished: false };
        let steps: VecDeque<Step> = script.steps.into();
        Ok(stream::unfold((steps, Some(mark)), |(mut steps, mut mark)| async move {
            loop {
                match steps.pop_front() {
                    Some(Step::Wait(gate)) => gate.0.cancelled().await,
                    Some(Step::Event(event)) => return Some((Ok(event), (steps, mark))),
                    Some(Step::Fail(fault)) => {
                        DropMark::finish(&mut mark);
                        return Some((Err(ModelError::new(fault, "the scripted model fails")), (steps, mark)));
                    }
                    None => {
                        DropMark::finish(&mut mark);
                        return None;
                    }
                }
            }
        })
        .boxed())
    }
}

/// One token for each word: easy to reckon with in tests.
pub struct WordCounter;

impl TokenCounter for WordCounter {
    fn name(&self) -> &str {
        "words"
    }

    fn count(&self, text: &str) -> u32 {
        u32::try_from(text.split_whitespace().count()).unwrap()
    }

    fn message_overhead(&self) -> u32 {
        4
    }

    fn prompt_overhead(&self) -> u32 {
        3
    }
}
