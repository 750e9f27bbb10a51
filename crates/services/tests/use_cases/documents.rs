//! Documents from upload to search, and back out again.

use domain::{
    Document, DocumentFault, DocumentFaultCode, DocumentFilter, DocumentPatch, DocumentStatus, EmbeddingStatus,
    ErrorKind, Role, SearchFilter, UserId,
    ports::{BlobStore, DocumentStore, EmbeddingModel, PassageIndex},
};
use services::{Actor, ingestion::Upload};

use crate::world::{FIRST_PAGE, WordVectors, World, kind_of, upload};

fn fixture(name: &str) -> Upload {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/documents/");
    upload(name, std::fs::read(format!("{folder}{name}")).unwrap())
}

/// Text of `paragraphs` paragraphs of some 60 words.
fn long_text(paragraphs: usize) -> String {
    let paragraph = |n: usize| format!("Paragraph {n} {}.", "about the harbour and its tides ".repeat(10).trim_end());
    (0..paragraphs).map(paragraph).collect::<Vec<_>>().join("\n\n")
}

#[tokio::test]
async fn an_uploaded_pdf_becomes_ready_and_is_found_by_words_and_by_meaning() {
    let world = World::new();
    let ada = world.person("ada").await;
    let ingestion = world.ingestion(Some(WordVectors::new()));
    let accepted = ingestion.accept(&ada, fixture("lighthouses.pdf")).await.unwrap();
    assert_eq!((accepted.status, accepted.content_type.as_str()), (DocumentStatus::Queued, "application/pdf"));
    assert_eq!(kind_of(ingestion.find_text(&ada, accepted.id).await), ErrorKind::DocumentNotReady);
    assert_eq!(world.run_jobs(&ingestion).await, ["ingest_document", "embed_document"]);
    let document = ingestion.find(&ada, accepted.id).await.unwrap();
    assert_eq!((document.status, document.embedding), (DocumentStatus::Ready, EmbeddingStatus::Ready));
    let text = ingestion.find_text(&ada, document.id).await.unwrap();
    let chunks = ingestion.list_chunks(&ada, document.id, FIRST_PAGE).await.unwrap().items;
    assert!(document.pages > 0 && text.pages.len() == document.pages as usize);
    assert!(!chunks.is_empty() && chunks.len() == document.chunks as usize);
    for chunk in &chunks {
        let range = usize::try_from(chunk.byte_start).unwrap()..usize::try_from(chunk.byte_end).unwrap();
        assert_eq!(text.text[range], chunk.text);
        assert!(chunk.page_from.is_some() && chunk.tokens <= 208);
    }
    let filter = SearchFilter::all_of(ada.user_id);
    let words: String = chunks[0].text.split_whitespace().take(4).collect::<Vec<_>>().join(" ");
    assert!(!world.database.search_keyword(&words, &filter, 5).await.unwrap().is_empty());
    assert_eq!(
        world.database.search_dense("test/words", &[0.125_f32.sqrt(); 8], &filter, 50).await.unwrap().len(),
        chunks.len()
    );
    assert_eq!(ingestion.original(&ada, document.id).await.unwrap().1, fixture("lighthouses.pdf").content);
}

#[tokio::test]
async fn without_an_embedding_model_documents_are_found_by_words_alone() {
    let world = World::new();
    let (ada, ingestion) = (world.person("ada").await, world.ingestion(None));
    let id = ingestion.accept(&ada, upload("notes.md", "# Tides\n\nThe moon pulls.")).await.unwrap().id;
    assert_eq!(world.run_jobs(&ingestion).await, ["ingest_document"]);
    let document = ingestion.find(&ada, id).await.unwrap();
    assert_eq!((document.status, document.embedding), (DocumentStatus::Ready, EmbeddingStatus::Off));
    assert_eq!(
        (document.pages, ingestion.list_chunks(&ada, id, FIRST_PAGE).await.unwrap().items[0].page_from),
        (0, None)
    );
}

#[tokio::test]
async fn reading_twice_gives_the_same_passages() {
    let world = World::new();
    let ada = world.person("ada").await;
    let ingestion = world.ingestion(Some(WordVectors::new()));
    let id = ingestion.accept(&ada, upload("long.txt", long_text(20))).await.unwrap().id;
    world.run_jobs(&ingestion).await;
    let first = ingestion.list_chunks(&ada, id, FIRST_PAGE).await.unwrap().items;
    ingestion.ingest(id).await.unwrap();
    world.run_jobs(&ingestion).await;
    ingestion.embed(id).await.unwrap();
    assert_eq!(ingestion.list_chunks(&ada, id, FIRST_PAGE).await.unwrap().items, first);
    assert_eq!(ingestion.find(&ada, id).await.unwrap().embedding, EmbeddingStatus::Ready);
}

