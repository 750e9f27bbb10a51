//! Documents: bytes to text with positions, text to chunks, chunks ranked and cited.
//!
//! [`parse`] recognises a file by its content and extracts its text page by page; [`ChildParser`] does the same
//! in a supervised child process with limits on memory and time, for files from strangers; [`chunk`] cuts the
//! text along its structure into pieces of bounded token counts that know their page and byte range. [`fuse`] ranks what
//! two kinds of search found, and [`cite`] finds the passages that a reply rests on.
//!
//! This crate knows no HTTP, no SQL, no model provider: token counts come in as a function, bytes come in as
//! bytes. Read first: [`Extraction`], [`Chunk`], [`DocumentError`], [`ParseLimits`].
//!
//! ```
//! use documents::{ChunkSettings, ParseLimits, chunk, parse};
//!
//! let note = b"# Tides\n\nThe moon pulls the sea. Spring tides come with a full or new moon.".to_vec();
//! let extraction = parse(note, "tides.md", &ParseLimits::default())?;
//! let words = |text: &str| text.split_whitespace().count();
//! let chunks = chunk(&extraction, &ChunkSettings::new(64, 8)?, &words);
//! assert_eq!(chunks[0].page_from, 1);
//! assert_eq!(chunks[0].heading_path, ["Tides"]);
//! # Ok::<(), documents::DocumentError>(())
//! ```

mod chunk;
mod cite;
mod error;
mod extraction;
mod isolate;
mod limits;
mod parse;
mod pdf;
mod rank;
mod sniff;
mod terms;
mod text;

pub use chunk::{Chunk, ChunkSettings, chunk};
pub use cite::{MarkerFilter, cite};
pub use error::DocumentError;
pub use extraction::{Extraction, FullText, Heading, PageText};
pub use isolate::{ChildParser, InProcessParser, Parser, parse_worker_main};
pub use limits::ParseLimits;
pub use parse::parse;
pub use rank::{KEYWORD_WEIGHT, Ranked, fuse, relevance};
pub use sniff::{Format, sniff};
pub use terms::Terms;
