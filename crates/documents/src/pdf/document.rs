//! A whole PDF: open, walk the pages, put the result together.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_interpret::kurbo::{Affine, Rect};
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, interpret_page};
use hayro_syntax::page::Page;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::glyphs::{Collector, Counts};
use super::layout::{self, PageLayout};
use super::metadata;
use crate::extraction::{Extraction, PageText};
use crate::{DocumentError, ParseLimits};

/// Share of glyphs without a Unicode value from which on the text is doubtful (measured on 61 awkward files: above
/// it another engine reads better, below it the missing ones are bullets and formula signs).
const DOUBTFUL_UNKNOWN_SHARE: f64 = 0.05;
/// Pages that a warning names one by one.
const MAX_NAMED_PAGES: usize = 10;

/// Extracts the text of a PDF, page by page.
pub(crate) fn extract(bytes: Vec<u8>, limits: &ParseLimits) -> Result<Extraction, DocumentError> {
    let pdf = open(bytes)?;
    check_size(&pdf, limits)?;
    let mut walk = Walk::default();
    let mut cache = InterpreterCache::new();
    for (index, page) in pdf.pages().iter().enumerate() {
        match catch_unwind(AssertUnwindSafe(|| lay_out(&pdf, page, &cache, limits))) {
            Ok(result) => walk.add(index, result?, limits)?,
            Err(_) => {
                // A panic may have left the cache half filled.
                cache = InterpreterCache::new();
                walk.fail(index);
            }
        }
    }
    walk.finish(&pdf, limits)
}

fn open(bytes: Vec<u8>) -> Result<Pdf, DocumentError> {
    Pdf::new(bytes).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => DocumentError::PasswordProtected,
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => {
            DocumentError::unreadable("it is encrypted by a method that is not supported")
        }
        LoadPdfError::Decryption(_) => DocumentError::unreadable("its encryption data is damaged"),
        LoadPdfError::Invalid => DocumentError::unreadable("it is not a complete PDF"),
    })
}

fn check_size(pdf: &Pdf, limits: &ParseLimits) -> Result<(), DocumentError> {
    let pages = pdf.pages().len();
    if pages == 0 {
        return Err(match metadata::announced_pages(pdf) {
            0 => DocumentError::NoText { pages: 0, images: 0 },
            _ => DocumentError::unreadable("its list of pages is damaged"),
        });
    }
    if u32::try_from(pages).map_or(true, |pages| pages > limits.max_pages) {
        return Err(DocumentError::limit("pages", u64::from(limits.max_pages)));
    }
    if pdf.len() > limits.max_objects {
        return Err(DocumentError::limit("objects", limits.max_objects as u64));
    }
    Ok(())
}

fn lay_out<'a>(
    pdf: &'a Pdf,
    page: &Page<'a>,
    cache: &InterpreterCache<'a>,
    limits: &ParseLimits,
) -> Result<(PageLayout, Counts), DocumentError> {
    let (width, height) = page.render_dimensions();
    let max_glyphs = u32::try_from(limits.max_text_bytes).unwrap_or(u32::MAX);
    let mut collector = Collector::new(width, height, max_glyphs);
    let mut context = Context::new(
        Affine::new(page.initial_transform(true).as_coeffs()),
        Rect::new(0.0, 0.0, f64::from(width), f64::from(height)),
        cache,
        pdf.xref(),
        InterpreterSettings::default(),
    );
    interpret_page(page, &mut context, &mut collector);
    if collector.counts.glyphs > max_glyphs {
        return Err(DocumentError::limit("bytes of text", limits.max_text_bytes as u64));
    }
    let counts = collector.counts;
    Ok((layout::lay_out(collector.directions), counts))
}

/// What has been gathered page by page.
#[derive(Default)]
struct Walk {
    pages: Vec<PageLayout>,
    text_bytes: usize,
    glyphs: u64,
    unknown: u64,
    images: u32,
    failed: Vec<usize>,
    image_only: Vec<usize>,
}

impl Walk {
    fn add(
        &mut self,
        index: usize,
        (page, counts): (PageLayout, Counts),
        limits: &ParseLimits,
    ) -> Result<(), DocumentError> {
        self.text_bytes += page.text_bytes();
        if self.text_bytes > limits.max_text_bytes {
            return Err(DocumentError::limit("bytes of text", limits.max_text_bytes as u64));
        }
        if counts.images > 0 && page.text_bytes() == 0 {
            self.image_only.push(index + 1);
        }
        self.glyphs += u64::from(counts.glyphs);
        self.unknown += u64::from(counts.unknown);
        self.images = self.images.saturating_add(counts.images);
        self.pages.push(page);
        Ok(())
    }

    fn fail(&mut self, index: usize) {
        self.failed.push(index + 1);
        self.pages.push(PageLayout::default());
    }

    fn finish(self, pdf: &Pdf, limits: &ParseLimits) -> Result<Extraction, DocumentError> {
        if self.failed.len() == self.pages.len() {
            return Err(DocumentError::unreadable("none of its pages can be interpreted"));
        }
        if self.glyphs == 0 && self.images == 0 && is_encrypted(pdf) {
            // With the key lost the pages decode to noise, which draws nothing.
            return Err(DocumentError::unreadable("its encryption data is damaged"));
        }
        if self.text_bytes == 0 {
            let pages = u32::try_from(self.pages.len()).unwrap_or(u32::MAX);
            return Err(DocumentError::NoText { pages, images: self.images });
        }
        let warnings = self.warnings();
        let mut labels = metadata::page_labels(pdf, self.pages.len());
        let texts = layout::compose(self.pages);
        let title = metadata::title(pdf).or_else(|| {
            let heading = texts.first()?.headings.iter().min_by_key(|heading| heading.level)?;
            Some(heading.title.clone())
        });
        let pages: Vec<PageText> = texts
            .into_iter()
            .zip(1_u32..)
            .enumerate()
            .map(|(index, (text, number))| PageText { number, label: labels.remove(&index), ..text })
            .collect();
        let extraction = Extraction { title, pages, warnings };
        if extraction.text_bytes() > limits.max_text_bytes {
            return Err(DocumentError::limit("bytes of text", limits.max_text_bytes as u64));
        }
        Ok(extraction)
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.failed.is_empty() {
            warnings.push(format!("{} could not be read and were left out", named(&self.failed)));
        }
        if !self.image_only.is_empty() {
            warnings.push(format!("{} hold images but no text; scans need text recognition", named(&self.image_only)));
        }
        #[allow(clippy::cast_precision_loss)] // a share
        let share = self.unknown as f64 / self.glyphs.max(1) as f64;
        if share > DOUBTFUL_UNKNOWN_SHARE {
            let percent = share * 100.0;
            warnings.push(format!(
                "{percent:.0} % of the characters have no Unicode value in the file's fonts; the text has gaps"
            ));
        }
        warnings
    }
}

fn is_encrypted(pdf: &Pdf) -> bool {
    const KEY: &[u8] = b"/Encrypt";
    pdf.data().as_ref().windows(KEY.len()).any(|window| window == KEY)
}

fn named(pages: &[usize]) -> String {
    let first: Vec<String> = pages.iter().take(MAX_NAMED_PAGES).map(ToString::to_string).collect();
    let more = pages.len().saturating_sub(MAX_NAMED_PAGES);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("page(s) {}{rest}", first.join(", "))
}
