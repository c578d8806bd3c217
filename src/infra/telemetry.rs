//! Logs and metrics.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// What a request is counted under: the pattern of its route, never its path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Route {
    pub method: String,
    pub route: String,
    pub status: u16,
}

/// Counters of one process.
pub struct Metrics {
    registry: Registry,
    pub requests: Family<Route, Counter>,
    pub duration: Family<Route, Histogram>,
    pub in_flight: Gauge,
    pub log_head: Gauge<i64, std::sync::atomic::AtomicI64>,
    pub failed_logins: Counter<u64, AtomicU64>,
    pub schedule_lag: Histogram,
    pub schedule_failures: Counter<u64, AtomicU64>,
    pub media_jobs_queued: Gauge,
    pub media_jobs_running: Gauge,
    pub media_jobs_done: Counter<u64, AtomicU64>,
    pub media_jobs_failed: Counter<u64, AtomicU64>,
    pub media_job_duration: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("bantin");
        let requests = Family::default();
        let duration = Family::<Route, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.000_25, 2.5, 12))
        });
        let in_flight = Gauge::default();
        let log_head = Gauge::default();
        let failed_logins = Counter::default();
        let schedule_lag = Histogram::new(exponential_buckets(0.05, 4.0, 10));
        let schedule_failures = Counter::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from the head of a request to the head of its answer",
            Unit::Seconds,
            duration.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests being answered",
            in_flight.clone(),
        );
        registry.register(
            "log_head",
            "Newest position of the public log",
            log_head.clone(),
        );
        registry.register("failed_logins", "Refused sign-ins", failed_logins.clone());
        registry.register_with_unit(
            "schedule_lag",
            "Time from when something was due to when it was done",
            Unit::Seconds,
            schedule_lag.clone(),
        );
        registry.register(
            "schedule_failures",
            "Scheduled events that could not be carried out",
            schedule_failures.clone(),
        );
        let media_jobs_queued = Gauge::default();
        let media_jobs_running = Gauge::default();
        let media_jobs_done = Counter::default();
        let media_jobs_failed = Counter::default();
        let media_job_duration = Histogram::new(exponential_buckets(0.1, 2.5, 8));
        registry.register(
            "media_jobs_queued",
            "Media that wait to be made ready",
            media_jobs_queued.clone(),
        );
        registry.register(
            "media_jobs_running",
            "Media that are being made ready",
            media_jobs_running.clone(),
        );
        registry.register(
            "media_jobs_done",
            "Media made ready after their upload",
            media_jobs_done.clone(),
        );
        registry.register(
            "media_jobs_failed",
            "Media that will never be ready",
            media_jobs_failed.clone(),
        );
        registry.register_with_unit(
            "media_job_duration",
            "Time that it took to make a medium ready",
            Unit::Seconds,
            media_job_duration.clone(),
        );
        Self {
            registry,
            requests,
            duration,
            in_flight,
            log_head,
            failed_logins,
            schedule_lag,
            schedule_failures,
            media_jobs_queued,
            media_jobs_running,
            media_jobs_done,
            media_jobs_failed,
            media_job_duration,
        }
    }
}

impl Metrics {
    /// Everything in the OpenMetrics text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Starts the log: `human` lines or JSON, what `filter` lets through.
pub fn start_log(human: bool, filter: &str) -> Result<(), String> {
    use std::io::IsTerminal as _;

    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let filter = tracing_subscriber::EnvFilter::builder()
        // What is no HTTP at all is the client's fault, and would fill the log as our error.
        .parse(format!("actix_http=off,{filter}"))
        .map_err(|error| format!("BANTIN_LOG: {error}"))?;
    let registry = tracing_subscriber::registry().with(filter);
    if human {
        let mut layer = tracing_subscriber::fmt::layer()
            .compact()
            .with_target(false)
            .with_writer(std::io::stderr);
        if !std::io::stderr().is_terminal() {
            layer = layer.with_ansi(false);
        }
        registry.with(layer).try_init()
    } else {
        registry
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_writer(std::io::stderr),
            )
            .try_init()
    }
    .map_err(|error| error.to_string())
}
