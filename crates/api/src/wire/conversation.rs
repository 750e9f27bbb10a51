//! Conversations.

use chrono::{DateTime, Utc};
use domain::{ConversationFilter, ConversationPatch, DocumentId};
use serde::{Deserialize, Serialize};
use services::conversations::{MemoryChoice, NewConversation};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{comma_list, present};

wire_enum! {
    /// `open_chat`: from what the model knows; `grounded_rag`: from documents alone.
    Grounding of domain::Grounding { OpenChat, GroundedRag }
}

wire_enum! {
    /// Which of the server's models answers.
    ModelSize of domain::ModelSize { Small, Medium, Large }
}

/// What the conversation's memory does.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemorySettings {
    /// Whether long-term memory is read and written.
    enabled: bool,
    /// Name of the short-term policy.
    #[schema(example = "adaptive")]
    policy: String,
}

/// A change of what the memory does; absent fields stay as they are.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(crate) struct MemoryPatch {
    enabled: Option<bool>,
    policy: Option<String>,
}

impl From<MemoryPatch> for MemoryChoice {
    fn from(patch: MemoryPatch) -> Self {
        Self { enabled: patch.enabled, policy: patch.policy }
    }
}

/// A conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Conversation {
    id: Uuid,
    title: Option<String>,
    /// `default`, `reason`, `code`, or a mode of this server.
    #[schema(example = "default")]
    mode: String,
    grounding: Grounding,
    model_size: ModelSize,
    /// A particular model in place of the size, `provider/model`.
    model: Option<String>,
    /// The documents that grounding is limited to; empty is all of yours.
    document_ids: Vec<Uuid>,
    tags: Vec<String>,
    pinned: bool,
    archived: bool,
    /// Neither reads nor writes long-term memory.
    temporary: bool,
    memory: MemorySettings,
    system_prompt: Option<String>,
    /// The newest message.
    active_message_id: Option<Uuid>,
    message_count: u64,
    created_at: DateTime<Utc>,
    /// When something last happened in it.
    updated_at: DateTime<Utc>,
}

impl From<domain::Conversation> for Conversation {
    fn from(it: domain::Conversation) -> Self {
        Self {
            id: it.id.into(),
            title: it.title,
            mode: it.mode,
            grounding: it.grounding.into(),
            model_size: it.model_size.into(),
            model: it.model,
            document_ids: it.document_ids.into_iter().map(Uuid::from).collect(),
            tags: it.tags,
            pinned: it.pinned,
            archived: it.archived,
            temporary: it.temporary,
            memory: MemorySettings { enabled: it.memory.enabled, policy: it.memory.policy },
            system_prompt: it.system_prompt,
            active_message_id: it.active_message_id.map(Uuid::from),
            message_count: it.message_count,
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

/// A new conversation; every field may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"title": "Onboarding", "grounding": "grounded_rag", "model_size": "small"}))]
pub(crate) struct CreateConversation {
    title: Option<String>,
    mode: Option<String>,
    grounding: Option<Grounding>,
    /// Posted at once; the answer then has `message` and `reply`, or is a stream.
    pub(crate) first_message: Option<String>,
    document_ids: Option<Vec<Uuid>>,
    model_size: Option<ModelSize>,
    model: Option<String>,
    system_prompt: Option<String>,
    temporary: Option<bool>,
    memory: Option<MemoryPatch>,
    tags: Option<Vec<String>>,
    /// Whether the reply to `first_message` is streamed.
    pub(crate) stream: Option<bool>,
}

impl From<CreateConversation> for NewConversation {
    fn from(body: CreateConversation) -> Self {
        Self {
            title: body.title,
            mode: body.mode,
            grounding: body.grounding.map(Into::into),
            document_ids: ids(body.document_ids.unwrap_or_default()),
            model_size: body.model_size.map(Into::into),
            model: body.model,
            system_prompt: body.system_prompt,
            temporary: body.temporary.unwrap_or_default(),
            memory: body.memory.map(MemoryChoice::from).unwrap_or_default(),
            tags: body.tags.unwrap_or_default(),
        }
    }
}

/// A change of a conversation: absent fields stay as they are, `null` removes a title, a model or a system prompt.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"title": "Onboarding, second day", "pinned": true, "model": null}))]
pub(crate) struct PatchConversation {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    title: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    mode: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    grounding: Option<Grounding>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    model_size: Option<ModelSize>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    model: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    document_ids: Option<Vec<Uuid>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    tags: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pinned: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    archived: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) memory: Option<MemoryPatch>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    system_prompt: Option<Option<String>>,
}

impl PatchConversation {
    /// The change, where `memory` is what the conversation's memory does afterwards.
    pub(crate) fn into_patch(self, memory: Option<domain::MemorySettings>) -> ConversationPatch {
        ConversationPatch {
            title: self.title,
            mode: self.mode,
            grounding: self.grounding.map(Into::into),
            model_size: self.model_size.map(Into::into),
            model: self.model,
            document_ids: self.document_ids.map(ids),
            tags: self.tags,
            pinned: self.pinned,
            archived: self.archived,
            memory,
            system_prompt: self.system_prompt,
        }
    }
}

/// What a list of conversations is narrowed to.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Words that the title holds.
    q: Option<String>,
    /// Hidden conversations in place of the others.
    #[param(default = false)]
    archived: bool,
    /// Only pinned ones, or only the others.
    pinned: Option<bool>,
    /// Only those with all of these labels; repeated or comma-separated.
    #[serde(deserialize_with = "comma_list")]
    tag: Vec<String>,
}

impl From<Filter> for ConversationFilter {
    fn from(filter: Filter) -> Self {
        Self {
            title_contains: filter.q.filter(|words| !words.trim().is_empty()),
            archived: Some(filter.archived),
            pinned: filter.pinned,
            tags: filter.tag,
        }
    }
}

pub(super) fn ids(ids: Vec<Uuid>) -> Vec<DocumentId> {
    ids.into_iter().map(DocumentId).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_changes_field_by_field() {
        let patch: MemoryPatch = serde_json::from_str(r#"{"enabled":false}"#).unwrap();
        let before = domain::MemorySettings { enabled: true, policy: "adaptive".into() };
        let after = MemoryChoice::from(patch).over(&before);
        assert_eq!(after, domain::MemorySettings { enabled: false, policy: "adaptive".into() });
    }

    #[test]
    fn unknown_grounding_is_told_the_known_ones() {
        let error = serde_json::from_str::<CreateConversation>(r#"{"grounding":"maybe"}"#).unwrap_err().to_string();
        assert!(error.contains("open_chat") && error.contains("grounded_rag"), "{error}");
    }

    #[test]
    fn lists_leave_out_archived_conversations_unless_asked() {
        let filter: Filter = serde_html_form::from_str("").unwrap();
        assert_eq!(ConversationFilter::from(filter).archived, Some(false));
        let filter: Filter = serde_html_form::from_str("archived=true&tag=a,b").unwrap();
        let filter = ConversationFilter::from(filter);
        assert_eq!((filter.archived, filter.tags), (Some(true), vec!["a".to_owned(), "b".to_owned()]));
    }
}
