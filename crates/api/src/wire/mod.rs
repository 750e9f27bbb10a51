//! What travels: request and response bodies with their conversions. Nothing here leaves the crate.

use serde::{Deserialize, Deserializer};

macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident of $inner:path { $($variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name {
            $($variant),+
        }

        impl From<$inner> for $name {
            fn from(value: $inner) -> Self {
                use $inner as Inner;
                match value {
                    $(Inner::$variant => Self::$variant),+
                }
            }
        }

        impl From<$name> for $inner {
            fn from(value: $name) -> Self {
                use $inner as Inner;
                match value {
                    $($name::$variant => Inner::$variant),+
                }
            }
        }
    };
}

pub(crate) mod account;
pub(crate) mod conversation;
pub(crate) mod document;
pub(crate) mod event;
pub(crate) mod health;
pub(crate) mod list;
pub(crate) mod memory;
pub(crate) mod message;
pub(crate) mod receipt;
pub(crate) mod retrieval;

/// Reads a field that is there, `null` included: in a merge patch an absent field leaves as is, `null` removes, and
/// `null` for what cannot be removed is a fault.
pub(crate) fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Reads a list-valued query parameter: repeated, comma-separated, or both.
pub(crate) fn comma_list<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: Deserializer<'de>,
{
    let values = Vec::<String>::deserialize(deserializer)?;
    split_list(&values).map(|item| item.parse().map_err(serde::de::Error::custom)).collect()
}

/// The items of a list that may be given as several values, as one with commas, or both; empty items are dropped.
pub(crate) fn split_list(values: &[String]) -> impl Iterator<Item = &str> {
    values.iter().flat_map(|value| value.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Filter {
        #[serde(default, deserialize_with = "comma_list")]
        tag: Vec<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Patch {
        #[serde(default, deserialize_with = "present")]
        title: Option<Option<String>>,
        #[serde(default, deserialize_with = "present")]
        pinned: Option<bool>,
    }

    #[test]
    fn list_parameters_may_be_repeated_or_comma_separated() {
        let tags = |query| serde_html_form::from_str::<Filter>(query).unwrap().tag;
        assert_eq!(tags("tag=a&tag=b,c"), ["a", "b", "c"]);
        assert_eq!(tags("tag=a"), ["a"]);
        assert_eq!(tags("tag=,%20"), [""; 0]);
        assert_eq!(tags(""), [""; 0]);
    }

    #[test]
    fn null_removes_and_absence_leaves() {
        let patch = |json| serde_json::from_str::<Patch>(json);
        assert_eq!(patch("{}").unwrap(), Patch { title: None, pinned: None });
        assert_eq!(patch(r#"{"title":null}"#).unwrap(), Patch { title: Some(None), pinned: None });
        assert_eq!(patch(r#"{"title":"x"}"#).unwrap().title, Some(Some("x".to_owned())));
        assert!(patch(r#"{"pinned":null}"#).is_err());
    }
}
