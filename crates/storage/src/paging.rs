//! Pages of lists.

use domain::{Cursor, Page, PageRequest, Position};

use crate::value::Id;

/// The parts of a page request as a query wants them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slice {
    /// One row more than asked for, which tells whether another page follows.
    pub(crate) limit: i64,
    pub(crate) offset: i64,
    /// Sort value and id to go on after.
    pub(crate) after: Option<(i64, Id<uuid::Uuid>)>,
    /// Whether the whole list is to be counted.
    pub(crate) counted: bool,
}

impl From<PageRequest> for Slice {
    fn from(page: PageRequest) -> Self {
        Self {
            limit: i64::from(page.limit) + 1,
            offset: i64::try_from(page.offset()).unwrap_or(i64::MAX),
            after: page.after().map(|Cursor { sort, id }| (sort, Id(id))),
            counted: matches!(page.position, Position::Page(_)),
        }
    }
}

/// Makes the page of `rows`, which were read with [`Slice::limit`].
pub(crate) fn page_of<R, T>(
    rows: Vec<R>,
    page: PageRequest,
    total: Option<i64>,
    cursor_of: impl Fn(&T) -> Cursor,
) -> Page<T>
where
    T: From<R>,
{
    let items = rows.into_iter().map(T::from).collect();
    let mut page = Page::from_overread(items, page.limit, cursor_of);
    page.total = total.map(|total| u64::try_from(total).unwrap_or(0));
    page
}
