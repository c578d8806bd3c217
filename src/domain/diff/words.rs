//! A text by words: what stayed, what went, what came.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::input::words;

/// Most words and blanks of a paragraph, beside what both begin and end with, that are compared:
/// the work grows with the square of it.
const MAX_TOKENS: usize = 1_000;

words! {
    /// What became of a piece of text.
    PieceOp { Equal = "equal", Delete = "delete", Insert = "insert" }
}

/// A piece of the text of a block: without the deleted pieces it is the text after, without the
/// inserted ones the text before.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Piece {
    #[schema(inline)]
    pub op: PieceOp,
    #[schema(max_length = 200000, pattern = "^[^\\u0000-\\u0009]*$")]
    pub text: String,
}

/// Words and the blanks between them.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest
            .find(|c: char| c.is_whitespace() != first.is_whitespace())
            .unwrap_or(rest.len());
        let (token, tail) = rest.split_at(end);
        tokens.push(token);
        rest = tail;
    }
    tokens
}

pub fn pieces(before: &str, after: &str) -> Vec<Piece> {
    let (a, b) = (tokens(before), tokens(after));
    let same = |(x, y): &(&&str, &&str)| x == y;
    let head = a.iter().zip(&b).take_while(same).count();
    let most = a.len().min(b.len()) - head;
    let ends = a.iter().rev().zip(b.iter().rev());
    let tail = ends.take(most).take_while(same).count();
    let middle = |all: &[&'_ str]| -> Vec<String> {
        let inner = all.iter().take(all.len() - tail).skip(head);
        inner.map(|token| (*token).to_owned()).collect()
    };
    let mut made = Vec::new();
    for token in a.iter().take(head) {
        push(&mut made, PieceOp::Equal, token);
    }
    compare(&middle(&a), &middle(&b), &mut made);
    for token in a.iter().skip(a.len() - tail) {
        push(&mut made, PieceOp::Equal, token);
    }
    made
}

/// The longest common subsequence of what differs; texts that are too long are replaced whole.
fn compare(a: &[String], b: &[String], made: &mut Vec<Piece>) {
    // rows[i][j]: the length for the last i of `a` and the last j of `b`.
    let mut rows: Vec<Vec<u16>> = vec![vec![0; b.len() + 1]];
    if a.len() <= MAX_TOKENS && b.len() <= MAX_TOKENS {
        for x in a.iter().rev() {
            let mut row = vec![0_u16];
            let mut right = 0;
            let below = rows.last().map_or(&[][..], Vec::as_slice);
            for (y, pair) in b.iter().rev().zip(below.windows(2)) {
                let [diagonal, down] = pair else { continue };
                right = if x == y {
                    *diagonal + 1
                } else {
                    right.max(*down)
                };
                row.push(right);
            }
            rows.push(row);
        }
    }
    let length = |i: usize, j: usize| {
        let row = rows.get(a.len().saturating_sub(i));
        let cell = row.and_then(|row| row.get(b.len().saturating_sub(j)));
        cell.copied().unwrap_or(0)
    };
    let (mut i, mut j) = (0, 0);
    loop {
        match (a.get(i), b.get(j)) {
            (None, None) => break,
            (Some(x), Some(y)) if x == y => {
                push(made, PieceOp::Equal, x);
                (i, j) = (i + 1, j + 1);
            }
            (Some(_), Some(y)) if length(i, j + 1) > length(i + 1, j) => {
                push(made, PieceOp::Insert, y);
                j += 1;
            }
            (Some(x), _) => {
                push(made, PieceOp::Delete, x);
                i += 1;
            }
            (None, Some(y)) => {
                push(made, PieceOp::Insert, y);
                j += 1;
            }
        }
    }
}

fn push(made: &mut Vec<Piece>, op: PieceOp, text: &str) {
    match made.last_mut() {
        Some(last) if last.op == op => last.text.push_str(text),
        _ => made.push(Piece {
            op,
            text: text.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of a few words and all kinds of blanks, the same every time.
    fn texts() -> Vec<String> {
        let words = ["trồng", "cây", "ven", "sông", "thôn"];
        let blanks = [" ", "  ", "\n"];
        let mut seed = 7_u32;
        let mut next = move |most: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            usize::try_from((seed >> 16) % most).unwrap_or(0)
        };
        let mut made = Vec::new();
        for _ in 0..500 {
            let mut text = String::new();
            for _ in 0..next(12) {
                text += words.iter().cycle().nth(next(5)).unwrap_or(&"");
                text += blanks.iter().cycle().nth(next(3)).unwrap_or(&"");
            }
            made.push(text);
        }
        made
    }

    fn joined(pieces: &[Piece], without: PieceOp) -> String {
        let said = pieces.iter().filter(|piece| piece.op != without);
        said.map(|piece| piece.text.as_str()).collect()
    }

    #[test]
    fn pieces_hold_both_texts_and_no_two_of_a_kind_touch() {
        let texts = texts();
        for (before, after) in texts.iter().zip(texts.iter().skip(1)) {
            let made = pieces(before, after);
            assert_eq!(&joined(&made, PieceOp::Insert), before);
            assert_eq!(&joined(&made, PieceOp::Delete), after);
            let ops: Vec<PieceOp> = made.iter().map(|piece| piece.op).collect();
            let mut once = ops.clone();
            once.dedup();
            assert_eq!(ops, once);
        }
    }

    #[test]
    fn one_other_word_is_one_piece() {
        let made = pieces("trồng cây tại ba thôn", "trồng cây tại bốn thôn");
        let shown: Vec<(&str, &str)> = made
            .iter()
            .map(|piece| (piece.op.as_str(), piece.text.as_str()))
            .collect();
        let wanted = [
            ("equal", "trồng cây tại "),
            ("delete", "ba"),
            ("insert", "bốn"),
            ("equal", " thôn"),
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn texts_that_are_too_long_to_compare_are_replaced_whole() {
        let long = |word: &str| vec![word; MAX_TOKENS].join(" ");
        let (before, after) = (long("một"), long("hai"));
        let made = pieces(&before, &after);
        assert_eq!(joined(&made, PieceOp::Insert), before);
        assert_eq!(joined(&made, PieceOp::Delete), after);
    }
}
