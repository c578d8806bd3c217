//! Mail through one relay, by SMTP. Sending blocks: call it off the async threads.

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use percent_encoding::percent_decode_str;
use url::Url;

use super::random;

/// A server that is to say good-bye gets no longer than this; the mail is on its way by then.
const FAREWELL: Duration = Duration::from_secs(1);

/// How what goes to the relay is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    /// TLS from the first byte on.
    Wrapped,
    /// STARTTLS, or no mail.
    Required,
    /// STARTTLS where the relay offers it; whoever stands between can take the offer away.
    Opportunistic,
    Plain,
}

/// Where the relay is and who we are there.
#[derive(Clone)]
pub struct Relay {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<(String, String)>,
}

impl Relay {
    /// `smtps://HOST` or `smtp://HOST`, with `USER:PASSWORD@` before and `:PORT` after it; after
    /// `smtp` perhaps `?tls=required` (as without it), `?tls=opportunistic` or `?tls=none`. What is
    /// wrong is said without the address, for it may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        let security = match (url.scheme(), url.query()) {
            ("smtps", None) => Security::Wrapped,
            ("smtp", None | Some("tls=required")) => Security::Required,
            ("smtp", Some("tls=opportunistic")) => Security::Opportunistic,
            ("smtp", Some("tls=none")) => Security::Plain,
            ("smtp", Some(_)) => {
                return Err("after ? only tls=required, opportunistic or none".to_owned());
            }
            _ => return Err("must be smtp://HOST or smtps://HOST".to_owned()),
        };
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| "must name a host".to_owned())?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err("must have neither path nor fragment".to_owned());
        }
        let decoded = |text: &str| {
            let text = percent_decode_str(text).decode_utf8();
            text.map(String::from)
                .map_err(|_| "user and password must be UTF-8".to_owned())
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() && !password.is_empty() => {
                Some((decoded(user)?, decoded(password)?))
            }
            _ => return Err("user and password belong together".to_owned()),
        };
        if credentials.is_some() && matches!(security, Security::Opportunistic | Security::Plain) {
            return Err("a password is sent under TLS only: smtps or tls=required".to_owned());
        }
        Ok(Self {
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port: url.port().unwrap_or(match security {
                Security::Wrapped => 465,
                Security::Required => 587,
                Security::Opportunistic | Security::Plain => 25,
            }),
            security,
            credentials,
        })
    }
}

/// Whose mail it is.
#[derive(Clone)]
pub struct Sender(Mailbox);

impl Sender {
    /// An address, or a name and an address in angle brackets.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mailbox: Option<Mailbox> = match text.chars().any(char::is_control) {
            true => None,
            false => text.parse().ok(),
        };
        mailbox
            .filter(|mailbox| AsRef::<str>::as_ref(&mailbox.email).is_ascii())
            .map(Self)
            .ok_or_else(|| {
                "must be an address, or a name with one: Toà soạn <toasoan@sonha.example.vn>; a \
                 name with commas or dots stands in quotation marks"
                    .to_owned()
            })
    }
}

/// What is set of it.
#[derive(Clone)]
pub struct Options {
    pub relay: Relay,
    pub sender: Sender,
    /// Host of this server, as the relay is greeted with it.
    pub host: String,
    /// For one mail, from the name look-up to the relay's last word.
    pub timeout: Duration,
}

/// One mail to one person, in plain text.
pub struct Letter {
    pub name: String,
    pub address: String,
    pub subject: String,
    pub text: String,
    /// Unix seconds.
    pub at: u64,
}

/// Sends letters; made once, shared by all requests.
pub struct Mailer {
    options: Options,
    hello: ClientId,
    tls: Option<TlsParameters>,
}

impl Mailer {
    pub fn new(options: Options) -> Result<Self, String> {
        let tls = match options.relay.security {
            Security::Plain => None,
            _ => {
                let tls = TlsParameters::new(options.relay.host.clone());
                Some(tls.map_err(|error| error.to_string())?)
            }
        };
        Ok(Self {
            hello: hello(&options.host),
            options,
            tls,
        })
    }

    pub fn timeout(&self) -> Duration {
        self.options.timeout
    }

