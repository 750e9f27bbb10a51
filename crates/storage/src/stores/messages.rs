//! Messages and receipts, to be read.

use diesel::{dsl, prelude::*, sqlite::Sqlite};
use domain::{ConversationId, Cursor, Message, MessageId, Order, Page, PageRequest, Receipt, UserId};

use crate::{
    fault::Fault,
    paging::{Slice, page_of},
    rows::MessageRow,
    schema::{conversations, messages, receipts},
    sqlite::Connection,
    value::{Id, Json, Number},
};

/// A page of the branch, by position. The conversation keeps the branch's length, so that a page by number does not
/// count it and an offset becomes a position.
pub(super) fn list(
    conn: &mut Connection,
    owner: UserId,
    id: ConversationId,
    order: Order,
    page: PageRequest,
) -> Result<Option<Page<Message>>, Fault> {
    let length = conversations::table
        .find(Id(id))
        .filter(conversations::owner_id.eq(Id(owner)))
        .select(conversations::message_count)
        .first::<i64>(conn)
        .optional()?;
    let Some(length) = length else { return Ok(None) };
    let slice = Slice::from(page);
    let query = messages::table.into_boxed().filter(messages::conversation_id.eq(Id(id)));
    let query = match order {
        Order::Ascending => ascending(query, slice),
        Order::Descending => descending(query, slice),
    };
    let rows =
        query.limit(slice.limit).offset(slice.offset).select(MessageRow::as_select()).load::<MessageRow>(conn)?;
    let total = slice.counted.then_some(length);
    Ok(Some(page_of(rows, page, total, cursor_of)))
}

type Branch = dsl::IntoBoxed<'static, messages::table, Sqlite>;

fn ascending(query: Branch, slice: Slice) -> Branch {
    use messages::{id, position};
    let query = match slice.after {
        Some((sort, last)) => query.filter(position.ge(sort)).filter(position.gt(sort).or(id.gt(last))),
        None => query,
    };
    query.order((position.asc(), id.asc()))
}

fn descending(query: Branch, slice: Slice) -> Branch {
    use messages::{id, position};
    let query = match slice.after {
        Some((sort, last)) => query.filter(position.le(sort)).filter(position.lt(sort).or(id.lt(last))),
        None => query,
    };
    query.order((position.desc(), id.desc()))
}

fn cursor_of(message: &Message) -> Cursor {
    Cursor { sort: i64::try_from(message.position).unwrap_or(i64::MAX), id: message.id.0 }
}

pub(super) fn find(conn: &mut Connection, owner: UserId, id: MessageId) -> Result<Option<Message>, Fault> {
    let row = messages::table
        .inner_join(conversations::table)
        .filter(messages::id.eq(Id(id)))
        .filter(conversations::owner_id.eq(Id(owner)))
        .select(MessageRow::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(Message::from))
}

pub(super) fn find_receipt(conn: &mut Connection, owner: UserId, id: MessageId) -> Result<Option<Receipt>, Fault> {
    let receipt = receipts::table
        .inner_join(messages::table.inner_join(conversations::table))
        .filter(receipts::message_id.eq(Id(id)))
        .filter(conversations::owner_id.eq(Id(owner)))
        .select(receipts::receipt)
        .first::<Json<Receipt>>(conn)
        .optional()?;
    Ok(receipt.map(|json| json.0))
}

/// The place of a message on its branch.
pub(super) fn position_of(conn: &mut Connection, id: Id<MessageId>) -> Result<u64, Fault> {
    Ok(messages::table.find(id).select(messages::position).first::<Number<u64>>(conn)?.0)
}
