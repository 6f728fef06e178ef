//! Two kinds of pictures for reports, as SVG: lines over time, and bars on a logarithmic scale.
//!
//! Ours, because two pictures are two hundred lines and a library for plots is a dozen crates.
//! Every text is escaped; whatever is drawn is finite; nothing to draw is a picture that says so.

use std::fmt::Write as _;

/// Width and height of the picture, in pixels.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 420.0;
/// Room around what is drawn: for the axis, the legend, the title and the labels.
const LEFT: f64 = 80.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 60.0;
/// Room below bars, for their names, which are written aslant.
const BOTTOM_OF_BARS: f64 = 130.0;
/// Marks on an axis, about.
const MARKS: f64 = 5.0;
/// Colours that are told apart by everybody (Okabe and Ito, 2008), and dashes for paper.
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const DASHES: [&str; 6] = ["none", "8 4", "2 3", "8 3 2 3", "12 4", "4 4"];

/// A line and its name.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// As in the legend.
    pub(super) name: String,
    /// Its points, from left to right.
    pub(super) points: Vec<(f64, f64)>,
}

/// Bars that stand together, and their name.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// As below them.
    pub(super) name: String,
    /// One of each kind, in the order of the legend.
    pub(super) values: Vec<f64>,
}

/// Lines over a common axis; both begin at zero.
pub(super) fn lines(title: &str, across: &str, upwards: &str, lines: &[Line]) -> String {
    let mut svg = begin(title, across, upwards, HEIGHT);
    let points = || lines.iter().flat_map(|line| finite(&line.points));
    if points().next().is_none() {
        return nothing(svg);
    }
    let x_marks = marks(points().map(|(x, _)| x).fold(0.0, f64::max));
    let y_marks = marks(points().map(|(_, y)| y).fold(0.0, f64::max));
    let (x_max, y_max) = (last(&x_marks), last(&y_marks));
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let x_at = |x: f64| LEFT + (right - LEFT) * x / x_max;
    let y_at = |y: f64| bottom - (bottom - TOP) * y / y_max;
    for mark in &y_marks {
        grid(&mut svg, y_at(*mark), &number(*mark));
    }
    for mark in &x_marks {
        let (x, text) = (x_at(*mark), number(*mark));
        let y = bottom + 18.0;
        put(&mut svg, &format!("<text x='{x:.1}' y='{y:.1}' text-anchor='middle'>{text}</text>"));
    }
    for (at, line) in lines.iter().enumerate() {
        let drawn: Vec<String> = finite(&line.points)
            .map(|(x, y)| format!("{:.1},{:.1}", x_at(x), y_at(y.max(0.0))))
            .collect();
        let (colour, dash) = (one_of(&COLOURS, at), one_of(&DASHES, at));
        let points = drawn.join(" ");
        put(
            &mut svg,
            &format!(
                "<polyline fill='none' stroke='{colour}' stroke-width='2' \
                 stroke-dasharray='{dash}' points='{points}'/>"
            ),
        );
        legend(&mut svg, at, &line.name);
    }
    end(svg)
}

/// Groups of bars on a logarithmic scale. What is not above zero has no bar.
pub(super) fn bars(title: &str, upwards: &str, kinds: &[&str], groups: &[Group]) -> String {
    let height = HEIGHT + BOTTOM_OF_BARS - BOTTOM;
    let mut svg = begin(title, "", upwards, height);
    let values = || {
        groups.iter().flat_map(|group| &group.values).copied().filter(|value| has_logarithm(*value))
    };
    let decades = decades(values());
    let (Some(low), Some(high)) = (decades.first().copied(), decades.last().copied()) else {
        return nothing(svg);
    };
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let (low, high) = (low.log10(), high.log10());
    let y_at = |value: f64| bottom - (bottom - TOP) * (value.log10() - low) / (high - low);
    for mark in &decades {
        grid(&mut svg, y_at(*mark), &number(*mark));
    }
    let room = (right - LEFT) / count(groups.len().max(1));
    let width = room * 0.8 / count(kinds.len().max(1));
    for (nth, group) in groups.iter().enumerate() {
        let from = LEFT + room * (count(nth) + 0.1);
        for (at, value) in
            group.values.iter().enumerate().filter(|(_, value)| has_logarithm(**value))
        {
            let (x, y) = (from + width * count(at), y_at(*value));
            let (tall, colour) = ((bottom - y).max(0.5), one_of(&COLOURS, at));
            put(
                &mut svg,
                &format!(
                    "<rect x='{x:.1}' y='{y:.1}' width='{width:.1}' height='{tall:.1}' \
                     fill='{colour}'/>"
                ),
            );
        }
        let (x, y, name) = (from + room * 0.4, bottom + 14.0, escaped(&group.name));
        put(
            &mut svg,
            &format!(
                "<text x='{x:.1}' y='{y:.1}' text-anchor='end' \
                 transform='rotate(-40 {x:.1} {y:.1})'>{name}</text>"
            ),
        );
    }
    for (at, kind) in kinds.iter().enumerate() {
        legend(&mut svg, at, kind);
    }
    end(svg)
}

