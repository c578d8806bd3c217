//! The one renderer: public bodies as HTML and as plain text. No HTML is ever stored, so there is
//! nothing to sanitise, only text to escape.

use std::fmt::Write as _;

use super::body::{
    Decorator, ListItem, LiveAttachment, LiveBlock, LiveEmbed, MarkDef, Span, Style, Table,
    TextBlock,
};
use super::caption::{Credit, LiveFigure, LiveFigureMedium};
use super::media::{Kind, LiveMedium, LiveRendition};

/// Text for HTML and for double-quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The body as an HTML fragment.
pub fn html(blocks: &[LiveBlock]) -> String {
    let mut out = Html::default();
    for block in blocks {
        match block {
            LiveBlock::Text(text) => out.text(text),
            other => {
                out.lists_down_to(0);
                match other {
                    LiveBlock::Figure(value) => out.figure(value),
                    LiveBlock::Table(value) => out.table(value),
                    LiveBlock::Embed(value) => out.embed(value),
                    LiveBlock::Attachment(value) => {
                        let url = escape(value.media.url());
                        let title = escape(value.title.as_str());
                        out.push(&format!("<p><a href=\"{url}\" download>{title}</a></p>\n"));
                    }
                    LiveBlock::Rule(_) => out.push("<hr>\n"),
                    LiveBlock::Text(_) => {}
                }
            }
        }
    }
    out.lists_down_to(0);
    out.html
}

#[derive(Default)]
struct Html {
    html: String,
    /// Open lists, outermost first; each has an open item.
    lists: Vec<ListItem>,
}

impl Html {
    fn push(&mut self, html: &str) {
        self.html.push_str(html);
    }

    /// Closes lists until `depth` are open.
    fn lists_down_to(&mut self, depth: usize) {
        while self.lists.len() > depth {
            if let Some(list) = self.lists.pop() {
                self.push("</li>\n");
                self.push(close(list));
            }
        }
    }

    fn text(&mut self, block: &TextBlock) {
        let inner = spans(&block.children, &block.mark_defs);
        let Some(kind) = block.list_item else {
            self.lists_down_to(0);
            let tag = match block.style {
                Style::Normal => "p",
                Style::H2 => "h2",
                Style::H3 => "h3",
                Style::H4 => "h4",
                Style::Blockquote => "blockquote",
            };
            let inner = match block.style {
                Style::Blockquote => format!("<p>{inner}</p>"),
                _ => inner,
            };
            self.push(&format!("<{tag}>{inner}</{tag}>\n"));
            return;
        };
        let level = usize::from(block.level.unwrap_or(1).max(1));
        self.lists_down_to(level);
        if self.lists.len() == level && self.lists.last() != Some(&kind) {
            self.lists_down_to(level - 1);
        }
        if self.lists.len() == level {
            self.push("</li>\n<li>");
        }
        while self.lists.len() < level {
            self.lists.push(kind);
            self.push(open(kind));
            self.push("<li>");
        }
        self.push(&inner);
    }

    fn figure(&mut self, figure: &LiveFigure) {
        self.push("<figure>\n");
        for medium in figure.shown() {
            let (usual, offered) = LiveRendition::for_pages(&medium.renditions);
            let url = usual.map_or(&medium.url, |file| &file.url);
            let _ = write!(self.html, "<img src=\"{}\"", escape(url));
            if offered.len() > 1 {
                let set: Vec<String> = offered
                    .iter()
                    .map(|(file, width)| format!("{} {width}w", escape(&file.url)))
                    .collect();
                let set = set.join(", ");
                let _ = write!(self.html, " srcset=\"{set}\" sizes=\"100vw\"");
            }
            // No alternative is not an empty one: that says "nothing to see here".
            match (&medium.alt, medium.decorative) {
                (_, true) => self.push(" alt=\"\""),
                (Some(alt), _) => {
                    let _ = write!(self.html, " alt=\"{}\"", escape(alt.as_str()));
                }
                (None, _) => {}
            }
            let size = usual.and_then(|file| file.width.zip(file.height));
            if let Some((width, height)) = size.or(medium.width.zip(medium.height)) {
                let _ = write!(self.html, " width=\"{width}\" height=\"{height}\"");
            }
            self.push(">\n");
            if let Some(credit) = own_credit(figure, medium) {
                self.push(&format!("<small>{}</small>\n", escape(credit)));
            }
        }
        let caption = figure
            .caption
            .as_ref()
            .map(|caption| lines(caption.as_str()));
        let credit =
            common_credit(figure).map(|credit| format!("<small>{}</small>", escape(credit)));
        let parts: Vec<String> = caption.into_iter().chain(credit).collect();
        if !parts.is_empty() {
            self.push(&format!("<figcaption>{}</figcaption>\n", parts.join(" ")));
        }
        self.push("</figure>\n");
    }

