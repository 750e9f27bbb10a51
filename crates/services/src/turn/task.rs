//! The turn task: it owns one generation from the first event to the last.

use std::{sync::Arc, time::Duration};

use documents::{MarkerFilter, Terms};
use domain::{
    ChatEvent, ChatRequest, ChatStream, Confidence, ErrorKind, EventBody, FinishReason, Grounding, Message,
    MessageStatus, Passage, ports::ChatModel,
};
use futures::StreamExt;
use memory_engine::Assembled;
use tokio::time::{Instant, MissedTickBehavior};

use super::{
    GroundingFallback, Inner,
    answer::{Answer, Ending, finished_turn},
    hub::ReplyLog,
    plan::{TurnPlan, off_the_workers},
    replay,
};
use crate::{
    Actor, ServiceError,
    retrieval::{SearchMode, SearchQuery},
};

/// How often the text of a running reply is kept.
const SAVE_EVERY: Duration = Duration::from_millis(250);
/// How often the end of a turn is tried again while the store is busy or away.
const FINISH_TRIES: u32 = 5;
/// Pause before the second try; it doubles with each.
const FINISH_PAUSE: Duration = Duration::from_millis(100);
/// What is answered where no passage answers.
const NO_INFORMATION: &str = "I don't have specific information about this topic.";

/// One generation.
pub(crate) struct TurnTask {
    pub(crate) inner: Arc<Inner>,
    pub(crate) plan: Arc<TurnPlan>,
    pub(crate) reply: Message,
    pub(crate) log: Arc<ReplyLog>,
    pub(crate) actor: Actor,
}

impl TurnTask {
    pub(crate) async fn run(self) {
        let model = self.plan.model.as_ref().map(|model| model.info().id.clone());
        self.log.publish(EventBody::Start {
            message_id: self.reply.id,
            conversation_id: self.reply.conversation_id,
            user_message_id: self.plan.user_message_id,
            model,
        });
        let mut answer = Answer::default();
        let ending = self.answer(&mut answer).await.unwrap_or_else(|error| {
            tracing::warn!(reply = %self.reply.id, error = %error, kind = ?error.kind(), "reply failed");
            Ending::Failed { kind: error.kind(), detail: error.detail() }
        });
        self.finish(answer, ending).await;
        self.inner.hub.finish(self.reply.id, self.inner.context.clock.monotonic());
    }

    async fn answer(&self, answer: &mut Answer) -> Result<Ending, ServiceError> {
        let passages = match self.plan.grounding {
            Grounding::OpenChat => Vec::new(),
            Grounding::GroundedRag => {
                let passages = self.find_passages(answer).await?;
                if passages.is_empty() {
                    answer.confidence = Some(Confidence::None);
                    if self.inner.settings.fallback == GroundingFallback::Refuse {
                        self.show(answer, NO_INFORMATION);
                        return Ok(Ending::Finished(FinishReason::Stop));
                    }
                    answer.warnings.push("no passage answers this: the reply does not rest on documents".to_owned());
                }
                passages
            }
        };
        let model = self
            .plan
            .model
            .as_ref()
            .ok_or_else(|| ServiceError::refuse(ErrorKind::NoModel, self.inner.models.chat_absent.clone()))?;
        let assembled = self.assemble(Arc::clone(model), passages).await?;
        answer.model_used = Some(model.info().id.clone());
        let request = self.request(&assembled);
        answer.begin(assembled);
        let stream = self.open_stream(&**model, request).await?;
        let Some(stream) = stream else { return Ok(self.stopped()) };
        let ending = self.follow(stream, answer).await;
        self.cite(answer);
        ending
    }

    async fn find_passages(&self, answer: &mut Answer) -> Result<Vec<Passage>, ServiceError> {
        let settings = &self.inner.settings;
        let query = SearchQuery {
            text: self.plan.content.clone(),
            top_k: settings.top_k,
            mode: SearchMode::Hybrid,
            filter: self.plan.filter.clone(),
        };
        let found = self.inner.retrieval.search(&self.actor, query).await?;
        answer.warnings.extend(found.warnings);
        // The best passage decides whether there is an answer at all; the others come along as context.
        let answers = found.passages.first().is_some_and(|best| best.score >= settings.min_score);
        Ok(if answers { found.passages } else { Vec::new() })
    }

    async fn assemble(&self, model: Arc<dyn ChatModel>, passages: Vec<Passage>) -> Result<Assembled, ServiceError> {
        let (inner, plan) = (Arc::clone(&self.inner), Arc::clone(&self.plan));
        off_the_workers(move || plan.assemble(&inner, &*model, &passages)).await?
    }

