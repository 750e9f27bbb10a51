//! Lists in pages.

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// The cursor was not issued by this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that this server issued: take `next_cursor` of the answer before, unchanged")]
pub struct BadCursor;

/// The place after which the next page begins: the sort value of the last item and its id.
///
/// A page after a cursor is an index range scan, so a deep page costs what the first costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Sort value: a time in microseconds since 1970, or a position.
    pub sort: i64,
    /// Breaks ties.
    pub id: Uuid,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{}", self.sort, self.id.simple())
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        if text.len() != 48 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(BadCursor);
        }
        let (sort, id) = text.split_at(16);
        Ok(Self {
            sort: u64::from_str_radix(sort, 16).map_err(|_| BadCursor)?.cast_signed(),
            id: Uuid::try_parse(id).map_err(|_| BadCursor)?,
        })
    }
}

/// Where in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// From the start, without counting the whole.
    First,
    /// After the item that the cursor names.
    After(Cursor),
    /// The page of this number, from 1; the whole is counted.
    Page(u32),
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The most items, 1 to 100.
    pub limit: u32,
    /// Where.
    pub position: Position,
}

impl PageRequest {
    /// Items before the page, where it is asked for by number.
    #[must_use]
    pub fn offset(&self) -> u64 {
        match self.position {
            Position::Page(number) => u64::from(number.saturating_sub(1)) * u64::from(self.limit),
            Position::First | Position::After(_) => 0,
        }
    }

    /// The cursor to go on after, if any.
    #[must_use]
    pub fn after(&self) -> Option<Cursor> {
        match self.position {
            Position::After(cursor) => Some(cursor),
            Position::First | Position::Page(_) => None,
        }
    }
}

/// Oldest or newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next part begins; absent at the end.
    pub next: Option<Cursor>,
    /// Items in the whole list; only where a page was asked for by number.
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// Makes a page of `items` that were read with one more than `limit`, so that it is known whether more follow.
    #[must_use]
    pub fn from_overread(mut items: Vec<T>, limit: u32, cursor_of: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor_of) } else { None };
        Self { items, next, total: None }
    }

    /// The same page of other items.
    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next, total: self.total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_survives_its_text_form() {
        for sort in [0, 1, -1, i64::MAX, i64::MIN] {
            let cursor = Cursor { sort, id: Uuid::from_u128(0x1234_5678_9abc) };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }

    #[test]
    fn cursors_of_other_makers_are_refused() {
        for text in ["", "xyz", &"g".repeat(48), &"0".repeat(47), "+000000000000000000000000000000000000000000000ab"] {
            assert_eq!(text.parse::<Cursor>(), Err(BadCursor), "{text}");
        }
    }

    #[test]
    fn next_is_the_last_item_kept_only_when_more_follow() {
        let cursor_of = |n: &i64| Cursor { sort: *n, id: Uuid::nil() };
        assert_eq!(Page::from_overread(vec![1, 2, 3], 2, cursor_of).next.map(|c| c.sort), Some(2));
        assert_eq!(Page::from_overread(vec![1, 2], 2, cursor_of).next, None);
    }
}
