//! The receipt: what was sent, and where everything else is.

use domain::{ChatMessage, Coverage, MessageId, Omission, Receipt, ReceiptBudget, ReceiptSection, SectionKind};
use sha2::{Digest, Sha256};

use crate::{
    Assembly,
    interaction::{Interaction, total_tokens},
    passages::{Candidate, Candidates},
    prompt::{Draft, Prompt},
    sections::Sections,
};

/// Everything that might have been sent.
pub(crate) struct Offered<'w, 'a> {
    pub(crate) sections: &'w Sections,
    pub(crate) candidates: &'w Candidates<'a>,
    pub(crate) interactions: &'w [Interaction<'a>],
}

pub(crate) fn write(
    input: &Assembly<'_>,
    budget: ReceiptBudget,
    offered: &Offered<'_, '_>,
    draft: &Draft<'_, '_>,
    prompt: &Prompt,
) -> Result<Receipt, serde_json::Error> {
    let (older, kept) = offered.interactions.split_at(offered.interactions.len() - draft.window.len());
    Ok(Receipt {
        message_id: input.reply_id,
        model: input.model.id.clone(),
        tokenizer: input.counter.name().to_owned(),
        budget,
        sections: prompt.sections.clone(),
        coverage: Coverage {
            raw: ids(kept),
            summarised_until: input.memory.watermark,
            pending: input.unread.iter().rev().copied().chain(ids(older)).collect(),
        },
        omitted: omissions(offered, draft, older),
        messages: prompt.messages.clone(),
        request_sha256: request_sha256(&prompt.messages)?,
    })
}

/// SHA-256, in lower-case hex, of `messages` as compact JSON.
///
/// # Errors
/// Those of the JSON writer; text and roles give it no cause.
pub fn request_sha256(messages: &[ChatMessage]) -> Result<String, serde_json::Error> {
    let digest = Sha256::digest(serde_json::to_vec(messages)?);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn omissions(offered: &Offered<'_, '_>, draft: &Draft<'_, '_>, older: &[Interaction<'_>]) -> Vec<Omission> {
    let whole = [
        (&offered.sections.long_term, &draft.sections.long_term),
        (&offered.sections.summary, &draft.sections.summary),
    ];
    let sections = whole.into_iter().filter(|(_, sent)| sent.is_none()).filter_map(|(offered, _)| offered.as_ref());
    let is_sent =
        |candidate: &Candidate<'_>| draft.passages.iter().any(|sent| std::ptr::eq(sent.passage, candidate.passage));
    let passages = offered.candidates.all.iter().filter(|candidate| !is_sent(candidate));
    sections.map(of_section).chain(passages.map(of_passage)).chain(of_history(older, draft.window.len())).collect()
}

fn of_section(section: &ReceiptSection) -> Omission {
    Omission {
        kind: section.kind,
        source_ids: section.source_ids.clone(),
        tokens: section.tokens,
        reason: "does not fit whole beside the instructions, the new message and what ranks above it".into(),
    }
}

fn of_passage(candidate: &Candidate<'_>) -> Omission {
    Omission {
        kind: SectionKind::RetrievedDocuments,
        source_ids: vec![candidate.passage.chunk_id.to_string()],
        tokens: candidate.tokens,
        reason: "does not fit what better passages leave of the documents' share".into(),
    }
}

fn of_history(older: &[Interaction<'_>], kept: usize) -> Option<Omission> {
    if older.is_empty() {
        return None;
    }
    Some(Omission {
        kind: SectionKind::RawWindow,
        source_ids: ids(older).iter().map(MessageId::to_string).collect(),
        tokens: total_tokens(older),
        reason: format!("older than the newest {kept} interactions, which stay raw"),
    })
}

fn ids(interactions: &[Interaction<'_>]) -> Vec<MessageId> {
    interactions.iter().flat_map(|interaction| interaction.messages).map(|message| message.id).collect()
}
