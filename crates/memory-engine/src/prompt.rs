//! The prompt itself: the messages, and the tokens of each section in them, exactly.

use domain::{ChatMessage, ChatRole, ReceiptSection, SectionKind, ports::TokenCounter};

use crate::{
    interaction::{Interaction, is_sent, to_chat, total_tokens},
    passages::{Candidate, Candidates},
    sections::{SEPARATOR, Sections},
};

/// What is meant to be sent.
pub(crate) struct Draft<'w, 'a> {
    pub(crate) sections: Sections,
    pub(crate) passages: Vec<Candidate<'a>>,
    pub(crate) window: &'w [Interaction<'a>],
}

/// What is sent.
pub(crate) struct Prompt {
    pub(crate) messages: Vec<ChatMessage>,
    pub(crate) sections: Vec<ReceiptSection>,
}

impl Prompt {
    pub(crate) fn tokens(&self) -> u32 {
        self.sections.iter().fold(0, |sum, section| sum.saturating_add(section.tokens))
    }
}

impl Draft<'_, '_> {
    /// Writes the prompt; where it has more tokens than its parts promised, leaves out the least until it fits.
    ///
    /// Text counted in one piece may have other tokens than its parts, by a few where they meet. This makes the budget
    /// hold for every tokenizer. It ends, because the required sections were counted as they are sent.
    pub(crate) fn settle(&mut self, candidates: &Candidates<'_>, counter: &dyn TokenCounter, available: u32) -> Prompt {
        loop {
            let prompt = self.write(candidates, counter);
            if prompt.tokens() <= available || !self.give_way() {
                return prompt;
            }
        }
    }

    /// Leaves out one thing, in the order of [`crate::budget::CLAIMS`]; whether there was one.
    fn give_way(&mut self) -> bool {
        if self.passages.len() > 1 {
            self.passages.pop();
        } else if let [_oldest, newer @ ..] = self.window {
            self.window = newer;
        } else {
            return self.sections.long_term.take().is_some()
                || self.sections.summary.take().is_some()
                || self.passages.pop().is_some();
        }
        true
    }

    fn write(&self, candidates: &Candidates<'_>, counter: &dyn TokenCounter) -> Prompt {
        let Sections { instruction, long_term, summary, message } = self.sections.clone();
        let documents = candidates.section(&self.passages);
        let mut sections: Vec<_> = [instruction, long_term, summary, documents].into_iter().flatten().collect();
        let mut messages = Vec::new();
        if !sections.is_empty() {
            messages.push(system_message(&mut sections, counter));
        }
        let said: Vec<_> =
            self.window.iter().flat_map(|interaction| interaction.messages).filter(|m| is_sent(m)).collect();
        messages.extend(said.iter().map(|message| to_chat(message)));
        if !said.is_empty() {
            sections.push(ReceiptSection {
                kind: SectionKind::RawWindow,
                tokens: total_tokens(self.window),
                source_ids: said.iter().map(|message| message.id.to_string()).collect(),
                text: said.iter().map(|message| message.content.as_str()).collect::<Vec<_>>().join(SEPARATOR),
            });
        }
        messages.push(ChatMessage { role: ChatRole::User, content: message.text.clone() });
        sections.push(message);
        Prompt { messages, sections }
    }
}

/// One message of all system sections: many chat templates take no second one, and none elsewhere than first.
fn system_message(sections: &mut [ReceiptSection], counter: &dyn TokenCounter) -> ChatMessage {
    let texts: Vec<&str> = sections.iter().map(|section| section.text.as_str()).collect();
    let content = texts.join(SEPARATOR);
    let total = counter.count(&content).saturating_add(counter.message_overhead());
    apportion(sections, total);
    ChatMessage { role: ChatRole::System, content }
}

/// Makes the tokens of `sections` add up to `total`: the first takes what is missing, the last give what is too much.
fn apportion(sections: &mut [ReceiptSection], total: u32) {
    let counted = sections.iter().fold(0_u32, |sum, section| sum.saturating_add(section.tokens));
    if let Some(first) = sections.first_mut() {
        first.tokens = first.tokens.saturating_add(total.saturating_sub(counted));
    }
    let mut excess = counted.saturating_sub(total);
    for section in sections.iter_mut().rev() {
        let given = excess.min(section.tokens);
        section.tokens -= given;
        excess -= given;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections(tokens: &[u32]) -> Vec<ReceiptSection> {
        let section = |tokens| ReceiptSection {
            kind: SectionKind::SystemInstruction,
            tokens,
            source_ids: Vec::new(),
            text: String::new(),
        };
        tokens.iter().copied().map(section).collect()
    }

    fn apportioned(tokens: &[u32], total: u32) -> Vec<u32> {
        let mut sections = sections(tokens);
        apportion(&mut sections, total);
        sections.iter().map(|section| section.tokens).collect()
    }

    #[test]
    fn sections_add_up_to_what_was_counted() {
        assert_eq!(apportioned(&[10, 20, 30], 60), [10, 20, 30]);
        assert_eq!(apportioned(&[10, 20, 30], 64), [14, 20, 30]);
        assert_eq!(apportioned(&[10, 20, 30], 57), [10, 20, 27]);
        assert_eq!(apportioned(&[10, 20, 3], 25), [10, 15, 0]);
        assert_eq!(apportioned(&[10, 20, 30], 0), [0, 0, 0]);
    }
}
