//! `users` and `sessions`.

use diesel::{Insertable, Queryable, Selectable};
use domain::{NewUser, Role, Session, SessionId, User, UserId, UserStatus};

use crate::{
    schema::{sessions, users},
    value::{Id, Time, Word},
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
pub(crate) struct UserRow {
    pub(crate) id: Id<UserId>,
    pub(crate) username: String,
    pub(crate) username_key: String,
    pub(crate) email: String,
    pub(crate) email_key: String,
    pub(crate) email_verified: bool,
    pub(crate) password_hash: String,
    pub(crate) role: Word<Role>,
    pub(crate) status: Word<UserStatus>,
    pub(crate) date_joined: Time,
}

impl From<NewUser> for UserRow {
    fn from(user: NewUser) -> Self {
        Self {
            id: Id(user.id),
            username: user.username.as_str().to_owned(),
            username_key: user.username.key(),
            email: user.email.as_str().to_owned(),
            email_key: user.email.key(),
            email_verified: false,
            password_hash: user.password_hash,
            role: Word(user.role),
            status: Word(UserStatus::Active),
            date_joined: Time(user.date_joined),
        }
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id.0,
            username: row.username,
            email: row.email,
            email_verified: row.email_verified,
            password_hash: row.password_hash,
            role: row.role.0,
            status: row.status.0,
            date_joined: row.date_joined.0,
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
pub(crate) struct SessionRow {
    pub(crate) id: Id<SessionId>,
    pub(crate) user_id: Id<UserId>,
    pub(crate) user_agent: Option<String>,
    pub(crate) created_at: Time,
    pub(crate) last_used_at: Time,
    pub(crate) expires_at: Time,
    pub(crate) revoked_at: Option<Time>,
}

impl From<Session> for SessionRow {
    fn from(session: Session) -> Self {
        Self {
            id: Id(session.id),
            user_id: Id(session.user_id),
            user_agent: session.user_agent,
            created_at: Time(session.created_at),
            last_used_at: Time(session.last_used_at),
            expires_at: Time(session.expires_at),
            revoked_at: session.revoked_at.map(Time),
        }
    }
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id.0,
            user_id: row.user_id.0,
            user_agent: row.user_agent,
            created_at: row.created_at.0,
            last_used_at: row.last_used_at.0,
            expires_at: row.expires_at.0,
            revoked_at: row.revoked_at.map(|time| time.0),
        }
    }
}
