//! Base URLs as people write them.

use reqwest::Url;

/// The address of a provider cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAddress {
    /// It is no URL.
    #[error(
        "expected an http or https address such as https://api.openai.com/v1 or 127.0.0.1:11434, got one that is {0}"
    )]
    Malformed(String),
    /// A secret or parameters are in it.
    #[error("the address holds {0}, which would be logged: leave it out, and set api_key where a key is needed")]
    NotBare(&'static str),
}

/// The base URL without a slash at its end, to which `/chat/completions` is added.
///
/// Takes what is found in the wild: with and without `/v1`, a slash at the end, the whole path of the call,
/// `host:port` without a scheme (as in `OLLAMA_HOST`), and the "any address" `0.0.0.0` that a server was bound to.
/// A path of its own is kept, so `https://api.groq.com/openai/v1` stays as it is. `default_port` is for addresses
/// that name neither port nor path.
///
/// # Errors
/// [`BadAddress`] when it is no http(s) address, or holds a user, a query or a fragment.
pub(super) fn base_url(text: &str, default_port: Option<u16>) -> Result<String, BadAddress> {
    let text = text.trim();
    let bare = !text.contains("://");
    let mut url = parse(text, bare)?;
    refuse_extras(&url)?;
    let no_path = url.path().trim_matches('/').is_empty();
    if bare && no_path && url.port().is_none() && default_port.is_some() {
        // Fails only for addresses without a host, which `parse` has refused.
        let _ = url.set_port(default_port);
    }
    match url.host_str() {
        Some("0.0.0.0") => url.set_host(Some("127.0.0.1")),
        Some("[::]") => url.set_host(Some("[::1]")),
        _ => Ok(()),
    }
    .map_err(|error| BadAddress::Malformed(error.to_string()))?;
    let path = without_call(url.path());
    let path = if path.is_empty() { "/v1".to_owned() } else { path.to_owned() };
    url.set_path(&path);
    Ok(url.to_string())
}

/// Whether the address is on this machine, where no proxy must be asked.
pub(super) fn is_loopback(base_url: &str) -> bool {
    let host = Url::parse(base_url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || literal.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn parse(text: &str, bare: bool) -> Result<Url, BadAddress> {
    if text.is_empty() {
        return Err(BadAddress::Malformed("empty".to_owned()));
    }
    // Without a scheme it is a server on this machine or network, as Ollama's own client takes it.
    let full = if bare { format!("http://{text}") } else { text.to_owned() };
    let url = Url::parse(&full).map_err(|error| BadAddress::Malformed(format!("not valid: {error}")))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(BadAddress::Malformed(format!("of the scheme {other}"))),
    }
}

fn refuse_extras(url: &Url) -> Result<(), BadAddress> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadAddress::NotBare("a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BadAddress::NotBare("a query or fragment"));
    }
    Ok(())
}

fn without_call(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix("/chat/completions").or_else(|| path.strip_suffix("/embeddings")).unwrap_or(path);
    path.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_an_address_leads_to_the_same_place() {
        for text in [
            "https://api.openai.com",
            "https://api.openai.com/",
            "https://api.openai.com/v1",
            " https://api.openai.com/v1/ ",
            "https://api.openai.com/v1/chat/completions",
            "https://api.openai.com/v1/embeddings/",
        ] {
            assert_eq!(base_url(text, None).as_deref(), Ok("https://api.openai.com/v1"), "{text}");
        }
        assert_eq!(base_url("https://api.groq.com/openai/v1/", None).unwrap(), "https://api.groq.com/openai/v1");
    }

    #[test]
    fn ollama_host_forms_are_understood() {
        for text in ["127.0.0.1", "127.0.0.1:11434", "0.0.0.0", "0.0.0.0:11434", "http://127.0.0.1:11434/"] {
            assert_eq!(base_url(text, Some(11434)).as_deref(), Ok("http://127.0.0.1:11434/v1"), "{text}");
        }
        assert_eq!(base_url("gpu:8080", Some(11434)).unwrap(), "http://gpu:8080/v1");
        assert_eq!(base_url("[::]:11434", Some(11434)).unwrap(), "http://[::1]:11434/v1");
        assert_eq!(base_url("https://ollama.example.org", Some(11434)).unwrap(), "https://ollama.example.org/v1");
    }

    #[test]
    fn address_with_a_secret_or_no_sense_is_refused_without_being_repeated() {
        for text in ["https://user:hunter2@example.org", "https://example.org/v1?key=hunter2"] {
            let error = base_url(text, None).unwrap_err();
            assert!(matches!(error, BadAddress::NotBare(_)));
            assert!(!error.to_string().contains("hunter2"));
        }
        for text in ["", "ftp://example.org", "http://", "https://exa mple"] {
            assert!(matches!(base_url(text, None), Err(BadAddress::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        assert!(is_loopback("http://localhost:1/v1") && is_loopback("http://[::1]:1/v1"));
        assert!(is_loopback("http://127.9.9.9/v1") && !is_loopback("http://10.0.0.1/v1"));
    }
}
