//! The words of the newsroom: values and rules. No I/O, no HTTP, no SQL.
//!
//! Values have private fields and one way in (`parse`, or `Deserr` for JSON bodies, which reports
//! every fault of a body at once); what stands inside a value needs no second check.

pub mod alternative;
pub mod article;
pub mod audit;
pub mod body;
pub mod caption;
pub mod category;
pub mod changes;
pub mod content;
pub mod diff;
pub mod email;
pub mod id;
pub mod input;
pub mod lock;
pub mod media;
pub mod page;
pub mod policy;
pub mod portal;
pub mod preview;
pub mod provider;
pub mod reach;
pub mod render;
pub mod second_factor;
pub mod slug;
pub mod text;
pub mod time;
pub mod token;
pub mod upload;
pub mod user;
pub mod webvtt;