#[tokio::test]
async fn embedding_goes_on_where_it_failed() {
    let world = World::new();
    let ada = world.person("ada").await;
    let model = WordVectors::failing_after(1);
    let ingestion = world.ingestion(Some(model.clone()));
    let id = ingestion.accept(&ada, upload("long.txt", long_text(120))).await.unwrap().id;
    assert!(world.run_job(&ingestion).await.unwrap().1.is_ok());
    let before = ingestion.find(&ada, id).await.unwrap();
    assert!(before.chunks > 16, "{}", before.chunks);
    assert!(world.run_job(&ingestion).await.unwrap().1.is_err());
    let missing = world.database.chunks_without_vector(id, &model.info().id, 1000).await.unwrap();
    assert_eq!(missing.len(), before.chunks as usize - 16);
    assert_eq!(ingestion.find(&ada, id).await.unwrap().embedding, EmbeddingStatus::Pending);
    model.recover();
    assert_eq!(world.run_jobs(&ingestion).await, ["embed_document"]);
    assert_eq!(ingestion.find(&ada, id).await.unwrap().embedding, EmbeddingStatus::Ready);
}

async fn failed(world: &World, upload: Upload) -> (Document, DocumentFault) {
    let name = format!("person-{}", upload.content.len());
    let (person, ingestion) = (world.person(&name).await, world.ingestion(None));
    let id = ingestion.accept(&person, upload).await.unwrap().id;
    world.run_jobs(&ingestion).await;
    let document = ingestion.find(&person, id).await.unwrap();
    assert_eq!(document.status, DocumentStatus::Failed);
    let fault = document.fault.clone().unwrap();
    assert!(ingestion.find_text(&person, id).await.unwrap_err().detail().contains(&fault.detail));
    (document, fault)
}

#[tokio::test]
async fn files_that_cannot_be_read_say_why() {
    let world = World::new();
    assert_eq!(failed(&world, fixture("user-password.pdf")).await.1.code, DocumentFaultCode::PasswordProtected);
    assert_eq!(failed(&world, fixture("image-only.pdf")).await.1.code, DocumentFaultCode::NoText);
    assert_eq!(failed(&world, upload("blank.txt", "  \n ")).await.1.code, DocumentFaultCode::NoText);
}

#[tokio::test]
async fn a_lost_file_fails_its_document() {
    let world = World::new();
    let (ada, ingestion) = (world.person("ada").await, world.ingestion(None));
    let document = ingestion.accept(&ada, upload("a.txt", "Some text.")).await.unwrap();
    world.blobs.delete(&document.sha256).await.unwrap();
    world.run_jobs(&ingestion).await;
    let document = ingestion.find(&ada, document.id).await.unwrap();
    assert_eq!(document.fault.unwrap().code, DocumentFaultCode::Unreadable);
    assert_eq!(kind_of(ingestion.original(&ada, document.id).await), ErrorKind::NotFound);
}

#[tokio::test]
async fn giving_up_fails_the_document_with_a_sentence() {
    let world = World::new();
    let (ada, ingestion) = (world.person("ada").await, world.ingestion(None));
    let id = ingestion.accept(&ada, upload("a.txt", "Some text.")).await.unwrap().id;
    let routine = ingestion.routines().into_iter().find(|routine| routine.kind() == "ingest_document").unwrap();
    routine.give_up(&serde_json::json!({ "document_id": id })).await.unwrap();
    assert!(ingestion.find(&ada, id).await.unwrap().fault.unwrap().detail.contains("upload it again"));
}

#[tokio::test]
async fn refused_uploads_leave_nothing_behind() {
    let world = World::new();
    let (ada, ingestion) = (world.person("ada").await, world.ingestion(None));
    let tagged = Upload { tags: vec!["x".repeat(51)], ..upload("a.txt", "text") };
    let refusals = [
        (upload("empty.pdf", ""), ErrorKind::EmptyFile),
        // A web page under the name of a PDF.
        (fixture("report.pdf"), ErrorKind::UnsupportedType),
        (upload("big.txt", "a".repeat(200_001)), ErrorKind::FileTooLarge),
        (tagged, ErrorKind::ValidationFailed),
    ];
    for (upload, kind) in refusals {
        assert_eq!(kind_of(ingestion.accept(&ada, upload).await), kind);
    }
    assert!(ingestion.list(&ada, DocumentFilter::default(), FIRST_PAGE).await.unwrap().items.is_empty());
    assert_eq!((world.stored_files(), world.run_jobs(&ingestion).await.len()), (0, 0));
    let error = ingestion.accept(&ada, upload("big.txt", "a".repeat(200_001))).await.unwrap_err();
    assert!(error.detail().contains("200001") && error.detail().contains("200000"), "{}", error.detail());
}

