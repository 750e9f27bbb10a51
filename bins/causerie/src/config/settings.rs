//! The checked values as types.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, str::FromStr, time::Duration};

use domain::ModelSize;
use memory_engine::AdaptiveSettings;
use secrecy::SecretString;

use super::{ConfigError, Loaded};

/// One provider of models.
#[derive(Debug, Clone, Default)]
pub struct Provider {
    /// Address of its API, where it is not the known one.
    pub base_url: Option<String>,
    /// Its key.
    pub api_key: Option<SecretString>,
}

/// One mode of `models.modes`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mode {
    /// `provider/model`.
    pub model: Option<String>,
    /// Instructions.
    pub system_prompt: Option<String>,
    /// Temperature.
    pub temperature: Option<f32>,
    /// Longest reply.
    pub max_output_tokens: Option<u32>,
}

/// The whole configuration, checked. Field names are those of the keys.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "docs/configuration.md, made from the table of keys, describes each")]
pub struct Settings {
    pub host: IpAddr,
    pub port: u16,
    pub public_url: Option<String>,
    pub max_body_bytes: usize,
    pub cors_origins: Vec<String>,
    pub request_timeout: Duration,
    pub upload_timeout: Duration,
    pub client_timeout: Duration,
    pub keep_alive: Duration,
    pub http_workers: Option<usize>,
    pub shutdown: Duration,
    pub data_dir: PathBuf,
    pub database_url: Option<String>,
    pub database_pool_size: u32,
    pub log_level: String,
    pub log_format: String,
    pub jwt_secret: Option<SecretString>,
    pub access_ttl: Duration,
    pub refresh_ttl: Duration,
    pub registration_open: bool,
    pub providers: BTreeMap<String, Provider>,
    pub provider_timeouts_ms: [u64; 3],
    pub models: BTreeMap<ModelSize, String>,
    pub embedding_model: Option<String>,
    pub modes: BTreeMap<String, Mode>,
    pub system_instruction: Option<String>,
    pub memory: AdaptiveSettings,
    pub max_upload_bytes: u64,
    pub max_files: u32,
    pub max_upload_request_bytes: u64,
    pub upload_memory_bytes: u64,
    pub chunk_tokens: u32,
    pub chunk_overlap: u32,
    pub max_pages: u32,
    pub max_text_bytes: u64,
    pub parse_timeout: Duration,
    pub parse_memory_bytes: u64,
    pub top_k: u32,
    pub min_score: f32,
    pub fallback_generic: bool,
    pub max_running_per_user: u32,
    pub log_retention: Duration,
    pub workers: u32,
    pub models_dir: PathBuf,
    pub local_threads: Option<usize>,
    pub local_context_tokens: u32,
}

