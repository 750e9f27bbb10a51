//! Assembles the prompt of a grounded reply and shows its receipt: `cargo run -p memory-engine --example assemble_prompt`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use domain::{
    ChunkId, ConversationMemory, DocumentId, IdSource, MessageId, ModelInfo, Passage, PassageScores, SystemIds,
    ports::TokenCounter,
};
use memory_engine::{AdaptiveSettings, Assembly, AssemblyError, NewMessage, Wording, assemble};

/// A safe over-estimate where the model's own tokenizer is not at hand.
struct Bytes;

impl TokenCounter for Bytes {
    fn name(&self) -> &str {
        "bytes"
    }

    fn count(&self, text: &str) -> u32 {
        text.len().try_into().unwrap_or(u32::MAX)
    }

    fn message_overhead(&self) -> u32 {
        8
    }

    fn prompt_overhead(&self) -> u32 {
        4
    }
}

fn main() -> Result<(), AssemblyError> {
    let ids = SystemIds;
    let passage = Passage {
        document_id: DocumentId(ids.next_uuid()),
        version: 1,
        title: "Kettle manual".into(),
        page: Some(4),
        chunk_id: ChunkId(ids.next_uuid()),
        text: "Descale the kettle every two months with citric acid.".into(),
        score: 0.9,
        scores: PassageScores::default(),
    };
    let model = ModelInfo {
        id: "local/small".into(),
        context_window: 8_192,
        max_output_tokens: 2_048,
        price_per_million: None,
    };
    let assembled = assemble(&Assembly {
        model: &model,
        counter: &Bytes,
        settings: &AdaptiveSettings::default(),
        wording: &Wording::default(),
        system_instruction: "You are a helpful assistant.",
        conversation_prompt: Some("Answer in one sentence."),
        long_term: None,
        memory: &ConversationMemory::default(),
        buffer: &[],
        unread: &[],
        passages: &[passage],
        new_message: NewMessage { id: MessageId::new(&ids), text: "How often do I descale it?", tokens: None },
        reply_id: MessageId::new(&ids),
    })?;
    for message in &assembled.messages {
        println!("--- {:?}\n{}", message.role, message.content);
    }
    for section in &assembled.receipt.sections {
        println!("{:>6} tokens of {:?}", section.tokens, section.kind);
    }
    println!("{:>6} of {} allowed", assembled.prompt_tokens, assembled.receipt.budget.available);
    Ok(())
}
