//! People: users, their names and addresses, and their sign-ins.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{SessionId, UserId};

/// Shortest and longest user name, in characters.
const USERNAME_CHARS: std::ops::RangeInclusive<usize> = 3..=50;
/// Longest address, in bytes (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const MAX_EMAIL_BYTES: usize = 254;

/// Why a name or an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountRuleError {
    /// The user name breaks the rule for names.
    #[error("a user name has 3 to 50 characters, letters, digits or any of . _ - and begins with a letter or digit")]
    Username,
    /// The text is not an address.
    #[error("expected an e-mail address such as name@example.org, at most 254 bytes long")]
    Email,
}

/// A user name in the form it was chosen; two names that differ only in case are the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// Checks `text`, trimmed.
    ///
    /// # Errors
    /// [`AccountRuleError::Username`] where it breaks the rule.
    pub fn parse(text: &str) -> Result<Self, AccountRuleError> {
        let text = text.trim();
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
        let starts_well = text.chars().next().is_some_and(char::is_alphanumeric);
        if starts_well && USERNAME_CHARS.contains(&text.chars().count()) && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(AccountRuleError::Username)
        }
    }

    /// As chosen.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that is compared and must be unique.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// An e-mail address in the form it was given; compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Checks `text`, trimmed. Whether the mailbox exists only a mail can tell, so the check is of shape alone.
    ///
    /// # Errors
    /// [`AccountRuleError::Email`] where it has no single `@`, no dotted domain, white space or too many bytes.
    pub fn parse(text: &str) -> Result<Self, AccountRuleError> {
        let text = text.trim();
        let well_formed = text.len() <= MAX_EMAIL_BYTES
            && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"'))
            && text.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && local.len() <= 64
                    && domain.contains('.')
                    && domain.split('.').all(|label| {
                        !label.is_empty()
                            && !label.starts_with('-')
                            && !label.ends_with('-')
                            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                    })
            });
        if well_formed { Ok(Self(text.to_owned())) } else { Err(AccountRuleError::Email) }
    }

    /// As given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that is compared and must be unique.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Its own data.
    User,
    /// The administration as well.
    Admin,
}

/// Whether an account may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// It may.
    Active,
    /// An administrator said no.
    Suspended,
}

/// A person with an account. `Debug` leaves the password's hash out.
#[derive(Clone, PartialEq)]
pub struct User {
    /// Identity.
    pub id: UserId,
    /// Name as chosen.
    pub username: String,
    /// Address as given.
    pub email: String,
    /// Whether the address was proven.
    pub email_verified: bool,
    /// Password in PHC string form (`$argon2id$…`); never leaves the server.
    pub password_hash: String,
    /// What the account may do.
    pub role: Role,
    /// Whether it may sign in.
    pub status: UserStatus,
    /// When it was made.
    pub date_joined: DateTime<Utc>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("username", &self.username).finish_non_exhaustive()
    }
}

/// An account about to be stored. `Debug` leaves the password's hash out.
#[derive(Clone)]
pub struct NewUser {
    /// Identity.
    pub id: UserId,
    /// Name; unique by [`Username::key`].
    pub username: Username,
    /// Address; unique by [`Email::key`].
    pub email: Email,
    /// Password in PHC string form.
    pub password_hash: String,
    /// What the account may do.
    pub role: Role,
    /// When it is made.
    pub date_joined: DateTime<Utc>,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser").field("id", &self.id).field("username", &self.username).finish_non_exhaustive()
    }
}

/// One sign-in on one device: a family of refresh tokens of which only the newest is alive.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Identity; also the `sid` claim of its access tokens.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// What the client called itself, shortened.
    pub user_agent: Option<String>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When it was last refreshed.
    pub last_used_at: DateTime<Utc>,
    /// When the refresh token that is alive stops being so.
    pub expires_at: DateTime<Utc>,
    /// When it was ended, if it was.
    pub revoked_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_three_to_fifty_plain_characters_are_taken() {
        for good in ["ada", "Ada.Lovelace", "a-1_b", &"x".repeat(50), "Ünal"] {
            assert!(Username::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", ".ada", "a b c", "ada@example.org", &"x".repeat(51)] {
            assert!(Username::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_differ_in_case_share_a_key() {
        assert_eq!(Username::parse("Ada").unwrap().key(), Username::parse("aDA").unwrap().key());
    }

    #[test]
    fn addresses_need_a_local_part_and_a_dotted_domain() {
        for good in ["a@b.co", "Ada.L+x@mail.example.org", "ü@exämple.de"] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@b",
            "@b.co",
            "a@.co",
            "a b@c.de",
            "a@b..c",
            "a@-b.de",
            "<a@b.co>",
            &format!("{}@b.co", "a".repeat(300)),
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }
}
