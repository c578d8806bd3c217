//! Users as a sign-in provider knows them, and sign-ins on their way over it.

use diesel::prelude::*;

use super::schema::{identities, provider_sign_ins};
use crate::domain::id::UserId;
use crate::domain::time::Instant;
use crate::store::{Conn, Result};

/// The user whom a provider knows under a subject.
pub fn find(conn: &mut Conn, issuer: &str, subject: &str) -> Result<Option<UserId>> {
    let id: Option<i64> = identities::table
        .find((issuer, subject))
        .select(identities::user_id)
        .first(conn)
        .optional()?;
    Ok(id.map(UserId::stored))
}

/// Notes who somebody is at a provider, for ever.
pub fn link(conn: &mut Conn, issuer: &str, subject: &str, user: UserId, at: Instant) -> Result<()> {
    diesel::insert_into(identities::table)
        .values((
            identities::issuer.eq(issuer),
            identities::subject.eq(subject),
            identities::user_id.eq(user.get()),
            identities::created_at.eq(at.micros()),
        ))
        .execute(conn)?;
    Ok(())
}

/// A sign-in on its way. State and binding are hashes.
#[derive(Debug, Clone, PartialEq)]
pub struct UnderWay {
    pub state: String,
    pub binding: String,
    pub nonce: String,
    pub verifier: String,
    pub address: String,
    pub expires_at: Instant,
}

/// How many are on their way: from one address, and from all.
pub fn count(conn: &mut Conn, address: &str, now: Instant) -> Result<(i64, i64)> {
    let young = provider_sign_ins::expires_at.gt(now.micros());
    let own = provider_sign_ins::table
        .filter(provider_sign_ins::address.eq(address).and(young))
        .count()
        .get_result(conn)?;
    let all = provider_sign_ins::table
        .filter(young)
        .count()
        .get_result(conn)?;
    Ok((own, all))
}

pub fn begin(conn: &mut Conn, sign_in: &UnderWay) -> Result<()> {
    diesel::insert_into(provider_sign_ins::table)
        .values((
            provider_sign_ins::state.eq(&sign_in.state),
            provider_sign_ins::binding.eq(&sign_in.binding),
            provider_sign_ins::nonce.eq(&sign_in.nonce),
            provider_sign_ins::verifier.eq(&sign_in.verifier),
            provider_sign_ins::address.eq(&sign_in.address),
            provider_sign_ins::expires_at.eq(sign_in.expires_at.micros()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes one out: whoever comes second with the same state finds nothing.
pub fn take(conn: &mut Conn, state: &str) -> Result<Option<UnderWay>> {
    let taken = diesel::delete(provider_sign_ins::table.find(state))
        .returning((
            provider_sign_ins::state,
            provider_sign_ins::binding,
            provider_sign_ins::nonce,
            provider_sign_ins::verifier,
            provider_sign_ins::address,
            provider_sign_ins::expires_at,
        ))
        .get_result::<(String, String, String, String, String, i64)>(conn)
        .optional()?;
    Ok(taken.map(
        |(state, binding, nonce, verifier, address, expires_at)| UnderWay {
            state,
            binding,
            nonce,
            verifier,
            address,
            expires_at: Instant::from_micros(expires_at),
        },
    ))
}

/// Removes those that nobody finished in time.
pub fn tidy(conn: &mut Conn, now: Instant) -> Result<usize> {
    let late = provider_sign_ins::expires_at.le(now.micros());
    Ok(diesel::delete(provider_sign_ins::table.filter(late)).execute(conn)?)
}
