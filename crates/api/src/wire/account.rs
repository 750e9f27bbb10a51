//! Accounts and sign-ins.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use services::accounts;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;

wire_enum! {
    /// What an account may do.
    AccountRole of domain::Role { User, Admin }
}

/// A new account.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}))]
pub(crate) struct Registration {
    /// 3 to 50 letters, digits or `.` `_` `-`; unique without regard to case.
    username: String,
    /// Unique without regard to case.
    email: String,
    /// At least 8 characters.
    #[schema(format = Password, min_length = 8)]
    password: String,
}

impl From<Registration> for accounts::Registration {
    fn from(body: Registration) -> Self {
        Self { username: body.username, email: body.email, password: body.password.into() }
    }
}

/// Who signs in: either `username` or `email`.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"username": "ada", "password": "correct horse battery"}))]
pub(crate) struct Credentials {
    /// The user name; an address is taken as well.
    username: Option<String>,
    /// The address.
    email: Option<String>,
    #[schema(format = Password)]
    password: String,
}

impl Credentials {
    /// The credentials, with what the client calls itself.
    pub(crate) fn of_device(self, user_agent: Option<String>) -> Result<accounts::Credentials, ApiError> {
        let login = match (self.username, self.email) {
            (Some(login), None) | (None, Some(login)) => login,
            (None, None) => return Err(ApiError::invalid("username", "expected `username` or `email`, got neither")),
            (Some(_), Some(_)) => {
                return Err(ApiError::invalid("email", "expected `username` or `email`, got both: leave one out"));
            }
        };
        Ok(accounts::Credentials { login, password: self.password.into(), user_agent })
    }
}

/// A refresh token to be exchanged.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RefreshToken {
    /// The newest refresh token of the session.
    pub(crate) refresh: String,
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01890a5d-ac96-774b-bcce-b302099a8057", "username": "ada", "email": "ada@example.org",
    "email_verified": false, "date_joined": "2026-11-21T08:00:00Z"
}))]
pub(crate) struct User {
    id: Uuid,
    username: String,
    email: String,
    email_verified: bool,
    date_joined: DateTime<Utc>,
}

impl From<domain::User> for User {
    fn from(user: domain::User) -> Self {
        Self {
            id: user.id.into(),
            username: user.username,
            email: user.email,
            email_verified: user.email_verified,
            date_joined: user.date_joined,
        }
    }
}

/// The account that asks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    id: Uuid,
    username: String,
    email: String,
    email_verified: bool,
    date_joined: DateTime<Utc>,
    /// What it may do.
    role: AccountRole,
}

impl From<domain::User> for Me {
    fn from(user: domain::User) -> Self {
        Self {
            id: user.id.into(),
            username: user.username,
            email: user.email,
            email_verified: user.email_verified,
            date_joined: user.date_joined,
            role: user.role.into(),
        }
    }
}

/// The tokens of a session.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedIn {
    /// To be sent as `Authorization: Bearer …`.
    access: String,
    /// To be exchanged once at `/auth/refresh`.
    refresh: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(example = 900)]
    expires_in: u64,
    user: User,
}

impl From<accounts::SignedIn> for SignedIn {
    fn from(signed_in: accounts::SignedIn) -> Self {
        Self {
            access: signed_in.access,
            refresh: signed_in.refresh,
            token_type: "Bearer",
            expires_in: signed_in.expires_in_s,
            user: signed_in.user.into(),
        }
    }
}

/// A sign-in on one device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    id: Uuid,
    /// What the device calls itself.
    user_agent: Option<String>,
    created_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// Whether it is the session that asks.
    current: bool,
}

impl Session {
    /// The session as seen from session `current`.
    pub(crate) fn seen_from(session: domain::Session, current: Option<domain::SessionId>) -> Self {
        Self {
            current: Some(session.id) == current,
            id: session.id.into(),
            user_agent: session.user_agent,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_takes_a_name_or_an_address_but_not_both() {
        let login = |json| serde_json::from_str::<Credentials>(json).unwrap().of_device(None);
        assert_eq!(login(r#"{"email":"a@b.co","password":"p"}"#).unwrap().login, "a@b.co");
        assert_eq!(login(r#"{"username":"ada","password":"p"}"#).unwrap().login, "ada");
        assert!(login(r#"{"password":"p"}"#).is_err());
        assert!(login(r#"{"username":"ada","email":"a@b.co","password":"p"}"#).is_err());
    }
}
