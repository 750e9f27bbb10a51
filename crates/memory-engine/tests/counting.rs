//! Text whose tokens are stored is never counted again, and the work does not grow with the history.

mod fixtures;

use domain::{
    ConversationMemory, MessageId, MessageRole, SeededIds,
    ports::{TokenCounter, TurnRead},
};
use fixtures::{Branch, Words, model};
use memory_engine::{AdaptiveSettings, Assembled, Assembly, NewMessage, Wording, assemble};

/// Assembles after a history of `messages`, read as a store reads it; also says how often the counter was asked.
#[allow(clippy::unwrap_used, reason = "a test stops here where it cannot go on")]
fn assemble_after(messages: usize, tokenizer: &str) -> (Assembled, u32) {
    let said: Vec<(MessageRole, &str)> = (0..messages)
        .map(|n| if n % 2 == 0 { (MessageRole::User, "what about it") } else { (MessageRole::Assistant, "it is so") })
        .collect();
    let mut branch = Branch::of(&said).messages;
    branch.iter_mut().for_each(|message| message.tokenizer = tokenizer.to_owned());
    let settings = AdaptiveSettings { max_context_tokens: 400, ..AdaptiveSettings::default() };
    let TurnRead { max_messages, .. } = settings.turn_read();
    let start = messages.saturating_sub(max_messages as usize);
    let unread_from = start.saturating_sub(max_messages as usize);
    let unread: Vec<MessageId> = branch[unread_from..start].iter().rev().map(|message| message.id).collect();

    let ids = SeededIds::new(7);
    let counter = Words::with_overheads(4, 3);
    let assembled = assemble(&Assembly {
        model: &model(8_192, 1_024),
        counter: &counter,
        settings: &settings,
        wording: &Wording::default(),
        system_instruction: "Be brief.",
        conversation_prompt: None,
        long_term: None,
        memory: &ConversationMemory { avg_tokens: Some(14.0), ..ConversationMemory::default() },
        buffer: &branch[start..],
        unread: &unread,
        passages: &[],
        new_message: NewMessage { id: MessageId::new(&ids), text: "and now", tokens: Some(2) },
        reply_id: MessageId::new(&ids),
    })
    .unwrap();
    (assembled, counter.calls())
}

#[test]
fn stored_text_is_not_counted_again() {
    let (assembled, calls) = assemble_after(60, Words::default().name());
    assert!(!assembled.receipt.coverage.raw.is_empty());
    assert_eq!(calls, 2, "the instructions alone, and the system message as it is sent");
}

#[test]
fn text_counted_for_another_model_is_counted_once() {
    let (_, calls) = assemble_after(60, "other");
    assert_eq!(calls, 2 + 60);
}

#[test]
fn work_and_outcome_do_not_depend_on_the_length_of_the_history() {
    let (short, calls) = assemble_after(1_000, "words");
    let (long, more_calls) = assemble_after(20_000, "words");
    assert_eq!(calls, more_calls);
    assert_eq!((short.dynamic_k, short.prompt_tokens), (long.dynamic_k, long.prompt_tokens));
    assert_eq!(short.messages, long.messages);
    assert_eq!(short.receipt.coverage.pending.len(), long.receipt.coverage.pending.len());
}
