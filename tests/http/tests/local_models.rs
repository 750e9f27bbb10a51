//! The whole server on the real local models: weights from the disk in the place of every script.

use serde_json::json;
use support::{TestServer, fixture, fixture_bytes, kinds, text};

/// The folder that holds the default weights, where the tests may use them.
const MODELS_DIR: &str = "CAUSERIE_TEST_MODELS_DIR";

#[tokio::test(flavor = "multi_thread")]
async fn local_models_answer_from_the_page_that_holds_the_answer() {
    let Some(folder) = std::env::var(MODELS_DIR).ok().filter(|folder| !folder.is_empty()) else {
        println!("{MODELS_DIR} is not set: the local models are not tested");
        return;
    };
    let server = TestServer::builder().configured_models().set("local.models_dir", folder).start();
    let (client, _) = server.user("ada").await;
    let document = client.document("lighthouses.pdf", fixture_bytes("lighthouses.pdf")).await;
    assert_eq!((text(&document["status"]), text(&document["embedding"])), ("ready", "ready"), "{document}");
    let fact = fixture("lighthouses.pdf").facts.remove(0);
    let conversation = client.conversation(json!({"grounding": "grounded_rag"})).await;
    let events = client.say_streamed(&conversation, &fact.question).await.rest().await;
    assert_eq!(kinds(&events), ["start", "chunk", "citation", "done"], "{events:?}");
    let done = events.last().unwrap();
    assert!(!text(&done["content"]).trim().is_empty());
    assert!(text(&done["model_used"]).starts_with("local/"), "{done}");
    assert!(done["usage"]["completion_tokens"].as_u64() > Some(0), "{done}");
    let citations = done["citations"].as_array().unwrap();
    let page = fact.page.map(u64::from);
    let cites =
        |citation: &serde_json::Value| citation["document_id"] == document["id"] && citation["page"].as_u64() == page;
    assert!(citations.iter().any(cites), "{} is on page {page:?}: {done}", fact.question);
    let ready = client.get("/health/ready").await.expect(200);
    assert_eq!(ready["status"], "ok", "{ready}");
}
