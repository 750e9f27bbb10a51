//! From the bytes of tokens to text that may be shown.

/// Collects bytes and gives out text as soon as it is certain: never half a character, and nothing that may turn out
/// to be the beginning of a stop string.
#[derive(Debug)]
pub(super) struct ReplyText {
    stops: Vec<String>,
    /// Bytes that do not make a character yet, at most three.
    bytes: Vec<u8>,
    /// Text that may be the beginning of a stop string.
    held: String,
    stopped: bool,
}

impl ReplyText {
    /// Text that ends before any of `stops`; empty ones are ignored.
    pub(super) fn new(stops: &[String]) -> Self {
        let stops = stops.iter().filter(|stop| !stop.is_empty()).cloned().collect();
        Self { stops, bytes: Vec::new(), held: String::new(), stopped: false }
    }

    /// Whether a stop string was met; what comes after it is discarded.
    pub(super) fn stopped(&self) -> bool {
        self.stopped
    }

    /// Takes the bytes of a token in and gives out what is certain, which may be nothing.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        if self.stopped {
            return String::new();
        }
        self.bytes.extend_from_slice(bytes);
        self.decode();
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.stopped = true;
            self.held.truncate(at);
            return std::mem::take(&mut self.held);
        }
        let rest = self.held.split_off(self.certain());
        std::mem::replace(&mut self.held, rest)
    }

    /// Gives out what was held back, at the end of the reply. Half a character becomes U+FFFD.
    pub(super) fn finish(&mut self) -> String {
        if self.stopped {
            return String::new();
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.held.push_str(&String::from_utf8_lossy(&bytes));
        std::mem::take(&mut self.held)
    }

    /// Moves whole characters from the bytes to the text. Bytes that can never become one are replaced.
    fn decode(&mut self) {
        let mut chunks = self.bytes.utf8_chunks().peekable();
        let mut left = Vec::new();
        while let Some(chunk) = chunks.next() {
            self.held.push_str(chunk.valid());
            let invalid = chunk.invalid();
            if chunks.peek().is_none() && may_continue(invalid) {
                left = invalid.to_vec();
            } else if !invalid.is_empty() {
                self.held.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.bytes = left;
    }

    /// How many bytes of the held text cannot belong to a stop string any more.
    fn certain(&self) -> usize {
        let held = self.held.as_str();
        let begins_stop = |at: &usize| self.stops.iter().any(|stop| stop.starts_with(&held[*at..]));
        held.char_indices().map(|(at, _)| at).find(begins_stop).unwrap_or(held.len())
    }
}

/// Whether more bytes may complete these to a character.
fn may_continue(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(stops: &[&str], pieces: &[&[u8]]) -> (Vec<String>, bool) {
        let mut text = ReplyText::new(&stops.iter().map(ToString::to_string).collect::<Vec<_>>());
        let mut out: Vec<String> = pieces.iter().map(|piece| text.push(piece)).collect();
        out.push(text.finish());
        (out, text.stopped())
    }

    #[test]
    fn character_is_given_out_when_its_last_byte_arrives() {
        let (out, _) = stream(&[], &[b"a\xf0", b"\x9f\x90", b"\xa2b", b"\xc3"]);
        assert_eq!(out, ["a", "", "🐢b", "", "\u{fffd}"]);
    }

    #[test]
    fn impossible_bytes_are_replaced_at_once() {
        let (out, _) = stream(&[], &[b"a\xffb", b"\xe2\x28"]);
        assert_eq!(out, ["a\u{fffd}b", "\u{fffd}(", ""]);
    }

    #[test]
    fn stop_string_across_tokens_never_shows() {
        let (out, stopped) = stream(&["\nUser:"], &[b"Yes.", b"\n", b"Us", b"er", b": more", b"!"]);
        assert_eq!((out.concat().as_str(), stopped), ("Yes.", true));
    }

    #[test]
    fn beginning_of_a_stop_string_is_given_out_when_it_was_none() {
        let (out, stopped) = stream(&["END."], &[b"E", b"N", b"EN", b"D", b"!"]);
        assert_eq!((out.concat().as_str(), stopped), ("ENEND!", false));
        assert_eq!(out[0], "");
    }

    #[test]
    fn earliest_of_several_stop_strings_counts_and_empty_ones_do_not() {
        let (out, stopped) = stream(&["", "three", "two"], &[b"one two three"]);
        assert_eq!((out.concat().as_str(), stopped), ("one ", true));
    }
}
