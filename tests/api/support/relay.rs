//! A mail relay in a thread: takes what it is sent, or fails as it is told to.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What the relay does with a mail.
#[derive(Clone)]
pub enum Manner {
    Takes,
    /// Says so instead of what it should say after a command, `.` for the end of the mail; `{}`
    /// stands for the link of the mail.
    Says(&'static str, &'static str),
    /// Ends the connection after a command.
    HangsUpAfter(&'static str),
    /// Takes connections and says nothing.
    Hangs,
    /// Takes mail under STARTTLS only, and after a password.
    Secured(Arc<rustls::ServerConfig>),
}

/// A mail that was taken.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// User and password.
    pub by: Option<(String, String)>,
    pub tls: bool,
    /// Headers, lines ending in CR LF, and the body as it is encoded.
    pub raw: String,
}

impl Mail {
    /// A header, unfolded and with its words decoded; there is one of the name.
    pub fn header(&self, name: &str) -> String {
        let all = self.headers(name);
        assert_eq!(all.len(), 1, "{name}: {}", self.raw);
        all[0].clone()
    }

    pub fn headers(&self, name: &str) -> Vec<String> {
        let (head, _) = self.raw.split_once("\r\n\r\n").unwrap();
        let head = head.replace("\r\n ", " ");
        let values = head.split("\r\n").filter_map(|line| {
            let (found, value) = line.split_once(": ").unwrap();
            found.eq_ignore_ascii_case(name).then(|| words(value))
        });
        values.collect()
    }

    /// The text of the body.
    pub fn text(&self) -> String {
        let (_, body) = self.raw.split_once("\r\n\r\n").unwrap();
        let bytes = match self.header("content-transfer-encoding").as_str() {
            "base64" => STANDARD.decode(body.replace("\r\n", "")).unwrap(),
            "quoted-printable" => quoted_printable(body),
            _ => body.as_bytes().to_vec(),
        };
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    }

    /// The link, which stands on a line of its own.
    pub fn link(&self) -> String {
        let text = self.text();
        let links: Vec<&str> = text.lines().filter(|l| l.starts_with("https://")).collect();
        assert_eq!(links.len(), 1, "{text}");
        links[0].to_owned()
    }
}

/// RFC 2047, as far as base64.
fn words(value: &str) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("=?utf-8?b?") {
        let (word, after) = after.split_once("?=").unwrap();
        // Blanks between two words do not count.
        if !before.trim().is_empty() || text.is_empty() {
            text.push_str(before);
        }
        text.push_str(&String::from_utf8(STANDARD.decode(word).unwrap()).unwrap());
        rest = after;
    }
    text + rest
}

fn quoted_printable(body: &str) -> Vec<u8> {
    let body = body.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), body.bytes());
    while let Some(byte) = rest.next() {
        match byte {
            b'=' => {
                let code = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.extend(hex::decode(code).unwrap());
            }
            byte => bytes.push(byte),
        }
    }
    bytes
}

pub struct Relay {
    pub port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
    stops: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    pub fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mails, stops) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (taken, stopped) = (Arc::clone(&mails), Arc::clone(&stops));
        let thread = std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                match manner {
                    Manner::Hangs => held.push(stream),
                    // The client may go at any time.
                    _ => drop(serve(Box::new(stream), &manner, &taken)),
                }
            }
        });
        Self {
            port,
            mails,
            stops,
            thread: Some(thread),
        }
    }

    /// What was taken so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::SeqCst);
        let woken = TcpStream::connect(("127.0.0.1", self.port));
        if let (Ok(_), Some(thread)) = (woken, self.thread.take()) {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
    }
}

/// A port that nobody listens on.
pub fn nobody() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// One line, byte by byte: what comes after it may be TLS.
fn line(stream: &mut dyn Stream) -> std::io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        stream.read_exact(&mut byte)?;
        line.extend(byte);
    }
    line.truncate(line.len() - 2);
    Ok(String::from_utf8(line).unwrap())
}

fn serve(
    mut stream: Box<TcpStream>,
    manner: &Manner,
    taken: &Mutex<Vec<Mail>>,
) -> std::io::Result<()> {
    let secured = match manner {
        Manner::Secured(config) => Some(config),
        _ => None,
    };
    if matches!(manner, Manner::HangsUpAfter("")) {
        return Ok(());
    }
    stream.write_all(b"220 relay\r\n")?;
    let Some(config) = secured else {
        return talk(&mut *stream, manner, Mail::default(), taken);
    };
    loop {
        let command = line(&mut *stream)?;
        let answer: &[u8] = match command.split(' ').next().unwrap_or_default() {
            "EHLO" => b"250-relay\r\n250 STARTTLS\r\n",
            "STARTTLS" => break,
            _ => b"530 not without TLS\r\n",
        };
        stream.write_all(answer)?;
    }
    stream.write_all(b"220 go ahead\r\n")?;
    let connection = rustls::ServerConnection::new(Arc::clone(config));
    let mut stream = rustls::StreamOwned::new(connection.unwrap(), *stream);
    let mail = Mail {
        tls: true,
        ..Mail::default()
    };
    talk(&mut stream, manner, mail, taken)
}

fn talk(
    stream: &mut dyn Stream,
    manner: &Manner,
    mut mail: Mail,
    taken: &Mutex<Vec<Mail>>,
) -> std::io::Result<()> {
    loop {
        let command = line(stream)?;
        let mut verb = command.split([' ', ':']).next().unwrap_or_default();
        if verb == "DATA" && !matches!(manner, Manner::Says("DATA", _)) {
            stream.write_all(b"354 go ahead\r\n")?;
            loop {
                match line(stream)?.as_str() {
                    "." => break,
                    line => mail.raw += &format!("{}\r\n", line.strip_prefix('.').unwrap_or(line)),
                }
            }
            verb = ".";
        }
        match manner {
            Manner::Says(after, says) if *after == verb => {
                let words = match says.contains("{}") {
                    true => says.replace("{}", &mail.link()),
                    false => (*says).to_owned(),
                };
                stream.write_all(format!("{words}\r\n").as_bytes())?;
                continue;
            }
            Manner::HangsUpAfter(after) if *after == verb => return Ok(()),
            _ => {}
        }
        let path = || {
            let (_, path) = command.split_once('<').unwrap();
            path.split('>').next().unwrap().to_owned()
        };
        let answer = match verb {
            "EHLO" if mail.tls => "250-relay\r\n250 AUTH PLAIN",
            "EHLO" => "250 relay",
            "AUTH" => {
                let plain = STANDARD.decode(command.rsplit(' ').next().unwrap());
                let plain = String::from_utf8(plain.unwrap()).unwrap();
                let mut parts = plain.split('\0').skip(1).map(str::to_owned);
                mail.by = parts.next().zip(parts.next());
                "235 welcome"
            }
            "MAIL" => {
                mail.from = path();
                "250 ok"
            }
            "RCPT" => {
                mail.to.push(path());
                "250 ok"
            }
            "." => {
                taken.lock().unwrap().push(mail.clone());
                "250 taken"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            _ => "500 what?",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
}
