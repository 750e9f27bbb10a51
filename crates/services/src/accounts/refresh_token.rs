//! Refresh tokens: opaque random text, stored only as a hash.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::IdSource;
use sha2::{Digest, Sha256};

use crate::digest::hex;

/// Tells a refresh token from the project's other secrets, for people and for secret scanners.
const PREFIX: &str = "csr_rt_";
/// 256 bits.
const RANDOM_BYTES: usize = 32;
/// Characters of 32 bytes in base64 without padding.
const RANDOM_CHARS: usize = 43;

/// A new token: what the client gets, and what is stored.
pub(super) struct NewRefreshToken {
    pub(super) token: String,
    pub(super) hash: String,
}

pub(super) fn new_refresh_token(ids: &dyn IdSource) -> NewRefreshToken {
    let mut random = [0_u8; RANDOM_BYTES];
    ids.fill_random(&mut random);
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let hash = hash_of(&token);
    NewRefreshToken { token, hash }
}

/// The stored form of `token`; absent where it has not the form of one, so that noise never reaches the store.
/// A plain hash is enough: 256 random bits cannot be guessed from it.
pub(super) fn presented_hash(token: &str) -> Option<String> {
    let random = token.strip_prefix(PREFIX)?;
    let well_formed = random.len() == RANDOM_CHARS
        && random.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    well_formed.then(|| hash_of(token))
}

fn hash_of(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use domain::SeededIds;

    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash_and_the_hash_does_not_hold_it() {
        let ids = SeededIds::new(3);
        let (first, second) = (new_refresh_token(&ids), new_refresh_token(&ids));
        assert_ne!(first.token, second.token);
        assert_eq!(presented_hash(&first.token).as_deref(), Some(first.hash.as_str()));
        assert!(first.hash.len() == 64 && !first.hash.contains(&first.token[7..]));
    }

    #[test]
    fn other_texts_are_not_looked_up() {
        let token = new_refresh_token(&SeededIds::new(3)).token;
        for text in
            ["", "csr_rt_", &token[1..], &token[..token.len() - 1], &format!("{token}A"), &token.replace('c', " ")]
        {
            assert_eq!(presented_hash(text), None, "{text}");
        }
    }
}
