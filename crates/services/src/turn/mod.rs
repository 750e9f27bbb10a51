//! The turn: a user's message, the context a model gets to see, and the reply that outlives its reader.
//!
//! [`Turns::post_message`] stores the message and an empty reply in one transaction and starts the *turn task*, which
//! owns the generation: it publishes numbered events, keeps the text as it grows, and ends the turn in one
//! transaction. Readers attach to the events; the task needs none.

mod answer;
mod hub;
mod permits;
mod plan;
mod replay;
mod task;
mod title;

use std::{sync::Arc, time::Duration};

use domain::{
    ConversationId, DocumentId, ErrorKind, EventBody, Grounding, Message, MessageId, MessageRole, ModelSize,
    ReplyEvent,
    ports::{ConversationStore, DocumentStore, TurnStore},
};
use futures::StreamExt;
use memory_engine::{AdaptiveSettings, Wording};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use hub::Hub;
pub use hub::ReplyEvents;
use permits::{Permit, Permits};
use plan::TurnPlan;
use task::TurnTask;

use crate::{Actor, Context, ServiceError, models::Models, retrieval::Retrieval};

/// What happens when no passage answers a question that must be grounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroundingFallback {
    /// A fixed sentence says so; no model is called.
    #[default]
    Refuse,
    /// The model answers from what it knows, with a warning.
    Generic,
}

/// What configuration decides about turns.
#[derive(Debug, Clone)]
pub struct TurnSettings {
    /// How the context is measured out.
    pub memory: AdaptiveSettings,
    /// The words around the sections of a prompt.
    pub wording: Wording,
    /// The operator's instructions.
    pub system_instruction: String,
    /// The most passages of a prompt.
    pub top_k: u32,
    /// The lowest score of the best passage for which a model is asked, 0 to 1.
    pub min_score: f32,
    /// What happens below it.
    pub fallback: GroundingFallback,
    /// The most replies one user may have running.
    pub max_running_per_user: u32,
    /// How long the events of a finished reply are kept as they were.
    pub log_retention: Duration,
}

/// A message to be answered.
#[derive(Debug, Clone, Default)]
pub struct PostMessage {
    /// The text.
    pub content: String,
    /// In place of the conversation's mode.
    pub mode: Option<String>,
    /// In place of its model size.
    pub model_size: Option<ModelSize>,
    /// In place of its model.
    pub model: Option<String>,
    /// In place of its grounding.
    pub grounding: Option<Grounding>,
    /// In place of its documents.
    pub document_ids: Option<Vec<DocumentId>>,
}

/// A stored message and the reply that is on its way.
pub struct StartedTurn {
    /// The message as stored.
    pub user_message: Message,
    /// The reply as stored: empty, `accepted`.
    pub reply: Message,
    /// Its events from the first.
    pub events: ReplyEvents,
    turns: Turns,
    actor: Actor,
}

/// A reply that ended in a failure after its message had been stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnFailure {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// What happened and what to do.
    pub detail: String,
    /// The reply, which keeps the text that came before.
    pub message_id: MessageId,
}

/// The use cases of the turn. Cloning shares the state.
#[derive(Clone)]
pub struct Turns {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) turns: Arc<dyn TurnStore>,
    pub(crate) conversations: Arc<dyn ConversationStore>,
    pub(crate) documents: Arc<dyn DocumentStore>,
    pub(crate) retrieval: Retrieval,
    pub(crate) models: Models,
    pub(crate) settings: TurnSettings,
    pub(crate) context: Context,
    pub(crate) hub: Hub,
    permits: Arc<Permits>,
    tasks: TaskTracker,
    /// Set when the server stops: nothing new begins.
    closing: CancellationToken,
    /// Set when the time to finish is up: what still runs is recorded as interrupted.
    pub(crate) interrupt: CancellationToken,
}

/// What the turns work on.
pub struct TurnParts {
    /// Writes of a turn.
    pub turns: Arc<dyn TurnStore>,
    /// Conversations and messages.
    pub conversations: Arc<dyn ConversationStore>,
    /// Tells whose a document is.
    pub documents: Arc<dyn DocumentStore>,
    /// Search over documents.
    pub retrieval: Retrieval,
    /// Models by role.
    pub models: Models,
    /// Configuration.
    pub settings: TurnSettings,
    /// Clock and ids.
    pub context: Context,
}

