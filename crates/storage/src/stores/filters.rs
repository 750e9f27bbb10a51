//! Parts of filters that several lists share.

/// Patterns for `LIKE … ESCAPE '\'`, one for each word of `text`, to be held against a title's key.
pub(super) fn word_patterns(text: &str) -> Vec<String> {
    let escape = |word: &str| {
        let word = word.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        format!("%{word}%")
    };
    text.split_whitespace().map(escape).collect()
}

/// Labels without repetition, in order.
pub(super) fn distinct(tags: &[String]) -> Vec<&str> {
    let mut seen: Vec<&str> = Vec::with_capacity(tags.len());
    for tag in tags {
        if !seen.contains(&tag.as_str()) {
            seen.push(tag);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_in_words_are_taken_literally() {
        assert_eq!(word_patterns("100% A_b"), ["%100\\%%", "%a\\_b%"]);
    }
}
