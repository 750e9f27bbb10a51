//! Plain text and Markdown: finding the encoding, decoding, pages at form feeds, Markdown headings.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::extraction::{Extraction, Heading, PageText};
use crate::{DocumentError, ParseLimits};

/// The encoding of a text file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Encoded {
    /// Marked by a byte order mark, or valid UTF-8.
    Certain(&'static Encoding),
    /// Judged by letter statistics or by the place of zero bytes.
    Guessed(&'static Encoding),
}

/// Finds the encoding of `bytes`, or nothing if they are not text.
pub(crate) fn encoding_of(bytes: &[u8]) -> Option<Encoded> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, malformed) = encoding.decode_without_bom_handling(&bytes[mark..]);
        return (!malformed && is_clean(&text)).then_some(Encoded::Certain(encoding));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return is_clean(text).then_some(Encoded::Certain(UTF_8));
    }
    if let Some(encoding) = utf16_by_zero_bytes(bytes) {
        return Some(Encoded::Guessed(encoding));
    }
    if !is_clean_bytes(bytes) {
        return None;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    Some(Encoded::Guessed(detector.guess(None, Utf8Detection::Deny)))
}

/// Text has no control characters but white space, form feed, back space and escape (terminal logs).
fn is_clean(text: &str) -> bool {
    !text.chars().any(|char| char.is_control() && char < '\u{80}' && !is_text_control(char))
}

fn is_clean_bytes(bytes: &[u8]) -> bool {
    !bytes.iter().any(|byte| byte.is_ascii_control() && !is_text_control(char::from(*byte)))
}

fn is_text_control(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | '\u{c}' | '\u{8}' | '\u{1b}')
}

/// UTF-16 without a mark: western text has a zero in (almost) every second byte, and only there.
fn utf16_by_zero_bytes(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096) & !1];
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), sample.len() / 2);
    let encoding = if odd * 10 > half * 4 && even * 50 < half {
        UTF_16LE
    } else if even * 10 > half * 4 && odd * 50 < half {
        UTF_16BE
    } else {
        return None;
    };
    let (text, malformed) = encoding.decode_without_bom_handling(bytes);
    (half > 0 && !malformed && is_clean(&text)).then_some(encoding)
}

/// Reads a text file; `markdown` looks for headings and a title.
pub(crate) fn extract(bytes: &[u8], markdown: bool, limits: &ParseLimits) -> Result<Extraction, DocumentError> {
    let (encoding, guessed) = match encoding_of(bytes) {
        Some(Encoded::Certain(encoding)) => (encoding, false),
        Some(Encoded::Guessed(encoding)) => (encoding, true),
        None => return Err(DocumentError::unreadable("it is not text in any known encoding")),
    };
    let (decoded, _, malformed) = encoding.decode(bytes);
    let text = decoded.replace("\r\n", "\n").replace('\r', "\n");
    if text.len() > limits.max_text_bytes {
        return Err(DocumentError::limit("bytes of text", limits.max_text_bytes as u64));
    }
    if text.trim().is_empty() {
        return Err(DocumentError::NoText { pages: 1, images: 0 });
    }
    let mut extraction = Extraction { pages: pages_of(&text, markdown, limits)?, ..Extraction::default() };
    if guessed {
        extraction.warnings.push(format!("the text encoding is not marked and was taken for {}", encoding.name()));
    }
    if malformed {
        extraction.warnings.push(format!("some bytes are not valid {} and were replaced", encoding.name()));
    }
    extraction.title = first_title(&extraction.pages);
    Ok(extraction)
}

fn pages_of(text: &str, markdown: bool, limits: &ParseLimits) -> Result<Vec<PageText>, DocumentError> {
    let mut pages = Vec::new();
    for (page, number) in text.split('\u{c}').zip(1_u32..) {
        if number > limits.max_pages {
            return Err(DocumentError::limit("pages", u64::from(limits.max_pages)));
        }
        let text = page.trim_end().to_owned();
        let headings = if markdown { markdown_headings(&text) } else { Vec::new() };
        pages.push(PageText { number, label: None, text, headings });
    }
    while pages.len() > 1 && pages.last().is_some_and(|page| page.text.is_empty()) {
        pages.pop();
    }
    Ok(pages)
}

fn first_title(pages: &[PageText]) -> Option<String> {
    let heading = pages.iter().flat_map(|page| &page.headings).find(|heading| heading.level == 1)?;
    Some(heading.title.clone())
}

