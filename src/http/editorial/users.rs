//! Users, as an admin manages them. Nobody is deleted: content keeps its author.

mod sign_in;

use actix_web::{HttpRequest, HttpResponse, get, patch, post, put, web};
use deserr::Deserr;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::created;
use crate::ctx::Ctx;
use crate::domain::content::PersonName;
use crate::domain::email::Email;
use crate::domain::id::{UserId, Version};
use crate::domain::input::{FaultCode, Faults};
use crate::domain::slug::Slug;
use crate::domain::time::{Instant, Zone};
use crate::domain::user::{Chosen, Login, NewPassword, Role, User, UserKind};
use crate::http::caching::{object, private_list, written};
use crate::http::error::{ApiError, ApiResult, Problem};
use crate::http::extract::{
    Administer, Body, Can, FromQuery, NoParams, PageParams, Paging, Params, Query, Segment, flag,
};
use crate::http::next_link;
use crate::service::Command;
use crate::service::Save;
use crate::service::users::invitations::{self, Invited};
use crate::service::users::{self as service, UserContent};
use crate::store::editorial::users;
use crate::store::public::portal;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_users)
        .service(create_user)
        .service(get_user)
        .service(replace_user)
        .service(update_user)
        .service(set_user_password)
        .service(invite_user);
    sign_in::routes(cfg);
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
struct UserOut {
    id: UserId,
    version: Version,
    /// Chosen once, at creation.
    login: Login,
    /// Chosen once, at creation.
    kind: UserKind,
    /// False for a service, and for a person who has not accepted the invitation yet.
    has_password: bool,
    created_at: Instant,
    /// Since when the user is refused; null for one who may sign in.
    disabled_at: Option<Instant>,
    /// Somebody else chose the password: the user has to change it first.
    must_change_password: bool,
    /// Is a code asked for after the password?
    second_factor: bool,
    /// What PUT takes and PATCH merges into.
    content: UserContent,
}

impl UserOut {
    fn new(user: User, zone: &Zone) -> Self {
        Self {
            id: user.id,
            version: user.version,
            kind: user.kind,
            has_password: user.has_password,
            created_at: zone.show(user.created_at),
            disabled_at: user.disabled_at.map(|at| zone.show(at)),
            must_change_password: user.must_change_password,
            second_factor: user.second_factor,
            content: UserContent::of(&user),
            login: user.login,
        }
    }
}

/// An invitation to choose a password, shown only now.
#[derive(Serialize, ToSchema)]
struct InvitationOut {
    /// The page of `BANTIN_INVITE_URL` with the token in its fragment; null while that is unset.
    #[schema(max_length = 2200, format = "uri")]
    url: Option<String>,
    /// What `POST /v1/auth/invitation` takes.
    #[schema(max_length = 128, pattern = "^[A-Za-z0-9_-]+$")]
    token: String,
    expires_at: Instant,
    /// The mail relay has taken a mail with the link for the user's `email`. False without an
    /// address, without a relay (`BANTIN_SMTP_URL`), and where the relay refuses the mail or does
    /// not answer in time: then hand the link over yourself.
    mailed: bool,
}

/// A user, with an invitation if one was made just now.
#[derive(Serialize, ToSchema)]
struct InvitedUser {
    #[serde(flatten)]
    user: UserOut,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    invitation: Option<InvitationOut>,
}

impl InvitedUser {
    fn new(invited: Invited) -> Self {
        let zone = invited.portal.zone();
        Self {
            invitation: Some(InvitationOut {
                url: invited.url,
                token: invited.secret,
                expires_at: zone.show(invited.expires_at),
                mailed: invited.mailed,
            }),
            user: UserOut::new(invited.user, &zone),
        }
    }
}

/// A page of users, oldest first.
#[derive(Debug, Serialize, ToSchema)]
struct UserList {
    #[schema(max_items = 100)]
    items: Vec<UserOut>,
    /// Cursor of the next page; null on the last one.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
    /// How many there are in all; only with `count=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 9007199254740991_i64)]
    count: Option<i64>,
}

/// A user to be made.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct NewUser {
    login: Login,
    name: PersonName,
    /// Where the invitation is mailed to.
    #[deserr(default)]
    email: Option<Email>,
    /// Each once.
    #[deserr(try_from(Vec<Role>) = crate::service::users::ranked -> crate::domain::input::Refusal)]
    #[schema(min_items = 1, max_items = 4)]
    roles: Vec<Role>,
    /// Slugs of the categories that the roles are limited to; null is the whole portal.
    #[deserr(default)]
    #[schema(max_items = 100)]
    categories: Option<Vec<Slug>>,
    /// `person` when absent.
    #[deserr(default = UserKind::Person)]
    #[schema(required = false, default = "person")]
    kind: UserKind,
    /// A person without one is invited to choose it; a service has none.
    #[deserr(default)]
    password: Option<NewPassword>,
}

