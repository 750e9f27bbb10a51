//! How the HTTP layer behaves, whatever it stands on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic in their helpers too")]

mod nothing;

use actix_web::{
    App,
    http::{Method, StatusCode, header::HeaderMap},
    test::{self, TestRequest},
};
use api::{Api, HttpSettings};
use serde_json::{Value, json};

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["request_id"], self.header("x-request-id"));
        body
    }
}

struct Server {
    api: Api,
    token: Option<String>,
}

impl Server {
    fn with(settings: HttpSettings) -> Self {
        Self { api: Api::new(nothing::services(), settings), token: None }
    }

    async fn signed_in() -> Self {
        let mut server = Self::with(HttpSettings::default());
        let account = json!({"username": "ada", "email": "ada@example.org", "password": "correct horse battery"});
        assert_eq!(server.post("/api/v1/auth/register", account).await.status, StatusCode::CREATED);
        let login = json!({"username": "ada", "password": "correct horse battery"});
        let tokens = server.post("/api/v1/auth/login", login).await.json();
        assert_eq!((tokens["token_type"].as_str(), tokens["expires_in"].as_u64()), (Some("Bearer"), Some(900)));
        server.token = tokens["access"].as_str().map(str::to_owned);
        server
    }

    async fn send(&self, request: TestRequest) -> Answer {
        let request = match &self.token {
            Some(token) => request.insert_header(("authorization", format!("Bearer {token}"))),
            None => request,
        };
        let app = test::init_service(App::new().configure(|config| api::configure(config, &self.api))).await;
        let response = test::call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = String::from_utf8_lossy(&test::read_body(response).await).into_owned();
        Answer { status, headers, text }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(TestRequest::get().uri(path)).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(TestRequest::post().uri(path).set_json(body)).await
    }

    async fn post_text(&self, path: &str, body: &str) -> Answer {
        let json = ("content-type", "application/json");
        self.send(TestRequest::post().uri(path).insert_header(json).set_payload(body.to_owned())).await
    }

    async fn upload(&self, body: &str) -> Answer {
        let form = ("content-type", "multipart/form-data; boundary=X");
        let body = body.replace('\n', "\r\n");
        self.send(TestRequest::post().uri("/api/v1/documents").insert_header(form).set_payload(body)).await
    }
}

fn stranger() -> Server {
    Server::with(HttpSettings::default())
}

fn file(name: &str, content: &str) -> String {
    format!("--X\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\n\n{content}\n")
}

#[actix_web::test]
async fn every_answer_has_an_identity_and_safe_headers() {
    let server = stranger();
    for path in ["/health/live", "/api/v1/me", "/nowhere", "/openapi.json", "/docs", "/"] {
        let answer = server.get(path).await;
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
    }
    let own = server.send(TestRequest::get().uri("/health/live").insert_header(("x-request-id", "trace-7"))).await;
    assert_eq!(own.header("x-request-id"), "trace-7");
}

#[actix_web::test]
async fn stranger_hears_401_whatever_else_is_wrong() {
    let server = stranger();
    server.get("/api/v1/conversations?limit=many").await.problem(401, "unauthenticated");
    let refused = server.post_text("/api/v1/conversations", "no json").await;
    refused.problem(401, "unauthenticated");
    assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"causerie\"");
    let forged =
        server.send(TestRequest::get().uri("/api/v1/me").insert_header(("authorization", "Bearer a.b.c"))).await;
    forged.problem(401, "invalid_token");
    let basic = server.send(TestRequest::get().uri("/api/v1/me").insert_header(("authorization", "Basic YTpi"))).await;
    basic.problem(401, "invalid_token");
}

#[actix_web::test]
async fn trailing_slash_is_served_the_same() {
    let server = Server::signed_in().await;
    for path in ["/api/v1/me/", "/health/live/", "/openapi.json/", "/docs/", "/api/v1/conversations/?limit=5"] {
        assert_eq!(server.get(path).await.status, StatusCode::OK, "{path}");
    }
    let made = server.post("/api/v1/conversations/", json!({"title": "Leave"})).await;
    assert_eq!((made.status.as_u16(), made.json()["title"].as_str()), (201, Some("Leave")));
}

