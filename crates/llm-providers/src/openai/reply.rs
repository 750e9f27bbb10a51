//! Turns the events of a provider into ours. Pure: no clock, no I/O.

use domain::{ChatEvent, FinishReason, Usage};
use serde_json::Value;

use super::{
    complaint::Complaint,
    wire::{Choice, Chunk, Content, Counts, Delta, Either},
};

/// What an event made of a reply that must end.
#[derive(Debug)]
pub(super) enum Broken {
    /// The provider sent an error.
    Complaint(Complaint),
    /// It says that generating failed, without an error object.
    Failed(String),
    /// The body ended in the middle.
    Cut,
    /// It ended without a reply, or without any event: this may be no server of the protocol.
    Empty,
}

/// A reply as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// Whether any text or reasoning has come.
    spoken: bool,
    /// Whether any event has come, be it empty.
    heard: bool,
    finished: bool,
    usage: Option<Counts>,
}

impl Assembly {
    /// Whether a first token has come.
    pub(super) fn spoken(&self) -> bool {
        self.spoken
    }

    /// Whether the reply is whole.
    pub(super) fn finished(&self) -> bool {
        self.finished
    }

    /// The events of one chunk, in the order in which they must be passed on.
    ///
    /// # Errors
    /// When the chunk ends the reply before it is whole.
    pub(super) fn accept(&mut self, mut chunk: Chunk) -> Result<Vec<ChatEvent>, Broken> {
        if let Some(Either::Known(counts)) = chunk.usage.take() {
            // Some send running counts with every chunk; the last ones are those of the whole reply.
            self.usage = Some(counts);
        }
        if self.finished {
            return Ok(Vec::new());
        }
        if chunk.end_of_body {
            return Err(if self.heard { Broken::Cut } else { Broken::Empty });
        }
        self.heard = true;
        if is_error(&chunk) {
            return Err(Broken::Complaint(complaint_of(chunk)));
        }
        // One reply is asked for, so there is one choice; the last chunk, with usage, has none.
        match chunk.choices.unwrap_or_default().into_iter().next() {
            Some(choice) => self.choose(choice),
            None => Ok(Vec::new()),
        }
    }

    /// The events that remain when the provider has ended the stream in order.
    ///
    /// # Errors
    /// When no reply came.
    pub(super) fn end(&mut self) -> Result<Vec<ChatEvent>, Broken> {
        let mut events = Vec::new();
        if !self.finished {
            if !self.spoken {
                return Err(Broken::Empty);
            }
            // `[DONE]` without a finish reason: the reply is whole all the same.
            self.finished = true;
            events.push(ChatEvent::Finish(FinishReason::Stop));
        }
        events.extend(self.take_usage().map(ChatEvent::Usage));
        Ok(events)
    }

    /// What the provider counted, once, if it counted.
    pub(super) fn take_usage(&mut self) -> Option<Usage> {
        let Counts { prompt_tokens, completion_tokens, total_tokens } = self.usage.take()?;
        let (prompt, completion) = (prompt_tokens?, completion_tokens.unwrap_or_default());
        Some(Usage {
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: total_tokens.unwrap_or(prompt.saturating_add(completion)),
            cost_usd: None,
            estimated: false,
        })
    }

    fn choose(&mut self, choice: Choice) -> Result<Vec<ChatEvent>, Broken> {
        let mut events = Vec::new();
        if let Some(delta) = choice.delta.or(choice.message) {
            say(delta, &mut events);
        }
        self.spoken |= !events.is_empty();
        if let Some(Value::String(reason)) = choice.finish_reason {
            match finish_reason(&reason) {
                Ok(Some(reason)) => {
                    self.finished = true;
                    events.push(ChatEvent::Finish(reason));
                }
                Ok(None) => {}
                Err(failed) => return Err(failed),
            }
        }
        Ok(events)
    }
}

/// `Ok(None)` for an empty reason, which some send with every chunk. An unknown reason is a stop: the text is there.
fn finish_reason(reason: &str) -> Result<Option<FinishReason>, Broken> {
    match reason {
        "" | "null" => Ok(None),
        // `model_length` is Mistral's, for the window rather than the limit asked for.
        "length" | "max_tokens" | "model_length" => Ok(Some(FinishReason::Length)),
        "content_filter" | "safety" | "SAFETY" => Ok(Some(FinishReason::ContentFilter)),
        // OpenRouter and Mistral; https://api-docs.deepseek.com/api/create-chat-completion
        "error" | "insufficient_system_resource" => Err(Broken::Failed(reason.to_owned())),
        _ => Ok(Some(FinishReason::Stop)),
    }
}

fn say(delta: Delta, events: &mut Vec<ChatEvent>) {
    // Some servers send the same reasoning under both names while they change from one to the other.
    if let Some(reasoning) = delta.reasoning_content.or(delta.reasoning) {
        push(text_of(reasoning), ChatEvent::Reasoning, events);
    }
    for content in [delta.content, delta.refusal].into_iter().flatten() {
        match content {
            Content::Parts(parts) => {
                for part in parts {
                    let thought = part.thinking.unwrap_or_default().into_iter().filter_map(|inner| inner.text);
                    push(thought.collect(), ChatEvent::Reasoning, events);
                    push(part.text.unwrap_or_default(), ChatEvent::Text, events);
                }
            }
            other => push(text_of(other), ChatEvent::Text, events),
        }
    }
}

