//! Starting and stopping, and what keeps the server from it.

use std::{fs, net::TcpListener, process::Command};

use serde_json::{Value, json};
use support::text;

use crate::serving::{PATIENCE, PROGRAM, Serving, serve};

/// Runs a start that must fail, and answers what it says.
fn refusal(command: Command) -> String {
    let output = assert_cmd::Command::from_std(command).timeout(PATIENCE).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn server_says_where_it_serves_answers_at_once_and_stops_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Serving::start(serve(&data));
    let client = server.client();
    client.get("/health/live").await.expect(200);
    assert_eq!(client.get("/health/ready").await.expect(200)["status"], "degraded");
    client.registered("ada").await;
    let ended = server.terminate();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
    for told in ["/docs", "/health/ready", "data", "causerie models pull"] {
        assert!(ended.output.contains(told), "{told} is missing: {}", ended.output);
    }
    assert!(!ended.log.contains("correct horse"), "{}", ended.log);
    for line in ended.log.lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON line: {line}"));
        assert!(entry["level"].is_string(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn second_start_finds_everything_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Serving::start(serve(&data));
    let (client, account) = server.client().registered("ada").await;
    server.terminate();
    let server = Serving::start(serve(&data));
    let again = server.client().with_token(client.token());
    assert_eq!(again.get("/api/v1/me").await.expect(200)["id"], account.id);
    server.terminate();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_it_serves_the_rest_and_says_how_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(serve(&folder.path().join("data")));
    let (client, _) = server.client().registered("ada").await;
    let conversation = client.conversation(json!({})).await;
    let problem = client.say(&conversation, "Hello").await.expect_problem(503, "no_model");
    assert!(text(&problem["detail"]).contains("causerie models pull"), "{problem}");
    assert!(text(&problem["detail"]).contains("OPENAI_API_KEY"), "{problem}");
    let ready = client.get("/health/ready").await.expect(200);
    let details: Vec<&str> = ready["checks"].as_array().unwrap().iter().map(|check| text(&check["detail"])).collect();
    assert!(details.iter().any(|detail| detail.contains("causerie models pull")), "{ready}");
    server.terminate();
}

#[test]
fn port_in_use_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--port", &port]).env_clear().current_dir(folder.path());
    let said = refusal(command);
    assert!(said.contains("--port") && said.contains(&port), "{said}");
    assert!(!folder.path().join("data").exists(), "a server that cannot listen changes nothing");
}

#[test]
fn data_folder_that_cannot_be_written_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    for data in [file.clone(), file.join("data")] {
        let mut command = serve(&data);
        command.current_dir(folder.path());
        let said = refusal(command);
        assert!(said.contains(&data.display().to_string()) && said.contains("--data-dir"), "{said}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "not a folder");
}

#[test]
fn damaged_database_is_named_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let damaged = b"This was a database once.".repeat(400);
    fs::write(data.join("causerie.sqlite3"), &damaged).unwrap();
    let said = refusal(serve(&data));
    assert!(said.contains("causerie.sqlite3"), "{said}");
    assert_eq!(fs::read(data.join("causerie.sqlite3")).unwrap(), damaged);
}

#[test]
fn unknown_names_and_bad_values_stop_the_start_with_what_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let start = |variable: &str, value: &str| {
        let mut command = serve(&folder.path().join("data"));
        command.env(variable, value);
        refusal(command)
    };
    let unknown = start("CAUSERIE_SERVER__PROT", "8080");
    assert!(unknown.contains("CAUSERIE_SERVER__PROT") && unknown.contains("PORT"), "{unknown}");
    let bad = start("CAUSERIE_MEMORY__SMOOTHING_FACTOR", "1.5");
    assert!(bad.contains("memory.smoothing_factor") && bad.contains("1.5") && bad.contains("up to 1"), "{bad}");
    let bad = start("MAX_CONTEXT_TOKENS", "many");
    assert!(bad.contains("MAX_CONTEXT_TOKENS") && bad.contains("256"), "{bad}");
    let short = start("JWT_SECRET_KEY", "short-secret");
    assert!(short.contains("auth.jwt_secret") && short.contains("32") || short.contains("secret"), "{short}");
    assert!(!short.contains("short-secret"), "{short}");
    let level = start("LOG_LEVEL", "loud=very");
    assert!(level.contains("log.level"), "{level}");
    let model = start("CAUSERIE_MODELS__MEDIUM", "nobody/none");
    assert!(model.contains("models.medium") && model.contains("nobody"), "{model}");
}

#[test]
fn file_of_configuration_is_read_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("causerie.toml");
    fs::write(&file, "[server]\nprot = 1\n").unwrap();
    let said = refusal(serve(&folder.path().join("data")));
    assert!(said.contains("causerie.toml") && said.contains("server.prot"), "{said}");
    fs::write(&file, "[server\n").unwrap();
    assert!(refusal(serve(&folder.path().join("data"))).contains("TOML"));
    fs::remove_file(&file).unwrap();
    let mut command = serve(&folder.path().join("data"));
    command.args(["--config", "absent.toml"]);
    assert!(refusal(command).contains("absent.toml"));
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_weights_leave_a_server_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (model, files) in [
        ("all-MiniLM-L6-v2", &["model.safetensors", "tokenizer.json", "config.json"][..]),
        ("SmolLM2-135M-Instruct", &["SmolLM2-135M-Instruct.Q4_1.gguf"][..]),
    ] {
        let place = data.join("models").join(model);
        fs::create_dir_all(&place).unwrap();
        for file in files {
            fs::write(place.join(file), "these are no weights").unwrap();
        }
    }
    let server = Serving::start(serve(&data));
    let (client, _) = server.client().registered("ada").await;
    let settled = async {
        loop {
            let ready = client.get("/health/ready").await.expect(200);
            if !ready.to_string().contains("being loaded") {
                return ready;
            }
        }
    };
    let ready = tokio::time::timeout(PATIENCE, settled).await.unwrap();
    assert_eq!(ready["status"], "degraded");
    for check in ready["checks"].as_array().unwrap().iter().filter(|check| check["name"] != "database") {
        let detail = text(&check["detail"]);
        assert!(detail.contains("damaged") && detail.contains("causerie models pull"), "{check}");
    }
    let conversation = client.conversation(json!({})).await;
    let problem = client.say(&conversation, "Hello").await.expect_problem(503, "no_model");
    assert!(text(&problem["detail"]).contains("causerie models pull"), "{problem}");
    let accepted = client.upload(vec![("notes.txt", b"The chain has 164 links.".to_vec())]).await.expect(202);
    let path = format!("/api/v1/documents/{}", text(&accepted["items"][0]["id"]));
    let read = async {
        while client.get(&path).await.expect(200)["status"] != "ready" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("words can be searched without vectors");
    let found = client.get("/api/v1/rag/search?q=chain").await.expect(200);
    assert_eq!(found["items"][0]["document_id"], accepted["items"][0]["id"]);
    assert!(text(&found["warnings"][0]).contains("words only"), "{found}");
    server.terminate();
}
