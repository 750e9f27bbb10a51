//! Identities of requests.

use actix_web::http::header::{HeaderMap, HeaderName};
use domain::IdSource;

/// The header that carries the identity, both ways.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest identity that is taken over from a client; longer than any UUID or trace id, short enough for a log line.
const MAX_CHARS: usize = 64;

/// The identity of one request.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

impl RequestId {
    /// The client's own where it is a sane token, else a new one.
    pub(crate) fn of(headers: &HeaderMap, ids: &dyn IdSource) -> Self {
        let sent = headers.get(&HEADER).and_then(|value| value.to_str().ok()).filter(|text| is_sane(text));
        Self(sent.map_or_else(|| ids.next_uuid().to_string(), str::to_owned))
    }
}

fn is_sane(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=MAX_CHARS).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use domain::SeededIds;

    use super::*;

    fn id_for(sent: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_str(sent).unwrap());
        RequestId::of(&headers, &SeededIds::new(1)).0
    }

    #[test]
    fn sane_identity_of_the_client_is_kept() {
        for sane in ["a", "trace-1.2_3", &"x".repeat(64)] {
            assert_eq!(id_for(sane), sane);
        }
    }

    #[test]
    fn anything_else_is_replaced() {
        for odd in ["", "a b", "a,b", "<script>", &"x".repeat(65)] {
            assert_ne!(id_for(odd), odd);
        }
        assert_eq!(RequestId::of(&HeaderMap::new(), &SeededIds::new(1)).0.len(), 36);
    }
}
