//! `bantin audit …`: is the audit log whole, what does it hold, what is old enough to go?

use std::io::{BufWriter, Write as _};
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::parsed;
use crate::config::{KeysPlace, Place, Retention};
use crate::domain::audit::{AuditFilter, address, word};
use crate::domain::id::UserId;
use crate::domain::time::{Day, Instant};
use crate::infra::clock::Clock;
use crate::infra::token::Keys;
use crate::service::audit::{self as chain, Verified};
use crate::store::Db;
use crate::store::editorial::audit;
use crate::store::public::portal;

/// Rows that an export reads at once.
const CHUNK: i64 = 500;

#[derive(Debug, Args)]
pub struct AuditCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check the chain of the audit log; fails with the first row that is wrong
    Verify {
        #[command(flatten)]
        place: KeysPlace,
        /// Id and hash of a row, as an earlier run printed them: the row must still be there
        #[arg(long, value_name = "ID:HASH", value_parser = kept)]
        kept: Option<(i64, String)>,
    },
    /// Write the rows as NDJSON, oldest first
    Export {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        filter: Box<Filter>,
    },
    /// Remove the rows that are older than the audit log is kept, and leave a signed checkpoint
    Prune {
        #[command(flatten)]
        place: KeysPlace,
        #[command(flatten)]
        retention: Retention,
    },
}

#[derive(Debug, Args)]
struct Filter {
    /// Id of the user who did it
    #[arg(long, value_name = "ID", value_parser = parsed(str::parse::<UserId>))]
    actor: Option<UserId>,
    /// What was done
    #[arg(long, value_parser = parsed(word))]
    action: Option<String>,
    /// What kind of object it was done to
    #[arg(long, value_name = "TYPE", value_parser = parsed(word))]
    object_type: Option<String>,
    /// Id of the object
    #[arg(long, value_name = "ID", requires = "object_type")]
    object_id: Option<i64>,
    /// Address of the client
    #[arg(long, value_parser = parsed(address))]
    address: Option<String>,
    /// First day, in the portal's zone
    #[arg(long, value_name = "DAY", value_parser = parsed(Day::parse))]
    from: Option<Day>,
    /// Last day, in the portal's zone
    #[arg(long, value_name = "DAY", value_parser = parsed(Day::parse))]
    to: Option<Day>,
}

fn kept(text: &str) -> Result<(i64, String), String> {
    let is_hash = |hash: &str| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    text.split_once(':')
        .filter(|(_, hash)| is_hash(hash))
        .and_then(|(id, hash)| Some((id.parse().ok()?, hash.to_ascii_lowercase())))
        .ok_or_else(|| "must be an id and a hash, as `bantin audit verify` prints them".to_owned())
}

impl AuditCommand {
    pub fn run(self) -> Result<(), String> {
        match self.action {
            Action::Verify { place, kept } => {
                let db = super::open(&place.place)?;
                let found = super::block_on(chain::verify(&db, keys(&place, false)?, kept))
                    .map_err(|fault| format!("the audit log is not whole: {fault}"))?;
                tell(&found)
            }
            Action::Export { place, filter } => {
                super::block_on(export(super::open(&place)?, *filter))
            }
            Action::Prune { place, retention } => {
                let db = super::open(&place.place)?;
                let keys = keys(&place, true)?.ok_or("there are no keys")?;
                let now = Instant::from_micros(Clock::System.now_micros());
                let retention = chain::Retention::new(now, retention.audit_years, 0);
                let rows = super::block_on(chain::prune(&db, &keys, retention))
                    .map_err(|fault| format!("nothing more is pruned: {fault}"))?;
                super::say(&format!(
                    "removed {rows} rows from before {}",
                    retention.before
                ))
            }
        }
    }
}

fn tell(found: &Verified) -> Result<(), String> {
    super::say(&format!("the audit log is whole: {} rows", found.rows))?;
    if found.checkpoints > 0 {
        super::say(&format!(
            "{} rows before them were pruned, as {} signed checkpoints say",
            found.pruned, found.checkpoints
        ))?;
    }
    if found.unchained > 0 {
        super::say(&format!(
            "{} rows are older than the chain: nothing can be said of them",
            found.unchained
        ))?;
    }
    super::say(&format!("newest row {}:{}", found.last, found.hash))
}

/// The keys of the portal; none where the folder is not there and need not be.
fn keys(place: &KeysPlace, needed: bool) -> Result<Option<Arc<Keys>>, String> {
    let dir = place.dir()?;
    if !dir.exists() {
        return match needed {
            true => Err(format!(
                "BANTIN_KEYS_DIR: there is no folder {}",
                dir.display()
            )),
            false => Ok(None),
        };
    }
    let now = Clock::System.now_micros() / 1_000_000;
    Keys::load_or_create(&dir, "bantin", "bantin-editorial", now)
        .map(|keys| Some(Arc::new(keys)))
        .map_err(|error| format!("BANTIN_KEYS_DIR {}: {error}", dir.display()))
}

async fn export(db: Db, filter: Filter) -> Result<(), String> {
    let (zone, last) = db
        .read(|conn| {
            let last = audit::chain::head(conn)?.seq;
            Ok::<_, crate::store::Error>((portal::get(conn)?.zone(), last))
        })
        .await
        .map_err(|error| error.to_string())?;
    let filter = AuditFilter {
        actor: filter.actor,
        action: filter.action,
        object_type: filter.object_type,
        object_id: filter.object_id,
        address: filter.address,
        from: filter.from.map(|day| zone.start_of(day)),
        before: filter.to.map(|day| zone.start_of(day.next())),
    };
    let mut out = BufWriter::new(std::io::stdout());
    let mut after = 0;
    loop {
        let (zone, filter) = (zone.clone(), filter.clone());
        let rows = db
            .read(move |conn| audit::following(conn, &zone, &filter, after, last, CHUNK))
            .await
            .map_err(|error: crate::store::Error| error.to_string())?;
        for row in &rows {
            serde_json::to_writer(&mut out, row).map_err(|error| error.to_string())?;
            out.write_all(b"\n").map_err(|error| error.to_string())?;
        }
        match rows.last() {
            Some(row) => after = row.id,
            None => return out.flush().map_err(|error| error.to_string()),
        }
    }
}
