//! The binary in a folder of its own, and a server that ends with its test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long something may take that should take a moment; the machine may be busy.
pub const LONG: Duration = Duration::from_secs(600);

/// A folder for the data of one test.
pub struct Folder {
    folder: tempfile::TempDir,
}

/// What a command did.
#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Done {
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// A refusal in words: not a success, not a panic.
    #[track_caller]
    pub fn refused(self, says: &[&str]) -> String {
        assert!(self.code.is_some_and(|code| code != 0), "{self:?}");
        assert!(!self.err.contains("panicked"), "{}", self.err);
        for word in says {
            assert!(self.err.contains(word), "does not say {word}: {}", self.err);
        }
        self.err
    }
}

impl Folder {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> PathBuf {
        self.path().join("bantin-data/bantin.db")
    }

    /// The binary, with none of this process's settings and cheap passwords.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bantin"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("BANTIN_") {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .current_dir(self.path())
            .env("BANTIN_ARGON2_MEMORY", "8")
            .env("BANTIN_ARGON2_PASSES", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &[&str]) -> Done {
        done(&mut self.command(args))
    }

    /// With a line on the standard input.
    pub fn run_with(&self, args: &[&str], input: &str) -> Done {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        Done {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub fn serve(&self, args: &[&str]) -> Server {
        Server::start(&mut self.command(args))
    }
}

/// Runs a command to its end; one that goes on, like a server that should have refused, fails.
pub fn done(command: &mut Command) -> Done {
    let mut child = command.spawn().unwrap();
    let out = collect(child.stdout.take().unwrap());
    let err = collect(child.stderr.take().unwrap());
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > LONG {
            child.kill().unwrap();
            panic!("did not end: {}", text(&err));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    // The pipes end with the process, a moment later.
    let both = [out.0.join(), err.0.join()];
    assert!(both.iter().all(Result::is_ok));
    Done {
        code: status.code(),
        out: out.1.lock().unwrap().clone(),
        err: err.1.lock().unwrap().clone(),
    }
}

type Collected = (std::thread::JoinHandle<()>, Arc<Mutex<String>>);

fn text(collected: &Collected) -> String {
    collected.1.lock().unwrap().clone()
}

fn collect(pipe: impl std::io::Read + Send + 'static) -> Collected {
    let text = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&text);
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut text = into.lock().unwrap();
            text.push_str(&line);
            text.push('\n');
        }
    });
    (reader, text)
}

/// A server that runs until told to stop, or until its test fails.
pub struct Server {
    child: Child,
    out: Collected,
    err: Collected,
    pub port: u16,
}

impl Server {
    /// Starts on a free port and waits until it serves.
    pub fn start(command: &mut Command) -> Self {
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let mut child = command.env("BANTIN_LISTEN", listen).spawn().unwrap();
        let out = collect(child.stdout.take().unwrap());
        let err = collect(child.stderr.take().unwrap());
        let mut server = Self {
            child,
            out,
            err,
            port,
        };
        server.wait_for("\"message\":\"serving\"");
        server.wait_until("the port", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        server
    }

    pub fn out(&self) -> String {
        text(&self.out)
    }

    pub fn log(&self) -> String {
        text(&self.err)
    }

    /// The log as the JSON it should be.
    pub fn lines(&self) -> Vec<Value> {
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: no JSON: {error}"))
        };
        self.log().lines().map(parse).collect()
    }

    pub fn wait_for(&mut self, words: &str) {
        let log = Arc::clone(&self.err.1);
        self.wait_until(words, || log.lock().unwrap().contains(words));
    }

    pub fn wait_until(&mut self, what: &str, mut ready: impl FnMut() -> bool) {
        let start = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("ended with {status} before {what}: {}", self.log());
            }
            assert!(start.elapsed() < LONG, "no {what}: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// Status line, headers and body of one request.
    pub fn get(&self, path: &str) -> String {
        let mut stream = self.connect();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        read(stream)
    }

    pub fn post(&self, path: &str, json: &str) -> String {
        let mut stream = self.connect();
        write!(stream, "{}{json}", post_head(path, json.len())).unwrap();
        read(stream)
    }

    /// As somebody with an access token.
    pub fn post_as(&self, token: &str, path: &str, json: &str) -> String {
        let mut stream = self.connect();
        let head = post_head(path, json.len());
        let (head, _) = head.split_once("\r\n\r\n").unwrap();
        let who = format!("Authorization: Bearer {token}");
        write!(stream, "{head}\r\n{who}\r\n\r\n{json}").unwrap();
        read(stream)
    }

    /// Asks the server to stop, as a supervisor does.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end; answers how it ended.
    pub fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < LONG, "does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the server as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    #[track_caller]
    pub fn stop(mut self) {
        self.terminate();
        let ended = self.ended();
        assert!(ended.success(), "{ended}: {}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Over already when the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn post_head(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

pub fn read(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
