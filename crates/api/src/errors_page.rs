//! The list of error codes, written from the table.

use std::fmt::Write;

use domain::ErrorKind;

use crate::error::rule;

const HEAD: &str = "\
# Errors

Every error is an `application/problem+json` body (RFC 9457):

```json
{\"type\":\"/docs/errors#not_found\",\"title\":\"Not found\",\"status\":404,\"detail\":\"…\",\"code\":\"not_found\",\"request_id\":\"…\",\"errors\":[]}
```

`code` is stable: act on it. `detail` says what was expected, what came and what to do; its words may change.
`errors` names the fields at fault as `{field,message}`. `message_id` is there when the user's message had been stored
before the failure: it is the reply, which is kept and listed as `failed`. The same codes stand in `error` events of
streams and in the `error` of a document.

This page is written from the table in `crates/api/src/error.rs`; a test fails when it is not fresh
(`UPDATE_DOCS=1 cargo test -p api` writes it). A running server shows it under `/docs/errors`.

| code | status | what happened | what to do |
|---|---|---|---|
";

/// The page as Markdown: `docs/errors.md`, and what the server shows under `/docs/errors`.
#[must_use]
pub fn errors_page() -> String {
    ErrorKind::ALL.into_iter().fold(HEAD.to_owned(), |mut page, kind| {
        let (code, rule) = (kind.code(), rule(kind));
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| <a id=\"{code}\"></a>`{code}` | {} | {} | {} |",
            rule.status.as_u16(),
            rule.title,
            rule.advice
        );
        page
    })
}
