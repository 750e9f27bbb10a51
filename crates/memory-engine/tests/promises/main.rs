//! The promises of the memory engine, each tried on thousands of generated conversations, windows and tokenizers.

#[path = "../fixtures/mod.rs"]
mod fixtures;
mod tokenizers;
mod world;

use domain::{ChatMessage, ChatRole, ErrorKind, MessageId, MessageRole, SectionKind, ports::TokenCounter};
use memory_engine::{AssemblyError, assemble, budget, request_sha256, update_average};
use proptest::prelude::*;
use world::{World, world};

fn thousands() -> ProptestConfig {
    ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() }
}

fn counted(counter: &dyn TokenCounter, messages: &[ChatMessage]) -> u64 {
    let of_message =
        |message: &ChatMessage| u64::from(counter.count(&message.content)) + u64::from(counter.message_overhead());
    u64::from(counter.prompt_overhead()) + messages.iter().map(of_message).sum::<u64>()
}

/// The instructions and the new message, nothing else.
fn least_prompt(world: &World) -> Vec<ChatMessage> {
    let instructions = [Some(world.instruction.as_str()), world.conversation_prompt.as_deref()];
    let instructions: Vec<&str> = instructions.into_iter().flatten().filter(|text| !text.trim().is_empty()).collect();
    let system = ChatMessage { role: ChatRole::System, content: instructions.join("\n\n") };
    let new = ChatMessage { role: ChatRole::User, content: world.new_text.clone() };
    if instructions.is_empty() { vec![new] } else { vec![system, new] }
}

fn sent_ids(world: &World, from: &[MessageId]) -> Vec<String> {
    let has_text = |id: &&MessageId| world.branch.iter().any(|m| m.id == **id && !m.content.trim().is_empty());
    from.iter().filter(has_text).map(MessageId::to_string).collect()
}

