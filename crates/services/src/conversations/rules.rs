//! What a conversation may look like.

use domain::{
    Conversation, ConversationPatch, DocumentId, ErrorKind, MAX_SYSTEM_PROMPT_CHARS, MAX_TITLE_CHARS, MemorySettings,
};

use super::ConversationSettings;
use crate::{
    ServiceError,
    error::FieldErrors,
    labels::{clean_tags, one_line},
};

/// The most documents that a conversation may be limited to.
const MAX_DOCUMENTS: usize = 100;
/// Longest name of a model, in characters.
const MAX_MODEL_CHARS: usize = 200;

/// Cleans a new conversation and checks it.
pub(super) fn check(conversation: &mut Conversation, settings: &ConversationSettings) -> Result<(), ServiceError> {
    let mut faults = FieldErrors::default();
    check_title(&mut conversation.title, &mut faults);
    check_model(&mut conversation.model, &mut faults);
    check_prompt(&mut conversation.system_prompt, &mut faults);
    check_documents(&mut conversation.document_ids, &mut faults);
    clean_tags(&mut conversation.tags, &mut faults);
    check_memory(&conversation.memory, settings, &mut faults);
    faults.finish()?;
    check_mode(&conversation.mode, settings)
}

/// Cleans a change and checks it.
pub(super) fn check_patch(patch: &mut ConversationPatch, settings: &ConversationSettings) -> Result<(), ServiceError> {
    let mut faults = FieldErrors::default();
    if let Some(title) = &mut patch.title {
        check_title(title, &mut faults);
    }
    if let Some(model) = &mut patch.model {
        check_model(model, &mut faults);
    }
    if let Some(prompt) = &mut patch.system_prompt {
        check_prompt(prompt, &mut faults);
    }
    if let Some(document_ids) = &mut patch.document_ids {
        check_documents(document_ids, &mut faults);
    }
    if let Some(tags) = &mut patch.tags {
        clean_tags(tags, &mut faults);
    }
    if let Some(memory) = &patch.memory {
        check_memory(memory, settings, &mut faults);
    }
    faults.finish()?;
    patch.mode.as_deref().map_or(Ok(()), |mode| check_mode(mode, settings))
}

fn check_title(title: &mut Option<String>, faults: &mut FieldErrors) {
    *title = title.as_deref().and_then(one_line);
    if let Some(chars) = over(title.as_deref(), MAX_TITLE_CHARS) {
        faults.add("title", format!("a title has at most {MAX_TITLE_CHARS} characters, this has {chars}"));
    }
}

fn check_model(model: &mut Option<String>, faults: &mut FieldErrors) {
    *model = model.as_deref().and_then(one_line);
    if let Some(chars) = over(model.as_deref(), MAX_MODEL_CHARS) {
        faults.add("model", format!("a model's name has at most {MAX_MODEL_CHARS} characters, this has {chars}"));
    }
}

fn check_prompt(prompt: &mut Option<String>, faults: &mut FieldErrors) {
    *prompt = prompt.take().filter(|text| !text.trim().is_empty());
    if let Some(chars) = over(prompt.as_deref(), MAX_SYSTEM_PROMPT_CHARS) {
        let message = format!("a system prompt has at most {MAX_SYSTEM_PROMPT_CHARS} characters, this has {chars}");
        faults.add("system_prompt", message);
    }
}

pub(super) fn check_documents(ids: &mut Vec<DocumentId>, faults: &mut FieldErrors) {
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(*id));
    if ids.len() > MAX_DOCUMENTS {
        faults.add("document_ids", format!("expected at most {MAX_DOCUMENTS} documents, got {}", ids.len()));
    }
}

fn check_memory(memory: &MemorySettings, settings: &ConversationSettings, faults: &mut FieldErrors) {
    if !settings.policies.contains(&memory.policy) {
        faults.add("memory.policy", format!("expected one of: {}", settings.policies.join(", ")));
    }
}

fn check_mode(mode: &str, settings: &ConversationSettings) -> Result<(), ServiceError> {
    if settings.modes.iter().any(|known| known == mode) {
        return Ok(());
    }
    Err(ServiceError::Rule {
        kind: ErrorKind::UnknownMode,
        detail: format!("there is no such mode: expected one of {}", settings.modes.join(", ")),
        fields: vec![crate::FieldError::new("mode", format!("expected one of: {}", settings.modes.join(", ")))],
    })
}

/// The number of characters of `text` where it is over `max`.
fn over(text: Option<&str>, max: usize) -> Option<usize> {
    text.map(|text| text.chars().count()).filter(|chars| *chars > max)
}

#[cfg(test)]
mod tests {
    use domain::SeededIds;

    use super::*;

    fn settings() -> ConversationSettings {
        ConversationSettings {
            modes: vec!["default".into(), "code".into()],
            policies: vec!["adaptive".into()],
            default_policy: "adaptive".into(),
        }
    }

    fn fields_of(mut patch: ConversationPatch) -> Vec<String> {
        let error = check_patch(&mut patch, &settings()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ValidationFailed);
        error.fields().iter().map(|fault| fault.field.clone()).collect()
    }

    #[test]
    fn every_field_over_its_limit_is_named() {
        let ids = SeededIds::new(1);
        let patch = ConversationPatch {
            title: Some(Some("x".repeat(201))),
            model: Some(Some("m".repeat(201))),
            system_prompt: Some(Some("s".repeat(20_001))),
            document_ids: Some((0..101).map(|_| DocumentId::new(&ids)).collect()),
            tags: Some(vec!["t".repeat(51)]),
            memory: Some(MemorySettings { enabled: true, policy: "elephant".into() }),
            ..ConversationPatch::default()
        };
        let expected = ["title", "model", "system_prompt", "document_ids", "tags", "memory.policy"];
        assert_eq!(fields_of(patch), expected);
    }

    #[test]
    fn values_at_their_limit_are_taken_and_blank_ones_removed() {
        let id = DocumentId::new(&SeededIds::new(1));
        let mut patch = ConversationPatch {
            title: Some(Some("ü".repeat(200))),
            model: Some(Some("  ".into())),
            system_prompt: Some(Some("\n".into())),
            document_ids: Some(vec![id, id]),
            mode: Some("code".into()),
            ..ConversationPatch::default()
        };
        check_patch(&mut patch, &settings()).unwrap();
        assert_eq!((patch.model, patch.system_prompt), (Some(None), Some(None)));
        assert_eq!(patch.document_ids, Some(vec![id]));
    }

    #[test]
    fn an_unknown_mode_has_its_own_kind_and_names_the_known_ones() {
        let mut patch = ConversationPatch { mode: Some("poetry".into()), ..ConversationPatch::default() };
        let error = check_patch(&mut patch, &settings()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownMode);
        assert!(error.detail().contains("default, code"));
    }
}
