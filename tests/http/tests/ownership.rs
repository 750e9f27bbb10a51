//! What belongs to somebody else does not exist: every address with an id, every method.
#![allow(clippy::panic, reason = "helpers of tests stand outside test functions")]

use reqwest::Method;
use serde_json::{Value, json};
use support::{Answer, Client, TestServer, fixture_bytes, text};

const NOWHERE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Ids of things that one person has.
struct Things {
    conversation: String,
    reply: String,
    document: String,
    session: String,
}

impl Things {
    async fn of(client: &Client) -> Self {
        let document = client.document("soup.md", fixture_bytes("soup.md")).await;
        let conversation = client.conversation(json!({"title": "Mine"})).await;
        let answer = client.say(&conversation, "Hello").await.expect(201);
        let sessions = client.get("/api/v1/auth/sessions").await.expect(200);
        Self {
            conversation,
            reply: text(&answer["reply"]["id"]).to_owned(),
            document: text(&document["id"]).to_owned(),
            session: text(&sessions["items"][0]["id"]).to_owned(),
        }
    }

    fn nowhere() -> Self {
        let [conversation, reply, document, session] = std::array::from_fn(|_| NOWHERE.to_owned());
        Self { conversation, reply, document, session }
    }

    fn address(&self, template: &str) -> String {
        let id = match template {
            path if path.starts_with("/api/v1/conversations/") => &self.conversation,
            path if path.starts_with("/api/v1/messages/") => &self.reply,
            path if path.starts_with("/api/v1/documents/") => &self.document,
            path if path.starts_with("/api/v1/auth/sessions/") => &self.session,
            other => panic!("{other} has an id that this test does not know"),
        };
        template.replace("{id}", id)
    }
}

/// Every operation of the published document whose address has an id, as method and address.
async fn operations(client: &Client) -> Vec<(Method, String)> {
    let document = client.get("/openapi.json").await.expect(200);
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap_or_else(|| panic!("{document}")) {
        assert_eq!(path.contains('{'), path.contains("{id}"), "{path} has a parameter that this test does not know");
        for method in methods.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase()) {
            if let (true, Ok(method)) = (path.contains("{id}"), method.parse()) {
                found.push((method, path.clone()));
            }
        }
    }
    assert!(found.len() >= 14, "{found:?}");
    found
}

async fn send(client: &Client, method: &Method, address: &str) -> Answer {
    let body = json!({"content": "Hello", "title": "Yours now"});
    let request = client.request(method.clone(), address);
    client.send(if method == Method::GET { request } else { request.json(&body) }).await
}

fn without_request_id(mut problem: Value) -> Value {
    problem["request_id"].take();
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_others_are_answered_as_ids_that_do_not_exist() {
    let server = TestServer::builder().start();
    let (ada, _) = server.user("ada").await;
    let (ben, _) = server.user("ben").await;
    let (hers, nowhere) = (Things::of(&ada).await, Things::nowhere());
    for (method, template) in operations(&ada).await {
        let foreign = send(&ben, &method, &hers.address(&template)).await.expect_problem(404, "not_found");
        let absent = send(&ben, &method, &nowhere.address(&template)).await.expect_problem(404, "not_found");
        assert_eq!(without_request_id(foreign), without_request_id(absent), "{method} {template}");
        let noise = template.replace("{id}", "no-id");
        send(&ben, &method, &noise).await.expect_problem(404, "not_found");
    }
    let kept = ada.get(&hers.address("/api/v1/conversations/{id}")).await.expect(200);
    assert_eq!((&kept["title"], &kept["message_count"]), (&json!("Mine"), &json!(2)));
    assert_eq!(ada.get(&hers.address("/api/v1/documents/{id}")).await.expect(200)["filename"], "soup.md");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_hear_401_whatever_they_ask_for() {
    let server = TestServer::builder().start();
    let (ada, _) = server.user("ada").await;
    let things = Things::of(&ada).await;
    for (method, template) in operations(&ada).await {
        send(&server.anonymous(), &method, &things.address(&template)).await.expect_problem(401, "unauthenticated");
        send(&server.anonymous(), &method, &template.replace("{id}", "no-id"))
            .await
            .expect_problem(401, "unauthenticated");
    }
}