fn text_of(content: Content) -> String {
    match content {
        Content::Text(text) => text,
        Content::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        Content::Other(_) => String::new(),
    }
}

fn push(text: String, event: fn(String) -> ChatEvent, events: &mut Vec<ChatEvent>) {
    if !text.is_empty() {
        events.push(event(text));
    }
}

fn is_error(chunk: &Chunk) -> bool {
    let says_error = |value: &Option<Value>| value.as_ref().and_then(Value::as_str) == Some("error");
    let told = match &chunk.error {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    };
    told || says_error(&chunk.object) || says_error(&chunk.kind) || chunk.detail.is_some()
}

fn complaint_of(chunk: Chunk) -> Complaint {
    Complaint::new(chunk.error, chunk.message.or(chunk.detail), chunk.kind, chunk.code)
}

#[cfg(test)]
mod tests {
    use domain::ChatEvent::{Finish, Reasoning, Text};
    use serde_json::json;

    use super::*;

    fn all(chunks: &[Value]) -> Result<Vec<ChatEvent>, Broken> {
        let mut assembly = Assembly::default();
        let mut events = Vec::new();
        for chunk in chunks {
            events.extend(assembly.accept(serde_json::from_value(chunk.clone()).unwrap())?);
        }
        events.extend(assembly.end()?);
        Ok(events)
    }

    fn delta(delta: &Value) -> Value {
        json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
    }

    fn finish(reason: &str) -> Value {
        json!({"choices": [{"delta": {}, "finish_reason": reason}]})
    }

    #[test]
    fn reasoning_under_either_name_comes_once_and_before_text() {
        let both = delta(&json!({"reasoning": "a", "reasoning_content": "a", "content": "b"}));
        let one = delta(&json!({"reasoning": "c", "content": ""}));
        let events = all(&[both, one, finish("stop")]).unwrap();
        let expected = [Reasoning("a".into()), Text("b".into()), Reasoning("c".into()), Finish(FinishReason::Stop)];
        assert_eq!(events, expected);
    }

    #[test]
    fn parts_of_mistral_are_told_apart() {
        let parts =
            json!([{"type": "thinking", "thinking": [{"text": "x"}, {"text": "y"}]}, {"type": "text", "text": "z"}]);
        let events = all(&[delta(&json!({"content": parts})), finish("stop")]).unwrap();
        assert_eq!(events[..2], [Reasoning("xy".into()), Text("z".into())]);
    }

    #[test]
    fn every_finish_reason_has_its_meaning_and_an_unknown_one_is_a_stop() {
        for (said, meant) in [
            ("stop", FinishReason::Stop),
            ("length", FinishReason::Length),
            ("model_length", FinishReason::Length),
            ("content_filter", FinishReason::ContentFilter),
            ("tool_calls", FinishReason::Stop),
            ("a_reason_of_next_year", FinishReason::Stop),
        ] {
            assert_eq!(all(&[finish(said)]).unwrap(), [Finish(meant)], "{said}");
        }
        for failed in ["error", "insufficient_system_resource"] {
            assert!(matches!(all(&[finish(failed)]), Err(Broken::Failed(_))), "{failed}");
        }
    }

    #[test]
    fn last_counts_win_and_come_once_after_the_finish() {
        let counting = |n: u64| json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": n}});
        let events = all(&[counting(1), delta(&json!({"content": "a"})), finish("stop"), counting(2)]).unwrap();
        let usage = Usage { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, ..Usage::default() };
        assert_eq!(events, [Text("a".into()), Finish(FinishReason::Stop), ChatEvent::Usage(usage)]);
    }

    #[test]
    fn usage_without_numbers_is_none() {
        let events = all(&[json!({"usage": {"cost": 1}, "choices": []}), finish("stop")]).unwrap();
        assert_eq!(events, [Finish(FinishReason::Stop)]);
    }

    #[test]
    fn nothing_follows_the_finish_but_usage() {
        let late = [finish("stop"), delta(&json!({"content": "late"})), finish("length"), json!({"error": "late"})];
        assert_eq!(all(&late).unwrap(), [Finish(FinishReason::Stop)]);
    }

    #[test]
    fn end_of_the_body_before_the_finish_is_a_cut_and_after_it_is_nothing() {
        let end = json!({"end_of_body": true});
        assert!(matches!(all(&[delta(&json!({"content": "a"})), end.clone()]), Err(Broken::Cut)));
        assert_eq!(all(&[finish("stop"), end]).unwrap().len(), 1);
        assert!(matches!(all(&[delta(&json!({"role": "assistant", "content": ""}))]), Err(Broken::Empty)));
        assert_eq!(all(&[delta(&json!({"content": "a"}))]).unwrap()[1], Finish(FinishReason::Stop));
    }

    #[test]
    fn error_is_seen_in_every_place_where_servers_put_it() {
        for event in [
            json!({"error": {"message": "x"}}),
            json!({"error": "x"}),
            json!({"object": "error", "message": "x"}),
            json!({"type": "error", "message": "x"}),
            json!({"detail": "x"}),
            json!({"error": {"code": 502}, "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]}),
        ] {
            assert!(matches!(all(std::slice::from_ref(&event)), Err(Broken::Complaint(_))), "{event}");
        }
        assert_eq!(all(&[json!({"error": null, "object": "chat.completion.chunk"}), finish("stop")]).unwrap().len(), 1);
    }
}
