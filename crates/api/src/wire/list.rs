//! Lists in parts.

use domain::Page;
use serde::Serialize;
use utoipa::ToSchema;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    items: Vec<T>,
    /// To be sent as `cursor` for the next part; `null` at the end.
    next_cursor: Option<String>,
    /// The page asked for; `null` where the list is read by cursor.
    page: Option<u32>,
    /// Items of the whole list; only where a page was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
}

impl<T> List<T> {
    /// The wire form of a page that was asked for as `number`, or by cursor.
    pub(crate) fn of<U: Into<T>>(page: Page<U>, number: Option<u32>) -> Self {
        Self {
            next_cursor: page.next.map(|cursor| cursor.to_string()),
            page: number,
            total: number.and(page.total),
            items: page.items.into_iter().map(Into::into).collect(),
        }
    }

    /// A list that is short enough to be given whole.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None, page: None, total: None }
    }
}

#[cfg(test)]
mod tests {
    use domain::Cursor;
    use serde_json::json;

    use super::*;

    #[test]
    fn total_is_told_only_where_a_page_was_asked_for() {
        let cursor = Cursor { sort: 1, id: uuid::Uuid::nil() };
        let page = Page { items: vec![1_u8], next: Some(cursor), total: None };
        let list = serde_json::to_value(List::<u16>::of(page, None)).unwrap();
        assert_eq!(list, json!({"items": [1], "next_cursor": cursor.to_string(), "page": null}));
        let page = Page { items: vec![1_u8], next: None, total: Some(21) };
        let list = serde_json::to_value(List::<u16>::of(page, Some(3))).unwrap();
        assert_eq!(list, json!({"items": [1], "next_cursor": null, "page": 3, "total": 21}));
    }
}
