//! Refused sign-ins are counted, whatever the reason.

use crate::ctx::Ctx;
use crate::store::editorial::refusals;

/// Counts a refusal under the subjects that the attempt counted among. It takes as long for every
/// reason and account; whoever is refused is refused also where the counter cannot be written.
pub async fn count(ctx: &Ctx, account: &str, address: &str) {
    ctx.metrics.failed_logins.inc();
    let at = ctx.now();
    // A small letter may take more characters than its capital: still no more than a login has.
    let account: String = bare(account).chars().take(64).collect();
    let address = bare(address).to_owned();
    let counted = ctx
        .db
        .write(move |conn| refusals::count(conn, at, &account, &address))
        .await;
    if let Err(error) = counted {
        tracing::warn!(%error, "a refused sign-in was not counted");
    }
}

/// A subject without its kind.
fn bare(subject: &str) -> &str {
    subject.split_once(':').map_or(subject, |(_, name)| name)
}
