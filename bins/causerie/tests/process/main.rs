//! The program itself, as an operator meets it: processes, exit codes, what is printed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests stand outside test functions")]

mod commands;
mod provider;
mod replies;
mod serving;
mod starting;
mod uploads;
