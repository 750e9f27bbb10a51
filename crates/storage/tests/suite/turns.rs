use std::sync::Arc;

use domain::{
    ChunkId, Citation, Confidence, Conversation, ConversationId, DocumentId, FinishReason, Message, MessageId,
    MessagePart, MessageStatus, Order, Passage, PassageScores, Receipt, ReceiptBudget, Usage, UserId,
    ports::{BufferSize, Conflict, FinishedTurn, StoreError, TurnRead},
};

use super::{Stores, data};

const READ_ALL: TurnRead = TurnRead { max_tokens: u32::MAX, max_messages: 1000 };

pub(crate) fn receipt(message_id: MessageId) -> Receipt {
    Receipt {
        message_id,
        model: "test/model".into(),
        tokenizer: "test".into(),
        budget: ReceiptBudget { window: 8, max_context_tokens: 8, reserve: 1, available: 7 },
        sections: Vec::new(),
        coverage: domain::Coverage { pending: vec![message_id], ..domain::Coverage::default() },
        omitted: Vec::new(),
        messages: Vec::new(),
        request_sha256: "00".into(),
    }
}

fn end(reply: Message, receipt: Option<Receipt>) -> FinishedTurn {
    FinishedTurn {
        reply,
        receipt,
        avg_tokens: Some(12.5),
        dynamic_k: Some(4),
        history_budget: Some(900),
        now: data::at(50),
    }
}

/// A whole turn with a receipt; answers the reply.
pub(crate) async fn finished(stores: &Stores, id: ConversationId, question: &str, answer: &str) -> MessageId {
    let (_, reply) = stores.turns.start_turn(data::turn(&stores.ids, id, question)).await.unwrap();
    let reply = Message { content: answer.into(), status: MessageStatus::Complete, tokens: 20, ..reply };
    let id = reply.id;
    stores.turns.finish_turn(end(reply, Some(receipt(id)))).await.unwrap();
    id
}

async fn begin(stores: &Stores) -> (UserId, ConversationId) {
    let owner = data::user(stores, "ada").await;
    let conversation = data::conversation(&stores.ids, owner);
    stores.conversations.insert(conversation.clone()).await.unwrap();
    (owner, conversation.id)
}

async fn find(stores: &Stores, owner: UserId, id: MessageId) -> Message {
    stores.conversations.find_message(owner, id).await.unwrap().unwrap()
}

pub(crate) async fn a_turn_is_stored_with_its_places(stores: &Stores) {
    let (owner, id) = begin(stores).await;
    let earlier = finished(stores, id, "one", "two").await;
    let turn = domain::ports::NewTurn { title: Some("Three".into()), ..data::turn(&stores.ids, id, "three") };
    let (question, reply) = stores.turns.start_turn(turn).await.unwrap();
    assert_eq!((question.parent_id, question.position), (Some(earlier), 2));
    assert_eq!((reply.parent_id, reply.position), (Some(question.id), 3));
    assert_eq!(find(stores, owner, question.id).await, question);
    assert_eq!(find(stores, owner, reply.id).await, reply);
    let conversation = stores.conversations.find(owner, id).await.unwrap().unwrap();
    let expected = Conversation { message_count: 4, active_message_id: Some(reply.id), ..conversation.clone() };
    assert_eq!(conversation, expected);
    assert_eq!((conversation.title.as_deref(), conversation.updated_at), (Some("Three"), reply.created_at));
    stores.turns.finish_turn(end(Message { status: MessageStatus::Failed, ..reply }, None)).await.unwrap();
    let turn = domain::ports::NewTurn { title: Some("Other".into()), ..data::turn(&stores.ids, id, "four") };
    stores.turns.start_turn(turn).await.unwrap();
    assert_eq!(stores.conversations.find(owner, id).await.unwrap().unwrap().title.as_deref(), Some("Three"));
}

pub(crate) async fn a_second_turn_is_refused_while_one_runs(stores: &Stores) {
    let (owner, id) = begin(stores).await;
    let (_, reply) = stores.turns.start_turn(data::turn(&stores.ids, id, "one")).await.unwrap();
    for _ in 0..2 {
        let refused = stores.turns.start_turn(data::turn(&stores.ids, id, "two")).await.unwrap_err();
        assert!(matches!(refused, StoreError::Conflict(Conflict::RunningTurn)), "{refused:?}");
        stores.turns.save_progress(reply.id, "so far", &[]).await.unwrap();
    }
    assert_eq!(stores.conversations.find(owner, id).await.unwrap().unwrap().message_count, 2);
}

pub(crate) async fn one_of_two_concurrent_turns_wins(stores: &Stores) {
    let (owner, id) = begin(stores).await;
    let turn = |text| stores.turns.start_turn(data::turn(&stores.ids, id, text));
    let (a, b) = tokio::join!(turn("a"), turn("b"));
    assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1);
    let refused = a.and(b).unwrap_err();
    assert!(matches!(refused, StoreError::Conflict(Conflict::RunningTurn)));
    let all = stores.conversations.list_messages(owner, id, Order::Ascending, data::first(9)).await.unwrap().unwrap();
    assert_eq!(all.items.len(), 2);
}

