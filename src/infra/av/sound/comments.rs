//! Comments in Ogg, which may hold anything, as a cover with the place where it was taken. They keep their
//! length and become a long name, of nothing but zeros, of the program that wrote the file.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use super::super::{Cleaning, Source, Stop, Walk};

/// The packets behind the first of a stream, until its sound begins.
#[derive(Debug, Default)]
pub(in super::super) struct Packets {
    /// Where the bytes of the packet lie that is not yet at its end.
    open: Vec<Range<u64>>,
    /// Pages that it touches.
    pages: Vec<Range<u64>>,
    /// Nothing that could be a comment follows.
    done: bool,
}

impl Packets {
    /// Reads on in a page, whose table of segments says where packets end.
    pub(in super::super) fn take<F: Read + Seek>(
        &mut self,
        source: &mut Source<F>,
        page: Range<u64>,
        table: &[u8],
        cleaning: &mut Cleaning,
    ) -> Walk<()> {
        if self.done {
            return Ok(());
        }
        let length: u64 = table.iter().map(|segment| u64::from(*segment)).sum();
        let mut at = page.end.saturating_sub(length);
        self.pages.push(page.clone());
        for segment in table {
            let end = at.saturating_add(u64::from(*segment));
            match self.open.last_mut() {
                Some(last) if last.end == at => last.end = end,
                _ => self.open.push(at..end),
            }
            at = end;
            if *segment < 255 {
                self.packet(source, cleaning)?;
                if self.done {
                    return Ok(());
                }
                self.open.clear();
                self.pages = vec![page.clone()];
            }
        }
        match self.pages.len() {
            // A packet of 64 MiB is no comment.
            0..=1024 => Ok(()),
            _ => Err(Stop::Damaged),
        }
    }

    /// A packet is whole.
    fn packet<F: Read + Seek>(
        &mut self,
        source: &mut Source<F>,
        cleaning: &mut Cleaning,
    ) -> Walk<()> {
        let length = self.open.iter().map(|piece| piece.end - piece.start).sum();
        let mut head = Vec::new();
        for offset in 0..8.min(length) {
            let mut byte = [0];
            source.read(self.place(offset)?, &mut byte)?;
            head.extend(byte);
        }
        // Where the length of the writer's name stands, and what follows the number of comments.
        let (name, after) = if head.starts_with(b"\x03vorbis") {
            self.done = true;
            (7, 1)
        } else if head.starts_with(b"OpusTags") {
            self.done = true;
            (8, 0)
        } else {
            match head.first() {
                // A block of FLAC: comments, or anything else, which becomes padding.
                Some(kind) if *kind != 0xFF => {
                    if kind & 0x7F != 4 {
                        let padding = kind & 0x80 | 1;
                        return self.write(0, &[padding], 4, length, cleaning);
                    }
                    (4, 0)
                }
                _ => {
                    self.done = true;
                    return Ok(());
                }
            }
        };
        let size = length.checked_sub(name + 8 + after).ok_or(Stop::Damaged)?;
        let size = u32::try_from(size).map_err(|_| Stop::Damaged)?;
        self.write(name, &size.to_le_bytes(), name + 4, length, cleaning)?;
        if after == 1 {
            cleaning.head(self.place(length - 1)?, vec![1]);
        }
        Ok(())
    }

    /// Writes some bytes at an offset in the packet, zeros from `from` on.
    fn write(
        &self,
        offset: u64,
        bytes: &[u8],
        from: u64,
        length: u64,
        cleaning: &mut Cleaning,
    ) -> Walk<()> {
        for (offset, byte) in (offset..).zip(bytes) {
            cleaning.head(self.place(offset)?, vec![*byte]);
        }
        let mut begin = 0;
        for piece in &self.open {
            let count = piece.end - piece.start;
            let skipped = from.saturating_sub(begin).min(count);
            cleaning.zero(piece.start + skipped..piece.end)?;
            begin += count;
        }
        if from > length {
            return Err(Stop::Damaged);
        }
        for page in &self.pages {
            if cleaning.pages.last() != Some(page) {
                cleaning.pages.push(page.clone());
            }
        }
        Ok(())
    }

    /// Where a byte of the packet lies in the file.
    fn place(&self, offset: u64) -> Walk<u64> {
        let mut left = offset;
        for piece in &self.open {
            let count = piece.end - piece.start;
            if left < count {
                return Ok(piece.start + left);
            }
            left -= count;
        }
        Err(Stop::Damaged)
    }
}

/// Writes the checksum of a page that was changed.
pub(in super::super) fn seal(
    file: &mut (impl Read + Write + Seek),
    page: &Range<u64>,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(page.start))?;
    Read::by_ref(file)
        .take(page.end - page.start)
        .read_to_end(&mut bytes)?;
    let mut sum = 0_u32;
    for (at, byte) in bytes.iter().enumerate() {
        let byte = if (22..26).contains(&at) { 0 } else { *byte };
        sum ^= u32::from(byte) << 24;
        for _ in 0..8 {
            sum = (sum << 1) ^ (if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 });
        }
    }
    file.seek(SeekFrom::Start(page.start + 22))?;
    file.write_all(&sum.to_le_bytes())
}
