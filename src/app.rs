//! Builds the context and runs the server until it is told to stop.

use std::io::IsTerminal as _;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use actix_web::HttpServer;
use futures_util::future::{Either, select};
use tokio::sync::{Notify, Semaphore, watch};

use crate::config::media::MediaPlace;
use crate::config::{self, LogFormat, Place, Settings};
use crate::ctx::Ctx;
use crate::http::{Shared, app};
use crate::infra::blob::Blobs;
use crate::infra::clock::Clock;
use crate::infra::mail::Mailer;
use crate::infra::oidc::Provider;
use crate::infra::password::Hasher;
use crate::infra::random;
use crate::infra::rate::Pace;
use crate::infra::telemetry::{Metrics, start_log};
use crate::infra::token::Keys;
use crate::infra::vault::Vault;
use crate::service::audit::{Retention, prune};
use crate::service::media::{recover, work_once};
use crate::service::publishing::{SetAside, carry_out_due};
use crate::store::Db;
use crate::store::db::{Address, Conn};
use crate::store::migrate::{self, State};

/// The audit log is pruned by whole days, though it is looked at more often.
const DAY_SECONDS: i64 = 86_400;
/// How many threads may wait for the sign-in provider at once.
const ASKING: usize = 8;
/// How many threads may wait for the mail relay at once.
const MAILING: usize = 4;

/// Starts the log as the settings want it.
pub fn log(settings: &Settings) -> Result<(), String> {
    let human = match settings.log_format {
        Some(format) => format == LogFormat::Human,
        None => std::io::stderr().is_terminal(),
    };
    start_log(human, &settings.log)
}

/// Everything that requests need; the schema must be current.
pub fn context(settings: Settings, clock: Clock) -> Result<Ctx, String> {
    settings.check()?;
    let address = settings.place.address()?;
    let base = settings.base_url();
    let db = Db::open(&address, u32::from(settings.db_connections))
        .map_err(|error| format!("cannot open the database: {error}"))?;
    let blobs = media_storage(&settings.place, &settings.media)?;
    // Issuer and audience are names, not addresses: they stay when the public address changes.
    let keys_dir = settings.keys_dir()?;
    let now = clock.now_micros() / 1_000_000;
    let (keys, vault) = private_folder(&keys_dir)
        .map_err(|error| error.to_string())
        .and_then(|()| {
            let keys = Keys::load_or_create(&keys_dir, "bantin", "bantin-editorial", now)?;
            Ok((keys, Vault::load_or_create(&keys_dir)?))
        })
        .map_err(|error| format!("BANTIN_KEYS_DIR {}: {error}", keys_dir.display()))?;
    let hasher = Hasher::new(settings.argon2.params()).map_err(|error| {
        format!("BANTIN_ARGON2_MEMORY, BANTIN_ARGON2_PASSES, BANTIN_ARGON2_LANES: {error}")
    })?;
    let provider = settings.oidc.options()?.map(Provider::new).map(Arc::new);
    let mailer = settings
        .mail()?
        .map(Mailer::new)
        .transpose()
        .map_err(|error| format!("BANTIN_SMTP_URL: {error}"))?
        .map(Arc::new);
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    // A picture of the largest size takes hundreds of megabytes while it is decoded.
    let pictures = cores.min(2);
    if is_loopback(&base) {
        tracing::warn!(
            public_url = base,
            "BANTIN_PUBLIC_URL names this machine only: set it before anything becomes public, which fixes the authority of all uris for ever"
        );
    }
    Ok(Ctx {
        db,
        blobs,
        clock,
        keys: Arc::new(keys),
        vault: Arc::new(vault),
        hasher: Arc::new(hasher),
        hashing: Arc::new(Semaphore::new(cores)),
        program: config::program().into(),
        decoding: Arc::new(Semaphore::new(pictures)),
        looking: Arc::new(Semaphore::new(pictures)),
        media_work: Arc::new(Notify::new()),
        provider,
        asking: Arc::new(Semaphore::new(ASKING)),
        mailer,
        mailing: Arc::new(Semaphore::new(MAILING)),
        finishing: Arc::default(),
        due: Arc::new(AtomicI64::new(i64::MAX)),
        token_uses: Arc::new(Pace::default()),
        settings: Arc::new(settings),
        metrics: Arc::new(Metrics::default()),
    })
}

/// Opens media storage; a bucket that does not answer is an error.
pub fn media_storage(place: &Place, media: &MediaPlace) -> Result<Blobs, String> {
    let folder = media.dir(place);
    let local = |error: std::io::Error| format!("BANTIN_MEDIA_DIR {}: {error}", folder.display());
    private_folder(&folder).map_err(local)?;
    match media.bucket()? {
        None => Blobs::folder(&folder).map_err(local),
        Some(bucket) => Blobs::bucket(&bucket, &folder)
            .map_err(|why| format!("BANTIN_MEDIA_URL {}: {why}", bucket.url)),
    }
}

