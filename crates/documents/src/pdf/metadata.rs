//! Title and page labels. `hayro-syntax` has the document open anyway, so no second parser meets the file.

use std::collections::BTreeMap;

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE};
use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Name, Object, String as PdfString};

/// Titles longer than this (in characters) are not titles.
const MAX_TITLE_CHARS: usize = 200;
/// Depth and size at which a malformed tree of labels is given up.
const MAX_TREE_DEPTH: usize = 16;
const MAX_LABEL_RANGES: usize = 10_000;

/// The title in the document information, unless it is what a program put there for want of one.
pub(super) fn title(pdf: &Pdf) -> Option<String> {
    let decoded = text_string(pdf.metadata().title.as_deref()?);
    let words = decoded.split_whitespace().collect::<Vec<_>>().join(" ");
    let title = words.strip_prefix("Microsoft Word - ").or(words.strip_prefix("Microsoft PowerPoint - "));
    let title = title.unwrap_or(&words).trim();
    let lower = title.to_lowercase();
    let empty = !title.chars().any(char::is_alphanumeric) || title.chars().count() > MAX_TITLE_CHARS;
    // Some programs take the name of the file for want of a title.
    const SUFFIXES: [&str; 12] =
        [".htm", ".html", ".doc", ".docx", ".odt", ".rtf", ".txt", ".pdf", ".tex", ".dvi", ".md", ".indd"];
    let file_name = SUFFIXES.iter().any(|suffix| lower.ends_with(suffix));
    let default =
        file_name || lower.starts_with("untitled") || matches!(lower.as_str(), "title" | "document" | "about:blank");
    (!empty && !default).then(|| title.to_owned())
}

/// Decodes a PDF text string (PDF 32000-2, 7.9.2.2): UTF-16, UTF-8, or `PDFDocEncoding`.
fn text_string(bytes: &[u8]) -> String {
    let decoded = match bytes {
        [0xfe, 0xff, rest @ ..] => UTF_16BE.decode_without_bom_handling(rest).0.into_owned(),
        [0xff, 0xfe, rest @ ..] => UTF_16LE.decode_without_bom_handling(rest).0.into_owned(),
        [0xef, 0xbb, 0xbf, rest @ ..] => UTF_8.decode_without_bom_handling(rest).0.into_owned(),
        _ => bytes.iter().map(|byte| pdf_doc_char(*byte)).collect(),
    };
    decoded.chars().filter(|char| !char.is_control() || char.is_whitespace()).collect()
}

/// `PDFDocEncoding` (PDF 32000-2, Annex D.2) is Latin-1 but for two rows.
fn pdf_doc_char(byte: u8) -> char {
    const ACCENTS: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];
    const SIGNS: [char; 31] = [
        '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™', 'ﬁ', 'ﬂ', 'Ł',
        'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž',
    ];
    match byte {
        0x18..=0x1f => ACCENTS[usize::from(byte - 0x18)],
        0x80..=0x9e => SIGNS[usize::from(byte - 0x80)],
        0xa0 => '€',
        other => char::from(other),
    }
}

/// How many pages the file says that it has; 0 if it does not say.
pub(super) fn announced_pages(pdf: &Pdf) -> i32 {
    let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id());
    let pages = catalog.and_then(|catalog| catalog.get::<Dict<'_>>(b"Pages".as_slice()));
    pages.and_then(|pages| pages.get::<i32>(b"Count".as_slice())).unwrap_or(0)
}

/// How the pages from an index on are labelled.
struct LabelRange {
    style: Option<u8>,
    prefix: String,
    first: u32,
}

