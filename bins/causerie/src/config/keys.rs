//! The one table of configuration: every key, what it may hold, its default and its other names.

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// Text that is masked when shown, and may be given as a file (`…_FILE`).
    Secret,
    /// A whole number in a range, both ends included.
    Int(u64, u64),
    /// A number above the first bound, up to and including the second.
    Share(f64, f64),
    /// A number in a range, both ends included.
    Number(f64, f64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Words separated by commas, or a list in the file.
    List,
}

impl Kind {
    /// What is allowed, for people.
    pub(crate) fn allowed(self) -> String {
        match self {
            Self::Text => "text".into(),
            Self::Secret => "text, or a path in the variable's _FILE form".into(),
            Self::Int(low, high) => format!("a whole number from {low} to {high}"),
            Self::Share(low, high) => format!("a number above {low}, up to {high}"),
            Self::Number(low, high) => format!("a number from {low} to {high}"),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
            Self::List => "words separated by commas".into(),
        }
    }

    /// Whether `text` is allowed.
    pub(crate) fn allows(self, text: &str) -> bool {
        match self {
            Self::Text | Self::Secret | Self::List => true,
            Self::Int(low, high) => text.parse::<u64>().is_ok_and(|n| (low..=high).contains(&n)),
            Self::Share(low, high) => text.parse::<f64>().is_ok_and(|n| n > low && n <= high),
            Self::Number(low, high) => text.parse::<f64>().is_ok_and(|n| (low..=high).contains(&n)),
            Self::OneOf(words) => words.contains(&text),
        }
    }
}

/// One key, or a family of keys with `NAME` in the place of a name that the operator chooses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// `section.key`.
    pub(crate) name: &'static str,
    /// What it may hold.
    pub(crate) kind: Kind,
    /// What it is when nobody says; absent is unset.
    pub(crate) default: Option<&'static str>,
    /// Environment names beside `CAUSERIE_…`.
    pub(crate) also: &'static [&'static str],
    /// What it does, in half a line.
    pub(crate) help: &'static str,
}

const fn key(name: &'static str, kind: Kind, default: Option<&'static str>, help: &'static str) -> Key {
    Key { name, kind, default, also: &[], help }
}

impl Key {
    const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }
}

use Kind::{Int, List, Number, OneOf, Secret, Share, Text};

const ANY_MS: Kind = Int(1, 3_600_000);
const TOKENS: Kind = Int(1, 10_000_000);

