//! One reply, from request to end.

use std::ops::ControlFlow;

use domain::{ChatEvent, ChatRequest, FinishReason, ModelError, ModelFault, Usage};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    kernels::Threads,
    llama::{Llama, Session},
    reply_text::ReplyText,
    sampler::{Sampler, Sampling},
    template::ChatTemplate,
};

/// SmolLM2's authors generate with these (<https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct>).
const DEFAULT_TEMPERATURE: f32 = 0.2;
const DEFAULT_TOP_P: f32 = 0.9;

/// A model with everything that it needs to chat.
#[derive(Debug)]
pub(super) struct Chatter {
    pub(super) model: Llama,
    pub(super) template: ChatTemplate,
}

/// A request that waits for its turn, and where its events go.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) request: ChatRequest,
    /// For sampling when the request brings no seed.
    pub(super) seed: u64,
    pub(super) events: UnboundedSender<Result<ChatEvent, ModelError>>,
}

/// The listener has gone.
struct Gone;

impl Generation {
    /// Whether nobody listens any more.
    pub(super) fn abandoned(&self) -> bool {
        self.events.is_closed()
    }

    fn send(&self, event: ChatEvent) -> Result<(), Gone> {
        self.events.send(Ok(event)).map_err(|_| Gone)
    }

    /// Ends it with an error.
    pub(super) fn fail(&self, error: ModelError) {
        // A listener that has gone needs no error.
        let _ = self.events.send(Err(error));
    }
}

impl Chatter {
    /// Touches every weight once, so that the first reply does not pay for it.
    pub(super) fn warm_up(&self) {
        let mut session = Session::new(self.model.shape(), 1);
        // Never told to break.
        let _ = self.model.read(&mut session, &[0], Threads::ONE, &|| ControlFlow::Continue(()));
    }

    /// Generates until the reply is whole or nobody listens. Everything that it took is freed when it returns.
    pub(super) fn reply(&self, generation: &Generation, context: usize, threads: Threads) {
        if generation.abandoned() {
            return;
        }
        let prompt = match self.template.render(&generation.request.messages) {
            Ok(prompt) => prompt,
            Err(detail) => return generation.fail(ModelError::new(ModelFault::Permanent, detail)),
        };
        if prompt.len() >= context {
            let detail = format!(
                "the prompt has {} tokens, which leaves no room for a reply in the model's context of {context}: \
                 shorten it",
                prompt.len()
            );
            return generation.fail(ModelError::new(ModelFault::ContextTooLong, detail));
        }
        let wanted = usize::try_from(generation.request.max_output_tokens).unwrap_or(usize::MAX);
        let limit = wanted.min(context - prompt.len());
        // Whoever listened has gone: there is nobody to tell.
        let _ = self.run(generation, &prompt, limit, threads);
    }

    fn run(&self, generation: &Generation, prompt: &[u32], limit: usize, threads: Threads) -> Result<(), Gone> {
        let request = &generation.request;
        let mut session = Session::new(self.model.shape(), prompt.len() + limit);
        let mut sampler = Sampler::new(Sampling {
            temperature: request.temperature.unwrap_or(DEFAULT_TEMPERATURE),
            top_p: request.top_p.unwrap_or(DEFAULT_TOP_P),
            seed: request.seed.unwrap_or(generation.seed),
        });
        let mut text = ReplyText::new(&request.stop);
        let flow = || if generation.abandoned() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let mut read = |tokens: &[u32]| match self.model.read(&mut session, tokens, threads, &flow) {
            ControlFlow::Continue(()) => Ok(sampler.choose(session.logits())),
            ControlFlow::Break(()) => Err(Gone),
        };
        let (mut token, mut count, mut reason) = (read(prompt)?, 0, FinishReason::Length);
        while count < limit {
            count += 1;
            if self.template.ends_reply(token) {
                reason = FinishReason::Stop;
                break;
            }
            show(generation, text.push(&self.template.bytes(token)))?;
            if text.stopped() {
                reason = FinishReason::Stop;
                break;
            }
            if count < limit {
                token = read(&[token])?;
            }
        }
        show(generation, text.finish())?;
        generation.send(ChatEvent::Usage(usage(prompt.len(), count)))?;
        generation.send(ChatEvent::Finish(reason))
    }
}

fn show(generation: &Generation, text: String) -> Result<(), Gone> {
    if text.is_empty() { Ok(()) } else { generation.send(ChatEvent::Text(text)) }
}

fn usage(prompt: usize, completion: usize) -> Usage {
    let (prompt_tokens, completion_tokens) = (prompt as u64, completion as u64);
    Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: prompt_tokens + completion_tokens,
        cost_usd: None,
        estimated: false,
    }
}
