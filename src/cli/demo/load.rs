//! Loads the demo portal the way a newsroom would have made it: through the service floor, by its
//! four users, at the times of the script; so that log, audit and editions are true.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};

use super::photos;
use super::script::{Photo, Result, Script, Step};
use crate::ctx::Ctx;
use crate::domain::article::{Article, Publish};
use crate::domain::content::PersonName;
use crate::domain::id::{CategoryId, MediaId, Version};
use crate::domain::time::{Instant, Zone};
use crate::domain::user::{Actor, Chosen, Login, NewPassword, Role, User};
use crate::infra::random;
use crate::service::media::{Upload, UploadError};
use crate::service::users::{Console, UserContent};
use crate::service::{Command, Error, IfMatch, Save};
use crate::service::{articles, categories, media, portal, publishing, users};
use crate::store;
use crate::store::editorial::users as known_users;
use crate::store::public::portal as known_portal;

/// Login, name and role of each user.
pub const USERS: [(&str, &str, Role); 4] = [
    ("phongvien", "Minh Thảo", Role::Reporter),
    ("bientapvien", "Hoàng Yên", Role::Editor),
    ("lanhdao", "Trần Đức Lâm", Role::Publisher),
    (ADMIN, "Quang Huy", Role::Admin),
];
const ADMIN: &str = "quantri";

/// The passwords of the demo are shown once, to the one person who runs it, and are that person's
/// own: a portal to try things out in must not begin with four changes of password.
const DEMO: Chosen = Chosen::ByUser;

/// A login with its one-time password.
pub struct Access {
    pub login: &'static str,
    pub role: Role,
    pub password: String,
}

/// What a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Nothing,
    /// A demo portal, whole.
    Demo,
    /// A demo portal whose loading broke off.
    Half,
    /// Somebody's portal.
    Other,
}

/// Looks whether there is anything yet. The portal's own row is written last of all: a demo whose
/// portal was never described is not whole.
pub async fn look(ctx: &Ctx) -> Result<Found> {
    ctx.db
        .read(|conn| {
            let described = known_portal::get(conn)?.version != Version::FIRST;
            let ours = known_users::find(conn, ADMIN)?.is_some();
            Ok::<_, store::Error>(match (described, ours) {
                (true, true) => Found::Demo,
                (false, true) => Found::Half,
                (false, false) if known_users::count(conn)? == 0 => Found::Nothing,
                _ => Found::Other,
            })
        })
        .await
        .map_err(|error| error.to_string())
}

/// Loads everything into an empty database.
pub async fn load(ctx: &Ctx, script: &Arc<Script>) -> Result<Vec<Access>> {
    let zone = Zone::parse(Zone::DEFAULT).map_err(|refusal| refusal.message)?;
    let now = ctx.now();
    let steps = script.steps(&zone, now)?;
    let founding = script.founding(&zone, now);
    let (team, access) = hire(ctx, founding).await?;
    let loading = Loading {
        ctx,
        script,
        zone,
        now,
        team,
        photos: HashMap::new(),
    };
    loading.categories(founding).await?;
    let photos = loading.photographs(&steps).await?;
    let loading = Loading { photos, ..loading };
    loading.articles(&steps).await?;
    loading.describe().await?;
    Ok(access)
}

/// Who does what.
struct Team {
    reporter: Actor,
    editor: Actor,
    publisher: Actor,
    admin: Actor,
}

struct Loading<'a> {
    ctx: &'a Ctx,
    script: &'a Arc<Script>,
    zone: Zone,
    now: Instant,
    team: Team,
    photos: HashMap<String, MediaId>,
}

fn command(actor: &Actor, at: Instant) -> Command {
    Command {
        actor: actor.clone(),
        at,
        address: None,
        idempotency: None,
    }
}

fn failed(what: &str) -> impl FnOnce(Error) -> String {
    move |error| match error {
        Error::Store(error) => format!("{what}: {error}"),
        Error::Internal(why) => format!("{what}: {why}"),
        error => format!("{what}: {error:?}"),
    }
}

/// Makes the users: the admin first, who makes the others.
async fn hire(ctx: &Ctx, at: Instant) -> Result<(Team, Vec<Access>)> {
    let mut admin: Option<User> = None;
    let mut staff = Vec::new();
    let mut access = Vec::new();
    for (name, person, role) in USERS.into_iter().rev() {
        let login = Login::parse(name).map_err(|refusal| refusal.message)?;
        let content = UserContent {
            name: PersonName::parse(person).map_err(|refusal| refusal.message)?,
            email: None,
            roles: vec![role],
            categories: None,
            disabled: false,
        };
        let text = random::password();
        let password = NewPassword::parse(&text).map_err(|refusal| refusal.message)?;
        match &admin {
            None => {
                let address = ctx.db.address();
                let mut conn = address.connect().map_err(|error| error.to_string())?;
                let user = Console { at }
                    .add(&mut conn, &ctx.hasher, login, content, &password, DEMO)
                    .map_err(failed(name))?;
                admin = Some(user);
            }
            Some(admin) => {
                let by = command(&actor(admin), at);
                let user = users::create(ctx, by, login, content, password, DEMO)
                    .await
                    .map_err(failed(name))?;
                staff.push(actor(&user));
            }
        }
        access.push(Access {
            login: name,
            role,
            password: text,
        });
    }
    access.reverse();
    match (admin, <[Actor; 3]>::try_from(staff)) {
        (Some(admin), Ok([publisher, editor, reporter])) => {
            let admin = actor(&admin);
            let team = Team {
                reporter,
                editor,
                publisher,
                admin,
            };
            Ok((team, access))
        }
        _ => Err("the team is not complete".to_owned()),
    }
}

