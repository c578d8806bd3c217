//! How a sign-in begins, whatever has proven who somebody is.

use super::{Refusal, Tokens, digest, tokens};
use crate::ctx::Ctx;
use crate::domain::id::UserId;
use crate::domain::time::Instant;
use crate::domain::user::User;
use crate::infra::random;
use crate::service::Error;
use crate::store::Conn;
use crate::store::editorial::sessions;

/// A sign-in that is about to begin, with its first refresh token: the same, however somebody has
/// proven who they are.
#[derive(Clone)]
pub(super) struct Beginning {
    pub(super) id: String,
    refresh: String,
    at: Instant,
    expires_at: Instant,
}

impl Beginning {
    pub(super) fn new(ctx: &Ctx, at: Instant) -> Self {
        Self {
            id: random::token(),
            refresh: random::token(),
            at,
            expires_at: at.plus_seconds(i64::from(ctx.settings.session_days) * 86_400),
        }
    }

    pub(super) fn write(&self, conn: &mut Conn, user_id: UserId) -> Result<(), Error> {
        let session = sessions::Session {
            id: self.id.clone(),
            user_id,
            expires_at: self.expires_at,
            ended: false,
        };
        sessions::begin(conn, &session, self.at)?;
        sessions::add_token(conn, &self.id, &digest(&self.refresh), self.at)?;
        Ok(())
    }

    pub(super) fn tokens(self, ctx: &Ctx, user: User) -> Result<Tokens, Refusal> {
        tokens(ctx, user, &self.id, self.refresh, self.expires_at)
    }
}
