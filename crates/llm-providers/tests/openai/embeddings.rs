//! Vectors.

use domain::{EmbedPurpose, ModelFault, ports::EmbeddingModel};
use llm_providers::{
    catalogue::{EmbeddingEntry, Vocabulary},
    openai::{Connection, OpenAiEmbeddings, Timeouts},
};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{
    KEY, settings,
    upstream::{Step, Upstream, whole},
};

fn model_with(base_url: &str, entry: &EmbeddingEntry) -> OpenAiEmbeddings {
    OpenAiEmbeddings::new(&Connection::open(settings(base_url)).unwrap(), "embedder", entry)
}

fn entry() -> EmbeddingEntry {
    EmbeddingEntry {
        dimensions: 2,
        max_tokens: 512,
        tokenizer: Some(Vocabulary::Cl100k),
        price: None,
        query_prefix: "query: ".to_owned(),
        passage_prefix: String::new(),
    }
}

fn answer(body: &Value) -> Vec<Step> {
    whole("200 OK", &[("content-type", "application/json")], &body.to_string())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[tokio::test]
async fn vectors_come_in_the_order_of_the_texts_and_at_length_one() {
    let body = json!({"data": [{"index": 1, "embedding": [0.0, 5.0]}, {"index": 0, "embedding": [3, 4]}], "usage": {}});
    let mut upstream = Upstream::playing([answer(&body)]).await;
    let model = model_with(&upstream.base_url, &entry());
    let vectors = model.embed(texts(&["a", "b"]), EmbedPurpose::Passage).await.unwrap();
    assert_eq!(vectors, [vec![0.6, 0.8], vec![0.0, 1.0]]);
    assert_eq!((model.info().id.as_str(), model.info().dimensions), ("custom/embedder", 2));

    let received = upstream.next_request().await;
    assert!(received.head.starts_with("POST /v1/embeddings HTTP/1.1\r\n"), "{}", received.head);
    assert_eq!(received.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(received.body, json!({"model": "embedder", "input": ["a", "b"]}));
}

#[tokio::test]
async fn question_gets_its_prefix() {
    let mut upstream = Upstream::playing([answer(&json!({"data": [{"index": 0, "embedding": [1, 0]}]}))]).await;
    model_with(&upstream.base_url, &entry()).embed(texts(&["why?"]), EmbedPurpose::Query).await.unwrap();
    assert_eq!(upstream.next_request().await.body["input"], json!(["query: why?"]));
}

#[tokio::test]
async fn text_is_cut_to_what_the_model_takes() {
    let mut upstream = Upstream::playing([answer(&json!({"data": [{"index": 0, "embedding": [1, 0]}]}))]).await;
    let entry = EmbeddingEntry { max_tokens: 10, ..entry() };
    let long = "word ".repeat(40);
    model_with(&upstream.base_url, &entry).embed(vec![long], EmbedPurpose::Passage).await.unwrap();
    let body = upstream.next_request().await.body;
    let words = body["input"][0].as_str().unwrap().split_whitespace().count();
    assert!((8..=10).contains(&words), "{words} words, each of one token");
}

#[tokio::test]
async fn many_texts_go_in_several_calls_and_keep_their_order() {
    let mut upstream = Upstream::computing(|body| {
        let one = |text: &Value| json!({"embedding": [text.as_str()?.parse::<u32>().ok()?, 1]}).into();
        let data: Option<Vec<Value>> = body["input"].as_array()?.iter().map(one).collect();
        Some(answer(&json!({"data": data?})))
    })
    .await;
    let model = model_with(&upstream.base_url, &entry());
    let vectors = model.embed((0..300).map(|n| n.to_string()).collect(), EmbedPurpose::Passage).await.unwrap();
    assert_eq!((vectors.len(), upstream.more_requests()), (300, 5));
    for (n, vector) in (0_u16..).zip(&vectors) {
        assert!((vector[0] / vector[1] - f32::from(n)).abs() < 0.1, "{n}: {vector:?}");
    }

    assert_eq!(model.embed(Vec::new(), EmbedPurpose::Passage).await.unwrap().len(), 0);
    assert_eq!(upstream.more_requests(), 0);
}

#[tokio::test]
async fn answers_that_are_no_vectors_are_errors() {
    for (body, says) in [
        (json!({"data": []}), "was given 1 texts and sent 0 vectors"),
        (json!({"data": [{"index": 0, "embedding": [1, 2, 3]}]}), "correct its dimensions"),
        (json!({"data": [{"index": 7, "embedding": [1, 2]}]}), "numbered"),
        (json!({"data": [{"index": 0, "embedding": [0, 0]}]}), "without a direction"),
        (json!({"error": {"message": "Bad input", "code": 400}}), "Bad input"),
        (json!({"data": [{"embedding": "AAAA"}]}), "not a reply of its protocol"),
    ] {
        let upstream = Upstream::playing([answer(&body)]).await;
        let model = model_with(&upstream.base_url, &entry());
        let error = model.embed(texts(&["a"]), EmbedPurpose::Passage).await.unwrap_err();
        assert!(error.to_string().contains(says), "{body}: {error}");
    }
}

#[tokio::test]
async fn failures_are_sorted_as_for_chat() {
    let upstream = Upstream::answering("429 Too Many Requests", &[("retry-after", "2")], "").await;
    let error = model_with(&upstream.base_url, &entry()).embed(texts(&["a"]), EmbedPurpose::Query).await.unwrap_err();
    assert_eq!((error.fault, error.retry_after_ms), (ModelFault::Retryable, Some(2_000)));
}

#[tokio::test]
async fn no_answer_in_time_is_a_timeout_and_leaves_the_provider() {
    let (sender, closed) = oneshot::channel();
    let upstream = Upstream::playing([vec![Step::AwaitClose(sender)]]).await;
    let timeouts = Timeouts { first_token_ms: 30, ..Timeouts::default() };
    let settings = crate::ConnectionSettings { timeouts, ..settings(&upstream.base_url) };
    let model = OpenAiEmbeddings::new(&Connection::open(settings).unwrap(), "embedder", &entry());
    let error = model.embed(texts(&["a"]), EmbedPurpose::Query).await.unwrap_err();
    assert_eq!(error.fault, ModelFault::Timeout);
    closed.await.unwrap();
}
