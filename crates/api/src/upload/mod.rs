//! Uploads: reading the form within bounds, taking the files in, telling what became of each.

mod accept;
mod form;
mod spool;

pub(crate) use accept::accept;
pub(crate) use form::{UploadLimits, read_form};
