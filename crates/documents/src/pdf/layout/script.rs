//! What writing systems ask for: presentation forms, accents drawn apart, right-to-left order.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{compose, is_combining_mark};

/// Strongly right-to-left letters: Hebrew, Arabic and their neighbours.
pub(super) fn is_rtl(char: char) -> bool {
    matches!(char,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}'
        | '\u{1e800}'..='\u{1efff}')
        && !is_combining_mark(char)
        && !is_digit(char)
}

/// Digits keep their order inside right-to-left text.
pub(super) fn is_digit(char: char) -> bool {
    char.is_ascii_digit() || matches!(char, '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}')
}

/// Scripts that set no space between words.
pub(super) fn is_unspaced(char: char) -> bool {
    matches!(char,
        '\u{2e80}'..='\u{312f}' | '\u{3190}'..='\u{a4cf}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}')
}

/// Resolves ligatures and other presentation forms, and only those; composes accents; drops control characters.
pub(super) fn normalise(text: &str) -> String {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\u{fb00}'..='\u{fdff}' | '\u{fe30}'..='\u{fe4f}' | '\u{fe70}'..='\u{fefc}' | '\u{2f00}'..='\u{2fd5}' => {
                plain.extend(std::iter::once(char).nfkc());
            }
            '\t' => plain.push('\t'),
            '\u{200b}' | '\u{feff}' | '\u{fffd}' => {}
            char if char.is_control() => {}
            char if char.is_whitespace() => plain.push(' '),
            char => plain.push(char),
        }
    }
    if unicode_normalization::is_nfc(&plain) { plain } else { plain.nfc().collect() }
}

/// The combining mark of an accent that stands alone, as TeX draws it over a letter.
fn combining(accent: char) -> Option<char> {
    Some(match accent {
        '`' | '\u{2cb}' => '\u{300}',
        '´' | '\u{2ca}' => '\u{301}',
        '^' | 'ˆ' => '\u{302}',
        '~' | '˜' => '\u{303}',
        '¯' | 'ˉ' => '\u{304}',
        '˘' => '\u{306}',
        '˙' => '\u{307}',
        '¨' => '\u{308}',
        '˚' | '°' => '\u{30a}',
        '˝' => '\u{30b}',
        'ˇ' => '\u{30c}',
        '¸' => '\u{327}',
        '˛' => '\u{328}',
        mark if is_combining_mark(mark) => mark,
        _ => return None,
    })
}

/// The letter that two glyphs drawn over each other make, if one of them is an accent.
pub(super) fn accented(one: char, other: char) -> Option<char> {
    let base = |letter: char| match letter {
        'ı' => 'i',
        'ȷ' => 'j',
        letter => letter,
    };
    let letter_and_mark = |letter: char, accent: char| {
        letter.is_alphabetic().then_some(())?;
        compose(base(letter), combining(accent)?)
    };
    letter_and_mark(other, one).or_else(|| letter_and_mark(one, other))
}

/// A piece of a line from left to right: a glyph's text, or a gap.
pub(super) trait Piece {
    /// Its first character; a space for a gap.
    fn char(&self) -> char;
}

/// Turns pieces from left to right as they are seen into the order in which they are read. Answers whether the line
/// as a whole runs from right to left: it does if its page does, or if most of its letters do.
pub(super) fn to_logical<P: Piece>(pieces: &mut [P], page_is_rtl: bool) -> bool {
    let rtl = pieces.iter().filter(|piece| is_rtl(piece.char())).count();
    if rtl == 0 {
        return false;
    }
    let ltr = pieces.iter().filter(|piece| is_ltr(piece.char())).count();
    if page_is_rtl || rtl > 2 * ltr {
        pieces.reverse();
        reverse_runs(pieces, is_ltr, |char| !is_rtl(char));
        true
    } else {
        reverse_runs(pieces, is_rtl, |char| !is_ltr(char));
        false
    }
}

fn is_ltr(char: char) -> bool {
    char.is_alphabetic() && !is_rtl(char)
}

