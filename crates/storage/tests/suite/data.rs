//! Plain things to store.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{
    Chunk, ChunkId, Conversation, ConversationId, Document, DocumentId, DocumentStatus, Email, EmbeddingStatus,
    Grounding, IdSource, IndexedContent, JobId, MemorySettings, Message, MessageId, MessageRole, MessageStatus,
    ModelSize, NewJob, NewUser, PageRequest, PageSpan, Position, Role, Session, SessionId, UserId, Username,
    ports::NewTurn,
};

use super::Stores;

/// Second `n` after a fixed moment that has microseconds.
pub(crate) fn at(n: u64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_790_000_000_000_321).unwrap() + Duration::from_secs(n)
}

pub(crate) fn first(limit: u32) -> PageRequest {
    PageRequest { limit, position: Position::First }
}

pub(crate) fn numbered(limit: u32, page: u32) -> PageRequest {
    PageRequest { limit, position: Position::Page(page) }
}

/// Reads a list to its end by cursors, then by numbers, and answers both with the total.
macro_rules! read_both_ways {
    ($limit:expr, $list:expr) => {{
        let (mut by_cursor, mut page) = (Vec::new(), $crate::suite::data::first($limit));
        loop {
            let part = $list(page).await;
            by_cursor.extend(part.items);
            assert_eq!(part.total, None);
            let Some(next) = part.next else { break };
            page.position = domain::Position::After(next.to_string().parse().unwrap());
        }
        let (mut by_number, mut total) = (Vec::new(), None);
        for number in 1.. {
            let part = $list($crate::suite::data::numbered($limit, number)).await;
            total = part.total;
            if part.items.is_empty() {
                break;
            }
            by_number.extend(part.items);
        }
        (by_cursor, by_number, total.unwrap())
    }};
}

pub(crate) fn new_user(ids: &dyn IdSource, name: &str) -> NewUser {
    NewUser {
        id: UserId::new(ids),
        username: Username::parse(name).unwrap(),
        email: Email::parse(&format!("{name}@example.org")).unwrap(),
        password_hash: "$argon2id$hash".into(),
        role: Role::User,
        date_joined: at(0),
    }
}

pub(crate) async fn user(stores: &Stores, name: &str) -> UserId {
    stores.users.insert(new_user(&stores.ids, name)).await.unwrap().id
}

pub(crate) fn session(ids: &dyn IdSource, user_id: UserId) -> Session {
    Session {
        id: SessionId::new(ids),
        user_id,
        user_agent: Some("test".into()),
        created_at: at(0),
        last_used_at: at(0),
        expires_at: at(1000),
        revoked_at: None,
    }
}

pub(crate) fn conversation(ids: &dyn IdSource, owner_id: UserId) -> Conversation {
    Conversation {
        id: ConversationId::new(ids),
        owner_id,
        title: None,
        mode: "default".into(),
        grounding: Grounding::OpenChat,
        model_size: ModelSize::Medium,
        model: None,
        document_ids: Vec::new(),
        tags: Vec::new(),
        pinned: false,
        archived: false,
        temporary: false,
        memory: MemorySettings { enabled: true, policy: "adaptive".into() },
        system_prompt: None,
        active_message_id: None,
        message_count: 0,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn message(
    ids: &dyn IdSource,
    conversation_id: ConversationId,
    role: MessageRole,
    content: &str,
) -> Message {
    Message {
        content: content.into(),
        tokens: 10,
        tokenizer: "test".into(),
        ..Message::empty(MessageId::new(ids), conversation_id, role, at(1))
    }
}

pub(crate) fn turn(ids: &dyn IdSource, conversation: ConversationId, question: &str) -> NewTurn {
    let reply = message(ids, conversation, MessageRole::Assistant, "");
    NewTurn {
        user_message: message(ids, conversation, MessageRole::User, question),
        reply: Message { status: MessageStatus::Accepted, tokens: 0, ..reply },
        title: None,
    }
}

pub(crate) fn job(ids: &dyn IdSource, kind: &str, run_at: DateTime<Utc>) -> NewJob {
    NewJob { id: JobId::new(ids), kind: kind.into(), payload: serde_json::json!({"n": [1, 2]}), run_at }
}

pub(crate) fn document(ids: &dyn IdSource, owner_id: UserId, title: &str) -> Document {
    Document {
        id: DocumentId::new(ids),
        owner_id,
        title: title.into(),
        filename: format!("{title}.pdf"),
        content_type: "application/pdf".into(),
        size_bytes: 12,
        sha256: "ab".repeat(32),
        version: 1,
        category: None,
        tags: Vec::new(),
        status: DocumentStatus::Queued,
        embedding: EmbeddingStatus::Pending,
        fault: None,
        pages: 0,
        chunks: 0,
        tokens: 0,
        warnings: Vec::new(),
        created_at: at(0),
        updated_at: at(0),
    }
}

/// Content with one passage for each text.
pub(crate) fn content(ids: &dyn IdSource, document: DocumentId, texts: &[&str]) -> IndexedContent {
    let chunk = |(ordinal, text): (u32, &&str)| Chunk {
        id: ChunkId::new(ids),
        document_id: document,
        version: 1,
        ordinal,
        text: (*text).into(),
        page_from: Some(ordinal + 1),
        page_to: Some(ordinal + 1),
        byte_start: 0,
        byte_end: text.len() as u64,
        heading_path: vec!["Chapter".into()],
        tokens: 7,
    };
    IndexedContent {
        title: None,
        text: texts.join("\n"),
        pages: vec![PageSpan { number: 1, label: Some("i".into()), byte_start: 0, byte_end: 5 }],
        chunks: (0..).zip(texts).map(chunk).collect(),
        warnings: vec!["odd".into()],
        embedding: EmbeddingStatus::Pending,
    }
}

/// A stored document with these passages; answers them in order.
pub(crate) async fn indexed(stores: &Stores, document: Document, texts: &[&str]) -> Vec<ChunkId> {
    let (id, content) = (document.id, content(&stores.ids, document.id, texts));
    let chunks = content.chunks.iter().map(|chunk| chunk.id).collect();
    stores.documents.insert(document, job(&stores.ids, "ingest", at(0))).await.unwrap();
    stores.documents.save_content(id, content, None, at(1)).await.unwrap();
    chunks
}

pub(crate) use read_both_ways;
