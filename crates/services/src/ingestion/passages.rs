//! From extracted text to passages with identities.

use documents::{ChunkSettings, DocumentError, Extraction, chunk};
use domain::{Chunk, ChunkId, Document, DocumentId, PageSpan, ports::TokenCounter};
use sha2::{Digest, Sha256};

use super::IngestionSettings;

/// Tokens of an embedding model's input that are left for the title and the headings that a passage stands under.
pub(super) const CONTEXT_TOKENS: usize = 48;
/// Smallest passage that is still cut, where the model reads very little.
const LEAST_PASSAGE_TOKENS: usize = 64;

/// The text and passages of one version of a document.
pub(super) struct Cut {
    pub(super) text: String,
    pub(super) pages: Vec<PageSpan>,
    pub(super) chunks: Vec<Chunk>,
}

/// Sizes of passages: as configured, but so small that a model which reads `max_input` tokens reads them whole.
pub(super) fn sizes(settings: &IngestionSettings, max_input: Option<usize>) -> Result<ChunkSettings, DocumentError> {
    let wanted = usize::try_from(settings.chunk_tokens).unwrap_or(usize::MAX);
    let overlap = usize::try_from(settings.chunk_overlap).unwrap_or(usize::MAX);
    let readable = max_input.map(|max| max.saturating_sub(CONTEXT_TOKENS).max(LEAST_PASSAGE_TOKENS));
    match readable {
        Some(readable) if readable < wanted => ChunkSettings::new(readable, overlap.min(readable / 4)),
        _ => ChunkSettings::new(wanted, overlap),
    }
}

/// Cuts the text. Slow, as it counts tokens: not for async threads.
pub(super) fn cut(
    document: &Document,
    extraction: &Extraction,
    sizes: &ChunkSettings,
    tokens: &dyn TokenCounter,
) -> Cut {
    let count = |text: &str| usize::try_from(tokens.count(text)).unwrap_or(usize::MAX);
    let paged = has_pages(document, extraction);
    let chunks = chunk(extraction, sizes, &count).into_iter().map(|piece| own(document, piece, paged)).collect();
    let full = extraction.full_text();
    let pages = if paged { page_spans(extraction, &full.pages) } else { Vec::new() };
    Cut { text: full.text, pages, chunks }
}

/// Plain text has pages only where form feeds made some.
fn has_pages(document: &Document, extraction: &Extraction) -> bool {
    document.content_type == documents::Format::Pdf.media_type() || extraction.pages.len() > 1
}

fn own(document: &Document, piece: documents::Chunk, paged: bool) -> Chunk {
    Chunk {
        id: chunk_id(document.id, document.version, piece.ordinal),
        document_id: document.id,
        version: document.version,
        ordinal: piece.ordinal,
        text: piece.text,
        page_from: paged.then_some(piece.page_from),
        page_to: paged.then_some(piece.page_to),
        byte_start: piece.byte_start as u64,
        byte_end: piece.byte_end as u64,
        heading_path: piece.heading_path,
        tokens: u32::try_from(piece.tokens).unwrap_or(u32::MAX),
    }
}

fn page_spans(extraction: &Extraction, ranges: &[std::ops::Range<usize>]) -> Vec<PageSpan> {
    let spans = extraction.pages.iter().zip(ranges).map(|(page, range)| PageSpan {
        number: page.number,
        label: page.label.clone(),
        byte_start: range.start as u64,
        byte_end: range.end as u64,
    });
    spans.collect()
}

/// The identity of a passage follows from its place, so that reading a document twice gives the same ids
/// (UUID version 8, RFC 9562, section 5.8).
fn chunk_id(document: DocumentId, version: u32, ordinal: u32) -> ChunkId {
    let digest = Sha256::new()
        .chain_update(document.0.as_bytes())
        .chain_update(version.to_be_bytes())
        .chain_update(ordinal.to_be_bytes())
        .finalize();
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    ChunkId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_repeat_and_differ_by_document_version_and_place() {
        let ids = domain::SeededIds::new(1);
        let (first, second) = (DocumentId::new(&ids), DocumentId::new(&ids));
        assert_eq!(chunk_id(first, 1, 0), chunk_id(first, 1, 0));
        let others = [chunk_id(second, 1, 0), chunk_id(first, 2, 0), chunk_id(first, 1, 1)];
        assert!(!others.contains(&chunk_id(first, 1, 0)));
        assert_eq!(chunk_id(first, 1, 0).0.get_version_num(), 8);
    }

    #[test]
    fn passages_leave_room_for_their_title_in_the_models_input() {
        let settings = IngestionSettings::default();
        assert_eq!(sizes(&settings, None).unwrap().max_tokens(), 256);
        assert_eq!(sizes(&settings, Some(8192)).unwrap().max_tokens(), 256);
        let fitted = sizes(&settings, Some(256)).unwrap();
        assert_eq!((fitted.max_tokens(), fitted.overlap()), (208, 32));
        assert_eq!(sizes(&settings, Some(64)).unwrap().max_tokens(), LEAST_PASSAGE_TOKENS);
        let contradictory = IngestionSettings { chunk_overlap: 300, ..settings };
        assert!(sizes(&contradictory, None).is_err());
    }
}