proptest! {
    #![proptest_config(thousands())]

    #[test]
    fn promise_1_context_never_exceeds_its_budget(world in world()) {
        let Ok(assembled) = assemble(&world.assembly()) else { return Ok(()) };
        let budget = assembled.receipt.budget;
        let tokens = counted(&world.counter, &assembled.messages);
        prop_assert!(tokens <= u64::from(budget.available), "{tokens} of {budget:?}");
        prop_assert!(budget.available <= world.settings.max_context_tokens);
        prop_assert!(budget.available + budget.reserve <= world.model.context_window);
        prop_assert!(assembled.prompt_tokens + assembled.max_output_tokens <= world.model.context_window);
        prop_assert!(assembled.max_output_tokens >= budget.reserve);
        let sum: u64 = assembled.receipt.sections.iter().map(|section| u64::from(section.tokens)).sum();
        prop_assert_eq!(sum, tokens, "sections add up to the prompt");
        prop_assert_eq!(u64::from(assembled.prompt_tokens), tokens);
    }

    #[test]
    fn promise_2_new_message_is_there_whole_or_the_call_fails(world in world()) {
        match assemble(&world.assembly()) {
            Ok(assembled) => {
                let last = assembled.messages.last().unwrap();
                prop_assert_eq!((last.role, &last.content), (ChatRole::User, &world.new_text));
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::MessageTooLong);
                let available = budget::of_model(&world.model, &world.settings).available;
                let least = counted(&world.counter, &least_prompt(&world));
                prop_assert!(least > u64::from(available), "{least} would have fitted {available}");
                if let AssemblyError::MessageTooLong { tokens, allowed } = error {
                    prop_assert_eq!(tokens, world.counter.count(&world.new_text));
                    prop_assert!(tokens > allowed);
                }
            }
        }
    }

    #[test]
    fn promise_3_raw_window_is_a_newest_suffix_of_whole_interactions(world in world()) {
        let Ok(assembled) = assemble(&world.assembly()) else { return Ok(()) };
        let raw = &assembled.receipt.coverage.raw;
        let branch: Vec<MessageId> = world.branch.iter().map(|message| message.id).collect();
        prop_assert!(branch.ends_with(raw));
        let first = branch.len() - raw.len();
        prop_assert!(first >= world.watermark, "what the summary covers is not repeated");
        let begins_whole = first == world.watermark
            || world.branch.get(first).is_none_or(|message| message.role == MessageRole::User);
        prop_assert!(begins_whole, "an interaction is never split");

        let history: Vec<&ChatMessage> =
            assembled.messages.iter().rev().skip(1).rev().filter(|message| message.role != ChatRole::System).collect();
        let said: Vec<&str> =
            world.branch[first..].iter().map(|m| m.content.as_str()).filter(|text| !text.trim().is_empty()).collect();
        prop_assert_eq!(history.iter().map(|message| message.content.as_str()).collect::<Vec<_>>(), said);
    }

    #[test]
    fn promise_4_every_interaction_is_in_exactly_one_place(world in world()) {
        let Ok(assembled) = assemble(&world.assembly()) else { return Ok(()) };
        let coverage = &assembled.receipt.coverage;
        prop_assert_eq!(coverage.summarised_until, world.memory.watermark);
        let summarised = world.branch[..world.watermark].iter().map(|message| message.id);
        let places: Vec<MessageId> =
            summarised.chain(coverage.pending.iter().copied()).chain(coverage.raw.iter().copied()).collect();
        let branch: Vec<MessageId> = world.branch.iter().map(|message| message.id).collect();
        prop_assert_eq!(places, branch, "summarised, then pending, then raw, is the branch in its order");
    }

    #[test]
    fn promise_8_receipt_is_byte_for_byte_what_is_sent(world in world()) {
        let Ok(assembled) = assemble(&world.assembly()) else { return Ok(()) };
        let receipt = &assembled.receipt;
        prop_assert_eq!(&receipt.messages, &assembled.messages);
        prop_assert_eq!(&receipt.request_sha256, &request_sha256(&assembled.messages).unwrap());
        prop_assert!(receipt.sections.is_sorted_by_key(|section| section.kind), "sections stand in their order");

        let is_system = |kind| kind < SectionKind::RawWindow;
        let system: Vec<&str> =
            receipt.sections.iter().filter(|s| is_system(s.kind)).map(|s| s.text.as_str()).collect();
        let sent_system: Vec<&str> =
            assembled.messages.iter().filter(|m| m.role == ChatRole::System).map(|m| m.content.as_str()).collect();
        prop_assert_eq!(system.join("\n\n"), sent_system.concat());

        let documents = receipt.sections.iter().find(|section| section.kind == SectionKind::RetrievedDocuments);
        let cited: Vec<String> = assembled.passages_sent.iter().map(|passage| passage.chunk_id.to_string()).collect();
        prop_assert_eq!(documents.map_or(Vec::new(), |section| section.source_ids.clone()), cited);
        for (number, passage) in (1..).zip(&assembled.passages_sent) {
            let text = &documents.unwrap().text;
            let marker = format!("\n[{number}] ");
            prop_assert!(text.contains(&marker) && text.contains(&passage.text));
        }
        let window = receipt.sections.iter().find(|section| section.kind == SectionKind::RawWindow);
        let sources = window.map_or(Vec::new(), |section| section.source_ids.clone());
        prop_assert_eq!(sources, sent_ids(&world, &receipt.coverage.raw));
    }

    #[test]
    fn whatever_is_not_sent_is_omitted_with_a_reason(world in world()) {
        let Ok(assembled) = assemble(&world.assembly()) else { return Ok(()) };
        let receipt = &assembled.receipt;
        prop_assert!(receipt.omitted.iter().all(|omission| !omission.reason.is_empty()));
        let count = |kind| receipt.omitted.iter().filter(|omission| omission.kind == kind).count();
        let has = |kind| usize::from(receipt.sections.iter().any(|section| section.kind == kind));
        prop_assert_eq!(count(SectionKind::RetrievedDocuments) + assembled.passages_sent.len(), world.passages.len());
        prop_assert_eq!(
            count(SectionKind::RollingSummary) + has(SectionKind::RollingSummary),
            usize::from(world.memory.summary.as_ref().is_some_and(|summary| !summary.text.trim().is_empty()))
        );
        prop_assert_eq!(
            count(SectionKind::LongTermMemory) + has(SectionKind::LongTermMemory),
            usize::from(world.long_term.as_ref().is_some_and(|text| !text.trim().is_empty()))
        );
    }

    #[test]
    fn assembling_twice_gives_the_same_bytes(world in world()) {
        prop_assert_eq!(assemble(&world.assembly()).ok(), assemble(&world.assembly()).ok());
    }

    #[test]
    fn average_stays_within_what_was_seen(
        costs in prop::collection::vec(any::<u32>(), 1..60),
        alpha in prop_oneof![Just(1.0), Just(f64::MIN_POSITIVE), 1e-9..=1.0],
    ) {
        let average = costs.iter().fold(None, |average, cost| Some(update_average(average, *cost, alpha))).unwrap();
        let (least, most) = (f64::from(*costs.iter().min().unwrap()), f64::from(*costs.iter().max().unwrap()));
        prop_assert!(average >= least * (1.0 - 1e-9) && average <= most * (1.0 + 1e-9));
    }
}
