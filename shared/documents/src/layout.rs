//! Where everything stands: papers as pages of texts and rectangles.
//!
//! Lengths are thousandths of a point, counted from the upper left corner. The recipient stands
//! where the window of an envelope is (DIN 5008, form B). A row of a table is never torn apart,
//! unless it is longer than a page; the head of a table stands on each of its pages.

use domain::paper::{Align, Column, Fact, Paper, Row, Sheet, Sum, Table};

use crate::code128;
use crate::fonts::{Fonts, Length, Weight};

/// A page, ready to be inked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) width: Length,
    pub(crate) height: Length,
    pub(crate) items: Vec<Item>,
}

/// Something on a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A line of text, from its left end on its base line.
    Text { x: Length, y: Length, size: Length, weight: Weight, ink: Ink, text: String },
    /// A filled rectangle, from its upper left corner.
    Fill { x: Length, y: Length, width: Length, height: Length, ink: Ink },
}

/// How dark something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Black,
    Grey,
    Pale,
}

const fn mm(millimetres: Length) -> Length {
    // 72 points are an inch of 25.4 mm.
    millimetres * 720_000 / 254
}

const fn pt(points: Length) -> Length {
    points * 1_000
}

const MARGIN: Length = mm(20);
const TOP: Length = mm(16);
const FOOT: Length = mm(10);
/// Where the recipient begins.
const WINDOW: Length = mm(50);
const TEXT: Style = Style { size: 9_500, weight: Weight::Regular, ink: Ink::Black };
const BOLD: Style = Style { size: 9_500, weight: Weight::Bold, ink: Ink::Black };
const SMALL: Style = Style { size: 8_000, weight: Weight::Regular, ink: Ink::Grey };
const HEAD: Style = Style { size: 8_000, weight: Weight::Bold, ink: Ink::Grey };
const ADDRESS: Style = Style { size: 10_500, weight: Weight::Regular, ink: Ink::Black };
const NAME: Style = Style { size: 13_000, weight: Weight::Bold, ink: Ink::Black };
const TITLE: Style = Style { size: 19_000, weight: Weight::Bold, ink: Ink::Black };
const TOTAL: Style = Style { size: 11_500, weight: Weight::Bold, ink: Ink::Black };
/// No text is smaller than this, however much there is of it.
const SIZE_MIN: Length = 5_000;
/// From one line of a table to the next.
const LINE: Length = pt(12);
const SMALL_LINE: Length = pt(10);
/// Between the rows of a table.
const ROW_GAP: Length = pt(6);
/// Between two columns.
const GUTTER: Length = mm(3);
const RULE: Length = 500;
const BARCODE_HEIGHT: Length = mm(11);
/// The widest that a module of a barcode gets; scanners want at least 0.19 mm.
const MODULE_MAX: Length = 900;

#[derive(Debug, Clone, Copy)]
struct Style {
    size: Length,
    weight: Weight,
    ink: Ink,
}

/// The pages of a paper.
pub(crate) fn pages(paper: &Paper, fonts: &Fonts) -> Vec<Page> {
    let mut press = Press::new(paper, fonts);
    press.head();
    press.table(&paper.table, TEXT);
    press.sums();
    if let Some(taxes) = &paper.taxes {
        press.y += mm(8);
        press.table(taxes, Style { ink: Ink::Black, ..SMALL });
    }
    press.notes();
    press.feet();
    press.pages
}

struct Press<'a> {
    paper: &'a Paper,
    fonts: &'a Fonts,
    pages: Vec<Page>,
    size: (Length, Length),
    /// Where the next thing begins.
    y: Length,
    /// Where the page's foot begins.
    bottom: Length,
    /// The lines of the foot.
    footer: Vec<String>,
}

/// A cell's lines.
type Lines = Vec<(String, Style)>;

impl<'a> Press<'a> {
    fn new(paper: &'a Paper, fonts: &'a Fonts) -> Self {
        let size = match paper.sheet {
            Sheet::A4 => (mm(210), mm(297)),
            Sheet::Letter => (pt(612), pt(792)),
        };
        let mut press =
            Self { paper, fonts, pages: Vec::new(), size, y: TOP, bottom: 0, footer: Vec::new() };
        let room = press.width() - mm(35);
        let lines = paper.footer.iter().flat_map(|line| press.wrapped(line, SMALL, room));
        press.footer = lines.collect();
        let lines = Length::try_from(press.footer.len().max(1)).unwrap_or(1);
        press.bottom = size.1 - FOOT - lines * SMALL_LINE - mm(5);
        press.turn();
        press
    }

