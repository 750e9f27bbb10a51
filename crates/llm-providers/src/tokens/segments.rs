//! Cutting long text into pieces that a tokenizer handles in bounded time.

/// Text is cut at the first good place after this many bytes.
const SEGMENT: usize = 8 * 1024;
/// Without a good place it is cut here.
const LIMIT: usize = 16 * 1024;

/// The tokens of `text`, counted piece by piece.
///
/// A space that follows something else begins a new word in every tokenizer that we use, so a cut in front of it
/// changes nothing. A run of 16 KiB without such a place is cut anywhere, and each such cut counts as one token more:
/// the sum is never below the count of the whole.
pub(super) fn sum(text: &str, count: impl Fn(&str) -> usize) -> u32 {
    let (mut rest, mut total) = (text, 0_usize);
    while rest.len() > LIMIT {
        let (segment, cut) = match word_boundary(rest) {
            Some(at) => (at, 0),
            None => (rest.floor_char_boundary(LIMIT), 1),
        };
        total += count(&rest[..segment]) + cut;
        rest = &rest[segment..];
    }
    u32::try_from(total + count(rest)).unwrap_or(u32::MAX)
}

fn word_boundary(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    // ASCII bytes never stand inside a character, and the byte before must be no white space: letters of other
    // scripts have bytes above 127, some of which are white space, so only ASCII counts.
    let boundary = |at: &usize| bytes[*at] == b' ' && bytes[*at - 1].is_ascii_graphic();
    (SEGMENT..LIMIT).find(boundary)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tiktoken_rs::o200k_base_singleton;

    use super::*;

    fn whole(text: &str) -> usize {
        o200k_base_singleton().count_ordinary(text)
    }

    #[test]
    fn text_with_spaces_is_counted_exactly() {
        let text =
            "The tide tables, 1897 edition: see page 12.\n\n  Harbour dues — §4 — were   paid in März. ".repeat(900);
        assert_eq!(sum(&text, whole) as usize, whole(&text));
    }

    #[test]
    fn script_without_spaces_is_never_counted_under() {
        let text = "潮位表は毎年印刷されます。".repeat(2_000);
        assert!(sum(&text, whole) as usize >= whole(&text));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn sum_is_never_below_the_count_of_the_whole(unit in "\\PC{1,40}", repeat in 600_usize..900) {
            let text = unit.repeat(repeat);
            prop_assert!(sum(&text, whole) as usize >= whole(&text));
        }
    }
}
