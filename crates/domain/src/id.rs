//! Typed identifiers (UUIDv7, so they sort by creation time) and where new ones come from.

use std::sync::Mutex;

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where ids and random bytes come from; injected so that tests are repeatable.
pub trait IdSource: Send + Sync {
    /// A new UUID of version 7.
    fn next_uuid(&self) -> Uuid;

    /// Fills `bytes` with values that an attacker cannot predict.
    fn fill_random(&self, bytes: &mut [u8]);
}

/// The operating system's randomness and clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    #[allow(clippy::disallowed_methods, reason = "this is the one place where real ids are made")]
    fn next_uuid(&self) -> Uuid {
        Uuid::now_v7()
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place where real randomness is drawn")]
    fn fill_random(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// Repeatable ids for tests: the same seed gives the same sequence, in ascending order.
#[derive(Debug)]
pub struct SeededIds {
    state: Mutex<(u64, StdRng)>,
}

impl SeededIds {
    /// Starts the sequence of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: Mutex::new((0, StdRng::seed_from_u64(seed))) }
    }
}

impl IdSource for SeededIds {
    fn next_uuid(&self) -> Uuid {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.0 += 1;
        let mut random = [0_u8; 10];
        state.1.fill_bytes(&mut random);
        uuid::Builder::from_unix_timestamp_millis(state.0, &random).into_uuid()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.1.fill_bytes(bytes);
    }
}

/// The text was not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct ParseIdError;

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id from `ids`.
            #[must_use]
            pub fn new(ids: &dyn IdSource) -> Self {
                Self(ids.next_uuid())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self).map_err(|_| ParseIdError)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )+};
}

typed_id! {
    /// A person with an account.
    UserId;
    /// One sign-in: the family of refresh tokens that descends from it.
    SessionId;
    /// A conversation.
    ConversationId;
    /// A message of a conversation; a reply is a message too.
    MessageId;
    /// A document that a user gave us.
    DocumentId;
    /// A passage-sized piece of one version of a document.
    ChunkId;
    /// A unit of background work.
    JobId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_ids_repeat_and_ascend() {
        let (a, b) = (SeededIds::new(7), SeededIds::new(7));
        let first = [a.next_uuid(), a.next_uuid(), a.next_uuid()];
        assert_eq!(first, [b.next_uuid(), b.next_uuid(), b.next_uuid()]);
        assert!(first.is_sorted());
        assert!(first.iter().all(|id| id.get_version_num() == 7));
    }

    #[test]
    fn id_text_that_is_no_uuid_is_refused() {
        assert_eq!("nonsense".parse::<UserId>(), Err(ParseIdError));
    }
}