fn actor(user: &User) -> Actor {
    Actor {
        user_id: user.id,
        session_id: None,
        login: user.login.clone(),
        name: user.name.clone(),
        roles: user.roles.clone(),
        reach: user.reach.clone(),
        token: None,
        pending: None,
    }
}

impl Loading<'_> {
    async fn categories(&self, at: Instant) -> Result<()> {
        let mut ids: HashMap<&str, CategoryId> = HashMap::new();
        for category in &self.script.categories {
            let parent = match &category.parent {
                Some(slug) => Some(
                    *ids.get(slug.as_str())
                        .ok_or_else(|| format!("there is no category {slug}"))?,
                ),
                None => None,
            };
            let by = command(&self.team.publisher, at);
            let saved = categories::create(self.ctx, by, category.content(parent)?)
                .await
                .map_err(failed(&category.slug))?;
            ids.insert(&category.slug, saved.category.id);
        }
        Ok(())
    }

    /// Paints and uploads, as many at once as there are cores: pixels take nearly all the time.
    /// A photograph arrives an hour before the first article that shows it is written.
    async fn photographs(
        &self,
        steps: &[(Instant, usize, Step)],
    ) -> Result<HashMap<String, MediaId>> {
        let mut first: HashMap<&str, Instant> = HashMap::new();
        for (at, which, _) in steps {
            let shown = self.script.articles.get(*which);
            for key in shown.into_iter().flat_map(|piece| piece.photos()) {
                first.entry(key).or_insert(at.plus_seconds(-3600));
            }
        }
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let mut order: Vec<(&Photo, Instant)> = self
            .script
            .photos
            .iter()
            .map(|photo| {
                let at = first.get(photo.key.as_str()).copied();
                (photo, at.unwrap_or(self.now))
            })
            .collect();
        order.sort_by_key(|(_, at)| at.micros());
        futures_util::stream::iter(order)
            .map(|(photo, at)| self.photograph(photo, at))
            .buffered(cores)
            .try_collect()
            .await
    }

    async fn photograph(&self, photo: &Photo, at: Instant) -> Result<(String, MediaId)> {
        let (scene, seed, portrait) = (photo.scene()?, photo.seed, photo.portrait);
        let (file, hash) = tokio::task::spawn_blocking(move || {
            let bytes = photos::draw(scene, seed, portrait);
            let mut file = tempfile::NamedTempFile::new()?;
            file.write_all(&bytes)?;
            file.flush()?;
            Ok::<_, std::io::Error>((file, hex::encode(Sha256::digest(&bytes))))
        })
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("{}: {error}", photo.key))?;
        let upload = Upload {
            arrival: None,
            path: file.path().to_owned(),
            file_name: format!("{}.jpg", photo.key),
            hash,
            claim: None,
            content: photo.content()?,
        };
        let by = command(&self.team.reporter, at);
        let done = media::upload(self.ctx, by, upload).await;
        let done = done.map_err(|error| match error {
            UploadError::Failed(error) => failed(&photo.key)(error),
            UploadError::UnsupportedType
            | UploadError::Drawing
            | UploadError::Macros
            | UploadError::Recording(_)
            | UploadError::TooLarge(..) => {
                format!("{}: is no picture", photo.key)
            }
        })?;
        Ok((photo.key.clone(), done.medium.id))
    }

    async fn articles(&self, steps: &[(Instant, usize, Step)]) -> Result<()> {
        let mut made: HashMap<usize, Article> = HashMap::new();
        for (at, which, step) in steps {
            let article = self.step(*at, *which, *step, made.get(which)).await?;
            made.insert(*which, article);
        }
        Ok(())
    }

    /// One thing done to one article; answers the article after it.
    async fn step(
        &self,
        at: Instant,
        which: usize,
        step: Step,
        article: Option<&Article>,
    ) -> Result<Article> {
        let piece = self.script.articles.get(which);
        let piece = piece.ok_or_else(|| "there is no such article".to_owned())?;
        let content = || piece.content(step, &self.photos, &self.zone, self.now);
        let by = command(
            match step {
                Step::Write if piece.is_signed() => &self.team.reporter,
                Step::Write | Step::Edit | Step::Mend => &self.team.editor,
                _ => &self.team.publisher,
            },
            at,
        );
        let ctx = self.ctx;
        let done = match article {
            None => articles::create(ctx, by, content()?).await,
            Some(article) => {
                let (id, seen) = (article.id, IfMatch::Version(article.version));
                match step {
                    Step::Write | Step::Edit | Step::Mend => {
                        articles::save(ctx, by, id, seen, Save::replace(content()?)).await
                    }
                    Step::Publish => {
                        publishing::publish(ctx, by, id, seen, Publish::default()).await
                    }
                    Step::Correct => {
                        publishing::publish(ctx, by, id, seen, piece.correction()?).await
                    }
                    Step::Withdraw => {
                        publishing::withdraw(ctx, by, id, seen, piece.withdrawal()?).await
                    }
                    Step::TakeDown => {
                        publishing::take_down(ctx, by, id, seen, piece.taking_down()?).await
                    }
                }
            }
        };
        done.map_err(failed(piece.title()))
    }

    /// The portal's own row, last: with it the demo is whole.
    async fn describe(&self) -> Result<()> {
        let by = command(&self.team.admin, self.now);
        let seen = IfMatch::Version(Version::FIRST);
        portal::replace(self.ctx, by, seen, self.script.portal()?)
            .await
            .map_err(failed("the portal"))?;
        Ok(())
    }
}
