//! Chat and embeddings of OpenAI and of every server that speaks its protocol.
//!
//! A [`Connection`] is one provider at one address with one key; [`OpenAiChat`] and [`OpenAiEmbeddings`] are its
//! models. async-openai builds the requests and reads the event stream, with our own tolerant structs (`byot`),
//! because its typed ones reject what compatible servers send. Under it lies our own transport; its source says why.

mod address;
mod body;
mod chat;
mod complaint;
mod connection;
mod embeddings;
mod fault;
mod reply;
mod retry_after;
mod shorten;
mod stream;
mod transport;
mod wire;

pub use chat::OpenAiChat;
pub use connection::{Connection, ConnectionSettings, Dialect, Timeouts};
pub use embeddings::OpenAiEmbeddings;
