use std::sync::Arc;

use domain::{
    ChunkId, Document, DocumentId, DocumentPatch, IdSource, IndexedContent, ScoredChunk, SearchFilter, SeededIds,
    UserId, ports::StoredPassage,
};

use super::{Stores, data};

async fn keyword(stores: &Stores, reader: UserId, query: &str) -> Vec<ChunkId> {
    let hits = stores.passages.search_keyword(query, &SearchFilter::all_of(reader), 10).await.unwrap();
    hits.into_iter().map(|hit| hit.id).collect()
}

async fn dense(stores: &Stores, filter: &SearchFilter, vector: &[f32], limit: u32) -> Vec<ScoredChunk> {
    stores.passages.search_dense("m", vector, filter, limit).await.unwrap()
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|x| *x /= length);
    vector
}

fn random_vector(ids: &SeededIds, dimensions: usize) -> Vec<f32> {
    let mut bytes = vec![0; dimensions * 2];
    ids.fill_random(&mut bytes);
    unit(bytes.chunks(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]]))).collect())
}

pub(crate) async fn any_text_is_a_valid_query(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let chunks = data::indexed(stores, data::document(&stores.ids, owner, "Bees"), &["the bees dance"]).await;
    for query in ["", " ", "\"", "'", "*", "a AND", "NEAR(", "text:", "-bees", "(bees", "bees*", "^", "\0", "🐝", "{}"]
    {
        keyword(stores, owner, query).await;
    }
    for query in ["\"bees", "bees'; DROP TABLE chunks; --", "owner:bees", "the", &"dance ".repeat(5000)] {
        assert_eq!(keyword(stores, owner, query).await, chunks, "{query:.40}");
    }
}

pub(crate) async fn keyword_hits_are_ordered_best_first(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let texts = ["rain and wind and sun", "the clock of the tower strikes", "tower", "a mill by the sea", "snow"];
    let chunks = data::indexed(stores, data::document(&stores.ids, owner, "Town"), &texts).await;
    let hits = stores.passages.search_keyword("Which tower clock?", &SearchFilter::all_of(owner), 10).await.unwrap();
    assert_eq!(hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), [chunks[1], chunks[2]]);
    assert!(hits[0].score > hits[1].score && hits[1].score > 0.0, "{hits:?}");
    let one = stores.passages.search_keyword("tower clock", &SearchFilter::all_of(owner), 1).await.unwrap();
    assert_eq!(one, hits[..1]);
}

pub(crate) async fn words_are_stemmed_and_folded(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let chunks = data::indexed(stores, data::document(&stores.ids, owner, "x"), &["Café owners were dancing"]).await;
    for query in ["cafe", "CAFÉ", "cafe\u{301}", "dance", "owner", "dancing-owners"] {
        assert_eq!(keyword(stores, owner, query).await, chunks, "{query}");
    }
}

pub(crate) async fn titles_are_searched_with_less_weight(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let titled = data::document(&stores.ids, owner, "Lighthouse");
    let in_title = data::indexed(stores, titled, &["a lamp that turns at night"]).await;
    let other = data::document(&stores.ids, owner, "Notes");
    let in_text = data::indexed(stores, other, &["a lighthouse that turns at night", "rain", "snow", "hail"]).await;
    assert_eq!(keyword(stores, owner, "lighthouse").await, [in_text[0], in_title[0]]);
}

