//! What a provider says when it fails, and what that means.

use serde_json::Value;

/// What an error of a provider means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The key is missing, wrong, or not allowed to do this.
    Key,
    /// The account has no money left.
    Quota,
    /// The provider declines the content.
    Declined,
    /// The prompt is too long.
    TooLong,
    /// There is no such model.
    NoModel,
    /// Too many calls.
    Limited,
    /// The provider is in trouble.
    Trouble,
    /// The address leads elsewhere.
    Moved,
    /// The request is not as the provider wants it.
    Request,
}

/// An error object in any of its forms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Complaint {
    pub(super) message: String,
    /// `code` and `type`, in lower case; one often holds what the other should.
    labels: [String; 2],
    /// A status that the object itself gives, as OpenRouter does inside streams.
    status: Option<u16>,
}

impl Complaint {
    /// From the parts of an event. `error` is an object, or the message itself; the others stand beside it or
    /// in its stead.
    pub(super) fn new(error: Option<Value>, message: Option<Value>, kind: Option<Value>, code: Option<Value>) -> Self {
        let mut fields = match error {
            Some(Value::Object(fields)) => fields,
            Some(Value::String(text)) => [("message".to_owned(), Value::String(text))].into_iter().collect(),
            _ => serde_json::Map::new(),
        };
        let mut field = |name: &str, beside: Option<Value>| match fields.remove(name) {
            Some(Value::Null) | None => beside.unwrap_or_default(),
            Some(value) => value,
        };
        let (message, kind, code) = (field("message", message), field("type", kind), field("code", code));
        Self { message: plain(&message), status: status(&code), labels: [label(&code), label(&kind)] }
    }

    /// From the body of a failure, JSON or not.
    pub(super) fn of_body(body: &str) -> Self {
        match serde_json::from_str(body) {
            Ok(Value::Array(items)) => items.into_iter().next().map(Self::of_value).unwrap_or_default(),
            Ok(value @ Value::Object(_)) => Self::of_value(value),
            Ok(Value::String(text)) => Self { message: text, ..Self::default() },
            _ => Self { message: body.to_owned(), ..Self::default() },
        }
    }

    fn of_value(mut value: Value) -> Self {
        let mut take = |name: &str| value.get_mut(name).map(Value::take).filter(|value| !value.is_null());
        let message = take("message").or_else(|| take("detail"));
        Self::new(take("error"), message, take("type"), take("code"))
    }

    /// What it means, given the status of the answer; `None` inside a stream.
    pub(super) fn meaning(&self, status: Option<u16>) -> Meaning {
        let status = status.or(self.status);
        if status != Some(429) && self.too_long() {
            return Meaning::TooLong;
        }
        if status == Some(402) || self.labelled(&["insufficient_quota", "insufficient_balance", "billing"]) {
            return Meaning::Quota;
        }
        if self.labelled(&["content_filter", "content_policy", "moderation"]) {
            return Meaning::Declined;
        }
        if self.labelled(&["invalid_api_key", "authentication", "invalid_authentication"]) {
            return Meaning::Key;
        }
        if matches!(status, None | Some(400 | 404 | 422)) && self.no_model() {
            return Meaning::NoModel;
        }
        if self.labelled(&["rate_limit", "too_many_requests"]) && status != Some(413) {
            return Meaning::Limited;
        }
        match status {
            None | Some(408 | 409 | 425 | 500..) => Meaning::Trouble,
            Some(401 | 403) => Meaning::Key,
            Some(404) => Meaning::NoModel,
            // Groq: one request larger than the tokens that a minute allows. A shorter prompt passes.
            Some(413) => Meaning::TooLong,
            Some(429) => Meaning::Limited,
            Some(300..=399) => Meaning::Moved,
            Some(_) => Meaning::Request,
        }
    }

    fn labelled(&self, marks: &[&str]) -> bool {
        self.labels.iter().any(|label| marks.iter().any(|mark| label.contains(mark)))
    }

    fn too_long(&self) -> bool {
        // Labels of OpenAI and of llama.cpp's server; the phrases are those of vLLM, Mistral, Groq, xAI and Together.
        self.labelled(&["context_length_exceeded", "exceed_context_size"])
            || self.says(&["maximum context length", "context window", "context length", "available context size"])
            || self.says(&["reduce the length of the messages", "maximum prompt length", "prompt is too long"])
    }

    fn no_model(&self) -> bool {
        let missing = ["does not exist", "not found", "not a valid model", "invalid model", "not exist"];
        self.labelled(&["model_not_found", "invalid_model", "model_not_available"])
            || (self.says(&["model"]) && self.says(&missing))
    }

