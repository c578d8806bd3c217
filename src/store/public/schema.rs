//! Tables that readers see.

diesel::table! {
    log_head (id) { id -> BigInt, seq -> BigInt, generation -> Text, }
}
diesel::table! {
    changes (seq) {
        seq -> BigInt, at -> BigInt, op -> Text, why -> Text, object_type -> Text,
        object_id -> BigInt, uri -> Text, edition -> Nullable<BigInt>, language -> Nullable<Text>,
        categories_before -> Nullable<Text>, categories_after -> Nullable<Text>,
    }
}
diesel::table! {
    portal (id) {
        id -> BigInt, version -> BigInt, uuid -> Text, content -> Text,
        authority -> Nullable<Text>, authority_year -> Nullable<Integer>,
    }
}
diesel::table! {
    categories (id) {
        id -> BigInt, version -> BigInt, uuid -> Text, slug -> Text, name -> Text,
        sort_key -> Binary, parent_id -> Nullable<BigInt>, path -> Text, position -> Integer,
        legal_reference -> Nullable<Text>,
    }
}
diesel::table! {
    category_slugs (slug) { slug -> Text, category_id -> BigInt, }
}
diesel::table! {
    live_articles (id) {
        id -> BigInt, uri -> Text, slug -> Text, category_id -> BigInt, edition -> BigInt,
        status -> Text, status_note -> Nullable<Text>, status_at -> Nullable<BigInt>,
        title -> Text, lead -> Nullable<Text>, published_on -> Text,
        published_at -> Nullable<BigInt>, sort_at -> BigInt, first_published_at -> BigInt,
        updated_at -> Nullable<BigInt>, language -> Text, tags -> Text, featured -> Bool,
        cover -> Nullable<Text>, byline -> Text, source -> Nullable<Text>, seq -> BigInt,
        ai_label -> Text,
    }
}
diesel::table! {
    live_bodies (article_id) { article_id -> BigInt, body -> Text, }
}
diesel::table! {
    live_tombstones (article_id) {
        article_id -> BigInt, uri -> Text, reason_code -> Text, at -> BigInt, seq -> BigInt,
    }
}
diesel::table! {
    live_slugs (slug) { slug -> Text, article_id -> BigInt, }
}
diesel::table! {
    live_listings (list, sort_at, id) { list -> Text, sort_at -> BigInt, id -> BigInt, }
}
diesel::table! {
    live_corrections (id) {
        id -> BigInt, article_id -> BigInt, at -> BigInt, edition -> BigInt, note -> Text,
    }
}
diesel::table! {
    live_captions (id) { id -> BigInt, article_id -> BigInt, position -> Integer, figure -> Text, }
}
diesel::table! {
    live_media (media_id, article_id) {
        media_id -> BigInt, article_id -> BigInt, frozen_at -> BigInt, kind -> Text,
        width -> Nullable<Integer>, height -> Nullable<Integer>, alt -> Nullable<Text>,
        credit -> Nullable<Text>, renditions -> Text, decorative -> Bool, ai_label -> Text,
        withdrawn_at -> Nullable<BigInt>, withdrawn_reason -> Nullable<Text>,
        thumbhash -> Nullable<Text>, colour -> Nullable<Text>, duration_ms -> Nullable<BigInt>,
        pages -> Nullable<Integer>, tracks -> Text,
    }
}
diesel::table! {
    withdrawn_files (hash) { hash -> Text, media_id -> BigInt, at -> BigInt, reason_code -> Text, }
}
diesel::table! {
    live_caption_media (media_id, caption_id) { caption_id -> BigInt, media_id -> BigInt, }
}
diesel::table! {
    live_files (hash, name, media_id, article_id) {
        hash -> Text, name -> Text, media_id -> BigInt, article_id -> BigInt, key -> Text,
        mime -> Text, bytes -> BigInt,
    }
}

diesel::joinable!(live_bodies -> live_articles (article_id));
diesel::joinable!(live_listings -> live_articles (id));
diesel::joinable!(live_corrections -> live_articles (article_id));
diesel::joinable!(live_captions -> live_articles (article_id));

diesel::allow_tables_to_appear_in_same_query!(
    log_head,
    changes,
    portal,
    categories,
    category_slugs,
    live_articles,
    live_bodies,
    live_tombstones,
    live_slugs,
    live_listings,
    live_corrections,
    live_captions,
    live_media,
    live_caption_media,
    live_files,
    withdrawn_files,
);
