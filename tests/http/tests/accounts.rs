//! Accounts: registering, signing in, staying signed in, and whom the server believes.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::ManualClock;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Client, TestServer, assert_fields, ids_of, items, text};

const REGISTER: &str = "/api/v1/auth/register";
const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
const SESSIONS: &str = "/api/v1/auth/sessions";
const ME: &str = "/api/v1/me";
const PASSWORD: &str = "correct horse battery";

fn ada() -> Value {
    json!({"username": "Ada", "email": "Ada@example.org", "password": PASSWORD})
}

/// Signs in and answers the client with its refresh token.
async fn signed_in(client: &Client, body: Value) -> (Client, String) {
    let tokens = client.post(LOGIN, body).await.expect(200);
    (client.with_token(text(&tokens["access"])), text(&tokens["refresh"]).to_owned())
}

async fn refresh(client: &Client, token: &str) -> Value {
    client.post(REFRESH, json!({"refresh": token})).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_answers_the_new_account() {
    let server = TestServer::builder().start();
    let user = server.anonymous().post(REGISTER, ada()).await.expect(201);
    assert_fields(&user, "id username email email_verified date_joined");
    assert_eq!((text(&user["username"]), text(&user["email"])), ("Ada", "Ada@example.org"));
    assert_eq!(user["email_verified"], false);
    assert!(text(&user["date_joined"]).ends_with('Z'), "times are UTC: {user}");
    assert_eq!(text(&user["id"]).as_bytes()[14], b'7', "ids are UUIDs of version 7: {user}");
}

#[tokio::test(flavor = "multi_thread")]
async fn name_and_address_are_taken_whatever_their_case() {
    let server = TestServer::builder().start();
    let client = server.anonymous();
    client.post(REGISTER, ada()).await.expect(201);
    let same_name = json!({"username": "aDA", "email": "other@example.org", "password": PASSWORD});
    client.post(REGISTER, same_name).await.expect_problem(409, "username_taken");
    let same_address = json!({"username": "other", "email": "aDA@EXAMPLE.org", "password": PASSWORD});
    client.post(REGISTER, same_address).await.expect_problem(409, "email_taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_of_a_registration_is_named() {
    let server = TestServer::builder().start();
    let client = server.anonymous();
    let bad = json!({"username": "a b", "email": "nobody", "password": "short"});
    client.post(REGISTER, bad).await.expect_invalid(&["username", "email", "password"]);
    client.post(REGISTER, json!({"username": "ada", "password": PASSWORD})).await.expect_invalid(&["email"]);
    let number = json!({"username": 7, "email": "a@b.co", "password": PASSWORD});
    client.post(REGISTER, number).await.expect_invalid(&["username"]);
    let nothing = json!({"username": null, "email": "a@b.co", "password": PASSWORD});
    client.post(REGISTER, nothing).await.expect_invalid(&["username"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_fields_are_refused_and_named() {
    let server = TestServer::builder().start();
    let client = server.anonymous();
    let mut registration = ada();
    registration["is_admin"] = json!(true);
    for (path, body, field) in [
        (REGISTER, registration, "is_admin"),
        (LOGIN, json!({"username": "ada", "password": PASSWORD, "remember": true}), "remember"),
        (REFRESH, json!({"refresh": "x", "access": "y"}), "access"),
    ] {
        let problem = client.post(path, body).await.expect_problem(422, "unknown_field");
        assert_eq!(problem["errors"][0]["field"], field, "{path}");
    }
    client.post(REGISTER, ada()).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_registration_takes_nobody() {
    let server = TestServer::builder().set("auth.registration", "closed").start();
    server.anonymous().post(REGISTER, ada()).await.expect_problem(403, "registration_closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn person_signs_in_by_name_or_address_in_any_case() {
    let server = TestServer::builder().start();
    let client = server.anonymous();
    let user = client.post(REGISTER, ada()).await.expect(201);
    for login in [
        json!({"username": "Ada", "password": PASSWORD}),
        json!({"username": "aDA", "password": PASSWORD}),
        json!({"email": "ADA@example.ORG", "password": PASSWORD}),
    ] {
        let tokens = client.post(LOGIN, login).await.expect(200);
        assert_fields(&tokens, "access refresh token_type expires_in user");
        assert_eq!((text(&tokens["token_type"]), &tokens["expires_in"]), ("Bearer", &json!(900)));
        assert_eq!(tokens["user"], user);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_password_and_unknown_name_are_answered_the_same() {
    let server = TestServer::builder().start();
    let client = server.anonymous();
    client.post(REGISTER, ada()).await.expect(201);
    let mut answers = Vec::new();
    for login in [
        json!({"username": "ada", "password": "wrong horse battery"}),
        json!({"username": "nobody", "password": PASSWORD}),
        json!({"email": "nobody@example.org", "password": PASSWORD}),
        json!({"username": "ada", "password": ""}),
    ] {
        let mut problem = client.post(LOGIN, login).await.expect_problem(401, "invalid_credentials");
        problem["request_id"].take();
        answers.push(problem);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_wants_a_name_or_an_address_and_not_both() {
    let server = TestServer::builder().start();
    let client = server.anonymous();
    client.post(LOGIN, json!({"password": PASSWORD})).await.expect_invalid(&["username"]);
    let both = json!({"username": "ada", "email": "a@b.co", "password": PASSWORD});
    client.post(LOGIN, both).await.expect_invalid(&["email"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn refreshing_gives_a_new_pair_of_the_same_session() {
    let server = TestServer::builder().start();
    let (client, account) = server.user("ada").await;
    let tokens = refresh(&client, &account.refresh).await;
    assert_fields(&tokens, "access refresh token_type expires_in user");
    assert_ne!(tokens["refresh"], account.refresh);
    let renewed = client.with_token(text(&tokens["access"]));
    assert_eq!(renewed.get(ME).await.expect(200)["id"], account.id);
    assert_eq!(items(&renewed.get(SESSIONS).await.expect(200)).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_refresh_token_revokes_the_family() {
    let server = TestServer::builder().start();
    let (client, account) = server.user("ada").await;
    let second = refresh(&client, &account.refresh).await;
    let third = refresh(&client, text(&second["refresh"])).await;
    let replay = json!({"refresh": account.refresh});
    client.post(REFRESH, replay).await.expect_problem(401, "refresh_reused");
    let newest = json!({"refresh": third["refresh"]});
    client.post(REFRESH, newest).await.expect_problem(401, "session_revoked");
    for access in [client.token(), text(&second["access"]), text(&third["access"])] {
        client.with_token(access).get(ME).await.expect_problem(401, "session_revoked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_leaves_other_sessions_alone() {
    let server = TestServer::builder().start();
    let (client, account) = server.user("ada").await;
    let (other, other_refresh) =
        signed_in(&server.anonymous(), json!({"username": "ada", "password": account.password})).await;
    refresh(&client, &account.refresh).await;
    client.post(REFRESH, json!({"refresh": account.refresh})).await.expect_problem(401, "refresh_reused");
    other.get(ME).await.expect(200);
    refresh(&other, &other_refresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_no_refresh_token_is_invalid() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    for token in ["", "csr_rt_short", client.token(), &format!("csr_rt_{}", "A".repeat(43))] {
        client.post(REFRESH, json!({"refresh": token})).await.expect_problem(401, "invalid_token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_refuses_this_session_from_then_on_and_no_other() {
    let server = TestServer::builder().start();
    let (phone, account) = server.user("ada").await;
    let (laptop, _) = signed_in(&phone, json!({"username": "ada", "password": account.password})).await;
    phone.get(ME).await.expect(200);
    phone.send(phone.request(Method::POST, "/api/v1/auth/logout")).await.expect(204);
    phone.get(ME).await.expect_problem(401, "session_revoked");
    phone.post(REFRESH, json!({"refresh": account.refresh})).await.expect_problem(401, "session_revoked");
    laptop.get(ME).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_everywhere_ends_all_sessions_of_this_account() {
    let server = TestServer::builder().start();
    let (phone, account) = server.user("ada").await;
    let (laptop, laptop_refresh) = signed_in(&phone, json!({"username": "ada", "password": account.password})).await;
    let (ben, _) = server.user("ben").await;
    laptop.get(ME).await.expect(200);
    phone.send(phone.request(Method::POST, "/api/v1/auth/logout-all")).await.expect(204);
    phone.get(ME).await.expect_problem(401, "session_revoked");
    laptop.get(ME).await.expect_problem(401, "session_revoked");
    laptop.post(REFRESH, json!({"refresh": laptop_refresh})).await.expect_problem(401, "session_revoked");
    ben.get(ME).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_access_token_is_refused_until_it_is_exchanged() {
    let clock = Arc::new(ManualClock::new("2026-11-21T08:00:00Z".parse().unwrap()));
    let server = TestServer::builder().clock(&clock).start();
    let (client, account) = server.user("ada").await;
    clock.advance(Duration::from_secs(899));
    client.get(ME).await.expect(200);
    clock.advance(Duration::from_secs(30));
    client.get(ME).await.expect_problem(401, "token_expired");
    let tokens = refresh(&client, &account.refresh).await;
    client.with_token(text(&tokens["access"])).get(ME).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn session_that_was_not_used_for_the_life_of_its_refresh_token_has_ended() {
    let clock = Arc::new(ManualClock::new("2026-11-21T08:00:00Z".parse().unwrap()));
    let server = TestServer::builder().clock(&clock).start();
    let (client, account) = server.user("ada").await;
    clock.advance(Duration::from_secs(604_799));
    let tokens = refresh(&client, &account.refresh).await;
    clock.advance(Duration::from_secs(604_801));
    client.post(REFRESH, json!({"refresh": tokens["refresh"]})).await.expect_problem(401, "session_revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn token_of_another_server_is_refused() {
    let (here, there) = (TestServer::builder().start(), TestServer::builder().start());
    let (client, _) = here.user("ada").await;
    let (foreign, _) = there.user("ada").await;
    let problem = client.with_token(foreign.token()).get(ME).await.expect_problem(401, "invalid_token");
    assert!(!problem["detail"].to_string().contains(foreign.token()));
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_tokens_are_refused() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    let (ben, _) = server.user("ben").await;
    let parts: Vec<&str> = client.token().split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("a JWT has three parts: {parts:?}") };
    let bens_claims = ben.token().split('.').nth(1).unwrap();
    let none = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "typ": "JWT"}).to_string());
    for forged in [
        format!("{header}.{bens_claims}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode("{}")),
        "x".repeat(10_000),
        "a.b.c".to_owned(),
    ] {
        client.with_token(&forged).get(ME).await.expect_problem(401, "invalid_token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stranger_is_told_how_to_prove_who_asks() {
    let server = TestServer::builder().start();
    let stranger = server.anonymous();
    let refused = stranger.get(ME).await;
    assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"causerie\"");
    refused.expect_problem(401, "unauthenticated");
    for credential in ["Basic YWRhOnB3", "Bearer", "Token abc"] {
        let request = stranger.request(Method::GET, ME).header("Authorization", credential);
        let refused = stranger.send(request).await;
        assert!(refused.header("www-authenticate").contains("invalid_token"), "{credential}");
        refused.expect_problem(401, "invalid_token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_with_the_one_that_asks_marked() {
    let server = TestServer::builder().start();
    let (client, account) = server.user("ada").await;
    let login = client
        .request(Method::POST, LOGIN)
        .header("User-Agent", "phone/1.0")
        .json(&json!({"username": "ada", "password": account.password}));
    let tokens = client.send(login).await.expect(200);
    let list = client.with_token(text(&tokens["access"])).get(SESSIONS).await.expect(200);
    assert_fields(&list, "items next_cursor page");
    let [newest, oldest] = &items(&list)[..] else { panic!("two sign-ins: {list}") };
    assert_fields(newest, "id user_agent created_at last_used_at expires_at current");
    assert_eq!((&newest["user_agent"], &newest["current"]), (&json!("phone/1.0"), &json!(true)));
    assert_eq!(oldest["current"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_session_can_be_ended_from_another() {
    let server = TestServer::builder().start();
    let (phone, account) = server.user("ada").await;
    let (laptop, _) = signed_in(&phone, json!({"username": "ada", "password": account.password})).await;
    let sessions = phone.get(SESSIONS).await.expect(200);
    let other = items(&sessions).iter().find(|session| session["current"] == false).unwrap();
    let path = format!("{SESSIONS}/{}", text(&other["id"]));
    phone.delete(&path).await.expect(204);
    laptop.get(ME).await.expect_problem(401, "session_revoked");
    phone.delete(&path).await.expect_problem(404, "not_found");
    assert_eq!(ids_of(&phone.get(SESSIONS).await.expect(200)).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn account_that_asks_is_shown_with_its_role() {
    let server = TestServer::builder().start();
    let (client, account) = server.user("ada").await;
    let me = client.get(ME).await.expect(200);
    assert_fields(&me, "id username email email_verified date_joined role");
    assert_eq!((text(&me["id"]), text(&me["role"])), (account.id.as_str(), "user"));
}

#[tokio::test(flavor = "multi_thread")]
async fn password_stands_in_no_answer_and_in_no_file() {
    let server = TestServer::builder().start();
    let (client, _) = server.user("ada").await;
    for path in [ME, SESSIONS] {
        assert!(!client.get(path).await.text.contains(PASSWORD));
    }
    for file in ["causerie.sqlite3", "causerie.sqlite3-wal"] {
        let bytes = std::fs::read(server.folder().join(file)).unwrap();
        assert!(!bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes()), "{file}");
    }
}