    fn says(&self, phrases: &[&str]) -> bool {
        let message = self.message.to_lowercase();
        phrases.iter().any(|phrase| message.contains(phrase))
    }
}

fn plain(message: &Value) -> String {
    match message {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn label(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_lowercase()
}

fn status(code: &Value) -> Option<u16> {
    let number = match code {
        Value::String(text) => text.parse().ok()?,
        other => u16::try_from(other.as_u64()?).ok()?,
    };
    (400..600).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(status: u16, body: &str) -> Meaning {
        Complaint::of_body(body).meaning(Some(status))
    }

    #[test]
    fn failures_mean_what_their_vendors_say() {
        for (status, body, expected) in [
            (401, r#"{"error":{"message":"Incorrect API key","code":"invalid_api_key"}}"#, Meaning::Key),
            (403, "Forbidden", Meaning::Key),
            (400, r#"{"error":{"message":"no key","type":"authentication_error"}}"#, Meaning::Key),
            (429, r#"{"error":{"message":"You exceeded your quota","code":"insufficient_quota"}}"#, Meaning::Quota),
            (429, r#"{"error":{"message":"quota","type":"insufficient_quota","code":null}}"#, Meaning::Quota),
            (402, r#"{"error":{"message":"Insufficient credits","code":402}}"#, Meaning::Quota),
            (
                429,
                r#"{"error":{"message":"Rate limit reached for model","code":"rate_limit_exceeded"}}"#,
                Meaning::Limited,
            ),
            (429, r#"{"message":"Requests rate limit exceeded"}"#, Meaning::Limited),
            (413, r#"{"error":{"message":"Request too large, TPM","code":"rate_limit_exceeded"}}"#, Meaning::TooLong),
            (400, r#"{"error":{"message":"x","code":"context_length_exceeded"}}"#, Meaning::TooLong),
            (400, r#"{"error":{"message":"x","type":"exceed_context_size_error","code":400}}"#, Meaning::TooLong),
            (
                400,
                r#"{"object":"error","message":"This model's maximum context length is 8192 tokens"}"#,
                Meaning::TooLong,
            ),
            (422, r#"{"detail":"prompt is too long"}"#, Meaning::TooLong),
            (404, r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#, Meaning::NoModel),
            (400, r#"{"error":{"message":"x is not a valid model ID","code":400}}"#, Meaning::NoModel),
            (
                400,
                r#"{"object":"error","message":"Invalid model: x","type":"invalid_model","code":1500}"#,
                Meaning::NoModel,
            ),
            (404, "404 page not found", Meaning::NoModel),
            (400, r#"{"error":{"message":"flagged","code":"content_policy_violation"}}"#, Meaning::Declined),
            (400, r#"{"error":{"message":"Unknown parameter"}}"#, Meaning::Request),
            (422, r#"{"detail":[{"msg":"Extra inputs are not permitted"}]}"#, Meaning::Request),
            (308, "", Meaning::Moved),
            (408, "", Meaning::Trouble),
            (500, r#"{"error":{"message":"The server had an error"}}"#, Meaning::Trouble),
            (503, "<html>", Meaning::Trouble),
            (529, "null", Meaning::Trouble),
        ] {
            assert_eq!(meaning(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn inside_a_stream_the_object_tells_and_the_unknown_is_trouble() {
        let within = |body: &str| Complaint::of_body(body).meaning(None);
        assert_eq!(within(r#"{"error":{"code":429,"message":"slow down"}}"#), Meaning::Limited);
        assert_eq!(within(r#"{"error":{"code":"502","message":"upstream"}}"#), Meaning::Trouble);
        assert_eq!(within(r#"{"error":{"type":"insufficient_quota","message":"spent"}}"#), Meaning::Quota);
        assert_eq!(within(r#"{"error":"something"}"#), Meaning::Trouble);
        assert_eq!(within(r#"[{"error":{"code":401,"message":"no"}}]"#), Meaning::Key);
    }

    #[test]
    fn message_is_found_wherever_it_stands() {
        for body in [
            r#"{"error":{"message":"why"}}"#,
            r#"{"error":"why"}"#,
            r#"{"message":"why"}"#,
            r#"{"detail":"why"}"#,
            r#"[{"error":{"message":"why"}}]"#,
            r#""why""#,
            "why",
        ] {
            assert_eq!(Complaint::of_body(body).message, "why", "{body}");
        }
    }
}
