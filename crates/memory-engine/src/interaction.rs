//! Interactions: the unit in which history is kept or left out.

use domain::{ChatMessage, ChatRole, Message, MessageId, MessageRole, ports::TokenCounter};

/// A user's message and everything that answers it, up to the next user's message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interaction<'a> {
    /// The messages, oldest first; never empty.
    pub messages: &'a [Message],
    /// Tokens that they cost in a prompt, message overheads included.
    pub tokens: u32,
}

impl Interaction<'_> {
    /// Whether the message that began it is missing, because a bounded read stopped inside it.
    fn is_torn(&self) -> bool {
        self.messages.first().is_some_and(|message| message.role == MessageRole::Assistant)
    }
}

/// Groups messages, oldest first, into interactions. A reply without a user's message before it begins one too.
#[must_use]
pub fn group<'a>(messages: &'a [Message], counter: &dyn TokenCounter) -> Vec<Interaction<'a>> {
    messages
        .chunk_by(|_, next| next.role != MessageRole::User)
        .map(|messages| Interaction { messages, tokens: interaction_tokens(messages, counter) })
        .collect()
}

/// c_t: what an interaction costs in a prompt, the overhead of each message included.
///
/// Messages without text cost nothing, because they are not sent.
#[must_use]
pub fn interaction_tokens<'a>(messages: impl IntoIterator<Item = &'a Message>, counter: &dyn TokenCounter) -> u32 {
    messages
        .into_iter()
        .filter(|message| is_sent(message))
        .map(|message| text_tokens(message, counter).saturating_add(counter.message_overhead()))
        .fold(0, u32::saturating_add)
}

/// The interactions that are whole. Only the oldest can be torn, and only where something older was not read.
pub(crate) fn without_torn<'w, 'a>(interactions: &'w [Interaction<'a>], unread: &[MessageId]) -> &'w [Interaction<'a>] {
    match interactions.split_first() {
        Some((oldest, rest)) if oldest.is_torn() && !unread.is_empty() => rest,
        _ => interactions,
    }
}

/// The mean cost of an interaction; absent where there are none.
pub(crate) fn mean_tokens(interactions: &[Interaction<'_>]) -> Option<f64> {
    let count = u32::try_from(interactions.len()).ok().filter(|count| *count > 0)?;
    Some(f64::from(total_tokens(interactions)) / f64::from(count))
}

pub(crate) fn total_tokens(interactions: &[Interaction<'_>]) -> u32 {
    interactions.iter().map(|interaction| interaction.tokens).fold(0, u32::saturating_add)
}

/// Whether a stored message goes into prompts: providers refuse messages without text, and a reply that failed
/// before its first word has none.
pub(crate) fn is_sent(message: &Message) -> bool {
    !message.content.trim().is_empty()
}

pub(crate) fn to_chat(message: &Message) -> ChatMessage {
    let role = match message.role {
        MessageRole::User => ChatRole::User,
        MessageRole::Assistant => ChatRole::Assistant,
    };
    ChatMessage { role, content: message.content.clone() }
}

/// The count that was stored with the message, unless another tokenizer made it.
fn text_tokens(message: &Message, counter: &dyn TokenCounter) -> u32 {
    if message.tokenizer == counter.name() { message.tokens } else { counter.count(&message.content) }
}

#[cfg(test)]
mod tests {
    use domain::MessageRole::{Assistant, User};

    use super::*;
    use crate::fixtures::{Branch, Words};

    #[test]
    fn interactions_begin_at_user_messages() {
        let branch = Branch::of(&[(User, "a"), (Assistant, "b"), (User, "c"), (User, "d"), (Assistant, "e")]);
        let sizes: Vec<usize> = group(&branch.messages, &Words::default()).iter().map(|i| i.messages.len()).collect();
        assert_eq!(sizes, [2, 1, 2]);
    }

    #[test]
    fn cost_counts_the_overhead_of_each_message_that_is_sent() {
        let branch = Branch::of(&[(User, "two words"), (Assistant, " \n")]);
        let counter = Words::with_overheads(4, 0);
        assert_eq!(interaction_tokens(&branch.messages, &counter), 2 + 4);
    }

    #[test]
    fn only_counts_of_another_tokenizer_are_made_again() {
        let mut branch = Branch::of(&[(User, "two words"), (Assistant, "three more words")]);
        let counter = Words::default();
        assert_eq!(interaction_tokens(&branch.messages, &counter), 5);
        assert_eq!(counter.calls(), 0);
        branch.messages[1].tokenizer = "other".into();
        branch.messages[1].tokens = 99;
        assert_eq!(interaction_tokens(&branch.messages, &counter), 5);
        assert_eq!(counter.calls(), 1);
    }

    #[test]
    fn reply_whose_question_was_not_read_is_torn() {
        let branch = Branch::of(&[(User, "a"), (Assistant, "b"), (User, "c")]);
        let interactions = group(&branch.messages[1..], &Words::default());
        let unread = [branch.messages[0].id];
        assert_eq!(without_torn(&interactions, &unread).len(), 1);
        assert_eq!(without_torn(&interactions, &[]).len(), 2, "a conversation may begin with a greeting");
    }
}
