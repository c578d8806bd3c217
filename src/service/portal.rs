//! The portal.

use super::{Command, Deed, Error, IfMatch, audit, founded, run_public, uri};
use crate::ctx::Ctx;
use crate::domain::changes::{NewChange, ObjectType, Op, Why};
use crate::domain::id::Version;
use crate::domain::portal::PortalContent;
use crate::store::public::portal;

/// Replaces what is said of the portal; unchanged content is no write. Answers the version.
pub async fn replace(
    ctx: &Ctx,
    command: Command,
    if_match: IfMatch,
    content: PortalContent,
) -> Result<Version, Error> {
    let base = ctx.settings.base_url();
    run_public(ctx, command, move |write, command| {
        let current = portal::get(write.conn())?;
        if current.content == content {
            return Ok(current.version);
        }
        if_match.check(current.version)?;
        let current = founded(write, &base, command.at)?;
        let version = current.version.next();
        portal::put(write, &content, version)?;
        write.record(
            command.at,
            &NewChange {
                op: Op::Put,
                why: Why::Updated,
                object_type: ObjectType::Portal,
                object_id: 1,
                uri: uri(&current, &current.uuid)?,
                edition: None,
                language: None,
                before: None,
                after: None,
            },
        )?;
        audit(
            write.conn(),
            command,
            &Deed {
                action: "replace",
                object_type: "portal",
                object_id: 1,
                before: Some(current.version),
                after: Some(version),
                reason: None,
            },
        )?;
        Ok(version)
    })
    .await
}