/// A reply with every field in use.
fn full_reply(stores: &Stores, reply: Message) -> Message {
    let (document_id, chunk_id) = (DocumentId::new(&stores.ids), ChunkId::new(&stores.ids));
    let passage = Passage {
        document_id,
        version: 1,
        title: "Bees".into(),
        page: Some(3),
        chunk_id,
        text: "Bees dance.".into(),
        score: 0.75,
        scores: PassageScores { keyword: Some(1.1), dense: Some(0.3), rerank: None },
    };
    let citation = Citation {
        index: 1,
        document_id,
        version: 1,
        title: "Bees".into(),
        page: Some(3),
        chunk_id,
        snippet: "Bees".into(),
        score: 0.1,
        attributed: "marker".into(),
    };
    let usage =
        Usage { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11, cost_usd: Some(0.25), estimated: true };
    Message {
        status: MessageStatus::Complete,
        content: "They dance [1].".into(),
        parts: vec![MessagePart::Reasoning { text: "hm".into() }, MessagePart::Text { text: "They".into() }],
        tokens: 6,
        model_used: Some("test/model".into()),
        usage: Some(usage),
        citations: vec![citation],
        sources: vec![passage],
        confidence: Some(Confidence::High),
        warnings: vec!["short".into()],
        finish_reason: Some(FinishReason::Stop),
        ..reply
    }
}

pub(crate) async fn progress_is_kept_until_the_end_and_not_after(stores: &Stores) {
    let (owner, id) = begin(stores).await;
    let (_, reply) = stores.turns.start_turn(data::turn(&stores.ids, id, "one")).await.unwrap();
    let parts = [MessagePart::Text { text: "so".into() }];
    stores.turns.save_progress(reply.id, "so", &parts).await.unwrap();
    let expected =
        Message { status: MessageStatus::Streaming, content: "so".into(), parts: parts.to_vec(), ..reply.clone() };
    assert_eq!(find(stores, owner, reply.id).await, expected);
    let whole = full_reply(stores, reply.clone());
    stores.turns.finish_turn(end(whole.clone(), Some(receipt(reply.id)))).await.unwrap();
    stores.turns.save_progress(reply.id, "late", &[]).await.unwrap();
    assert_eq!(find(stores, owner, reply.id).await, whole);
    assert_eq!(stores.conversations.find_receipt(owner, reply.id).await.unwrap(), Some(receipt(reply.id)));
    let (memory, _) = stores.turns.find_memory(owner, id).await.unwrap().unwrap();
    assert_eq!((memory.avg_tokens, memory.dynamic_k, memory.history_budget), (Some(12.5), Some(4), Some(900)));
    assert_eq!(stores.conversations.find(owner, id).await.unwrap().unwrap().updated_at, data::at(50));
}

pub(crate) async fn finishing_twice_changes_nothing(stores: &Stores) {
    let (owner, id) = begin(stores).await;
    let (_, reply) = stores.turns.start_turn(data::turn(&stores.ids, id, "one")).await.unwrap();
    let cancelled = Message { status: MessageStatus::Cancelled, content: "half".into(), ..reply.clone() };
    stores.turns.finish_turn(end(cancelled.clone(), None)).await.unwrap();
    let again = FinishedTurn { avg_tokens: Some(99.0), ..end(full_reply(stores, reply), Some(receipt(cancelled.id))) };
    stores.turns.finish_turn(again).await.unwrap();
    assert_eq!(find(stores, owner, cancelled.id).await, cancelled);
    assert_eq!(stores.conversations.find_receipt(owner, cancelled.id).await.unwrap(), None);
    assert_eq!(stores.turns.find_memory(owner, id).await.unwrap().unwrap().0.avg_tokens, Some(12.5));
    let unmeasured = FinishedTurn { avg_tokens: None, dynamic_k: None, history_budget: None, ..end(cancelled, None) };
    stores.turns.finish_turn(unmeasured).await.unwrap();
}

pub(crate) async fn a_turn_in_a_missing_conversation_is_refused(stores: &Stores) {
    let (owner, id) = begin(stores).await;
    let (_, reply) = stores.turns.start_turn(data::turn(&stores.ids, id, "one")).await.unwrap();
    stores.conversations.delete(owner, id).await.unwrap();
    let turn = data::turn(&stores.ids, id, "two");
    assert!(matches!(stores.turns.start_turn(turn).await, Err(StoreError::Missing)));
    stores.turns.save_progress(reply.id, "late", &[]).await.unwrap();
    let late = end(Message { status: MessageStatus::Complete, ..reply }, None);
    assert!(matches!(stores.turns.finish_turn(late).await, Err(StoreError::Missing)));
    assert_eq!(stores.turns.load_turn(owner, id, READ_ALL).await.unwrap(), None);
}

