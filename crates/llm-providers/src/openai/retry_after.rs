//! The provider's wish for a pause.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};

/// Milliseconds of `retry-after-ms` (OpenAI, Azure), else of `Retry-After` (RFC 9110 §10.2.3): seconds, which
/// some write with a fraction, or a date, which is taken relative to the answer's own `Date` so that a wrong clock
/// here does no harm.
pub(super) fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let exact = headers.get("retry-after-ms").and_then(number).and_then(|ms| milliseconds(ms / 1_000.0));
    exact.or_else(|| {
        let value = headers.get(RETRY_AFTER)?;
        match number(value) {
            Some(seconds) => milliseconds(seconds),
            None => until(value, headers.get(DATE)?),
        }
    })
}

fn number(value: &HeaderValue) -> Option<f64> {
    value.to_str().ok()?.trim().parse().ok()
}

fn milliseconds(seconds: f64) -> Option<u64> {
    let pause = Duration::try_from_secs_f64(seconds).ok()?;
    u64::try_from(pause.as_millis()).ok()
}

fn until(then: &HeaderValue, now: &HeaderValue) -> Option<u64> {
    let date = |value: &HeaderValue| httpdate::parse_http_date(value.to_str().ok()?).ok();
    let pause = date(then)?.duration_since(date(now)?).unwrap_or_default();
    u64::try_from(pause.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&'static str, &str)]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        retry_after_ms(&headers)
    }

    #[test]
    fn all_forms_are_read_and_the_finest_wins() {
        assert_eq!(of(&[("retry-after", "7")]), Some(7_000));
        assert_eq!(of(&[("retry-after", "0.25")]), Some(250));
        assert_eq!(of(&[("retry-after", "7"), ("retry-after-ms", "120")]), Some(120));
        let dates = [("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT"), ("date", "Wed, 21 Oct 2015 07:28:00 GMT")];
        assert_eq!(of(&dates), Some(30_000));
    }

    #[test]
    fn nonsense_is_no_wish() {
        for value in ["", "soon", "-1", "NaN", "1e300", "Wed, 21 Oct 2015 07:28:30 GMT"] {
            assert_eq!(of(&[("retry-after", value)]), None, "{value}");
        }
        assert_eq!(of(&[]), None);
    }
}
