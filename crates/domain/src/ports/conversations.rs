use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{
    Conversation, ConversationFilter, ConversationId, ConversationPatch, Message, MessageId, Order, Page, PageRequest,
    Receipt, UserId,
};

/// Conversations and their messages, to be read and described; turns are written through `TurnStore`.
#[async_trait]
pub trait ConversationStore: Send + Sync {
    /// Stores a new conversation.
    async fn insert(&self, conversation: Conversation) -> Result<(), StoreError>;

    /// The owner's conversation of this id.
    async fn find(&self, owner: UserId, id: ConversationId) -> Result<Option<Conversation>, StoreError>;

    /// The owner's conversations, newest activity first.
    async fn list(
        &self,
        owner: UserId,
        filter: ConversationFilter,
        page: PageRequest,
    ) -> Result<Page<Conversation>, StoreError>;

    /// Changes the owner's conversation and answers it as it now is.
    async fn update(
        &self,
        owner: UserId,
        id: ConversationId,
        patch: ConversationPatch,
        now: DateTime<Utc>,
    ) -> Result<Option<Conversation>, StoreError>;

    /// Removes the owner's conversation with everything that rests on it; whether there was one.
    async fn delete(&self, owner: UserId, id: ConversationId) -> Result<bool, StoreError>;

    /// The messages of the active branch; absent where the conversation is not the owner's.
    async fn list_messages(
        &self,
        owner: UserId,
        id: ConversationId,
        order: Order,
        page: PageRequest,
    ) -> Result<Option<Page<Message>>, StoreError>;

    /// One message of the owner's conversations.
    async fn find_message(&self, owner: UserId, id: MessageId) -> Result<Option<Message>, StoreError>;

    /// The receipt of a reply; absent where no model was called.
    async fn find_receipt(&self, owner: UserId, id: MessageId) -> Result<Option<Receipt>, StoreError>;
}