pub(crate) async fn filters_hold_in_both_searches(stores: &Stores) {
    let (ada, eve) = (data::user(stores, "ada").await, data::user(stores, "eve").await);
    let make = |owner, category: &str, tags: &[&str]| Document {
        category: Some(category.into()),
        tags: tags.iter().map(|&tag| tag.into()).collect(),
        ..data::document(&stores.ids, owner, "Bees")
    };
    let documents = [make(ada, "FAQ", &["x", "y"]), make(ada, "Guide", &["x"]), make(eve, "FAQ", &["x", "y"])];
    let ids: Vec<DocumentId> = documents.iter().map(|document| document.id).collect();
    let mut chunks = Vec::new();
    for document in documents {
        let id = document.id;
        let chunk = data::indexed(stores, document, &["bees"]).await[0];
        stores.documents.save_vectors(id, "m", vec![(chunk, vec![0.0, 1.0])]).await.unwrap();
        chunks.push(chunk);
    }
    let all = SearchFilter::all_of(ada);
    let cases = [
        (all.clone(), vec![0, 1]),
        (SearchFilter { document_ids: vec![ids[1]], ..all.clone() }, vec![1]),
        (SearchFilter { document_ids: vec![ids[1], ids[2]], ..all.clone() }, vec![1]),
        (SearchFilter { document_ids: vec![ids[2]], ..all.clone() }, vec![]),
        (SearchFilter { category: Some("FAQ".into()), ..all.clone() }, vec![0]),
        (SearchFilter { tags: vec!["x".into()], ..all.clone() }, vec![0, 1]),
        (SearchFilter { tags: vec!["x".into(), "y".into()], ..all.clone() }, vec![0]),
        (SearchFilter { category: Some("Guide".into()), tags: vec!["y".into()], ..all }, vec![]),
        (SearchFilter::all_of(eve), vec![2]),
    ];
    for (filter, expected) in cases {
        let expected: Vec<ChunkId> = expected.into_iter().map(|n: usize| chunks[n]).collect();
        let mut by_words: Vec<ChunkId> =
            stores.passages.search_keyword("bees", &filter, 9).await.unwrap().iter().map(|hit| hit.id).collect();
        let mut by_meaning: Vec<ChunkId> = dense(stores, &filter, &[0.0, 1.0], 9).await.iter().map(|h| h.id).collect();
        by_words.sort();
        by_meaning.sort();
        assert_eq!(by_words, expected, "{filter:?}");
        assert_eq!(by_meaning, expected, "{filter:?}");
    }
}

pub(crate) async fn searches_follow_updates_and_deletes(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let document = data::document(&stores.ids, owner, "Bees");
    let id = document.id;
    let everything = SearchFilter::all_of(owner);
    let old = data::indexed(stores, document, &["honey", "wax"]).await;
    let vectors = old.iter().map(|chunk| (*chunk, vec![1.0, 0.0])).collect();
    stores.documents.save_vectors(id, "m", vectors).await.unwrap();
    assert_eq!(dense(stores, &everything, &[1.0, 0.0], 9).await.len(), 2);

    let replaced = vec![(old[0], vec![0.0, 1.0])];
    stores.documents.save_vectors(id, "m", replaced).await.unwrap();
    let hits = dense(stores, &everything, &[0.0, 1.0], 9).await;
    assert_eq!((hits[0], hits.len()), (ScoredChunk { id: old[0], score: 1.0 }, 2));

    let patch = DocumentPatch { title: Some("Apiculture".into()), ..DocumentPatch::default() };
    stores.documents.update(owner, id, patch, data::at(2)).await.unwrap();
    assert_eq!(keyword(stores, owner, "bees").await, []);
    assert_eq!(keyword(stores, owner, "apiculture").await.len(), 2);

    let content = IndexedContent { ..data::content(&stores.ids, id, &["pollen"]) };
    let new = content.chunks[0].id;
    stores.documents.save_content(id, content, None, data::at(3)).await.unwrap();
    assert_eq!(keyword(stores, owner, "honey wax").await, []);
    assert_eq!(keyword(stores, owner, "pollen").await, [new]);
    assert_eq!(dense(stores, &everything, &[1.0, 0.0], 9).await, []);
    stores.documents.save_vectors(id, "m", vec![(new, vec![1.0, 0.0]), (old[0], vec![1.0, 0.0])]).await.unwrap();
    assert_eq!(dense(stores, &everything, &[1.0, 0.0], 9).await, [ScoredChunk { id: new, score: 1.0 }]);

    stores.documents.delete(owner, id, data::job(&stores.ids, "remove", data::at(4))).await.unwrap();
    assert_eq!(keyword(stores, owner, "pollen apiculture").await, []);
    assert_eq!(dense(stores, &everything, &[1.0, 0.0], 9).await, []);
}

