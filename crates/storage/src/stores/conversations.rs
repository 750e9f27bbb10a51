//! Conversations as they are listed and described.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{dsl, prelude::*, sqlite::Sqlite};
use domain::{
    Conversation, ConversationFilter, ConversationId, ConversationPatch, Cursor, Message, MessageId, Order, Page,
    PageRequest, Receipt, UserId,
    ports::{ConversationStore, StoreError},
};

use super::{filters, messages};
use crate::{
    Database,
    fault::Fault,
    paging::{Slice, page_of},
    rows::{ConversationRow, MemoryRow, title_key},
    schema::{conversation_memory, conversation_tags, conversations},
    sqlite::Connection,
    value::{Id, Json, Time, Word},
};

fn insert(conn: &mut Connection, conversation: Conversation) -> Result<(), Fault> {
    let row = ConversationRow::from(conversation);
    diesel::insert_into(conversations::table).values(&row).execute(conn)?;
    diesel::insert_into(conversation_memory::table).values(&MemoryRow::empty(row.id.0)).execute(conn)?;
    insert_tags(conn, row.id, &row.tags.0)
}

fn insert_tags(conn: &mut Connection, id: Id<ConversationId>, tags: &[String]) -> Result<(), Fault> {
    if tags.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = filters::distinct(tags)
        .into_iter()
        .map(|tag| (conversation_tags::conversation_id.eq(id), conversation_tags::tag.eq(tag)))
        .collect();
    diesel::insert_into(conversation_tags::table).values(rows).execute(conn)?;
    Ok(())
}

pub(super) fn find_row(
    conn: &mut Connection,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<ConversationRow>, Fault> {
    let row = conversations::table
        .find(Id(id))
        .filter(conversations::owner_id.eq(Id(owner)))
        .select(ConversationRow::as_select())
        .first(conn)
        .optional()?;
    Ok(row)
}

type Filtered = dsl::IntoBoxed<'static, conversations::table, Sqlite>;

fn filtered(owner: UserId, filter: &ConversationFilter) -> Filtered {
    let mut query = conversations::table.into_boxed().filter(conversations::owner_id.eq(Id(owner)));
    if let Some(archived) = filter.archived {
        query = query.filter(conversations::archived.eq(archived));
    }
    if let Some(pinned) = filter.pinned {
        query = query.filter(conversations::pinned.eq(pinned));
    }
    for pattern in filter.title_contains.as_deref().map(filters::word_patterns).unwrap_or_default() {
        query = query.filter(conversations::title_key.like(pattern).escape('\\'));
    }
    for tag in &filter.tags {
        let labelled = conversation_tags::table
            .filter(conversation_tags::conversation_id.eq(conversations::id))
            .filter(conversation_tags::tag.eq(tag.clone()));
        query = query.filter(dsl::exists(labelled));
    }
    query
}

fn list(
    conn: &mut Connection,
    owner: UserId,
    filter: &ConversationFilter,
    page: PageRequest,
) -> Result<Page<Conversation>, Fault> {
    use conversations::{id, updated_at};
    let slice = Slice::from(page);
    let mut query = filtered(owner, filter);
    if let Some((sort, last)) = slice.after {
        query = query.filter(updated_at.le(sort)).filter(updated_at.lt(sort).or(id.lt(last)));
    }
    let rows = query
        .order((updated_at.desc(), id.desc()))
        .limit(slice.limit)
        .offset(slice.offset)
        .select(ConversationRow::as_select())
        .load::<ConversationRow>(conn)?;
    let total = if slice.counted { Some(filtered(owner, filter).count().get_result(conn)?) } else { None };
    Ok(page_of(rows, page, total, |conversation: &Conversation| Cursor {
        sort: conversation.updated_at.timestamp_micros(),
        id: conversation.id.0,
    }))
}

fn update(
    conn: &mut Connection,
    owner: UserId,
    id: ConversationId,
    patch: ConversationPatch,
    now: DateTime<Utc>,
) -> Result<Option<Conversation>, Fault> {
    let Some(mut row) = find_row(conn, owner, id)? else { return Ok(None) };
    let retagged = patch.tags.is_some();
    apply(&mut row, patch);
    row.updated_at = Time(now);
    diesel::update(conversations::table.find(row.id)).set(&row).execute(conn)?;
    if retagged {
        let old = conversation_tags::table.filter(conversation_tags::conversation_id.eq(row.id));
        diesel::delete(old).execute(conn)?;
        insert_tags(conn, row.id, &row.tags.0)?;
    }
    Ok(Some(row.into()))
}

fn apply(row: &mut ConversationRow, patch: ConversationPatch) {
    if let Some(title) = patch.title {
        row.title_key = title.as_deref().map(title_key);
        row.title = title;
    }
    if let Some(mode) = patch.mode {
        row.mode = mode;
    }
    if let Some(grounding) = patch.grounding {
        row.grounding = Word(grounding);
    }
    if let Some(size) = patch.model_size {
        row.model_size = Word(size);
    }
    if let Some(model) = patch.model {
        row.model = model;
    }
    if let Some(documents) = patch.document_ids {
        row.document_ids = Json(documents);
    }
    if let Some(tags) = patch.tags {
        row.tags = Json(tags);
    }
    if let Some(pinned) = patch.pinned {
        row.pinned = pinned;
    }
    if let Some(archived) = patch.archived {
        row.archived = archived;
    }
    if let Some(memory) = patch.memory {
        row.memory_enabled = memory.enabled;
        row.memory_policy = memory.policy;
    }
    if let Some(prompt) = patch.system_prompt {
        row.system_prompt = prompt;
    }
}

fn delete(conn: &mut Connection, owner: UserId, id: ConversationId) -> Result<bool, Fault> {
    let own = conversations::table.find(Id(id)).filter(conversations::owner_id.eq(Id(owner)));
    Ok(diesel::delete(own).execute(conn)? > 0)
}

#[async_trait]
impl ConversationStore for Database {
    async fn insert(&self, conversation: Conversation) -> Result<(), StoreError> {
        self.write(move |conn| insert(conn, conversation)).await
    }

    async fn find(&self, owner: UserId, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        self.read(move |conn| Ok(find_row(conn, owner, id)?.map(Conversation::from))).await
    }

    async fn list(
        &self,
        owner: UserId,
        filter: ConversationFilter,
        page: PageRequest,
    ) -> Result<Page<Conversation>, StoreError> {
        self.read(move |conn| list(conn, owner, &filter, page)).await
    }

    async fn update(
        &self,
        owner: UserId,
        id: ConversationId,
        patch: ConversationPatch,
        now: DateTime<Utc>,
    ) -> Result<Option<Conversation>, StoreError> {
        self.write(move |conn| update(conn, owner, id, patch, now)).await
    }

    async fn delete(&self, owner: UserId, id: ConversationId) -> Result<bool, StoreError> {
        self.write(move |conn| delete(conn, owner, id)).await
    }

    async fn list_messages(
        &self,
        owner: UserId,
        id: ConversationId,
        order: Order,
        page: PageRequest,
    ) -> Result<Option<Page<Message>>, StoreError> {
        self.read(move |conn| messages::list(conn, owner, id, order, page)).await
    }

    async fn find_message(&self, owner: UserId, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.read(move |conn| messages::find(conn, owner, id)).await
    }

    async fn find_receipt(&self, owner: UserId, id: MessageId) -> Result<Option<Receipt>, StoreError> {
        self.read(move |conn| messages::find_receipt(conn, owner, id)).await
    }
}
