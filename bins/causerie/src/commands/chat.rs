//! `causerie chat`: a conversation in the terminal.
#![allow(clippy::print_stdout, reason = "the command's answer")]

use std::io::{Write, stdin, stdout};

use domain::{EventBody, Grounding};
use futures::StreamExt;
use services::{
    conversations::NewConversation,
    turn::{PostMessage, StartedTurn},
};

use super::{Outcome, owner::owner, runtime};
use crate::{
    config::Settings,
    wire::{Overrides, build},
};

pub(super) fn chat(settings: &Settings, grounded: bool, user: Option<&str>) -> Outcome {
    let program = build(settings, Overrides::default())?;
    runtime()?.block_on(async {
        let actor = owner(&program.accounts, user).await?;
        let grounding = if grounded { Grounding::GroundedRag } else { Grounding::OpenChat };
        let new = NewConversation { grounding: Some(grounding), ..NewConversation::default() };
        let conversation = program.conversations.create(&actor, new).await?;
        println!("Type a message and press Enter; an empty line or Ctrl-D ends the chat.");
        loop {
            print!("> ");
            stdout().flush()?;
            let Some(content) = read_line().await?.filter(|line| !line.trim().is_empty()) else { break };
            let post = PostMessage { content, ..PostMessage::default() };
            match program.turns.post_message(&actor, conversation.id, post).await {
                Ok(started) => print_reply(started).await?,
                Err(error) => println!("{}", error.detail()),
            }
        }
        Ok(())
    })
}

/// Reads a line without holding up the runtime; absent at the end of the input.
async fn read_line() -> std::io::Result<Option<String>> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        stdin().read_line(&mut line).map(|bytes| (bytes > 0).then_some(line))
    });
    read.await.map_err(std::io::Error::other)?
}

async fn print_reply(mut started: StartedTurn) -> std::io::Result<()> {
    while let Some(event) = started.events.next().await {
        match event.body {
            EventBody::Chunk { content } => print!("{content}"),
            EventBody::Citation(citation) => {
                let page = citation.page.map(|page| format!(", page {page}")).unwrap_or_default();
                print!("\n  [{}] {}{page}", citation.index, citation.title);
            }
            EventBody::Done(_) => println!(),
            EventBody::Error { detail, .. } => println!("\n{detail}"),
            EventBody::Start { .. } | EventBody::Reasoning { .. } | EventBody::Snapshot { .. } => {}
        }
        stdout().flush()?;
    }
    Ok(())
}
