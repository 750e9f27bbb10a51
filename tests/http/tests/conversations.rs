//! Conversations: what they hold, how they change, how they are listed.

use serde_json::{Value, json};
use support::{Client, ScriptedModel, TestServer, assert_fields, fixture_bytes, ids_of, items, text};

const CONVERSATIONS: &str = "/api/v1/conversations";
const FIELDS: &str = "id title mode grounding model_size model document_ids tags pinned archived temporary memory \
                      system_prompt active_message_id message_count created_at updated_at";

fn path(id: &str) -> String {
    format!("{CONVERSATIONS}/{id}")
}

async fn list(client: &Client, query: &[(&str, &str)]) -> Vec<String> {
    let request = client.request(reqwest::Method::GET, CONVERSATIONS).query(query);
    let found = client.send(request).await.expect(200);
    items(&found).iter().map(|conversation| conversation["title"].as_str().unwrap_or("-").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_conversation_has_every_field_with_its_default() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let made = client.post(CONVERSATIONS, json!({})).await.expect(201);
    assert_fields(&made, FIELDS);
    assert_fields(&made["memory"], "enabled policy");
    let mut rest = made.clone();
    for changing in ["id", "created_at", "updated_at"] {
        assert!(rest[changing].take().is_string(), "{changing}: {made}");
    }
    assert_eq!(
        rest,
        json!({
            "id": null, "title": null, "mode": "default", "grounding": "open_chat", "model_size": "medium",
            "model": null, "document_ids": [], "tags": [], "pinned": false, "archived": false, "temporary": false,
            "memory": {"enabled": true, "policy": "adaptive"}, "system_prompt": null, "active_message_id": null,
            "message_count": 0, "created_at": null, "updated_at": null
        })
    );
    assert_eq!(client.get(&path(text(&made["id"]))).await.expect(200), made);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_conversation_is_made_with_is_kept() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let document = client.document("soup.md", fixture_bytes("soup.md")).await;
    let wanted = json!({
        "title": "Nettle soup", "mode": "code", "grounding": "grounded_rag", "model_size": "small",
        "model": "scripted/model", "document_ids": [document["id"]], "tags": ["soup", "spring"], "temporary": true,
        "memory": {"enabled": false}, "system_prompt": "Answer like a cook."
    });
    let made = client.post(CONVERSATIONS, wanted.clone()).await.expect(201);
    for (field, value) in wanted.as_object().unwrap() {
        if field != "memory" {
            assert_eq!(made[field], *value, "{field}");
        }
    }
    assert_eq!(made["memory"], json!({"enabled": false, "policy": "adaptive"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn change_touches_what_it_names_and_null_removes() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let wanted = json!({"title": "Soup", "tags": ["a"], "model": "scripted/model", "system_prompt": "Be brief."});
    let before = client.post(CONVERSATIONS, wanted).await.expect(201);
    let path = path(text(&before["id"]));
    let patch = json!({
        "title": null, "model": null, "pinned": true, "archived": true, "tags": ["b", "c"], "mode": "reason",
        "memory": {"enabled": false}, "no_such_field": 1
    });
    let after = client.patch(&path, patch).await.expect(200);
    let mut expected = before.clone();
    expected["title"] = Value::Null;
    expected["model"] = Value::Null;
    expected["pinned"] = json!(true);
    expected["archived"] = json!(true);
    expected["tags"] = json!(["b", "c"]);
    expected["mode"] = json!("reason");
    expected["memory"]["enabled"] = json!(false);
    expected["updated_at"] = after["updated_at"].clone();
    assert_eq!(after, expected);
    assert_eq!(client.get(&path).await.expect(200), after);
    assert_eq!(client.patch(&path, json!({})).await.expect(200)["tags"], json!(["b", "c"]));
    client.patch(&path, json!({"pinned": null})).await.expect_invalid(&["pinned"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_mode_has_a_code_of_its_own_and_changes_nothing() {
    let model = ScriptedModel::new();
    let server = TestServer::with(&model);
    let (client, _) = server.user("ada").await;
    let id = client.conversation(json!({"mode": "code"})).await;
    let bad = json!({"mode": "poetry", "content": "Hello", "title": "x"});
    for refused in [
        client.post(CONVERSATIONS, bad.clone()).await,
        client.patch(&path(&id), bad.clone()).await,
        client.post(&format!("{}/messages", path(&id)), bad).await,
    ] {
        let problem = refused.expect_problem(422, "unknown_mode");
        for known in ["default", "reason", "code"] {
            assert!(text(&problem["detail"]).contains(known), "{problem}");
        }
    }
    let kept = client.get(&path(&id)).await.expect(200);
    assert_eq!((&kept["mode"], &kept["title"], &kept["message_count"]), (&json!("code"), &Value::Null, &json!(0)));
    assert_eq!(items(&client.get(CONVERSATIONS).await.expect(200)).len(), 1);
    assert!(model.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn mode_of_the_configuration_adds_its_instructions() {
    let model = ScriptedModel::new();
    let terse = "models.modes.terse.system_prompt";
    let server = TestServer::builder().model(&model).set(terse, "Answer in one word.").start();
    let (client, _) = server.user("ada").await;
    let id = client.conversation(json!({"mode": "terse"})).await;
    client.say(&id, "Hello").await.expect(201);
    assert!(model.requests()[0].messages[0].content.contains("Answer in one word."));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_values_are_refused_by_the_name_of_their_field() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let path = path(&client.conversation(json!({})).await);
    for (field, value) in [
        ("grounding", json!("maybe")),
        ("model_size", json!("huge")),
        ("title", json!(7)),
        ("title", json!("x".repeat(201))),
        ("tags", json!(["x".repeat(51)])),
        ("tags", json!((0..21).map(|n| n.to_string()).collect::<Vec<_>>())),
        ("system_prompt", json!("x".repeat(20_001))),
    ] {
        let body = json!({field: value});
        client.post(CONVERSATIONS, body.clone()).await.expect_invalid(&[field]);
        client.patch(&path, body).await.expect_invalid(&[field]);
    }
    let policy = json!({"memory": {"policy": "elephant"}});
    client.post(CONVERSATIONS, policy.clone()).await.expect_invalid(&["memory.policy"]);
    client.patch(&path, policy).await.expect_invalid(&["memory.policy"]);
    client.post(CONVERSATIONS, json!({"document_ids": ["no id"]})).await.expect_invalid(&["document_ids[0]"]);
    let two = json!({"title": "x".repeat(201), "tags": ["x".repeat(51)]});
    client.post(CONVERSATIONS, two).await.expect_invalid(&["title", "tags"]);
    assert_eq!(items(&client.get(CONVERSATIONS).await.expect(200)).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_others_are_refused() {
    let server = TestServer::builder().start();
    let (ada, _) = server.user("ada").await;
    let (ben, _) = server.user("ben").await;
    let document = ada.document("soup.md", fixture_bytes("soup.md")).await;
    let path = path(&ben.conversation(json!({})).await);
    let foreign = json!({"document_ids": [document["id"]], "content": "Which sieve?"});
    ben.post(CONVERSATIONS, foreign.clone()).await.expect_invalid(&["document_ids"]);
    ben.patch(&path, foreign.clone()).await.expect_invalid(&["document_ids"]);
    ben.post(&format!("{path}/messages"), foreign).await.expect_invalid(&["document_ids"]);
    assert_eq!(ben.get(&path).await.expect(200)["message_count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_conversation_is_gone_with_its_messages() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let id = client.conversation(json!({})).await;
    let answer = client.say(&id, "Hello").await.expect(201);
    let reply = text(&answer["reply"]["id"]).to_owned();
    client.delete(&path(&id)).await.expect(204);
    for gone in [path(&id), format!("{}/messages", path(&id)), format!("/api/v1/messages/{reply}/context")] {
        client.get(&gone).await.expect_problem(404, "not_found");
    }
    client.delete(&path(&id)).await.expect_problem(404, "not_found");
    assert_eq!(client.get(CONVERSATIONS).await.expect(200)["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_and_pages_give_the_same_conversations() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(client.conversation(json!({"title": format!("Number {n}")})).await);
    }
    made.reverse();
    for limit in [1, 3, 7, 100] {
        assert_eq!(client.ids_by_cursor(CONVERSATIONS, limit).await, made, "newest first, by {limit}");
        assert_eq!(client.ids_by_page(CONVERSATIONS, limit, 7).await, made, "newest first, by {limit}");
    }
    let first = client.get(CONVERSATIONS).await.expect(200);
    assert_fields(&first, "items next_cursor page");
    assert_eq!((&first["page"], &first["next_cursor"]), (&Value::Null, &Value::Null));
    let beyond = client.get(&format!("{CONVERSATIONS}?page=9&limit=3")).await.expect(200);
    assert_eq!(beyond, json!({"items": [], "next_cursor": null, "page": 9, "total": 7}));
}

#[tokio::test(flavor = "multi_thread")]
async fn cursor_stays_good_while_newer_conversations_come_and_go() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push(client.conversation(json!({})).await);
    }
    let first = client.get(&format!("{CONVERSATIONS}?limit=2")).await.expect(200);
    client.conversation(json!({})).await;
    client.delete(&path(&made[2])).await.expect(204);
    let cursor = text(&first["next_cursor"]);
    let second = client.get(&format!("{CONVERSATIONS}?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(ids_of(&second), [made[1].as_str(), made[0].as_str()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_refuse_what_they_cannot_give() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let conversation = client.conversation(json!({})).await;
    client.conversation(json!({})).await;
    let page = client.get(&format!("{CONVERSATIONS}?limit=1")).await.expect(200);
    let cursor = text(&page["next_cursor"]);
    for list in [CONVERSATIONS.to_owned(), format!("{}/messages", path(&conversation)), "/api/v1/documents".to_owned()]
    {
        let get = async |query: &str| client.get(&format!("{list}?{query}")).await;
        get(&format!("cursor={cursor}&page=1")).await.expect_problem(400, "bad_request");
        for wrong in ["nonsense", &cursor[1..], &format!("{cursor}0"), &cursor.replace(&cursor[..1], "z")] {
            get(&format!("cursor={wrong}")).await.expect_problem(400, "bad_cursor");
        }
        for wrong in ["limit=0", "limit=101", "limit=-1", "limit=many"] {
            get(wrong).await.expect_invalid(&["limit"]);
        }
        get("page=0").await.expect_invalid(&["page"]);
        get("limit=100").await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn list_is_narrowed_by_words_labels_and_marks() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    for (title, tags) in
        [("Nettle soup", vec!["food", "spring"]), ("Salt tramway", vec!["rail"]), ("Soup tins", vec!["food"])]
    {
        client.conversation(json!({"title": title, "tags": tags})).await;
    }
    let hidden = client.conversation(json!({"title": "Old soup"})).await;
    client.patch(&path(&hidden), json!({"archived": true})).await.expect(200);
    let pinned = client.conversation(json!({"title": "100% pinned"})).await;
    client.patch(&path(&pinned), json!({"pinned": true})).await.expect(200);

    assert_eq!(list(&client, &[]).await, ["100% pinned", "Soup tins", "Salt tramway", "Nettle soup"]);
    assert_eq!(list(&client, &[("q", "sOUP")]).await, ["Soup tins", "Nettle soup"]);
    assert_eq!(list(&client, &[("q", "soup nettle")]).await, ["Nettle soup"], "all words, in any order");
    assert_eq!(list(&client, &[("q", "0%")]).await, ["100% pinned"], "no wildcard");
    assert_eq!(list(&client, &[("q", "_")]).await, [""; 0], "no wildcard");
    assert_eq!(list(&client, &[("archived", "true")]).await, ["Old soup"]);
    assert_eq!(list(&client, &[("pinned", "true")]).await, ["100% pinned"]);
    assert_eq!(list(&client, &[("pinned", "false"), ("tag", "food")]).await, ["Soup tins", "Nettle soup"]);
    assert_eq!(list(&client, &[("tag", "food"), ("tag", "spring")]).await, ["Nettle soup"]);
    assert_eq!(list(&client, &[("tag", "food,spring")]).await, ["Nettle soup"]);
    assert_eq!(client.get(&format!("{CONVERSATIONS}?q=soup&page=1")).await.expect(200)["total"], 2);
    client.get(&format!("{CONVERSATIONS}?archived=perhaps")).await.expect_invalid(&["archived"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn conversation_with_the_newest_activity_comes_first() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let old = client.conversation(json!({"title": "Old"})).await;
    client.conversation(json!({"title": "New"})).await;
    client.say(&old, "Hello").await.expect(201);
    assert_eq!(list(&client, &[]).await, ["Old", "New"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_what_others_have() {
    let server = TestServer::builder().start();
    let (ada, _) = server.user("ada").await;
    let (ben, _) = server.user("ben").await;
    ada.conversation(json!({"title": "Soup"})).await;
    assert_eq!(list(&ben, &[("q", "soup")]).await, [""; 0]);
    assert_eq!(ben.get(&format!("{CONVERSATIONS}?page=1")).await.expect(200)["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn address_with_a_trailing_slash_is_the_same_address() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let made = client.post(&format!("{CONVERSATIONS}/"), json!({"title": "Soup"})).await.expect(201);
    let path = path(text(&made["id"]));
    assert_eq!(client.get(&format!("{path}/")).await.expect(200), made);
    client.post(&format!("{path}/messages/"), json!({"content": "Hello"})).await.expect(201);
    for list in [format!("{CONVERSATIONS}/?limit=5"), format!("{path}/messages/"), "/api/v1/documents/".to_owned()] {
        client.get(&list).await.expect(200);
    }
    client.delete(&format!("{path}/")).await.expect(204);
}
