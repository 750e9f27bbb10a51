//! Sizing passages where there is no embedding model to size them for.

use domain::ports::TokenCounter;

/// Bytes of a token: English text under the usual vocabularies has a little more.
const BYTES_PER_TOKEN: usize = 4;

/// Counts a token for every four bytes.
pub(super) struct ByteEstimate;

impl TokenCounter for ByteEstimate {
    fn name(&self) -> &str {
        "estimate/bytes-4"
    }

    fn count(&self, text: &str) -> u32 {
        u32::try_from(text.len().div_ceil(BYTES_PER_TOKEN)).unwrap_or(u32::MAX)
    }

    fn message_overhead(&self) -> u32 {
        0
    }

    fn prompt_overhead(&self) -> u32 {
        0
    }
}
