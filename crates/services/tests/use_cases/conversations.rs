//! Conversations.

use domain::{
    ConversationFilter, ConversationId, ConversationPatch, DocumentId, ErrorKind, Grounding, MessageId, Order,
};
use services::conversations::{MemoryChoice, NewConversation};

use crate::world::{FIRST_PAGE, World, kind_of, upload};

#[tokio::test]
async fn what_is_not_said_takes_its_default() {
    let world = World::new();
    let (ada, conversations) = (world.person("ada").await, world.conversations());
    let new = NewConversation { title: Some(" Tides\n ".into()), ..NewConversation::default() };
    let made = conversations.create(&ada, new).await.unwrap();
    assert_eq!(
        (made.title.as_deref(), made.mode.as_str(), made.grounding),
        (Some("Tides"), "default", Grounding::OpenChat)
    );
    assert!(made.memory.enabled && made.memory.policy == "adaptive");
    assert_eq!(conversations.find(&ada, made.id).await.unwrap(), made);
    let view = conversations.find_memory(&ada, made.id).await.unwrap();
    assert_eq!((view.policy.as_str(), view.memory.avg_tokens, view.buffer.tokens), ("adaptive", None, 0));
}

#[tokio::test]
async fn an_unknown_policy_and_an_unknown_mode_are_refused() {
    let world = World::new();
    let (ada, conversations) = (world.person("ada").await, world.conversations());
    let memory = MemoryChoice { policy: Some("elephant".into()), enabled: None };
    let error = conversations.create(&ada, NewConversation { memory, ..NewConversation::default() }).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()[0].field.as_str()), (ErrorKind::ValidationFailed, "memory.policy"));
    let poetry = NewConversation { mode: Some("poetry".into()), ..NewConversation::default() };
    assert_eq!(kind_of(conversations.create(&ada, poetry).await), ErrorKind::UnknownMode);
    assert!(conversations.list(&ada, ConversationFilter::default(), FIRST_PAGE).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_conversation_is_limited_only_to_documents_of_its_owner() {
    let world = World::new();
    let (ada, eve, conversations) = (world.person("ada").await, world.person("eve").await, world.conversations());
    let document = world.ingestion(None).accept(&ada, upload("a.txt", "Some text.")).await.unwrap().id;
    let with = |ids: Vec<DocumentId>| NewConversation { document_ids: ids, ..NewConversation::default() };
    let made = conversations.create(&ada, with(vec![document, document])).await.unwrap();
    assert_eq!(made.document_ids, [document]);
    let theirs = conversations.create(&eve, with(vec![])).await.unwrap();
    let patch = ConversationPatch { document_ids: Some(vec![document]), ..ConversationPatch::default() };
    let refused = [
        conversations.create(&eve, with(vec![document])).await.unwrap_err(),
        conversations.update(&eve, theirs.id, patch).await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!((error.kind(), error.fields()[0].field.as_str()), (ErrorKind::ValidationFailed, "document_ids"));
    }
}

#[tokio::test]
async fn nobody_reads_or_changes_anothers_conversation() {
    let world = World::new();
    let (ada, eve, conversations) = (world.person("ada").await, world.person("eve").await, world.conversations());
    let id = conversations.create(&ada, NewConversation::default()).await.unwrap().id;
    let message = MessageId::new(&*world.context.ids);
    let kinds = [
        kind_of(conversations.find(&eve, id).await),
        kind_of(conversations.update(&eve, id, ConversationPatch::default()).await),
        kind_of(conversations.list_messages(&eve, id, Order::Ascending, FIRST_PAGE).await),
        kind_of(conversations.find_memory(&eve, id).await),
        kind_of(conversations.find_message(&eve, message).await),
        kind_of(conversations.find_receipt(&eve, message).await),
        kind_of(conversations.delete(&eve, id).await),
    ];
    assert!(kinds.iter().all(|kind| *kind == ErrorKind::NotFound), "{kinds:?}");
    assert!(conversations.find(&ada, id).await.is_ok());
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_nothing_else() {
    let world = World::new();
    let (ada, conversations) = (world.person("ada").await, world.conversations());
    let new = NewConversation { title: Some("Old".into()), tags: vec!["sea".into()], ..NewConversation::default() };
    let before = conversations.create(&ada, new).await.unwrap();
    world.advance(60);
    let patch = ConversationPatch {
        title: Some(None),
        pinned: Some(true),
        mode: Some("code".into()),
        ..ConversationPatch::default()
    };
    let after = conversations.update(&ada, before.id, patch).await.unwrap();
    assert_eq!((after.title.as_deref(), after.pinned, after.mode.as_str()), (None, true, "code"));
    assert_eq!((after.tags, after.grounding, after.created_at), (before.tags, before.grounding, before.created_at));
}

#[tokio::test]
async fn a_deleted_conversation_is_gone() {
    let world = World::new();
    let (ada, conversations) = (world.person("ada").await, world.conversations());
    let id = conversations.create(&ada, NewConversation::default()).await.unwrap().id;
    conversations.delete(&ada, id).await.unwrap();
    assert_eq!(kind_of(conversations.delete(&ada, id).await), ErrorKind::NotFound);
    assert_eq!(kind_of(conversations.find(&ada, ConversationId::new(&*world.context.ids)).await), ErrorKind::NotFound);
}
