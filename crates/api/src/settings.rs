//! What configuration decides about HTTP.

use std::time::Duration;

/// Settings of the HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Largest request body in bytes, uploads apart (`server.max_body_bytes`).
    pub max_body_bytes: usize,
    /// Origins whose pages may call the API, such as `https://app.example.org`; `*` is all (`server.cors_origins`).
    pub cors_origins: Vec<String>,
    /// Where clients reach the server, named in the OpenAPI document (`server.public_url`).
    pub public_url: Option<String>,
    /// Longest time for a request, apart from uploads, replies and streams.
    pub request_timeout: Duration,
    /// Longest time for an upload, its transfer included.
    pub upload_timeout: Duration,
    /// Largest uploaded file in bytes (`documents.max_upload_bytes`).
    pub max_upload_bytes: u64,
    /// The most files of one upload.
    pub max_files_per_upload: usize,
    /// Largest body of one upload in bytes, all files together.
    pub max_upload_request_bytes: u64,
    /// The most bytes of uploads that are held in memory, over all requests.
    pub upload_memory_bytes: u64,
    /// Threads that serve requests; absent is one for each core.
    pub workers: Option<usize>,
    /// How long an idle connection stays open.
    pub keep_alive: Duration,
    /// Longest time for a client to send the head of a request.
    pub client_timeout: Duration,
    /// How long running replies may go on once the server is told to stop.
    pub drain_timeout: Duration,
}

impl Default for HttpSettings {
    /// 1 MiB bodies, no foreign origins, 30 s a request, 5 min an upload of at most 20 files of 10 MiB and 64 MiB
    /// together, 256 MiB of uploads in memory, 75 s keep-alive (above the 60 s after which common proxies drop an idle
    /// connection), 10 s for a request's head, 20 s to finish replies.
    fn default() -> Self {
        Self {
            max_body_bytes: 1 << 20,
            cors_origins: Vec::new(),
            public_url: None,
            request_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_secs(300),
            max_upload_bytes: 10 << 20,
            max_files_per_upload: 20,
            max_upload_request_bytes: 64 << 20,
            upload_memory_bytes: 256 << 20,
            workers: None,
            keep_alive: Duration::from_secs(75),
            client_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(20),
        }
    }
}

impl HttpSettings {
    /// Largest body of an upload: at least one file of the largest size with the form around it.
    pub(crate) fn upload_request_limit(&self) -> u64 {
        self.max_upload_request_bytes.max(self.max_upload_bytes.saturating_add(64 << 10))
    }

    /// Memory for uploads in KiB: at least one largest upload.
    pub(crate) fn upload_memory_kib(&self) -> usize {
        let kib = self.upload_memory_bytes.max(self.upload_request_limit()).div_ceil(1024);
        usize::try_from(kib).unwrap_or(usize::MAX).min(tokio::sync::Semaphore::MAX_PERMITS)
    }
}
