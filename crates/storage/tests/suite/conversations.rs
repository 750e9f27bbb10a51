use domain::{
    Conversation, ConversationFilter, ConversationId, ConversationPatch, DocumentId, Grounding, MemorySettings,
    MessageId, ModelSize, Order, UserId,
};

use super::{
    Stores,
    data::{self, read_both_ways},
    turns::finished,
};

async fn stored(stores: &Stores, conversation: Conversation) -> Conversation {
    stores.conversations.insert(conversation.clone()).await.unwrap();
    conversation
}

async fn ids(stores: &Stores, owner: UserId, filter: ConversationFilter) -> Vec<ConversationId> {
    let page = stores.conversations.list(owner, filter, data::first(100)).await.unwrap();
    page.items.into_iter().map(|conversation| conversation.id).collect()
}

pub(crate) async fn a_conversation_comes_back_as_it_was_stored(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let conversation = Conversation {
        title: Some("Überschrift \"x\"".into()),
        grounding: Grounding::GroundedRag,
        model_size: ModelSize::Large,
        model: Some("local/x".into()),
        document_ids: vec![DocumentId::new(&stores.ids)],
        tags: vec!["b".into(), "a".into(), "b".into()],
        pinned: true,
        temporary: true,
        memory: MemorySettings { enabled: false, policy: "window".into() },
        system_prompt: Some("Be brief.".into()),
        ..data::conversation(&stores.ids, owner)
    };
    let conversation = stored(stores, conversation).await;
    assert_eq!(stores.conversations.find(owner, conversation.id).await.unwrap(), Some(conversation));
}

pub(crate) async fn foreign_conversations_are_absent(stores: &Stores) {
    let (owner, other) = (data::user(stores, "ada").await, data::user(stores, "eve").await);
    let conversation = stored(stores, data::conversation(&stores.ids, owner)).await;
    let (message, _) = stores.turns.start_turn(data::turn(&stores.ids, conversation.id, "Hi")).await.unwrap();
    let port = &stores.conversations;
    assert_eq!(port.find(other, conversation.id).await.unwrap(), None);
    assert_eq!(port.list_messages(other, conversation.id, Order::Ascending, data::first(5)).await.unwrap(), None);
    assert_eq!(port.find_message(other, message.id).await.unwrap(), None);
    assert_eq!(port.find_receipt(other, message.id).await.unwrap(), None);
    assert_eq!(port.update(other, conversation.id, ConversationPatch::default(), data::at(1)).await.unwrap(), None);
    assert!(!port.delete(other, conversation.id).await.unwrap());
    assert_eq!(ids(stores, other, ConversationFilter::default()).await, []);
    assert!(port.find_message(owner, message.id).await.unwrap().is_some());
}

pub(crate) async fn filters_narrow_the_list(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let make = |title: &str, tags: &[&str], pinned, archived| Conversation {
        title: Some(title.into()),
        tags: tags.iter().map(|&tag| tag.into()).collect(),
        pinned,
        archived,
        ..data::conversation(&stores.ids, owner)
    };
    let tower = stored(stores, make("The Tower 100%", &["x", "y"], true, false)).await.id;
    let mill = stored(stores, make("Tide MÜHLE", &["x"], false, true)).await.id;
    let all = ConversationFilter::default;
    let of = async |filter| ids(stores, owner, filter).await;
    assert_eq!(of(all()).await, [mill, tower]);
    assert_eq!(of(ConversationFilter { archived: Some(false), ..all() }).await, [tower]);
    assert_eq!(of(ConversationFilter { pinned: Some(false), ..all() }).await, [mill]);
    assert_eq!(of(ConversationFilter { archived: Some(true), pinned: Some(true), ..all() }).await, []);
    assert_eq!(of(ConversationFilter { tags: vec!["x".into()], ..all() }).await, [mill, tower]);
    assert_eq!(of(ConversationFilter { tags: vec!["x".into(), "y".into()], ..all() }).await, [tower]);
    for (words, found) in [("mühle", vec![mill]), ("0% tow", vec![tower]), ("1_0", vec![]), ("t", vec![mill, tower])] {
        assert_eq!(of(ConversationFilter { title_contains: Some(words.into()), ..all() }).await, found, "{words}");
    }
}

