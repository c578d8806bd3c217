//! The HTTP benchmark: `just bench`, or `cargo bench --bench http`.
//!
//! Starts the release server on loopback with 10,000 generated articles and, beside it, the
//! ceiling: an actix-web server with as many workers that answers as many bytes from memory.
//! Both are processes of their own, so that the CPU time of each can be told from that of the
//! load, which runs here: eight connections that are kept alive, one request at a time on each.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its output is the result"
)]
#![expect(
    clippy::indexing_slicing,
    reason = "a member that JSON lacks reads as null"
)]

mod content;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use actix_web::http::header::ContentType;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};
use serde_json::Value;

const ARTICLES: usize = 10_000;
const DEPTH: usize = 8_000;
/// Different articles that are asked for.
const SLUGS: usize = 1_000;
const CONNECTIONS: usize = 8;
/// A slow case ends after this long, whatever is left of its requests.
const CAP: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(30);

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.first().map(String::as_str) {
        Some("ceiling") => ceiling(args.get(1).and_then(|n| n.parse().ok()).unwrap_or(1)),
        _ if args.iter().any(|arg| arg == "--bench") => bench(),
        // `cargo test --all-targets` comes by here too.
        _ => {
            println!("nothing measured: run `cargo bench --bench http`");
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<()> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let folder = tempfile::tempdir()?;
    let begun = Instant::now();
    content::generate(folder.path(), ARTICLES)?;
    eprintln!(
        "generated {ARTICLES} articles in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    let server = Server::bantin(folder.path(), workers)?;
    let ceiling = Server::ceiling(workers)?;
    let cases = cases(&server)?;

    println!(
        "\n{}, {}, {workers} workers, {CONNECTIONS} connections, {ARTICLES} articles\n",
        commit(),
        cpu(),
    );
    println!("{:34} {:>8}   {:^35}   {:^35}", "", "", "bantin", "ceiling");
    let columns = format!(
        "{:>9} {:>8} {:>8} {:>7}",
        "req/s", "p50 ms", "p99 ms", "CPU µs"
    );
    println!("{:34} {:>8}   {columns}   {columns}", "", "bytes");
    for case in &cases {
        let measured = server.measure(case)?;
        let likeness = Case {
            name: case.name,
            requests: vec![match case.status {
                304 => request("/not-modified", None),
                _ => request(&format!("/bytes/{}", measured.bytes), None),
            }],
            ..*case
        };
        let highest = ceiling.measure(&likeness)?;
        println!(
            "{:34} {:>8}   {}   {}",
            case.name,
            measured.bytes,
            measured.columns(),
            highest.columns()
        );
    }
    Ok(())
}

/// The release binary, without the settings of whoever runs the benchmark.
fn bantin(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bantin"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BANTIN_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// The log goes to a file, as a service's would: writing it is part of the work measured.
fn log(folder: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(folder.join("bench.log"))
}

fn log_text(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("bench.log")).unwrap_or_default()
}

/// A child process that ends with its owner, even when that panics.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Either may fail only because it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn bantin(folder: &Path, workers: usize) -> Result<Self> {
        // The server is told a port, so one that is free just now is looked up.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let child = bantin(folder)
            .arg("serve")
            .arg("--data-dir")
            .arg(folder)
            .args(["--listen", &address.to_string()])
            .args(["--workers", &workers.to_string()])
            .stdout(log(folder)?)
            .stderr(log(folder)?)
            .spawn()?;
        let mut server = Self { child, address };
        let begun = Instant::now();
        loop {
            let ready = Client::new(address).and_then(|mut to| to.ask(&request("/readyz", None)));
            if matches!(ready, Ok(200)) {
                return Ok(server);
            }
            if server.child.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                return Err(format!("bantin serve is not ready\n{}", log_text(folder)).into());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// This program once more, as the other server.
    fn ceiling(workers: usize) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["ceiling", &workers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take();
        let mut server = Self {
            child,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        };
        let mut line = String::new();
        BufReader::new(stdout.ok_or("no output")?).read_line(&mut line)?;
        server.address = line.trim().parse()?;
        Ok(server)
    }

    /// CPU time used so far, by all threads, in user and kernel.
    fn cpu_time(&self) -> Result<Duration> {
        /// Linux counts in hundredths of a second here, whatever the kernel's own clock.
        const TICK: Duration = Duration::from_millis(10);
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in brackets may hold blanks; utime and stime are the 12th and 13th after it.
        let (_, fields) = stat.rsplit_once(')').ok_or("no /proc/…/stat")?;
        let ticks: u32 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(str::parse::<u32>)
            .sum::<std::result::Result<_, _>>()?;
        Ok(TICK * ticks)
    }

    fn measure(&self, case: &Case) -> Result<Measured> {
        // Pages into memory, plans and connections into their caches.
        self.load(case, case.count / 10)?;
        let before = self.cpu_time()?;
        let (mut times, bytes, elapsed) = self.load(case, case.count)?;
        let used = self.cpu_time()?.saturating_sub(before);
        times.sort_unstable();
        let at = |percent| {
            let rank = times.len() * percent / 100;
            times.get(rank).copied().unwrap_or_default()
        };
        let answered = u32::try_from(times.len())?;
        Ok(Measured {
            per_second: f64::from(answered) / elapsed.as_secs_f64(),
            median: at(50),
            slow: at(99),
            cpu: used / answered,
            bytes: bytes / u64::from(answered),
        })
    }

    /// Sends requests over all connections at once; answers the time that each took, all bodies'
    /// bytes and the time from the first request to the last answer.
    fn load(&self, case: &Case, count: u32) -> Result<(Vec<Duration>, u64, Duration)> {
        let gate = Barrier::new(CONNECTIONS);
        let turns = usize::try_from(count)? / CONNECTIONS;
        let one = |first: usize| -> Result<(Vec<Duration>, u64, Instant, Instant)> {
            let client = Client::new(self.address);
            // Before the first `?`: the others wait here.
            gate.wait();
            let (mut client, begun) = (client?, Instant::now());
            let (mut times, mut bytes, mut now) = (Vec::new(), 0, begun);
            // Every connection takes its own way round the same requests.
            let skipped = case.requests.len() * first / CONNECTIONS;
            for request in case.requests.iter().cycle().skip(skipped).take(turns) {
                let status = client.ask(request)?;
                if status != case.status {
                    let asked = String::from_utf8_lossy(request);
                    return Err(format!("{}: {status} to {asked}", case.name).into());
                }
                let then = std::mem::replace(&mut now, Instant::now());
                times.push(now - then);
                bytes += u64::try_from(client.body.len())?;
                if now - begun > CAP {
                    break;
                }
            }
            Ok((times, bytes, begun, now))
        };
        let parts = thread::scope(|scope| {
            let threads: Vec<_> = (0..CONNECTIONS)
                .map(|first| scope.spawn(move || one(first)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().map_err(|_| "a connection panicked")?)
                .collect::<Result<Vec<_>>>()
        })?;
        let begun = parts.iter().map(|part| part.2).min();
        let ended = parts.iter().map(|part| part.3).max();
        let elapsed = ended.zip(begun).map(|(end, begin)| end - begin);
        let bytes = parts.iter().map(|part| part.1).sum();
        let times: Vec<Duration> = parts.into_iter().flat_map(|part| part.0).collect();
        match elapsed {
            Some(elapsed) if !times.is_empty() => Ok((times, bytes, elapsed)),
            _ => Err("nothing was measured".into()),
        }
    }
}

struct Measured {
    per_second: f64,
    median: Duration,
    slow: Duration,
    cpu: Duration,
    bytes: u64,
}

impl Measured {
    fn columns(&self) -> String {
        format!(
            "{:>9.0} {:>8.2} {:>8.2} {:>7.0}",
            self.per_second,
            self.median.as_secs_f64() * 1e3,
            self.slow.as_secs_f64() * 1e3,
            self.cpu.as_secs_f64() * 1e6
        )
    }
}

/// One line of the table: requests taken in turn, and the status that each must get.
struct Case {
    name: &'static str,
    requests: Vec<Vec<u8>>,
    status: u16,
    count: u32,
}

/// What is asked, found out by walking the list as a client would.
fn cases(server: &Server) -> Result<Vec<Case>> {
    let mut client = Client::new(server.address)?;
    let mut slugs = Vec::new();
    let mut categories = BTreeSet::new();
    let mut path = "/v1/articles?limit=100".to_owned();
    let cursor = loop {
        let page = client.json(&path)?;
        for item in page["items"].as_array().ok_or("no items")? {
            slugs.push(word(&item["slug"])?);
            categories.insert(word(&item["category"]["slug"])?);
        }
        let next = word(&page["next"])
            .map_err(|_| format!("the list ends after {} articles", slugs.len()))?;
        if slugs.len() >= DEPTH {
            break next;
        }
        path = format!("/v1/articles?limit=100&cursor={next}");
    };
    let known: BTreeSet<&String> = slugs.iter().collect();
    let deep = format!("/v1/articles?limit=20&cursor={cursor}");
    let page = client.json(&deep)?;
    let fresh = page["items"].as_array().is_some_and(|items| {
        items.len() == 20
            && items
                .iter()
                .all(|item| word(&item["slug"]).is_ok_and(|slug| !known.contains(&slug)))
    });
    if known.len() != slugs.len() || !fresh {
        return Err("walking the list shows an article twice".into());
    }

    let mut full = Vec::new();
    for slug in categories {
        let path = format!("/v1/articles?category={slug}&limit=20");
        if client.json(&path)?["items"]
            .as_array()
            .is_some_and(|items| items.len() == 20)
        {
            full.push(request(&path, None));
        }
    }
    let (mut articles, mut known) = (Vec::new(), Vec::new());
    for slug in slugs.iter().step_by(DEPTH / SLUGS) {
        let path = format!("/v1/articles/{slug}");
        client.json(&path)?;
        let tag = client.header("etag").ok_or("an article without ETag")?;
        known.push(request(&path, Some(&tag)));
        articles.push(request(&path, None));
    }
    // The newest two are those that the article with files holds.
    let mut files = Vec::new();
    for medium in client.json("/v1/media?limit=2")?["items"]
        .as_array()
        .ok_or("no media")?
    {
        let url = word(&medium["renditions"][0]["url"])?;
        let (_, place) = url.split_once("/media/").ok_or("no address")?;
        files.push(vec![request(&format!("/media/{place}"), None)]);
    }
    let (document, photo) = match files.as_slice() {
        [document, photo] => (document.clone(), photo.clone()),
        _ => return Err("there are not two media".into()),
    };
    let case = |name, requests: Vec<_>, status, count| {
        if requests.is_empty() {
            return Err(format!("{name}: nothing to ask"));
        }
        Ok(Case {
            name,
            requests,
            status,
            count,
        })
    };
    Ok(vec![
        case("R1 article by slug", articles, 200, 40_000)?,
        case("R2 twenty newest of a category", full, 200, 20_000)?,
        case(
            "R3 page 8,000 articles deep",
            vec![request(&deep, None)],
            200,
            20_000,
        )?,
        case("R5 conditional GET, 304", known, 304, 40_000)?,
        case("M1 a photo", photo, 200, 20_000)?,
        case("M2 a document of 1 MiB", document, 200, 4_000)?,
    ])
}

fn word(value: &Value) -> Result<String> {
    Ok(value.as_str().ok_or("not a text")?.to_owned())
}

fn request(path: &str, tag: Option<&str>) -> Vec<u8> {
    let condition = tag.map_or_else(String::new, |tag| format!("If-None-Match: {tag}\r\n"));
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{condition}\r\n").into_bytes()
}

/// As much of an HTTP/1.1 client as the load needs: one connection, bodies with a length.
struct Client {
    stream: BufReader<TcpStream>,
    head: String,
    body: Vec<u8>,
}

impl Client {
    fn new(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream: BufReader::with_capacity(64 * 1024, stream),
            head: String::new(),
            body: Vec::new(),
        })
    }

    /// Sends a request and reads its whole answer; gives the status.
    fn ask(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.get_mut().write_all(request)?;
        self.head.clear();
        while !self.head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut self.head)? == 0 {
                return Err("the server closed the connection".into());
            }
        }
        let status = self.head.split(' ').nth(1).ok_or("no status")?.parse()?;
        let length = match self.header("content-length") {
            Some(length) => length.parse()?,
            None if status == 304 => 0,
            None => return Err("an answer without Content-Length".into()),
        };
        // A 304 may name the length of what it does not send.
        self.body.resize(if status == 304 { 0 } else { length }, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok(status)
    }

    fn header(&self, name: &str) -> Option<String> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = lines.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value.trim().to_owned())
    }

    fn json(&mut self, path: &str) -> Result<Value> {
        match self.ask(&request(path, None))? {
            200 => Ok(serde_json::from_slice(&self.body)?),
            status => Err(format!("{path}: {status}").into()),
        }
    }
}

/// The other server; ends when its standard input does, and so with its parent in any case.
fn ceiling(workers: usize) -> Result<()> {
    async fn bytes(most: web::Data<Bytes>, length: web::Path<usize>) -> HttpResponse {
        let length = length.into_inner().min(most.len());
        HttpResponse::Ok()
            .insert_header(ContentType::json())
            .body(most.slice(..length))
    }
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    actix_web::rt::System::new().block_on(async {
        let most = web::Data::new(Bytes::from(vec![b' '; 4 * 1024 * 1024]));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(most.clone())
                .route("/bytes/{length}", web::get().to(bytes))
                .route("/not-modified", web::get().to(HttpResponse::NotModified))
        })
        .tcp_nodelay(true) // as the other
        .workers(workers)
        .bind((Ipv4Addr::LOCALHOST, 0))?;
        println!("{}", server.addrs().first().ok_or("not bound")?);
        Ok(server.run().await?)
    })
}

fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else {
        return "commit unknown".to_owned();
    };
    let changed = git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
    format!(
        "commit {commit}{}",
        if changed { " with changes" } else { "" }
    )
}

fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == "model name")
        .map_or("unknown CPU", |(_, model)| model.trim());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores")
}
