//! The ports of `domain`, one file each; queries are plain functions over a connection, the trait stands below them.

mod content;
mod conversations;
mod documents;
mod filters;
mod jobs;
mod messages;
mod passages;
mod sessions;
mod turn_reads;
mod turns;
mod users;
mod vectors;
