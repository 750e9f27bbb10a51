//! Models that run in this process, on the CPU, from files in a folder.
//!
//! [`LocalChat`] generates with a Llama-family model in a GGUF file, [`LocalEmbeddings`] embeds with a BERT encoder.
//! Both open at once and read their weights in the background: [`domain::ModelState`] says how far they are, and calls
//! made meanwhile wait. Both own their threads and a bounded queue in front of them; a full queue is an error, not a
//! delay. Nothing here touches the process-wide pools of rayon or candle, so no environment name needs to be set.
//!
//! The arithmetic is chosen at run time for the machine's CPU (AVX-512, AVX2, NEON, or none of them). No compiler flag
//! is needed: `-C target-cpu=x86-64-v3` changed nothing that could be measured.

mod bert;
mod chat;
mod embed;
mod generate;
mod kernels;
mod llama;
mod loading;
mod reply_text;
mod sampler;
mod template;
mod threads;
mod tokenizer;
mod work_queue;

pub use chat::{LocalChat, LocalChatOptions};
pub use embed::{LocalEmbeddings, LocalEmbeddingsOptions};
pub use threads::default_threads;
pub(crate) use tokenizer::{chat_tokenizer, embedding_tokenizer};
