//! Pages set by hand, glyph by glyph.

use super::super::glyphs::{Direction, Glyph, GlyphText};
use super::{compose, lay_out};

const SIZE: f32 = 10.0;
const LEADING: f32 = 12.0;

/// A page under construction; glyphs are half as wide as they are high.
#[derive(Default)]
struct Sheet {
    glyphs: Vec<Glyph>,
}

impl Sheet {
    /// Draws a line of text without space characters, `tracking` apart.
    fn draw_tracked(&mut self, x: f32, y: f32, text: &str, tracking: f32) {
        let mut x0 = x;
        for char in text.chars() {
            let x1 = x0 + 0.5 * SIZE;
            if char != ' ' {
                let drawn = u32::try_from(self.glyphs.len()).unwrap();
                self.glyphs.push(Glyph { text: GlyphText::Char(char), x0, x1, y, size: SIZE, drawn });
            }
            x0 = x1 + tracking;
        }
    }

    fn draw(&mut self, x: f32, y: f32, text: &str) {
        self.draw_tracked(x, y, text, 0.0);
    }

    fn text(self) -> String {
        compose(vec![lay_out(vec![Direction::upright(self.glyphs)])]).remove(0).text
    }
}

fn y(row: u8) -> f32 {
    LEADING * f32::from(row) + 50.0
}

const LEFT: [&str; 4] = [
    "the first line stands left",
    "and the second goes on so",
    "until the third has come",
    "and the fourth ends left.",
];
const RIGHT: [&str; 4] =
    ["Then comes the right side", "with just as many lines in", "it and the same full width", "until it ends as well."];

#[test]
fn columns_are_read_one_after_the_other() {
    let mut sheet = Sheet::default();
    for (row, line) in (0..).zip(LEFT) {
        sheet.draw(50.0, y(row), line);
    }
    for (row, line) in (0..).zip(RIGHT) {
        sheet.draw(200.0, y(row), line);
    }
    assert_eq!(sheet.text(), format!("{}\n\n{}", LEFT.join(" "), RIGHT.join(" ")));
}

#[test]
fn columns_are_found_even_if_drawn_straight_across() {
    let mut sheet = Sheet::default();
    for (row, (left, right)) in (0..).zip(LEFT.into_iter().zip(RIGHT).cycle().take(12)) {
        sheet.draw(50.0, y(row), left);
        sheet.draw(200.0, y(row), right);
    }
    let text = sheet.text();
    assert!(text.starts_with(&format!("{} {}", LEFT[0], LEFT[1])), "{text}");
}

#[test]
fn a_table_is_read_row_by_row() {
    let mut sheet = Sheet::default();
    for (row, (name, amount)) in
        (0..).zip([("Barometer", "825.00"), ("Hygrometer", "402.00"), ("Rain gauge", "474.00")])
    {
        sheet.draw(50.0, y(row), name);
        sheet.draw(200.0, y(row), amount);
    }
    assert_eq!(sheet.text(), "Barometer\t825.00\nHygrometer\t402.00\nRain gauge\t474.00");
}

#[test]
fn cells_of_several_lines_are_not_shuffled() {
    let mut sheet = Sheet::default();
    sheet.draw(50.0, y(0), "Who built");
    sheet.draw(50.0, y(1), "the bridge?");
    sheet.draw(130.0, y(0), "The brothers built it, who had");
    sheet.draw(130.0, y(1), "never built one be-");
    sheet.draw(130.0, y(2), "fore.");
    assert_eq!(sheet.text(), "Who built the bridge?\tThe brothers built it, who had never built one before.");
}

#[test]
fn letter_spaced_words_stay_whole() {
    let mut sheet = Sheet::default();
    sheet.draw_tracked(50.0, y(0), "SPACED HEADING", 3.0);
    assert_eq!(sheet.text(), "SPACED HEADING");
}

#[test]
fn letters_drawn_twice_for_bold_count_once() {
    let mut sheet = Sheet::default();
    sheet.draw(50.0, y(0), "Total");
    sheet.draw(50.3, y(0), "Total");
    assert_eq!(sheet.text(), "Total");
}

#[test]
fn words_drawn_out_of_order_are_sorted() {
    let mut sheet = Sheet::default();
    sheet.draw(85.0, y(0), "world");
    sheet.draw(50.0, y(0), "Hello,");
    assert_eq!(sheet.text(), "Hello, world");
}
