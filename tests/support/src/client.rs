//! A client that speaks HTTP and reads event streams.

use std::time::Duration;

use futures::{Stream, StreamExt};
use reqwest::{Method, RequestBuilder, StatusCode, header, multipart};
use serde_json::{Value, json};

use crate::{ids_of, items, text};

/// The password of every test account.
const PASSWORD: &str = "correct horse battery";
/// No test waits longer for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// An account made by [`Client::registered`].
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Its name.
    pub username: String,
    /// Its address.
    pub email: String,
    /// Its password.
    pub password: &'static str,
    /// Its refresh token.
    pub refresh: String,
}

/// A client, with a token once it has signed in.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// Status, headers and body of an answer.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: header::HeaderMap,
    /// Body as text.
    pub text: String,
    /// Body as JSON; `null` where it is none.
    pub json: Value,
}

impl Answer {
    /// The body, after the status was checked.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json
    }

    /// Checks that this is a problem of this status and code.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{}", self.text);
        assert_eq!((self.status.as_u16(), self.json["code"].as_str()), (status, Some(code)), "{}", self.text);
        self.json
    }

    /// Checks that this is a 422 because of these fields, in this order.
    #[track_caller]
    pub fn expect_invalid(self, fields: &[&str]) {
        let problem = self.expect_problem(422, "validation_failed");
        let named: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|e| text(&e["field"])).collect();
        assert_eq!(named, fields, "{problem}");
    }

    /// A header as text; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Client {
    /// A client that is nobody yet.
    #[must_use]
    pub fn new(base: String) -> Self {
        causerie::wire::install_tls();
        let http = reqwest::Client::builder()
            .tcp_nodelay(true)
            .timeout(PATIENCE)
            // A redirect would hide that an address is not served as it is.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { http, base, token: None }
    }

    /// The same client with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The token it sends.
    #[must_use]
    pub fn token(&self) -> &str {
        self.token.as_deref().expect("a client that has signed in")
    }

    /// Registers and signs in.
    pub async fn registered(&self, name: &str) -> (Self, Account) {
        let email = format!("{name}@example.org");
        let body = json!({"username": name, "email": email, "password": PASSWORD});
        let user = self.post("/api/v1/auth/register", body).await.expect(201);
        let login = self.post("/api/v1/auth/login", json!({"username": name, "password": PASSWORD})).await.expect(200);
        let account = Account {
            id: user["id"].as_str().unwrap().to_owned(),
            username: name.to_owned(),
            email,
            password: PASSWORD,
            refresh: login["refresh"].as_str().unwrap().to_owned(),
        };
        (self.with_token(login["access"].as_str().unwrap()), account)
    }

    /// A request to be finished by the test.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        Answer { status, headers, json: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// PATCH of JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Uploads files.
    pub async fn upload(&self, files: Vec<(&str, Vec<u8>)>) -> Answer {
        self.upload_with(files, &[]).await
    }

    /// Uploads files with other fields of the form.
    pub async fn upload_with(&self, files: Vec<(&str, Vec<u8>)>, fields: &[(&str, &str)]) -> Answer {
        let form = fields
            .iter()
            .fold(multipart::Form::new(), |form, (name, value)| form.text((*name).to_owned(), (*value).to_owned()));
        let form = files.into_iter().fold(form, |form, (name, bytes)| {
            form.part("file", multipart::Part::bytes(bytes).file_name(name.to_owned()))
        });
        self.send(self.request(Method::POST, "/api/v1/documents").multipart(form)).await
    }

    /// Asks for the document until nothing more happens to it, and answers it as it is then.
    pub async fn settled(&self, document_id: &str) -> Value {
        let path = format!("/api/v1/documents/{document_id}");
        let settling = async {
            loop {
                let document = self.get(&path).await.expect(200);
                let (status, embedding) =
                    (document["status"].as_str().unwrap(), document["embedding"].as_str().unwrap());
                if status == "failed" || (status == "ready" && embedding != "pending") {
                    return document;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, settling).await.expect("the document settles")
    }

    /// Follows `next_cursor` from the start of a list and answers the ids of all items.
    pub async fn ids_by_cursor(&self, path: &str, limit: usize) -> Vec<String> {
        let (mut ids, mut cursor) = (Vec::new(), None);
        loop {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let part = self.send(self.request(Method::GET, path).query(&query)).await.expect(200);
            ids.extend(ids_of(&part));
            match part["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return ids,
            }
            assert_eq!(items(&part).len(), limit, "only the last part may be short");
        }
    }

    /// Reads a list by page numbers, checks `page` and `total`, and answers the ids of all items.
    pub async fn ids_by_page(&self, path: &str, limit: usize, total: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for page in 1..=total.div_ceil(limit) {
            let query = [("limit", limit), ("page", page)];
            let part = self.send(self.request(Method::GET, path).query(&query)).await.expect(200);
            assert_eq!((part["page"].as_u64(), part["total"].as_u64()), (Some(page as u64), Some(total as u64)));
            ids.extend(ids_of(&part));
        }
        ids
    }

    /// Uploads one file and waits until it is settled.
    pub async fn document(&self, name: &str, bytes: Vec<u8>) -> Value {
        let accepted = self.upload(vec![(name, bytes)]).await.expect(202);
        let id =
            accepted["items"][0]["id"].as_str().unwrap_or_else(|| panic!("{name} was refused: {accepted}")).to_owned();
        self.settled(&id).await
    }

    /// Makes a conversation and answers its id.
    pub async fn conversation(&self, body: Value) -> String {
        let conversation = self.post("/api/v1/conversations", body).await.expect(201);
        conversation["id"].as_str().unwrap().to_owned()
    }

    /// Posts a message and waits for the whole reply.
    pub async fn say(&self, conversation: &str, content: &str) -> Answer {
        self.post(&format!("/api/v1/conversations/{conversation}/messages"), json!({"content": content})).await
    }

    /// Posts a message and reads the reply as it comes.
    pub async fn say_streamed(&self, conversation: &str, content: &str) -> Events {
        let path = format!("/api/v1/conversations/{conversation}/messages");
        let request = self.request(Method::POST, &path).json(&json!({"content": content, "stream": true}));
        self.events(request).await
    }

    /// Attaches to a reply after event number `after`.
    pub async fn attach(&self, reply: &str, after: u64) -> Events {
        let path = format!("/api/v1/messages/{reply}/stream");
        self.events(self.request(Method::GET, &path).query(&[("after", after)])).await
    }

    /// Reads a stream of events.
    pub async fn events(&self, request: RequestBuilder) -> Events {
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Events { body: response.bytes_stream().map(|piece| piece.expect("a body").to_vec()).boxed(), rest: Vec::new() }
    }
}

/// An event stream being read.
pub struct Events {
    body: std::pin::Pin<Box<dyn Stream<Item = Vec<u8>> + Send>>,
    rest: Vec<u8>,
}

impl Events {
    /// The next event, checked to be framed as the contract says; absent at the end.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some(end) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
                let frame: Vec<u8> = self.rest.drain(..end + 2).collect();
                if let Some(event) = parse(std::str::from_utf8(&frame).expect("UTF-8")) {
                    return Some(event);
                }
            }
            self.rest.extend(self.body.next().await?);
        }
    }

    /// Events up to and with the first of this type.
    pub async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            let found = event["type"] == kind;
            events.push(event);
            if found {
                return events;
            }
        }
        panic!("the stream ended without `{kind}`: {events:?}");
    }

    /// All events that are left.
    pub async fn rest(mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn parse(frame: &str) -> Option<Value> {
    if frame.starts_with(':') {
        return None;
    }
    let (mut id, mut data) = (None, None);
    for line in frame.lines().filter(|line| !line.is_empty()) {
        match line.split_once(": ") {
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("data", value)) => data = Some(value.to_owned()),
            _ => panic!("a frame has `id` and `data` only: {frame}"),
        }
    }
    let event: Value = serde_json::from_str(&data.expect("data")).expect("JSON");
    assert_eq!(event["seq"].to_string(), id.expect("id"));
    Some(event)
}
