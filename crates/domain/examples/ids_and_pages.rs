//! Typed ids and cursor pages, as an adapter uses them: `cargo run -p domain --example ids_and_pages`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use domain::{ConversationId, Cursor, Page, SeededIds};

fn main() {
    let ids = SeededIds::new(1);
    let rows: Vec<(i64, ConversationId)> = (0..4).map(|n| (n, ConversationId::new(&ids))).collect();
    // An adapter reads one row more than the limit, so that it knows whether another page follows.
    let page = Page::from_overread(rows, 3, |(sort, id)| Cursor { sort: *sort, id: id.0 });
    println!("{} items, next page after {:?}", page.items.len(), page.next.map(|cursor| cursor.to_string()));
}