    fn request(&self, assembled: &Assembled) -> ChatRequest {
        let most = assembled.max_output_tokens;
        ChatRequest {
            messages: assembled.messages.clone(),
            max_output_tokens: self.plan.mode.max_output_tokens.map_or(most, |wanted| wanted.min(most)),
            temperature: self.plan.mode.temperature,
            top_p: None,
            stop: Vec::new(),
            seed: None,
        }
    }

    /// Begins the stream, unless the reply is stopped first.
    async fn open_stream(
        &self,
        model: &dyn ChatModel,
        request: ChatRequest,
    ) -> Result<Option<ChatStream>, ServiceError> {
        tokio::select! {
            biased;
            () = self.log.cancel.cancelled() => Ok(None),
            () = self.inner.interrupt.cancelled() => Ok(None),
            stream = model.stream(request) => Ok(Some(stream?)),
        }
    }

    /// Passes the stream on until it ends or is stopped; dropping it cancels the generation at its source.
    async fn follow(&self, mut stream: ChatStream, answer: &mut Answer) -> Result<Ending, ServiceError> {
        let mut filter = MarkerFilter::new(answer.sources().len());
        let grounded = !answer.sources().is_empty();
        let mut save = tokio::time::interval_at(Instant::now() + SAVE_EVERY, SAVE_EVERY);
        save.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ending = loop {
            tokio::select! {
                biased;
                () = self.log.cancel.cancelled() => break Ok(self.stopped()),
                () = self.inner.interrupt.cancelled() => break Ok(self.stopped()),
                event = stream.next() => match event {
                    Some(Ok(ChatEvent::Text(text))) if grounded => self.show(answer, &filter.push(&text)),
                    Some(Ok(ChatEvent::Text(text))) => self.show(answer, &text),
                    Some(Ok(ChatEvent::Reasoning(text))) => self.show_reasoning(answer, text),
                    Some(Ok(ChatEvent::Usage(usage))) => answer.reported = Some(usage),
                    Some(Ok(ChatEvent::Finish(reason))) => answer.finish_reason = Some(reason),
                    Some(Err(error)) => break Err(error.into()),
                    None => break Ok(Ending::Finished(answer.finish_reason.unwrap_or(FinishReason::Stop))),
                },
                _ = save.tick() => self.save(answer).await,
            }
        };
        self.show(answer, &filter.finish());
        answer.marked = filter.used();
        ending
    }

    fn show(&self, answer: &mut Answer, text: &str) {
        if !text.is_empty() {
            answer.content.push_str(text);
            self.log.publish(EventBody::Chunk { content: text.to_owned() });
        }
    }

    fn show_reasoning(&self, answer: &mut Answer, text: String) {
        if !text.is_empty() {
            answer.reasoning.push_str(&text);
            self.log.publish(EventBody::Reasoning { content: text });
        }
    }

    async fn save(&self, answer: &Answer) {
        if let Err(error) = self.inner.turns.save_progress(self.reply.id, &answer.content, &answer.parts()).await {
            // The end of the turn carries the whole text; this only narrows what a crash could take.
            tracing::warn!(reply = %self.reply.id, %error, "the text so far was not kept");
        }
    }

    fn cite(&self, answer: &mut Answer) {
        if !answer.sources().is_empty() {
            let terms = Terms::default();
            answer.citations = documents::cite(&answer.content, &answer.marked, answer.sources(), &terms);
            answer.confidence = Some(answer.grounded_confidence());
        }
    }

    /// How a reply that did not reach its end was stopped.
    fn stopped(&self) -> Ending {
        if self.log.cancel.is_cancelled() {
            Ending::Finished(FinishReason::Cancelled)
        } else {
            Ending::Failed {
                kind: ErrorKind::Interrupted,
                detail: "the server stopped while it was writing this reply: ask again".to_owned(),
            }
        }
    }

    /// Stores the end, then tells it: whoever reads `done` finds the reply stored.
    async fn finish(&self, answer: Answer, ending: Ending) {
        let turn = finished_turn(self, answer, ending).await;
        let mut pause = FINISH_PAUSE;
        for attempt in 1..=FINISH_TRIES {
            match self.inner.turns.finish_turn(turn.clone()).await {
                Ok(()) => break,
                Err(error) if attempt < FINISH_TRIES => {
                    tracing::warn!(reply = %self.reply.id, %error, attempt, "the reply's end was not stored yet");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => {
                    tracing::error!(reply = %self.reply.id, %error, "the reply's end could not be stored");
                    self.log.publish(EventBody::Error {
                        code: error.kind().code().to_owned(),
                        detail: "the reply could not be stored: ask again".to_owned(),
                        retryable: true,
                        message_id: self.reply.id,
                    });
                    return;
                }
            }
        }
        if turn.reply.status != MessageStatus::Failed {
            for citation in &turn.reply.citations {
                self.log.publish(EventBody::Citation(citation.clone()));
            }
        }
        self.log.publish(replay::end(&turn.reply));
    }
}