    fn table(&mut self, table: &Table) {
        self.push("<table>\n");
        if let Some(caption) = &table.caption {
            self.push(&format!(
                "<caption>{}</caption>\n",
                escape(caption.as_str())
            ));
        }
        let (head, body) = table
            .rows
            .split_at_checked(usize::from(table.header_rows))
            .unwrap_or((&[], &table.rows));
        for (rows, part, cell_tag) in [(head, "thead", "th"), (body, "tbody", "td")] {
            if rows.is_empty() {
                continue;
            }
            self.push(&format!("<{part}>\n"));
            for row in rows {
                self.push("<tr>");
                for cell in &row.cells {
                    let inner = spans(&cell.children, &cell.mark_defs);
                    self.push(&format!("<{cell_tag}>{inner}</{cell_tag}>"));
                }
                self.push("</tr>\n");
            }
            self.push(&format!("</{part}>\n"));
        }
        self.push("</table>\n");
    }

    fn embed(&mut self, embed: &LiveEmbed) {
        if let Some(medium) = &embed.media
            && matches!(medium.kind, Kind::Video | Kind::Audio)
            && medium.withdrawn.is_none()
        {
            return self.player(medium, embed);
        }
        let url = match (&embed.url, &embed.media) {
            (Some(url), _) => url.as_str(),
            (None, Some(medium)) => medium.url(),
            (None, None) => return,
        };
        let title = embed.title.as_ref().map_or(url, |title| title.as_str());
        let (url, title) = (escape(url), escape(title));
        self.push(&format!("<p><a href=\"{url}\">{title}</a></p>\n"));
    }

    /// A film or a sound, played by the browser where it stands; a link for what plays nothing.
    fn player(&mut self, medium: &LiveMedium, embed: &LiveEmbed) {
        let url = escape(medium.url());
        let title = embed.title.as_ref().map(|title| escape(title.as_str()));
        let named = title
            .as_ref()
            .map(|title| format!(" title=\"{title}\""))
            .unwrap_or_default();
        let (tag, preload) = match medium.kind {
            Kind::Video => ("video", "metadata"),
            _ => ("audio", "none"),
        };
        let _ = write!(
            self.html,
            "<{tag} controls preload=\"{preload}\" src=\"{url}\"{named}"
        );
        if let Some((width, height)) = medium.width.zip(medium.height) {
            let _ = write!(self.html, " width=\"{width}\" height=\"{height}\"");
        }
        let title = title.as_ref().unwrap_or(&url);
        self.push(">");
        for track in &medium.tracks {
            let (kind, src) = (track.kind.as_str(), escape(&track.url));
            let language = track.language.as_str();
            let _ = write!(
                self.html,
                "<track kind=\"{kind}\" srclang=\"{language}\" src=\"{src}\""
            );
            if let Some(label) = &track.label {
                let _ = write!(self.html, " label=\"{}\"", escape(label.as_str()));
            }
            self.push(">");
        }
        self.push(&format!("<a href=\"{url}\">{title}</a></{tag}>\n"));
    }
}

/// Who made all the pictures: as the figure says, or else as every one of them does.
fn common_credit(figure: &LiveFigure) -> Option<&str> {
    let mut media = figure.shown().map(|medium| &medium.credit);
    let first = media.next().and_then(Option::as_ref);
    let shared = first.filter(|credit| media.all(|other| other.as_ref() == Some(*credit)));
    figure.credit.as_ref().or(shared).map(Credit::as_str)
}

/// Who made this one of several pictures by different people.
fn own_credit<'a>(figure: &LiveFigure, medium: &'a LiveFigureMedium) -> Option<&'a str> {
    match common_credit(figure) {
        Some(_) => None,
        None => medium.credit.as_ref().map(Credit::as_str),
    }
}

fn open(list: ListItem) -> &'static str {
    match list {
        ListItem::Bullet => "<ul>\n",
        ListItem::Number => "<ol>\n",
    }
}

fn close(list: ListItem) -> &'static str {
    match list {
        ListItem::Bullet => "</ul>\n",
        ListItem::Number => "</ol>\n",
    }
}

/// Text for HTML, its line breaks kept.
pub fn lines(text: &str) -> String {
    escape(text).replace('\n', "<br>\n")
}