fn is_loopback(base: &str) -> bool {
    url::Url::parse(base)
        .ok()
        .is_some_and(|url| match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
            Some(url::Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
            None => false,
        })
}

/// Makes the folder of an SQLite database, and brings its schema up to date after copying the file.
/// A PostgreSQL schema that is behind is refused: `bantin migrate` is run once, not by every node.
pub fn prepare(address: &Address) -> Result<(), String> {
    let mut conn = connect(address)?;
    match (known_state(&mut conn)?, address) {
        (State::Behind(names), Address::Postgres(_)) => Err(format!(
            "the database lacks {} migration(s), first {}: run `bantin migrate` once",
            names.len(),
            names.first().cloned().unwrap_or_default()
        )),
        _ => migrate_now(&mut conn, address).map(|_| ()),
    }
}

/// A connection for start-up work; the folder of an SQLite file is made when it is missing, for
/// this user alone: it holds password hashes, keys and unpublished pictures.
pub fn connect(address: &Address) -> Result<Conn, String> {
    if let Address::Sqlite(path) = address
        && let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
    {
        private_folder(folder).map_err(|error| {
            let folder = folder.display();
            format!("BANTIN_DATA_DIR or BANTIN_DATABASE_URL: {folder}: {error}")
        })?;
    }
    address
        .connect()
        .map_err(|error| format!("cannot open the database: {error}"))
}

/// Makes a folder, where it is missing, for this user alone.
pub fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// How the schema stands; one that is newer than this binary is refused.
pub fn known_state(conn: &mut Conn) -> Result<State, String> {
    match migrate::state(conn).map_err(|error| error.to_string())? {
        State::Ahead(version) => Err(format!(
            "the database has migration {version}, which this version of bantin does not know: run a newer bantin"
        )),
        state => Ok(state),
    }
}

/// Runs what is pending, after copying an SQLite file that holds something. Answers the names.
pub fn migrate_now(conn: &mut Conn, address: &Address) -> Result<Vec<String>, String> {
    let now = Clock::System.now_micros();
    if let (Address::Sqlite(path), State::Behind(names)) = (address, known_state(conn)?)
        && migrate::is_used(conn).map_err(|error| error.to_string())?
    {
        let first = names.first().map_or("", String::as_str);
        let copy = path.with_extension(format!("before-{first}-{}.db", now / 1_000_000));
        migrate::copy_sqlite(conn, &copy)
            .map_err(|error| format!("cannot copy the database to {}: {error}", copy.display()))?;
        tracing::info!(copy = %copy.display(), "copied the database before migrating");
    }
    let millis = u64::try_from(now / 1000).unwrap_or(0);
    migrate::run(
        conn,
        &hex::encode(random::bytes::<6>()),
        &random::uuid_v7(millis),
    )
    .map_err(|error| format!("cannot migrate: {error}"))
}

/// Serves until SIGTERM or SIGINT; requests in flight finish, then the write-ahead log is emptied
/// into the file. `ready` is called once, when the port is open.
pub async fn serve(ctx: Ctx, ready: impl FnOnce(&str)) -> Result<(), String> {
    // Heard before anybody can know that the server is there.
    let asked = asked_to_stop();
    let listen = ctx.settings.listen;
    let shared = Shared::new(ctx.clone());
    let factory = shared.clone();
    let mut server = HttpServer::new(move || app(&factory))
        // Its own handler would break off what is in flight at SIGINT.
        .disable_signals()
        .keep_alive(Duration::from_secs(75))
        // A large file goes out piece by piece: the end of one must not wait until the client has
        // acknowledged what came before.
        .tcp_nodelay(true)
        .client_request_timeout(Duration::from_secs(15))
        .on_connect(|connection, _| end_when_nobody_reads(connection))
        .shutdown_timeout(u64::from(ctx.settings.shutdown_timeout));
    if let Some(workers) = ctx.settings.workers {
        server = server.workers(usize::from(workers));
    }
    let server = server
        .bind(listen)
        .map_err(|error| format!("BANTIN_LISTEN {listen}: {error}"))?;
    let base = ctx.settings.base_url();
    tracing::info!(%listen, public_url = base, docs = format!("{base}/docs/"), "serving");
    ready(&base);
    let tidying = actix_web::rt::spawn(tidy(ctx.clone()));
    let keys = actix_web::rt::spawn(keep_keys(ctx.clone()));
    let schedule = actix_web::rt::spawn(keep_schedule(ctx.clone()));
    let (stop, stopping) = watch::channel(false);
    let mut media = actix_web::rt::spawn(keep_media(ctx.clone(), stopping));
    let server = server.run();
    let handle = server.handle();
    let told = async move {
        asked.await;
        tracing::info!("stopping");
        handle.stop(true).await;
    };
    let ended = match select(server, Box::pin(told)).await {
        Either::Left((ended, _)) => ended,
        Either::Right(((), server)) => server.await,
    };
    ended.map_err(|error| error.to_string())?;
    tidying.abort();
    keys.abort();
    schedule.abort();
    let _ = stop.send(true);
    let patience = Duration::from_secs(u64::from(ctx.settings.shutdown_timeout));
    if tokio::time::timeout(patience, &mut media).await.is_err() {
        tracing::warn!("left a picture to be made ready later");
        media.abort();
    }
    ctx.db
        .checkpoint()
        .await
        .map_err(|error| format!("the write-ahead log could not be emptied: {error}"))?;
    tracing::info!("stopped");
    Ok(())
}