/// Every key.
pub(crate) const KEYS: &[Key] = &[
    key("server.host", Text, Some("127.0.0.1"), "address to listen on"),
    key("server.port", Int(0, 65_535), Some("8080"), "port to listen on; 0 takes a free one").also(&["PORT"]),
    key("server.public_url", Text, None, "address under which users reach the server"),
    key("server.max_body_bytes", Int(1_024, 1 << 30), Some("1048576"), "largest request body, uploads apart"),
    key("server.cors_origins", List, None, "origins whose pages may call the API"),
    key("server.request_timeout_ms", ANY_MS, Some("30000"), "longest time for a request that is not a reply"),
    key("server.upload_timeout_ms", ANY_MS, Some("300000"), "longest time for an upload, its transfer included"),
    key("server.client_timeout_ms", ANY_MS, Some("10000"), "longest time for a client to send a request's head"),
    key("server.keep_alive_ms", ANY_MS, Some("75000"), "how long an idle connection stays open"),
    key("server.workers", Int(1, 1_024), None, "threads that serve requests; unset is one for each core"),
    key("server.shutdown_ms", ANY_MS, Some("10000"), "how long running replies may finish when the server stops"),
    key("data.dir", Text, Some("./data"), "folder of the database, files, secrets and weights")
        .also(&["CAUSERIE_DATA_DIR"]),
    key("database.url", Text, None, "sqlite:///path; unset is causerie.sqlite3 in data.dir").also(&["DATABASE_URL"]),
    key("database.pool_size", Int(1, 64), Some("8"), "connections that read side by side"),
    key("log.level", Text, Some("info"), "trace, debug, info, warn, error, or a tracing filter")
        .also(&["LOG_LEVEL", "RUST_LOG"]),
    key("log.format", OneOf(&["auto", "text", "json"]), Some("auto"), "auto is text on a terminal, else json"),
    key("auth.jwt_secret", Secret, None, "signs access tokens, at least 32 bytes; unset is generated and kept")
        .also(&["JWT_SECRET_KEY", "SECRET_KEY"]),
    key("auth.access_ttl_s", Int(10, 86_400), Some("900"), "life of an access token"),
    key("auth.refresh_ttl_s", Int(60, 31_536_000), Some("604800"), "life of a refresh token"),
    key("auth.registration", OneOf(&["open", "closed"]), Some("open"), "whether people may make accounts"),
    key("providers.NAME.base_url", Text, None, "address of an OpenAI-compatible API, such as http://host:8000/v1"),
    key("providers.NAME.api_key", Secret, None, "its key"),
    key("providers.timeouts.connect_ms", ANY_MS, Some("5000"), "to connect to a provider"),
    key("providers.timeouts.first_token_ms", ANY_MS, Some("60000"), "to the first token"),
    key("providers.timeouts.idle_ms", ANY_MS, Some("30000"), "between two tokens"),
    key("models.small", Text, None, "provider/model; unset is from the first provider with a key, else local"),
    key("models.medium", Text, None, "provider/model of the default size").also(&["RAVEN_MODEL"]),
    key("models.large", Text, None, "provider/model"),
    key("models.embedding", Text, None, "provider/model that makes vectors"),
    key("models.modes.NAME.model", Text, None, "provider/model of a mode"),
    key("models.modes.NAME.system_prompt", Text, None, "instructions of a mode"),
    key("models.modes.NAME.temperature", Number(0.0, 2.0), None, "temperature of a mode"),
    key("models.modes.NAME.max_output_tokens", TOKENS, None, "longest reply of a mode"),
    key("prompt.system_instruction", Text, None, "the operator's instructions; unset is a short built-in text")
        .also(&["SYSTEM_INSTRUCTION"]),
    key("memory.policy", OneOf(&["adaptive"]), Some("adaptive"), "how the window of a conversation is chosen")
        .also(&["MEMORY_POLICY"]),
    key("memory.max_context_tokens", Int(256, 10_000_000), Some("8000"), "most tokens of a prompt")
        .also(&["MAX_CONTEXT_TOKENS"]),
    key("memory.smoothing_factor", Share(0.0, 1.0), Some("0.3"), "α, weight of the newest interaction in the average")
        .also(&["SMOOTHING_FACTOR"]),
    key("memory.retain_ratio", Share(0.0, 1.0), Some("0.5"), "ρ, share of the history that stays raw"),
    key("memory.k_min", Int(1, 1_000), Some("2"), "fewest interactions kept raw"),
    key("memory.k_max", Int(1, 1_000), Some("50"), "most interactions kept raw"),
    key("memory.reply_reserve", Int(1, 1_000_000), Some("1024"), "tokens kept free for the reply"),
    key("documents.max_upload_bytes", Int(1, 1 << 32), Some("10485760"), "largest file"),
    key("documents.max_files", Int(1, 1_000), Some("20"), "most files of one upload"),
    key("documents.max_request_bytes", Int(1_024, 1 << 34), Some("67108864"), "largest upload, all its files together"),
    key(
        "documents.upload_memory_bytes",
        Int(1 << 20, 1 << 36),
        Some("268435456"),
        "memory for uploads on their way in",
    ),
    key("documents.chunk_tokens", Int(16, 8_192), Some("256"), "most tokens of a passage"),
    key("documents.chunk_overlap", Int(0, 4_096), Some("32"), "tokens that neighbouring passages share"),
    key("documents.max_pages", Int(1, 1_000_000), Some("5000"), "most pages of a document"),
    key("documents.max_text_bytes", Int(1_024, 1 << 32), Some("67108864"), "most text of a document"),
    key("documents.parse_timeout_ms", ANY_MS, Some("120000"), "longest time to read one document"),
    key("documents.parse_memory_bytes", Int(64 << 20, 1 << 36), Some("536870912"), "most memory to read one document"),
    key("grounding.top_k", Int(1, 50), Some("3"), "most passages of a prompt"),
    key("grounding.min_score", Number(0.0, 1.0), Some("0.3"), "lowest score of the best passage that is answered from"),
    key("grounding.fallback", OneOf(&["refuse", "generic"]), Some("refuse"), "what happens below it"),
    key("turn.max_running_per_user", Int(1, 1_000), Some("4"), "replies that one user may have running"),
    key(
        "turn.log_retention_s",
        Int(0, 86_400),
        Some("600"),
        "how long a finished reply's events are kept as they were",
    ),
    key("jobs.workers", Int(1, 64), Some("2"), "background jobs side by side"),
    key("local.models_dir", Text, None, "folder of the local weights; unset is models in data.dir"),
    key("local.threads", Int(1, 256), None, "threads of the local models; unset is physical cores − 1, at least 1"),
    key("local.context_tokens", Int(256, 8_192), Some("2048"), "window of the local chat model; reading costs time"),
];

/// Providers that are known by name, and the environment names of their key and address.
pub(crate) const PROVIDER_VARIABLES: &[(&str, &str)] = &[
    ("OPENAI_API_KEY", "providers.openai.api_key"),
    ("OPENAI_BASE_URL", "providers.openai.base_url"),
    ("TOGETHER_API_KEY", "providers.together.api_key"),
    ("GROQ_API_KEY", "providers.groq.api_key"),
    ("MISTRAL_API_KEY", "providers.mistral.api_key"),
    ("DEEPSEEK_API_KEY", "providers.deepseek.api_key"),
    ("XAI_API_KEY", "providers.xai.api_key"),
    ("OPENROUTER_API_KEY", "providers.openrouter.api_key"),
    ("OLLAMA_HOST", "providers.ollama.base_url"),
];

/// The key that `name` is, or whose family it belongs to.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name).or_else(|| KEYS.iter().find(|key| matches_family(key.name, name)))
}

fn matches_family(family: &str, name: &str) -> bool {
    let (Some((before, after)), true) = (family.split_once("NAME"), family.contains("NAME")) else { return false };
    name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(|chosen| {
        !chosen.is_empty() && chosen.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_allowed_by_its_own_rule() {
        for key in KEYS {
            assert!(key.default.is_none_or(|text| key.kind.allows(text)), "{}", key.name);
        }
    }

    #[test]
    fn families_match_one_chosen_name_only() {
        assert_eq!(find("providers.mine.api_key").map(|key| key.name), Some("providers.NAME.api_key"));
        assert_eq!(find("providers.timeouts.idle_ms").map(|key| key.name), Some("providers.timeouts.idle_ms"));
        assert!(find("providers..api_key").is_none());
        assert!(find("providers.a.b.api_key").is_none());
        assert!(find("server.prot").is_none());
    }

    #[test]
    fn provider_variables_lead_to_keys() {
        assert!(PROVIDER_VARIABLES.iter().all(|(_, name)| find(name).is_some()));
    }
}
