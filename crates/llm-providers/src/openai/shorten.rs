//! Makes a provider's message fit to be shown.

/// Characters of a provider's message that are shown: two or three sentences.
const MAX_CHARS: usize = 300;

/// How keys of the known vendors begin.
const KEY_MARKS: [&str; 8] = ["sk-", "sk_", "gsk_", "xai-", "pk-", "AIza", "Bearer", "hf_"];

/// The message on one line, cut at 300 characters, with `key` and all that looks like a key taken out. `None` when
/// nothing is left, or it is a page of HTML.
pub(super) fn shorten(message: &str, key: Option<&str>) -> Option<String> {
    if message.trim_start().starts_with('<') {
        return None;
    }
    let message = match key {
        Some(key) if !key.is_empty() => message.replace(key, "[key]"),
        _ => message.to_owned(),
    };
    let mut short = String::new();
    for word in message.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(if looks_like_key(word) { "[key]" } else { word });
    }
    if let Some((at, _)) = short.char_indices().nth(MAX_CHARS) {
        short.truncate(at);
        short.push('…');
    }
    (!short.is_empty()).then_some(short)
}

fn looks_like_key(word: &str) -> bool {
    let bare = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    KEY_MARKS.iter().any(|mark| bare.strip_prefix(mark).is_some_and(|rest| rest.len() >= 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_is_one_short_line() {
        let shown = shorten(&format!("a\n\tb\u{7} {}", "é".repeat(400)), None).unwrap();
        assert!(shown.starts_with("a b é"));
        assert_eq!(shown.chars().count(), MAX_CHARS + 1);
        assert_eq!(shorten(" \n", None), None);
        assert_eq!(shorten("\n<!doctype html><p>Bad gateway", None), None);
    }

    #[test]
    fn keys_are_taken_out_whole_or_masked() {
        let shown = shorten("Bad key: \"sk-proj-****abcd\". You sent my own secret.", Some("my own secret")).unwrap();
        assert_eq!(shown, "Bad key: [key] You sent [key].");
        assert_eq!(shorten("the task-force and sk- alone stay", None).unwrap(), "the task-force and sk- alone stay");
    }
}
