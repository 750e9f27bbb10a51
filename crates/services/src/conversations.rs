//! Conversations: making, reading, changing and removing them. Replies are written by the turn.

mod rules;

use std::sync::Arc;

use domain::{
    Conversation, ConversationFilter, ConversationId, ConversationMemory, ConversationPatch, DocumentId, Grounding,
    MemorySettings, Message, MessageId, ModelSize, Order, Page, PageRequest, Receipt,
    ports::{BufferSize, ConversationStore, DocumentStore, TurnStore},
};

use crate::{Actor, Context, ServiceError, error::FieldErrors, models::DEFAULT_MODE};

/// What a conversation may be set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationSettings {
    /// Names of the modes; [`DEFAULT_MODE`] is one of them.
    pub modes: Vec<String>,
    /// Names of the memory policies.
    pub policies: Vec<String>,
    /// The policy of a conversation that names none.
    pub default_policy: String,
}

/// Memory settings as a client gives them; absent takes the default, or leaves as is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryChoice {
    /// Whether long-term memory is read and written.
    pub enabled: Option<bool>,
    /// Name of the short-term policy.
    pub policy: Option<String>,
}

impl MemoryChoice {
    /// The choice where there is one, `current` elsewhere.
    #[must_use]
    pub fn over(self, current: &MemorySettings) -> MemorySettings {
        MemorySettings {
            enabled: self.enabled.unwrap_or(current.enabled),
            policy: self.policy.unwrap_or_else(|| current.policy.clone()),
        }
    }
}

/// A conversation as it is asked for; absent takes the default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewConversation {
    /// Title, at most [`domain::MAX_TITLE_CHARS`] characters.
    pub title: Option<String>,
    /// Name of the mode.
    pub mode: Option<String>,
    /// Whether replies must rest on documents.
    pub grounding: Option<Grounding>,
    /// The actor's documents that grounding is limited to, at most 100; empty is all of them.
    pub document_ids: Vec<DocumentId>,
    /// Default size of the model.
    pub model_size: Option<ModelSize>,
    /// A particular model, `provider/model`.
    pub model: Option<String>,
    /// Instructions, at most [`domain::MAX_SYSTEM_PROMPT_CHARS`] characters.
    pub system_prompt: Option<String>,
    /// Neither reads nor writes long-term memory.
    pub temporary: bool,
    /// What its memory does.
    pub memory: MemoryChoice,
    /// Labels, at most 20 of 50 characters.
    pub tags: Vec<String>,
}

/// What is kept of a conversation's short-term memory.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryView {
    /// Name of the policy.
    pub policy: String,
    /// Its state.
    pub memory: ConversationMemory,
    /// What lies after the watermark.
    pub buffer: BufferSize,
}

/// What [`Conversations`] is made of.
pub struct ConversationParts {
    /// Conversations and messages.
    pub conversations: Arc<dyn ConversationStore>,
    /// The state of their memory.
    pub turns: Arc<dyn TurnStore>,
    /// Tells whose a document is.
    pub documents: Arc<dyn DocumentStore>,
    /// Time and ids.
    pub context: Context,
    /// What a conversation may be set to.
    pub settings: ConversationSettings,
}

/// The use cases of conversations.
pub struct Conversations {
    parts: ConversationParts,
}

