//! Bars with ticks from the least to the greatest round, as SVG: a panel for each plotted metric of a sheet. Written by
//! hand, since bars are all there is.

use std::fmt::Write as _;

use super::sheet::Panel;

/// Pixels: the whole picture, the names on the left, the numbers on the right, and what a line takes.
const WIDTH: f64 = 760.0;
const NAMES: f64 = 270.0;
const NUMBERS: f64 = 90.0;
const HEAD: f64 = 34.0;
const LINE: f64 = 24.0;
const BAR: f64 = 15.0;

/// The first contender's bars stand out.
const OURS: &str = "#c4472b";
const THEIRS: &str = "#6b87a8";

/// Draws the panels below each other.
pub fn svg(panels: &[Panel<'_>]) -> String {
    let height: f64 = panels.iter().map(height).sum::<f64>() + LINE / 2.0;
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let mut top = 0.0;
    for panel in panels {
        draw(&mut picture, panel, top);
        top += height_of(panel.bars.len());
    }
    picture.push_str("</svg>\n");
    picture
}

fn height(panel: &Panel<'_>) -> f64 {
    height_of(panel.bars.len())
}

fn height_of(bars: usize) -> f64 {
    // A handful of contenders.
    HEAD + LINE * f64::from(u16::try_from(bars).unwrap_or(u16::MAX))
}

/// One panel. Writing to a String cannot fail.
fn draw(picture: &mut String, panel: &Panel<'_>, top: f64) {
    let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
    let most = panel.bars.iter().map(|(_, series, _)| finite(series.max()).max(finite(series.median())));
    let most = most.fold(f64::MIN_POSITIVE, f64::max);
    let room = WIDTH - NAMES - NUMBERS;
    // What is infinite fills the room.
    let x = |value: f64| NAMES + room * (value / most).clamp(0.0, 1.0);
    let _ =
        writeln!(picture, "<text x=\"10\" y=\"{}\" font-weight=\"bold\">{}</text>", top + 22.0, escaped(panel.title));
    let ours = panel.bars.first().map(|(name, ..)| brand(name));
    for (line, (name, series, text)) in panel.bars.iter().enumerate() {
        let y = top + height_of(line);
        let (middle, colour) = (y + BAR / 2.0, if Some(brand(name)) == ours { OURS } else { THEIRS });
        let (end, least, greatest) = (x(series.median()), x(series.min()), x(series.max()));
        let _ = writeln!(
            picture,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n\
             <rect x=\"{NAMES}\" y=\"{y}\" width=\"{:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\n\
             <path d=\"M{least:.1} {middle}H{greatest:.1}M{least:.1} {}v7M{greatest:.1} {}v7\" stroke=\"#222\"/>\n\
             <text x=\"{:.1}\" y=\"{}\">{}</text>",
            NAMES - 8.0,
            y + 12.0,
            escaped(name),
            end - NAMES,
            middle - 3.5,
            middle - 3.5,
            greatest.max(end) + 8.0,
            y + 12.0,
            escaped(text),
        );
    }
}

/// The server's name, without the number of its workers and its label.
fn brand(name: &str) -> &str {
    name.split(',').next().unwrap_or(name)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Series;

    #[test]
    fn bars_are_in_proportion_and_what_is_infinite_stays_in_the_picture() {
        let series = |values: &[f64]| values.iter().copied().collect::<Series>();
        let (one, two, many) = (series(&[1.0]), series(&[2.0]), series(&[f64::INFINITY]));
        let bars = vec![("we, 1 worker", &one, "1".into()), ("a<b", &two, "2".into()), ("c", &many, "∞".into())];
        let picture = svg(&[Panel { title: "us", bars }]);
        for part in ["width=\"200.0\"", "width=\"400.0\"", "a&lt;b", OURS, THEIRS] {
            assert!(picture.contains(part), "{part} is not in {picture}");
        }
        assert!(!picture.contains("inf") && !picture.contains("NaN"), "{picture}");
    }
}