pub(crate) async fn dense_search_equals_brute_force(stores: &Stores) {
    const DIMENSIONS: usize = 96;
    let owner = data::user(stores, "ada").await;
    let random = SeededIds::new(42);
    let mut vectors: Vec<(ChunkId, Vec<f32>)> = Vec::new();
    for _ in 0..8 {
        let document = data::document(&stores.ids, owner, "Bees");
        let id = document.id;
        let chunks = data::indexed(stores, document, &["word"; 100]).await;
        let rows: Vec<_> = chunks.into_iter().map(|chunk| (chunk, random_vector(&random, DIMENSIONS))).collect();
        stores.documents.save_vectors(id, "m", rows.clone()).await.unwrap();
        vectors.extend(rows);
    }
    for _ in 0..20 {
        let query = random_vector(&random, DIMENSIONS);
        let mut exact: Vec<ScoredChunk> = vectors
            .iter()
            .map(|(id, vector)| ScoredChunk { id: *id, score: vector.iter().zip(&query).map(|(a, b)| a * b).sum() })
            .collect();
        exact.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
        assert_eq!(dense(stores, &SearchFilter::all_of(owner), &query, 10).await, exact[..10]);
    }
}

pub(crate) async fn vectors_of_models_are_kept_apart(stores: &Stores) {
    let owner = data::user(stores, "ada").await;
    let document = data::document(&stores.ids, owner, "Bees");
    let id = document.id;
    let chunk = data::indexed(stores, document, &["honey"]).await[0];
    let everything = SearchFilter::all_of(owner);
    let search = async |model, vector: &[f32]| {
        stores.passages.search_dense(model, vector, &everything, 5).await.map(|hits| hits.len())
    };
    assert_eq!(search("m", &[1.0, 0.0]).await.unwrap(), 0);
    stores.documents.save_vectors(id, "m", vec![(chunk, vec![1.0, 0.0])]).await.unwrap();
    assert_eq!(search("other", &[1.0, 0.0, 0.0]).await.unwrap(), 0);
    stores.documents.save_vectors(id, "other", vec![(chunk, vec![1.0, 0.0, 0.0])]).await.unwrap();
    assert_eq!(search("m", &[1.0, 0.0]).await.unwrap(), 1);
    assert_eq!(search("other", &[1.0, 0.0, 0.0]).await.unwrap(), 1);
    assert!(search("m", &[1.0, 0.0, 0.0]).await.is_err());
}

pub(crate) async fn searches_see_vectors_at_once_under_load(stores: &Stores) {
    let mut tasks = tokio::task::JoinSet::new();
    let owner = data::user(stores, "ada").await;
    for _ in 0..6 {
        let document = data::document(&stores.ids, owner, "Bees");
        let id = document.id;
        let chunks = data::indexed(stores, document, &["word"; 10]).await;
        let (documents, passages) = (Arc::clone(&stores.documents), Arc::clone(&stores.passages));
        let removal = data::job(&stores.ids, "remove", data::at(0));
        tasks.spawn(async move {
            let own = SearchFilter { document_ids: vec![id], ..SearchFilter::all_of(owner) };
            for (seen, chunk) in chunks.into_iter().enumerate() {
                documents.save_vectors(id, "m", vec![(chunk, vec![1.0, 0.0])]).await.unwrap();
                let hits = passages.search_dense("m", &[1.0, 0.0], &own, 100).await.unwrap();
                assert_eq!(hits.len(), seen + 1);
            }
            documents.delete(owner, id, removal).await.unwrap();
            assert_eq!(passages.search_dense("m", &[1.0, 0.0], &own, 100).await.unwrap(), []);
        });
    }
    while let Some(joined) = tasks.join_next().await {
        joined.unwrap();
    }
    assert_eq!(dense(stores, &SearchFilter::all_of(owner), &[1.0, 0.0], 100).await, []);
}

pub(crate) async fn passages_load_only_for_their_reader(stores: &Stores) {
    let (ada, eve) = (data::user(stores, "ada").await, data::user(stores, "eve").await);
    let document = data::document(&stores.ids, ada, "Bees");
    let content = data::content(&stores.ids, document.id, &["honey"]);
    let chunk = content.chunks[0].clone();
    let id = document.id;
    stores.documents.insert(document, data::job(&stores.ids, "ingest", data::at(0))).await.unwrap();
    stores.documents.save_content(id, content, None, data::at(1)).await.unwrap();
    let wanted = [chunk.id, ChunkId::new(&stores.ids)];
    let loaded = stores.passages.load_passages(ada, &wanted).await.unwrap();
    assert_eq!(loaded, [StoredPassage { chunk, title: "Bees".into() }]);
    assert_eq!(stores.passages.load_passages(eve, &wanted).await.unwrap(), []);
}
