//! Messages and replies.

use actix_web::{HttpRequest, http::header::HeaderName};
use domain::{ConversationId, MessageId, Order};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Api, created, no_content, ok};
use crate::{
    error::ApiError,
    extract::{Authenticated, JsonBody, PageParams, Paging, PathId, QueryParams},
    paths, sse,
    wire::{
        event::Event,
        list::List,
        message::{Answered, Message, NewMessage},
        receipt::Receipt,
    },
};

/// The header with which a browser names the last event that it has seen.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// In which order messages are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Sorting {
    /// Oldest or newest first.
    #[param(inline, default = "asc")]
    order: Option<Direction>,
}

/// Oldest or newest first.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    Asc,
    Desc,
}

impl From<Sorting> for Order {
    fn from(sorting: Sorting) -> Self {
        match sorting.order {
            None | Some(Direction::Asc) => Self::Ascending,
            Some(Direction::Desc) => Self::Descending,
        }
    }
}

/// Lists the messages of a conversation.
#[utoipa::path(
    get, path = paths::MESSAGES, tag = "messages", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The conversation"), Sorting, PageParams),
    responses((status = 200, description = "A part of the list", body = List<Message>))
)]
pub(crate) async fn list_messages(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<ConversationId>,
    QueryParams(sorting): QueryParams<Sorting>,
    paging: Paging,
) -> Answer {
    let page = api.services.conversations.list_messages(&actor, id, sorting.into(), paging.0).await?;
    ok(List::<Message>::of(page, paging.number()))
}

/// Posts a message and answers its reply, whole or as a stream of events.
///
/// The reply is written to its end whoever listens: who loses the stream attaches to it again.
#[utoipa::path(
    post, path = paths::MESSAGES, tag = "messages", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The conversation")),
    request_body = NewMessage,
    responses(
        (status = 201, description = "The message and its whole reply", body = Answered),
        (status = 200, description = "The reply as server-sent events, with `stream: true` or `Accept: text/event-stream`: \
            frames of `id: <seq>` and `data: <Event>`, a `: ping` comment every 15 s",
            content_type = "text/event-stream", body = Event),
    )
)]
pub(crate) async fn post_message(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<ConversationId>,
    request: HttpRequest,
    JsonBody(body): JsonBody<NewMessage>,
) -> Answer {
    let stream = sse::is_wanted(body.stream, &request);
    let turn = api.services.turns.post_message(&actor, id, body.into()).await?;
    if stream {
        return Ok(sse::respond(turn.events));
    }
    let (message, reply) = turn.wait().await??;
    created(Answered { message: Message::from(message), reply: Message::from(reply) })
}

/// Where to go on in a stream.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Resume {
    /// Number of the last event that was seen; the header `Last-Event-ID` goes before it.
    after: Option<u64>,
}

/// Attaches to the events of a reply, running or ended.
#[utoipa::path(
    get, path = paths::STREAM, tag = "messages", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The reply"),
        ("Last-Event-ID" = Option<u64>, Header, description = "Number of the last event that was seen"),
        Resume,
    ),
    responses(
        (status = 200, description = "The events after that, as server-sent events", content_type = "text/event-stream", body = Event),
        (status = 204, description = "The last event was seen already"),
    )
)]
pub(crate) async fn attach_stream(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MessageId>,
    QueryParams(resume): QueryParams<Resume>,
    request: HttpRequest,
) -> Answer {
    let after = last_seen(&request)?.or(resume.after).unwrap_or_default();
    match api.services.turns.attach(&actor, id, after).await? {
        Some(events) => Ok(sse::respond(events)),
        None => no_content(),
    }
}

fn last_seen(request: &HttpRequest) -> Result<Option<u64>, ApiError> {
    let Some(header) = request.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let text = header.to_str().unwrap_or_default();
    let number = text.parse().map_err(|_| ApiError::invalid("Last-Event-ID", "expected the number of an event"))?;
    Ok(Some(number))
}

/// Stops a reply; its text so far is kept. Stopping one that has ended changes nothing.
#[utoipa::path(
    post, path = paths::CANCEL, tag = "messages", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The reply")),
    responses((status = 204, description = "It ends with `finish_reason` `cancelled`"))
)]
pub(crate) async fn cancel_reply(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MessageId>,
) -> Answer {
    api.services.turns.cancel(&actor, id).await?;
    no_content()
}

/// Shows the receipt of a reply: what the model was sent, why, and what was left out.
#[utoipa::path(
    get, path = paths::RECEIPT, tag = "memory", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The reply")),
    responses((status = 200, description = "The receipt", body = Receipt))
)]
pub(crate) async fn show_receipt(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<MessageId>,
) -> Answer {
    let receipt = api.services.conversations.find_receipt(&actor, id).await?;
    ok(Receipt::from(receipt))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn last_event_id_must_be_a_number() {
        let seen = |value| last_seen(&TestRequest::default().insert_header((LAST_EVENT_ID, value)).to_http_request());
        assert_eq!(seen("12").unwrap(), Some(12));
        assert_eq!(seen("-1").unwrap_err().fields[0].field, "Last-Event-ID");
        assert_eq!(last_seen(&TestRequest::default().to_http_request()).unwrap(), None);
    }
}
