use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{NewUser, Page, PageRequest, Session, SessionId, User, UserId};

/// Accounts.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Stores a new account.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the name or the address is taken.
    async fn insert(&self, user: NewUser) -> Result<User, StoreError>;

    /// The account of this id.
    async fn find(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The account whose user name or address has this key (see `Username::key`, `Email::key`).
    async fn find_by_login(&self, key: &str) -> Result<Option<User>, StoreError>;

    /// All accounts, oldest first.
    async fn list(&self, page: PageRequest) -> Result<Page<User>, StoreError>;
}

/// The exchange of one refresh token for the next.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// SHA-256, in hex, of the token that was presented.
    pub presented_hash: String,
    /// SHA-256, in hex, of the token that replaces it.
    pub next_hash: String,
    /// Now.
    pub now: DateTime<Utc>,
    /// When the new token expires.
    pub expires_at: DateTime<Utc>,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq)]
pub enum RotationOutcome {
    /// The old token is dead, the new one alive.
    Rotated(Session),
    /// The token was dead already: the whole session has been revoked in the same transaction.
    Replayed(Session),
    /// The session has ended or the token expired.
    Ended,
    /// Nobody was given such a token.
    Unknown,
}

/// Sign-ins.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Stores a new session with the hash of its first refresh token.
    async fn insert(&self, session: Session, refresh_hash: String) -> Result<(), StoreError>;

    /// The session of this id, ended or not.
    async fn find(&self, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// Exchanges a refresh token, atomically: of two concurrent exchanges of one token at most one succeeds.
    async fn rotate(&self, rotation: Rotation) -> Result<RotationOutcome, StoreError>;

    /// Ends one session of the user; whether there was a live one.
    async fn revoke(&self, user: UserId, id: SessionId, now: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Ends all sessions of the user and names those that were alive.
    async fn revoke_all(&self, user: UserId, now: DateTime<Utc>) -> Result<Vec<SessionId>, StoreError>;

    /// The live sessions of the user, newest first.
    async fn list(&self, user: UserId, now: DateTime<Utc>) -> Result<Vec<Session>, StoreError>;
}
