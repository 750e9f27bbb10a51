//! One assembly after 10, 1,000 and 100,000 messages: the time must not grow with the history.

#[path = "../tests/fixtures/mod.rs"]
mod fixtures;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use domain::{ConversationMemory, Message, MessageId, MessageRole, Passage, SeededIds, ports::TurnRead};
use fixtures::{Branch, Words, model, passage};
use memory_engine::{AdaptiveSettings, Assembly, NewMessage, Wording, assemble};

fn history(messages: usize) -> Vec<Message> {
    let (asked, answered) = ("what about this one ".repeat(4), "it is as it was said before ".repeat(12));
    let said: Vec<(MessageRole, &str)> = (0..messages)
        .map(|n| if n % 2 == 0 { (MessageRole::User, asked.as_str()) } else { (MessageRole::Assistant, &*answered) })
        .collect();
    Branch::of(&said).messages
}

/// What a store answers to [`TurnRead`]: the newest messages, and the ids of as many before them.
fn read(branch: &[Message], read: TurnRead) -> (&[Message], Vec<MessageId>) {
    let most = read.max_messages as usize;
    let mut tokens = 0;
    let newest = branch.iter().rev().take(most).take_while(|message| {
        let within = tokens <= read.max_tokens;
        tokens += message.tokens;
        within
    });
    let start = branch.len() - newest.count();
    let unread = branch[..start].iter().rev().take(most).map(|message| message.id).collect();
    (&branch[start..], unread)
}

fn assembling(criterion: &mut Criterion) {
    let (settings, wording, model) = (AdaptiveSettings::default(), Wording::default(), model(8_192, 2_048));
    let passages: Vec<Passage> = (1..=3).map(|n| passage("Guide", Some(n), &"a passage of text ".repeat(60))).collect();
    let counter = Words::with_overheads(4, 3);
    let memory = ConversationMemory { avg_tokens: Some(108.0), ..ConversationMemory::default() };
    let ids = SeededIds::new(5);
    let [new, reply_id] = [MessageId::new(&ids), MessageId::new(&ids)];
    let mut group = criterion.benchmark_group("assemble");
    for messages in [10, 1_000, 100_000] {
        let branch = history(messages);
        let (buffer, unread) = read(&branch, settings.turn_read());
        let input = Assembly {
            model: &model,
            counter: &counter,
            settings: &settings,
            wording: &wording,
            system_instruction: "You are a careful assistant.",
            conversation_prompt: None,
            long_term: None,
            memory: &memory,
            buffer,
            unread: &unread,
            passages: &passages,
            new_message: NewMessage { id: new, text: "and what now?", tokens: Some(3) },
            reply_id,
        };
        group.bench_with_input(BenchmarkId::from_parameter(messages), &input, |bencher, input| {
            bencher.iter(|| assemble(black_box(input)));
        });
    }
    group.finish();
}

criterion_group!(benches, assembling);
criterion_main!(benches);
