//! A reply as it grows, and its final form.

use domain::{
    Citation, Confidence, ErrorKind, FinishReason, Grounding, Message, MessagePart, MessageStatus, Passage, Usage,
    ports::{FinishedTurn, TokenCounter},
};
use memory_engine::{Assembled, update_average};

use super::{plan::off_the_workers, task::TurnTask};

/// Score of the best cited passage from which a reply counts as well founded.
const HIGH_CONFIDENCE: f32 = 0.7;

/// How a generation ended.
pub(crate) enum Ending {
    /// With everything there, or stopped by the person.
    Finished(FinishReason),
    /// In a failure.
    Failed { kind: ErrorKind, detail: String },
}

/// What has come so far.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) content: String,
    pub(crate) reasoning: String,
    pub(crate) reported: Option<Usage>,
    pub(crate) finish_reason: Option<FinishReason>,
    pub(crate) model_used: Option<String>,
    pub(crate) citations: Vec<Citation>,
    pub(crate) marked: Vec<usize>,
    pub(crate) confidence: Option<Confidence>,
    pub(crate) warnings: Vec<String>,
    assembled: Option<Assembled>,
}

impl Answer {
    /// Notes what the model is being sent.
    pub(crate) fn begin(&mut self, assembled: Assembled) {
        self.assembled = Some(assembled);
    }

    /// The passages that the model was sent.
    pub(crate) fn sources(&self) -> &[Passage] {
        self.assembled.as_ref().map_or(&[], |assembled| &assembled.passages_sent)
    }

    /// The full form of the text so far.
    pub(crate) fn parts(&self) -> Vec<MessagePart> {
        let reasoning = (!self.reasoning.is_empty()).then(|| MessagePart::Reasoning { text: self.reasoning.clone() });
        let text = (!self.content.is_empty()).then(|| MessagePart::Text { text: self.content.clone() });
        reasoning.into_iter().chain(text).collect()
    }

    /// How much the reply rests on its passages.
    pub(crate) fn grounded_confidence(&self) -> Confidence {
        match self.citations.iter().map(|citation| citation.score).reduce(f32::max) {
            None => Confidence::Low,
            Some(score) if score >= HIGH_CONFIDENCE => Confidence::High,
            Some(_) => Confidence::Medium,
        }
    }
}

/// Everything that ends the turn of `task` in the store.
pub(crate) async fn finished_turn(task: &TurnTask, answer: Answer, ending: Ending) -> FinishedTurn {
    let counted = count(task, answer.content.clone()).await;
    let memory = &task.plan.context.memory;
    let failed = matches!(ending, Ending::Failed { .. });
    let avg_tokens = answer.assembled.as_ref().filter(|_| !failed).map(|_| {
        let reply = if counted.tokens > 0 { counted.tokens + counted.message_overhead } else { 0 };
        let cost = task.plan.tokens + counted.message_overhead + reply;
        update_average(memory.avg_tokens, cost, task.inner.settings.memory.smoothing_factor)
    });
    FinishedTurn {
        avg_tokens: avg_tokens.or(memory.avg_tokens),
        dynamic_k: answer.assembled.as_ref().map(|assembled| assembled.dynamic_k).or(memory.dynamic_k),
        history_budget: answer.assembled.as_ref().map(|assembled| assembled.history_budget),
        receipt: answer.assembled.as_ref().map(|assembled| assembled.receipt.clone()),
        reply: final_reply(task, answer, ending, &counted),
        now: task.inner.context.clock.now(),
    }
}

fn final_reply(task: &TurnTask, mut answer: Answer, ending: Ending, counted: &Counted) -> Message {
    let answered = !answer.content.is_empty() || !answer.reasoning.is_empty() || answer.reported.is_some();
    let assembled = answer.assembled.as_ref().filter(|_| answered);
    let usage = assembled.map(|assembled| usage(task, &answer, assembled, counted.tokens));
    let (status, finish_reason, error_code) = match ending {
        Ending::Finished(FinishReason::Cancelled) => (MessageStatus::Cancelled, Some(FinishReason::Cancelled), None),
        Ending::Finished(reason) => (MessageStatus::Complete, Some(reason), None),
        Ending::Failed { kind, detail } => {
            answer.warnings.push(detail);
            let interrupted = kind == ErrorKind::Interrupted;
            let status = if interrupted { MessageStatus::Interrupted } else { MessageStatus::Failed };
            (status, None, Some(kind.code().to_owned()))
        }
    };
    Message {
        status,
        parts: answer.parts(),
        tokens: counted.tokens,
        tokenizer: counted.tokenizer.clone(),
        sources: answer.sources().to_vec(),
        content: answer.content,
        model_used: answer.model_used,
        usage,
        citations: answer.citations,
        confidence: answer.confidence.filter(|_| task.plan.grounding == Grounding::GroundedRag),
        warnings: answer.warnings,
        finish_reason,
        error_code,
        ..task.reply.clone()
    }
}

struct Counted {
    tokens: u32,
    tokenizer: String,
    message_overhead: u32,
}

/// Counts the reply's tokens, once, off the async workers.
async fn count(task: &TurnTask, content: String) -> Counted {
    let (model, fallback) = (task.plan.model.clone(), task.inner.models.fallback_counter.clone());
    let counting = off_the_workers(move || {
        let counter: &dyn TokenCounter = model.as_ref().map_or(&*fallback, |model| model.tokens());
        Counted {
            tokens: counter.count(&content),
            tokenizer: counter.name().to_owned(),
            message_overhead: counter.message_overhead(),
        }
    });
    // Work is dropped only while the runtime itself is going down.
    counting.await.unwrap_or_else(|_| Counted { tokens: 0, tokenizer: String::new(), message_overhead: 0 })
}

/// The provider's numbers where it gave them, otherwise ours, marked as such; priced where the price is known.
fn usage(task: &TurnTask, answer: &Answer, assembled: &Assembled, reply_tokens: u32) -> Usage {
    let (prompt, completion) = (u64::from(assembled.prompt_tokens), u64::from(reply_tokens));
    let counted = Usage {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion,
        cost_usd: None,
        estimated: true,
    };
    let usage = answer.reported.unwrap_or(counted);
    let price = task.plan.model.as_ref().and_then(|model| model.info().price_per_million);
    #[allow(clippy::cast_precision_loss, reason = "a prompt has far fewer than 2^52 tokens")]
    let cost = price.map(|(prompt, completion)| {
        (usage.prompt_tokens as f64 * prompt + usage.completion_tokens as f64 * completion) / 1e6
    });
    Usage { cost_usd: cost, ..usage }
}