impl Turns {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: TurnParts) -> Self {
        let TurnParts { turns, conversations, documents, retrieval, models, settings, context } = parts;
        let hub = Hub::new(settings.log_retention);
        Self {
            inner: Arc::new(Inner {
                turns,
                conversations,
                documents,
                retrieval,
                models,
                settings,
                context,
                hub,
                permits: Arc::default(),
                tasks: TaskTracker::new(),
                closing: CancellationToken::new(),
                interrupt: CancellationToken::new(),
            }),
        }
    }

    /// Stores the message and begins the reply.
    ///
    /// # Errors
    /// Before anything is stored: a rule error for empty text, an unknown mode or model, documents of somebody else, a
    /// message longer than the model's context, a conversation that is not the actor's, a reply that is running, too
    /// many of them, or a server that is stopping. What fails later is the reply's own: see [`StartedTurn::wait`].
    pub async fn post_message(
        &self,
        actor: &Actor,
        id: ConversationId,
        post: PostMessage,
    ) -> Result<StartedTurn, ServiceError> {
        let inner = &self.inner;
        if inner.closing.is_cancelled() {
            return Err(stopping());
        }
        let permit = inner.permits.acquire(actor.user_id, inner.settings.max_running_per_user)?;
        let plan = plan::plan_turn(inner, actor, id, post).await?;
        // A caller that goes away in the middle must not leave a stored reply that nobody writes.
        let beginning = inner.tasks.spawn(begin(Arc::clone(inner), plan, actor.clone(), permit));
        let begun = beginning.await.map_err(|_| stopping())??;
        Ok(StartedTurn {
            user_message: begun.user_message,
            reply: begun.reply,
            events: begun.events,
            turns: self.clone(),
            actor: actor.clone(),
        })
    }

    /// The events of a reply after number `after`, live or replayed; absent after the last one of a log that is
    /// still kept.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where there is no such reply of the actor's.
    pub async fn attach(&self, actor: &Actor, id: MessageId, after: u64) -> Result<Option<ReplyEvents>, ServiceError> {
        let reply = self.find_reply(actor, id).await?;
        if let Some(log) = self.inner.hub.find(id) {
            return Ok((!log.is_over(after)).then(|| log.read(after)));
        }
        // It may have ended between the two looks.
        let reply = if reply.status.is_terminal() { reply } else { self.find_reply(actor, id).await? };
        Ok(Some(replay::replay(&reply, after)))
    }

    /// Stops a reply and keeps its text so far. Stopping one that has ended changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where there is no such reply of the actor's.
    pub async fn cancel(&self, actor: &Actor, id: MessageId) -> Result<(), ServiceError> {
        self.find_reply(actor, id).await?;
        if let Some(log) = self.inner.hub.find(id) {
            log.cancel.cancel();
        }
        Ok(())
    }

    /// Records what a stop of the server cut off. To be called once, before the first request.
    ///
    /// # Errors
    /// Store errors.
    pub async fn recover(&self) -> Result<usize, ServiceError> {
        let interrupted = self.inner.turns.interrupt_running(self.inner.context.clock.now()).await?;
        Ok(interrupted.len())
    }

    /// Begins no more replies, waits up to `patience` for those that run, and records the rest as interrupted.
    pub async fn drain(&self, patience: Duration) {
        self.inner.closing.cancel();
        self.inner.tasks.close();
        if tokio::time::timeout(patience, self.inner.tasks.wait()).await.is_err() {
            self.inner.interrupt.cancel();
            self.inner.tasks.wait().await;
        }
    }

    async fn find_reply(&self, actor: &Actor, id: MessageId) -> Result<Message, ServiceError> {
        let found = self.inner.conversations.find_message(actor.user_id, id).await?;
        found
            .filter(|message| message.role == MessageRole::Assistant)
            .ok_or_else(|| ServiceError::refuse(ErrorKind::NotFound, "there is no such reply, or it is not yours"))
    }
}

struct Begun {
    user_message: Message,
    reply: Message,
    events: ReplyEvents,
}

/// Stores the rows and starts the turn task.
async fn begin(inner: Arc<Inner>, plan: Arc<TurnPlan>, actor: Actor, permit: Permit) -> Result<Begun, ServiceError> {
    let new_turn = plan.new_turn(&inner);
    let reply_id = new_turn.reply.id;
    // Opened before the row exists, so that whoever sees the row finds the log.
    let log = inner.hub.open(reply_id);
    let (user_message, reply) = match inner.turns.start_turn(new_turn).await {
        Ok(stored) => stored,
        Err(error) => {
            inner.hub.discard(reply_id);
            return Err(error.into());
        }
    };
    let events = log.read(0);
    let task = TurnTask { inner: Arc::clone(&inner), plan, reply: reply.clone(), log, actor };
    inner.tasks.spawn(async move {
        task.run().await;
        drop(permit);
    });
    Ok(Begun { user_message, reply, events })
}

pub(crate) fn stopping() -> ServiceError {
    ServiceError::refuse(ErrorKind::ShuttingDown, "the server is stopping: try again in a moment")
}

impl StartedTurn {
    /// Waits for the end of the reply: the plain answer is the stream, folded.
    ///
    /// # Errors
    /// The outer error is a fault of the store, the inner one a reply that failed.
    pub async fn wait(mut self) -> Result<Result<(Message, Message), TurnFailure>, ServiceError> {
        let mut last: Option<ReplyEvent> = None;
        while let Some(event) = self.events.next().await {
            last = Some(event);
        }
        if let Some(ReplyEvent { body: EventBody::Error { code, detail, message_id, .. }, .. }) = last {
            let kind = ErrorKind::ALL.into_iter().find(|kind| kind.code() == code).unwrap_or(ErrorKind::Internal);
            return Ok(Err(TurnFailure { kind, detail, message_id }));
        }
        let reply = self.turns.find_reply(&self.actor, self.reply.id).await?;
        Ok(Ok((self.user_message, reply)))
    }
}