/// Reverses every run that holds an `anchor` and otherwise only what `inside` allows, from its first to its last
/// anchor or digit; then sets numbers right again that were reversed without being in such a run.
fn reverse_runs<P: Piece>(pieces: &mut [P], anchor: fn(char) -> bool, inside: fn(char) -> bool) {
    let rtl_anchored = anchor('א');
    let holds = |char: char| anchor(char) || (!rtl_anchored && is_digit(char));
    let mut start = 0;
    while start < pieces.len() {
        if !holds(pieces[start].char()) {
            start += 1;
            continue;
        }
        let mut end = start + 1;
        let mut anchored = anchor(pieces[start].char());
        for (index, piece) in pieces.iter().enumerate().skip(start + 1) {
            let char = piece.char();
            if !(inside(char) || anchor(char)) {
                break;
            }
            if holds(char) {
                anchored |= anchor(char);
                end = index + 1;
            }
        }
        if anchored {
            pieces[start..end].reverse();
            if rtl_anchored {
                restore_numbers(&mut pieces[start..end]);
            }
            start = end;
        } else {
            let end = number_end(pieces, start);
            pieces[start..end].reverse();
            start = end;
        }
    }
}

fn restore_numbers<P: Piece>(pieces: &mut [P]) {
    let mut start = 0;
    while start < pieces.len() {
        if is_digit(pieces[start].char()) {
            let end = number_end(pieces, start);
            pieces[start..end].reverse();
            start = end;
        } else {
            start += 1;
        }
    }
}

/// The end of the number at `start`: digits with single separators between them.
fn number_end<P: Piece>(pieces: &[P], start: usize) -> usize {
    let mut end = start;
    let mut index = start;
    while index < pieces.len() {
        let char = pieces[index].char();
        if is_digit(char) {
            end = index + 1;
        } else if !matches!(char, '.' | ',' | ':' | '/' | '-' | '%') || end < index {
            break;
        }
        index += 1;
    }
    end.max(start + 1)
}

/// Swaps brackets that came out of a reversal facing the wrong way.
pub(super) fn mirror_brackets(text: &str) -> String {
    let mut depth = 0_i32;
    let mut lowest = 0_i32;
    for char in text.chars() {
        match char {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        lowest = lowest.min(depth);
    }
    if lowest >= 0 {
        return text.to_owned();
    }
    let mirrored = |char| match char {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        other => other,
    };
    text.chars().map(mirrored).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Piece for char {
        fn char(&self) -> char {
            *self
        }
    }

    fn logical(seen: &str, page_is_rtl: bool) -> String {
        let mut pieces: Vec<char> = seen.chars().collect();
        to_logical(&mut pieces, page_is_rtl);
        pieces.into_iter().collect()
    }

    #[test]
    fn presentation_forms_are_resolved_and_nothing_else() {
        assert_eq!(normalise("e\u{fb03}cient \u{fb02}ow x² ½ Ａ"), "efficient flow x² ½ Ａ");
        assert_eq!(normalise("\u{fefb}"), "\u{644}\u{627}");
        assert_eq!(normalise("e\u{301}te\u{301}"), "été");
    }

    #[test]
    fn right_to_left_lines_come_in_logical_order() {
        assert_eq!(logical("םולש", false), "שלום");
        assert_eq!(logical(".2024 תנש", true), "שנת 2024.");
        assert_eq!(logical("the word םולש means peace", false), "the word שלום means peace");
        assert_eq!(logical("Rust 1.95 תפש", true), "שפת Rust 1.95");
    }

    #[test]
    fn digits_inside_reversed_words_keep_their_order() {
        assert_eq!(logical("see תודוקנ 4.2 םולש now", false), "see שלום 4.2 נקודות now");
    }

    #[test]
    fn accents_drawn_apart_join_their_letter() {
        assert_eq!(accented('¨', 'u'), Some('ü'));
        assert_eq!(accented('ı', '´'), Some('í'));
        assert_eq!(accented('a', 'b'), None);
    }

    #[test]
    fn brackets_face_the_reading_direction() {
        assert_eq!(mirror_brackets(")שלום("), "(שלום)");
        assert_eq!(mirror_brackets("(a) b"), "(a) b");
    }
}
