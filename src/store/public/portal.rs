//! The portal: one row.

use diesel::prelude::*;

use super::changes::PublicWrite;
use super::schema::{log_head, portal};
use crate::domain::id::Version;
use crate::domain::portal::{Portal, PortalContent};
use crate::store::db::each_backend;
use crate::store::{Conn, Error, Result, from_json, to_json};

/// Makes the rows that every database has exactly once, where they are missing.
pub fn found(conn: &mut Conn, generation: &str, uuid: &str) -> Result<()> {
    let content = r#"{"name":"Cổng thông tin điện tử","slogan":null,"agency":null,"imprint":null,"language":"vi","time_zone":"Asia/Ho_Chi_Minh","article_url":null,"category_url":null}"#;
    each_backend!(conn, |c| diesel::insert_into(log_head::table)
        .values((
            log_head::id.eq(1),
            log_head::seq.eq(0),
            log_head::generation.eq(generation)
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    each_backend!(conn, |c| diesel::insert_into(portal::table)
        .values((
            portal::id.eq(1),
            portal::version.eq(1),
            portal::uuid.eq(uuid),
            portal::content.eq(content),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

pub fn get(conn: &mut Conn) -> Result<Portal> {
    let (version, uuid, content, authority, year) = portal::table
        .find(1)
        .select((
            portal::version,
            portal::uuid,
            portal::content,
            portal::authority,
            portal::authority_year,
        ))
        .first::<(i64, String, String, Option<String>, Option<i32>)>(conn)?;
    let content: PortalContent = from_json(&content)?;
    let authority = match (authority, year) {
        (Some(authority), Some(year)) => Some((
            authority,
            i16::try_from(year).map_err(|error| Error::Corrupt(error.to_string()))?,
        )),
        _ => None,
    };
    Ok(Portal {
        version: Version::stored(version),
        uuid,
        content,
        authority,
    })
}

pub fn put(write: &mut PublicWrite<'_>, content: &PortalContent, version: Version) -> Result<()> {
    diesel::update(portal::table.find(1))
        .set((
            portal::content.eq(to_json(content)?),
            portal::version.eq(version.get()),
        ))
        .execute(write.conn())?;
    Ok(())
}

/// Fixes authority and year of every `uri`, once and for ever.
pub fn fix_authority(write: &mut PublicWrite<'_>, authority: &str, year: i16) -> Result<()> {
    diesel::update(portal::table.find(1).filter(portal::authority.is_null()))
        .set((
            portal::authority.eq(authority),
            portal::authority_year.eq(i32::from(year)),
        ))
        .execute(write.conn())?;
    Ok(())
}
