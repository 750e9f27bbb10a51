//! Who asks.

use domain::{Role, SessionId, UserId};

/// The person on whose behalf a use case runs; proven by [`crate::accounts::Accounts::authenticate`], or trusted
/// because it comes from the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Whose account.
    pub user_id: UserId,
    /// The sign-in that the credential belongs to; absent for credentials without one.
    pub session_id: Option<SessionId>,
    /// What the account may do.
    pub role: Role,
}