/// A new password for a user.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
struct UserPassword {
    new_password: NewPassword,
}

const LIST: &str = "users";

struct UserQuery {
    paging: Paging,
    count: bool,
}

impl FromQuery for UserQuery {
    fn read(query: &mut Query) -> Self {
        Self {
            paging: Paging::read(query, LIST),
            count: query.take("count", flag).unwrap_or(false),
        }
    }
}

/// The command for a body that holds a password. What is kept of it to recognise a repeated request
/// is sealed with the portal's key: a bare digest could be tried against a list of passwords.
fn secret_command<T>(can: Can<Administer>, ctx: &Ctx, body: &Body<T>) -> Command {
    let seal = ctx
        .keys
        .seal(&format!("idempotency {}", hex::encode(body.digest())));
    can.command(ctx, Some(Sha256::digest(seal.as_bytes()).into()))
}

/// The answer to a write.
async fn answer(ctx: &Ctx, user: User) -> ApiResult {
    let zone = ctx.db.read_brief(portal::get).await?.zone();
    written(HttpResponse::Ok(), user.version, &UserOut::new(user, &zone))
}

/// List the users.
///
/// Oldest first, disabled ones included.
#[utoipa::path(operation_id = "list_users", tag = "users", security(("bearer" = [])),
    params(PageParams, ("count" = Option<bool>, Query, description = "Also count them all")),
    responses((status = 200, description = "A page of users", body = UserList)),
)]
#[get("/v1/editorial/users")]
async fn list_users(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _can: Can<Administer>,
    query: Params<UserQuery>,
) -> ApiResult {
    let UserQuery {
        paging: Paging { limit, cursor },
        count,
    } = query.0;
    let list = ctx
        .db
        .read_brief(move |conn| {
            let zone = portal::get(conn)?.zone();
            let page = users::list(conn, cursor, limit)?;
            Ok::<_, ApiError>(UserList {
                count: if count {
                    Some(users::count(conn)?)
                } else {
                    None
                },
                next: page.next.map(|cursor| cursor.encode(LIST)),
                items: page
                    .items
                    .into_iter()
                    .map(|user| UserOut::new(user, &zone))
                    .collect(),
            })
        })
        .await?;
    let links = next_link(&request, &ctx.settings.base_url(), list.next.as_deref());
    private_list(&request, &list, &links)
}

