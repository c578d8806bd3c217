//! The rules that a body keeps beyond the types of its fields.

use std::collections::HashSet;

use deserr::ValuePointerRef;

use super::{
    Block, Decorator, EMBED_HOSTS, Embed, Figure, MAX_CELLS, MAX_PARTS, MAX_ROWS, MAX_SPANS,
    MarkDef, Span, Table,
};
use crate::domain::content::{MAX_BLOCKS, MAX_BODY_CHARACTERS};
use crate::domain::input::{FaultCode, Faults, at_most, pointer};

impl Block {
    /// The rules of one block.
    pub(super) fn check(&self, place: &str, faults: &mut Faults) {
        for (below, spans, defs) in self.runs() {
            check_run(&format!("{place}{below}"), spans, defs, faults);
        }
        match self {
            Self::Text(block) if block.level.is_some_and(|level| !(1..=6).contains(&level)) => {
                faults.push(
                    format!("{place}/level"),
                    FaultCode::OutOfRange,
                    "must be 1 to 6",
                );
            }
            Self::Text(block) if block.level.is_some() && block.list_item.is_none() => {
                faults.push(
                    format!("{place}/level"),
                    FaultCode::Conflict,
                    "only a listItem has a level",
                );
            }
            Self::Table(table) => check_table(table, place, faults),
            Self::Figure(figure) => figure.check(place, faults),
            Self::Embed(embed) => check_embed(embed, place, faults),
            _ => {}
        }
    }
}

fn check_run(place: &str, spans: &[Span], defs: &[MarkDef], faults: &mut Faults) {
    for (name, count) in [("children", spans.len()), ("markDefs", defs.len())] {
        if count > MAX_SPANS {
            faults.push(
                format!("{place}/{name}"),
                FaultCode::TooMany,
                format!("has {count} items, {MAX_SPANS} are allowed"),
            );
        }
    }
    let mut keys = HashSet::new();
    for (i, def) in defs.iter().enumerate() {
        if !keys.insert(&def.key) || Decorator::parse(def.key.as_str()).is_some() {
            faults.push(
                format!("{place}/markDefs/{i}/_key"),
                FaultCode::Duplicate,
                "must differ from the other keys of this block and from the decorators",
            );
        }
    }
    let links = keys.clone();
    for (i, span) in spans.iter().enumerate() {
        if span.key.as_ref().is_some_and(|key| !keys.insert(key)) {
            faults.push(
                format!("{place}/children/{i}/_key"),
                FaultCode::Duplicate,
                "is used twice in this block",
            );
        }
        if span.marks.len() > 20 {
            faults.push(
                format!("{place}/children/{i}/marks"),
                FaultCode::TooMany,
                "has more than 20 items",
            );
        }
        for (m, mark) in span.marks.iter().enumerate() {
            if Decorator::parse(mark.as_str()).is_none() && !links.contains(mark) {
                faults.push(
                    format!("{place}/children/{i}/marks/{m}"),
                    FaultCode::UnknownValue,
                    "must be a decorator (strong, em, underline, strike-through, sub, sup) or the _key of a markDef",
                );
            }
        }
    }
}

fn check_table(table: &Table, place: &str, faults: &mut Faults) {
    if table.rows.is_empty() || table.rows.len() > MAX_ROWS {
        faults.push(
            format!("{place}/rows"),
            if table.rows.is_empty() {
                FaultCode::TooShort
            } else {
                FaultCode::TooMany
            },
            format!("must have 1 to {MAX_ROWS} rows"),
        );
    }
    if usize::from(table.header_rows) > table.rows.len() {
        faults.push(
            format!("{place}/header_rows"),
            FaultCode::OutOfRange,
            "must not exceed the rows",
        );
    }
    for (r, row) in table.rows.iter().enumerate() {
        if row.cells.is_empty() || row.cells.len() > MAX_CELLS {
            faults.push(
                format!("{place}/rows/{r}/cells"),
                if row.cells.is_empty() {
                    FaultCode::TooShort
                } else {
                    FaultCode::TooMany
                },
                format!("must have 1 to {MAX_CELLS} cells"),
            );
        }
    }
}

fn check_embed(embed: &Embed, place: &str, faults: &mut Faults) {
    match (&embed.url, embed.media_id) {
        (Some(url), None) => {
            let parsed = url::Url::parse(url.as_str()).ok();
            let allowed = parsed.is_some_and(|url| {
                url.scheme() == "https"
                    && url.port().is_none()
                    && url
                        .host_str()
                        .is_some_and(|host| EMBED_HOSTS.contains(&host))
            });
            if !allowed {
                faults.push(
                    format!("{place}/url"),
                    FaultCode::UnknownValue,
                    format!(
                        "must be an https address at one of: {}",
                        EMBED_HOSTS.join(", ")
                    ),
                );
            }
        }
        (None, Some(_)) => {}
        _ => faults.push(
            place,
            FaultCode::Conflict,
            "must have exactly one of url and media_id",
        ),
    }
}

/// The rules that need the whole body: length, unique keys, unique caption ids.
pub fn check(blocks: &[Block], location: ValuePointerRef) -> Result<(), Faults> {
    at_most(blocks, MAX_BLOCKS, location)?;
    let place = pointer(location);
    let mut faults = Faults::default();
    let (mut keys, mut captions) = (HashSet::new(), HashSet::new());
    for (i, block) in blocks.iter().enumerate() {
        let here = format!("{place}/{i}");
        if block.key().is_some_and(|key| !keys.insert(key)) {
            faults.push(
                format!("{here}/_key"),
                FaultCode::Duplicate,
                "is used twice in this body",
            );
        }
        if let Block::Figure(Figure {
            caption_id: Some(id),
            ..
        }) = block
            && !captions.insert(*id)
        {
            faults.push(
                format!("{here}/caption_id"),
                FaultCode::Duplicate,
                "is used twice in this body",
            );
        }
    }
    let parts: usize = blocks.iter().map(Block::parts).sum();
    if parts > MAX_PARTS {
        faults.push(
            place.clone(),
            FaultCode::TooMany,
            format!("has {parts} spans and cells, {MAX_PARTS} are allowed"),
        );
    }
    let characters: usize = blocks.iter().map(Block::characters).sum();
    if characters > MAX_BODY_CHARACTERS {
        faults.push(
            place,
            FaultCode::TooLong,
            format!("has {characters} characters, {MAX_BODY_CHARACTERS} are allowed"),
        );
    }
    faults.or(())
}
