//! What every engine must do: one suite a port, as functions over the ports. `contract_tests!` makes a test of each,
//! with a database of its own.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test program uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]

use std::sync::Arc;

use domain::{
    SeededIds,
    ports::{ConversationStore, DocumentStore, JobStore, PassageIndex, SessionStore, TurnStore, UserStore},
};

pub(crate) mod conversations;
pub(crate) mod data;
pub(crate) mod documents;
pub(crate) mod jobs;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod turns;
pub(crate) mod users;

/// The row ports of one engine, over one empty database.
pub(crate) struct Stores {
    pub(crate) users: Arc<dyn UserStore>,
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) conversations: Arc<dyn ConversationStore>,
    pub(crate) turns: Arc<dyn TurnStore>,
    pub(crate) documents: Arc<dyn DocumentStore>,
    pub(crate) passages: Arc<dyn PassageIndex>,
    pub(crate) jobs: Arc<dyn JobStore>,
    pub(crate) ids: SeededIds,
}

impl Stores {
    pub(crate) fn of<T>(database: &T) -> Self
    where
        T: UserStore + SessionStore + ConversationStore + TurnStore + Clone + 'static,
        T: DocumentStore + PassageIndex + JobStore,
    {
        Self {
            users: Arc::new(database.clone()),
            sessions: Arc::new(database.clone()),
            conversations: Arc::new(database.clone()),
            turns: Arc::new(database.clone()),
            documents: Arc::new(database.clone()),
            passages: Arc::new(database.clone()),
            jobs: Arc::new(database.clone()),
            ids: SeededIds::new(1),
        }
    }
}

macro_rules! contract_tests {
    ($open:path) => {
        $crate::suite::contract_tests! { $open;
            users: names_and_addresses_are_unique_without_case, users_are_found_by_name_and_by_address,
                a_refused_write_hurts_no_other,
                pages_by_cursor_and_by_number_agree;
            sessions: rotation_replaces_the_token, replayed_refresh_token_revokes_family,
                expired_and_unknown_tokens_are_told_apart, one_of_two_concurrent_rotations_wins,
                revoking_ends_only_own_live_sessions, live_sessions_are_listed_newest_first;
            conversations: a_conversation_comes_back_as_it_was_stored, foreign_conversations_are_absent,
                filters_narrow_the_list, deep_cursor_pages_equal_offset_pages, a_patch_changes_what_it_names,
                deleting_takes_everything_that_rests_on_it, messages_page_in_both_directions;
            turns: a_turn_is_stored_with_its_places, a_second_turn_is_refused_while_one_runs,
                one_of_two_concurrent_turns_wins, progress_is_kept_until_the_end_and_not_after,
                finishing_twice_changes_nothing, a_turn_in_a_missing_conversation_is_refused,
                interrupting_names_each_running_reply, reading_a_turn_stops_at_its_limits,
                buffer_counts_what_is_after_the_watermark, sixty_four_writers_meet_no_lock;
            documents: a_document_comes_with_its_job, content_makes_it_ready_and_can_be_saved_again,
                a_title_found_inside_replaces_only_a_file_name, foreign_documents_are_absent,
                document_filters_narrow_the_list, document_pages_by_cursor_and_number_agree,
                deleting_a_document_leaves_only_the_job, failures_are_kept_with_their_code,
                chunks_without_vector_shrink_as_vectors_come;
            search: any_text_is_a_valid_query, keyword_hits_are_ordered_best_first, words_are_stemmed_and_folded,
                titles_are_searched_with_less_weight, filters_hold_in_both_searches,
                searches_follow_updates_and_deletes, dense_search_equals_brute_force,
                vectors_of_models_are_kept_apart, searches_see_vectors_at_once_under_load,
                passages_load_only_for_their_reader;
            jobs: due_jobs_come_oldest_first, a_lease_that_ran_out_is_the_next_try, only_the_holder_may_finish,
                retried_jobs_wait_and_dead_jobs_are_gone, concurrent_workers_never_share_a_job;
        }
    };
    ($open:path; $($suite:ident: $($rule:ident),+;)+) => {$(
        mod $suite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let (stores, _keep) = $open();
                    $crate::suite::$suite::$rule(&stores).await;
                }
            )+
        }
    )+};
}

pub(crate) use contract_tests;
