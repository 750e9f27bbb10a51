//! The commands beside `serve`.

use std::{path::Path, process::Output};

use serde_json::json;
use support::{fixture, fixture_path};

use crate::serving::{PATIENCE, PROGRAM, Serving, serve};

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Self { code: output.status.code(), out, err }
    }
}

impl Said {
    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "out: {}\nerr: {}", self.out, self.err);
        self
    }
}

fn command(folder: &Path) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(PROGRAM);
    command.env_clear().current_dir(folder).timeout(PATIENCE);
    command
}

fn run(folder: &Path, arguments: &[&str], input: &str) -> Said {
    command(folder).args(arguments).write_stdin(input).output().unwrap().into()
}

#[test]
fn description_on_the_command_line_is_the_published_one() {
    let folder = tempfile::tempdir().unwrap();
    let printed = run(folder.path(), &["openapi"], "").expect(0).out;
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    assert!(printed == std::fs::read_to_string(published).unwrap(), "docs/openapi.json is stale: run `make docs`");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it needs no data folder");
}

#[test]
fn configuration_is_shown_with_its_sources_and_secrets_masked() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = ["a-secret-of-the-operator-0123456789", "sk-very-secret"];
    std::fs::write(folder.path().join("causerie.toml"), "[log]\nlevel = \"warn\"\n").unwrap();
    let output = command(folder.path())
        .args(["config", "show", "--set", "server.port=8099"])
        .env("CAUSERIE_AUTH__JWT_SECRET", secrets[0])
        .env("OPENAI_API_KEY", secrets[1])
        .output()
        .unwrap();
    let said = Said::from(output).expect(0);
    let line = |key: &str| said.out.lines().find(|line| line.starts_with(&format!("{key} "))).unwrap_or_default();
    assert!(line("server.port").contains("8099") && line("server.port").contains("command line"), "{}", said.out);
    assert!(line("log.level").contains("warn") && line("log.level").contains("causerie.toml"), "{}", said.out);
    assert!(line("memory.policy").contains("adaptive") && line("memory.policy").contains("default"), "{}", said.out);
    assert!(line("providers.openai.api_key").contains("$OPENAI_API_KEY"), "{}", said.out);
    assert!(line("auth.jwt_secret").contains("****"), "{}", said.out);
    for secret in secrets {
        assert!(!said.out.contains(secret) && !said.err.contains(secret));
    }
}

