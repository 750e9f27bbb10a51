//! Signing in, staying signed in, signing out.

use domain::{
    ErrorKind, Session, SessionId, User,
    ports::{Rotation, RotationOutcome},
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Accounts, Credentials, MAX_PASSWORD_BYTES, SignedIn,
    access_token::{TokenSubject, invalid_token},
    authentication::{require_active, session_ended},
    refresh_token::{new_refresh_token, presented_hash},
};
use crate::{Actor, ServiceError};

/// Longest name or address that is looked up, in bytes; no account has a longer one.
const MAX_LOGIN_BYTES: usize = 254;
/// What is kept of a client's name, in characters.
const MAX_USER_AGENT_CHARS: usize = 200;

impl Accounts {
    /// Begins a session for the person whose name (or address) and password these are.
    ///
    /// # Errors
    /// `InvalidCredentials`, which does not tell whether there is such an account and takes as long either way;
    /// `AccountSuspended`, only after the right password; `Overloaded`; failures of the store.
    pub async fn login(&self, credentials: Credentials) -> Result<SignedIn, ServiceError> {
        let Credentials { login, password, user_agent } = credentials;
        let user = self.verify_password(&login, password).await?;
        require_active(user.status)?;
        let now = self.context.now();
        let refresh = new_refresh_token(&*self.context.ids);
        let session = Session {
            id: SessionId::new(&*self.context.ids),
            user_id: user.id,
            user_agent: user_agent.as_deref().and_then(shortened),
            created_at: now,
            last_used_at: now,
            expires_at: now + self.settings.refresh_ttl,
            revoked_at: None,
        };
        let session_id = session.id;
        self.sessions.insert(session, refresh.hash).await?;
        self.signed_in(user, session_id, refresh.token)
    }

    /// Exchanges a refresh token for a new pair; the old one is dead from then on.
    ///
    /// # Errors
    /// `InvalidToken`; `RefreshReused`, after which the whole session is ended; `SessionRevoked`;
    /// `AccountSuspended`; failures of the store.
    pub async fn refresh(&self, refresh_token: &str) -> Result<SignedIn, ServiceError> {
        let presented_hash = presented_hash(refresh_token).ok_or_else(invalid_token)?;
        let next = new_refresh_token(&*self.context.ids);
        let now = self.context.now();
        let rotation =
            Rotation { presented_hash, next_hash: next.hash, now, expires_at: now + self.settings.refresh_ttl };
        let session = match self.sessions.rotate(rotation).await? {
            RotationOutcome::Rotated(session) => session,
            RotationOutcome::Replayed(session) => return Err(self.replayed(&session)),
            RotationOutcome::Ended => return Err(session_ended()),
            RotationOutcome::Unknown => return Err(invalid_token()),
        };
        let user = self.users.find(session.user_id).await?.ok_or_else(session_ended)?;
        require_active(user.status)?;
        self.signed_in(user, session.id, next.token)
    }

    /// Ends the session that the actor's credential belongs to.
    ///
    /// # Errors
    /// `BadRequest` where the credential belongs to none; failures of the store.
    pub async fn logout(&self, actor: &Actor) -> Result<(), ServiceError> {
        let id = actor.session_id.ok_or_else(|| {
            ServiceError::refuse(ErrorKind::BadRequest, "this credential has no session that could be ended")
        })?;
        self.sessions.revoke(actor.user_id, id, self.context.now()).await?;
        self.live.forget(&[id]);
        Ok(())
    }

    /// Ends all sessions of the actor.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn logout_all(&self, actor: &Actor) -> Result<(), ServiceError> {
        let ended = self.sessions.revoke_all(actor.user_id, self.context.now()).await?;
        self.live.forget(&ended);
        Ok(())
    }

    async fn verify_password(&self, login: &str, password: SecretString) -> Result<User, ServiceError> {
        // No account has so long a name or password: that is known to everybody and tells nothing.
        if login.len() > MAX_LOGIN_BYTES || password.expose_secret().len() > MAX_PASSWORD_BYTES {
            return Err(invalid_credentials());
        }
        let Some(user) = self.users.find_by_login(&login.trim().to_lowercase()).await? else {
            self.passwords.verify_nobody(password).await?;
            return Err(invalid_credentials());
        };
        if self.passwords.verify(password, &user.password_hash).await? { Ok(user) } else { Err(invalid_credentials()) }
    }

    fn signed_in(&self, user: User, session_id: SessionId, refresh: String) -> Result<SignedIn, ServiceError> {
        let token_id = self.context.ids.next_uuid();
        let subject = TokenSubject { user_id: user.id, session_id, role: user.role, token_id };
        let access = self.tokens.sign(&subject, self.context.now(), self.settings.access_ttl)?;
        Ok(SignedIn { access, refresh, expires_in_s: self.settings.access_ttl.as_secs(), user })
    }

    fn replayed(&self, session: &Session) -> ServiceError {
        self.live.forget(&[session.id]);
        tracing::warn!(session = %session.id, user = %session.user_id, "a refresh token was used twice; its session was ended");
        ServiceError::refuse(
            ErrorKind::RefreshReused,
            "this refresh token was used before, so somebody else may have it: the session was ended, sign in again",
        )
    }
}

fn invalid_credentials() -> ServiceError {
    ServiceError::refuse(ErrorKind::InvalidCredentials, "name and password do not match an account")
}

fn shortened(user_agent: &str) -> Option<String> {
    let kept: String = user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT_CHARS).collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_names_are_cleaned_and_shortened() {
        assert_eq!(shortened(" curl/8\r\n ").as_deref(), Some("curl/8"));
        assert_eq!(shortened(" \n"), None);
        assert_eq!(shortened(&"ü".repeat(999)).unwrap().chars().count(), 200);
    }
}