    /// Hands a letter to the relay. The error is for the log, in the relay's words.
    pub fn send(&self, letter: &Letter) -> Result<(), String> {
        let mail = self.mail(letter)?;
        let Relay {
            host,
            port,
            security,
            credentials,
        } = &self.options.relay;
        let told = |error: lettre::transport::smtp::Error| error.to_string();
        let began = Instant::now();
        let left = || match self.options.timeout.checked_sub(began.elapsed()) {
            Some(left) if !left.is_zero() => Ok(left),
            _ => Err("the relay takes too long".to_owned()),
        };
        let wrapped = self.tls.as_ref().filter(|_| *security == Security::Wrapped);
        let place = (host.as_str(), *port);
        let mut relay = SmtpConnection::connect(place, Some(left()?), &self.hello, wrapped, None)
            .map_err(told)?;
        let within = |relay: &mut SmtpConnection, time: Duration| {
            relay
                .set_timeout(Some(time))
                .map_err(|error| error.to_string())
        };
        let starts = match security {
            Security::Required => true,
            Security::Opportunistic => relay.can_starttls(),
            Security::Wrapped | Security::Plain => false,
        };
        if let Some(tls) = self.tls.as_ref().filter(|_| starts) {
            within(&mut relay, left()?)?;
            relay.starttls(tls, &self.hello).map_err(told)?;
        }
        if let Some((user, password)) = credentials {
            within(&mut relay, left()?)?;
            let credentials = Credentials::new(user.clone(), password.clone());
            relay
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .map_err(told)?;
        }
        within(&mut relay, left()?)?;
        relay
            .send(mail.envelope(), &mail.formatted())
            .map_err(told)?;
        if within(&mut relay, FAREWELL).is_ok() {
            relay.abort();
        }
        Ok(())
    }

    fn mail(&self, letter: &Letter) -> Result<Message, String> {
        // The library panics where it cannot encode these.
        if letter.name.contains(char::is_control) || letter.subject.contains(char::is_control) {
            return Err("a name or subject holds a control character".to_owned());
        }
        let address = letter.address.parse();
        let address: lettre::Address = address.map_err(|_| "no mail address".to_owned())?;
        let sender = &self.options.sender.0;
        let id = format!("<{}@{}>", random::token(), sender.email.domain());
        let at: SystemTime = UNIX_EPOCH + Duration::from_secs(letter.at);
        // RFC 3834: holiday notices do not answer it.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let automatic = HeaderValue::new(automatic, "auto-generated".to_owned());
        Message::builder()
            .from(sender.clone())
            .to(Mailbox::new(Some(letter.name.clone()), address))
            .subject(letter.subject.clone())
            .date(at)
            .message_id(Some(id))
            .raw_header(automatic)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|error| error.to_string())
    }
}