/// Read one user.
///
/// The ETag is the version; `content` is what PUT takes.
#[utoipa::path(operation_id = "get_user", tag = "users", security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Id of the user")),
    responses(
        (status = 200, description = "The user", body = UserOut),
        (status = 404, description = "No such user", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[get("/v1/editorial/users/{id}")]
async fn get_user(
    ctx: web::Data<Ctx>,
    _can: Can<Administer>,
    id: Segment<UserId>,
    _: Params<NoParams>,
) -> ApiResult {
    let user = ctx
        .db
        .read_brief(move |conn| {
            let zone = portal::get(conn)?.zone();
            Ok::<_, ApiError>(UserOut::new(users::get(conn, id.0)?, &zone))
        })
        .await?;
    object(user.version, &user)
}

/// Make a user.
///
/// Without a password the user is invited: `invitation` in the answer is shown only now and good once,
/// for 72 hours; send it on a way that others cannot read. With an `Idempotency-Key`, a repeated
/// request is then answered 409 `secret_already_shown`. A user of
/// the kind `service` has none: it cannot sign in, an admin makes API tokens for it.
/// A password given here is the first one: it has to be changed before anything else (403
/// `password_change_required`).
#[utoipa::path(operation_id = "create_user", tag = "users", security(("bearer" = [])),
    request_body = NewUser,
    responses(
        (status = 201, description = "Made", body = InvitedUser),
        (status = 409, description = "The login is taken, or the invitation was shown before", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/editorial/users")]
async fn create_user(
    ctx: web::Data<Ctx>,
    can: Can<Administer>,
    _: Params<NoParams>,
    body: Body<NewUser>,
) -> ApiResult {
    let NewUser {
        login,
        name,
        email,
        roles,
        categories,
        kind,
        password,
    } = body.read()?;
    let command = secret_command(can, &ctx, &body);
    let content = UserContent {
        name,
        email,
        roles,
        categories,
        disabled: false,
    };
    let invites = kind == UserKind::Person && password.is_none();
    if invites {
        let invited = invitations::invite(&ctx, command, login, content).await?;
        let (id, version) = (invited.user.id, invited.user.version);
        let shown = InvitedUser::new(invited);
        return written(created(&ctx, "users", id.get()), version, &shown);
    }
    let user = match (kind, password) {
        (UserKind::Person, Some(password)) => {
            service::create(&ctx, command, login, content, password, Chosen::ByOther).await?
        }
        (_, None) => service::create_service(&ctx, command, login, content).await?,
        (UserKind::Service, Some(_)) => {
            let message = "a service has no password";
            return Err(Faults::one("/password", FaultCode::Conflict, message).into());
        }
    };
    let zone = ctx.db.read_brief(portal::get).await?.zone();
    let response = created(&ctx, "users", user.id.get());
    let version = user.version;
    let shown = InvitedUser {
        user: UserOut::new(user, &zone),
        invitation: None,
    };
    written(response, version, &shown)
}

/// Replace a user.
///
/// The whole content: a field that is missing is refused, so that no limit falls by silence.
/// Disabling a user ends their sign-ins at once and revokes their API tokens, for good. The last admin who can sign in stays one.
/// Content equal to the current one answers 200 without a new version, whatever `If-Match` says.
#[utoipa::path(operation_id = "replace_user", tag = "users", security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Id of the user")),
    request_body = UserContent,
    responses(
        (status = 200, description = "As it is now", body = UserOut),
        (status = 404, description = "No such user", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The last admin must stay", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else has changed it", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "If-Match is required", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[put("/v1/editorial/users/{id}")]
async fn replace_user(
    ctx: web::Data<Ctx>,
    can: Can<Administer>,
    id: Segment<UserId>,
    _: Params<NoParams>,
    body: Body<UserContent>,
) -> ApiResult {
    let content = body.read()?;
    // In a merged patch an absent field is null; here it would lift the limit by silence.
    let (sent, mut faults) = (body.value()?, Faults::default());
    for (field, null) in [("categories", "the whole portal"), ("email", "no address")] {
        if sent.get(field).is_none() {
            let message = format!("is required; null is {null}");
            faults.push(format!("/{field}"), FaultCode::Required, message);
        }
    }
    faults.or(())?;
    let save = Save::replace(content);
    let if_match = can.if_match;
    let command = can.command(&ctx, Some(body.digest()));
    answer(
        &ctx,
        service::save(&ctx, command, id.0, if_match, save).await?,
    )
    .await
}

/// Change a user.
///
/// A merge patch on the content; fields that are absent stay as they are. Disabling a user ends their
/// sign-ins at once and revokes their API tokens, for good.
#[utoipa::path(operation_id = "update_user", tag = "users", security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Id of the user")),
    request_body = UserContent,
    responses(
        (status = 200, description = "As it is now", body = UserOut),
        (status = 404, description = "No such user", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The last admin must stay", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else has changed it", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "If-Match is required", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[patch("/v1/editorial/users/{id}")]
async fn update_user(
    ctx: web::Data<Ctx>,
    can: Can<Administer>,
    id: Segment<UserId>,
    _: Params<NoParams>,
    body: Body<UserContent>,
) -> ApiResult {
    let save = Save::Patch(body.patch()?);
    let if_match = can.if_match;
    let command = can.command(&ctx, Some(body.digest()));
    answer(
        &ctx,
        service::save(&ctx, command, id.0, if_match, save).await?,
    )
    .await
}

/// Give a user a new password.
///
/// All the user's sign-ins end at once; API tokens stay. A service has no password.
/// Whoever is given a password by somebody else has to change it before anything else.
#[utoipa::path(operation_id = "set_user_password", tag = "users", security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Id of the user")),
    request_body = UserPassword,
    responses(
        (status = 200, description = "As it is now", body = UserOut),
        (status = 404, description = "No such user", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A service has no password", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else has changed it", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "If-Match is required", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/editorial/users/{id}/password")]
async fn set_user_password(
    ctx: web::Data<Ctx>,
    can: Can<Administer>,
    id: Segment<UserId>,
    _: Params<NoParams>,
    body: Body<UserPassword>,
) -> ApiResult {
    let password = body.read()?.new_password;
    let if_match = can.if_match;
    let command = secret_command(can, &ctx, &body);
    answer(
        &ctx,
        service::set_password(&ctx, command, id.0, if_match, password).await?,
    )
    .await
}

/// Invite a user to choose a new password.
///
/// `invitation` in the answer is shown only now; it is good once, for 72 hours. One that was open
/// before is void. The old password, if there is one, stays good until then.
#[utoipa::path(operation_id = "invite_user", tag = "users", security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Id of the user")),
    responses(
        (status = 200, description = "The user with the invitation", body = InvitedUser),
        (status = 404, description = "No such user", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A service, a disabled user, or the invitation was shown before", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else has changed it", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "If-Match is required", body = Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/editorial/users/{id}/invitation")]
async fn invite_user(
    ctx: web::Data<Ctx>,
    can: Can<Administer>,
    id: Segment<UserId>,
    _: Params<NoParams>,
) -> ApiResult {
    let if_match = can.if_match;
    let command = can.command(&ctx, None);
    let invited = invitations::renew(&ctx, command, id.0, if_match).await?;
    let version = invited.user.version;
    written(HttpResponse::Ok(), version, &InvitedUser::new(invited))
}