    fn width(&self) -> Length {
        self.size.0 - 2 * MARGIN
    }

    fn right(&self) -> Length {
        self.size.0 - MARGIN
    }

    /// A new page; all but the first say what they are pages of.
    fn turn(&mut self) {
        let is_first = self.pages.is_empty();
        let (width, height) = self.size;
        self.pages.push(Page { width, height, items: Vec::new() });
        self.y = TOP;
        if !is_first {
            let name = format!("{} {}", self.paper.title, self.paper.name);
            self.y += SMALL.size;
            self.text(MARGIN, self.y, SMALL, &name);
            self.y += mm(8);
        }
    }

    /// A new page, where so much does not fit on this one.
    fn make_room(&mut self, height: Length) {
        if self.y + height > self.bottom {
            self.turn();
        }
    }

    fn put(&mut self, item: Item) {
        if let Some(page) = self.pages.last_mut() {
            page.items.push(item);
        }
    }

    fn text(&mut self, x: Length, y: Length, style: Style, text: &str) {
        let Style { size, weight, ink } = style;
        let text = self.fonts.printable(text, weight);
        if !text.is_empty() {
            self.put(Item::Text { x, y, size, weight, ink, text });
        }
    }

    /// A text that ends there, as small as it has to be to fit.
    fn text_until(&mut self, x: Length, y: Length, style: Style, text: &str, room: Length) {
        let style = self.fitted(style, text, room);
        let width = self.measure(text, style);
        self.text(x - width, y, style, text);
    }

    fn measure(&self, text: &str, style: Style) -> Length {
        let text = self.fonts.printable(text, style.weight);
        self.fonts.width(&text, style.weight, style.size)
    }

    fn fitted(&self, style: Style, text: &str, room: Length) -> Style {
        let width = i64::from(self.measure(text, style).max(1));
        if width <= i64::from(room) {
            return style;
        }
        let size = i64::from(style.size) * i64::from(room) / width;
        Style { size: Length::try_from(size).unwrap_or(SIZE_MIN).max(SIZE_MIN), ..style }
    }

    fn rule(&mut self, y: Length, ink: Ink) {
        let (x, width) = (MARGIN, self.width());
        self.put(Item::Fill { x, y, width, height: RULE, ink });
    }

