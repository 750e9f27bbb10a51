//! Speed of the local models on one thread: prompt and reply tokens, and passages.
//!
//! Needs the default weights in the folder that `CAUSERIE_TEST_MODELS_DIR` names; says so and ends without them.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark talks to the person who runs it")]
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::{hint::black_box, path::PathBuf, sync::Arc, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::{
    ChatMessage, ChatRequest, ChatRole, EmbedPurpose, SeededIds,
    ports::{ChatModel, EmbeddingModel},
};
use futures::StreamExt;
use llm_providers::local::{LocalChat, LocalChatOptions, LocalEmbeddings, LocalEmbeddingsOptions};

fn models_dir() -> Option<PathBuf> {
    let dir = std::env::var_os("CAUSERIE_TEST_MODELS_DIR").map(PathBuf::from);
    if dir.is_none() {
        println!("not run: CAUSERIE_TEST_MODELS_DIR names no folder with the default weights");
    }
    dir
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

fn request(words: usize, max_output_tokens: u32) -> ChatRequest {
    let content = "tide ".repeat(words);
    ChatRequest {
        messages: vec![ChatMessage { role: ChatRole::User, content }],
        max_output_tokens,
        temperature: Some(1.5),
        top_p: None,
        stop: Vec::new(),
        seed: Some(1),
    }
}

fn chat(c: &mut Criterion) {
    let Some(dir) = models_dir() else { return };
    let options = LocalChatOptions { threads: 1, ..LocalChatOptions::default_model(&dir) };
    let (model, runtime) = (LocalChat::open(options, Arc::new(SeededIds::new(1))), runtime());
    let run = |request: &ChatRequest| {
        runtime.block_on(async {
            let stream = model.stream(request.clone()).await.expect("the queue has room");
            stream.map(|event| event.expect("weights are in the folder")).count().await
        })
    };
    let mut group = c.benchmark_group("local chat, one thread");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    group.throughput(Throughput::Elements(1000));
    group.bench_function("prompt tokens (1000)", |b| b.iter(|| black_box(run(&request(970, 1)))));
    group.throughput(Throughput::Elements(128));
    group.bench_function("reply tokens (128)", |b| b.iter(|| black_box(run(&request(1, 128)))));
    group.finish();
}

fn embeddings(c: &mut Criterion) {
    let Some(dir) = models_dir() else { return };
    let options = LocalEmbeddingsOptions { threads: 1, ..LocalEmbeddingsOptions::default_model(&dir) };
    let (model, runtime) = (LocalEmbeddings::open(options), runtime());
    let mut group = c.benchmark_group("local embeddings, one thread");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    for (name, words, texts) in [("passages of 128 tokens", 126, 16), ("questions of 12 tokens", 10, 1)] {
        let texts = vec!["tide ".repeat(words); texts];
        group.throughput(Throughput::Elements(texts.len() as u64));
        let embed = || runtime.block_on(model.embed(texts.clone(), EmbedPurpose::Passage)).expect("vectors");
        group.bench_function(name, |b| b.iter(|| black_box(embed())));
    }
    group.finish();
}

criterion_group!(benches, chat, embeddings);
criterion_main!(benches);