pub(crate) async fn interrupting_names_each_running_reply(stores: &Stores) {
    let (owner, one) = begin(stores).await;
    let two = data::conversation(&stores.ids, owner);
    stores.conversations.insert(two.clone()).await.unwrap();
    let ended = finished(stores, one, "q", "a").await;
    let (_, accepted) = stores.turns.start_turn(data::turn(&stores.ids, one, "one")).await.unwrap();
    let (_, streaming) = stores.turns.start_turn(data::turn(&stores.ids, two.id, "two")).await.unwrap();
    stores.turns.save_progress(streaming.id, "half", &[]).await.unwrap();
    let mut interrupted = stores.turns.interrupt_running(data::at(60)).await.unwrap();
    interrupted.sort();
    assert_eq!(interrupted, [accepted.id, streaming.id]);
    let kept = find(stores, owner, streaming.id).await;
    assert_eq!((kept.status, kept.content.as_str()), (MessageStatus::Interrupted, "half"));
    assert_eq!(kept.error_code.as_deref(), Some("interrupted"));
    assert_eq!(find(stores, owner, ended).await.status, MessageStatus::Complete);
    assert_eq!(stores.turns.interrupt_running(data::at(61)).await.unwrap(), []);
    stores.turns.start_turn(data::turn(&stores.ids, one, "again")).await.unwrap();
}

pub(crate) async fn reading_a_turn_stops_at_its_limits(stores: &Stores) {
    let (owner, id) = begin(stores).await;
    for n in 0..5 {
        finished(stores, id, &format!("q{n}"), &format!("a{n}")).await;
    }
    stores.turns.start_turn(data::turn(&stores.ids, id, "running")).await.unwrap();
    let read = async |max_tokens, max_messages| {
        let read = TurnRead { max_tokens, max_messages };
        let turn = stores.turns.load_turn(owner, id, read).await.unwrap().unwrap();
        let newest: Vec<String> = turn.newest.into_iter().map(|message| message.content).collect();
        (newest.join(" "), turn.unread.len())
    };
    // The running reply is not there, its question is. Questions have 10 tokens, answers 20.
    assert_eq!(read(u32::MAX, 100).await, ("q0 a0 q1 a1 q2 a2 q3 a3 q4 a4 running".into(), 0));
    assert_eq!(read(u32::MAX, 3).await, ("q4 a4 running".into(), 3));
    assert_eq!(read(30, 100).await, ("q4 a4 running".into(), 8));
    assert_eq!(read(0, 100).await, ("running".into(), 10));
    let turn = stores.turns.load_turn(owner, id, TurnRead { max_tokens: 30, max_messages: 100 }).await.unwrap();
    let unread = turn.unwrap().unread;
    let all = stores.conversations.list_messages(owner, id, Order::Descending, data::first(100)).await.unwrap();
    let below: Vec<MessageId> = all.unwrap().items.into_iter().skip(4).map(|message| message.id).collect();
    assert_eq!(unread, below);
    let other = data::user(stores, "eve").await;
    assert_eq!(stores.turns.load_turn(other, id, READ_ALL).await.unwrap(), None);
    assert_eq!(stores.turns.find_memory(other, id).await.unwrap(), None);
}

pub(crate) async fn buffer_counts_what_is_after_the_watermark(stores: &Stores) {
    let (owner, id) = begin(stores).await;
    let empty = stores.turns.find_memory(owner, id).await.unwrap().unwrap();
    assert_eq!(empty, Default::default());
    for _ in 0..3 {
        finished(stores, id, "q", "a").await;
    }
    let (memory, buffer) = stores.turns.find_memory(owner, id).await.unwrap().unwrap();
    assert_eq!(buffer, BufferSize { interactions: 3, tokens: 90 });
    assert_eq!((memory.watermark, memory.buffer_from), (None, 0));
}

pub(crate) async fn sixty_four_writers_meet_no_lock(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let ids: Vec<_> = (0..64).map(|_| data::conversation(&stores.ids, owner)).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for conversation in ids.clone() {
        let (conversations, turns) = (Arc::clone(&stores.conversations), Arc::clone(&stores.turns));
        let questions: Vec<_> = (0..5).map(|_| data::turn(&stores.ids, conversation.id, "hello")).collect();
        tasks.spawn(async move {
            let id = conversation.id;
            conversations.insert(conversation).await.unwrap();
            for question in questions {
                let (_, reply) = turns.start_turn(question).await.unwrap();
                turns.save_progress(reply.id, "so", &[]).await.unwrap();
                turns.finish_turn(end(Message { status: MessageStatus::Complete, ..reply }, None)).await.unwrap();
                assert_eq!(turns.load_turn(owner, id, READ_ALL).await.unwrap().unwrap().newest.len() % 2, 0);
            }
        });
    }
    while let Some(joined) = tasks.join_next().await {
        joined.unwrap();
    }
    for conversation in ids {
        assert_eq!(stores.conversations.find(owner, conversation.id).await.unwrap().unwrap().message_count, 10);
    }
}
