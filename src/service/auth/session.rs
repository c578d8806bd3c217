//! How a sign-in begins, whatever has proven who somebody is.

use super::{Client, Refusal, Tokens, digest, tokens};
use crate::ctx::Ctx;
use crate::domain::id::UserId;
use crate::domain::time::Instant;
use crate::domain::user::{Session, User};
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
    client: Client,
}

impl Beginning {
    pub(super) fn new(ctx: &Ctx, at: Instant, client: Client) -> Self {
        Self {
            id: random::token(),
            refresh: random::token(),
            at,
            expires_at: at.plus_seconds(i64::from(ctx.settings.session_days) * 86_400),
            client,
        }
    }

    pub(super) fn write(&self, conn: &mut Conn, user_id: UserId) -> Result<(), Error> {
        let session = Session {
            id: self.id.clone(),
            user_id,
            created_at: self.at,
            used_at: self.at,
            expires_at: self.expires_at,
            ended: false,
            address: Some(self.client.address.clone()),
            agent: self.client.agent.clone(),
        };
        sessions::begin(conn, &session)?;
        sessions::add_token(conn, &self.id, &digest(&self.refresh), self.at)?;
        Ok(())
    }

    pub(super) fn tokens(self, ctx: &Ctx, user: User) -> Result<Tokens, Refusal> {
        tokens(ctx, user, &self.id, self.refresh, self.expires_at)
    }
}