impl Settings {
    /// Turns loaded values into types, with the checks that a single value cannot tell.
    ///
    /// # Errors
    /// Values that are not allowed together, by key.
    pub fn from_loaded(loaded: &Loaded) -> Result<Self, ConfigError> {
        let data_dir = PathBuf::from(loaded.get("data.dir").unwrap_or("./data"));
        let settings = Self {
            host: parse(loaded, "server.host", "an IP address such as 127.0.0.1 or 0.0.0.0")?,
            port: number(loaded, "server.port")?,
            public_url: text(loaded, "server.public_url"),
            max_body_bytes: number(loaded, "server.max_body_bytes")?,
            cors_origins: list(loaded, "server.cors_origins"),
            request_timeout: millis(loaded, "server.request_timeout_ms")?,
            upload_timeout: millis(loaded, "server.upload_timeout_ms")?,
            client_timeout: millis(loaded, "server.client_timeout_ms")?,
            keep_alive: millis(loaded, "server.keep_alive_ms")?,
            http_workers: optional(loaded, "server.workers")?,
            shutdown: millis(loaded, "server.shutdown_ms")?,
            models_dir: text(loaded, "local.models_dir").map_or_else(|| data_dir.join("models"), PathBuf::from),
            data_dir,
            database_url: text(loaded, "database.url"),
            database_pool_size: number(loaded, "database.pool_size")?,
            log_level: text(loaded, "log.level").unwrap_or_default(),
            log_format: text(loaded, "log.format").unwrap_or_default(),
            jwt_secret: secret(loaded, "auth.jwt_secret"),
            access_ttl: Duration::from_secs(number(loaded, "auth.access_ttl_s")?),
            refresh_ttl: Duration::from_secs(number(loaded, "auth.refresh_ttl_s")?),
            registration_open: loaded.get("auth.registration") == Some("open"),
            providers: providers(loaded),
            provider_timeouts_ms: [
                number(loaded, "providers.timeouts.connect_ms")?,
                number(loaded, "providers.timeouts.first_token_ms")?,
                number(loaded, "providers.timeouts.idle_ms")?,
            ],
            models: sizes(loaded),
            embedding_model: text(loaded, "models.embedding"),
            modes: modes(loaded)?,
            system_instruction: text(loaded, "prompt.system_instruction"),
            memory: AdaptiveSettings {
                max_context_tokens: number(loaded, "memory.max_context_tokens")?,
                smoothing_factor: number(loaded, "memory.smoothing_factor")?,
                retain_ratio: number(loaded, "memory.retain_ratio")?,
                k_min: number(loaded, "memory.k_min")?,
                k_max: number(loaded, "memory.k_max")?,
                reply_reserve: number(loaded, "memory.reply_reserve")?,
            },
            max_upload_bytes: number(loaded, "documents.max_upload_bytes")?,
            max_files: number(loaded, "documents.max_files")?,
            max_upload_request_bytes: number(loaded, "documents.max_request_bytes")?,
            upload_memory_bytes: number(loaded, "documents.upload_memory_bytes")?,
            chunk_tokens: number(loaded, "documents.chunk_tokens")?,
            chunk_overlap: number(loaded, "documents.chunk_overlap")?,
            max_pages: number(loaded, "documents.max_pages")?,
            max_text_bytes: number(loaded, "documents.max_text_bytes")?,
            parse_timeout: millis(loaded, "documents.parse_timeout_ms")?,
            parse_memory_bytes: number(loaded, "documents.parse_memory_bytes")?,
            top_k: number(loaded, "grounding.top_k")?,
            min_score: number(loaded, "grounding.min_score")?,
            fallback_generic: loaded.get("grounding.fallback") == Some("generic"),
            max_running_per_user: number(loaded, "turn.max_running_per_user")?,
            log_retention: Duration::from_secs(number(loaded, "turn.log_retention_s")?),
            workers: number(loaded, "jobs.workers")?,
            local_threads: optional(loaded, "local.threads")?,
            local_context_tokens: number(loaded, "local.context_tokens")?,
        };
        settings.check_together(loaded)?;
        Ok(settings)
    }

    fn check_together(&self, loaded: &Loaded) -> Result<(), ConfigError> {
        if self.memory.k_min > self.memory.k_max {
            return Err(refusal(loaded, "memory.k_min", "at most memory.k_max"));
        }
        if self.chunk_overlap >= self.chunk_tokens {
            return Err(refusal(loaded, "documents.chunk_overlap", "less than documents.chunk_tokens"));
        }
        for size in self.models.keys() {
            let key = format!("models.{size:?}").to_lowercase();
            check_model_name(loaded, &key)?;
        }
        check_model_name(loaded, "models.embedding")
    }
}

fn check_model_name(loaded: &Loaded, key: &str) -> Result<(), ConfigError> {
    match loaded.get(key) {
        Some(name) if !name.contains('/') => Err(refusal(loaded, key, "provider/model, such as openai/gpt-4o-mini")),
        _ => Ok(()),
    }
}

