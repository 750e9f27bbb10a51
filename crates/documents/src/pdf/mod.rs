//! Text of PDF files: glyphs from `hayro-interpret`, reading order and paragraphs from [`layout`].

mod document;
mod glyphs;
mod layout;
mod metadata;

pub(crate) use document::extract;
