use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{Conversation, ConversationId, ConversationMemory, Message, MessageId, MessagePart, Receipt, UserId};

/// How much history one read may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnRead {
    /// Stop once the stored token counts of the messages exceed this.
    pub max_tokens: u32,
    /// And never read more messages than this.
    pub max_messages: u32,
}

/// Everything that a reply needs to know of its conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnContext {
    /// The conversation.
    pub conversation: Conversation,
    /// The state of its short-term memory.
    pub memory: ConversationMemory,
    /// The newest messages after the watermark that end in a terminal state, oldest first.
    pub newest: Vec<Message>,
    /// Messages after the watermark that were not read because of [`TurnRead`], newest first; at most
    /// [`TurnRead::max_messages`] of them.
    pub unread: Vec<MessageId>,
}

/// The tokens and interactions after the watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BufferSize {
    /// User messages after the watermark.
    pub interactions: u64,
    /// Stored token counts of all messages after it.
    pub tokens: u64,
}

/// The user's message and the empty reply to it, stored together.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTurn {
    /// The user's message. The store sets its `parent_id` and `position`.
    pub user_message: Message,
    /// The reply, `accepted`, empty. The store sets its `parent_id` and `position`.
    pub reply: Message,
    /// Title to give the conversation if it has none.
    pub title: Option<String>,
}

/// The end of a turn, whatever it was.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedTurn {
    /// The reply in its final form; its status is terminal.
    pub reply: Message,
    /// What the model was sent, if it was called.
    pub receipt: Option<Receipt>,
    /// New smoothed tokens per interaction.
    pub avg_tokens: Option<f64>,
    /// Interactions that the window had room for.
    pub dynamic_k: Option<u32>,
    /// Tokens that the prompt had for history.
    pub history_budget: Option<u32>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// The writes of a turn, and the one read before it.
#[async_trait]
pub trait TurnStore: Send + Sync {
    /// Loads the turn; absent where the conversation is not the owner's. Its cost depends on `read`, not on the
    /// length of the history.
    async fn load_turn(
        &self,
        owner: UserId,
        id: ConversationId,
        read: TurnRead,
    ) -> Result<Option<TurnContext>, StoreError>;

    /// Stores message and reply in one transaction and answers both with their places filled in.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with [`super::Conflict::RunningTurn`] where a reply is running;
    /// [`StoreError::Missing`] where the conversation is gone.
    async fn start_turn(&self, turn: NewTurn) -> Result<(Message, Message), StoreError>;

    /// Keeps the reply's text so far and marks it `streaming`; does nothing once the reply is terminal.
    async fn save_progress(&self, reply: MessageId, content: &str, parts: &[MessagePart]) -> Result<(), StoreError>;

    /// Ends the turn in one transaction. Ending it again changes nothing.
    async fn finish_turn(&self, turn: FinishedTurn) -> Result<(), StoreError>;

    /// Marks every reply that is not terminal as `interrupted` (after a stop of the server) and names them.
    async fn interrupt_running(&self, now: DateTime<Utc>) -> Result<Vec<MessageId>, StoreError>;

    /// The memory state and the size of the buffer; absent where the conversation is not the owner's.
    async fn find_memory(
        &self,
        owner: UserId,
        id: ConversationId,
    ) -> Result<Option<(ConversationMemory, BufferSize)>, StoreError>;
}