/// Finds ATX (`## Title`) and setext (underlined) headings outside fenced code (CommonMark 0.31, 4.2 and 4.3).
fn markdown_headings(text: &str) -> Vec<Heading> {
    let mut headings = Vec::new();
    let mut fence: Option<&str> = None;
    let mut previous: Option<(usize, &str)> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let marker = ["```", "~~~"].into_iter().find(|fence| content.trim_start().starts_with(fence));
        match (fence, marker) {
            (None, Some(opened)) => fence = Some(opened),
            (Some(open), Some(closing)) if open == closing => fence = None,
            (Some(_), _) => {}
            (None, None) => {
                let found = atx(content).map(|(level, title)| (start, level, title));
                let found = found.or_else(|| {
                    let (above_start, above) = previous?;
                    Some((above_start, underline(content)?, above))
                });
                if let Some((byte_start, level, title)) = found {
                    let title = title.trim().to_owned();
                    headings.push(Heading { byte_start, byte_end: start + content.len(), level, title });
                }
            }
        }
        let is_text = fence.is_none() && !content.trim().is_empty() && atx(content).is_none() && marker.is_none();
        previous = (is_text && underline(content).is_none()).then_some((start, content));
        start += line.len();
    }
    headings
}

fn atx(line: &str) -> Option<(u8, &str)> {
    let line = line.strip_prefix("   ").or(line.strip_prefix("  ")).or(line.strip_prefix(' ')).unwrap_or(line);
    let title = line.trim_start_matches('#');
    let level = u8::try_from(line.len() - title.len()).ok().filter(|level| (1..=6).contains(level))?;
    let title = title.strip_prefix([' ', '\t'])?.trim();
    let title = title.trim_end_matches('#').trim_end();
    (!title.is_empty()).then_some((level, title))
}

fn underline(line: &str) -> Option<u8> {
    let line = line.trim();
    match line.chars().next()? {
        '=' if line.chars().all(|char| char == '=') => Some(1),
        '-' if line.len() > 1 && line.chars().all(|char| char == '-') => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(bytes: &[u8]) -> String {
        extract(bytes, false, &ParseLimits::default()).unwrap().pages[0].text.clone()
    }

    #[test]
    fn common_encodings_are_decoded() {
        let german = "Die Bürgschaft für die Straße ist größer geworden. Müßiggang hält übermäßig an.";
        assert_eq!(text_of(german.as_bytes()), german);
        assert_eq!(text_of(&encoding_rs::WINDOWS_1252.encode(german).0), german);
        let russian = "Съешь же ещё этих мягких французских булок, да выпей чаю. Погода сегодня хорошая.";
        assert_eq!(text_of(&encoding_rs::WINDOWS_1251.encode(russian).0), russian);
        let japanese = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。";
        assert_eq!(text_of(&encoding_rs::SHIFT_JIS.encode(japanese).0), japanese);
        let utf16: Vec<u8> = german.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text_of(&utf16), german);
        let marked: Vec<u8> =
            [0xfe, 0xff].into_iter().chain(german.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        assert_eq!(text_of(&marked), german);
    }

    #[test]
    fn form_feeds_separate_pages() {
        let extraction = extract(b"one\x0ctwo\x0c", false, &ParseLimits::default()).unwrap();
        let pages: Vec<_> = extraction.pages.iter().map(|page| (page.number, page.text.as_str())).collect();
        assert_eq!(pages, [(1, "one"), (2, "two")]);
    }

    #[test]
    fn headings_are_found_outside_code() {
        let text = "# Top #\n\ntext\n```\n# not one\n```\nSecond\n------\n#no\n";
        let extraction = extract(text.as_bytes(), true, &ParseLimits::default()).unwrap();
        let page = &extraction.pages[0];
        let found: Vec<_> = page.headings.iter().map(|h| (h.level, h.title.as_str())).collect();
        assert_eq!(found, [(1, "Top"), (2, "Second")]);
        let second = &page.headings[1];
        assert_eq!(&page.text[second.byte_start..second.byte_end], "Second\n------");
        assert_eq!(extraction.title.as_deref(), Some("Top"));
    }

    #[test]
    fn limits_hold() {
        let limits = ParseLimits { max_text_bytes: 10, ..ParseLimits::default() };
        assert_eq!(extract(b"more than ten bytes", false, &limits).unwrap_err().code(), "limits_exceeded");
        assert_eq!(extract(b" \n ", false, &ParseLimits::default()).unwrap_err().code(), "no_text");
    }
}
