//! Accounts.

use async_trait::async_trait;
use diesel::prelude::*;
use domain::{
    Cursor, NewUser, Page, PageRequest, User, UserId,
    ports::{StoreError, UserStore},
};

use crate::{
    Database,
    fault::Fault,
    paging::{Slice, page_of},
    rows::UserRow,
    schema::users,
    sqlite::Connection,
    value::Id,
};

fn insert(conn: &mut Connection, user: NewUser) -> Result<User, Fault> {
    let row = UserRow::from(user);
    diesel::insert_into(users::table).values(&row).execute(conn)?;
    Ok(row.into())
}

fn find(conn: &mut Connection, id: UserId) -> Result<Option<User>, Fault> {
    let row = users::table.find(Id(id)).select(UserRow::as_select()).first(conn).optional()?;
    Ok(row.map(User::from))
}

/// A user name has no `@` and an address always has one, so at most one row can answer.
fn find_by_login(conn: &mut Connection, key: &str) -> Result<Option<User>, Fault> {
    let row = users::table
        .filter(users::username_key.eq(key).or(users::email_key.eq(key)))
        .select(UserRow::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(User::from))
}

fn list(conn: &mut Connection, page: PageRequest) -> Result<Page<User>, Fault> {
    let slice = Slice::from(page);
    let mut query = users::table.select(UserRow::as_select()).into_boxed();
    if let Some((sort, id)) = slice.after {
        query = query.filter(users::date_joined.ge(sort)).filter(users::date_joined.gt(sort).or(users::id.gt(id)));
    }
    let rows =
        query.order((users::date_joined, users::id)).limit(slice.limit).offset(slice.offset).load::<UserRow>(conn)?;
    let total = if slice.counted { Some(users::table.count().get_result(conn)?) } else { None };
    Ok(page_of(rows, page, total, |user: &User| Cursor { sort: user.date_joined.timestamp_micros(), id: user.id.0 }))
}

#[async_trait]
impl UserStore for Database {
    async fn insert(&self, user: NewUser) -> Result<User, StoreError> {
        self.write(move |conn| insert(conn, user)).await
    }

    async fn find(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.read(move |conn| find(conn, id)).await
    }

    async fn find_by_login(&self, key: &str) -> Result<Option<User>, StoreError> {
        let key = key.to_owned();
        self.read(move |conn| find_by_login(conn, &key)).await
    }

    async fn list(&self, page: PageRequest) -> Result<Page<User>, StoreError> {
        self.read(move |conn| list(conn, page)).await
    }
}
