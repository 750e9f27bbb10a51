//! From what a person wrote to a query that the keyword index understands.

use domain::UserId;

/// Different words of one query at most: each costs a pass over its postings, and a pasted page has hundreds.
const MAX_TERMS: usize = 64;

/// Words that almost every English text has. They are left out only beside other words, so that "to be or not to be"
/// still finds something. Short on purpose: a word left out cannot be found.
const STOP_WORDS: [&str; 43] = [
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do", "does", "for", "from",
    "had", "has", "have", "how", "i", "in", "is", "it", "of", "on", "or", "that", "the", "their", "this", "to", "was",
    "were", "what", "when", "where", "which", "who", "will", "with", "would",
];

/// The FTS5 expression: any of the words, in passages of `reader`; absent where `text` has no word.
///
/// Every word is quoted, so that nothing in it is taken for an operator; the index splits and stems it as it does
/// passages.
pub(crate) fn expression(text: &str, reader: UserId) -> Option<String> {
    let words = words(text);
    if words.is_empty() {
        return None;
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    Some(format!("owner : \"{}\" AND {{text title}} : ({})", owner_word(reader), quoted.join(" OR ")))
}

/// How the index spells an owner; the triggers of the migration spell it the same.
fn owner_word(owner: UserId) -> String {
    format!("u{}", owner.0.simple())
}

/// The words of `text`, lower-case and each once, stop words last resort.
fn words(text: &str) -> Vec<String> {
    let mut telling: Vec<String> = Vec::new();
    let mut common: Vec<String> = Vec::new();
    for word in text.split(|c: char| !is_word_char(c)).filter(|word| word.chars().any(char::is_alphanumeric)) {
        let word = word.to_lowercase();
        let list = if STOP_WORDS.contains(&word.as_str()) { &mut common } else { &mut telling };
        if list.len() < MAX_TERMS && !list.contains(&word) {
            list.push(word);
        }
    }
    if telling.is_empty() { common } else { telling }
}

/// Letters, digits and the marks that combine with them, as `unicode61` has it; the quotation mark is none of them.
fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_quoted_words() {
        let of = |text: &str| words(text).join(" ");
        assert_eq!(of(r#"NEAR("x" AND y*) -z:^ {a b}"#), "near x y z b");
        assert_eq!(of("Tower-clock, tower clock!"), "tower clock");
        assert_eq!(of("3.5 % Zürich"), "3 5 zürich");
        assert_eq!(of("\"'()*:^-+ \u{0}"), "");
    }

    #[test]
    fn stop_words_count_only_when_nothing_else_is_there() {
        assert_eq!(words("What is the height of the tower?"), ["height", "tower"]);
        assert_eq!(words("to be or"), ["to", "be", "or"]);
    }

    #[test]
    fn a_long_text_is_cut_to_its_first_words() {
        let text: String = (0..1000).map(|n| format!("w{n} ")).collect();
        assert_eq!(words(&text).len(), MAX_TERMS);
    }

    #[test]
    fn text_without_words_has_no_expression() {
        let reader = UserId(uuid::Uuid::nil());
        assert_eq!(expression(" ?! ", reader), None);
        let zeros = "0".repeat(32);
        let expected = format!("owner : \"u{zeros}\" AND {{text title}} : (\"bees\")");
        assert_eq!(expression("bees", reader), Some(expected));
    }
}