#[actix_web::test]
async fn unknown_address_is_404_and_wrong_method_405_with_the_right_ones() {
    let server = stranger();
    for path in ["/nowhere", "/api/v1/nowhere", "/api/v1/messages", "/docs/no-such-file.js"] {
        server.get(path).await.problem(404, "not_found");
    }
    let wrong = server.send(TestRequest::default().method(Method::PUT).uri("/api/v1/conversations")).await;
    wrong.problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "POST, GET");
}

#[actix_web::test]
async fn id_that_is_no_uuid_names_nothing() {
    let server = Server::signed_in().await;
    for path in ["conversations/7", "conversations/7/messages", "messages/x/stream", "documents/%20/original"] {
        server.get(&format!("/api/v1/{path}")).await.problem(404, "not_found");
    }
    server.get(&format!("/api/v1/conversations/{ID}")).await.problem(404, "not_found");
}

#[actix_web::test]
async fn bodies_are_refused_with_the_field_at_fault() {
    let server = Server::signed_in().await;
    let path = "/api/v1/conversations";
    server.post_text(path, "{\"title\":").await.problem(422, "validation_failed");
    let wrong = server.post(path, json!({"title": 7})).await.problem(422, "validation_failed");
    assert_eq!(wrong["errors"][0]["field"], "title");
    let wrong = server.post(path, json!({"grounding": "maybe"})).await.problem(422, "validation_failed");
    assert!(wrong["errors"][0]["message"].as_str().unwrap().contains("grounded_rag"));
    server.post(path, json!({"mode": "nonsense"})).await.problem(422, "unknown_mode");
    assert_eq!(server.post(path, json!({"no_such_field": 1})).await.status, StatusCode::CREATED);
    let text = TestRequest::post().uri(path).insert_header(("content-type", "text/plain")).set_payload("{}");
    server.send(text).await.problem(415, "unsupported_media_type");
}

#[actix_web::test]
async fn unknown_fields_are_refused_under_auth() {
    let body = json!({"username": "ada", "email": "a@b.co", "password": "correct horse", "admin": true});
    let refused = stranger().post("/api/v1/auth/register", body).await.problem(422, "unknown_field");
    assert_eq!(refused["errors"][0]["field"], "admin");
}

#[actix_web::test]
async fn account_shapes_are_those_of_the_contract() {
    let server = stranger();
    let body = json!({"username": "ben", "email": "ben@example.org", "password": "correct horse"});
    let user = server.post("/api/v1/auth/register", body.clone()).await.json();
    let keys: Vec<&String> = user.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["date_joined", "email", "email_verified", "id", "username"]);
    server.post("/api/v1/auth/register", body).await.problem(409, "username_taken");
    let wrong = json!({"username": "ben", "password": "wrong horse"});
    server.post("/api/v1/auth/login", wrong).await.problem(401, "invalid_credentials");
}

#[actix_web::test]
async fn ended_session_is_refused_at_once() {
    let server = Server::signed_in().await;
    let sessions = server.get("/api/v1/auth/sessions").await.json();
    assert_eq!(sessions["items"][0]["current"], true);
    assert_eq!(server.post("/api/v1/auth/logout", json!({})).await.status, StatusCode::NO_CONTENT);
    server.get("/api/v1/me").await.problem(401, "session_revoked");
}

#[actix_web::test]
async fn body_over_the_limit_is_413() {
    let server = Server::with(HttpSettings { max_body_bytes: 64, ..HttpSettings::default() });
    let long = json!({"username": "x".repeat(100), "password": "p"});
    server.post("/api/v1/auth/login", long).await.problem(413, "payload_too_large");
}

#[actix_web::test]
async fn lists_take_a_cursor_or_a_page() {
    let server = Server::signed_in().await;
    let list = server.get("/api/v1/documents").await.json();
    assert_eq!(list, json!({"items": [], "next_cursor": null, "page": null}));
    let list = server.get("/api/v1/documents?page=1").await.json();
    assert_eq!(list, json!({"items": [], "next_cursor": null, "page": 1, "total": 0}));
    server.get("/api/v1/documents?cursor=x").await.problem(400, "bad_cursor");
    server.get("/api/v1/documents?cursor=x&page=1").await.problem(400, "bad_request");
    server.get("/api/v1/documents?limit=101").await.problem(422, "validation_failed");
    let wrong = server.get("/api/v1/documents?status=lost").await.problem(422, "validation_failed");
    assert_eq!(wrong["errors"][0]["field"], "status");
}