fn text(loaded: &Loaded, key: &str) -> Option<String> {
    loaded.get(key).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn secret(loaded: &Loaded, key: &str) -> Option<SecretString> {
    text(loaded, key).map(SecretString::from)
}

fn list(loaded: &Loaded, key: &str) -> Vec<String> {
    let items = loaded.get(key).unwrap_or_default().split(',').map(str::trim);
    items.filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

fn parse<T: FromStr>(loaded: &Loaded, key: &str, allowed: &str) -> Result<T, ConfigError> {
    loaded.get(key).and_then(|value| value.parse().ok()).ok_or_else(|| refusal(loaded, key, allowed))
}

/// A number whose range the table has checked already.
fn number<T: FromStr>(loaded: &Loaded, key: &str) -> Result<T, ConfigError> {
    parse(loaded, key, "a number in the range of this key")
}

fn optional<T: FromStr>(loaded: &Loaded, key: &str) -> Result<Option<T>, ConfigError> {
    loaded.get(key).map(|_| number(loaded, key)).transpose()
}

fn millis(loaded: &Loaded, key: &str) -> Result<Duration, ConfigError> {
    number(loaded, key).map(Duration::from_millis)
}

fn refusal(loaded: &Loaded, key: &str, allowed: &str) -> ConfigError {
    let shown = loaded.show().into_iter().find(|(name, ..)| name == key);
    let (value, place) =
        shown.map_or((None, "the configuration".to_owned()), |(_, value, source)| (value, source.to_string()));
    ConfigError::BadValue { place, name: key.to_owned(), value: value.unwrap_or_default(), allowed: allowed.to_owned() }
}

fn providers(loaded: &Loaded) -> BTreeMap<String, Provider> {
    let names = loaded.names_under("providers").into_iter().filter(|name| name != "timeouts");
    names
        .map(|name| {
            let provider = Provider {
                base_url: text(loaded, &format!("providers.{name}.base_url")),
                api_key: secret(loaded, &format!("providers.{name}.api_key")),
            };
            (name, provider)
        })
        .collect()
}

fn sizes(loaded: &Loaded) -> BTreeMap<ModelSize, String> {
    [(ModelSize::Small, "models.small"), (ModelSize::Medium, "models.medium"), (ModelSize::Large, "models.large")]
        .into_iter()
        .filter_map(|(size, key)| Some((size, text(loaded, key)?)))
        .collect()
}

fn modes(loaded: &Loaded) -> Result<BTreeMap<String, Mode>, ConfigError> {
    let names = loaded.names_under("models.modes").into_iter();
    names
        .map(|name| {
            let key = |part: &str| format!("models.modes.{name}.{part}");
            let mode = Mode {
                model: text(loaded, &key("model")),
                system_prompt: text(loaded, &key("system_prompt")),
                temperature: optional(loaded, &key("temperature"))?,
                max_output_tokens: optional(loaded, &key("max_output_tokens"))?,
            };
            Ok((name, mode))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let flags = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::from_loaded(&Loaded::load(&Sources { flags, ..Sources::default() })?)
    }

    #[test]
    fn defaults_make_valid_settings() {
        let settings = settings(&[]).unwrap();
        assert_eq!(settings.models_dir, PathBuf::from("./data/models"));
        settings.memory.validate().unwrap();
    }

    #[test]
    fn values_that_contradict_each_other_are_refused_by_key() {
        for (pairs, key) in [
            (vec![("documents.chunk_tokens", "64"), ("documents.chunk_overlap", "64")], "documents.chunk_overlap"),
            (vec![("memory.k_min", "9"), ("memory.k_max", "8")], "memory.k_min"),
            (vec![("models.medium", "gpt-4o")], "models.medium"),
            (vec![("server.host", "localhost:1")], "server.host"),
        ] {
            let error = settings(&pairs).unwrap_err().to_string();
            assert!(error.contains(&format!("`{key}`")), "{error}");
        }
    }

    #[test]
    fn a_mode_of_ones_own_is_read() {
        let settings =
            settings(&[("models.modes.terse.system_prompt", "Be brief."), ("models.modes.terse.temperature", "0.1")]);
        let modes = settings.unwrap().modes;
        assert_eq!(modes["terse"].system_prompt.as_deref(), Some("Be brief."));
        assert_eq!(modes["terse"].temperature, Some(0.1));
    }
}
