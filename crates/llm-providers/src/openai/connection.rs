//! One provider at one address with one key.

use std::{fmt, sync::Arc, time::Duration};

use async_openai::{Client, config::Config};
use domain::{ModelError, ModelFault};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::{
    address::{base_url, is_loopback},
    transport::Transport,
};
use crate::catalogue::{MaxTokensField, Preset, SeedField};

/// How long a provider may take, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To be reached, TLS included.
    pub connect_ms: u64,
    /// From the call to the first token; for embeddings to the whole answer.
    pub first_token_ms: u64,
    /// Between two pieces of a reply.
    pub idle_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 5_000, first_token_ms: 60_000, idle_ms: 30_000 }
    }
}

/// How a provider's requests differ from the common form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// The name of the limit of a reply.
    pub max_tokens_field: MaxTokensField,
    /// The name of the seed.
    pub seed_field: SeedField,
    /// Whether `stream_options.include_usage` may be sent.
    pub stream_usage: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { max_tokens_field: MaxTokensField::MaxTokens, seed_field: SeedField::Seed, stream_usage: true }
    }
}

impl Dialect {
    /// The preset's when `address` is the preset's own, else the common form: `OPENAI_BASE_URL` often leads to a
    /// compatible server that knows only the common names.
    #[must_use]
    pub fn of(preset: &Preset, address: &str) -> Self {
        let host = |url: &str| reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let own = preset.base_url.as_deref().and_then(host);
        if own.is_none() || own != base_url(address, preset.default_port).ok().as_deref().and_then(host) {
            return Self::default();
        }
        Self {
            max_tokens_field: preset.max_tokens_field,
            seed_field: preset.seed_field,
            stream_usage: preset.stream_usage,
        }
    }
}

/// What a connection is made of.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    /// The provider's name in configuration and model ids.
    pub provider: String,
    /// Where it is: with or without `/v1` and a slash at its end, or `host:port`, which means http.
    pub base_url: String,
    /// The key, if it wants one. Sent as `Authorization: Bearer`, shown nowhere.
    pub api_key: Option<SecretString>,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// How its requests differ.
    pub dialect: Dialect,
}

impl ConnectionSettings {
    /// Those of `preset`, at `address` where one is given, else at the preset's own.
    ///
    /// # Errors
    /// `Unavailable` when neither gives an address, or the one given cannot be used.
    pub fn of_preset(provider: &str, preset: &Preset, address: Option<&str>) -> Result<Self, ModelError> {
        let address = address
            .or(preset.base_url.as_deref())
            .ok_or_else(|| unusable(provider, format_args!("it has no address: set providers.{provider}.base_url")))?;
        Ok(Self {
            provider: provider.to_owned(),
            base_url: base_url(address, preset.default_port)
                .map_err(|bad| unusable(provider, format_args!("providers.{provider}.base_url: {bad}")))?,
            api_key: None,
            timeouts: Timeouts::default(),
            dialect: Dialect::of(preset, address),
        })
    }
}

/// One provider at one address with one key; cheap to clone. Its models share the pool of connections.
#[derive(Clone)]
pub struct Connection {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) provider: String,
    pub(super) timeouts: Timeouts,
    pub(super) dialect: Dialect,
    pub(super) key: Option<SecretString>,
    pub(super) client: Client<Endpoint>,
}

impl Connection {
    /// Prepares calls; nothing is sent yet.
    ///
    /// # Errors
    /// `Unavailable` when the address or the key cannot be used, or the process has no TLS provider installed
    /// (`rustls::crypto::ring::default_provider().install_default()` in `main`).
    pub fn open(settings: ConnectionSettings) -> Result<Self, ModelError> {
        let ConnectionSettings { provider, base_url: address, api_key, timeouts, dialect } = settings;
        let base = base_url(&address, None)
            .map_err(|bad| unusable(&provider, format_args!("providers.{provider}.base_url: {bad}")))?;
        let key = api_key.filter(|key| !key.expose_secret().trim().is_empty());
        let headers = headers(key.as_ref()).ok_or_else(|| {
            let what = format_args!("providers.{provider}.api_key has characters that no key has: set it again");
            unusable(&provider, what)
        })?;
        if key.is_some() && base.starts_with("http:") && !is_loopback(&base) {
            tracing::warn!(provider, "the provider's address is http, so its key travels unencrypted: use https");
        }
        let http = http_client(&base, timeouts).map_err(|what| unusable(&provider, format_args!("{what}")))?;
        let endpoint = Endpoint { base, headers, unused_key: SecretString::default() };
        let client = Client::build(http.clone(), endpoint).with_http_service(Transport::new(http));
        Ok(Self { inner: Arc::new(Inner { provider, timeouts, dialect, key, client }) })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("provider", &self.inner.provider)
            .field("timeouts", &self.inner.timeouts)
            .field("dialect", &self.inner.dialect)
            .finish_non_exhaustive()
    }
}

/// Replaces `OpenAIConfig`, which reads environment variables, sends an empty key, and panics on a key with a
/// line break.
pub(super) struct Endpoint {
    base: String,
    headers: HeaderMap,
    unused_key: SecretString,
}

impl Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        // The key travels in `headers`; async-openai asks for this only to open WebSockets.
        &self.unused_key
    }
}

fn unusable(provider: &str, what: fmt::Arguments<'_>) -> ModelError {
    ModelError::new(ModelFault::Unavailable, format!("provider {provider} cannot be used: {what}"))
}

fn headers(key: Option<&SecretString>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret().trim())).ok()?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    Some(headers)
}

fn http_client(base: &str, timeouts: Timeouts) -> Result<reqwest::Client, String> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        return Err("no TLS provider is installed in this process".to_owned());
    }
    let builder = reqwest::Client::builder()
        // Nagle's algorithm would hold requests back by up to 40 ms.
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_millis(timeouts.connect_ms))
        // A redirected POST would lose its body or carry the prompt to an address that nobody configured.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("causerie/", env!("CARGO_PKG_VERSION")));
    let builder = if is_loopback(base) { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| format!("the HTTP client could not be made: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn dialect_of_a_preset_holds_only_at_its_own_address() {
        let catalogue = Catalogue::built_in().unwrap();
        let openai = catalogue.preset("openai").unwrap();
        let own = Dialect::of(openai, "https://api.openai.com/v1/");
        assert_eq!(own.max_tokens_field, MaxTokensField::MaxCompletionTokens);
        assert_eq!(Dialect::of(openai, "http://127.0.0.1:8000/v1"), Dialect::default());
        assert!(!Dialect::of(catalogue.preset("mistral").unwrap(), "https://api.mistral.ai").stream_usage);
        assert_eq!(Dialect::of(catalogue.preset("custom").unwrap(), "http://x/v1"), Dialect::default());
    }

    #[test]
    fn key_that_no_header_can_carry_is_refused_without_being_repeated() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let error = Connection::open(ConnectionSettings {
            provider: "custom".to_owned(),
            base_url: "http://127.0.0.1:1".to_owned(),
            api_key: Some("sk-se\ncret".into()),
            timeouts: Timeouts::default(),
            dialect: Dialect::default(),
        })
        .unwrap_err();
        assert_eq!(error.fault, ModelFault::Unavailable);
        assert!(error.to_string().contains("providers.custom.api_key"), "{error}");
        assert!(!format!("{error:?}").contains("sk-se"));
    }
}
