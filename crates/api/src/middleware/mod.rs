//! What stands around the handlers, outermost first: the envelope, CORS, compression, credentials, deadlines.

mod authenticate;
mod cors;
mod deadline;
mod envelope;
mod headers;

pub(crate) use authenticate::authenticate;
pub(crate) use cors::cors;
pub(crate) use deadline::{Deadline, within};
pub(crate) use envelope::envelope;
