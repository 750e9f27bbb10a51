//! Failures, sorted and worded for the caller.

use async_openai::error::OpenAIError;
use domain::{ModelError, ModelFault};
use secrecy::{ExposeSecret, SecretString};

use super::{
    complaint::{Complaint, Meaning},
    connection::Timeouts,
    reply::Broken,
    shorten::shorten,
    transport::Refusal,
};

/// Whose failure it is.
#[derive(Clone, Copy)]
pub(super) struct Peer<'a> {
    pub(super) provider: &'a str,
    pub(super) model: &'a str,
    pub(super) key: Option<&'a SecretString>,
    pub(super) timeouts: Timeouts,
}

impl Peer<'_> {
    /// Of a call as async-openai reports it. Its own texts, which quote what was received, are not kept.
    pub(super) fn failed(&self, error: OpenAIError) -> ModelError {
        match error {
            OpenAIError::Boxed(boxed) => match boxed.downcast::<Refusal>() {
                Ok(refusal) => self.refused(&refusal),
                Err(other) => with_source(self.fault(ModelFault::Retryable, "could not be called"), other),
            },
            OpenAIError::Reqwest(error) => self.unreached(error),
            OpenAIError::ApiError(answer) => {
                let complaint = Complaint::of_body(&answer.api_error.message);
                self.complained(&complaint, Some(answer.status_code.as_u16()))
            }
            OpenAIError::JSONDeserialize(error, _) => {
                let what = "sent something that is not a reply of its protocol: check its address";
                with_source(self.fault(ModelFault::Retryable, what), error)
            }
            OpenAIError::StreamError(error) => {
                let what = "broke the connection before the reply was whole";
                with_source(self.fault(ModelFault::Retryable, what), error)
            }
            other => with_source(self.fault(ModelFault::Permanent, "could not be sent the request"), other),
        }
    }

    /// Of a reply that ended before it was whole.
    pub(super) fn broken(&self, broken: Broken) -> ModelError {
        match broken {
            Broken::Complaint(complaint) => self.complained(&complaint, None),
            Broken::Failed(reason) => self.fault(ModelFault::Retryable, &format!("gave up the reply ({reason})")),
            Broken::Cut => self.fault(ModelFault::Retryable, "broke the connection before the reply was whole"),
            Broken::Empty => {
                self.fault(ModelFault::Retryable, "ended without a reply: check its address if this lasts")
            }
        }
    }

    /// Of an error object in an answer that was no failure by its status.
    pub(super) fn complained(&self, complaint: &Complaint, status: Option<u16>) -> ModelError {
        let model = self.model;
        let meaning = complaint.meaning(status);
        let told = |what: String| {
            let key = self.key.map(ExposeSecret::expose_secret);
            match shorten(&complaint.message, key) {
                Some(message) => format!("{what}: {message}"),
                None => what,
            }
        };
        let status = status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
        let (fault, what) = match meaning {
            // The provider's own words are left out: they quote parts of the key.
            Meaning::Key => (ModelFault::Permanent, self.key_refused(&status)),
            Meaning::Quota => (ModelFault::Permanent, told(format!("has no credit left for this account{status}"))),
            Meaning::Declined => (ModelFault::Permanent, told(format!("declined the content{status}"))),
            Meaning::TooLong => {
                (ModelFault::ContextTooLong, told(format!("finds the prompt too long for model {model}{status}")))
            }
            Meaning::NoModel => {
                (ModelFault::Permanent, told(format!("has no model {model}, or another address{status}")))
            }
            Meaning::Limited => (ModelFault::Retryable, told(format!("allows no more calls for now{status}"))),
            Meaning::Trouble => (ModelFault::Retryable, told(format!("failed{status}"))),
            Meaning::Moved => {
                let what = format!("answers with a redirect{status}: set providers.{}.base_url anew", self.provider);
                (ModelFault::Permanent, what)
            }
            Meaning::Request => (ModelFault::Permanent, told(format!("refused the request{status}"))),
        };
        self.fault(fault, &what)
    }

    /// Nothing came in the time for the first token.
    pub(super) fn late(&self) -> ModelError {
        let ms = self.timeouts.first_token_ms;
        self.fault(ModelFault::Timeout, &format!("sent nothing of model {} within {ms} ms", self.model))
    }

    /// Nothing came for too long inside a reply.
    pub(super) fn silent(&self) -> ModelError {
        let ms = self.timeouts.idle_ms;
        self.fault(ModelFault::Timeout, &format!("fell silent for {ms} ms before the reply was whole"))
    }

    /// A failure of this provider; `what` is the rest of a sentence that begins with its name.
    pub(super) fn fault(&self, fault: ModelFault, what: &str) -> ModelError {
        ModelError::new(fault, format!("provider {} {what}", self.provider))
    }

    fn refused(&self, refusal: &Refusal) -> ModelError {
        let status = refusal.status.as_u16();
        let mut error = self.complained(&Complaint::of_body(&refusal.body), Some(status));
        if error.fault == ModelFault::Retryable {
            error.retry_after_ms = refusal.retry_after_ms;
        }
        error
    }

    fn key_refused(&self, status: &str) -> String {
        let setting = format!("providers.{}.api_key", self.provider);
        match self.key {
            Some(_) => format!("refused the key for model {}{status}: check {setting}", self.model),
            None => format!("wants a key{status}: set {setting}"),
        }
    }

    fn unreached(&self, error: reqwest::Error) -> ModelError {
        let connect_ms = self.timeouts.connect_ms;
        let sorted = if error.is_timeout() {
            self.fault(ModelFault::Timeout, &format!("could not be reached within {connect_ms} ms"))
        } else if error.is_connect() {
            let what = format!("cannot be reached: check that it runs and providers.{}.base_url", self.provider);
            self.fault(ModelFault::Retryable, &what)
        } else {
            self.fault(ModelFault::Retryable, "broke the connection before it answered")
        };
        with_source(sorted, error.without_url())
    }
}

fn with_source(error: ModelError, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ModelError {
    ModelError { source: Some(source.into()), ..error }
}