/// The picture without content: white, for readers in the dark, with its title and axes.
fn begin(title: &str, across: &str, upwards: &str, height: f64) -> String {
    let (title, across, upwards) = (escaped(title), escaped(across), escaped(upwards));
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let (middle, centre) = (f64::midpoint(LEFT, right), f64::midpoint(TOP, bottom));
    let below = bottom + 42.0;
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' role='img' viewBox='0 0 {WIDTH} {height}' \
         font-family='sans-serif' font-size='13'>\n\
         <title>{title}</title>\n\
         <rect width='{WIDTH}' height='{height}' fill='#ffffff'/>\n\
         <text x='{LEFT}' y='28' font-size='17'>{title}</text>\n\
         <text x='{middle:.1}' y='{below:.1}' text-anchor='middle'>{across}</text>\n\
         <text x='20' y='{centre:.1}' text-anchor='middle' \
         transform='rotate(-90 20 {centre:.1})'>{upwards}</text>\n\
         <path d='M{LEFT} {TOP} V{bottom} H{right}' fill='none' stroke='#333333'/>\n"
    )
}

fn end(mut svg: String) -> String {
    svg.push_str("</svg>\n");
    svg
}

fn nothing(mut svg: String) -> String {
    let (x, y) = (f64::midpoint(LEFT, WIDTH - RIGHT), f64::midpoint(TOP, HEIGHT - BOTTOM));
    put(&mut svg, &format!("<text x='{x:.1}' y='{y:.1}' text-anchor='middle'>no data</text>"));
    end(svg)
}

/// A line across, with what it stands for.
fn grid(svg: &mut String, y: f64, text: &str) {
    let (right, before, baseline) = (WIDTH - RIGHT, LEFT - 8.0, y + 4.0);
    put(
        svg,
        &format!(
            "<path d='M{LEFT} {y:.1} H{right}' stroke='#dddddd'/>\n\
         <text x='{before}' y='{baseline:.1}' text-anchor='end'>{text}</text>"
        ),
    );
}

fn legend(svg: &mut String, at: usize, name: &str) {
    let (x, y) = (WIDTH - RIGHT + 16.0, TOP + 20.0 * count(at));
    let (colour, after, baseline, name) = (one_of(&COLOURS, at), x + 18.0, y + 4.0, escaped(name));
    let above = y - 6.0;
    put(
        svg,
        &format!(
            "<rect x='{x}' y='{above}' width='12' height='12' fill='{colour}'/>\n\
             <text x='{after}' y='{baseline}'>{name}</text>"
        ),
    );
}

fn put(svg: &mut String, line: &str) {
    // Writing into a String never fails.
    let _ = writeln!(svg, "{line}");
}

fn finite(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite())
}

fn has_logarithm(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

/// Round numbers from zero to the first that is not below the largest: steps of 1, 2 or 5.
fn marks(most: f64) -> Vec<f64> {
    if !has_logarithm(most) {
        return vec![0.0, 1.0];
    }
    let rough = most / MARKS;
    let decade = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let step = steps.into_iter().map(|factor| factor * decade).find(|step| *step >= rough);
    let step = step.unwrap_or(decade * 10.0);
    let mut marks = vec![0.0];
    // The factor that finds the step bounds their number.
    while last(&marks) < most && marks.len() < 16 {
        marks.push(step * count(marks.len()));
    }
    marks
}

/// The powers of ten around all values; none of none.
fn decades(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values {
        (least, most) = (least.min(value), most.max(value));
    }
    if least > most {
        return Vec::new();
    }
    let (low, high) = (least.log10().floor(), most.log10().ceil());
    let high = if high > low { high } else { low + 1.0 };
    let mut decades = Vec::new();
    let mut exponent = low;
    while exponent <= high {
        decades.push(10_f64.powf(exponent));
        exponent += 1.0;
    }
    decades
}

fn last(marks: &[f64]) -> f64 {
    marks.last().copied().unwrap_or(1.0)
}

/// As short as it can be said.
fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "a picture has a handful of things in it")]
fn count(of: usize) -> f64 {
    of as f64
}

fn one_of<'a>(all: &[&'a str], at: usize) -> &'a str {
    all.iter().cycle().nth(at).copied().unwrap_or_default()
}

