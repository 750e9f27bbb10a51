//! Reading a file and making it searchable by words.

use std::sync::Arc;

use bytes::Bytes;
use documents::{ChunkSettings, Extraction};
use domain::{
    Document, DocumentFault, DocumentId, EmbeddingStatus, IndexedContent, NewJob,
    ports::{EmbeddingModel, StoreError, TokenCounter},
};

use super::{
    Ingestion,
    faults::{fault_of, file_lost, gave_up},
    inspection::title_of_filename,
    passages::{Cut, cut, sizes},
    tokens::ByteEstimate,
};
use crate::{
    ServiceError,
    error::broken,
    jobs::{DocumentJob, EMBED_DOCUMENT, new_job},
    labels::one_line,
};

impl Ingestion {
    /// Reads the document's file, cuts it into passages and stores both: the document is `ready` then, or `failed`
    /// with the reason where the file is at fault. Doing it twice gives the same; a document that was deleted is
    /// passed over.
    ///
    /// # Errors
    /// Failures that may pass: a busy or absent store, a full parse queue.
    pub async fn ingest(&self, id: DocumentId) -> Result<(), ServiceError> {
        let Some(document) = self.parts.documents.find_for_worker(id).await? else { return Ok(()) };
        if !self.parts.documents.mark_processing(id, self.parts.context.now()).await? {
            return Ok(());
        }
        let Some(file) = self.load_file(&document).await? else { return self.fail(id, file_lost()).await };
        let extraction = match self.parts.parser.parse(file.into(), &document.filename).await {
            Ok(extraction) => extraction,
            Err(error) => match fault_of(&error) {
                Some(fault) => return self.fail(id, fault).await,
                None => return Err(error.into()),
            },
        };
        self.save(document, extraction).await
    }

    /// Marks a document whose reading failed for good.
    pub(super) async fn give_up_reading(&self, id: DocumentId) -> Result<(), ServiceError> {
        self.fail(id, gave_up()).await
    }

    /// The file; absent where it is gone or damaged, which no further try would mend.
    async fn load_file(&self, document: &Document) -> Result<Option<Bytes>, ServiceError> {
        match self.parts.blobs.get(&document.sha256).await {
            Ok(file) => Ok(file),
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(document = %document.id, %error, "the file of a document is damaged");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn fail(&self, id: DocumentId, fault: DocumentFault) -> Result<(), ServiceError> {
        tracing::info!(document = %id, code = ?fault.code, "a document cannot be read");
        unless_gone(self.parts.documents.mark_failed(id, fault, self.parts.context.now()).await)
    }

    async fn save(&self, document: Document, extraction: Extraction) -> Result<(), ServiceError> {
        let id = document.id;
        let max_input = self.parts.embedding.as_ref().map(|model| model.info().max_tokens);
        let sizes = sizes(&self.parts.settings, max_input)?;
        let content = self.index(document, extraction, sizes).await?;
        let now = self.parts.context.now();
        let next = self.embedding_job(id);
        unless_gone(self.parts.documents.save_content(id, content, next, now).await)?;
        self.parts.wake.ring();
        Ok(())
    }

    /// Off the async threads: as many at a time as there are workers.
    async fn index(
        &self,
        document: Document,
        extraction: Extraction,
        sizes: ChunkSettings,
    ) -> Result<IndexedContent, ServiceError> {
        let model = self.parts.embedding.clone();
        let embedding = if model.is_some() { EmbeddingStatus::Pending } else { EmbeddingStatus::Off };
        let indexed = tokio::task::spawn_blocking(move || {
            let Cut { text, pages, chunks } = cut(&document, &extraction, &sizes, counter(model.as_ref()));
            let title = inner_title(&document, extraction.title.as_deref());
            IndexedContent { title, text, pages, chunks, warnings: extraction.warnings, embedding }
        });
        indexed.await.map_err(|error| broken(&format!("cutting a document failed: {error}")))
    }

    fn embedding_job(&self, id: DocumentId) -> Option<NewJob> {
        self.parts.embedding.as_ref()?;
        let payload = DocumentJob::payload(id);
        Some(new_job(&*self.parts.context.ids, EMBED_DOCUMENT, payload, self.parts.context.now()))
    }
}

/// A document that was deleted meanwhile needs nothing more.
pub(super) fn unless_gone(stored: Result<(), StoreError>) -> Result<(), ServiceError> {
    match stored {
        Ok(()) | Err(StoreError::Missing) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn counter(model: Option<&Arc<dyn EmbeddingModel>>) -> &dyn TokenCounter {
    model.map_or(&ByteEstimate, |model| model.tokens())
}

/// The title inside the file, unless a person chose one: then the title is not the file's name any more.
fn inner_title(document: &Document, found: Option<&str>) -> Option<String> {
    if document.title != title_of_filename(&document.filename) {
        return None;
    }
    let line = one_line(found?)?;
    Some(line.chars().take(super::MAX_DOCUMENT_TITLE_CHARS).collect())
}
