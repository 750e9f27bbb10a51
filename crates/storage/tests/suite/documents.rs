use std::time::Duration;

use domain::{
    Document, DocumentFault, DocumentFaultCode, DocumentFilter, DocumentId, DocumentPatch, DocumentStatus,
    EmbeddingStatus, IndexedContent, UserId,
    ports::{DocumentText, StoreError},
};

use super::{
    Stores,
    data::{self, read_both_ways},
};

async fn stored(stores: &Stores, document: Document) -> Document {
    stores.documents.insert(document.clone(), data::job(&stores.ids, "ingest", data::at(0))).await.unwrap();
    document
}

async fn find(stores: &Stores, owner: UserId, id: DocumentId) -> Document {
    stores.documents.find(owner, id).await.unwrap().unwrap()
}

pub(crate) async fn a_document_comes_with_its_job(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let document = Document {
        category: Some("Guide".into()),
        tags: vec!["b".into(), "a".into()],
        ..data::document(&stores.ids, owner, "Bees")
    };
    let document = stored(stores, document).await;
    assert_eq!(find(stores, owner, document.id).await, document);
    assert_eq!(stores.documents.find_for_worker(document.id).await.unwrap(), Some(document.clone()));
    assert!(stores.documents.blob_in_use(&document.sha256).await.unwrap());
    assert!(!stores.documents.blob_in_use("00").await.unwrap());
    let job = stores.jobs.claim(&["ingest"], "w", Duration::from_secs(5), data::at(0)).await.unwrap();
    assert!(job.is_some());
}

pub(crate) async fn content_makes_it_ready_and_can_be_saved_again(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let document = stored(stores, data::document(&stores.ids, owner, "Bees")).await;
    let port = &stores.documents;
    assert!(port.mark_processing(document.id, data::at(2)).await.unwrap());
    assert_eq!(find(stores, owner, document.id).await.status, DocumentStatus::Processing);
    assert_eq!(port.find_text(owner, document.id).await.unwrap(), None);
    for second in [3, 4] {
        let content = data::content(&stores.ids, document.id, &["one", "two", "three"]);
        let next = data::job(&stores.ids, "embed", data::at(second));
        port.save_content(document.id, content.clone(), Some(next), data::at(second)).await.unwrap();
        let ready = find(stores, owner, document.id).await;
        let expected = Document {
            status: DocumentStatus::Ready,
            pages: 1,
            chunks: 3,
            tokens: 21,
            warnings: vec!["odd".into()],
            updated_at: data::at(second),
            ..document.clone()
        };
        assert_eq!(ready, expected);
        let text = DocumentText { version: 1, text: content.text, pages: content.pages };
        assert_eq!(port.find_text(owner, document.id).await.unwrap(), Some(text));
        let list = async |page| port.list_chunks(owner, document.id, page).await.unwrap().unwrap();
        let (by_cursor, by_number, total) = read_both_ways!(2, list);
        assert_eq!((&by_cursor, total), (&content.chunks, 3));
        assert_eq!(by_number, by_cursor);
    }
    port.mark_embedding(document.id, EmbeddingStatus::Ready, None, data::at(9)).await.unwrap();
    assert_eq!(find(stores, owner, document.id).await.embedding, EmbeddingStatus::Ready);
    let warning = Some("by words only".to_owned());
    port.mark_embedding(document.id, EmbeddingStatus::Off, warning, data::at(10)).await.unwrap();
    let off = find(stores, owner, document.id).await;
    assert_eq!((off.embedding, off.warnings), (EmbeddingStatus::Off, vec!["odd".into(), "by words only".into()]));
}

pub(crate) async fn a_title_found_inside_replaces_only_a_file_name(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let cases = [("Given", "x.pdf", "Given"), ("x.pdf", "x.pdf", "Inside"), ("x", "x.pdf", "Inside")];
    for (title, filename, expected) in cases {
        let document = Document { filename: filename.into(), ..data::document(&stores.ids, owner, title) };
        let document = stored(stores, document).await;
        let content =
            IndexedContent { title: Some("Inside".into()), ..data::content(&stores.ids, document.id, &["one"]) };
        stores.documents.save_content(document.id, content, None, data::at(1)).await.unwrap();
        assert_eq!(find(stores, owner, document.id).await.title, expected);
    }
}

pub(crate) async fn foreign_documents_are_absent(stores: &Stores) {
    let (owner, other) = (data::user(stores, "ada").await, data::user(stores, "eve").await);
    let document = data::document(&stores.ids, owner, "Bees");
    let id = document.id;
    data::indexed(stores, document, &["one"]).await;
    let port = &stores.documents;
    let job = data::job(&stores.ids, "remove", data::at(0));
    assert_eq!(port.find(other, id).await.unwrap(), None);
    assert_eq!(port.find_text(other, id).await.unwrap(), None);
    assert_eq!(port.list_chunks(other, id, data::first(5)).await.unwrap(), None);
    assert_eq!(port.update(other, id, DocumentPatch::default(), data::at(1)).await.unwrap(), None);
    let jobs = stores.jobs.count_pending().await.unwrap();
    assert_eq!(port.delete(other, id, job).await.unwrap(), None);
    assert_eq!(stores.jobs.count_pending().await.unwrap(), jobs);
    assert!(port.list(other, DocumentFilter::default(), data::first(5)).await.unwrap().items.is_empty());
    assert!(port.find(owner, id).await.unwrap().is_some());
}

