//! What an uploaded file is: its hash, its format, its name.

use bytes::Bytes;
use documents::{DocumentError, Format, sniff};
use sha2::{Digest, Sha256};

use crate::{digest::hex, labels::one_line};

/// Files inspected at a time, so that a storm of uploads leaves processors to everything else.
pub(super) const AT_A_TIME: usize = 2;
/// Longest name of a file that is kept, in characters.
const MAX_FILENAME_CHARS: usize = 255;

/// What an inspection finds.
pub(super) struct Inspected {
    pub(super) sha256: String,
    pub(super) format: Format,
}

/// Recognises and hashes `content`. Slow: not for async threads.
pub(super) fn inspect(content: &Bytes, filename: &str) -> Result<Inspected, DocumentError> {
    let format = sniff(content, filename)?;
    Ok(Inspected { sha256: hex(&Sha256::digest(content)), format })
}

/// The last part of `name`, on one line, of bearable length; `file` where nothing is left.
pub(super) fn clean_filename(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let line = one_line(last).unwrap_or_default();
    let kept: String = line.chars().take(MAX_FILENAME_CHARS).collect();
    if kept.trim_matches(['.', ' ']).is_empty() { "file".to_owned() } else { kept }
}

/// The title of a file that has no better one: its name without the extension.
pub(super) fn title_of_filename(filename: &str) -> String {
    let stem = match filename.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => filename,
    };
    let words = one_line(stem).unwrap_or_else(|| filename.to_owned());
    words.chars().take(super::MAX_DOCUMENT_TITLE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_folders_and_control_characters() {
        assert_eq!(clean_filename("C:\\docs\\re\u{0}port.pdf"), "re port.pdf");
        assert_eq!(clean_filename("../../etc/passwd"), "passwd");
        for nothing in ["", "/", "..", " . "] {
            assert_eq!(clean_filename(nothing), "file");
        }
        assert_eq!(clean_filename(&"ü".repeat(300)).chars().count(), 255);
    }

    #[test]
    fn titles_are_file_names_without_extension() {
        assert_eq!(title_of_filename("annual_report-2026.final.pdf"), "annual_report-2026.final");
        assert_eq!(title_of_filename(".profile"), ".profile");
        assert_eq!(title_of_filename(&format!("{}.md", "ü".repeat(252))).chars().count(), 200);
    }

    #[test]
    fn content_is_hashed_and_recognised() {
        let inspected = inspect(&Bytes::from_static(b"abc"), "a.md").unwrap();
        assert_eq!(inspected.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(inspected.format, Format::Markdown);
    }
}