/// Ends a connection whose client takes nothing of an answer for a minute: actix would hold it, and
/// what is queued for it, for ever.
fn end_when_nobody_reads(connection: &dyn std::any::Any) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<tokio::net::TcpStream>() {
        let socket = socket2::SockRef::from(stream);
        if let Err(error) = socket.set_tcp_user_timeout(Some(Duration::from_secs(60))) {
            tracing::debug!(%error, "no time-out for a slow reader");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = connection;
}

/// Listens for the signals from the call on; ready when one has come.
fn asked_to_stop() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let signals = {
        use tokio::signal::unix::{SignalKind, signal};
        (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        )
    };
    async move {
        #[cfg(unix)]
        if let (Ok(mut term), Ok(mut int)) = signals {
            select(Box::pin(term.recv()), Box::pin(int.recv())).await;
            return;
        }
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "signals cannot be heard; only a kill will stop this");
            std::future::pending().await
        }
    }
}

/// Publishes and archives what is scheduled, from the start on: what fell due while no node ran is
/// caught up with at once. Looks often, because another node or the command line may have planned
/// something.
async fn keep_schedule(ctx: Ctx) {
    const OFTEN: Duration = Duration::from_millis(200);
    /// What is due is not always done: the database may be busy.
    const SHORTLY: Duration = Duration::from_millis(10);
    let mut aside = SetAside::default();
    loop {
        if let Err(error) = carry_out_due(&ctx, &mut aside).await {
            tracing::warn!(?error, "the schedule could not be looked at");
        }
        tokio::time::sleep(ctx.time_left().clamp(SHORTLY, OFTEN)).await;
    }
}

/// Does what is left to do for media, one thing at a time, so that uploads keep a turn. Looks often,
/// because another node may have left something. Stops between two things.
async fn keep_media(ctx: Ctx, mut stopping: watch::Receiver<bool>) {
    const OFTEN: Duration = Duration::from_secs(1);
    if !ctx.db.is_shared()
        && let Err(error) = recover(&ctx).await
    {
        tracing::warn!(?error, "work on media waits until its time is over");
    }
    while !*stopping.borrow() {
        match work_once(&ctx).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(?error, "work on media could not be done"),
        }
        let woken = pin!(ctx.media_work.notified());
        let stopped = pin!(stopping.changed());
        let _ = tokio::time::timeout(OFTEN, select(woken, stopped)).await;
    }
}

/// Now and then removes what nobody can use any more.
async fn tidy(ctx: Ctx) {
    loop {
        tokio::time::sleep(Duration::from_secs(600)).await;
        match crate::service::auth::tidy(&ctx).await {
            Ok(rows) => tracing::debug!(rows, "removed what has expired"),
            Err(error) => tracing::warn!(?error, "what has expired could not be removed"),
        }
        match crate::service::media::uploads::tidy(&ctx).await {
            Ok(0) => {}
            Ok(uploads) => tracing::info!(uploads, "dropped uploads that nobody went on with"),
            Err(error) => tracing::warn!(?error, "expired uploads could not be dropped"),
        }
        let retention = Retention::new(ctx.now(), ctx.settings.retention.audit_years, DAY_SECONDS);
        match prune(&ctx.db, &ctx.keys, retention).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "removed old rows of the audit log"),
            Err(fault) => tracing::error!(%fault, "the audit log could not be pruned"),
        }
    }
}

/// Each minute reads the folder of keys: so every node knows a new key before it signs
/// (`ring::LEAD_SECONDS`). Old secrets go.
async fn keep_keys(ctx: Ctx) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        if let Err(error) = crate::service::auth::read_keys(&ctx, true).await {
            tracing::warn!(?error, "the folder of keys could not be read");
        }
    }
}
