//! Accounts and sessions in memory.

use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    NewUser, Page, PageRequest, Session, SessionId, User, UserId, UserStatus,
    ports::{Conflict, Rotation, RotationOutcome, SessionStore, StoreError, UserStore},
};

#[derive(Default)]
pub(super) struct MemoryUsers(Mutex<Vec<User>>);

#[derive(Default)]
pub(super) struct MemorySessions(Mutex<Vec<(Session, String)>>);

#[async_trait]
impl UserStore for MemoryUsers {
    async fn insert(&self, new: NewUser) -> Result<User, StoreError> {
        let mut users = self.0.lock().unwrap();
        if users.iter().any(|user| user.username.to_lowercase() == new.username.key()) {
            return Err(StoreError::Conflict(Conflict::Username));
        }
        let user = User {
            id: new.id,
            username: new.username.as_str().to_owned(),
            email: new.email.as_str().to_owned(),
            email_verified: false,
            password_hash: new.password_hash,
            role: new.role,
            status: UserStatus::Active,
            date_joined: new.date_joined,
        };
        users.push(user.clone());
        Ok(user)
    }

    async fn find(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.0.lock().unwrap().iter().find(|user| user.id == id).cloned())
    }

    async fn find_by_login(&self, key: &str) -> Result<Option<User>, StoreError> {
        Ok(self.0.lock().unwrap().iter().find(|user| user.username.to_lowercase() == key).cloned())
    }

    async fn list(&self, _: PageRequest) -> Result<Page<User>, StoreError> {
        Ok(Page { items: self.0.lock().unwrap().clone(), next: None, total: None })
    }
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn insert(&self, session: Session, refresh_hash: String) -> Result<(), StoreError> {
        self.0.lock().unwrap().push((session, refresh_hash));
        Ok(())
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.0.lock().unwrap().iter().find(|(session, _)| session.id == id).map(|(session, _)| session.clone()))
    }

    async fn rotate(&self, rotation: Rotation) -> Result<RotationOutcome, StoreError> {
        let mut sessions = self.0.lock().unwrap();
        let found = sessions.iter_mut().find(|(_, hash)| *hash == rotation.presented_hash);
        Ok(found.map_or(RotationOutcome::Unknown, |(session, hash)| {
            *hash = rotation.next_hash;
            RotationOutcome::Rotated(session.clone())
        }))
    }

    async fn revoke(&self, user: UserId, id: SessionId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut sessions = self.0.lock().unwrap();
        let mine = |session: &Session| session.user_id == user && session.id == id && session.revoked_at.is_none();
        let found = sessions.iter_mut().find(|(session, _)| mine(session));
        Ok(found.map(|(session, _)| session.revoked_at = Some(now)).is_some())
    }

    async fn revoke_all(&self, user: UserId, now: DateTime<Utc>) -> Result<Vec<SessionId>, StoreError> {
        let mut sessions = self.0.lock().unwrap();
        let mine = sessions.iter_mut().filter(|(session, _)| session.user_id == user);
        Ok(mine.map(|(session, _)| (session.revoked_at = Some(now), session.id).1).collect())
    }

    async fn list(&self, user: UserId, _: DateTime<Utc>) -> Result<Vec<Session>, StoreError> {
        let sessions = self.0.lock().unwrap();
        let alive = sessions.iter().filter(|(session, _)| session.user_id == user && session.revoked_at.is_none());
        Ok(alive.map(|(session, _)| session.clone()).collect())
    }
}
