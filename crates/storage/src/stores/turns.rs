//! The writes of a turn.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{dsl, prelude::*, sql_types::Bool};
use domain::{
    ConversationId, ConversationMemory, FinishReason, Message, MessageId, MessagePart, MessageStatus, Receipt, UserId,
    ports::{BufferSize, FinishedTurn, NewTurn, StoreError, TurnContext, TurnRead, TurnStore},
};

use super::{messages, turn_reads};
use crate::{
    Database,
    fault::Fault,
    rows::{MessageRow, title_key},
    schema::{conversation_memory, conversations, messages as table, receipts},
    sqlite::Connection,
    value::{Id, Json, Number, Time, Word},
};

/// Written out, not bound: only so does the engine see that the partial index over running replies answers it.
const RUNNING: &str = "messages.status IN ('accepted', 'streaming')";

fn start(conn: &mut Connection, turn: NewTurn) -> Result<(Message, Message), Fault> {
    let NewTurn { mut user_message, mut reply, title } = turn;
    let conversation = Id(user_message.conversation_id);
    let (last, old_title) = conversations::table
        .find(conversation)
        .select((conversations::active_message_id, conversations::title))
        .first::<(Option<Id<MessageId>>, Option<String>)>(conn)?;
    user_message.parent_id = last.map(|id| id.0);
    user_message.position = match last {
        Some(last) => messages::position_of(conn, last)? + 1,
        None => 0,
    };
    reply.parent_id = Some(user_message.id);
    reply.position = user_message.position + 1;
    reply.conversation_id = user_message.conversation_id;

    let rows = [MessageRow::from(user_message.clone()), MessageRow::from(reply.clone())];
    for row in &rows {
        diesel::insert_into(table::table).values(row).execute(conn)?;
    }
    let title = old_title.or(title);
    diesel::update(conversations::table.find(conversation))
        .set((
            conversations::active_message_id.eq(Some(Id(reply.id))),
            conversations::message_count.eq(Number(reply.position + 1)),
            conversations::updated_at.eq(Time(reply.created_at)),
            conversations::title_key.eq(title.as_deref().map(title_key)),
            conversations::title.eq(title),
        ))
        .execute(conn)?;
    Ok((user_message, reply))
}

/// One row, no index: called several times a second for every running reply.
fn save_progress(conn: &mut Connection, reply: MessageId, content: &str, parts: Vec<MessagePart>) -> Result<(), Fault> {
    let running = table::table.filter(table::id.eq(Id(reply))).filter(dsl::sql::<Bool>(RUNNING));
    diesel::update(running)
        .set((
            table::status.eq(Word(MessageStatus::Streaming)),
            table::content.eq(content),
            table::parts.eq(Json(parts)),
        ))
        .execute(conn)?;
    Ok(())
}

fn finish(conn: &mut Connection, turn: &FinishedTurn) -> Result<(), Fault> {
    let reply = MessageRow::from(turn.reply.clone());
    if !finish_reply(conn, reply)? {
        // Ended before, or gone: only the latter is an error.
        messages::position_of(conn, Id(turn.reply.id))?;
        return Ok(());
    }
    if let Some(receipt) = &turn.receipt {
        save_receipt(conn, turn.reply.id, receipt)?;
    }
    save_measures(conn, turn)?;
    diesel::update(conversations::table.find(Id(turn.reply.conversation_id)))
        .set(conversations::updated_at.eq(Time(turn.now)))
        .execute(conn)?;
    Ok(())
}

