//! Every statement that the contract suite makes the engine run is answered by an index.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod suite;

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation},
    sql_types::Text,
};
use storage::{Database, DatabaseSettings};
use suite::Stores;

static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Scans that are meant: the index answers them in order, or they count a table that stays small.
const MEANT: [(&str, &str); 6] = [
    ("SCAN chunk_search VIRTUAL TABLE", "the keyword index, asked with MATCH"),
    ("SCAN users USING INDEX users_oldest", "the list of all users, cut off at its limit"),
    ("SCAN users USING COVERING INDEX", "how many users there are, for pages by number"),
    ("SCAN jobs USING COVERING INDEX", "how many jobs wait; done and dead ones are not in the table"),
    ("SCAN messages USING INDEX messages_running", "the partial index holds the running replies alone"),
    ("SCAN CONSTANT ROW", "no table at all"),
];

fn record() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            let statement = text.split(" -- binds:").next().unwrap_or_default().to_owned();
            SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(statement);
        }
    }))
}

fn open() -> (Stores, Database, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(DatabaseSettings::in_folder(folder.path())).unwrap();
    database.migrate().unwrap();
    (Stores::of(&database), database, folder)
}

macro_rules! run {
    ($($suite:ident: $($rule:ident),+;)+) => {$($(
        let (stores, _database, _folder) = open();
        suite::$suite::$rule(&stores).await;
    )+)+};
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

fn faults(conn: &mut SqliteConnection, statement: &str) -> Vec<String> {
    let steps: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(conn).unwrap();
    let is_fault = |step: &str| {
        let scan = step.starts_with("SCAN") && !MEANT.iter().any(|(meant, _)| step.starts_with(meant));
        let sort = step.contains("TEMP B-TREE FOR ORDER BY") && !statement.contains("bm25");
        scan || sort
    };
    steps.into_iter().map(|step| step.detail).filter(|step| is_fault(step)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_scans_a_growing_table() {
    set_default_instrumentation(record).unwrap();
    run! {
        users: users_are_found_by_name_and_by_address, pages_by_cursor_and_by_number_agree;
        sessions: replayed_refresh_token_revokes_family, revoking_ends_only_own_live_sessions,
            live_sessions_are_listed_newest_first;
        conversations: filters_narrow_the_list, deep_cursor_pages_equal_offset_pages, a_patch_changes_what_it_names,
            deleting_takes_everything_that_rests_on_it, messages_page_in_both_directions;
        turns: progress_is_kept_until_the_end_and_not_after, interrupting_names_each_running_reply,
            reading_a_turn_stops_at_its_limits, buffer_counts_what_is_after_the_watermark;
        documents: content_makes_it_ready_and_can_be_saved_again, document_filters_narrow_the_list,
            document_pages_by_cursor_and_number_agree, deleting_a_document_leaves_only_the_job,
            chunks_without_vector_shrink_as_vectors_come, failures_are_kept_with_their_code;
        search: filters_hold_in_both_searches, searches_follow_updates_and_deletes,
            passages_load_only_for_their_reader;
        jobs: due_jobs_come_oldest_first, a_lease_that_ran_out_is_the_next_try,
            retried_jobs_wait_and_dead_jobs_are_gone;
    }
    let statements = std::mem::take(&mut *SEEN.lock().unwrap_or_else(PoisonError::into_inner));
    let asked = |statement: &&String| {
        ["SELECT", "UPDATE", "DELETE"].iter().any(|verb| statement.starts_with(verb))
            && !["sqlite_schema", "__diesel", "pragma"].iter().any(|inner| statement.contains(inner))
    };
    let (_stores, database, _folder) = open();
    let mut conn = SqliteConnection::establish(database.path().to_str().unwrap()).unwrap();
    let (mut checked, mut found) = (0, Vec::new());
    for statement in statements.iter().filter(asked) {
        checked += 1;
        found.extend(faults(&mut conn, statement).into_iter().map(|fault| format!("{fault}\n    in {statement}")));
    }
    assert!(checked > 60, "only {checked} statements were seen");
    assert!(found.is_empty(), "{}", found.join("\n"));
}
