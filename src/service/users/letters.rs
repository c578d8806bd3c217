//! The mail that brings an invitation.

use std::sync::Arc;

use super::Error;
use super::invitations::Invited;
use crate::ctx::Ctx;
use crate::infra::mail::{Letter, Mailer};
use crate::service::turn;

/// Mails the link where there are a relay and an address. Nothing that goes wrong here is a fault
/// of the invitation, which is there already: whoever invited still has the link.
pub(super) async fn send(ctx: &Ctx, invited: Invited) -> Invited {
    let Some(mailer) = &ctx.mailer else {
        return invited;
    };
    let handing = tokio::time::timeout(mailer.timeout(), hand_over(ctx, mailer, &invited));
    let why = match handing.await {
        Ok(Ok(mailed)) => return Invited { mailed, ..invited },
        // A relay may repeat what it refuses.
        Ok(Err(why)) => why.replace(&invited.secret, "…"),
        Err(_) => "the relay takes too long".to_owned(),
    };
    tracing::warn!(
        user = invited.user.id.get(),
        why,
        "an invitation could not be mailed"
    );
    invited
}

/// Answers whether there was anything to mail.
async fn hand_over(ctx: &Ctx, mailer: &Arc<Mailer>, invited: &Invited) -> Result<bool, String> {
    let (Some(email), Some(url)) = (&invited.user.email, &invited.url) else {
        return Ok(false);
    };
    let told = |error: Error| format!("{error:?}");
    let letter = Letter {
        name: invited.user.name.as_str().to_owned(),
        address: email.as_str().to_owned(),
        subject: format!(
            "Lời mời đặt mật khẩu – {}",
            invited.portal.content.name.as_str()
        ),
        text: text(invited, url),
        at: u64::try_from(ctx.now().seconds()).unwrap_or(0),
    };
    let patience = mailer.timeout();
    let turn = turn(&ctx.mailing, patience, "too many mails are being sent");
    let (turn, mailer) = (turn.await.map_err(told)?, Arc::clone(mailer));
    let sent = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        mailer.send(&letter)
    });
    sent.await.map_err(|error| error.to_string())??;
    Ok(true)
}

fn text(invited: &Invited, url: &str) -> String {
    let (portal, user) = (invited.portal.content.name.as_str(), &invited.user);
    let until = invited
        .portal
        .zone()
        .show(invited.expires_at)
        .in_vietnamese();
    let (name, login) = (user.name.as_str(), user.login.as_str());
    format!(
        "Kính gửi {name},

{portal} mời anh/chị đặt mật khẩu cho tài khoản biên tập của mình.

Tên đăng nhập: {login}

Xin mở liên kết dưới đây, chọn mật khẩu rồi đăng nhập:

{url}

Liên kết chỉ dùng được một lần, đến {until}. Ai có liên kết cũng đặt được mật khẩu, nên xin đừng chuyển thư này cho người khác. Nếu liên kết đã hết hạn, xin liên hệ quản trị viên để nhận lời mời mới.

Nếu không biết vì sao mình nhận được thư này, xin anh/chị bỏ qua.

Thư do hệ thống gửi tự động, xin không trả lời.
"
    )
}
