//! How the values of `domain` are written into columns: one wrapper per kind, the engine's form beside it.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{BigInt, Json as JsonType, Text},
    sqlite::{Sqlite, SqliteValue},
};
use domain::{
    Confidence, DocumentStatus, EmbeddingStatus, FinishReason, Grounding, MessageRole, MessageStatus, ModelSize, Role,
    UserStatus,
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// A typed id, as hyphenated text; text order is id order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T: fmt::Debug + Copy + Into<Uuid>> ToSql<Text, Sqlite> for Id<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        let id: Uuid = self.0.into();
        out.set_value(id.to_string());
        Ok(IsNull::No)
    }
}

impl<T: FromStr> FromSql<Text, Sqlite> for Id<T> {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        T::from_str(value.read_text()).map(Self).map_err(|_| "an id column holds something else than a UUID".into())
    }
}

/// A moment, as microseconds since 1970: exact, ordered, and the sort value of cursors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = BigInt)]
pub(crate) struct Time(pub(crate) DateTime<Utc>);

impl ToSql<BigInt, Sqlite> for Time {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.timestamp_micros());
        Ok(IsNull::No)
    }
}

impl FromSql<BigInt, Sqlite> for Time {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let time = DateTime::from_timestamp_micros(value.read_long());
        time.map(Self).ok_or_else(|| "a time column is out of range".into())
    }
}

/// A whole number that is never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = BigInt)]
pub(crate) struct Number<T>(pub(crate) T);

impl<T: fmt::Debug + Copy + TryInto<i64>> ToSql<BigInt, Sqlite> for Number<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        let number: i64 = self.0.try_into().map_err(|_| format!("{:?} is too large to be stored", self.0))?;
        out.set_value(number);
        Ok(IsNull::No)
    }
}

impl<T: TryFrom<i64>> FromSql<BigInt, Sqlite> for Number<T> {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let number = value.read_long();
        T::try_from(number).map(Self).map_err(|_| format!("a number column holds {number}").into())
    }
}

/// A list or object, as JSON.
#[derive(Debug, Clone, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = JsonType)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: fmt::Debug + Serialize> ToSql<JsonType, Sqlite> for Json<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(serde_json::to_string(&self.0)?);
        Ok(IsNull::No)
    }
}

impl<T: DeserializeOwned> FromSql<JsonType, Sqlite> for Json<T> {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(serde_json::from_str(value.read_text())?))
    }
}

/// A value of a small set, as its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub(crate) struct Word<T>(pub(crate) T);

/// A small set of values with a word for each.
pub(crate) trait Words: Copy + fmt::Debug {
    /// The word of the value.
    fn word(self) -> &'static str;
    /// The value of the word.
    fn of_word(word: &str) -> Option<Self>;
}

impl<T: Words> ToSql<Text, Sqlite> for Word<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.word());
        Ok(IsNull::No)
    }
}

impl<T: Words> FromSql<Text, Sqlite> for Word<T> {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let word = value.read_text();
        T::of_word(word).map(Self).ok_or_else(|| format!("`{word}` is no word of its column").into())
    }
}

macro_rules! words {
    ($($type:ident { $($value:ident = $word:literal,)+ })+) => {$(
        impl Words for $type {
            fn word(self) -> &'static str {
                match self { $(Self::$value => $word,)+ }
            }

            fn of_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$value),)+ _ => None }
            }
        }
    )+};
}

words! {
    Role { User = "user", Admin = "admin", }
    UserStatus { Active = "active", Suspended = "suspended", }
    Grounding { OpenChat = "open_chat", GroundedRag = "grounded_rag", }
    ModelSize { Small = "small", Medium = "medium", Large = "large", }
    MessageRole { User = "user", Assistant = "assistant", }
    MessageStatus {
        Accepted = "accepted",
        Streaming = "streaming",
        Complete = "complete",
        Cancelled = "cancelled",
        Interrupted = "interrupted",
        Failed = "failed",
    }
    Confidence { None = "none", Low = "low", Medium = "medium", High = "high", }
    FinishReason {
        Stop = "stop",
        Length = "length",
        ContentFilter = "content_filter",
        Cancelled = "cancelled",
    }
    DocumentStatus { Queued = "queued", Processing = "processing", Ready = "ready", Failed = "failed", }
    EmbeddingStatus { Pending = "pending", Ready = "ready", Off = "off", }
}
