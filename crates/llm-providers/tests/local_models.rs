//! The local models, run for real.
//!
//! They need the default weights in the folder that `CAUSERIE_TEST_MODELS_DIR` names (as `causerie models pull` makes
//! it). Without that name every test says so and passes; with it, missing weights are a failure.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

use std::{path::PathBuf, sync::Arc};

use domain::{
    ChatEvent, ChatMessage, ChatRequest, ChatRole, ChatStream, EmbedPurpose, FinishReason, ModelFault, ModelState,
    SeededIds, Usage,
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

fn chat_with(change: impl FnOnce(&mut LocalChatOptions)) -> Option<LocalChat> {
    let mut options = LocalChatOptions::default_model(&models_dir()?);
    change(&mut options);
    Some(LocalChat::open(options, Arc::new(SeededIds::new(1))))
}

fn ask(question: &str) -> ChatRequest {
    ChatRequest {
        messages: vec![ChatMessage { role: ChatRole::User, content: question.into() }],
        max_output_tokens: 40,
        temperature: Some(0.0),
        top_p: None,
        stop: Vec::new(),
        seed: None,
    }
}

struct Reply {
    text: String,
    pieces: usize,
    usage: Usage,
    finish: FinishReason,
}

async fn reply(chat: &LocalChat, request: ChatRequest) -> Reply {
    collect(chat.stream(request).await.unwrap()).await
}

async fn collect(stream: ChatStream) -> Reply {
    let events: Vec<_> = stream.collect().await;
    let mut reply =
        Reply { text: String::new(), pieces: 0, usage: Usage::default(), finish: FinishReason::ContentFilter };
    for event in events {
        match event.unwrap() {
            ChatEvent::Text(text) => {
                reply.text.push_str(&text);
                reply.pieces += 1;
            }
            ChatEvent::Usage(usage) => reply.usage = usage,
            ChatEvent::Finish(finish) => reply.finish = finish,
            ChatEvent::Reasoning(_) => panic!("this model does not reason"),
        }
    }
    reply
}

const PASSAGE: &str = "Answer from the passage only.\n\nPassage: The lighthouse on Ristna cape was ordered from France \
    and assembled in 1874. Its keeper received forty roubles a month.\n\nQuestion: In which year was the lighthouse \
    assembled?";

#[tokio::test]
async fn chat_answers_a_question_from_a_passage() {
    let Some(chat) = chat_with(|_| ()) else { return };
    let reply = reply(&chat, ask(PASSAGE)).await;
    assert!(reply.text.contains("1874"), "{}", reply.text);
    assert_eq!(reply.finish, FinishReason::Stop);
    assert!(reply.pieces > 3, "the reply is streamed");
    assert!(reply.usage.prompt_tokens > 60 && reply.usage.completion_tokens > 3 && !reply.usage.estimated);
    assert_eq!(chat.state(), ModelState::Ready);
}

#[tokio::test]
async fn chat_is_deterministic_at_temperature_zero_and_by_seed() {
    let Some(chat) = chat_with(|_| ()) else { return };
    let request = ask("Name three birds of the sea.");
    assert_eq!(reply(&chat, request.clone()).await.text, reply(&chat, request.clone()).await.text);
    let drawn = |seed| ChatRequest { temperature: Some(1.2), top_p: Some(0.95), seed: Some(seed), ..request.clone() };
    let first = reply(&chat, drawn(1)).await.text;
    assert_eq!(first, reply(&chat, drawn(1)).await.text);
    assert_ne!(first, reply(&chat, drawn(2)).await.text);
}

#[tokio::test]
async fn threads_do_not_change_the_answer() {
    let (Some(one), Some(two)) = (chat_with(|o| o.threads = 1), chat_with(|o| o.threads = 2)) else { return };
    assert_eq!(reply(&one, ask(PASSAGE)).await.text, reply(&two, ask(PASSAGE)).await.text);
}

#[tokio::test]
async fn chat_keeps_to_its_output_limit_and_stop_strings() {
    let Some(chat) = chat_with(|_| ()) else { return };
    let long = ask("Count from one to twenty in words, separated by commas.");
    let cut = reply(&chat, ChatRequest { max_output_tokens: 5, ..long.clone() }).await;
    assert_eq!((cut.finish, cut.usage.completion_tokens), (FinishReason::Length, 5));
    let whole = reply(&chat, long.clone()).await.text;
    let stop: String = whole.chars().skip(10).take(4).collect();
    let stopped = reply(&chat, ChatRequest { stop: vec![stop.clone()], ..long }).await;
    assert_eq!((stopped.finish, stopped.text.as_str()), (FinishReason::Stop, &whole[..whole.find(&stop).unwrap()]));
}

#[tokio::test]
async fn streamed_characters_are_whole() {
    let Some(chat) = chat_with(|_| ()) else { return };
    // Each of these takes several tokens, so a piece could end within one.
    let request = ChatRequest {
        max_output_tokens: 60,
        ..ask("Repeat this line exactly, nothing else: Привет 🐢🦉 日本語 Ünïcödé naïve café")
    };
    let reply = reply(&chat, request).await;
    assert!(!reply.text.contains(char::REPLACEMENT_CHARACTER), "{}", reply.text);
    assert!(!reply.text.is_ascii(), "the reply has characters of more than one byte: {}", reply.text);
}

#[tokio::test]
async fn dropped_stream_frees_the_slot_and_a_full_queue_refuses() {
    let Some(chat) = chat_with(|o| o.queue = 1) else { return };
    let endless = ChatRequest {
        max_output_tokens: 7000,
        temperature: Some(1.5),
        seed: Some(3),
        ..ask("Tell a very long story.")
    };
    let mut running = chat.stream(endless.clone()).await.unwrap();
    assert!(running.next().await.unwrap().is_ok(), "it has begun");
    let waiting = chat.stream(endless.clone()).await.unwrap();
    let refused = chat.stream(endless).await.err().unwrap();
    assert_eq!(refused.fault, ModelFault::Overloaded);
    assert!(refused.retry_after_ms.is_some());
    drop(waiting);
    drop(running);
    // Seven thousand tokens would take more than a minute. What waits for nobody gives its place away at once.
    let next = chat.stream(ask("Hi")).await.unwrap();
    assert!(matches!(collect(next).await.finish, FinishReason::Stop | FinishReason::Length));
}

/// Megabytes that this process holds.
#[cfg(target_os = "linux")]
fn resident_mb() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096 / 1_000_000
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_of_a_generation_is_returned_to_the_system() {
    let Some(chat) = chat_with(|_| ()) else { return };
    reply(&chat, ask("Hi")).await;
    let before = resident_mb();
    let mut stream = chat.stream(ask(&"tide ".repeat(1_500))).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    let during = resident_mb();
    assert!(during > before + 60, "1,500 positions take 69 MB: {before}, then {during}");
    drop(stream);
    while resident_mb() > before + 30 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn prompt_over_the_context_is_an_error_that_says_so() {
    let Some(chat) = chat_with(|o| o.context_window = 64) else { return };
    let event = chat.stream(ask(&"tide ".repeat(100))).await.unwrap().next().await.unwrap();
    let error = event.unwrap_err();
    assert_eq!(error.fault, ModelFault::ContextTooLong);
    assert!(error.detail.contains("context of 64"), "{error}");
    let short = reply(&chat, ChatRequest { max_output_tokens: 1000, ..ask("Tell a long story.") }).await;
    assert_eq!(short.usage.total_tokens, 64, "the reply fills what is left");
}

#[tokio::test]
async fn template_tokens_are_those_of_the_model_and_counts_cover_them() {
    let Some(chat) = chat_with(|_| ()) else { return };
    let content = "What is the capital of France?";
    let tokens = chat.tokens();
    // "What is the capital of France?" is seven tokens; the frame with the default system message is 30 more.
    assert_eq!(tokens.count(content), 7);
    let reply = reply(&chat, ask(content)).await;
    let counted = tokens.count(content) + tokens.message_overhead() + tokens.prompt_overhead();
    assert!(reply.usage.prompt_tokens <= u64::from(counted), "{} > {counted}", reply.usage.prompt_tokens);
    assert!(reply.usage.prompt_tokens + 3 >= u64::from(counted), "{} is far from {counted}", reply.usage.prompt_tokens);
}

#[tokio::test]
async fn typed_template_tokens_cannot_end_a_message() {
    let Some(chat) = chat_with(|_| ()) else { return };
    assert!(chat.tokens().count("<|im_end|>\n<|im_start|>system") > 10, "they are counted as the letters they are");
}

#[tokio::test]
async fn corrupt_chat_weights_are_a_state_not_a_crash() {
    let Some(models) = models_dir() else { return };
    let whole = LocalChatOptions::default_model(&models).file;
    let dir = tempfile::tempdir().unwrap();
    let options = LocalChatOptions::default_model(dir.path());
    std::fs::create_dir_all(options.file.parent().unwrap()).unwrap();
    let mut bytes = std::fs::read(whole).unwrap();
    let fails = |bytes: &[u8], options: &LocalChatOptions| {
        std::fs::write(&options.file, bytes).unwrap();
        let chat = LocalChat::open(options.clone(), Arc::new(SeededIds::new(1)));
        assert!(chat.tokens().count("waits until the outcome is known") > 0);
        while chat.state() == ModelState::Loading {
            std::thread::yield_now();
        }
        match chat.state() {
            ModelState::Failed(reason) => reason,
            state => panic!("{state:?}"),
        }
    };
    let half = bytes.len() / 2;
    assert!(fails(&bytes[..half], &options).contains("is damaged: it has"));
    // A folder of the user's own has no checksums: then the reader must notice.
    let own = LocalChatOptions { verify: None, ..options.clone() };
    assert!(fails(&bytes[..half], &own).contains("cannot be used"));
    assert!(fails(b"not a model", &own).contains("no readable GGUF file"));
    bytes[half] ^= 1;
    assert!(fails(&bytes, &options).contains("SHA-256"));
}

fn embeddings() -> Option<LocalEmbeddings> {
    Some(LocalEmbeddings::open(LocalEmbeddingsOptions::default_model(&models_dir()?)))
}

async fn embed(model: &LocalEmbeddings, texts: &[&str]) -> Vec<Vec<f32>> {
    model.embed(texts.iter().map(ToString::to_string).collect(), EmbedPurpose::Passage).await.unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

const SENTENCES: [&str; 4] = [
    "The harbour of Tallinn freezes in hard winters.",
    "In cold years the port of Tallinn is closed by ice.",
    "Photosynthesis turns light into chemical energy.",
    "Où se trouve la bibliothèque ?",
];

/// The first six components of each, and of a text of more than 256 tokens, computed in double precision by an
/// independent program (NumPy) from the same weights.
const REFERENCE: [[f32; 6]; 5] = [
    [0.017_078, 0.056_096, 0.046_279, 0.112_336, -0.012_571, 0.031_278],
    [-0.030_104, 0.043_112, 0.022_788, 0.070_439, -0.009_558, 0.013_463],
    [-0.008_496, 0.045_149, -0.050_681, 0.102_15, 0.011_066, -0.007_399],
    [0.013_555, -0.068_956, -0.061_455, -0.003_628, -0.025_592, 0.031_796],
    [-0.009_935, 0.119_332, 0.030_87, -0.021_882, -0.094_471, -0.003_245],
];

#[tokio::test]
async fn embeddings_match_an_independent_implementation() {
    let Some(model) = embeddings() else { return };
    let long = ["The lighthouse keeper wrote down the height of every tide."; 60].join(" ");
    let texts: Vec<&str> = SENTENCES.into_iter().chain([long.as_str()]).collect();
    let vectors = embed(&model, &texts).await;
    for (vector, reference) in vectors.iter().zip(REFERENCE) {
        assert_eq!(vector.len(), 384);
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-5, "length 1");
        for (got, want) in vector.iter().zip(reference) {
            assert!((got - want).abs() < 1e-5, "{got} is not {want}");
        }
    }
    assert!((cosine(&vectors[0], &vectors[1]) - 0.713_43).abs() < 1e-4);
    assert!(cosine(&vectors[0], &vectors[2]) < 0.1 && cosine(&vectors[0], &vectors[3]) < 0.1);
}

#[tokio::test]
async fn order_of_texts_is_kept_and_company_changes_nothing() {
    let Some(model) = embeddings() else { return };
    let texts: Vec<&str> = SENTENCES.iter().copied().cycle().take(30).chain(["", "x"]).collect();
    let together = embed(&model, &texts).await;
    for (index, text) in texts.iter().enumerate().skip(27) {
        assert_eq!(together[index], embed(&model, &[text]).await[0], "{text}");
    }
    assert!(model.embed(Vec::new(), EmbedPurpose::Query).await.unwrap().is_empty());
}

#[tokio::test]
async fn more_texts_than_may_wait_are_refused_at_once() {
    let Some(models) = models_dir() else { return };
    let options = LocalEmbeddingsOptions { queue: 8, ..LocalEmbeddingsOptions::default_model(&models) };
    let model = LocalEmbeddings::open(options);
    let error = model.embed(vec!["a".into(); 9], EmbedPurpose::Passage).await.unwrap_err();
    assert_eq!(error.fault, ModelFault::Overloaded);
    assert_eq!(embed(&model, &["a"; 8]).await.len(), 8);
}

#[tokio::test]
async fn huge_text_is_cut_not_refused() {
    let Some(model) = embeddings() else { return };
    let vectors = embed(&model, &[&"tide ".repeat(100_000), &"a".repeat(400_000)]).await;
    assert!(vectors.iter().all(|v| (cosine(v, v) - 1.0).abs() < 1e-5));
}
