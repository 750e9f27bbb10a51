//! Reading, changing and removing documents.

use bytes::Bytes;
use domain::{
    Chunk, Document, DocumentFilter, DocumentId, DocumentPatch, DocumentStatus, ErrorKind, Page, PageRequest,
    ports::DocumentText,
};

use super::{
    Ingestion,
    accept::{check_category, check_title},
};
use crate::{
    Actor, ServiceError,
    error::FieldErrors,
    jobs::{BlobJob, REMOVE_BLOB, new_job},
    labels::{clean_tags, one_line},
};

impl Ingestion {
    /// The actor's documents, newest first.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: DocumentFilter,
        page: PageRequest,
    ) -> Result<Page<Document>, ServiceError> {
        Ok(self.parts.documents.list(actor.user_id, filter, page).await?)
    }

    /// The actor's document of this id.
    ///
    /// # Errors
    /// `NotFound`; failures of the store.
    pub async fn find(&self, actor: &Actor, id: DocumentId) -> Result<Document, ServiceError> {
        self.parts.documents.find(actor.user_id, id).await?.ok_or_else(not_found)
    }

    /// Changes the actor's document and answers it as it now is.
    ///
    /// # Errors
    /// `ValidationFailed` naming the fields; `NotFound`; failures of the store.
    pub async fn update(
        &self,
        actor: &Actor,
        id: DocumentId,
        mut patch: DocumentPatch,
    ) -> Result<Document, ServiceError> {
        check_patch(&mut patch)?;
        let now = self.parts.context.now();
        self.parts.documents.update(actor.user_id, id, patch, now).await?.ok_or_else(not_found)
    }

    /// Removes the actor's document from lists and searches at once, and its file soon after.
    ///
    /// # Errors
    /// `NotFound`; failures of the store.
    pub async fn delete(&self, actor: &Actor, id: DocumentId) -> Result<(), ServiceError> {
        let document = self.find(actor, id).await?;
        let now = self.parts.context.now();
        let job = new_job(&*self.parts.context.ids, REMOVE_BLOB, BlobJob::payload(&document.sha256), now);
        self.parts.documents.delete(actor.user_id, id, job).await?.ok_or_else(not_found)?;
        self.parts.wake.ring();
        Ok(())
    }

    /// The extracted text.
    ///
    /// # Errors
    /// `NotFound`; `DocumentNotReady` where there is none yet, or never will be; failures of the store.
    pub async fn find_text(&self, actor: &Actor, id: DocumentId) -> Result<DocumentText, ServiceError> {
        if let Some(text) = self.parts.documents.find_text(actor.user_id, id).await? {
            return Ok(text);
        }
        Err(not_ready(&self.find(actor, id).await?))
    }

    /// The passages by their place in the text.
    ///
    /// # Errors
    /// `NotFound`; failures of the store.
    pub async fn list_chunks(
        &self,
        actor: &Actor,
        id: DocumentId,
        page: PageRequest,
    ) -> Result<Page<Chunk>, ServiceError> {
        self.parts.documents.list_chunks(actor.user_id, id, page).await?.ok_or_else(not_found)
    }

    /// The file as it was uploaded.
    ///
    /// # Errors
    /// `NotFound`; failures of the stores.
    pub async fn original(&self, actor: &Actor, id: DocumentId) -> Result<(Document, Bytes), ServiceError> {
        let document = self.find(actor, id).await?;
        let content = self.parts.blobs.get(&document.sha256).await?.ok_or_else(|| {
            tracing::error!(document = %id, sha256 = document.sha256, "the file of a document is missing");
            ServiceError::refuse(ErrorKind::NotFound, "the file of this document is gone: upload it again")
        })?;
        Ok((document, content))
    }
}

fn check_patch(patch: &mut DocumentPatch) -> Result<(), ServiceError> {
    let mut faults = FieldErrors::default();
    if let Some(title) = &mut patch.title {
        match one_line(title) {
            Some(line) => *title = line,
            None => faults.add("title", "a document keeps a title: expected some text"),
        }
        check_title(Some(title), &mut faults);
    }
    if let Some(category) = &mut patch.category {
        *category = category.as_deref().and_then(one_line);
        check_category(category.as_deref(), &mut faults);
    }
    if let Some(tags) = &mut patch.tags {
        clean_tags(tags, &mut faults);
    }
    faults.finish()
}

fn not_found() -> ServiceError {
    ServiceError::not_found("document")
}

fn not_ready(document: &Document) -> ServiceError {
    let detail = match (&document.status, &document.fault) {
        (DocumentStatus::Failed, Some(fault)) => format!("this document has no text: {}", fault.detail),
        _ => "this document is still being read: ask again in a few seconds".to_owned(),
    };
    ServiceError::refuse(ErrorKind::DocumentNotReady, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_can_be_changed_but_not_removed() {
        let mut patch = DocumentPatch { title: Some(" Two\nlines ".into()), ..DocumentPatch::default() };
        check_patch(&mut patch).unwrap();
        assert_eq!(patch.title.as_deref(), Some("Two lines"));
        let mut blank = DocumentPatch { title: Some(" ".into()), ..DocumentPatch::default() };
        assert_eq!(check_patch(&mut blank).unwrap_err().fields()[0].field, "title");
    }

    #[test]
    fn every_faulty_field_is_named() {
        let mut patch = DocumentPatch {
            title: Some("t".repeat(201)),
            category: Some(Some("c".repeat(51))),
            tags: Some(vec!["x".repeat(51)]),
        };
        let fields: Vec<_> = check_patch(&mut patch).unwrap_err().fields().iter().map(|f| f.field.clone()).collect();
        assert_eq!(fields, ["title", "category", "tags"]);
    }
}
