//! The process that decodes: this program, started once more for one picture. The file goes in, pixels come
//! out, and whatever the decoder does there ends nothing but that.

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::super::{Form, ImageError, Limits};
use super::pixels::{self, Raster, channels};

/// What the program is called with.
pub(super) const WORD: &str = "decode-avif";
/// Said before anything is decoded. Its last byte counts versions: where programs are replaced while
/// they run, another one may answer.
const HELLO: [u8; 8] = *b"bantin\0\x01";
/// For a process that has said all it will to end.
const END: Duration = Duration::from_secs(2);

/// Decodes in another process. `size` is what the container says.
pub(super) fn decode(
    original: &[u8],
    limits: &Limits,
    size: (u32, u32),
) -> Result<Raster, ImageError> {
    let pixels = u64::from(size.0) * u64::from(size.1);
    decode_within(patience(pixels), original, limits, size)
}

/// Longer than a picture of so many pixels takes, and shorter than a job may.
fn patience(pixels: u64) -> Duration {
    Duration::from_secs(pixels / 1_000_000 + 30).min(Duration::from_secs(300))
}

pub(super) fn decode_within(
    patience: Duration,
    original: &[u8],
    limits: &Limits,
    size: (u32, u32),
) -> Result<Raster, ImageError> {
    let mut command = Command::new(&*limits.program);
    command
        .args([WORD, &limits.max_pixels.to_string()])
        // Secrets stand in the environment. That of the server can still be read: the user is the same.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // In a group of its own: what a terminal sends to us is not for it.
        command.arg0("bantin").current_dir("/").process_group(0);
    }
    let mut child = command.spawn().map_err(|error| failed(&error))?;
    let pipes = child.stdin.take().zip(child.stdout.take());
    let Some((mut into, mut from)) = pipes else {
        let _ = end(&mut child, Duration::ZERO);
        return Err(failed(&"it has no pipes"));
    };
    let watched = &mut child;
    let met = thread::scope(move |scope| {
        let (told, done) = mpsc::channel();
        // Who is not told but left alone has no reason to wait either.
        let watch = thread::Builder::new().spawn_scoped(scope, move || {
            let heard = done.recv_timeout(patience);
            let grace = if heard.is_ok() { END } else { Duration::ZERO };
            let ended = end(watched, grace);
            match heard {
                Err(RecvTimeoutError::Timeout) => Ended::Late,
                _ => Ended::Itself(ended),
            }
        })?;
        // Where it ends early, the rest of the file has nowhere to go, which shows below.
        thread::Builder::new().spawn_scoped(scope, move || into.write_all(original))?;
        let answer = read(&mut from, size);
        // Only a watch that has ended does not hear it.
        let _ = told.send(());
        Ok::<_, io::Error>((answer, watch.join()))
    });
    let (answer, ended) = match met {
        Ok(met) => met,
        Err(error) => {
            let _ = end(&mut child, Duration::ZERO);
            return Err(failed(&error));
        }
    };
    match answer {
        Answer::Raster(raster) => Ok(raster),
        Answer::Refused(error) => Err(error),
        Answer::Silence => Err(failed(&"it said nothing")),
        // It began, and what it met in the file ended it; or somebody else did.
        Answer::Junk => match ended {
            Ok(Ended::Late) => Err(failed(&"it took too long")),
            Ok(Ended::Itself(Ok(Some(status)))) if is_shot(status) => Err(failed(&status)),
            ended => {
                tracing::warn!(?ended, "a damaged AVIF picture ended its decoder");
                Err(ImageError::Corrupt)
            }
        },
    }
}

fn failed(why: &dyn std::fmt::Display) -> ImageError {
    tracing::error!(%why, "the process that decodes AVIF pictures fails");
    ImageError::Failed
}

/// How a process came to its end.
#[derive(Debug)]
enum Ended {
    /// Its time was over.
    Late,
    Itself(io::Result<Option<ExitStatus>>),
}

/// Waits for the end of a process for so long, then ends it. None where it had to.
fn end(child: &mut Child, patience: Duration) -> io::Result<Option<ExitStatus>> {
    const STEP: Duration = Duration::from_millis(5);
    let mut left = patience;
    while !left.is_zero() {
        if let Ok(Some(status)) = child.try_wait() {
            return Ok(Some(status));
        }
        thread::sleep(STEP);
        left = left.saturating_sub(STEP);
    }
    // Waited for in any case: nothing of it stays.
    let killed = child.kill();
    child.wait()?;
    killed.map(|()| None)
}

/// Was it ended from outside, by an operator or for want of memory? Processes that fail end otherwise.
#[cfg(unix)]
fn is_shot(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    const HANGUP: i32 = 1;
    const INTERRUPT: i32 = 2;
    const KILL: i32 = 9;
    const TERMINATE: i32 = 15;
    let signal = status.signal();
    signal.is_some_and(|signal| [HANGUP, INTERRUPT, KILL, TERMINATE].contains(&signal))
}

