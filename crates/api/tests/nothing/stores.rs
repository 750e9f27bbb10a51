//! Stores that hold nothing: what is asked for is not there, what is given is dropped.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use documents::{DocumentError, Extraction, Parser};
use domain::{
    Chunk, ChunkId, Conversation, ConversationFilter, ConversationId, ConversationMemory, ConversationPatch, Document,
    DocumentFault, DocumentFilter, DocumentId, DocumentPatch, EmbeddingStatus, IndexedContent, Message, MessageId,
    MessagePart, NewJob, Order, Page, PageRequest, Receipt, ScoredChunk, SearchFilter, UserId,
    ports::{
        BlobStore, BufferSize, ConversationStore, DocumentStore, DocumentText, FinishedTurn, NewTurn, PassageIndex,
        StoreError, StoredPassage, TurnContext, TurnRead, TurnStore,
    },
};

pub(super) struct Nothing;

type Stored<T> = Result<T, StoreError>;

fn empty<T>(page: PageRequest) -> Page<T> {
    let total = matches!(page.position, domain::Position::Page(_)).then_some(0);
    Page { items: Vec::new(), next: None, total }
}

#[async_trait]
impl ConversationStore for Nothing {
    async fn insert(&self, _: Conversation) -> Stored<()> {
        Ok(())
    }

    async fn find(&self, _: UserId, _: ConversationId) -> Stored<Option<Conversation>> {
        Ok(None)
    }

    async fn list(&self, _: UserId, _: ConversationFilter, page: PageRequest) -> Stored<Page<Conversation>> {
        Ok(empty(page))
    }

    async fn update(
        &self,
        _: UserId,
        _: ConversationId,
        _: ConversationPatch,
        _: DateTime<Utc>,
    ) -> Stored<Option<Conversation>> {
        Ok(None)
    }

    async fn delete(&self, _: UserId, _: ConversationId) -> Stored<bool> {
        Ok(true)
    }

    async fn list_messages(
        &self,
        _: UserId,
        _: ConversationId,
        _: Order,
        _: PageRequest,
    ) -> Stored<Option<Page<Message>>> {
        Ok(None)
    }

    async fn find_message(&self, _: UserId, _: MessageId) -> Stored<Option<Message>> {
        Ok(None)
    }

    async fn find_receipt(&self, _: UserId, _: MessageId) -> Stored<Option<Receipt>> {
        Ok(None)
    }
}

#[async_trait]
impl TurnStore for Nothing {
    async fn load_turn(&self, _: UserId, _: ConversationId, _: TurnRead) -> Stored<Option<TurnContext>> {
        Ok(None)
    }

    async fn start_turn(&self, _: NewTurn) -> Stored<(Message, Message)> {
        Err(StoreError::Missing)
    }

    async fn save_progress(&self, _: MessageId, _: &str, _: &[MessagePart]) -> Stored<()> {
        Ok(())
    }

    async fn finish_turn(&self, _: FinishedTurn) -> Stored<()> {
        Ok(())
    }

    async fn interrupt_running(&self, _: DateTime<Utc>) -> Stored<Vec<MessageId>> {
        Ok(Vec::new())
    }

    async fn find_memory(&self, _: UserId, _: ConversationId) -> Stored<Option<(ConversationMemory, BufferSize)>> {
        Ok(None)
    }
}

#[async_trait]
impl DocumentStore for Nothing {
    async fn insert(&self, _: Document, _: NewJob) -> Stored<()> {
        Ok(())
    }

    async fn find(&self, _: UserId, _: DocumentId) -> Stored<Option<Document>> {
        Ok(None)
    }

    async fn find_for_worker(&self, _: DocumentId) -> Stored<Option<Document>> {
        Ok(None)
    }

    async fn list(&self, _: UserId, _: DocumentFilter, page: PageRequest) -> Stored<Page<Document>> {
        Ok(empty(page))
    }

    async fn update(&self, _: UserId, _: DocumentId, _: DocumentPatch, _: DateTime<Utc>) -> Stored<Option<Document>> {
        Ok(None)
    }

    async fn delete(&self, _: UserId, _: DocumentId, _: NewJob) -> Stored<Option<Document>> {
        Ok(None)
    }

    async fn blob_in_use(&self, _: &str) -> Stored<bool> {
        Ok(false)
    }

    async fn mark_processing(&self, _: DocumentId, _: DateTime<Utc>) -> Stored<bool> {
        Ok(false)
    }

    async fn mark_failed(&self, _: DocumentId, _: DocumentFault, _: DateTime<Utc>) -> Stored<()> {
        Ok(())
    }

    async fn save_content(&self, _: DocumentId, _: IndexedContent, _: Option<NewJob>, _: DateTime<Utc>) -> Stored<()> {
        Ok(())
    }

    async fn chunks_without_vector(&self, _: DocumentId, _: &str, _: u32) -> Stored<Vec<Chunk>> {
        Ok(Vec::new())
    }

    async fn save_vectors(&self, _: DocumentId, _: &str, _: Vec<(ChunkId, Vec<f32>)>) -> Stored<()> {
        Ok(())
    }

    async fn mark_embedding(
        &self,
        _: DocumentId,
        _: EmbeddingStatus,
        _: Option<String>,
        _: DateTime<Utc>,
    ) -> Stored<()> {
        Ok(())
    }

    async fn find_text(&self, _: UserId, _: DocumentId) -> Stored<Option<DocumentText>> {
        Ok(None)
    }

    async fn list_chunks(&self, _: UserId, _: DocumentId, _: PageRequest) -> Stored<Option<Page<Chunk>>> {
        Ok(None)
    }
}

#[async_trait]
impl BlobStore for Nothing {
    async fn put(&self, _: &str, _: Bytes) -> Stored<()> {
        Ok(())
    }

    async fn get(&self, _: &str) -> Stored<Option<Bytes>> {
        Ok(None)
    }

    async fn delete(&self, _: &str) -> Stored<()> {
        Ok(())
    }
}

#[async_trait]
impl PassageIndex for Nothing {
    async fn search_keyword(&self, _: &str, _: &SearchFilter, _: u32) -> Stored<Vec<ScoredChunk>> {
        Ok(Vec::new())
    }

    async fn search_dense(&self, _: &str, _: &[f32], _: &SearchFilter, _: u32) -> Stored<Vec<ScoredChunk>> {
        Ok(Vec::new())
    }

    async fn load_passages(&self, _: UserId, _: &[ChunkId]) -> Stored<Vec<StoredPassage>> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Parser for Nothing {
    async fn parse(&self, _: Vec<u8>, _: &str) -> Result<Extraction, DocumentError> {
        Err(DocumentError::PasswordProtected)
    }
}
