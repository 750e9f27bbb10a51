//! Sign-ins and their refresh tokens.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use domain::{
    Session, SessionId, UserId,
    ports::{Rotation, RotationOutcome, SessionStore, StoreError},
};

use crate::{
    Database,
    fault::Fault,
    rows::SessionRow,
    schema::{refresh_tokens, sessions},
    sqlite::Connection,
    value::{Id, Time},
};

fn insert(conn: &mut Connection, session: Session, refresh_hash: &str) -> Result<(), Fault> {
    let row = SessionRow::from(session);
    diesel::insert_into(sessions::table).values(&row).execute(conn)?;
    insert_token(conn, refresh_hash, row.id, row.expires_at)
}

fn insert_token(conn: &mut Connection, hash: &str, session: Id<SessionId>, expires_at: Time) -> Result<(), Fault> {
    let token = (
        refresh_tokens::hash.eq(hash),
        refresh_tokens::session_id.eq(session),
        refresh_tokens::expires_at.eq(expires_at),
    );
    diesel::insert_into(refresh_tokens::table).values(token).execute(conn)?;
    Ok(())
}

fn find(conn: &mut Connection, id: SessionId) -> Result<Option<Session>, Fault> {
    let row = sessions::table.find(Id(id)).select(SessionRow::as_select()).first(conn).optional()?;
    Ok(row.map(Session::from))
}

/// All of it runs in the one writer's transaction, so two exchanges of a token cannot both find it alive.
fn rotate(conn: &mut Connection, rotation: &Rotation) -> Result<RotationOutcome, Fault> {
    let presented = refresh_tokens::table
        .inner_join(sessions::table)
        .filter(refresh_tokens::hash.eq(&rotation.presented_hash))
        .select((SessionRow::as_select(), refresh_tokens::expires_at, refresh_tokens::used_at))
        .first::<(SessionRow, Time, Option<Time>)>(conn)
        .optional()?;
    let Some((mut session, expires_at, used_at)) = presented else { return Ok(RotationOutcome::Unknown) };
    if session.revoked_at.is_some() {
        return Ok(RotationOutcome::Ended);
    }
    if used_at.is_some() {
        session.revoked_at = Some(Time(rotation.now));
        diesel::update(sessions::table.find(session.id))
            .set(sessions::revoked_at.eq(session.revoked_at))
            .execute(conn)?;
        return Ok(RotationOutcome::Replayed(session.into()));
    }
    if expires_at.0 <= rotation.now {
        return Ok(RotationOutcome::Ended);
    }
    replace_token(conn, session, rotation)
}

fn replace_token(
    conn: &mut Connection,
    mut session: SessionRow,
    rotation: &Rotation,
) -> Result<RotationOutcome, Fault> {
    session.last_used_at = Time(rotation.now);
    session.expires_at = Time(rotation.expires_at);
    diesel::update(refresh_tokens::table.find(&rotation.presented_hash))
        .set(refresh_tokens::used_at.eq(Some(session.last_used_at)))
        .execute(conn)?;
    insert_token(conn, &rotation.next_hash, session.id, session.expires_at)?;
    diesel::update(sessions::table.find(session.id))
        .set((sessions::last_used_at.eq(session.last_used_at), sessions::expires_at.eq(session.expires_at)))
        .execute(conn)?;
    forget_expired_tokens(conn, session.id, rotation.now)?;
    Ok(RotationOutcome::Rotated(session.into()))
}

/// A token that is past its expiry is refused whether or not it is known.
fn forget_expired_tokens(conn: &mut Connection, session: Id<SessionId>, now: DateTime<Utc>) -> Result<(), Fault> {
    let expired = refresh_tokens::table
        .filter(refresh_tokens::session_id.eq(session))
        .filter(refresh_tokens::expires_at.lt(Time(now)));
    diesel::delete(expired).execute(conn)?;
    Ok(())
}

fn revoke(conn: &mut Connection, user: UserId, id: SessionId, now: DateTime<Utc>) -> Result<bool, Fault> {
    let live = sessions::table
        .find(Id(id))
        .filter(sessions::user_id.eq(Id(user)))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(Time(now)));
    Ok(diesel::update(live).set(sessions::revoked_at.eq(Some(Time(now)))).execute(conn)? > 0)
}

fn revoke_all(conn: &mut Connection, user: UserId, now: DateTime<Utc>) -> Result<Vec<SessionId>, Fault> {
    let live = sessions::table
        .filter(sessions::user_id.eq(Id(user)))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(Time(now)));
    let ended = diesel::update(live)
        .set(sessions::revoked_at.eq(Some(Time(now))))
        .returning(sessions::id)
        .get_results::<Id<SessionId>>(conn)?;
    Ok(ended.into_iter().map(|id| id.0).collect())
}

fn list(conn: &mut Connection, user: UserId, now: DateTime<Utc>) -> Result<Vec<Session>, Fault> {
    let rows = sessions::table
        .filter(sessions::user_id.eq(Id(user)))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(Time(now)))
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .select(SessionRow::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Session::from).collect())
}

#[async_trait]
impl SessionStore for Database {
    async fn insert(&self, session: Session, refresh_hash: String) -> Result<(), StoreError> {
        self.write(move |conn| insert(conn, session, &refresh_hash)).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.read(move |conn| find(conn, id)).await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<RotationOutcome, StoreError> {
        self.write(move |conn| rotate(conn, &rotation)).await
    }

    async fn revoke(&self, user: UserId, id: SessionId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        self.write(move |conn| revoke(conn, user, id, now)).await
    }

    async fn revoke_all(&self, user: UserId, now: DateTime<Utc>) -> Result<Vec<SessionId>, StoreError> {
        self.write(move |conn| revoke_all(conn, user, now)).await
    }

    async fn list(&self, user: UserId, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError> {
        self.read(move |conn| list(conn, user, now)).await
    }
}