/// Whether the reply was running. Its place is not touched, whatever the caller holds.
fn finish_reply(conn: &mut Connection, reply: MessageRow) -> Result<bool, Fault> {
    let running = table::table.filter(table::id.eq(reply.id)).filter(dsl::sql::<Bool>(RUNNING));
    let changed = diesel::update(running)
        .set((
            table::status.eq(reply.status),
            table::tokens.eq(reply.tokens),
            table::tokenizer.eq(reply.tokenizer),
            table::model_used.eq(reply.model_used),
            table::confidence.eq(reply.confidence),
            table::finish_reason.eq(reply.finish_reason),
            table::error_code.eq(reply.error_code),
            table::usage.eq(reply.usage),
            table::warnings.eq(reply.warnings),
            table::content.eq(reply.content),
            table::parts.eq(reply.parts),
            table::citations.eq(reply.citations),
            table::sources.eq(reply.sources),
        ))
        .execute(conn)?;
    Ok(changed > 0)
}

fn save_receipt(conn: &mut Connection, reply: MessageId, receipt: &Receipt) -> Result<(), Fault> {
    diesel::insert_into(receipts::table)
        .values((receipts::message_id.eq(Id(reply)), receipts::receipt.eq(Json(receipt.clone()))))
        .execute(conn)?;
    Ok(())
}

#[derive(AsChangeset)]
#[diesel(table_name = conversation_memory)]
struct Measures {
    avg_tokens: Option<f64>,
    dynamic_k: Option<Number<u32>>,
    history_budget: Option<Number<u32>>,
}

fn save_measures(conn: &mut Connection, turn: &FinishedTurn) -> Result<(), Fault> {
    if turn.avg_tokens.is_none() && turn.dynamic_k.is_none() && turn.history_budget.is_none() {
        return Ok(());
    }
    let measures = Measures {
        avg_tokens: turn.avg_tokens,
        dynamic_k: turn.dynamic_k.map(Number),
        history_budget: turn.history_budget.map(Number),
    };
    diesel::update(conversation_memory::table.find(Id(turn.reply.conversation_id))).set(measures).execute(conn)?;
    Ok(())
}

fn interrupt_running(conn: &mut Connection, now: DateTime<Utc>) -> Result<Vec<MessageId>, Fault> {
    let running = table::table.filter(dsl::sql::<Bool>(RUNNING));
    let interrupted = diesel::update(running)
        .set((
            table::status.eq(Word(MessageStatus::Interrupted)),
            table::error_code.eq(Some("interrupted")),
            table::finish_reason.eq(None::<Word<FinishReason>>),
        ))
        .returning((table::id, table::conversation_id))
        .get_results::<(Id<MessageId>, Id<ConversationId>)>(conn)?;
    for (_, conversation) in &interrupted {
        diesel::update(conversations::table.find(conversation))
            .set(conversations::updated_at.eq(Time(now)))
            .execute(conn)?;
    }
    Ok(interrupted.into_iter().map(|(id, _)| id.0).collect())
}

#[async_trait]
impl TurnStore for Database {
    async fn load_turn(
        &self,
        owner: UserId,
        id: ConversationId,
        read: TurnRead,
    ) -> Result<Option<TurnContext>, StoreError> {
        self.read(move |conn| turn_reads::load_turn(conn, owner, id, read)).await
    }

    async fn start_turn(&self, turn: NewTurn) -> Result<(Message, Message), StoreError> {
        self.write(move |conn| start(conn, turn)).await
    }

    async fn save_progress(&self, reply: MessageId, content: &str, parts: &[MessagePart]) -> Result<(), StoreError> {
        let (content, parts) = (content.to_owned(), parts.to_vec());
        self.write(move |conn| save_progress(conn, reply, &content, parts)).await
    }

    async fn finish_turn(&self, turn: FinishedTurn) -> Result<(), StoreError> {
        self.write(move |conn| finish(conn, &turn)).await
    }

    async fn interrupt_running(&self, now: DateTime<Utc>) -> Result<Vec<MessageId>, StoreError> {
        self.write(move |conn| interrupt_running(conn, now)).await
    }

    async fn find_memory(
        &self,
        owner: UserId,
        id: ConversationId,
    ) -> Result<Option<(ConversationMemory, BufferSize)>, StoreError> {
        self.read(move |conn| turn_reads::find_memory(conn, owner, id)).await
    }
}
