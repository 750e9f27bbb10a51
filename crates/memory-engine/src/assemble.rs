//! From everything that could be said to a model to exactly what is said to it.

use domain::{
    ChatMessage, ConversationMemory, Message, MessageId, ModelInfo, Passage, Receipt, ReceiptSection,
    ports::TokenCounter,
};

use crate::{
    AdaptiveSettings, AssemblyError, Wording,
    budget::{self, Demand, Shares},
    interaction,
    passages::Candidates,
    prompt::Draft,
    receipt::{self, Offered},
    sections::Sections,
    window::{self, Window},
};

/// What is known about the user across conversations, as text.
#[derive(Debug, Clone, Copy)]
pub struct LongTerm<'a> {
    /// The text.
    pub text: &'a str,
    /// Ids of what it was made from, for the receipt.
    pub source_ids: &'a [String],
}

/// The message to answer.
#[derive(Debug, Clone, Copy)]
pub struct NewMessage<'a> {
    /// Its id.
    pub id: MessageId,
    /// Its text; goes into the prompt whole and unchanged.
    pub text: &'a str,
    /// Tokens of its text under the counter in use, where they were counted already.
    pub tokens: Option<u32>,
}

/// Everything that may go into one prompt.
#[derive(Clone, Copy)]
pub struct Assembly<'a> {
    /// The model that will be called.
    pub model: &'a ModelInfo,
    /// The tokenizer that counts for it.
    pub counter: &'a dyn TokenCounter,
    /// What the operator set; [`AdaptiveSettings::validate`] has passed.
    pub settings: &'a AdaptiveSettings,
    /// The words around the sections.
    pub wording: &'a Wording,
    /// The operator's instructions.
    pub system_instruction: &'a str,
    /// The conversation's own instructions.
    pub conversation_prompt: Option<&'a str>,
    /// Preferences and long-term memory.
    pub long_term: Option<LongTerm<'a>>,
    /// The state of the conversation's short-term memory.
    pub memory: &'a ConversationMemory,
    /// The newest messages after the watermark, oldest first, without the new one.
    pub buffer: &'a [Message],
    /// Messages after the watermark that are not in `buffer` because the read was bounded, newest first.
    pub unread: &'a [MessageId],
    /// Passages found for the new message, best first.
    pub passages: &'a [Passage],
    /// The message to answer.
    pub new_message: NewMessage<'a>,
    /// The reply that the receipt is for.
    pub reply_id: MessageId,
}

/// One prompt, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Assembled {
    /// What to send, oldest first.
    pub messages: Vec<ChatMessage>,
    /// What is sent, why, and what is not.
    pub receipt: Receipt,
    /// The passages in `messages`; the first is `[1]`.
    pub passages_sent: Vec<Passage>,
    /// Tokens of the prompt, all overheads included: the sum over the receipt's sections.
    pub prompt_tokens: u32,
    /// The most tokens that the reply may have: what the window leaves, within the model's output limit.
    pub max_output_tokens: u32,
    /// Interactions that a pruning keeps raw now.
    pub dynamic_k: u32,
    /// Tokens that there were for history.
    pub history_budget: u32,
}

/// Decides what the model gets to see. Pure: the same input gives the same bytes.
///
/// The order is that of [`domain::SectionKind`]. All sections before the raw window form one system message (left out
/// where it would be empty), what changes least first, so that a provider's prompt cache holds as much as it can; the
/// passages end it and so stand next to the conversation.
///
/// # Errors
/// [`AssemblyError::InstructionsTooLong`] and [`AssemblyError::MessageTooLong`] where the instructions and the new
/// message alone exceed the budget; both have the kind `MessageTooLong`.
pub fn assemble(input: &Assembly<'_>) -> Result<Assembled, AssemblyError> {
    let budget = budget::of_model(input.model, input.settings);
    let sections = Sections::of(input);
    let required = sections.required(input, &budget)?;
    let candidates = Candidates::new(input.passages, input.wording, input.counter);
    let interactions = interaction::group(input.buffer, input.counter);

    let shares = share_out(budget.available, required, &sections, &candidates);
    let whole = interaction::without_torn(&interactions, input.unread);
    let average = input.memory.avg_tokens.or_else(|| interaction::mean_tokens(whole));
    let window = window::select(whole, shares.history, average, input.settings);

    let mut draft = Draft {
        sections: sections.clone(),
        passages: candidates.choose(shares.passages(window.tokens)),
        window: window.kept,
    };
    draft.sections.long_term.take_if(|_| !shares.long_term);
    draft.sections.summary.take_if(|_| !shares.summary);
    let prompt = draft.settle(&candidates, input.counter, budget.available);

    let offered = Offered { sections: &sections, candidates: &candidates, interactions: &interactions };
    let receipt = receipt::write(input, budget, &offered, &draft, &prompt)?;
    let prompt_tokens = prompt.tokens();
    Ok(Assembled {
        messages: prompt.messages,
        receipt,
        passages_sent: draft.passages.iter().map(|sent| sent.passage.clone()).collect(),
        prompt_tokens,
        max_output_tokens: input.model.max_output_tokens.min(budget.window.saturating_sub(prompt_tokens)),
        dynamic_k: k_after(&window, &draft),
        history_budget: shares.history,
    })
}

fn share_out(available: u32, required: u32, sections: &Sections, candidates: &Candidates<'_>) -> Shares {
    let tokens = |section: &Option<ReceiptSection>| section.as_ref().map_or(0, |section| section.tokens);
    let passages: Vec<u32> = candidates.all.iter().map(|candidate| candidate.tokens).collect();
    budget::share_out(
        available,
        &Demand {
            required,
            summary: tokens(&sections.summary),
            long_term: tokens(&sections.long_term),
            passages_heading: candidates.heading_tokens,
            passages: &passages,
        },
    )
}

/// Settling may have shrunk the window once more.
fn k_after(window: &Window<'_, '_>, draft: &Draft<'_, '_>) -> u32 {
    if draft.window.len() == window.kept.len() {
        return window.dynamic_k;
    }
    window.dynamic_k.min(u32::try_from(draft.window.len()).unwrap_or(u32::MAX))
}