impl Conversations {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: ConversationParts) -> Self {
        Self { parts }
    }

    /// Makes a conversation of the actor.
    ///
    /// # Errors
    /// `ValidationFailed` naming every field that breaks its rule, `document_ids` for documents that are not the
    /// actor's; `UnknownMode`; failures of the store.
    pub async fn create(&self, actor: &Actor, new: NewConversation) -> Result<Conversation, ServiceError> {
        let now = self.parts.context.now();
        let defaults = MemorySettings { enabled: true, policy: self.parts.settings.default_policy.clone() };
        let mut conversation = Conversation {
            id: ConversationId::new(&*self.parts.context.ids),
            owner_id: actor.user_id,
            title: new.title,
            mode: new.mode.unwrap_or_else(|| DEFAULT_MODE.to_owned()),
            grounding: new.grounding.unwrap_or_default(),
            model_size: new.model_size.unwrap_or_default(),
            model: new.model,
            document_ids: new.document_ids,
            tags: new.tags,
            pinned: false,
            archived: false,
            temporary: new.temporary,
            memory: new.memory.over(&defaults),
            system_prompt: new.system_prompt,
            active_message_id: None,
            message_count: 0,
            created_at: now,
            updated_at: now,
        };
        rules::check(&mut conversation, &self.parts.settings)?;
        self.check_documents(actor, &conversation.document_ids).await?;
        self.parts.conversations.insert(conversation.clone()).await?;
        Ok(conversation)
    }

    /// The actor's conversations, newest activity first.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: ConversationFilter,
        page: PageRequest,
    ) -> Result<Page<Conversation>, ServiceError> {
        Ok(self.parts.conversations.list(actor.user_id, filter, page).await?)
    }

    /// The actor's conversation of this id.
    ///
    /// # Errors
    /// `NotFound`; failures of the store.
    pub async fn find(&self, actor: &Actor, id: ConversationId) -> Result<Conversation, ServiceError> {
        self.parts.conversations.find(actor.user_id, id).await?.ok_or_else(not_found)
    }

    /// Changes the actor's conversation and answers it as it now is.
    ///
    /// # Errors
    /// As [`Conversations::create`], and `NotFound`.
    pub async fn update(
        &self,
        actor: &Actor,
        id: ConversationId,
        mut patch: ConversationPatch,
    ) -> Result<Conversation, ServiceError> {
        rules::check_patch(&mut patch, &self.parts.settings)?;
        if let Some(document_ids) = &patch.document_ids {
            self.check_documents(actor, document_ids).await?;
        }
        let now = self.parts.context.now();
        self.parts.conversations.update(actor.user_id, id, patch, now).await?.ok_or_else(not_found)
    }

    /// Removes the actor's conversation with everything that rests on it.
    ///
    /// # Errors
    /// `NotFound`; failures of the store.
    pub async fn delete(&self, actor: &Actor, id: ConversationId) -> Result<(), ServiceError> {
        let deleted = self.parts.conversations.delete(actor.user_id, id).await?;
        if deleted { Ok(()) } else { Err(not_found()) }
    }

    /// The messages of the active branch.
    ///
    /// # Errors
    /// `NotFound`; failures of the store.
    pub async fn list_messages(
        &self,
        actor: &Actor,
        id: ConversationId,
        order: Order,
        page: PageRequest,
    ) -> Result<Page<Message>, ServiceError> {
        self.parts.conversations.list_messages(actor.user_id, id, order, page).await?.ok_or_else(not_found)
    }

    /// One message of the actor's conversations.
    ///
    /// # Errors
    /// `NotFound`; failures of the store.
    pub async fn find_message(&self, actor: &Actor, id: MessageId) -> Result<Message, ServiceError> {
        let message = self.parts.conversations.find_message(actor.user_id, id).await?;
        message.ok_or_else(|| ServiceError::not_found("message"))
    }

    /// What the model was sent for a reply.
    ///
    /// # Errors
    /// `NotFound` where there is no such reply or no model was called for it; failures of the store.
    pub async fn find_receipt(&self, actor: &Actor, id: MessageId) -> Result<Receipt, ServiceError> {
        if let Some(receipt) = self.parts.conversations.find_receipt(actor.user_id, id).await? {
            return Ok(receipt);
        }
        self.find_message(actor, id).await?;
        Err(ServiceError::refuse(
            domain::ErrorKind::NotFound,
            "no model was called for this message, so there is nothing that it was sent",
        ))
    }

    /// The state of the conversation's short-term memory.
    ///
    /// # Errors
    /// `NotFound`; failures of the store.
    pub async fn find_memory(&self, actor: &Actor, id: ConversationId) -> Result<MemoryView, ServiceError> {
        let conversation = self.find(actor, id).await?;
        let (memory, buffer) = self.parts.turns.find_memory(actor.user_id, id).await?.ok_or_else(not_found)?;
        Ok(MemoryView { policy: conversation.memory.policy, memory, buffer })
    }

    async fn check_documents(&self, actor: &Actor, ids: &[DocumentId]) -> Result<(), ServiceError> {
        require_own(&*self.parts.documents, actor, ids).await
    }
}

/// Cleans the documents that a message is limited to, and checks that they are the actor's.
///
/// # Errors
/// `ValidationFailed` naming `document_ids`; failures of the store.
pub(crate) async fn check_document_choice(
    documents: &dyn DocumentStore,
    actor: &Actor,
    ids: &mut Vec<DocumentId>,
) -> Result<(), ServiceError> {
    let mut faults = FieldErrors::default();
    rules::check_documents(ids, &mut faults);
    faults.finish()?;
    require_own(documents, actor, ids).await
}

async fn require_own(documents: &dyn DocumentStore, actor: &Actor, ids: &[DocumentId]) -> Result<(), ServiceError> {
    for id in ids {
        if documents.find(actor.user_id, *id).await?.is_none() {
            return Err(ServiceError::invalid("document_ids", format!("you have no document {id}")));
        }
    }
    Ok(())
}

fn not_found() -> ServiceError {
    ServiceError::not_found("conversation")
}
