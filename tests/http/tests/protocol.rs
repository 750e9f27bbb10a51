//! HTTP itself: identities, headers, refusals, health, and the published description.

use std::collections::BTreeSet;

use futures::stream;
use reqwest::{Body, Method};
use serde_json::{Value, json};
use support::{Answer, Client, TestServer, assert_fields, text};

const LOGIN: &str = "/api/v1/auth/login";
const PAGE_ORIGIN: &str = "https://app.example.org";

async fn send_text(client: &Client, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
    let request = client.request(Method::POST, path).header("Content-Type", content_type).body(body);
    client.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sane_identity_of_a_request_is_kept_and_anything_else_replaced() {
    let server = TestServer::builder().start();
    let client = server.anonymous();
    let longest = "x".repeat(64);
    for sane in ["trace-1.2_3", "a", &longest] {
        let answer = client.send(client.request(Method::GET, "/nowhere").header("X-Request-Id", sane)).await;
        assert_eq!(answer.header("x-request-id"), sane);
        assert_eq!(answer.expect_problem(404, "not_found")["request_id"], sane);
    }
    let too_long = "x".repeat(65);
    let mut given = BTreeSet::new();
    for odd in ["", "a b", "a,b", "<b>", &too_long] {
        let answer = client.send(client.request(Method::GET, "/nowhere").header("X-Request-Id", odd)).await;
        let id = answer.header("x-request-id").to_owned();
        assert_eq!(id.len(), 36, "{odd:?} became {id}");
        assert_eq!(answer.expect_problem(404, "not_found")["request_id"], id);
        given.insert(id);
    }
    assert_eq!(given.len(), 5, "every request has its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_an_identity_and_safe_headers() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    for path in [
        "/",
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/docs",
        "/api/v1/me",
        "/nowhere",
        "/api/v1/documents?limit=0",
    ] {
        let answer = client.get(path).await;
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("server"), "", "{path}");
    }
    assert_eq!(client.get("/api/v1/me").await.header("cache-control"), "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn problem_has_the_members_of_the_contract() {
    let server = TestServer::builder().start();
    let client = server.anonymous();
    let answer = client.get("/api/v1/nowhere").await;
    let id = answer.header("x-request-id").to_owned();
    let problem = answer.expect_problem(404, "not_found");
    assert_fields(&problem, "type title status detail code request_id errors");
    assert_eq!(
        (&problem["status"], text(&problem["request_id"]), &problem["errors"]),
        (&json!(404), id.as_str(), &json!([]))
    );
    assert!(text(&problem["type"]).ends_with("#not_found"), "{problem}");
    let explained = client.get(text(&problem["type"]).split('#').next().unwrap()).await;
    assert_eq!(explained.status, 200);
    assert!(explained.text.contains("not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_method_is_told_the_right_ones() {
    let server = TestServer::builder().start();
    let client = server.anonymous();
    for (method, path, allowed) in [
        (Method::PUT, "/api/v1/conversations", "GET POST"),
        (Method::POST, "/api/v1/me", "GET"),
        (Method::GET, LOGIN, "POST"),
        (Method::POST, "/api/v1/documents/01890a5d-ac96-774b-bcce-b302099a8057/", "DELETE GET PATCH"),
        (Method::DELETE, "/openapi.json", "GET"),
        (Method::POST, "/docs", "GET"),
    ] {
        let answer = client.send(client.request(method.clone(), path)).await;
        let mut told: Vec<&str> = answer.header("allow").split(", ").collect();
        told.sort_unstable();
        assert_eq!(told.join(" "), allowed, "{method} {path}");
        answer.expect_problem(405, "method_not_allowed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn body_that_cannot_be_read_says_why() {
    let server = TestServer::builder().start();
    let client = server.anonymous();
    for broken in ["", "{", "{\"username\":}", "nonsense", "{\"username\":\"ada\",\"password\":\"x\"} {}"] {
        let problem =
            send_text(&client, LOGIN, "application/json", broken).await.expect_problem(422, "validation_failed");
        assert!(text(&problem["detail"]).contains("JSON"), "{broken}: {problem}");
    }
    send_text(&client, LOGIN, "application/json", "[]").await.expect_invalid(&["body"]);
    send_text(&client, LOGIN, "application/json", &b"{\"username\":\"\xff\xfe\"}"[..])
        .await
        .expect_problem(422, "validation_failed");
    for other in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
        let problem = send_text(&client, LOGIN, other, "{}").await.expect_problem(415, "unsupported_media_type");
        assert!(text(&problem["detail"]).contains("application/json"), "{problem}");
    }
    let charset = "application/json; charset=utf-8";
    let login = r#"{"username":"nobody","password":"correct horse"}"#;
    send_text(&client, LOGIN, charset, login).await.expect_problem(401, "invalid_credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn body_at_the_limit_is_read_and_one_byte_more_is_refused() {
    let server = TestServer::builder().set("server.max_body_bytes", 1_024).start();
    let client = server.anonymous();
    let padded = |length: usize| format!("{:<length$}", r#"{"username":"nobody","password":"correct horse"}"#);
    send_text(&client, LOGIN, "application/json", padded(1_024)).await.expect_problem(401, "invalid_credentials");
    let problem =
        send_text(&client, LOGIN, "application/json", padded(1_025)).await.expect_problem(413, "payload_too_large");
    assert!(text(&problem["detail"]).contains("1024"), "{problem}");
    // Without a length in its head, a body is counted as it comes.
    let pieces = |length| stream::iter([Ok::<_, std::io::Error>(padded(length))]);
    let counted = Body::wrap_stream(pieces(1_024));
    send_text(&client, LOGIN, "application/json", counted).await.expect_problem(401, "invalid_credentials");
    let counted = Body::wrap_stream(pieces(1_025));
    send_text(&client, LOGIN, "application/json", counted).await.expect_problem(413, "payload_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_configured_origins_may_call_and_no_others() {
    let server = TestServer::builder().set("server.cors_origins", PAGE_ORIGIN).start();
    let client = server.anonymous();
    let preflight = |client: &Client, origin: &str| {
        client
            .request(Method::OPTIONS, "/api/v1/conversations")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,content-type")
    };
    let allowed = client.send(preflight(&client, PAGE_ORIGIN)).await;
    assert!(allowed.status.is_success(), "{}", allowed.text);
    assert_eq!(allowed.header("access-control-allow-origin"), PAGE_ORIGIN);
    assert!(allowed.header("access-control-allow-methods").contains("POST"));
    assert!(allowed.header("access-control-allow-headers").to_lowercase().contains("authorization"));
    for other in ["https://evil.example.org", "https://app.example.org.evil.org", "http://app.example.org", "null"] {
        let refused = client.send(preflight(&client, other)).await;
        assert_eq!(refused.header("access-control-allow-origin"), "", "{other}");
        let call = client.send(client.request(Method::GET, "/health/live").header("Origin", other)).await;
        assert_eq!(call.header("access-control-allow-origin"), "", "{other}");
    }
    let refused = client.send(client.request(Method::GET, "/api/v1/me").header("Origin", PAGE_ORIGIN)).await;
    assert_eq!(refused.header("access-control-allow-origin"), PAGE_ORIGIN, "a page may read its problems");
    refused.expect_problem(401, "unauthenticated");
    let closed = TestServer::builder().start();
    let refused = closed.anonymous().send(preflight(&closed.anonymous(), PAGE_ORIGIN)).await;
    assert_eq!(refused.header("access-control-allow-origin"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_what_is_missing_and_what_to_do() {
    let whole = TestServer::builder().start();
    let client = whole.anonymous();
    assert_eq!(client.get("/health/live").await.expect(200), json!({"status": "ok"}));
    let ready = client.get("/health/ready").await.expect(200);
    assert_fields(&ready, "status checks");
    assert_eq!(ready["status"], "ok", "{ready}");

    let bare = TestServer::builder().without_chat_model().without_embedding_model().start();
    let ready = bare.anonymous().get("/health/ready").await.expect(200);
    assert_eq!(ready["status"], "degraded");
    for check in ready["checks"].as_array().unwrap() {
        assert_fields(check, "name status detail");
        match text(&check["name"]) {
            "database" => assert_eq!(check["status"], "ok"),
            name => {
                assert_eq!(check["status"], "degraded", "{name}");
                assert!(text(&check["detail"]).contains("causerie models pull"), "{check}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn published_description_is_whole_and_names_every_route() {
    let server = TestServer::builder().start();
    let client = server.anonymous();
    let document = client.get("/openapi.json").await.expect(200);
    assert!(text(&document["openapi"]).starts_with("3."), "{}", document["openapi"]);
    let mut operations = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations.insert(format!("{} {path}", method.to_uppercase()));
            assert!(ids.insert(text(&operation["operationId"]).to_owned()), "{method} {path} shares its id");
            assert!(operation["responses"].as_object().is_some_and(|all| !all.is_empty()), "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
        }
    }
    let expected = "\
        POST /api/v1/auth/register, POST /api/v1/auth/login, POST /api/v1/auth/refresh, POST /api/v1/auth/logout, \
        POST /api/v1/auth/logout-all, GET /api/v1/auth/sessions, DELETE /api/v1/auth/sessions/{id}, GET /api/v1/me, \
        POST /api/v1/conversations, GET /api/v1/conversations, GET /api/v1/conversations/{id}, \
        PATCH /api/v1/conversations/{id}, DELETE /api/v1/conversations/{id}, GET /api/v1/conversations/{id}/messages, \
        POST /api/v1/conversations/{id}/messages, GET /api/v1/conversations/{id}/memory, \
        GET /api/v1/messages/{id}/context, GET /api/v1/messages/{id}/stream, POST /api/v1/messages/{id}/cancel, \
        POST /api/v1/documents, GET /api/v1/documents, GET /api/v1/documents/{id}, PATCH /api/v1/documents/{id}, \
        DELETE /api/v1/documents/{id}, GET /api/v1/documents/{id}/content, GET /api/v1/documents/{id}/chunks, \
        GET /api/v1/documents/{id}/original, GET /api/v1/rag/search, GET /health/live, GET /health/ready, \
        GET /openapi.json";
    for route in expected.split(", ") {
        assert!(operations.contains(route), "{route} is not described");
    }
    for operation in &operations {
        let (method, path) = operation.split_once(' ').unwrap();
        let path = path.replace("{id}", "01890a5d-ac96-774b-bcce-b302099a8057");
        let answer = client.send(client.request(method.parse().unwrap(), &path)).await;
        assert!(!matches!(answer.status.as_u16(), 404 | 405), "{operation} is not served: {}", answer.text);
    }
    check_references(&document, &document);
}

/// Every `$ref` leads somewhere.
fn check_references(value: &Value, document: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get("$ref") {
                let pointer = target.trim_start_matches('#');
                assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
            }
            fields.values().for_each(|field| check_references(field, document));
        }
        Value::Array(items) => items.iter().for_each(|item| check_references(item, document)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documentation_page_and_its_files_come_from_here_alone() {
    let server = TestServer::builder().start();
    let client = server.anonymous();
    for address in ["/docs", "/docs/"] {
        let page = client.get(address).await;
        assert_eq!(page.status, 200, "{address}");
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(!page.text.contains("//"), "an outside address: {}", page.text);
        let policy = page.header("content-security-policy").to_owned();
        assert!(policy.contains("script-src 'self'") && !policy.contains("http"), "{policy}");
        let files = page.text.split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css"));
        let files: Vec<&str> = files.collect();
        assert!(files.len() >= 3, "{}", page.text);
        for file in files {
            let file = client.get(&format!("/docs/{}", file.trim_start_matches("./"))).await;
            assert_eq!(file.status, 200);
        }
    }
    let start = client.get("/docs/swagger-initializer.js").await.text;
    assert!(start.contains("../openapi.json") && !start.contains("http"), "{start}");
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_requests_never_fail_the_server_and_never_show_its_inside() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let id = client.conversation(json!({})).await;
    let odd = [
        "\u{0}",
        "'; DROP TABLE users; --",
        "\u{202e}\u{feff}",
        "{{7*7}}",
        "../../secrets/jwt",
        "💥".repeat(60).leak(),
    ];
    let mut answers = Vec::new();
    for text in odd {
        answers.push(client.post("/api/v1/conversations", json!({"title": text, "tags": [text]})).await);
        answers.push(client.patch(&format!("/api/v1/conversations/{id}"), json!({"system_prompt": text})).await);
        answers.push(client.say(&id, text).await);
        answers.push(client.post(LOGIN, json!({"username": text, "password": text})).await);
        let query = client.request(Method::GET, "/api/v1/conversations").query(&[("q", text), ("tag", text)]);
        answers.push(client.send(query).await);
        answers.push(client.upload_with(vec![("a.txt", b"words".to_vec())], &[("title", text)]).await);
    }
    for path in [
        "/%00",
        "/%ff%fe",
        "/..%2f..%2fetc/passwd",
        "/docs/../../Cargo.toml",
        "/docs/..%2fopenapi.json",
        "/api/v1/documents/%27",
        "/api/v1/conversations?limit=99999999999999999999",
        "/api/v1/conversations?q=%ff",
        "/api/v1/conversations?page=4294967295&limit=100",
        "/api/v1/conversations?page=99999999999999999999",
    ] {
        answers.push(client.get(path).await);
    }
    let folder = server.folder().display().to_string();
    for answer in answers {
        assert!(!answer.status.is_server_error(), "{}", answer.text);
        let words = answer.text.to_lowercase();
        for inside in [folder.as_str(), "sqlite", "diesel", "panicked", ".rs:", "select ", "stack backtrace"] {
            assert!(!words.contains(&inside.to_lowercase()), "`{inside}` in {}", answer.text);
        }
    }
    client.get("/api/v1/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn start_page_says_where_to_go_on() {
    let server = TestServer::builder().start();
    let client = server.anonymous();
    let home = client.get("/").await.expect(200);
    for place in ["docs", "openapi", "health"] {
        assert_eq!(client.get(text(&home[place])).await.status, 200, "{place}");
    }
}
