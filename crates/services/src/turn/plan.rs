//! What is settled before the message is stored: the model, the context read once, and that the message fits.

use std::sync::Arc;

use domain::{
    ConversationId, Grounding, Message, MessageId, MessageRole, MessageStatus, Passage, SearchFilter,
    ports::{ChatModel, NewTurn, TokenCounter, TurnContext},
};
use memory_engine::{Assembled, Assembly, NewMessage};

use super::{Inner, PostMessage, stopping, title::title_of};
use crate::{
    Actor, ServiceError,
    conversations::check_document_choice,
    models::{Mode, ModelWish},
};

/// Everything that a turn needs to know, read once.
pub(crate) struct TurnPlan {
    pub(crate) context: TurnContext,
    pub(crate) model: Option<Arc<dyn ChatModel>>,
    pub(crate) mode: Mode,
    pub(crate) grounding: Grounding,
    pub(crate) filter: SearchFilter,
    pub(crate) content: String,
    pub(crate) tokens: u32,
    pub(crate) tokenizer: String,
    pub(crate) user_message_id: MessageId,
    pub(crate) reply_id: MessageId,
}

pub(crate) async fn plan_turn(
    inner: &Arc<Inner>,
    actor: &Actor,
    id: ConversationId,
    mut post: PostMessage,
) -> Result<Arc<TurnPlan>, ServiceError> {
    if post.content.trim().is_empty() {
        return Err(ServiceError::invalid("content", "expected a message with some text, got nothing"));
    }
    let loaded = inner.turns.load_turn(actor.user_id, id, inner.settings.memory.turn_read()).await?;
    let context = loaded.ok_or_else(|| ServiceError::not_found("conversation"))?;
    if let Some(document_ids) = &mut post.document_ids {
        check_document_choice(&*inner.documents, actor, document_ids).await?;
    }
    let choice = inner.models.choose(&ModelWish {
        mode: Some(post.mode.as_deref().unwrap_or(&context.conversation.mode)),
        size: Some(post.model_size.unwrap_or(context.conversation.model_size)),
        model: post.model.as_deref().or(context.conversation.model.as_deref()),
    })?;
    let plan = TurnPlan {
        grounding: post.grounding.unwrap_or(context.conversation.grounding),
        filter: SearchFilter {
            document_ids: post.document_ids.unwrap_or_else(|| context.conversation.document_ids.clone()),
            ..SearchFilter::all_of(actor.user_id)
        },
        context,
        model: choice.model,
        mode: choice.mode,
        content: post.content,
        tokens: 0,
        tokenizer: String::new(),
        user_message_id: MessageId::new(&*inner.context.ids),
        reply_id: MessageId::new(&*inner.context.ids),
    };
    let inner = Arc::clone(inner);
    off_the_workers(move || plan.counted(&inner)).await?.map(Arc::new)
}

/// Runs arithmetic (tokenising, assembling) where it holds up no request.
pub(crate) async fn off_the_workers<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ServiceError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| stopping())
}

impl TurnPlan {
    /// Counts the new message, once, and makes sure that it can be sent: a message that can never fit is refused
    /// before anything is stored.
    fn counted(mut self, inner: &Inner) -> Result<Self, ServiceError> {
        let counter: &dyn TokenCounter =
            self.model.as_ref().map_or(&*inner.models.fallback_counter, |model| model.tokens());
        (self.tokens, self.tokenizer) = (counter.count(&self.content), counter.name().to_owned());
        if let Some(model) = &self.model {
            self.assemble(inner, &**model, &[])?;
        }
        Ok(self)
    }

    /// The prompt with these passages. Pure, and cheap: stored messages keep their counts. Passages and instructions
    /// are counted, so it is not for the async workers.
    pub(crate) fn assemble(
        &self,
        inner: &Inner,
        model: &dyn ChatModel,
        passages: &[Passage],
    ) -> Result<Assembled, ServiceError> {
        let operator = &inner.settings.system_instruction;
        let system_instruction = match &self.mode.system_prompt {
            Some(mode) => format!("{operator}\n\n{mode}"),
            None => operator.clone(),
        };
        Ok(memory_engine::assemble(&Assembly {
            model: model.info(),
            counter: model.tokens(),
            settings: &inner.settings.memory,
            wording: &inner.settings.wording,
            system_instruction: &system_instruction,
            conversation_prompt: self.context.conversation.system_prompt.as_deref(),
            long_term: None,
            memory: &self.context.memory,
            buffer: &self.context.newest,
            unread: &self.context.unread,
            passages,
            new_message: NewMessage { id: self.user_message_id, text: &self.content, tokens: Some(self.tokens) },
            reply_id: self.reply_id,
        })?)
    }

    /// The rows that begin the turn.
    pub(crate) fn new_turn(&self, inner: &Inner) -> NewTurn {
        let now = inner.context.clock.now();
        let conversation = self.context.conversation.id;
        let of =
            |id, role| Message { tokenizer: self.tokenizer.clone(), ..Message::empty(id, conversation, role, now) };
        NewTurn {
            user_message: Message {
                content: self.content.clone(),
                parts: vec![domain::MessagePart::Text { text: self.content.clone() }],
                tokens: self.tokens,
                ..of(self.user_message_id, MessageRole::User)
            },
            reply: Message { status: MessageStatus::Accepted, ..of(self.reply_id, MessageRole::Assistant) },
            title: title_of(&self.content),
        }
    }
}
