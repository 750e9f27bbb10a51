//! Conversations.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use domain::{Conversation as Stored, ConversationId, MemorySettings};
use services::{
    Actor,
    conversations::{MemoryChoice, NewConversation},
    turn::{PostMessage, StartedTurn},
};

use super::{Answer, Api, created, no_content, ok, to_the_end};
use crate::{
    error::ApiError,
    extract::{Authenticated, JsonBody, PageParams, Paging, PathId, QueryParams},
    paths, sse,
    wire::{
        conversation::{Conversation, CreateConversation, Filter, MemoryPatch, PatchConversation},
        event::Event,
        list::List,
        memory::Memory,
        message::{CreatedConversation, Message, Opened},
    },
};

/// Makes a conversation, and posts its first message where one is given.
#[utoipa::path(
    post, path = paths::CONVERSATIONS, tag = "conversations", security(("bearer" = [])),
    request_body = CreateConversation,
    responses(
        (status = 201, description = "The conversation; with `first_message` the whole exchange", body = CreatedConversation),
        (status = 200, description = "The reply to `first_message` as server-sent events, where a stream was asked for",
            content_type = "text/event-stream", body = Event),
    )
)]
pub(crate) async fn create_conversation(
    api: Api,
    Authenticated(actor): Authenticated,
    request: HttpRequest,
    JsonBody(mut body): JsonBody<CreateConversation>,
) -> Answer {
    let (first_message, stream) = (body.first_message.take(), sse::is_wanted(body.stream, &request));
    let Some(content) = first_message else {
        let conversation = api.services.conversations.create(&actor, body.into()).await?;
        return created(Conversation::from(conversation));
    };
    let (conversation, turn) = to_the_end(open(Data::clone(&api), actor.clone(), body.into(), content)).await?;
    if stream { Ok(sse::respond(turn.events)) } else { opened(&api, &actor, conversation, turn).await }
}

/// Makes a conversation and posts its first message; where that is refused there is no conversation either.
async fn open(
    api: Api,
    actor: Actor,
    new: NewConversation,
    content: String,
) -> Result<(Stored, StartedTurn), ApiError> {
    let conversation = api.services.conversations.create(&actor, new).await?;
    let post = PostMessage { content, ..PostMessage::default() };
    match api.services.turns.post_message(&actor, conversation.id, post).await {
        Ok(turn) => Ok((conversation, turn)),
        Err(refusal) => {
            api.services.conversations.delete(&actor, conversation.id).await?;
            Err(refusal.into())
        }
    }
}

/// The conversation as it is after its first exchange.
async fn opened(api: &Api, actor: &Actor, made: Stored, turn: StartedTurn) -> Answer {
    let (message, reply) = turn.wait().await??;
    let conversation = api.services.conversations.find(actor, made.id).await?;
    created(Opened {
        conversation: Conversation::from(conversation),
        message: Message::from(message),
        reply: Message::from(reply),
    })
}

/// Lists conversations, newest activity first.
#[utoipa::path(
    get, path = paths::CONVERSATIONS, tag = "conversations", security(("bearer" = [])),
    params(Filter, PageParams),
    responses((status = 200, description = "A part of the list", body = List<Conversation>))
)]
pub(crate) async fn list_conversations(
    api: Api,
    Authenticated(actor): Authenticated,
    QueryParams(filter): QueryParams<Filter>,
    paging: Paging,
) -> Answer {
    let page = api.services.conversations.list(&actor, filter.into(), paging.0).await?;
    ok(List::<Conversation>::of(page, paging.number()))
}

/// Shows a conversation.
#[utoipa::path(
    get, path = paths::CONVERSATION, tag = "conversations", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The conversation")),
    responses((status = 200, description = "The conversation", body = Conversation))
)]
pub(crate) async fn show_conversation(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<ConversationId>,
) -> Answer {
    let conversation = api.services.conversations.find(&actor, id).await?;
    ok(Conversation::from(conversation))
}

/// Changes a conversation.
#[utoipa::path(
    patch, path = paths::CONVERSATION, tag = "conversations", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The conversation")),
    request_body = PatchConversation,
    responses((status = 200, description = "The conversation as it now is", body = Conversation))
)]
pub(crate) async fn update_conversation(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<ConversationId>,
    JsonBody(mut body): JsonBody<PatchConversation>,
) -> Answer {
    let memory = match body.memory.take() {
        Some(patch) => Some(merged_memory(&api, &actor, id, patch).await?),
        None => None,
    };
    let conversation = api.services.conversations.update(&actor, id, body.into_patch(memory)).await?;
    ok(Conversation::from(conversation))
}

/// What the memory does once `patch` is made: fields that it leaves out stay as they are.
async fn merged_memory(
    api: &Api,
    actor: &Actor,
    id: ConversationId,
    patch: MemoryPatch,
) -> Result<MemorySettings, ApiError> {
    let current = api.services.conversations.find(actor, id).await?;
    Ok(MemoryChoice::from(patch).over(&current.memory))
}

/// Removes a conversation with everything that rests on it.
#[utoipa::path(
    delete, path = paths::CONVERSATION, tag = "conversations", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The conversation")),
    responses((status = 204, description = "Removed"))
)]
pub(crate) async fn delete_conversation(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<ConversationId>,
) -> Result<HttpResponse, ApiError> {
    api.services.conversations.delete(&actor, id).await?;
    no_content()
}

/// Shows the state of a conversation's short-term memory.
#[utoipa::path(
    get, path = paths::MEMORY, tag = "memory", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The conversation")),
    responses((status = 200, description = "Its memory", body = Memory))
)]
pub(crate) async fn show_memory(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<ConversationId>,
) -> Answer {
    let memory = api.services.conversations.find_memory(&actor, id).await?;
    ok(Memory::from(memory))
}
