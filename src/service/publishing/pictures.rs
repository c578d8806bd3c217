//! What the pictures of an edition must have before readers see them.

use std::collections::HashSet;

use crate::domain::alternative::{WarningCode, pictures, warnings};
use crate::domain::article::Article;
use crate::domain::content::Content;
use crate::domain::id::MediaId;
use crate::domain::input::{FaultCode, Faults};
use crate::service::Error;
use crate::store::Conn;
use crate::store::editorial::{editions, media};
use crate::store::public::categories;

/// Refuses an edition that holds a medium that was withdrawn or has no files yet, or a picture without alternative that the last
/// public edition did not show: older ones are warned of, so that a correction is never held up by
/// what nobody touched.
pub(super) fn check(conn: &mut Conn, article: &Article, content: &Content) -> Result<(), Error> {
    let media = media::load(conn, &content.media())?;
    let told = warnings(content, &media);
    if told.is_empty() {
        return Ok(());
    }
    let before: HashSet<MediaId> = match article.public_edition {
        Some(number) => {
            let tree = categories::tree(conn)?;
            let (_, _, public) = editions::content(conn, &tree, article.id, number)?;
            pictures(&public).into_iter().collect()
        }
        None => HashSet::new(),
    };
    let mut faults = Faults::default();
    for warning in told {
        match warning.code {
            WarningCode::MediaWithdrawn => faults.push(
                warning.pointer,
                FaultCode::Conflict,
                format!("the medium {} was withdrawn", warning.media_id),
            ),
            WarningCode::MediaNotReady => faults.push(
                warning.pointer,
                FaultCode::MediaNotReady,
                format!("the medium {} is not ready", warning.media_id),
            ),
            WarningCode::MissingAlt if !before.contains(&warning.media_id) => faults.push(
                warning.pointer,
                FaultCode::Required,
                "needs a text alternative or the decorative mark",
            ),
            WarningCode::MissingAlt => {}
        }
    }
    Ok(faults.or(())?)
}
