//! Taking a file in.

use domain::{Document, DocumentId, DocumentStatus, EmbeddingStatus, ErrorKind};

use super::{
    Ingestion, MAX_DOCUMENT_TITLE_CHARS, Upload,
    inspection::{Inspected, clean_filename, inspect, title_of_filename},
};
use crate::{
    Actor, ServiceError,
    error::FieldErrors,
    jobs::{DocumentJob, INGEST_DOCUMENT, new_job},
    labels::{clean_tags, one_line},
};

/// Longest category, in characters.
const MAX_CATEGORY_CHARS: usize = 50;

impl Ingestion {
    /// Keeps the file, notes the document as `queued` and queues its reading.
    ///
    /// # Errors
    /// `FileTooLarge`, `EmptyFile`, `UnsupportedType`; `ValidationFailed` for title, category or tags; failures of
    /// the stores. Nothing is kept then.
    pub async fn accept(&self, actor: &Actor, upload: Upload) -> Result<Document, ServiceError> {
        let upload = self.check(upload)?;
        let inspected = self.inspect(&upload).await?;
        let document = self.new_document(actor, &upload, inspected);
        let payload = DocumentJob::payload(document.id);
        let job = new_job(&*self.parts.context.ids, INGEST_DOCUMENT, payload, document.created_at);
        self.files.keep(document.clone(), job, upload.content).await?;
        self.parts.wake.ring();
        Ok(document)
    }

    fn check(&self, mut upload: Upload) -> Result<Upload, ServiceError> {
        let (size, limit) = (upload.content.len() as u64, self.parts.settings.max_upload_bytes);
        if size > limit {
            let detail = format!("the file has {size} bytes, at most {limit} are taken: split it, or make it smaller");
            return Err(ServiceError::refuse(ErrorKind::FileTooLarge, detail));
        }
        let mut faults = FieldErrors::default();
        upload.filename = clean_filename(&upload.filename);
        upload.title = upload.title.as_deref().and_then(one_line);
        upload.category = upload.category.as_deref().and_then(one_line);
        check_title(upload.title.as_deref(), &mut faults);
        check_category(upload.category.as_deref(), &mut faults);
        clean_tags(&mut upload.tags, &mut faults);
        faults.finish()?;
        Ok(upload)
    }

    async fn inspect(&self, upload: &Upload) -> Result<Inspected, ServiceError> {
        let (content, filename) = (upload.content.clone(), upload.filename.clone());
        let _turn = self.inspections.acquire().await.map_err(|_| crate::error::broken("inspections are closed"))?;
        let inspected = tokio::task::spawn_blocking(move || inspect(&content, &filename)).await;
        Ok(inspected.map_err(|error| crate::error::broken(&format!("an inspection failed: {error}")))??)
    }

    fn new_document(&self, actor: &Actor, upload: &Upload, inspected: Inspected) -> Document {
        let now = self.parts.context.now();
        Document {
            id: DocumentId::new(&*self.parts.context.ids),
            owner_id: actor.user_id,
            title: upload.title.clone().unwrap_or_else(|| title_of_filename(&upload.filename)),
            filename: upload.filename.clone(),
            content_type: inspected.format.media_type().to_owned(),
            size_bytes: upload.content.len() as u64,
            sha256: inspected.sha256,
            version: 1,
            category: upload.category.clone(),
            tags: upload.tags.clone(),
            status: DocumentStatus::Queued,
            embedding: if self.parts.embedding.is_some() { EmbeddingStatus::Pending } else { EmbeddingStatus::Off },
            fault: None,
            pages: 0,
            chunks: 0,
            tokens: 0,
            warnings: Vec::new(),
            created_at: now,
            updated_at: now,
        }
    }

    /// Removes a file unless a document has it. Doing it twice gives the same.
    ///
    /// # Errors
    /// Failures of the stores.
    pub async fn remove_blob(&self, sha256: &str) -> Result<(), ServiceError> {
        self.files.remove_unused(sha256).await
    }
}

pub(super) fn check_title(title: Option<&str>, faults: &mut FieldErrors) {
    if title.is_some_and(|title| title.chars().count() > MAX_DOCUMENT_TITLE_CHARS) {
        faults.add("title", format!("a title has at most {MAX_DOCUMENT_TITLE_CHARS} characters"));
    }
}

pub(super) fn check_category(category: Option<&str>, faults: &mut FieldErrors) {
    if category.is_some_and(|category| category.chars().count() > MAX_CATEGORY_CHARS) {
        faults.add("category", format!("a category has at most {MAX_CATEGORY_CHARS} characters"));
    }
}
