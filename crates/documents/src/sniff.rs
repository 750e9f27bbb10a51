//! Recognising a file by its content. The name only tells Markdown from plain text, and whether it lies.

use file_format::FileFormat;

use crate::DocumentError;
use crate::text::{self, Encoded};

/// Readers accept some bytes of junk before the header (PDF 32000-1, Annex H, implementation note 13).
const PDF_HEADER_WINDOW: usize = 1024;

/// A format that this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Portable Document Format, any version.
    Pdf,
    /// Markdown; told from plain text by the file's name.
    Markdown,
    /// Plain text in any common encoding.
    PlainText,
}

impl Format {
    /// The media type to store and serve the file under.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Markdown => "text/markdown",
            Self::PlainText => "text/plain",
        }
    }
}

/// Recognises the format of `bytes`.
///
/// # Errors
/// [`DocumentError::EmptyFile`] for 0 bytes; [`DocumentError::UnsupportedType`] for every other format, and for
/// text under the name of a binary format, naming both.
pub fn sniff(bytes: &[u8], name: &str) -> Result<Format, DocumentError> {
    if bytes.is_empty() {
        return Err(DocumentError::EmptyFile { name: name.to_owned() });
    }
    if is_pdf(bytes) {
        return Ok(Format::Pdf);
    }
    let extension = extension(name);
    let format = FileFormat::from_bytes(bytes);
    let claimed = claimed_format(&extension).filter(|_| !FileFormat::from_extension(&extension).contains(&format));
    let refuse = |detected: &str| {
        let claimed = claimed.map(str::to_owned);
        Err(DocumentError::UnsupportedType { name: name.to_owned(), claimed, detected: detected.to_owned() })
    };
    match text::encoding_of(bytes) {
        // Signatures of binary formats are two or three letters that a text may well start with ("BM", "MZ");
        // clean text is text, unless it is a markup that needs its own reader.
        Some(Encoded::Certain(_)) if !needs_own_reader(format) => {}
        Some(Encoded::Guessed(_)) if is_unknown(format) => {}
        _ if is_unknown(format) => return refuse("binary data of an unknown format"),
        _ => return refuse(format.name()),
    }
    match claimed {
        Some(_) => refuse("plain text"),
        None if matches!(extension.as_str(), "md" | "markdown" | "mdown" | "mkd") => Ok(Format::Markdown),
        None => Ok(Format::PlainText),
    }
}

fn is_pdf(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(PDF_HEADER_WINDOW)];
    let Some(at) = head.windows(5).position(|window| window == b"%PDF-") else { return false };
    // A text that quotes the header is not a PDF; junk before a real one is white space or not text.
    head[..at].trim_ascii().is_empty() || text::encoding_of(&head[..at]).is_none()
}

fn is_unknown(format: FileFormat) -> bool {
    matches!(format, FileFormat::ArbitraryBinaryData | FileFormat::PlainText | FileFormat::Empty)
}

fn needs_own_reader(format: FileFormat) -> bool {
    matches!(
        format,
        FileFormat::HypertextMarkupLanguage
            | FileFormat::RichTextFormat
            | FileFormat::ScalableVectorGraphics
            | FileFormat::Postscript
            | FileFormat::EncapsulatedPostscript
    )
}

fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
}

/// The binary format that an extension promises.
fn claimed_format(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "pdf" => "PDF",
        "doc" | "docx" | "odt" => "a text document of an office program",
        "xls" | "xlsx" | "ods" => "a spreadsheet",
        "ppt" | "pptx" | "odp" => "a presentation",
        "epub" => "EPUB",
        "zip" => "ZIP",
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "tif" | "tiff" => "an image",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8], name: &str) -> String {
        sniff(bytes, name).unwrap_err().to_string()
    }

    #[test]
    fn content_decides_and_not_the_name() {
        assert_eq!(sniff(b"%PDF-1.7\n...", "notes.txt").unwrap(), Format::Pdf);
        assert_eq!(sniff(b"\n\n%PDF-1.4\n", "a").unwrap(), Format::Pdf);
        assert_eq!(sniff(b"A header looks like %PDF-1.4 in a file.", "a.txt").unwrap(), Format::PlainText);
        assert_eq!(sniff("Grüße".as_bytes(), "gruss").unwrap(), Format::PlainText);
        assert_eq!(sniff(b"BMW builds cars.", "cars.txt").unwrap(), Format::PlainText);
    }

    #[test]
    fn markdown_is_told_by_name_only_when_the_content_is_text() {
        assert_eq!(sniff(b"# Title\n", "README.MD").unwrap(), Format::Markdown);
        let empty_zip = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
        assert!(refusal(&empty_zip, "README.md").contains("ZIP"), "{}", refusal(&empty_zip, "README.md"));
    }

    #[test]
    fn a_pdf_by_name_that_holds_something_else_is_told_both() {
        let text = refusal(b"just words", "report.pdf");
        assert!(text.contains("PDF") && text.contains("plain text"), "{text}");
        let image = refusal(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "report.pdf");
        assert!(image.contains("PDF") && image.contains("Portable Network Graphics"), "{image}");
    }

    #[test]
    fn empty_and_unknown_files_are_refused() {
        assert_eq!(sniff(b"", "a.pdf").unwrap_err().code(), "empty_file");
        let noise: Vec<u8> = (0..=255_u8).cycle().map(|byte| byte.wrapping_mul(31)).take(4096).collect();
        assert_eq!(sniff(&noise, "a.bin").unwrap_err().code(), "unsupported_type");
        assert_eq!(sniff(b"<!DOCTYPE html><html><body>x</body></html>", "a").unwrap_err().code(), "unsupported_type");
    }
}
