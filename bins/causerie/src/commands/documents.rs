//! `causerie ingest` and `causerie search`.
#![allow(clippy::print_stdout, reason = "the command's answer")]

use std::{fs, path::PathBuf, time::Duration};

use domain::{Document, DocumentStatus, EmbeddingStatus, SearchFilter};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use services::{
    Actor,
    ingestion::{Ingestion, Upload},
    jobs::Worker,
    retrieval::{SearchMode, SearchQuery},
};

use super::{Outcome, owner::owner, runtime};
use crate::{
    config::Settings,
    wire::{ModelUse, Overrides, build},
};

/// How long jobs may still run once every file is done.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// How often the state of a document is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) fn ingest(settings: &Settings, files: &[PathBuf], user: Option<&str>) -> Outcome {
    let program = build(settings, Overrides::models(ModelUse::Embedding))?;
    runtime()?.block_on(async {
        let actor = owner(&program.accounts, user).await?;
        let worker = Worker::start(program.worker);
        let bars = MultiProgress::new();
        let following = files.iter().map(|file| follow(&program.ingestion, &actor, file, bars.add(spinner())));
        let ends = futures::future::join_all(following).await;
        worker.stop(STOP_GRACE).await;
        // Bars are drawn on terminals only; these lines are for everybody.
        bars.clear()?;
        ends.iter().for_each(|end| println!("{}: {}", end.name, end.outcome));
        let failed = ends.iter().filter(|end| !end.searchable).count();
        if failed > 0 { Err(format!("{failed} of {} files could not be added", files.len()).into()) } else { Ok(()) }
    })
}

/// What became of a file.
struct End {
    name: String,
    outcome: String,
    searchable: bool,
}

/// Adds one file and follows it until it can be searched, or cannot.
async fn follow(ingestion: &Ingestion, actor: &Actor, file: &PathBuf, bar: ProgressBar) -> End {
    let name = file.file_name().map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into_owned());
    bar.set_prefix(name.clone());
    let (outcome, searchable) = match accept(ingestion, actor, file, name.clone()).await {
        Ok(accepted) => until_settled(ingestion, actor, accepted, &bar).await,
        Err(why) => (format!("refused: {why}"), false),
    };
    bar.finish_with_message(outcome.clone());
    End { name, outcome, searchable }
}

async fn until_settled(
    ingestion: &Ingestion,
    actor: &Actor,
    mut document: Document,
    bar: &ProgressBar,
) -> (String, bool) {
    loop {
        let ready = document.status == DocumentStatus::Ready && document.embedding != EmbeddingStatus::Pending;
        if ready || document.status == DocumentStatus::Failed {
            return (stage(&document), ready);
        }
        bar.set_message(stage(&document));
        tokio::time::sleep(LOOK_EVERY).await;
        match ingestion.find(actor, document.id).await {
            Ok(found) => document = found,
            Err(error) => return (format!("failed: {}", error.detail()), false),
        }
    }
}

async fn accept(ingestion: &Ingestion, actor: &Actor, file: &PathBuf, filename: String) -> Result<Document, String> {
    let content = fs::read(file).map_err(|error| error.to_string())?.into();
    let upload = Upload { filename, title: None, category: None, tags: Vec::new(), content };
    ingestion.accept(actor, upload).await.map_err(|error| error.detail())
}

fn stage(document: &Document) -> String {
    let size = format!("{} pages, {} passages", document.pages, document.chunks);
    match (document.status, document.embedding) {
        (DocumentStatus::Queued, _) => "queued".to_owned(),
        (DocumentStatus::Processing, _) => "reading".to_owned(),
        (DocumentStatus::Ready, EmbeddingStatus::Pending) => format!("embedding {size}"),
        (DocumentStatus::Ready, EmbeddingStatus::Ready) => format!("ready: {size}"),
        (DocumentStatus::Ready, EmbeddingStatus::Off) => format!("ready: {size}, searched by words only"),
        (DocumentStatus::Failed, _) => {
            format!("failed: {}", document.fault.as_ref().map_or("", |fault| fault.detail.as_str()))
        }
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<32} {wide_msg} [{elapsed}]") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(LOOK_EVERY);
    bar
}

pub(super) fn search(settings: &Settings, text: String, user: Option<&str>, top_k: u32) -> Outcome {
    let program = build(settings, Overrides::models(ModelUse::Embedding))?;
    runtime()?.block_on(async {
        let actor = owner(&program.accounts, user).await?;
        let filter = SearchFilter::all_of(actor.user_id);
        let query = SearchQuery { text, top_k, mode: SearchMode::Hybrid, filter };
        let found = program.retrieval.search(&actor, query).await?;
        for (rank, passage) in (1..).zip(&found.passages) {
            let page = passage.page.map(|page| format!(", page {page}")).unwrap_or_default();
            println!("{rank}. {}{page}  ({:.2})", passage.title, passage.score);
            println!("   {}\n", passage.text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        for warning in &found.warnings {
            println!("note: {warning}");
        }
        println!("{} passages in {} ms", found.passages.len(), found.took_ms);
        Ok(())
    })
}
