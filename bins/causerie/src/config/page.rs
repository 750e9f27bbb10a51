//! `docs/configuration.md`, made from the table of keys.

use super::keys::{KEYS, Key, PROVIDER_VARIABLES};

/// The page, as Markdown.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    for key in KEYS {
        page.push_str(&row(key));
    }
    page.push_str("\nProviders that are known by name, and the variables that other programs use for them:\n\n");
    page.push_str("| variable | key |\n|---|---|\n");
    for (variable, key) in PROVIDER_VARIABLES {
        page.push_str(&format!("| {variable} | {key} |\n"));
    }
    page
}

fn row(key: &Key) -> String {
    let default = key.default.map_or_else(|| "–".to_owned(), |text| format!("`{text}`"));
    let also = if key.also.is_empty() { "–".to_owned() } else { key.also.join(", ") };
    format!("| {} | {default} | {} | {also} | {} |\n", key.name, key.kind.allowed(), key.help)
}

const INTRODUCTION: &str = "\
# Configuration

<!-- Made from the table in bins/causerie/src/config/keys.rs by `make docs`; a test compares. -->

Later sources win: built-in defaults, the file (`causerie.toml` in the working folder, or `--config FILE`), the
environment, the command line (`--set KEY=VALUE`, `--data-dir`, `--host`, `--port`).

The environment name of `section.key` is `CAUSERIE_SECTION__KEY`, so `server.port` is `CAUSERIE_SERVER__PORT`. The
other names below work too; the project's own name wins over them. Secrets may be given as a file: append `_FILE` to
the name. An empty variable counts as unset. A `CAUSERIE_` name that does not exist, or a value that is not allowed,
stops the start with the name and what is allowed. `causerie config show` prints what is in force and where each
value was set, with secrets masked.

In the file, sections are tables:

```toml
[server]
port = 8081

[models]
medium = \"openai/gpt-4.1-mini\"

[providers.mine]
base_url = \"http://127.0.0.1:8000/v1\"

[models.modes.terse]
system_prompt = \"Answer in one sentence.\"
temperature = 0.2
```

| key | default | allowed | other names | what it does |
|---|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_page_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        let stored = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(stored, page(), "docs/configuration.md is stale: run `make docs`");
    }
}
