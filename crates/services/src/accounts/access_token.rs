//! Access tokens: short-lived JWTs signed with HS256 (RFC 7519, RFC 8725).

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use domain::{ErrorKind, Role, SessionId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ServiceError;

/// Shortest signing key, in bytes: as long as the hash (RFC 7518, section 3.2).
pub const MIN_KEY_BYTES: usize = 32;
/// Who issues the tokens, and whom they are for.
const PARTY: &str = "causerie";
/// How far the clocks of two nodes may differ, in seconds.
const CLOCK_SKEW_S: i64 = 5;
/// No token of ours is nearly as long, in bytes.
const MAX_TOKEN_BYTES: usize = 2048;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct AccessClaims {
    iss: String,
    aud: String,
    /// Whose.
    pub(super) sub: UserId,
    /// Of which sign-in.
    pub(super) sid: SessionId,
    /// What the account might do when the token was made; the store is asked again.
    pub(super) role: Role,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

/// Signs and checks access tokens with one key.
#[derive(Clone)]
pub struct TokenSigner {
    signing: EncodingKey,
    checking: DecodingKey,
    rules: Validation,
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSigner").finish_non_exhaustive()
    }
}

/// What a new token is made of.
pub(super) struct TokenSubject {
    pub(super) user_id: UserId,
    pub(super) session_id: SessionId,
    pub(super) role: Role,
    /// Identity of the token.
    pub(super) token_id: Uuid,
}

impl TokenSigner {
    /// A signer with `key`, which only the operator may know.
    ///
    /// # Errors
    /// `ValidationFailed` where the key has fewer than [`MIN_KEY_BYTES`] bytes.
    pub fn hs256(key: &[u8]) -> Result<Self, ServiceError> {
        if key.len() < MIN_KEY_BYTES {
            let message = format!("expected at least {MIN_KEY_BYTES} bytes of secret, got {}", key.len());
            return Err(ServiceError::invalid("auth.jwt_secret", message));
        }
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[PARTY]);
        rules.set_audience(&[PARTY]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library asks the system for the time; ours comes from the clock.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        Ok(Self { signing: EncodingKey::from_secret(key), checking: DecodingKey::from_secret(key), rules })
    }

    pub(super) fn sign(
        &self,
        subject: &TokenSubject,
        now: DateTime<Utc>,
        ttl: Duration,
    ) -> Result<String, ServiceError> {
        let claims = AccessClaims {
            iss: PARTY.to_owned(),
            aud: PARTY.to_owned(),
            sub: subject.user_id,
            sid: subject.session_id,
            role: subject.role,
            iat: now.timestamp(),
            exp: now.timestamp().saturating_add(i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX)),
            jti: subject.token_id,
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .map_err(|error| crate::error::broken(&format!("an access token could not be signed: {error}")))
    }

    /// The claims of `token` if it is ours and not past its expiry.
    ///
    /// # Errors
    /// `InvalidToken`, `TokenExpired`.
    pub(super) fn check(&self, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, ServiceError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(invalid_token());
        }
        let claims = decode::<AccessClaims>(token, &self.checking, &self.rules).map_err(|_| invalid_token())?.claims;
        let now = now.timestamp();
        if claims.iat > now.saturating_add(CLOCK_SKEW_S) {
            return Err(invalid_token());
        }
        if claims.exp.saturating_add(CLOCK_SKEW_S) <= now {
            return Err(ServiceError::refuse(
                ErrorKind::TokenExpired,
                "the access token has expired: exchange the refresh token at /auth/refresh",
            ));
        }
        Ok(claims)
    }
}

/// One text for every fault, so that nobody learns how far a forgery got.
pub(super) fn invalid_token() -> ServiceError {
    ServiceError::refuse(ErrorKind::InvalidToken, "the token is not one that this server issued: sign in again")
}

#[cfg(test)]
mod tests {
    use domain::SeededIds;
    use serde_json::{Value, json};

    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const TTL: Duration = Duration::from_secs(900);

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn subject() -> TokenSubject {
        let ids = SeededIds::new(1);
        TokenSubject {
            user_id: UserId::new(&ids),
            session_id: SessionId::new(&ids),
            role: Role::User,
            token_id: Uuid::from_u128(9),
        }
    }

    fn kind_of(token: &str, now: DateTime<Utc>) -> ErrorKind {
        TokenSigner::hs256(&KEY).unwrap().check(token, now).unwrap_err().kind()
    }

    fn claims_with(change: impl FnOnce(&mut Value)) -> Value {
        let subject = subject();
        let mut claims = json!({
            "iss": "causerie", "aud": "causerie", "sub": subject.user_id, "sid": subject.session_id, "role": "user",
            "iat": noon().timestamp(), "exp": noon().timestamp() + 900, "jti": subject.token_id,
        });
        change(&mut claims);
        claims
    }

    fn forge(algorithm: Algorithm, key: &[u8], claims: &Value) -> String {
        encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key)).unwrap()
    }

    #[test]
    fn a_token_is_good_until_its_expiry_and_the_clock_skew() {
        let signer = TokenSigner::hs256(&KEY).unwrap();
        let token = signer.sign(&subject(), noon(), TTL).unwrap();
        let claims = signer.check(&token, noon() + TTL).unwrap();
        assert_eq!((claims.sub, claims.sid), (subject().user_id, subject().session_id));
        assert_eq!(kind_of(&token, noon() + TTL + Duration::from_secs(5)), ErrorKind::TokenExpired);
        assert_eq!(kind_of(&token, noon() - Duration::from_secs(6)), ErrorKind::InvalidToken);
    }

    #[test]
    fn tokens_of_other_keys_algorithms_issuers_and_audiences_are_invalid() {
        let good = claims_with(|_| ());
        assert!(TokenSigner::hs256(&KEY).unwrap().check(&forge(Algorithm::HS256, &KEY, &good), noon()).is_ok());
        assert_eq!(kind_of(&forge(Algorithm::HS256, &[8; 32], &good), noon()), ErrorKind::InvalidToken);
        assert_eq!(kind_of(&forge(Algorithm::HS384, &KEY, &good), noon()), ErrorKind::InvalidToken);
        for claim in ["iss", "aud", "sub", "sid", "role", "exp", "iat", "jti"] {
            let other = claims_with(|claims| claims[claim] = json!("somebody else"));
            assert_eq!(kind_of(&forge(Algorithm::HS256, &KEY, &other), noon()), ErrorKind::InvalidToken, "{claim}");
            let missing = claims_with(|claims| {
                claims.as_object_mut().unwrap().remove(claim);
            });
            assert_eq!(kind_of(&forge(Algorithm::HS256, &KEY, &missing), noon()), ErrorKind::InvalidToken, "{claim}");
        }
    }

    #[test]
    fn unsigned_tokens_and_noise_are_invalid() {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let unsigned = format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&claims_with(|_| ())));
        let long = "a".repeat(100_000);
        for token in [unsigned.as_str(), "", ".", "..", "a.b.c", "ключ", long.as_str()] {
            assert_eq!(kind_of(token, noon()), ErrorKind::InvalidToken, "{token:.20}");
        }
    }

    #[test]
    fn short_keys_are_refused_and_keys_never_printed() {
        assert!(TokenSigner::hs256(&[1; 31]).unwrap_err().fields()[0].message.contains("at least 32"));
        assert_eq!(format!("{:?}", TokenSigner::hs256(&KEY).unwrap()), "TokenSigner { .. }");
    }
}
