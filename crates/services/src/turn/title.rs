//! A title taken from the first message, until something better is there.

use unicode_segmentation::UnicodeSegmentation;

/// Longest title made here, in characters.
const MAX_CHARS: usize = 60;

/// The first sentence of `message`, shortened at a word; absent where it has no letter or digit.
pub(crate) fn title_of(message: &str) -> Option<String> {
    let line = message.lines().map(str::trim).find(|line| line.chars().any(char::is_alphanumeric))?;
    let sentence = line.unicode_sentences().next().unwrap_or(line).trim();
    let words = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((cut, _)) = words.char_indices().nth(MAX_CHARS) else { return Some(words) };
    let kept = words[..cut].rsplit_once(' ').map_or(&words[..cut], |(kept, _)| kept);
    Some(format!("{kept}…"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_is_the_first_sentence() {
        assert_eq!(title_of("\n  When was it relit? I forgot.").as_deref(), Some("When was it relit?"));
    }

    #[test]
    fn long_first_sentences_end_at_a_word() {
        let title = title_of(&"harbour ".repeat(20)).unwrap();
        assert!(title.ends_with("harbour…") && title.chars().count() <= MAX_CHARS + 1, "{title}");
    }

    #[test]
    fn a_message_without_words_gives_no_title() {
        assert_eq!(title_of(" … \n—"), None);
    }
}