#[actix_web::test]
async fn first_message_that_is_refused_makes_no_conversation() {
    let server = Server::signed_in().await;
    let body = json!({"first_message": "hello"});
    server.post("/api/v1/conversations", body).await.problem(404, "not_found");
}

#[actix_web::test]
async fn one_bad_file_does_not_refuse_the_others() {
    let server = Server::signed_in().await;
    let form = format!("{}{}--X--\n", file("a.txt", "some words"), file("empty.txt", ""));
    let answer = server.upload(&form).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let items = answer.json();
    assert_eq!(items["items"][0]["status"], "queued");
    assert_eq!(items["items"][1]["filename"], "empty.txt");
    assert_eq!(items["items"][1]["error"]["code"], "empty_file");
}

#[actix_web::test]
async fn single_bad_file_answers_its_own_status() {
    let server = Server::signed_in().await;
    server.upload(&format!("{}--X--\n", file("a.txt", ""))).await.problem(422, "empty_file");
    server.upload(&format!("{}--X--\n", file("a.zip", "PK\u{3}\u{4}zzzz"))).await.problem(415, "unsupported_type");
    let large = format!("{}--X--\n", file("a.txt", &"x".repeat(11 << 20)));
    server.upload(&large).await.problem(413, "file_too_large");
    server.upload("--X--\n").await.problem(422, "validation_failed");
    server.post("/api/v1/documents", json!({})).await.problem(415, "unsupported_media_type");
}

#[actix_web::test]
async fn readiness_names_what_is_missing_and_serves() {
    let ready = stranger().get("/health/ready").await;
    assert_eq!(ready.status, StatusCode::OK);
    let body = ready.json();
    assert_eq!(body["status"], "degraded");
    assert_eq!(body["checks"][0], json!({"name": "database", "status": "ok", "detail": "answers"}));
    assert_eq!(body["checks"][1]["name"], "chat_model.small");
    assert!(body["checks"][1]["detail"].as_str().unwrap().contains("models pull"));
}

#[actix_web::test]
async fn documentation_needs_no_outside_files() {
    let server = stranger();
    for (path, base) in [("/docs", "docs/"), ("/docs/", "./")] {
        let page = server.get(path).await;
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.text.contains(&format!("<base href=\"{base}\"")), "{}", page.text);
        assert!(!page.text.contains("http://") && !page.text.contains("https://"));
        assert!(page.header("content-security-policy").contains("script-src 'self'"));
    }
    let script = server.get("/docs/swagger-initializer.js").await;
    assert!(script.text.contains("../openapi.json") && !script.text.contains("petstore"), "{}", script.text);
    assert_eq!(server.get("/docs/swagger-ui-bundle.js").await.status, StatusCode::OK);
    assert!(server.get("/docs/errors").await.text.contains("username_taken"));
    let served = server.get("/openapi.json").await.json();
    assert_eq!(served, serde_json::from_str::<Value>(&api::openapi_json()).unwrap());
}

#[actix_web::test]
async fn foreign_pages_may_call_only_where_configured() {
    let preflight = |origin: &'static str| {
        TestRequest::default()
            .method(Method::OPTIONS)
            .uri("/api/v1/conversations")
            .insert_header(("origin", origin))
            .insert_header(("access-control-request-method", "POST"))
            .insert_header(("access-control-request-headers", "authorization,content-type"))
    };
    let open =
        Server::with(HttpSettings { cors_origins: vec!["https://app.example.org".into()], ..Default::default() });
    let allowed = open.send(preflight("https://app.example.org")).await;
    assert_eq!(allowed.status, StatusCode::OK);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example.org");
    assert_eq!(allowed.header("access-control-allow-credentials"), "");
    open.send(preflight("https://evil.example.org")).await.problem(400, "bad_request");
    let refused = TestRequest::get().uri("/api/v1/me").insert_header(("origin", "https://app.example.org"));
    let refused = open.send(refused).await;
    refused.problem(401, "unauthenticated");
    assert_eq!(refused.header("access-control-allow-origin"), "https://app.example.org");
    let closed = stranger().send(preflight("https://app.example.org")).await;
    assert_eq!(closed.header("access-control-allow-origin"), "");
}
