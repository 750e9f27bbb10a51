//! The tables as diesel sees them; `migrations/sqlite` is what makes them.

diesel::table! {
    users (id) {
        id -> Text,
        username -> Text,
        username_key -> Text,
        email -> Text,
        email_key -> Text,
        email_verified -> Bool,
        password_hash -> Text,
        role -> Text,
        status -> Text,
        date_joined -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        user_id -> Text,
        user_agent -> Nullable<Text>,
        created_at -> BigInt,
        last_used_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    refresh_tokens (hash) {
        hash -> Text,
        session_id -> Text,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    conversations (id) {
        id -> Text,
        owner_id -> Text,
        title -> Nullable<Text>,
        title_key -> Nullable<Text>,
        mode -> Text,
        grounding -> Text,
        model_size -> Text,
        model -> Nullable<Text>,
        document_ids -> Json,
        tags -> Json,
        pinned -> Bool,
        archived -> Bool,
        temporary -> Bool,
        memory_enabled -> Bool,
        memory_policy -> Text,
        system_prompt -> Nullable<Text>,
        active_message_id -> Nullable<Text>,
        message_count -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    conversation_tags (conversation_id, tag) {
        conversation_id -> Text,
        tag -> Text,
    }
}

diesel::table! {
    conversation_memory (conversation_id) {
        conversation_id -> Text,
        avg_tokens -> Nullable<Double>,
        dynamic_k -> Nullable<BigInt>,
        watermark -> Nullable<Text>,
        buffer_from -> BigInt,
        summary -> Nullable<Json>,
        history_budget -> Nullable<BigInt>,
    }
}

diesel::table! {
    messages (id) {
        id -> Text,
        conversation_id -> Text,
        parent_id -> Nullable<Text>,
        position -> BigInt,
        role -> Text,
        status -> Text,
        tokens -> BigInt,
        tokenizer -> Text,
        created_at -> BigInt,
        model_used -> Nullable<Text>,
        confidence -> Nullable<Text>,
        finish_reason -> Nullable<Text>,
        error_code -> Nullable<Text>,
        usage -> Nullable<Json>,
        warnings -> Json,
        content -> Text,
        parts -> Json,
        citations -> Json,
        sources -> Json,
    }
}

diesel::table! {
    receipts (message_id) {
        message_id -> Text,
        receipt -> Json,
    }
}

diesel::table! {
    documents (id) {
        id -> Text,
        owner_id -> Text,
        title -> Text,
        title_key -> Text,
        filename -> Text,
        content_type -> Text,
        size_bytes -> BigInt,
        sha256 -> Text,
        version -> BigInt,
        category -> Nullable<Text>,
        tags -> Json,
        status -> Text,
        embedding -> Text,
        fault -> Nullable<Json>,
        page_count -> BigInt,
        chunk_count -> BigInt,
        token_count -> BigInt,
        warnings -> Json,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    document_tags (document_id, tag) {
        document_id -> Text,
        tag -> Text,
    }
}

diesel::table! {
    document_versions (document_id, version) {
        document_id -> Text,
        version -> BigInt,
        pages -> Json,
        created_at -> BigInt,
        text -> Text,
    }
}

diesel::table! {
    chunks (seq) {
        seq -> BigInt,
        id -> Text,
        document_id -> Text,
        version -> BigInt,
        ordinal -> BigInt,
        page_from -> Nullable<BigInt>,
        page_to -> Nullable<BigInt>,
        byte_start -> BigInt,
        byte_end -> BigInt,
        tokens -> BigInt,
        heading_path -> Json,
        text -> Text,
    }
}

diesel::table! {
    chunk_vectors (chunk_id, model) {
        chunk_id -> Text,
        model -> Text,
        vector -> Binary,
    }
}

diesel::table! {
    vector_epochs (owner_id) {
        owner_id -> Text,
        epoch -> BigInt,
    }
}

diesel::table! {
    jobs (id) {
        id -> Text,
        kind -> Text,
        payload -> Json,
        due_at -> BigInt,
        attempt -> BigInt,
        worker -> Nullable<Text>,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    dead_jobs (id) {
        id -> Text,
        kind -> Text,
        payload -> Json,
        attempt -> BigInt,
        error -> Text,
        died_at -> BigInt,
    }
}

diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::joinable!(messages -> conversations (conversation_id));
diesel::joinable!(receipts -> messages (message_id));
diesel::joinable!(chunks -> documents (document_id));

diesel::allow_tables_to_appear_in_same_query!(refresh_tokens, sessions);
diesel::allow_tables_to_appear_in_same_query!(
    conversations,
    conversation_tags,
    conversation_memory,
    messages,
    receipts
);
diesel::allow_tables_to_appear_in_same_query!(documents, document_tags, document_versions, chunks, chunk_vectors);