#[test]
fn schema_is_brought_up_to_date_once() {
    let folder = tempfile::tempdir().unwrap();
    let first = run(folder.path(), &["migrate"], "").expect(0).out;
    assert!(first.contains("applied"), "{first}");
    let second = run(folder.path(), &["migrate"], "").expect(0).out;
    assert!(second.contains("up to date"), "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn account_made_on_the_command_line_can_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let create = ["user", "create", "--username", "ada", "--email", "ada@example.org", "--password-stdin", "--admin"];
    let made = run(folder.path(), &create, "correct horse battery\n").expect(0).out;
    assert!(made.contains("ada") && !made.contains("correct horse"), "{made}");
    let same = ["user", "create", "--username", "ADA", "--email", "other@example.org", "--password-stdin"];
    let again = run(folder.path(), &same, "correct horse battery\n").expect(1).err;
    assert!(again.contains("choose another"), "{again}");
    let weak = ["user", "create", "--username", "ben", "--email", "nobody", "--password-stdin"];
    let refused = run(folder.path(), &weak, "short\n").expect(1).err;
    assert!(refused.contains("e-mail") && refused.contains("at least 8"), "{refused}");
    let list = run(folder.path(), &["user", "list"], "").expect(0).out;
    assert!(list.contains("ada@example.org") && list.contains("Admin") && !list.contains("ben"), "{list}");

    let server = Serving::start(serve(&folder.path().join("data")));
    let login = json!({"username": "ada", "password": "correct horse battery"});
    let tokens = server.client().post("/api/v1/auth/login", login).await.expect(200);
    let client = server.client().with_token(tokens["access"].as_str().unwrap());
    assert_eq!(client.get("/api/v1/me").await.expect(200)["role"], "admin");
    server.terminate();
}

#[test]
fn file_that_was_added_is_found_with_its_page() {
    let folder = tempfile::tempdir().unwrap();
    let [lighthouses, soup] = ["lighthouses.pdf", "soup.md"].map(|file| fixture_path(file).display().to_string());
    run(folder.path(), &["ingest", &lighthouses, &soup], "").expect(0);
    let fact = fixture("lighthouses.pdf").facts.remove(3);
    let found = run(folder.path(), &["search", &fact.question, "--top-k", "2"], "").expect(0).out;
    let first = found.lines().next().unwrap_or_default();
    assert!(first.contains("Varnholt Coast") && first.contains("page 2"), "{found}");
    assert!(found.contains(&fact.answer), "{found}");
}

#[test]
fn file_that_cannot_be_added_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    for (file, reason) in
        [("user-password.pdf", "password"), ("report.pdf", "HyperText"), ("truncated.pdf", "not a complete PDF")]
    {
        let path = fixture_path(file).display().to_string();
        let said = run(folder.path(), &["ingest", &path], "").expect(1);
        let line = said.out.lines().find(|line| line.starts_with(file)).unwrap_or_default();
        assert!(line.to_lowercase().contains(&reason.to_lowercase()), "{file}: {}", said.out);
        assert!(said.err.contains("1 of 1"), "{}", said.err);
    }
    let said = run(folder.path(), &["ingest", "absent.pdf"], "").expect(1);
    assert!(said.out.contains("absent.pdf"), "{}", said.out);
}

#[test]
fn chat_without_a_model_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), &["chat"], "Hello\n\n").expect(0);
    assert!(said.out.contains("causerie models pull"), "{}", said.out);
    let ended = run(folder.path(), &["chat"], "").expect(0);
    assert!(!ended.err.contains("error"), "{}", ended.err);
}

#[test]
fn several_accounts_want_to_be_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ada", "ben"] {
        let email = format!("{name}@example.org");
        let create = ["user", "create", "--username", name, "--email", &email, "--password-stdin"];
        run(folder.path(), &create, "correct horse battery\n").expect(0);
    }
    let said = run(folder.path(), &["search", "soup"], "").expect(1);
    assert!(said.err.contains("--user"), "{}", said.err);
    run(folder.path(), &["search", "soup", "--user", "ada"], "").expect(0);
    let nobody = run(folder.path(), &["search", "soup", "--user", "eve"], "").expect(1);
    assert!(nobody.err.contains("eve"), "{}", nobody.err);
}

#[test]
fn models_are_listed_with_what_to_do_about_missing_ones() {
    let folder = tempfile::tempdir().unwrap();
    let list = run(folder.path(), &["models", "list"], "").expect(0).out;
    for role in ["small", "medium", "large", "embedding"] {
        let line = list.lines().find(|line| line.starts_with(role)).unwrap_or_default();
        assert!(line.contains("causerie models pull"), "{list}");
    }
}

#[test]
fn doctor_finds_what_is_wrong_and_what_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), &["doctor"], "").expect(1);
    assert!(said.out.contains("data folder") && said.out.contains("causerie models pull"), "{}", said.out);
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/causerie.sqlite3"), "This was a database once. ".repeat(99)).unwrap();
    let said = run(folder.path(), &["doctor"], "").expect(1);
    let database = said.out.lines().find(|line| line.contains("database")).unwrap_or_default();
    assert!(database.starts_with("FAULT") && database.contains("causerie.sqlite3"), "{}", said.out);
}

#[test]
fn unknown_arguments_are_refused_with_the_usage() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), &["serv"], "").expect(2);
    assert!(said.err.contains("serve"), "{}", said.err);
    let said = run(folder.path(), &["--set", "server.prot=1", "config", "show"], "").expect(1);
    assert!(said.err.contains("server.prot"), "{}", said.err);
}
