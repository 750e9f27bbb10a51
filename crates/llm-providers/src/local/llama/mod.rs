//! Language models of the Llama family, read from GGUF files.
//!
//! The forward pass is our own because the stock one keeps 4,096 positions at most, copies the whole key-value cache
//! for every token, and splits work over process-wide pools; ours costs less than 400 lines.

mod attention;
mod forward;
mod gguf;
mod session;
mod shape;

pub(crate) use forward::Llama;
pub(crate) use gguf::Gguf;
pub(crate) use session::Session;
pub(crate) use shape::LlamaShape;