#[tokio::test]
async fn a_row_that_cannot_be_stored_takes_its_file_with_it_unless_it_is_in_use() {
    let world = World::new();
    let (ada, ingestion) = (world.person("ada").await, world.ingestion(None));
    let nobody = Actor { user_id: UserId::new(&*world.context.ids), session_id: None, role: Role::User };
    assert!(ingestion.accept(&nobody, upload("a.txt", "Shared text.")).await.is_err());
    assert_eq!(world.stored_files(), 0);
    let kept = ingestion.accept(&ada, upload("a.txt", "Shared text.")).await.unwrap();
    assert!(ingestion.accept(&nobody, upload("a.txt", "Shared text.")).await.is_err());
    assert_eq!(ingestion.original(&ada, kept.id).await.unwrap().1, "Shared text.");
}

#[tokio::test]
async fn deleting_removes_the_file_with_its_last_document() {
    let world = World::new();
    let (ada, eve, ingestion) = (world.person("ada").await, world.person("eve").await, world.ingestion(None));
    let hers = ingestion.accept(&ada, upload("a.txt", "Shared text.")).await.unwrap().id;
    let theirs = ingestion.accept(&eve, upload("b.txt", "Shared text.")).await.unwrap().id;
    assert_eq!(kind_of(ingestion.delete(&eve, hers).await), ErrorKind::NotFound);
    ingestion.delete(&ada, hers).await.unwrap();
    world.run_jobs(&ingestion).await;
    assert_eq!(kind_of(ingestion.find(&ada, hers).await), ErrorKind::NotFound);
    assert_eq!(world.stored_files(), 1);
    ingestion.delete(&eve, theirs).await.unwrap();
    world.run_jobs(&ingestion).await;
    assert_eq!(world.stored_files(), 0);
}

#[tokio::test]
async fn jobs_of_a_deleted_document_do_nothing() {
    let world = World::new();
    let ada = world.person("ada").await;
    let ingestion = world.ingestion(Some(WordVectors::new()));
    let id = ingestion.accept(&ada, upload("a.txt", "Some text.")).await.unwrap().id;
    ingestion.delete(&ada, id).await.unwrap();
    ingestion.ingest(id).await.unwrap();
    ingestion.embed(id).await.unwrap();
    world.run_jobs(&ingestion).await;
    assert_eq!(world.stored_files(), 0);
}

#[tokio::test]
async fn the_title_inside_a_file_yields_to_the_one_a_person_chose() {
    let world = World::new();
    let (ada, ingestion) = (world.person("ada").await, world.ingestion(None));
    let text = "# The Tides of Elm Harbour\n\nText.";
    let unnamed = ingestion.accept(&ada, upload("tides_v2.md", text)).await.unwrap();
    assert_eq!(unnamed.title, "tides_v2");
    let named = Upload { title: Some("Mine".into()), ..upload("tides_v2.md", text) };
    let named = ingestion.accept(&ada, named).await.unwrap().id;
    let renamed = ingestion.accept(&ada, upload("tides_v2.md", text)).await.unwrap().id;
    let patch = DocumentPatch { title: Some("Renamed".into()), ..DocumentPatch::default() };
    ingestion.update(&ada, renamed, patch).await.unwrap();
    world.run_jobs(&ingestion).await;
    let mut titles = Vec::new();
    for id in [unnamed.id, named, renamed] {
        titles.push(ingestion.find(&ada, id).await.unwrap().title);
    }
    assert_eq!(titles, ["The Tides of Elm Harbour", "Mine", "Renamed"]);
}

#[tokio::test]
async fn nobody_reaches_anothers_document() {
    let world = World::new();
    let (ada, eve, ingestion) = (world.person("ada").await, world.person("eve").await, world.ingestion(None));
    let id = ingestion.accept(&ada, upload("a.txt", "Some text.")).await.unwrap().id;
    world.run_jobs(&ingestion).await;
    let kinds = [
        kind_of(ingestion.find(&eve, id).await),
        kind_of(ingestion.find_text(&eve, id).await),
        kind_of(ingestion.list_chunks(&eve, id, FIRST_PAGE).await),
        kind_of(ingestion.original(&eve, id).await),
        kind_of(ingestion.update(&eve, id, DocumentPatch::default()).await),
        kind_of(ingestion.delete(&eve, id).await),
    ];
    assert!(kinds.iter().all(|kind| *kind == ErrorKind::NotFound), "{kinds:?}");
    assert!(ingestion.find_text(&ada, id).await.is_ok());
}
