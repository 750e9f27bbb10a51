//! Accounts: registering, signing in, staying signed in, and proving who asks.
//!
//! An access token (JWT) lives for minutes and names its session; a refresh token is 256 random bits, kept only as
//! its SHA-256, good for one exchange. A refresh token that comes a second time ends its whole session.

mod access_token;
mod authentication;
mod live_sessions;
mod passwords;
mod refresh_token;
mod registration;
mod sign_in;

use std::{fmt, sync::Arc, time::Duration};

use domain::{
    Page, PageRequest, Session, SessionId, User,
    ports::{SessionStore, UserStore},
};
use secrecy::SecretString;

use self::live_sessions::LiveSessions;
pub use self::{
    access_token::{MIN_KEY_BYTES, TokenSigner},
    passwords::{HashingCost, HashingSettings, PasswordHasherPool},
};
use crate::{Actor, Context, ServiceError};

/// Longest password, in bytes: longer ones cost memory and add nothing.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// How accounts behave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSettings {
    /// How long an access token is good.
    pub access_ttl: Duration,
    /// How long a refresh token is good; each exchange starts it anew.
    pub refresh_ttl: Duration,
    /// Whether people may register themselves.
    pub registration_open: bool,
    /// Shortest password, in characters.
    pub min_password_chars: usize,
}

impl Default for AccountSettings {
    /// 15 minutes, 7 days, open, 8 characters (NIST SP 800-63B, section 5.1.1.2).
    fn default() -> Self {
        Self {
            access_ttl: Duration::from_secs(900),
            refresh_ttl: Duration::from_secs(604_800),
            registration_open: true,
            min_password_chars: 8,
        }
    }
}

/// What an account is asked for with.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Wanted name.
    pub username: String,
    /// Address.
    pub email: String,
    /// Password as typed.
    pub password: SecretString,
}

/// What a person signs in with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// User name or address.
    pub login: String,
    /// Password as typed.
    pub password: SecretString,
    /// What the client calls itself.
    pub user_agent: Option<String>,
}

/// A fresh pair of tokens.
#[derive(Clone)]
pub struct SignedIn {
    /// Access token.
    pub access: String,
    /// Refresh token; shown this once.
    pub refresh: String,
    /// Seconds that the access token is good.
    pub expires_in_s: u64,
    /// Who signed in.
    pub user: User,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn")
            .field("user", &self.user.id)
            .field("expires_in_s", &self.expires_in_s)
            .finish_non_exhaustive()
    }
}

/// What [`Accounts`] is made of.
pub struct AccountParts {
    /// Accounts.
    pub users: Arc<dyn UserStore>,
    /// Sign-ins.
    pub sessions: Arc<dyn SessionStore>,
    /// Hashes passwords.
    pub passwords: PasswordHasherPool,
    /// Signs access tokens.
    pub tokens: TokenSigner,
    /// Time and randomness.
    pub context: Context,
    /// How accounts behave.
    pub settings: AccountSettings,
}

/// The use cases of accounts.
pub struct Accounts {
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    passwords: PasswordHasherPool,
    tokens: TokenSigner,
    context: Context,
    settings: AccountSettings,
    live: LiveSessions,
}

impl Accounts {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: AccountParts) -> Self {
        let AccountParts { users, sessions, passwords, tokens, context, settings } = parts;
        Self { users, sessions, passwords, tokens, context, settings, live: LiveSessions::default() }
    }

    /// The actor's own account.
    ///
    /// # Errors
    /// `NotFound` where it was deleted since; failures of the store.
    pub async fn me(&self, actor: &Actor) -> Result<User, ServiceError> {
        self.users.find(actor.user_id).await?.ok_or_else(|| ServiceError::not_found("account"))
    }

    /// The actor's live sign-ins, newest first.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn list_sessions(&self, actor: &Actor) -> Result<Vec<Session>, ServiceError> {
        Ok(self.sessions.list(actor.user_id, self.context.now()).await?)
    }

    /// Ends one sign-in of the actor; its access tokens are refused from now on.
    ///
    /// # Errors
    /// `NotFound` where the actor has no such live sign-in; failures of the store.
    pub async fn revoke_session(&self, actor: &Actor, id: SessionId) -> Result<(), ServiceError> {
        let revoked = self.sessions.revoke(actor.user_id, id, self.context.now()).await?;
        self.live.forget(&[id]);
        if revoked { Ok(()) } else { Err(ServiceError::not_found("session")) }
    }

    /// The account of this user name or address: for the command line and administrators.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn find_user(&self, login: &str) -> Result<Option<User>, ServiceError> {
        Ok(self.users.find_by_login(&login.trim().to_lowercase()).await?)
    }

    /// All accounts, oldest first: for the command line and administrators.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn list_users(&self, page: PageRequest) -> Result<Page<User>, ServiceError> {
        Ok(self.users.list(page).await?)
    }
}
