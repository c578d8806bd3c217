//! Boxes in boxes (ISO 14496-12) that lie in memory: films and pictures have them.

/// A box that does not fit into what it is in, or a number that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// A box in memory.
#[derive(Debug, Clone, Copy)]
pub struct Inner<'a> {
    pub kind: [u8; 4],
    /// Where it begins in the file.
    pub at: u64,
    pub end: u64,
    /// Length of its head.
    pub head: u64,
    pub body: &'a [u8],
}

/// The boxes in the body of another, which begins at `at` in the file.
#[derive(Debug)]
pub struct Boxes<'a> {
    pub rest: &'a [u8],
    pub at: u64,
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<Inner<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        // Four zero bytes at the end are a habit of QuickTime.
        if self.rest.len() < 8 {
            return None;
        }
        let inner = self.one();
        if inner.is_err() {
            self.rest = &[];
        }
        Some(inner)
    }
}

impl<'a> Boxes<'a> {
    fn one(&mut self) -> Result<Inner<'a>, Broken> {
        let (length, head) = match u32::from_be_bytes(part(self.rest, 0)?) {
            0 => (self.rest.len(), 8_u8),
            1 => {
                let long = u64::from_be_bytes(part(self.rest, 8)?);
                (usize::try_from(long).map_err(|_| Broken)?, 16)
            }
            short => (usize::try_from(short).map_err(|_| Broken)?, 8),
        };
        let body = self.rest.get(usize::from(head)..length).ok_or(Broken)?;
        let kind = part(self.rest, 4)?;
        let (at, count) = (self.at, u64::try_from(length).map_err(|_| Broken)?);
        self.at = self.at.saturating_add(count);
        self.rest = self.rest.get(length..).unwrap_or_default();
        Ok(Inner {
            kind,
            at,
            end: self.at,
            head: head.into(),
            body,
        })
    }
}

impl<'a> Inner<'a> {
    pub fn boxes(&self) -> Boxes<'a> {
        Boxes {
            rest: self.body,
            at: self.at.saturating_add(self.head),
        }
    }
}

/// So many bytes from there.
pub fn part<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Broken> {
    let end = at.checked_add(N).ok_or(Broken)?;
    let part = bytes.get(at..end).and_then(|part| part.try_into().ok());
    part.ok_or(Broken)
}