    /// A text in lines that are not wider; a word that is, is broken where it must be.
    fn wrapped(&self, text: &str, style: Style, room: Length) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let line = lines.last().cloned().unwrap_or_default();
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.measure(&longer, style) <= room {
                lines.pop();
                lines.push(longer);
            } else {
                if line.is_empty() {
                    lines.pop();
                }
                lines.extend(self.broken(word, style, room));
            }
        }
        lines
    }

    fn broken(&self, word: &str, style: Style, room: Length) -> Vec<String> {
        let mut parts = vec![String::new()];
        for c in word.chars() {
            let part = parts.last().cloned().unwrap_or_default();
            let longer = format!("{part}{c}");
            if part.is_empty() || self.measure(&longer, style) <= room {
                parts.pop();
                parts.push(longer);
            } else {
                parts.push(c.to_string());
            }
        }
        parts
    }

    /// Who writes to whom, what it is, numbers and dates.
    fn head(&mut self) {
        let paper = self.paper;
        let half = self.width() / 2 - GUTTER;
        let mut y = TOP;
        for (at, line) in paper.sender.iter().enumerate() {
            let (style, step) = if at == 0 { (NAME, pt(16)) } else { (SMALL, SMALL_LINE) };
            for line in self.wrapped(line, style, half) {
                y += step;
                self.text(MARGIN, y, style, &line);
            }
        }
        let left = y;
        y = TOP + pt(18);
        self.text_until(self.right(), y, TITLE, &paper.title, half);
        if let Some(text) = &paper.barcode {
            y = self.barcode(text, y + mm(4), half);
        }
        let top = WINDOW.max(left.max(y) + mm(6));
        y = top;
        for line in &paper.recipient {
            for line in self.wrapped(line, ADDRESS, half) {
                y += pt(14);
                self.text(MARGIN, y, ADDRESS, &line);
            }
        }
        let facts = self.facts(top);
        self.y = y.max(facts) + mm(12);
    }

    /// Words at the left of the right half, what they are at its right.
    fn facts(&mut self, top: Length) -> Length {
        let paper = self.paper;
        let (mut y, left) = (top, MARGIN + self.width() / 2 + mm(8));
        for Fact { label, value } in &paper.facts {
            let room = self.right() - left - self.measure(label, SMALL) - GUTTER;
            self.text(left, y + pt(14), SMALL, label);
            for line in self.wrapped(value, TEXT, room.max(mm(20))) {
                y += pt(14);
                self.text_until(self.right(), y, TEXT, &line, room.max(mm(20)));
            }
        }
        y
    }

    /// Bars that end at the right margin, with their text below; the base line of that.
    fn barcode(&mut self, text: &str, y: Length, room: Length) -> Length {
        let Some((bars, modules)) = code128::bars(text) else { return y };
        let module = (room / modules.max(1)).min(MODULE_MAX);
        let left = self.right() - modules * module;
        for (at, width) in bars {
            let (x, width) = (left + at * module, width * module);
            self.put(Item::Fill { x, y, width, height: BARCODE_HEIGHT, ink: Ink::Black });
        }
        let y = y + BARCODE_HEIGHT + pt(9);
        self.text_until(self.right(), y, SMALL, text, room);
        y
    }

    /// Where each column begins, and how wide it is. Figures keep away from words that follow them.
    fn columns(&self, columns: &[Column]) -> Vec<(Length, Length, Align)> {
        let mut x = MARGIN;
        let mut placed = Vec::with_capacity(columns.len());
        let follows = columns.iter().skip(1).map(|column| Some(column.align)).chain([None]);
        for (column, next) in columns.iter().zip(follows) {
            let width = i64::from(self.width()) * i64::from(column.share) / 1_000;
            let width = Length::try_from(width).unwrap_or(0);
            let is_close = column.align == Align::Right && next == Some(Align::Left);
            placed.push((x, if is_close { width - GUTTER } else { width }, column.align));
            x += width;
        }
        placed
    }

    fn table(&mut self, table: &Table, style: Style) {
        let placed = self.columns(&table.columns);
        let step = if style.size < TEXT.size { pt(11) } else { LINE };
        // A head alone at the foot of a page is a head without a table.
        self.make_room(pt(20) + 3 * step);
        self.table_head(&table.columns, &placed);
        for row in &table.rows {
            let cells = self.cells(row, &placed, style);
            let lines = cells.iter().map(Vec::len).max().unwrap_or(0);
            let height = Length::try_from(lines).unwrap_or(0) * step + ROW_GAP;
            let is_longer_than_a_page = height > self.bottom - TOP - mm(20);
            if !is_longer_than_a_page && self.y + height > self.bottom {
                self.turn();
                self.table_head(&table.columns, &placed);
            }
            let first_page = self.pages.len();
            for at in 0..lines {
                if self.y + step > self.bottom {
                    self.turn();
                    self.table_head(&table.columns, &placed);
                }
                self.y += step;
                let is_begin = at == 0 && self.pages.len() == first_page;
                self.row_line(&cells, &placed, at, is_begin && !row.is_heading);
            }
            self.y += ROW_GAP;
            self.rule(self.y - ROW_GAP / 2 + RULE, Ink::Pale);
        }
    }

    fn table_head(&mut self, columns: &[Column], placed: &[(Length, Length, Align)]) {
        self.y += SMALL_LINE;
        for (column, (x, width, align)) in columns.iter().zip(placed) {
            match align {
                Align::Left | Align::Box => {
                    let style = self.fitted(HEAD, &column.title, width - GUTTER);
                    self.text(*x, self.y, style, &column.title);
                }
                Align::Right => {
                    self.text_until(x + width, self.y, HEAD, &column.title, width - GUTTER);
                }
            }
        }
        self.y += pt(4);
        self.rule(self.y, Ink::Grey);
        self.y += pt(3);
    }

    /// The lines of each cell of a row; the details stand under its first cell at the left.
    fn cells(&self, row: &Row, placed: &[(Length, Length, Align)], style: Style) -> Vec<Lines> {
        if row.is_heading {
            let text = row.cells.first().map(String::as_str).unwrap_or_default();
            let lines = self.wrapped(text, BOLD, self.width());
            return vec![lines.into_iter().map(|line| (line, BOLD)).collect()];
        }
        let main = placed.iter().position(|(.., align)| *align == Align::Left);
        let cells = row.cells.iter().zip(placed).enumerate();
        cells
            .map(|(at, (text, (_, width, align)))| match align {
                Align::Left => {
                    let style = if style.size == TEXT.size && Some(at) != main {
                        Style { size: 8_500, ..style }
                    } else {
                        style
                    };
                    let lines = self.wrapped(text, style, width - GUTTER);
                    let mut lines: Lines = lines.into_iter().map(|line| (line, style)).collect();
                    if Some(at) == main {
                        let details = row.details.iter();
                        let details = details.flat_map(|line| self.wrapped(line, SMALL, *width));
                        lines.extend(details.map(|line| (line, SMALL)));
                    }
                    lines
                }
                Align::Right => vec![(text.clone(), style)],
                Align::Box => vec![(String::new(), style)],
            })
            .collect()
    }

    /// One line of a row, from all of its cells.
    fn row_line(
        &mut self,
        cells: &[Lines],
        placed: &[(Length, Length, Align)],
        at: usize,
        has_box: bool,
    ) {
        for (lines, (x, width, align)) in cells.iter().zip(placed) {
            let Some((text, style)) = lines.get(at) else { continue };
            match align {
                _ if cells.len() == 1 => self.text(MARGIN, self.y, *style, text),
                Align::Left => self.text(*x, self.y, *style, text),
                Align::Right => {
                    self.text_until(x + width, self.y, *style, text, width - GUTTER);
                }
                Align::Box if has_box => self.tick_box(*x, self.y),
                Align::Box => {}
            }
        }
    }

    /// A box to tick that stands on a base line.
    fn tick_box(&mut self, x: Length, y: Length) {
        let (size, ink) = (pt(9), Ink::Black);
        let y = y - pt(8);
        for (x, y, width, height) in [
            (x, y, size, RULE),
            (x, y + size - RULE, size, RULE),
            (x, y, RULE, size),
            (x + size - RULE, y, RULE, size),
        ] {
            self.put(Item::Fill { x, y, width, height, ink });
        }
    }

    /// The sums, together on one page.
    fn sums(&mut self) {
        let paper = self.paper;
        if paper.sums.is_empty() {
            return;
        }
        let (left, room) = (MARGIN + self.width() * 2 / 5, mm(42));
        let label_room = self.right() - left - room - GUTTER;
        let wrap = |press: &Self, sum: &Sum| press.wrapped(&sum.label, TEXT, label_room);
        let lines: usize = paper.sums.iter().map(|sum| wrap(self, sum).len()).sum();
        self.make_room(Length::try_from(lines).unwrap_or(0) * pt(14) + pt(20));
        self.y += pt(4);
        for sum in &paper.sums {
            if sum.is_total {
                let (x, width) = (left, self.right() - left);
                self.y += pt(5);
                self.put(Item::Fill { x, y: self.y, width, height: RULE, ink: Ink::Grey });
                self.y += pt(3);
            }
            let style = if sum.is_total { TOTAL } else { TEXT };
            for (at, line) in wrap(self, sum).iter().enumerate() {
                self.y += pt(14);
                self.text(left, self.y, style, line);
                if at == 0 {
                    self.text_until(self.right(), self.y, style, &sum.value, room);
                }
            }
            if sum.is_total {
                self.y += pt(4);
            }
        }
    }

    fn notes(&mut self) {
        let paper = self.paper;
        self.y += mm(7);
        let style = Style { ink: Ink::Black, size: 8_500, ..SMALL };
        for note in &paper.notes {
            for line in self.wrapped(note, style, self.width()) {
                self.make_room(pt(12));
                self.y += pt(12);
                self.text(MARGIN, self.y, style, &line);
            }
            self.y += pt(3);
        }
    }

    /// The foot of each page, now that it is known how many there are.
    fn feet(&mut self) {
        let count = self.pages.len();
        let all = std::mem::take(&mut self.pages);
        for (at, page) in all.into_iter().enumerate() {
            self.pages.push(page);
            self.rule(self.bottom + mm(2), Ink::Pale);
            let mut y = self.bottom + mm(3);
            let number = self.paper.page.replace("{page}", &(at + 1).to_string());
            let number = number.replace("{pages}", &count.to_string());
            self.text_until(self.right(), y + SMALL_LINE, SMALL, &number, mm(32));
            for line in self.footer.clone() {
                y += SMALL_LINE;
                self.text(MARGIN, y, SMALL, &line);
            }
        }
    }
}