pub(crate) async fn deep_cursor_pages_equal_offset_pages(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    for n in 0..23_u64 {
        // Several share a time, so that the id has to break ties.
        let conversation = Conversation { updated_at: data::at(n / 5), ..data::conversation(&stores.ids, owner) };
        stored(stores, conversation).await;
    }
    let list = async |page| stores.conversations.list(owner, ConversationFilter::default(), page).await.unwrap();
    let (by_cursor, by_number, total) = read_both_ways!(4, list);
    assert_eq!((by_cursor.len(), total), (23, 23));
    assert!(by_cursor.is_sorted_by(|a, b| (a.updated_at, a.id) > (b.updated_at, b.id)));
    assert_eq!(by_cursor, by_number);
}

pub(crate) async fn a_patch_changes_what_it_names(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let before = Conversation {
        title: Some("Old".into()),
        model: Some("local/x".into()),
        tags: vec!["old".into()],
        ..data::conversation(&stores.ids, owner)
    };
    let before = stored(stores, before).await;
    let patch = ConversationPatch {
        title: Some(Some("New".into())),
        model: Some(None),
        tags: Some(vec!["new".into()]),
        pinned: Some(true),
        ..ConversationPatch::default()
    };
    let after = stores.conversations.update(owner, before.id, patch, data::at(9)).await.unwrap().unwrap();
    let expected = Conversation {
        title: Some("New".into()),
        model: None,
        tags: vec!["new".into()],
        pinned: true,
        updated_at: data::at(9),
        ..before
    };
    assert_eq!(after, expected);
    assert_eq!(stores.conversations.find(owner, after.id).await.unwrap(), Some(expected));
    let of = async |filter| ids(stores, owner, filter).await;
    let tagged = |tag: &str| ConversationFilter { tags: vec![tag.into()], ..ConversationFilter::default() };
    assert_eq!((of(tagged("old")).await, of(tagged("new")).await), (vec![], vec![after.id]));
    let titled = ConversationFilter { title_contains: Some("new".into()), ..ConversationFilter::default() };
    assert_eq!(of(titled).await, [after.id]);
}

pub(crate) async fn deleting_takes_everything_that_rests_on_it(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let conversation = stored(stores, data::conversation(&stores.ids, owner)).await;
    let reply = finished(stores, conversation.id, "Hi", "Hello").await;
    assert!(stores.conversations.find_receipt(owner, reply).await.unwrap().is_some());
    assert!(stores.conversations.delete(owner, conversation.id).await.unwrap());
    assert!(!stores.conversations.delete(owner, conversation.id).await.unwrap());
    assert_eq!(stores.conversations.find(owner, conversation.id).await.unwrap(), None);
    assert_eq!(stores.conversations.find_message(owner, reply).await.unwrap(), None);
    assert_eq!(stores.conversations.find_receipt(owner, reply).await.unwrap(), None);
    assert_eq!(stores.turns.find_memory(owner, conversation.id).await.unwrap(), None);
}

pub(crate) async fn messages_page_in_both_directions(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let conversation = stored(stores, data::conversation(&stores.ids, owner)).await.id;
    let mut replies: Vec<MessageId> = Vec::new();
    for n in 0..6 {
        replies.push(finished(stores, conversation, &format!("question {n}"), "answer").await);
    }
    let port = &stores.conversations;
    let up = async |page| port.list_messages(owner, conversation, Order::Ascending, page).await.unwrap().unwrap();
    let down = async |page| port.list_messages(owner, conversation, Order::Descending, page).await.unwrap().unwrap();
    let (ascending, by_number, total) = read_both_ways!(5, up);
    let (mut descending, by_number_down, _) = read_both_ways!(5, down);
    assert_eq!(by_number, ascending);
    assert_eq!(by_number_down, descending);
    assert_eq!((ascending.len(), total), (12, 12));
    assert!(ascending.iter().map(|message| message.position).eq(0..12));
    assert!(ascending.iter().map(|message| message.id).filter(|id| replies.contains(id)).eq(replies.iter().copied()));
    descending.reverse();
    assert_eq!(descending, ascending);
    let found = port.find_message(owner, ascending[3].id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&ascending[3]));
    assert_eq!(port.find(owner, conversation).await.unwrap().unwrap().message_count, 12);
}
