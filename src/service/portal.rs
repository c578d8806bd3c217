//! The portal.

use super::{Command, Deed, Error, IfMatch, founded, run_public, uri, write_down};
use crate::ctx::Ctx;
use crate::domain::changes::{NewChange, ObjectType, Op, Why};
use crate::domain::input::{FaultCode, Faults};
use crate::domain::portal::{Portal, PortalContent};
use crate::store::public::{articles, portal};

/// Replaces what is said of the portal; unchanged content is no write.
pub async fn replace(
    ctx: &Ctx,
    command: Command,
    if_match: IfMatch,
    content: PortalContent,
) -> Result<Portal, Error> {
    let base = ctx.settings.base_url();
    run_public(ctx, command, move |write, command| {
        let current = portal::get(write.conn())?;
        if current.content == content {
            return Ok(current);
        }
        if_match.check(current.version)?;
        // A day begins elsewhere in another zone: what stands in lists and logs would move.
        if content.time_zone != current.content.time_zone && articles::was_any(write.conn())? {
            let message = "cannot change any more: articles were published by its days";
            return Err(Faults::one("/time_zone", FaultCode::Conflict, message).into());
        }
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
        write_down(
            write.conn(),
            command,
            &Deed {
                action: "replace",
                object_type: "portal",
                object_id: 1,
                before: Some(current.version),
                after: Some(version),
                reason: None,
                details: None,
            },
        )?;
        portal::get(write.conn()).map_err(Error::from)
    })
    .await
}
