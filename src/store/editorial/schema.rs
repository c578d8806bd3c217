//! Tables that editors work on; visible only inside `store::editorial`.

diesel::table! {
    users (id) {
        id -> BigInt, version -> BigInt, login -> Text, name -> Text, roles -> Text,
        password_hash -> Text, disabled_at -> Nullable<BigInt>, created_at -> BigInt,
        limited -> Bool, must_change_password -> Bool, kind -> Text, email -> Nullable<Text>,
        second_factor -> Bool,
    }
}
diesel::table! {
    second_factors (user_id) {
        user_id -> BigInt, sealed -> Binary, last_step -> BigInt, created_at -> BigInt,
    }
}
diesel::table! {
    recovery_codes (user_id, hash) { user_id -> BigInt, hash -> Text, }
}
diesel::table! {
    api_tokens (id) {
        id -> BigInt, user_id -> BigInt, hash -> Text, hint -> Text, name -> Text,
        scopes -> Text, created_by -> BigInt, created_at -> BigInt,
        expires_at -> Nullable<BigInt>, revoked_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
    }
}
diesel::table! {
    invitations (user_id) {
        user_id -> BigInt, hash -> Text, created_by -> BigInt, created_at -> BigInt,
        expires_at -> BigInt,
    }
}
diesel::table! {
    user_categories (user_id, category_id) { user_id -> BigInt, category_id -> BigInt, }
}
diesel::table! {
    sessions (id) {
        id -> Text, user_id -> BigInt, created_at -> BigInt, expires_at -> BigInt,
        ended_at -> Nullable<BigInt>, used_at -> BigInt, address -> Nullable<Text>,
        agent -> Nullable<Text>,
    }
}
diesel::table! {
    refresh_tokens (hash) {
        hash -> Text, session_id -> Text, issued_at -> BigInt, used_at -> Nullable<BigInt>,
        successor -> Nullable<Text>,
    }
}
diesel::table! {
    identities (issuer, subject) {
        issuer -> Text, subject -> Text, user_id -> BigInt, created_at -> BigInt,
    }
}
diesel::table! {
    provider_sign_ins (state) {
        state -> Text, binding -> Text, nonce -> Text, verifier -> Text, address -> Text,
        expires_at -> BigInt,
    }
}
diesel::table! {
    login_failures (subject) { subject -> Text, failures -> BigInt, window_start -> BigInt, }
}
diesel::table! {
    media (id) {
        id -> BigInt, version -> BigInt, kind -> Text, hash -> Text, file_name -> Text,
        mime -> Text, bytes -> BigInt, width -> Nullable<Integer>, height -> Nullable<Integer>,
        alt -> Nullable<Text>, credit -> Nullable<Text>, original -> Text, renditions -> Text,
        created_by -> BigInt, created_at -> BigInt, decorative -> Bool, ai_label -> Text,
        withdrawn_at -> Nullable<BigInt>, withdrawn_reason -> Nullable<Text>,
        thumbhash -> Nullable<Text>, colour -> Nullable<Text>, status -> Text,
        failure -> Nullable<Text>, duration_ms -> Nullable<BigInt>, pages -> Nullable<Integer>,
        focal_x -> Nullable<Double>, focal_y -> Nullable<Double>, tracks -> Text,
    }
}
diesel::table! {
    media_jobs (media_id) {
        media_id -> BigInt, what -> Text, queued_at -> BigInt, due_at -> BigInt, attempts -> BigInt,
        claimed_by -> Nullable<Text>,
    }
}
diesel::table! {
    articles (id) {
        id -> BigInt, version -> BigInt, uuid -> Text, slug -> Text, category_id -> BigInt,
        title -> Text, stage -> Text, edition -> BigInt, public_state -> Text,
        public_edition -> Nullable<BigInt>, state_note -> Nullable<Text>,
        state_at -> Nullable<BigInt>, reason_code -> Nullable<Text>,
        published_on -> Nullable<Text>, published_at -> Nullable<BigInt>,
        first_published_at -> Nullable<BigInt>, created_by -> BigInt, created_at -> BigInt,
        updated_at -> BigInt, stage_by -> Nullable<BigInt>, stage_at -> Nullable<BigInt>,
        return_reason -> Nullable<Text>, assigned_to -> Nullable<BigInt>,
        expire_at -> Nullable<BigInt>,
    }
}
diesel::table! {
    editions (article_id, number) {
        article_id -> BigInt, number -> BigInt, title -> Text, category_id -> BigInt,
        content -> Text, created_by -> BigInt, created_at -> BigInt,
    }
}
diesel::table! {
    edition_bodies (article_id, number) { article_id -> BigInt, number -> BigInt, body -> Binary, }
}
diesel::table! {
    publications (id) {
        id -> BigInt, article_id -> BigInt, edition -> BigInt, kind -> Nullable<Text>,
        note -> Nullable<Text>, at -> BigInt, by_user -> BigInt, language -> Text,
        media -> Text,
    }
}
diesel::table! {
    schedules (article_id) {
        article_id -> BigInt, edition -> BigInt, at -> BigInt, kind -> Nullable<Text>,
        note -> Nullable<Text>, expire_at -> Nullable<BigInt>, by_user -> BigInt,
    }
}
diesel::table! {
    scheduled_media (media_id, article_id) { article_id -> BigInt, media_id -> BigInt, }
}
diesel::table! {
    comments (id) {
        id -> BigInt, article_id -> BigInt, edition -> BigInt, text -> Text, created_by -> BigInt,
        created_at -> BigInt,
    }
}
diesel::table! {
    article_locks (article_id) {
        article_id -> BigInt, user_id -> BigInt, since -> BigInt, expires_at -> BigInt,
    }
}
diesel::table! {
    previews (id) {
        id -> BigInt, article_id -> BigInt, edition -> BigInt, created_by -> BigInt,
        created_at -> BigInt, expires_at -> BigInt,
    }
}
diesel::table! {
    slugs (slug) { slug -> Text, article_id -> BigInt, }
}
diesel::table! {
    captions (id) { id -> BigInt, article_id -> BigInt, position -> Nullable<Integer>, }
}
diesel::table! {
    caption_media (media_id, caption_id) { caption_id -> BigInt, media_id -> BigInt, }
}
diesel::table! {
    article_media (media_id, article_id) { article_id -> BigInt, media_id -> BigInt, }
}
diesel::table! {
    idempotency_keys (user_id, key) {
        user_id -> BigInt, key -> Text, fingerprint -> Text, outcome -> Nullable<Text>,
        created_at -> BigInt,
    }
}
diesel::table! {
    audit (id) {
        id -> BigInt, at -> BigInt, user_id -> Nullable<BigInt>, token_id -> Nullable<BigInt>,
        session_id -> Nullable<Text>, address -> Nullable<Text>, action -> Text,
        object_type -> Text, object_id -> Nullable<BigInt>, version_before -> Nullable<BigInt>,
        version_after -> Nullable<BigInt>, reason -> Nullable<Text>, details -> Nullable<Text>,
        hash -> Nullable<Text>,
    }
}
diesel::table! {
    audit_head (id) { id -> BigInt, began -> BigInt, seq -> BigInt, hash -> Text, }
}
diesel::table! {
    audit_checkpoints (id) {
        id -> BigInt, at -> BigInt, last_id -> BigInt, removed -> BigInt, hash -> Text,
        kid -> Text, signature -> Text,
    }
}
diesel::table! {
    refused_sign_ins (id) {
        id -> BigInt, minute -> BigInt, account -> Text, address -> Text, count -> BigInt,
    }
}

diesel::table! {
    uploads (id) {
        id -> Text, user_id -> BigInt, length -> BigInt, received -> BigInt, file_name -> Text,
        content -> Text, expires_at -> BigInt, media_id -> Nullable<BigInt>,
        claim -> Nullable<Text>,
    }
}
diesel::table! {
    upload_parts (upload_id, starts_at) {
        upload_id -> Text, starts_at -> BigInt, key -> Text,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(api_tokens -> users (user_id));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::joinable!(articles -> users (created_by));
diesel::joinable!(schedules -> articles (article_id));
diesel::joinable!(article_locks -> users (user_id));
diesel::joinable!(audit -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(
    users,
    user_categories,
    schedules,
    scheduled_media,
    comments,
    api_tokens,
    second_factors,
    recovery_codes,
    invitations,
    sessions,
    refresh_tokens,
    login_failures,
    media,
    articles,
    article_locks,
    previews,
    editions,
    edition_bodies,
    publications,
    slugs,
    captions,
    caption_media,
    article_media,
    idempotency_keys,
    audit,
    audit_head,
    audit_checkpoints,
    refused_sign_ins,
    identities,
    provider_sign_ins,
);
