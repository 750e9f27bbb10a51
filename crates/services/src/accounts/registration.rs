//! New accounts.

use domain::{Email, ErrorKind, NewUser, Role, User, UserId, Username};
use secrecy::ExposeSecret;

use super::{Accounts, MAX_PASSWORD_BYTES, Registration};
use crate::{ServiceError, error::FieldErrors};

impl Accounts {
    /// Makes an account for whoever asks.
    ///
    /// # Errors
    /// `RegistrationClosed`; `ValidationFailed` naming every field that breaks its rule; `UsernameTaken`,
    /// `EmailTaken`; `Overloaded` where too many passwords wait to be hashed; failures of the store.
    pub async fn register(&self, registration: Registration) -> Result<User, ServiceError> {
        if !self.settings.registration_open {
            return Err(ServiceError::refuse(
                ErrorKind::RegistrationClosed,
                "this server takes no new accounts: ask its operator for one",
            ));
        }
        self.create_user(registration, Role::User).await
    }

    /// Makes an account with a role, also where registration is closed: for the command line.
    ///
    /// # Errors
    /// As [`Accounts::register`], without `RegistrationClosed`.
    pub async fn create_user(&self, registration: Registration, role: Role) -> Result<User, ServiceError> {
        let (username, email) = self.check(&registration)?;
        let mut salt = [0_u8; 16];
        self.context.ids.fill_random(&mut salt);
        let password_hash = self.passwords.hash(registration.password, salt).await?;
        let user = NewUser {
            id: UserId::new(&*self.context.ids),
            username,
            email,
            password_hash,
            role,
            date_joined: self.context.now(),
        };
        Ok(self.users.insert(user).await?)
    }

    fn check(&self, registration: &Registration) -> Result<(Username, Email), ServiceError> {
        let mut faults = FieldErrors::default();
        let username = Username::parse(&registration.username);
        let email = Email::parse(&registration.email);
        if let Err(fault) = &username {
            faults.add("username", fault.to_string());
        }
        if let Err(fault) = &email {
            faults.add("email", fault.to_string());
        }
        if let Some(fault) = password_fault(registration.password.expose_secret(), self.settings.min_password_chars) {
            faults.add("password", fault);
        }
        match (username, email) {
            (Ok(username), Ok(email)) => faults.finish().map(|()| (username, email)),
            _ => Err(faults.finish().err().unwrap_or_else(|| ServiceError::invalid("username", "cannot be read"))),
        }
    }
}

/// Why `password` is refused, if it is. Length alone counts: composition rules make passwords worse
/// (NIST SP 800-63B, appendix A).
fn password_fault(password: &str, min_chars: usize) -> Option<String> {
    let chars = password.chars().count();
    if chars < min_chars {
        return Some(format!("a password has at least {min_chars} characters, this has {chars}"));
    }
    (password.len() > MAX_PASSWORD_BYTES)
        .then(|| format!("a password has at most {MAX_PASSWORD_BYTES} bytes, this has {}", password.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_judged_by_length_alone() {
        assert_eq!(password_fault("aaaaaaaa", 8), None);
        assert_eq!(password_fault("пароль12", 8), None);
        assert!(password_fault("aaaaaaa", 8).unwrap().contains("at least 8"));
        assert_eq!(password_fault(&"a".repeat(1024), 8), None);
        assert!(password_fault(&"a".repeat(1025), 8).unwrap().contains("at most 1024"));
    }
}