/// Spans of one link after another are one link, however each is decorated.
fn spans(spans: &[Span], defs: &[MarkDef]) -> String {
    let link = |span: &Span| -> Option<&MarkDef> {
        let mut marks = span.marks.iter();
        marks.find_map(|mark| defs.iter().find(|def| def.key == *mark))
    };
    let mut out = String::new();
    for run in spans.chunk_by(|a, b| link(a) == link(b)) {
        let inner: String = run.iter().map(decorated).collect();
        match run.first().and_then(link) {
            Some(def) => {
                let _ = write!(out, "<a href=\"{}\">{inner}</a>", escape(def.href.as_str()));
            }
            None => out.push_str(&inner),
        }
    }
    out
}

fn decorated(span: &Span) -> String {
    let mut inner = lines(span.text.as_str());
    for mark in span.marks.iter().rev() {
        let tag = match Decorator::parse(mark.as_str()) {
            Some(Decorator::Strong) => "strong",
            Some(Decorator::Em) => "em",
            Some(Decorator::Underline) => "u",
            Some(Decorator::StrikeThrough) => "s",
            Some(Decorator::Sub) => "sub",
            Some(Decorator::Sup) => "sup",
            None => continue,
        };
        inner = format!("<{tag}>{inner}</{tag}>");
    }
    inner
}

/// The body as plain text: a paragraph a block, blank lines between.
pub fn text(blocks: &[LiveBlock]) -> String {
    let plain =
        |spans: &[Span]| -> String { spans.iter().map(|span| span.text.as_str()).collect() };
    let mut parts: Vec<String> = Vec::new();
    // How far the numbered list of each level has come.
    let mut numbers: Vec<u32> = Vec::new();
    for block in blocks {
        let number = next_number(&mut numbers, block);
        match block {
            LiveBlock::Text(block) => {
                let inner = plain(&block.children);
                let indent = "  ".repeat(usize::from(block.level.unwrap_or(1).saturating_sub(1)));
                parts.push(match block.list_item {
                    Some(ListItem::Bullet) => format!("{indent}- {inner}"),
                    Some(ListItem::Number) => format!("{indent}{number}. {inner}"),
                    None => inner,
                });
            }
            LiveBlock::Figure(figure) => {
                let caption = figure
                    .caption
                    .as_ref()
                    .map(|caption| caption.as_str().to_owned());
                let own = figure
                    .shown()
                    .filter_map(|medium| own_credit(figure, medium));
                let credits = common_credit(figure)
                    .into_iter()
                    .chain(own)
                    .map(|credit| format!("({credit})"));
                let line: Vec<String> = caption.into_iter().chain(credits).collect();
                if !line.is_empty() {
                    parts.push(line.join(" "));
                }
            }
            LiveBlock::Table(table) => {
                parts.extend(
                    table
                        .caption
                        .as_ref()
                        .map(|caption| caption.as_str().to_owned()),
                );
                for row in &table.rows {
                    let cells: Vec<String> =
                        row.cells.iter().map(|cell| plain(&cell.children)).collect();
                    parts.push(cells.join(" | "));
                }
            }
            LiveBlock::Embed(embed) => {
                let url = embed.url.as_ref().map(|url| url.as_str());
                let url = url.or(embed.media.as_ref().map(LiveMedium::url));
                let title = embed.title.as_ref().map(|title| title.as_str());
                let line: Vec<&str> = title.into_iter().chain(url).collect();
                parts.push(line.join(": "));
            }
            LiveBlock::Attachment(LiveAttachment { media, title, .. }) => {
                parts.push(format!("{}: {}", title.as_str(), media.url()));
            }
            LiveBlock::Rule(_) => parts.push("***".to_owned()),
        }
    }
    parts.join("\n\n")
}

/// The number of a list item at its level; deeper lists begin anew after it, and all after a block
/// that is no item.
fn next_number(numbers: &mut Vec<u32>, block: &LiveBlock) -> u32 {
    let LiveBlock::Text(TextBlock {
        list_item: Some(kind),
        level,
        ..
    }) = block
    else {
        numbers.clear();
        return 0;
    };
    let level = usize::from(level.unwrap_or(1).max(1));
    numbers.resize(level, 0);
    match (numbers.last_mut(), kind) {
        (Some(number), ListItem::Number) => {
            *number += 1;
            *number
        }
        (Some(number), ListItem::Bullet) => {
            *number = 0;
            0
        }
        (None, _) => 0,
    }
}
