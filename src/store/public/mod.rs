//! What readers see. Every writing function takes `&mut PublicWrite`, so that a public write
//! without a row in the log does not compile.

pub mod articles;
pub mod captions;
pub mod categories;
pub mod changes;
pub mod media;
pub mod portal;
mod schema;
