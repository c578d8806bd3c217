//! Commons: refused sign-ins and invitations are counted, whatever the reason.

use crate::ctx::Ctx;
use crate::infra::rate::network_of;
use crate::store::editorial::refusals;

/// Counts a refusal under account and address, or the subjects that the attempt counted among; an
/// empty account is nobody's. It takes as long for every reason and account; whoever is refused is refused also where the counter cannot be written.
pub async fn count(ctx: &Ctx, account: &str, address: &str) {
    ctx.metrics.failed_logins.inc();
    let at = ctx.now();
    // A small letter may take more characters than its capital: still no more than a login has.
    let account = account.strip_prefix("account:").unwrap_or(account);
    let account: String = account.chars().take(64).collect();
    let address = address.strip_prefix("address:").unwrap_or(address);
    let address = network_of(address);
    let counted = ctx
        .db
        .write(move |conn| refusals::count(conn, at, &account, &address))
        .await;
    if let Err(error) = counted {
        tracing::warn!(%error, "a refused sign-in was not counted");
    }
}
