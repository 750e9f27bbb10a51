//! Labels that a person gives to things.

use crate::error::FieldErrors;

/// The most labels of one thing.
const MAX_TAGS: usize = 20;
/// Longest label, in characters.
const MAX_TAG_CHARS: usize = 50;

/// Trims labels, drops empty and repeated ones, and notes what breaks the rule.
pub(crate) fn clean_tags(tags: &mut Vec<String>, faults: &mut FieldErrors) {
    let mut kept: Vec<String> = Vec::with_capacity(tags.len().min(MAX_TAGS + 1));
    for tag in tags.drain(..) {
        let tag = tag.trim();
        let chars = tag.chars().count();
        if chars > MAX_TAG_CHARS {
            faults.add("tags", format!("a label has at most {MAX_TAG_CHARS} characters, one has {chars}"));
            return;
        }
        if tag.chars().any(char::is_control) {
            faults.add("tags", "a label is one line without control characters");
            return;
        }
        if !tag.is_empty() && !kept.iter().any(|known| known == tag) {
            kept.push(tag.to_owned());
        }
        if kept.len() > MAX_TAGS {
            faults.add("tags", format!("expected at most {MAX_TAGS} labels"));
            return;
        }
    }
    *tags = kept;
}

/// One line of text with single spaces, without control characters; absent where nothing is left.
pub(crate) fn one_line(text: &str) -> Option<String> {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(tags: &[&str]) -> Result<Vec<String>, String> {
        let mut tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let mut faults = FieldErrors::default();
        clean_tags(&mut tags, &mut faults);
        faults.finish().map(|()| tags).map_err(|error| error.fields()[0].message.clone())
    }

    #[test]
    fn labels_are_trimmed_and_unique() {
        assert_eq!(cleaned(&[" a", "b", "a ", ""]).unwrap(), ["a", "b"]);
    }

    #[test]
    fn too_many_and_too_long_labels_are_refused() {
        let many: Vec<String> = (0..21).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(cleaned(&many).unwrap_err().contains("at most 20"));
        assert!(cleaned(&many[..20]).is_ok());
        assert!(cleaned(&[&"x".repeat(51)]).unwrap_err().contains("at most 50"));
        assert!(cleaned(&[&"ü".repeat(50)]).is_ok());
        assert!(cleaned(&["a\nb"]).is_err());
    }

    #[test]
    fn text_is_put_on_one_line() {
        assert_eq!(one_line(" a\n b\t\u{0}c ").as_deref(), Some("a b c"));
        assert_eq!(one_line(" \n"), None);
    }
}