/// A text as XML takes it: no markup, no character that XML 1.0 has no place for.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\r' | '\t' => out.push(' '),
            other if other.is_control() || "\u{fffe}\u{ffff}".contains(other) => {
                out.push('\u{fffd}');
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, points: &[(f64, f64)]) -> Line {
        Line { name: name.to_owned(), points: points.to_vec() }
    }

    fn group(name: &str, values: &[f64]) -> Group {
        Group { name: name.to_owned(), values: values.to_vec() }
    }

    fn said(marks: &[f64]) -> String {
        marks.iter().map(|mark| number(*mark)).collect::<Vec<_>>().join(" ")
    }

    /// Every number that stands where a coordinate stands.
    fn coordinates(svg: &str) -> Vec<f64> {
        let is_number = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
        let texts = svg.split(['\'', ' ', ',']).filter(|text| text.chars().all(is_number));
        texts.filter_map(|text| text.parse().ok()).collect()
    }

    #[test]
    fn texts_are_escaped_wherever_they_stand() {
        let nasty = "<script>alert('&\"')</script>\u{0}\n";
        let wanted = "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;\u{fffd} ";
        assert_eq!(escaped(nasty), wanted);
        let drawn = [
            lines(nasty, nasty, nasty, &[line(nasty, &[(0.0, 1.0), (1.0, 2.0)])]),
            bars(nasty, nasty, &[nasty], &[group(nasty, &[1.0])]),
            lines(nasty, nasty, nasty, &[]),
        ];
        for svg in drawn {
            assert!(!svg.contains("<script") && !svg.contains('\u{0}'), "{svg}");
            assert!(svg.contains(wanted), "{svg}");
        }
    }

    #[test]
    fn an_axis_has_round_marks_and_room_for_the_largest() {
        assert_eq!(said(&marks(9.3)), "0 2 4 6 8 10");
        assert_eq!(said(&marks(20.0)), "0 5 10 15 20");
        assert_eq!(said(&marks(64.0)), "0 20 40 60 80");
        assert_eq!(said(&marks(0.027)), "0 0.01 0.02 0.03");
        assert_eq!(said(&marks(4321.0)), "0 1000 2000 3000 4000 5000");
        for nothing in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(said(&marks(nothing)), "0 1");
        }
    }

    #[test]
    fn a_logarithmic_axis_has_the_powers_of_ten_around_all() {
        assert_eq!(said(&decades([0.4, 70.0].into_iter())), "0.1 1 10 100");
        assert_eq!(said(&decades([5.0].into_iter())), "1 10");
        assert_eq!(said(&decades([10.0].into_iter())), "10 100");
        assert!(decades(std::iter::empty()).is_empty());
    }

    #[test]
    fn nothing_to_draw_says_so() {
        let empty = [
            lines("t", "x", "y", &[]),
            lines("t", "x", "y", &[line("a", &[])]),
            lines("t", "x", "y", &[line("a", &[(f64::NAN, 1.0), (1.0, f64::INFINITY)])]),
            bars("t", "y", &["p50"], &[]),
            bars("t", "y", &["p50"], &[group("a", &[0.0, -1.0, f64::NAN])]),
        ];
        for svg in empty {
            assert!(svg.contains(">no data<"), "{svg}");
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn what_is_drawn_lies_within_the_picture() {
        let points: Vec<(f64, f64)> =
            (0..60).map(|second| (f64::from(second), f64::from(second * second))).collect();
        let drawn = [
            lines("t", "s", "requests", &[line("c = 1", &points), line("c = 64", &[(0.0, -5.0)])]),
            bars("t", "ms", &["p50", "p99"], &[group("a", &[0.2, 900.0]), group("b", &[3.0])]),
        ];
        for svg in drawn {
            let all = coordinates(&svg);
            assert!(all.len() > 20, "{svg}");
            assert!(all.iter().all(|at| (-90.0..=WIDTH).contains(at)), "{svg}");
        }
    }

    #[test]
    fn a_single_point_and_equal_values_are_drawn() {
        let svg = lines("t", "x", "y", &[line("a", &[(0.0, 0.0)])]);
        assert!(svg.contains("points='80.0,360.0'"), "{svg}");
        let svg = bars("t", "y", &["p50"], &[group("a", &[7.0]), group("b", &[7.0])]);
        assert_eq!(svg.matches("<rect x=").count(), 3, "{svg}");
    }

    #[test]
    fn more_lines_than_colours_begin_again() {
        assert_eq!(one_of(&COLOURS, 6), COLOURS[0]);
        assert_eq!(one_of(&[], 3), "");
    }
}
