//! The sections of a prompt that are one text each, with what they cost.

use domain::{ReceiptBudget, ReceiptSection, SectionKind, ports::TokenCounter};

use crate::{Assembly, AssemblyError};

/// Stands between two sections of the system message.
pub(crate) const SEPARATOR: &str = "\n\n";

/// The sections that do not shrink. Tokens of the system sections are those of their text with the separator before
/// it; those of the message hold the overhead of message and prompt.
#[derive(Clone)]
pub(crate) struct Sections {
    pub(crate) instruction: Option<ReceiptSection>,
    pub(crate) long_term: Option<ReceiptSection>,
    pub(crate) summary: Option<ReceiptSection>,
    pub(crate) message: ReceiptSection,
}

impl Sections {
    pub(crate) fn of(input: &Assembly<'_>) -> Self {
        let (wording, counter) = (input.wording, input.counter);
        let long_term = input.long_term.filter(|memory| !memory.text.trim().is_empty()).map(|memory| {
            let text = format!("{}\n{}", wording.long_term, memory.text);
            system_section(SectionKind::LongTermMemory, text, memory.source_ids.to_vec(), counter)
        });
        let summary = input.memory.summary.as_ref().filter(|summary| !summary.text.trim().is_empty()).map(|summary| {
            let text = format!("{}\n{}", wording.summary, summary.text);
            let source = summary.covers_until_message_id.to_string();
            system_section(SectionKind::RollingSummary, text, vec![source], counter)
        });
        Self { instruction: instruction(input), long_term, summary, message: message(input) }
    }

    /// Tokens of what must be there.
    ///
    /// # Errors
    /// Where they exceed the budget: of the two, the one to blame.
    pub(crate) fn required(&self, input: &Assembly<'_>, budget: &ReceiptBudget) -> Result<u32, AssemblyError> {
        let available = budget.available;
        let instruction = self.instruction.as_ref().map_or(0, |section| section.tokens);
        let overhead = message_overhead(input.counter);
        let before_message = instruction.saturating_add(overhead);
        if before_message > available {
            let model = input.model.id.clone();
            return Err(AssemblyError::InstructionsTooLong { tokens: before_message, available, model });
        }
        let required = instruction.saturating_add(self.message.tokens);
        if required > available {
            let tokens = self.message.tokens.saturating_sub(overhead);
            return Err(AssemblyError::MessageTooLong { tokens, allowed: available - before_message });
        }
        Ok(required)
    }
}

/// Holds the overhead of the system message, which it opens.
fn instruction(input: &Assembly<'_>) -> Option<ReceiptSection> {
    let texts = [Some(input.system_instruction), input.conversation_prompt];
    let texts: Vec<&str> = texts.into_iter().flatten().filter(|text| !text.trim().is_empty()).collect();
    if texts.is_empty() {
        return None;
    }
    let text = texts.join(SEPARATOR);
    let tokens = input.counter.count(&text).saturating_add(input.counter.message_overhead());
    Some(ReceiptSection { kind: SectionKind::SystemInstruction, tokens, source_ids: Vec::new(), text })
}

fn system_section(
    kind: SectionKind,
    text: String,
    source_ids: Vec<String>,
    counter: &dyn TokenCounter,
) -> ReceiptSection {
    let tokens = counter.count(&format!("{SEPARATOR}{text}"));
    ReceiptSection { kind, tokens, source_ids, text }
}

/// Holds the overhead of the prompt, which is mostly the opening of the reply that follows the message.
fn message(input: &Assembly<'_>) -> ReceiptSection {
    let text_tokens = input.new_message.tokens.unwrap_or_else(|| input.counter.count(input.new_message.text));
    ReceiptSection {
        kind: SectionKind::NewMessage,
        tokens: text_tokens.saturating_add(message_overhead(input.counter)),
        source_ids: vec![input.new_message.id.to_string()],
        text: input.new_message.text.to_owned(),
    }
}

fn message_overhead(counter: &dyn TokenCounter) -> u32 {
    counter.message_overhead().saturating_add(counter.prompt_overhead())
}