/// How this server greets the relay.
fn hello(host: &str) -> ClientId {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) if host.is_empty() => ClientId::Ipv6(Ipv6Addr::LOCALHOST),
        Err(_) => ClientId::Domain(host.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn mailer(sender: &str) -> Mailer {
        Mailer::new(Options {
            relay: Relay::parse("smtp://127.0.0.1:25?tls=none").unwrap(),
            sender: Sender::parse(sender).unwrap(),
            host: "api.sonha.example.vn".to_owned(),
            timeout: Duration::from_secs(1),
        })
        .unwrap()
    }

    /// Header lines, folded ones put together.
    fn headers(letter: &Letter) -> Vec<String> {
        let mail = mailer("Toà soạn <toasoan@sonha.example.vn>").mail(letter);
        let mail = String::from_utf8(mail.unwrap().formatted()).unwrap();
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        let head = head.replace("\r\n ", " ");
        head.split("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn an_address_of_a_relay_says_how_it_is_kept_private() {
        let read = |text| {
            let relay = Relay::parse(text).unwrap();
            (relay.host, relay.port, relay.security, relay.credentials)
        };
        let (an, pass) = ("an@x.vn".to_owned(), "đò:@/?".to_owned());
        for (text, host, port, security, credentials) in [
            ("smtp://mx.x.vn", "mx.x.vn", 587, Security::Required, None),
            ("smtps://mx.x.vn/", "mx.x.vn", 465, Security::Wrapped, None),
            (
                "smtp://an%40x.vn:%C4%91%C3%B2%3A%40%2F%3F@mx.x.vn:2525?tls=required",
                "mx.x.vn",
                2525,
                Security::Required,
                Some((an, pass)),
            ),
            ("smtp://[::1]?tls=none", "::1", 25, Security::Plain, None),
            (
                "smtp://mx?tls=opportunistic",
                "mx",
                25,
                Security::Opportunistic,
                None,
            ),
        ] {
            let wanted = (host.to_owned(), port, security, credentials);
            assert_eq!(read(text), wanted, "{text}");
        }
        for bad in [
            "",
            "mx.x.vn",
            "http://mx.x.vn",
            "smtp://",
            "smtp:mx.x.vn",
            "smtp://mx.x.vn:port",
            "smtp://mx.x.vn/hello",
            "smtp://mx.x.vn#here",
            "smtp://mx.x.vn?tls=maybe",
            "smtp://mx.x.vn?tls=none&tls=required",
            "smtps://mx.x.vn?tls=none",
            "smtp://s3cret@mx.x.vn",
            "smtp://:s3cret@mx.x.vn",
            "smtp://an:@mx.x.vn",
            "smtp://an:s3cret@mx.x.vn?tls=none",
            "smtp://an:s3cret@mx.x.vn?tls=opportunistic",
            "smtp://an:%FFs3cret@mx.x.vn",
        ] {
            let refused = Relay::parse(bad).err();
            assert!(refused.is_some_and(|why| !why.contains("s3cret")), "{bad}");
        }
    }

    #[test]
    fn a_sender_is_one_mailbox() {
        for good in [
            "toasoan@sonha.example.vn",
            "Toà soạn <toasoan@sonha.example.vn>",
            "\"UBND H. Đại Lộc, toà soạn\" <toasoan@sonha.example.vn>",
        ] {
            let sender = Sender::parse(good).unwrap();
            assert_eq!(sender.0.email.to_string(), "toasoan@sonha.example.vn");
        }
        for bad in [
            "",
            "Toà soạn",
            "a@x.vn, b@x.vn",
            "a@x.vn\r\nBcc: b@x.vn",
            "Toà\nsoạn <a@x.vn>",
            "toàsoạn@x.vn",
        ] {
            assert!(Sender::parse(bad).is_err(), "{bad:?}");
        }
    }

    fn letter(word: &str) -> Letter {
        Letter {
            name: word.to_owned(),
            address: "an@x.vn".to_owned(),
            subject: word.to_owned(),
            text: "Chào".to_owned(),
            at: 0,
        }
    }

    #[test]
    fn no_word_of_a_letter_becomes_a_header_of_its_own() {
        let mailer = mailer("a@x.vn");
        let any = ('\u{20}'..'\u{3000}').filter(|c| !c.is_control());
        let any = any.map(|c| format!("An{c}, Bcc: all@x.vn{c}"));
        let hostile = [
            "An <all@x.vn>, B",
            "\"An\" <all@x.vn>",
            "An\u{2028}Bcc: all@x.vn",
            "=?utf-8?q?An=0D=0ABcc: all@x.vn?=",
        ];
        for hostile in hostile.into_iter().map(str::to_owned).chain(any) {
            let letter = letter(&hostile);
            let headers = headers(&letter);
            let names = headers.iter().map(|line| line.split_once(": ").unwrap().0);
            let wanted = [
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                "Auto-Submitted",
                "Content-Type",
                "Content-Transfer-Encoding",
            ];
            assert_eq!(names.collect::<Vec<_>>(), wanted, "{hostile:?}");
            let mail = mailer.mail(&letter).unwrap();
            let to = mail.envelope().to().iter().map(ToString::to_string);
            assert_eq!(to.collect::<Vec<_>>(), ["an@x.vn"]);
        }
        for end in ["\r\n", "\n", "\r", "\r\n\r\n", "\u{85}", "\0"] {
            let hostile = letter(&format!("An{end}Bcc: all@x.vn"));
            assert!(mailer.mail(&hostile).is_err(), "{end:?}");
            let address = format!("an@x.vn>{end}RCPT TO:<all@x.vn");
            let hostile = Letter {
                address,
                ..letter("An")
            };
            assert!(mailer.mail(&hostile).is_err(), "{end:?}");
        }
    }
}
