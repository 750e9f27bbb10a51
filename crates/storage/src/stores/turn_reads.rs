//! What a reply needs to know of its conversation, at a cost that does not grow with the history.

use diesel::{dsl, prelude::*};
use domain::{
    ConversationId, ConversationMemory, Message, MessageId, MessageRole, MessageStatus, UserId,
    ports::{BufferSize, TurnContext, TurnRead},
};

use super::conversations;
use crate::{
    fault::Fault,
    rows::{MemoryRow, MessageRow},
    schema::{conversation_memory, messages},
    sqlite::Connection,
    value::{Id, Number, Word},
};

/// The states that nothing follows.
const TERMINAL: [Word<MessageStatus>; 4] = [
    Word(MessageStatus::Complete),
    Word(MessageStatus::Cancelled),
    Word(MessageStatus::Interrupted),
    Word(MessageStatus::Failed),
];

pub(super) fn load_turn(
    conn: &mut Connection,
    owner: UserId,
    id: ConversationId,
    read: TurnRead,
) -> Result<Option<TurnContext>, Fault> {
    let Some(conversation) = conversations::find_row(conn, owner, id)? else { return Ok(None) };
    let memory = load_memory(conn, id)?;
    let buffer = Buffer::load(conn, id, memory.buffer_from, read)?;
    let newest = buffer.load_read(conn, id)?;
    Ok(Some(TurnContext { conversation: conversation.into(), memory, newest, unread: buffer.unread }))
}

pub(super) fn load_memory(conn: &mut Connection, id: ConversationId) -> Result<ConversationMemory, Fault> {
    let row = conversation_memory::table.find(Id(id)).select(MemoryRow::as_select()).first(conn).optional()?;
    Ok(row.map(ConversationMemory::from).unwrap_or_default())
}

/// What of the messages after the watermark is to be read.
struct Buffer {
    /// How many of the newest are read.
    read: i64,
    /// The position of the oldest of them.
    from: Option<Number<u64>>,
    unread: Vec<MessageId>,
}

impl Buffer {
    /// Looks at stored token counts only; texts are read afterwards, and only those that are wanted.
    fn load(conn: &mut Connection, id: ConversationId, buffer_from: u64, read: TurnRead) -> Result<Self, Fault> {
        let counts = messages::table
            .filter(messages::conversation_id.eq(Id(id)))
            .filter(messages::position.ge(Number(buffer_from)))
            .filter(messages::status.eq_any(TERMINAL))
            .order((messages::position.desc(), messages::id.desc()))
            .limit(i64::from(read.max_messages) * 2)
            .select((messages::id, messages::position, messages::tokens))
            .load::<(Id<MessageId>, Number<u64>, Number<u32>)>(conn)?;
        let mut buffer = Self { read: 0, from: None, unread: Vec::new() };
        let mut tokens = 0_u64;
        for (message, position, count) in counts {
            if buffer.read < i64::from(read.max_messages) && tokens <= u64::from(read.max_tokens) {
                buffer.read += 1;
                buffer.from = Some(position);
                tokens += u64::from(count.0);
            } else if buffer.unread.len() < usize::try_from(read.max_messages).unwrap_or(usize::MAX) {
                buffer.unread.push(message.0);
            }
        }
        Ok(buffer)
    }

    fn load_read(&self, conn: &mut Connection, id: ConversationId) -> Result<Vec<Message>, Fault> {
        let Some(from) = self.from else { return Ok(Vec::new()) };
        let mut rows = messages::table
            .filter(messages::conversation_id.eq(Id(id)))
            .filter(messages::position.ge(from))
            .filter(messages::status.eq_any(TERMINAL))
            .order((messages::position.desc(), messages::id.desc()))
            .limit(self.read)
            .select(MessageRow::as_select())
            .load::<MessageRow>(conn)?;
        rows.reverse();
        Ok(rows.into_iter().map(Message::from).collect())
    }
}

pub(super) fn find_memory(
    conn: &mut Connection,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<(ConversationMemory, BufferSize)>, Fault> {
    if conversations::find_row(conn, owner, id)?.is_none() {
        return Ok(None);
    }
    let memory = load_memory(conn, id)?;
    let after_watermark = messages::table
        .filter(messages::conversation_id.eq(Id(id)))
        .filter(messages::position.ge(Number(memory.buffer_from)));
    let questions = after_watermark.filter(messages::role.eq(Word(MessageRole::User)));
    let interactions = questions.count().get_result::<Number<u64>>(conn)?;
    // SQLite answers a sum of integers as an integer; diesel types it as a decimal, so it is said here.
    let tokens = dsl::sql::<diesel::sql_types::BigInt>("coalesce(sum(tokens), 0)");
    let tokens = after_watermark.select(tokens).first::<Number<u64>>(conn)?;
    Ok(Some((memory, BufferSize { interactions: interactions.0, tokens: tokens.0 })))
}
