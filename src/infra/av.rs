//! Films and sound: known by their content and never by their name, with duration and size as their
//! containers say. Walkers of our own, for hostile files: every loop moves forward and memory is bounded.
//! Nothing is decoded. Blocks.

mod mp4;
mod sound;
mod webm;

use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::infra::boxes::{Broken, part};

/// What a file turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Known(Known),
    /// It begins as one of ours does and is damaged or cut short.
    Damaged,
    /// A container that we know and do not serve; which, for whoever sent it.
    Unsupported(&'static str),
    /// None of ours.
    Other,
}

/// A film or a sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// `video/…` where there is something to see, `audio/…` otherwise.
    pub mime: &'static str,
    /// As seen, in pixels.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub duration_ms: Option<i64>,
    pub cleaning: Cleaning,
}

/// What must not reach readers, in bytes of the file: places, names, programs, pictures of covers. The
/// file keeps its length, so that no offset in it becomes wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaning {
    zeros: Vec<Range<u64>>,
    /// New heads of what was made empty.
    heads: Vec<(u64, Vec<u8>)>,
    /// Pages of Ogg whose checksums are made anew at the end.
    pages: Vec<Range<u64>>,
}

impl Cleaning {
    /// Most places that are made empty: no film has so many.
    const MOST: usize = 400_000;

    fn zero(&mut self, range: Range<u64>) -> Walk<()> {
        if self.zeros.len() >= Self::MOST {
            return Err(Stop::Unsupported(
                "it has too much beside picture and sound",
            ));
        }
        self.zeros.push(range);
        Ok(())
    }

    fn head(&mut self, at: u64, head: Vec<u8>) {
        self.heads.push((at, head));
    }

    /// Cleans the file where it lies; answers the SHA-256 of what it is then, lower-case hex.
    pub fn clean(mut self, file: &mut (impl Read + Write + Seek)) -> io::Result<String> {
        const NOTHING: &[u8] = &[0; 64 * 1024];
        self.zeros.sort_by_key(|range| range.start);
        let mut done = 0;
        for range in self.zeros {
            // Ranges may overlap; nothing is written twice.
            let from = range.start.max(done);
            if from >= range.end {
                continue;
            }
            file.seek(SeekFrom::Start(from))?;
            let mut left = range.end - from;
            while left > 0 {
                let portion = usize::try_from(left).map_or(NOTHING.len(), |n| n.min(NOTHING.len()));
                file.write_all(NOTHING.get(..portion).unwrap_or_default())?;
                left = left.saturating_sub(u64::try_from(portion).map_err(io::Error::other)?);
            }
            done = range.end;
        }
        for (at, head) in self.heads {
            file.seek(SeekFrom::Start(at))?;
            file.write_all(&head)?;
        }
        for page in self.pages {
            sound::seal(file, &page)?;
        }
        file.flush()?;
        file.seek(SeekFrom::Start(0))?;
        let mut digest = Sha256::new();
        let mut piece = vec![0; 256 * 1024];
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                return Ok(hex::encode(digest.finalize()));
            }
            digest.update(piece.get(..read).unwrap_or_default());
        }
    }
}

/// Looks at a file. An error is one of reading it.
pub fn look(file: &mut (impl Read + Seek)) -> io::Result<Found> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let mut source = Source {
        file: BufReader::with_capacity(16 * 1024, file),
        at: 0,
        length,
    };
    let mut head = vec![0; usize::try_from(length.min(16)).map_err(io::Error::other)?];
    let looked = source.read(0, &mut head).and_then(|()| {
        if head.get(4..8) == Some(b"ftyp") {
            mp4::look(&mut source)
        } else if head.starts_with(webm::EBML) {
            webm::look(&mut source)
        } else if head.starts_with(b"OggS") {
            sound::ogg(&mut source)
        } else {
            sound::mp3(&mut source, &head)
        }
    });
    match looked {
        Ok(Some(known)) => Ok(Found::Known(known)),
        Ok(None) => Ok(Found::Other),
        Err(Stop::Damaged) => Ok(Found::Damaged),
        Err(Stop::Unsupported(what)) => Ok(Found::Unsupported(what)),
        Err(Stop::Io(error)) => Err(error),
    }
}

/// Why a look ends early.
#[derive(Debug)]
enum Stop {
    Damaged,
    Unsupported(&'static str),
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::Damaged,
            _ => Self::Io(error),
        }
    }
}

impl From<Broken> for Stop {
    fn from(_: Broken) -> Self {
        Self::Damaged
    }
}

type Walk<T> = Result<T, Stop>;

/// A file that is read here and there, mostly forward in small steps.
struct Source<'a, F> {
    file: BufReader<&'a mut F>,
    at: u64,
    length: u64,
}

impl<F: Read + Seek> Source<'_, F> {
    fn read(&mut self, from: u64, into: &mut [u8]) -> Walk<()> {
        let signed = |at: u64| i64::try_from(at).map_err(|_| Stop::Damaged);
        let count = u64::try_from(into.len()).map_err(|_| Stop::Damaged)?;
        let end = from.checked_add(count).ok_or(Stop::Damaged)?;
        if end > self.length {
            return Err(Stop::Damaged);
        }
        self.file.seek_relative(signed(from)? - signed(self.at)?)?;
        self.file.read_exact(into)?;
        self.at = end;
        Ok(())
    }

    /// A part of the file that is to be no longer than `most`.
    fn bytes(&mut self, range: Range<u64>, most: u64) -> Walk<Vec<u8>> {
        let count = range.end.saturating_sub(range.start);
        if range.end > self.length {
            return Err(Stop::Damaged);
        }
        if count > most {
            return Err(Stop::Unsupported("its tables are larger than any we know"));
        }
        let mut bytes = vec![0; usize::try_from(count).map_err(|_| Stop::Damaged)?];
        self.read(range.start, &mut bytes)?;
        Ok(bytes)
    }
}

/// Whole milliseconds of so many units, where that is a length of time at all.
fn milliseconds(units: u64, per_second: u32) -> Option<i64> {
    let exact = u128::from(units)
        .checked_mul(1000)?
        .checked_div(per_second.into())?;
    i64::try_from(exact)
        .ok()
        .filter(|ms| (1..=MOST_MS).contains(ms))
}

/// A longer film than ten years is a damaged number.
const MOST_MS: i64 = 10 * 366 * 24 * 60 * 60 * 1000;

#[cfg(test)]
mod tests;
