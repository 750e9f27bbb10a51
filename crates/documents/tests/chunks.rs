//! Rules that hold for chunks of any text.
#![allow(clippy::unwrap_used)] // helpers of tests stand outside test functions

use documents::{ChunkSettings, Extraction, Heading, PageText, chunk};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zäß]{1,12}",
        1 => "[A-Z][a-z]{1,8}[.!?]",
        1 => Just("\n".to_owned()),
        1 => Just("\n\n".to_owned()),
        1 => "[一-龥。]{1,20}",
        1 => "[\u{5d0}-\u{5ea}]{1,8}",
        1 => Just("👩‍👩‍👧 e\u{301}".to_owned()),
        1 => "\\PC{0,6}",
    ];
    prop::collection::vec(piece, 0..160).prop_map(|pieces| pieces.join(" "))
}

/// Pages of any text; a heading wherever a line starts with a capital letter.
fn extraction() -> impl Strategy<Value = Extraction> {
    prop::collection::vec(text(), 1..4).prop_map(|texts| {
        let page = |(text, number): (String, u32)| {
            let mut headings = Vec::new();
            let mut start = 0;
            for line in text.split_inclusive('\n') {
                let byte_end = start + line.trim_end().len();
                if line.starts_with(|char: char| char.is_ascii_uppercase()) {
                    let level = u8::try_from(start % 3).unwrap() + 1;
                    headings.push(Heading { byte_start: start, byte_end, level, title: line.trim().to_owned() });
                }
                start += line.len();
            }
            PageText { number, label: None, text, headings }
        };
        let pages = texts.into_iter().zip(1..).map(page).collect();
        Extraction { title: None, pages, warnings: Vec::new() }
    })
}

/// Counts as tokenisers do that cut words: about four bytes to a token.
fn subwords(text: &str) -> usize {
    text.split_whitespace().map(|word| word.len().div_ceil(4)).sum()
}

/// A counter whose sums are too low, as when joining pieces makes new tokens.
fn superadditive(text: &str) -> usize {
    subwords(text) + text.len() / 10
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn every_byte_of_text_is_in_a_chunk_and_no_chunk_is_too_large(
        extraction in extraction(),
        max in 16_usize..120,
        overlap in 0_usize..16,
        strict in any::<bool>(),
    ) {
        let settings = ChunkSettings::new(max, overlap).unwrap();
        let count: fn(&str) -> usize = if strict { superadditive } else { subwords };
        let chunks = chunk(&extraction, &settings, &count);
        let full = extraction.full_text();
        let mut covered = 0;
        for (ordinal, chunk) in chunks.iter().enumerate() {
            prop_assert_eq!(chunk.ordinal as usize, ordinal);
            prop_assert_eq!(&full.text[chunk.byte_start..chunk.byte_end], &chunk.text);
            prop_assert_eq!(chunk.tokens, count(&chunk.text));
            prop_assert!(chunk.tokens <= max, "{} tokens of {}", chunk.tokens, max);
            prop_assert!(!chunk.text.trim().is_empty());
            if chunk.byte_start > covered {
                prop_assert!(full.text[covered..chunk.byte_start].trim().is_empty());
            }
            prop_assert!(chunk.byte_end > covered, "a chunk adds nothing");
            covered = chunk.byte_end;
            prop_assert!(chunk.page_from <= chunk.page_to);
            let first = &full.pages[chunk.page_from as usize - 1];
            prop_assert!(first.contains(&chunk.byte_start), "{first:?} {}", chunk.byte_start);
            let last = &full.pages[chunk.page_to as usize - 1];
            prop_assert!(last.start < chunk.byte_end && chunk.byte_end <= last.end);
        }
        prop_assert!(full.text[covered..].trim().is_empty());
    }

    #[test]
    fn chunking_is_deterministic(extraction in extraction()) {
        let settings = ChunkSettings::default();
        prop_assert_eq!(chunk(&extraction, &settings, &subwords), chunk(&extraction, &settings, &subwords));
    }
}