#[cfg(not(unix))]
fn is_shot(_: ExitStatus) -> bool {
    false
}

/// What came out of the process.
enum Answer {
    Raster(Raster),
    Refused(ImageError),
    /// Not even that it is there.
    Silence,
    /// No whole answer.
    Junk,
}

fn read(from: &mut impl Read, (width, height): (u32, u32)) -> Answer {
    let mut hello = [0; HELLO.len()];
    if from.read_exact(&mut hello).is_err() || hello != HELLO {
        return Answer::Silence;
    }
    let mut word = [0];
    if from.read_exact(&mut word).is_err() {
        return Answer::Junk;
    }
    let [word] = word;
    if let Some((_, error)) = REFUSALS.iter().find(|(known, _)| *known == word) {
        return Answer::Refused(*error);
    }
    let Some((_, form)) = FORMS.iter().find(|(known, _)| *known == word) else {
        return Answer::Junk;
    };
    let pixels = u64::from(width) * u64::from(height);
    let Some(count) = usize::try_from(pixels)
        .ok()
        .and_then(|pixels| pixels.checked_mul(channels(*form)))
    else {
        return Answer::Junk;
    };
    let mut pixels = vec![0; count];
    match from.read_exact(&mut pixels) {
        Ok(()) => Answer::Raster(Raster {
            form: *form,
            width,
            height,
            pixels,
        }),
        Err(_) => Answer::Junk,
    }
}

const FORMS: [(u8, Form); 3] = [(b'1', Form::Grey), (b'3', Form::Rgb), (b'4', Form::Rgba)];
const REFUSALS: [(u8, ImageError); 5] = [
    (b'c', ImageError::Corrupt),
    (b'f', ImageError::Failed),
    (b'h', pixels::HDR),
    (b's', pixels::STRANGE),
    (b'p', ImageError::TooManyPixels),
];

/// The other side takes its limits before it reads anything. Time: more than it is waited for, so only for
/// one whose server is gone. Memory: of the frames that a picture needs, and not of the nine that a file can
/// make the decoder keep.
#[cfg(target_os = "linux")]
pub(super) fn limit(max_pixels: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const BASE: u64 = 512 * 1024 * 1024;
    const EACH_PIXEL: u64 = 24;
    let memory = max_pixels.saturating_mul(EACH_PIXEL).saturating_add(BASE);
    let time = patience(max_pixels) + END;
    let most = [
        (Resource::Cpu, time.as_secs()),
        (Resource::As, memory),
        // What it had in memory is nobody's.
        (Resource::Core, 0),
    ];
    for (what, most) in most {
        let maximum = getrlimit(what).maximum;
        let most = Some(maximum.map_or(most, |maximum| maximum.min(most)));
        let (current, maximum) = (most, most);
        setrlimit(what, Rlimit { current, maximum })?;
    }
    Ok(())
}

/// Elsewhere there is no limit of memory that can be counted on.
#[cfg(not(target_os = "linux"))]
pub(super) fn limit(_: u64) -> io::Result<()> {
    Ok(())
}

fn made(original: &[u8], max_pixels: u64) -> Result<Raster, ImageError> {
    const EACH_PIXEL: u64 = 12;
    let avif = super::open(original, max_pixels)?.ok_or(ImageError::Corrupt)?;
    // Where the decoder finds no memory it aborts, as if the file were damaged. So it is asked for before.
    let pixels = u64::from(avif.colour.width) * u64::from(avif.colour.height);
    let needed = usize::try_from(pixels.saturating_mul(EACH_PIXEL));
    let mut memory = Vec::<u8>::new();
    memory
        .try_reserve_exact(needed.unwrap_or(usize::MAX))
        .map_err(|_| ImageError::Failed)?;
    // It is not left out for being of no use.
    drop(black_box(memory));
    pixels::decode(&avif)
}

/// Reads a file, writes its pixels. Called in a process that does nothing else.
pub(super) fn answer(from: &mut impl Read, to: &mut impl Write, max_pixels: u64) -> io::Result<()> {
    to.write_all(&HELLO)?;
    to.flush()?;
    let mut original = Vec::new();
    let made = match from.read_to_end(&mut original) {
        Ok(_) => made(&original, max_pixels),
        Err(_) => Err(ImageError::Failed),
    };
    match made {
        Ok(raster) => {
            let form = FORMS.iter().find(|(_, form)| *form == raster.form);
            to.write_all(&[form.map_or(b'c', |(word, _)| *word)])?;
            to.write_all(&raster.pixels)?;
        }
        Err(error) => {
            let known = REFUSALS.iter().find(|(_, known)| *known == error);
            to.write_all(&[known.map_or(b'c', |(word, _)| *word)])?;
        }
    }
    to.flush()
}
