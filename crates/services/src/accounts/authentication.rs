//! Proving who asks.

use domain::{ErrorKind, Role, UserStatus};

use super::{Accounts, access_token::AccessClaims};
use crate::{Actor, ServiceError};

impl Accounts {
    /// Who holds `access_token`. The role is that of the store, at most 30 s old, not that of the token.
    ///
    /// # Errors
    /// `InvalidToken`, `TokenExpired`, `SessionRevoked` (also where the account was deleted), `AccountSuspended`;
    /// failures of the store.
    pub async fn authenticate(&self, access_token: &str) -> Result<Actor, ServiceError> {
        let claims = self.tokens.check(access_token, self.context.now())?;
        let role = match self.live.role_of(claims.sid, self.context.clock.monotonic()) {
            Some(role) => role,
            None => self.look_up(&claims).await?,
        };
        Ok(Actor { user_id: claims.sub, session_id: Some(claims.sid), role })
    }

    async fn look_up(&self, claims: &AccessClaims) -> Result<Role, ServiceError> {
        let endings = self.live.endings();
        let now = self.context.now();
        let session = self.sessions.find(claims.sid).await?.filter(|session| {
            session.user_id == claims.sub && session.revoked_at.is_none() && session.expires_at > now
        });
        if session.is_none() {
            return Err(session_ended());
        }
        let user = self.users.find(claims.sub).await?.ok_or_else(session_ended)?;
        require_active(user.status)?;
        self.live.remember(claims.sid, user.role, self.context.clock.monotonic(), endings);
        Ok(user.role)
    }
}

pub(super) fn session_ended() -> ServiceError {
    ServiceError::refuse(ErrorKind::SessionRevoked, "this session has ended: sign in again")
}

pub(super) fn require_active(status: UserStatus) -> Result<(), ServiceError> {
    match status {
        UserStatus::Active => Ok(()),
        UserStatus::Suspended => {
            Err(ServiceError::refuse(ErrorKind::AccountSuspended, "this account is suspended: ask the operator why"))
        }
    }
}
