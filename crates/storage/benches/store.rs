//! Appending, paging and dense search at size: `cargo bench -p storage`.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot set itself up has nothing to say")]

use std::{hint::black_box, sync::Arc};

use chrono::{DateTime, Utc};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use domain::{
    Cursor, IdSource, Message, MessageStatus, Order, PageRequest, Position, SearchFilter, SystemIds, UserId,
    ports::{ConversationStore, DocumentStore, FinishedTurn, PassageIndex, TurnRead, TurnStore},
};
use storage::{Database, DatabaseSettings};
use tokio::runtime::Runtime;

#[path = "../tests/suite/mod.rs"]
mod suite;

use suite::{Stores, data};

const DIMENSIONS: usize = 384;

struct Bench {
    runtime: Runtime,
    database: Database,
    stores: Stores,
    owner: UserId,
    _folder: tempfile::TempDir,
}

fn open() -> Bench {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(DatabaseSettings::in_folder(folder.path())).unwrap();
    database.migrate().unwrap();
    let stores = Stores::of(&database);
    let owner = runtime.block_on(data::user(&stores, "ada"));
    Bench { runtime, database, stores, owner, _folder: folder }
}

fn end(reply: Message, now: DateTime<Utc>) -> FinishedTurn {
    let reply = Message { status: MessageStatus::Complete, content: "an answer ".repeat(40), tokens: 90, ..reply };
    FinishedTurn { reply, receipt: None, avg_tokens: Some(1.0), dynamic_k: None, history_budget: None, now }
}

async fn append(database: &Database, id: domain::ConversationId) {
    let (_, reply) = database.start_turn(data::turn(&SystemIds, id, "a question of usual length")).await.unwrap();
    database.finish_turn(end(reply, data::at(9))).await.unwrap();
}

impl Bench {
    fn conversation(&self, messages: usize) -> domain::ConversationId {
        let conversation = data::conversation(&SystemIds, self.owner);
        self.runtime.block_on(async {
            self.stores.conversations.insert(conversation.clone()).await.unwrap();
            for _ in 0..messages / 2 {
                append(&self.database, conversation.id).await;
            }
        });
        conversation.id
    }
}

fn turns(c: &mut Criterion) {
    let bench = open();
    let mut group = c.benchmark_group("turn");
    for length in [100, 100_000] {
        let id = bench.conversation(length);
        group.bench_function(BenchmarkId::new("append", length), |b| {
            b.iter(|| bench.runtime.block_on(append(&bench.database, id)));
        });
        let read = TurnRead { max_tokens: 8000, max_messages: 100 };
        group.bench_function(BenchmarkId::new("load", length), |b| {
            b.iter(|| black_box(bench.runtime.block_on(bench.database.load_turn(bench.owner, id, read)).unwrap()));
        });
        pages(&mut group, &bench, id, length);
    }
    appends_side_by_side(&mut group, &bench);
    progress(&mut group, &bench);
    group.finish();
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn pages(group: &mut Group<'_>, bench: &Bench, id: domain::ConversationId, length: usize) {
    let deep = Cursor { sort: i64::try_from(length / 2).unwrap(), id: uuid::Uuid::nil() };
    for (name, position) in [("first page", Position::First), ("deep page", Position::After(deep))] {
        let page = PageRequest { limit: 20, position };
        let read = || bench.database.list_messages(bench.owner, id, Order::Descending, page);
        group.bench_function(BenchmarkId::new(name, length), |b| {
            b.iter(|| black_box(bench.runtime.block_on(read()).unwrap()));
        });
    }
}

fn appends_side_by_side(group: &mut Group<'_>, bench: &Bench) {
    let conversations: Vec<_> = (0..16).map(|_| bench.conversation(0)).collect();
    group.bench_function("32 messages from 16 tasks", |b| {
        b.iter(|| {
            bench.runtime.block_on(async {
                let tasks = conversations.iter().map(|&id| {
                    let database = bench.database.clone();
                    tokio::spawn(async move { append(&database, id).await })
                });
                futures::future::join_all(tasks.collect::<Vec<_>>()).await
            })
        });
    });
}

fn progress(group: &mut Group<'_>, bench: &Bench) {
    let id = bench.conversation(0);
    let started = bench.runtime.block_on(bench.database.start_turn(data::turn(&SystemIds, id, "q"))).unwrap();
    let content = "so far ".repeat(600);
    group.bench_function("progress of 4 kB", |b| {
        b.iter(|| bench.runtime.block_on(bench.database.save_progress(started.1.id, &content, &[])).unwrap());
    });
}

fn vector() -> Vec<f32> {
    let mut bytes = vec![0; DIMENSIONS * 2];
    SystemIds.fill_random(&mut bytes);
    let mut vector: Vec<f32> = bytes.chunks(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]]))).collect();
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|x| *x /= length);
    vector
}

fn dense(c: &mut Criterion) {
    let mut group = c.benchmark_group("dense search of 10 at 384 dimensions");
    for documents in [10, 100] {
        let bench = open();
        let mut ids = Vec::new();
        for _ in 0..documents {
            let document = data::document(&SystemIds, bench.owner, "Bees");
            ids.push(document.id);
            let stores = &bench.stores;
            bench.runtime.block_on(async {
                let chunks = data::indexed(stores, document.clone(), &["some words of a passage"; 1000]).await;
                let rows = chunks.into_iter().map(|chunk| (chunk, vector())).collect();
                bench.database.save_vectors(document.id, "m", rows).await.unwrap();
            });
        }
        let database = Arc::new(bench.database.clone());
        let all = SearchFilter::all_of(bench.owner);
        let some = SearchFilter { document_ids: ids[..documents / 50 + 1].to_vec(), ..all.clone() };
        for (name, filter) in [("all", all), ("narrowed", some)] {
            let query = vector();
            group.bench_function(BenchmarkId::new(name, documents * 1000), |b| {
                b.iter(|| {
                    let hits = bench.runtime.block_on(database.search_dense("m", &query, &filter, 10)).unwrap();
                    assert_eq!(black_box(hits).len(), 10);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, turns, dense);
criterion_main!(benches);
