//! Streams one reply of a provider that speaks OpenAI's protocol.
//!
//! `OPENAI_API_KEY=… cargo run -p llm-providers --example chat_openai -- gpt-4o-mini "Why is the sky blue?"`
//! `OPENAI_BASE_URL=127.0.0.1:11434 cargo run -p llm-providers --example chat_openai -- llama3.2 "Hello"`
#![expect(clippy::print_stdout, reason = "printing is what this example is for")]

use std::{env, error::Error, io::Write};

use domain::{ChatEvent, ChatMessage, ChatRequest, ChatRole, ports::ChatModel};
use futures::StreamExt;
use llm_providers::{
    catalogue::Catalogue,
    openai::{Connection, ConnectionSettings, OpenAiChat},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return Err("a TLS provider is installed already".into());
    }
    let mut arguments = env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "gpt-4o-mini".to_owned());
    let question = arguments.next().unwrap_or_else(|| "Say hello in three languages.".to_owned());

    let catalogue = Catalogue::built_in()?;
    let preset = catalogue.preset("openai").ok_or("the catalogue has no openai")?;
    let address = env::var("OPENAI_BASE_URL").ok();
    let mut settings = ConnectionSettings::of_preset("openai", preset, address.as_deref())?;
    settings.api_key = env::var("OPENAI_API_KEY").ok().map(Into::into);
    let entry = catalogue.chat("openai", &name);
    let model = OpenAiChat::new(&Connection::open(settings)?, &name, &entry);

    let request = ChatRequest {
        messages: vec![ChatMessage { role: ChatRole::User, content: question }],
        max_output_tokens: 500,
        temperature: None,
        top_p: None,
        stop: Vec::new(),
        seed: None,
    };
    let mut reply = model.stream(request).await?;
    while let Some(event) = reply.next().await {
        match event? {
            ChatEvent::Text(text) | ChatEvent::Reasoning(text) => print!("{text}"),
            ChatEvent::Usage(usage) => print!("\n{} + {} tokens", usage.prompt_tokens, usage.completion_tokens),
            ChatEvent::Finish(reason) => print!("\n[{reason:?}]"),
        }
        std::io::stdout().flush()?;
    }
    println!();
    Ok(())
}