pub(crate) async fn document_filters_narrow_the_list(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let make = |title: &str, category: &str, tags: &[&str]| Document {
        category: Some(category.into()),
        tags: tags.iter().map(|&tag| tag.into()).collect(),
        ..data::document(&stores.ids, owner, title)
    };
    let bees = stored(stores, make("Bees", "Guide", &["x", "y"])).await.id;
    let mills = stored(stores, make("Tide Mills", "FAQ", &["x"])).await.id;
    stores.documents.mark_processing(mills, data::at(1)).await.unwrap();
    let all = DocumentFilter::default;
    let of = async |filter| -> Vec<DocumentId> {
        let page = stores.documents.list(owner, filter, data::first(9)).await.unwrap();
        page.items.into_iter().map(|document| document.id).collect()
    };
    assert_eq!(of(all()).await, [mills, bees]);
    assert_eq!(of(DocumentFilter { status: Some(DocumentStatus::Queued), ..all() }).await, [bees]);
    assert_eq!(of(DocumentFilter { category: Some("FAQ".into()), ..all() }).await, [mills]);
    assert_eq!(of(DocumentFilter { tags: vec!["x".into(), "y".into()], ..all() }).await, [bees]);
    assert_eq!(of(DocumentFilter { title_contains: Some("mills tide".into()), ..all() }).await, [mills]);
    let patch = DocumentPatch { category: Some(None), tags: Some(vec!["z".into()]), ..DocumentPatch::default() };
    let patched = stores.documents.update(owner, mills, patch, data::at(7)).await.unwrap().unwrap();
    assert_eq!((patched.category, patched.updated_at), (None, data::at(7)));
    assert_eq!(of(DocumentFilter { tags: vec!["x".into()], ..all() }).await, [bees]);
    assert_eq!(of(DocumentFilter { tags: vec!["z".into()], ..all() }).await, [mills]);
}

pub(crate) async fn document_pages_by_cursor_and_number_agree(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    for n in 0..11_u64 {
        let document = Document { created_at: data::at(n / 3), ..data::document(&stores.ids, owner, "Bees") };
        stored(stores, document).await;
    }
    let list = async |page| stores.documents.list(owner, DocumentFilter::default(), page).await.unwrap();
    let (by_cursor, by_number, total) = read_both_ways!(4, list);
    assert_eq!((by_cursor.len(), total), (11, 11));
    assert!(by_cursor.is_sorted_by(|a, b| (a.created_at, a.id) > (b.created_at, b.id)));
    assert_eq!(by_number, by_cursor);
}

pub(crate) async fn deleting_a_document_leaves_only_the_job(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let document = data::document(&stores.ids, owner, "Bees");
    let chunks = data::indexed(stores, document.clone(), &["one"]).await;
    let job = data::job(&stores.ids, "remove", data::at(0));
    let removed = stores.documents.delete(owner, document.id, job.clone()).await.unwrap().unwrap();
    assert_eq!((removed.id, removed.sha256), (document.id, document.sha256.clone()));
    let claimed = stores.jobs.claim(&["remove"], "w", Duration::from_secs(5), data::at(0)).await.unwrap().unwrap();
    assert_eq!((claimed.id, claimed.payload), (job.id, job.payload));
    assert_eq!(stores.documents.find_for_worker(document.id).await.unwrap(), None);
    assert_eq!(stores.passages.load_passages(owner, &chunks).await.unwrap(), []);
    assert!(!stores.documents.blob_in_use(&document.sha256).await.unwrap());
    assert!(!stores.documents.mark_processing(document.id, data::at(1)).await.unwrap());
    let content = data::content(&stores.ids, document.id, &["late"]);
    let late = stores.documents.save_content(document.id, content, None, data::at(2)).await;
    assert!(matches!(late, Err(StoreError::Missing)));
}

pub(crate) async fn failures_are_kept_with_their_code(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let document = stored(stores, data::document(&stores.ids, owner, "Bees")).await;
    let fault = DocumentFault { code: DocumentFaultCode::NoText, detail: "The file holds only images.".into() };
    stores.documents.mark_failed(document.id, fault.clone(), data::at(3)).await.unwrap();
    let failed = find(stores, owner, document.id).await;
    assert_eq!((failed.status, failed.fault), (DocumentStatus::Failed, Some(fault)));
    let content = data::content(&stores.ids, document.id, &["one"]);
    stores.documents.save_content(document.id, content, None, data::at(4)).await.unwrap();
    assert_eq!(find(stores, owner, document.id).await.fault, None);
}

pub(crate) async fn chunks_without_vector_shrink_as_vectors_come(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let document = data::document(&stores.ids, owner, "Bees");
    let id = document.id;
    let chunks = data::indexed(stores, document, &["one", "two", "three"]).await;
    let missing = async |model, limit| -> Vec<_> {
        let missing = stores.documents.chunks_without_vector(id, model, limit).await.unwrap();
        missing.into_iter().map(|chunk| chunk.id).collect()
    };
    assert_eq!(missing("m", 2).await, chunks[..2]);
    let gone = domain::ChunkId::new(&stores.ids);
    let vectors = vec![(chunks[0], vec![1.0, 0.0]), (gone, vec![0.0, 1.0]), (chunks[0], vec![0.6, 0.8])];
    stores.documents.save_vectors(id, "m", vectors).await.unwrap();
    assert_eq!(missing("m", 9).await, chunks[1..]);
    assert_eq!(missing("other", 9).await, chunks);
    let odd = stores.documents.save_vectors(id, "m", vec![(chunks[1], vec![f32::NAN, 0.0])]).await;
    assert!(matches!(odd, Err(StoreError::Corrupt { .. })));
    assert_eq!(missing("m", 9).await, chunks[1..]);
}
