//! Stores a document's passages and finds them again: `cargo run -p storage --example open_and_search -- QUERY`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use domain::{
    Chunk, ChunkId, Clock, Document, DocumentId, DocumentStatus, Email, EmbeddingStatus, IndexedContent, JobId, NewJob,
    NewUser, Role, SearchFilter, SystemClock, SystemIds, UserId, Username,
    ports::{DocumentStore, PassageIndex, StoreError, UserStore},
};
use storage::{Database, DatabaseSettings};

const PASSAGES: [&str; 3] = [
    "The tower clock strikes the hour with a hammer of two pounds.",
    "Tide mills grind twice a day, when the water leaves the pond.",
    "Bees tell each other by a dance where the flowers are.",
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let query = std::env::args().nth(1).unwrap_or_else(|| "When do mills grind?".into());
    let folder = tempfile::tempdir()?;
    let database = Database::open(DatabaseSettings::in_folder(folder.path()))?;
    println!("applied {:?}", database.migrate()?.applied);

    let reader = add_reader(&database).await?;
    add_document(&database, reader).await?;
    let hits = database.search_keyword(&query, &SearchFilter::all_of(reader), 3).await?;
    let ids: Vec<ChunkId> = hits.iter().map(|hit| hit.id).collect();
    for passage in database.load_passages(reader, &ids).await? {
        println!("{}: {}", passage.title, passage.chunk.text);
    }
    database.close().await;
    Ok(())
}

async fn add_reader(database: &Database) -> Result<UserId, Box<dyn Error>> {
    let user = NewUser {
        id: UserId::new(&SystemIds),
        username: Username::parse("ada")?,
        email: Email::parse("ada@example.org")?,
        password_hash: "$argon2id$…".into(),
        role: Role::User,
        date_joined: SystemClock::default().now(),
    };
    Ok(UserStore::insert(database, user).await?.id)
}

async fn add_document(database: &Database, owner: UserId) -> Result<(), StoreError> {
    let (id, now) = (DocumentId::new(&SystemIds), SystemClock::default().now());
    let text = PASSAGES.join("\n");
    let document = Document {
        id,
        owner_id: owner,
        title: "Town".into(),
        filename: "town.txt".into(),
        content_type: "text/plain".into(),
        size_bytes: text.len() as u64,
        sha256: "0".repeat(64),
        version: 1,
        category: None,
        tags: Vec::new(),
        status: DocumentStatus::Queued,
        embedding: EmbeddingStatus::Off,
        fault: None,
        pages: 0,
        chunks: 0,
        tokens: 0,
        warnings: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    let job = NewJob { id: JobId::new(&SystemIds), kind: "ingest".into(), payload: serde_json::json!({}), run_at: now };
    DocumentStore::insert(database, document, job).await?;
    let content = IndexedContent {
        title: None,
        chunks: chunks(id),
        text,
        pages: Vec::new(),
        warnings: Vec::new(),
        embedding: EmbeddingStatus::Off,
    };
    database.save_content(id, content, None, now).await
}

fn chunks(document_id: DocumentId) -> Vec<Chunk> {
    let mut byte_start = 0;
    (0..)
        .zip(PASSAGES)
        .map(|(ordinal, text)| {
            let byte_end = byte_start + text.len() as u64;
            let chunk = Chunk {
                id: ChunkId::new(&SystemIds),
                document_id,
                version: 1,
                ordinal,
                text: text.into(),
                page_from: None,
                page_to: None,
                byte_start,
                byte_end,
                heading_path: Vec::new(),
                tokens: 16,
            };
            byte_start = byte_end + 1;
            chunk
        })
        .collect()
}