/// The printed names of pages (PDF 32000-2, 12.4.2), by page index from 0. Pages named by their own number are
/// left out.
pub(super) fn page_labels(pdf: &Pdf, pages: usize) -> BTreeMap<usize, String> {
    let mut ranges = BTreeMap::new();
    let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id());
    if let Some(tree) = catalog.and_then(|catalog| catalog.get::<Dict<'_>>(b"PageLabels".as_slice())) {
        read_ranges(&tree, &mut ranges, 0);
    }
    let mut labels = BTreeMap::new();
    let starts: Vec<usize> = ranges.keys().copied().chain([pages]).collect();
    for ((start, range), end) in ranges.iter().zip(starts.iter().skip(1)) {
        for (index, offset) in (*start..(*end).min(pages)).zip(0_u32..) {
            let number = range.first.saturating_add(offset);
            let label = format!("{}{}", range.prefix, styled(range.style, number));
            if !label.is_empty() && label != (index + 1).to_string() {
                labels.insert(index, label);
            }
        }
    }
    labels
}

fn read_ranges(node: &Dict<'_>, ranges: &mut BTreeMap<usize, LabelRange>, depth: usize) {
    if depth > MAX_TREE_DEPTH || ranges.len() > MAX_LABEL_RANGES {
        return;
    }
    if let Some(numbers) = node.get::<Array<'_>>(b"Nums".as_slice()) {
        let mut entries = numbers.iter::<Object<'_>>();
        while let (Some(index), Some(range)) = (entries.next(), entries.next()) {
            let index = index.into_number().and_then(|number| usize::try_from(number.as_i64()).ok());
            if let (Some(index), Some(range)) = (index, range.into_dict()) {
                ranges.insert(index, label_range(&range));
            }
        }
    }
    if let Some(kids) = node.get::<Array<'_>>(b"Kids".as_slice()) {
        for kid in kids.iter::<Dict<'_>>() {
            read_ranges(&kid, ranges, depth + 1);
        }
    }
}

fn label_range(range: &Dict<'_>) -> LabelRange {
    let style = range.get::<Name<'_>>(b"S".as_slice()).and_then(|name| name.as_ref().first().copied());
    let prefix = range.get::<PdfString<'_>>(b"P".as_slice()).map(|prefix| text_string(prefix.as_bytes()));
    let first = range.get::<i32>(b"St".as_slice()).and_then(|first| u32::try_from(first).ok()).unwrap_or(1);
    LabelRange { style, prefix: prefix.unwrap_or_default().chars().take(40).collect(), first }
}

fn styled(style: Option<u8>, number: u32) -> String {
    match style {
        Some(b'D') => number.to_string(),
        Some(b'R') => roman(number),
        Some(b'r') => roman(number).to_lowercase(),
        Some(b'A') => letters(number),
        Some(b'a') => letters(number).to_lowercase(),
        _ => String::new(),
    }
}

fn roman(number: u32) -> String {
    const PARTS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if number > 10_000 {
        return number.to_string();
    }
    let mut left = number;
    let mut roman = String::new();
    for (value, sign) in PARTS {
        while left >= value {
            roman.push_str(sign);
            left -= value;
        }
    }
    roman
}

/// A to Z, then AA to ZZ, then AAA …
fn letters(number: u32) -> String {
    let Some(index) = number.checked_sub(1) else { return String::new() };
    let letter = char::from(b'A' + u8::try_from(index % 26).unwrap_or(0));
    let repeat = (index / 26 + 1).min(40);
    (0..repeat).map(|_| letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_styles_follow_the_standard() {
        assert_eq!(styled(Some(b'r'), 14), "xiv");
        assert_eq!(styled(Some(b'R'), 1994), "MCMXCIV");
        assert_eq!(styled(Some(b'A'), 28), "BB");
        assert_eq!(styled(None, 3), "");
    }

    #[test]
    fn text_strings_are_decoded_in_all_three_encodings() {
        assert_eq!(text_string(b"\xfe\xff\0G\0r\0\xfc\0n"), "Grün");
        assert_eq!(text_string(b"\xef\xbb\xbfGr\xc3\xbcn"), "Grün");
        assert_eq!(text_string(b"Gr\xfcn \x84 \x8d"), "Grün — “");
    }
}
