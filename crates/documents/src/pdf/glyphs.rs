//! Collecting the glyphs of a page with their characters, places and sizes.
//!
//! Coordinates are points with the origin at the top left of the page as it is shown. Every glyph is stored in
//! the frame of its own writing direction: `x` runs along the line, `y` across it towards the next line.

use hayro_interpret::font::{Glyph as FontGlyph, GlyphRun};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Vec2};
use hayro_interpret::{BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask};

/// Design units per em in `hayro-interpret`.
const UNITS_PER_EM: f64 = 1000.0;
/// Directions closer than this to a multiple of 90 degrees are taken for it: scanners tilt pages a little.
const SNAP_DEGREES: f64 = 15.0;
/// Other directions are told apart in steps of this many degrees.
const DIRECTION_STEP: f64 = 5.0;

/// One glyph in the frame of its direction.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    /// Its characters; empty if the font does not tell.
    pub(super) text: GlyphText,
    /// Start along the line, in points.
    pub(super) x0: f32,
    /// End along the line, in points.
    pub(super) x1: f32,
    /// Baseline, in points, growing towards the next line.
    pub(super) y: f32,
    /// Font size in points as shown.
    pub(super) size: f32,
    /// Position in drawing order.
    pub(super) drawn: u32,
}

/// The characters of a glyph. Most are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GlyphText {
    /// The font has no Unicode value for it.
    Unknown,
    /// One character.
    Char(char),
    /// A ligature or a combined letter.
    Text(Box<str>),
}

impl GlyphText {
    fn new(unicode: Option<BfString>) -> Self {
        match unicode {
            Some(BfString::Char(char)) => Self::of_char(char),
            Some(BfString::String(text)) => {
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (None, _) => Self::Unknown,
                    (Some(char), None) => Self::of_char(char),
                    _ => Self::Text(text.into_boxed_str()),
                }
            }
            None => Self::Unknown,
        }
    }

    /// Symbol fonts put their signs into the private use area at U+F000; list bullets are the common ones.
    fn of_char(char: char) -> Self {
        match char {
            '\u{f0b7}' | '\u{f06c}' | '\u{f076}' => Self::Char('•'),
            '\u{f0a7}' | '\u{f06e}' => Self::Char('▪'),
            '\u{f0d8}' => Self::Char('➢'),
            '\u{f0fc}' => Self::Char('✓'),
            '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' | '\0' | '\u{fffd}' => Self::Unknown,
            char => Self::Char(char),
        }
    }

    /// The first character.
    pub(super) fn first(&self) -> Option<char> {
        match self {
            Self::Unknown => None,
            Self::Char(char) => Some(*char),
            Self::Text(text) => text.chars().next(),
        }
    }

    /// The last character.
    pub(super) fn last(&self) -> Option<char> {
        match self {
            Self::Text(text) => text.chars().next_back(),
            other => other.first(),
        }
    }

    /// Whether it only separates words.
    pub(super) fn is_space(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Char(char) => is_blank(*char),
            Self::Text(text) => text.chars().all(is_blank),
        }
    }

    /// Appends the characters.
    pub(super) fn push_to(&self, text: &mut String) {
        match self {
            Self::Unknown => {}
            Self::Char(char) => text.push(*char),
            Self::Text(more) => text.push_str(more),
        }
    }
}

fn is_blank(char: char) -> bool {
    char.is_whitespace() || char.is_control() || matches!(char, '\u{200b}' | '\u{feff}')
}

/// Glyphs that are written in one direction, in drawing order.
#[derive(Debug)]
pub(super) struct Direction {
    degrees: i16,
    pub(super) glyphs: Vec<Glyph>,
}

#[cfg(test)]
impl Direction {
    /// Upright text.
    pub(super) fn upright(glyphs: Vec<Glyph>) -> Self {
        Self { degrees: 0, glyphs }
    }
}

/// Counts over one page.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    /// Glyphs drawn inside the page.
    pub(super) glyphs: u32,
    /// Those without a Unicode value.
    pub(super) unknown: u32,
    /// Images drawn.
    pub(super) images: u32,
}

/// A device that draws nothing and remembers glyphs.
pub(super) struct Collector {
    width: f64,
    height: f64,
    max_glyphs: u32,
    pub(super) counts: Counts,
    pub(super) directions: Vec<Direction>,
}

impl Collector {
    /// For a page of `width` by `height` points; glyphs beyond `max_glyphs` are counted but not kept.
    pub(super) fn new(width: f32, height: f32, max_glyphs: u32) -> Self {
        let (width, height) = (f64::from(width), f64::from(height));
        Self { width, height, max_glyphs, counts: Counts::default(), directions: Vec::new() }
    }

    fn add_run(&mut self, run: &GlyphRun<'_, '_>, page: Affine) {
        let vertical = matches!(run.writing_mode(), WritingMode::Vertical);
        let glyphs = run.glyphs();
        let mut placed: Vec<Option<Placed>> =
            glyphs.iter().map(|glyph| Placed::new(glyph, page * glyph.transform(), vertical)).collect();
        settle_widths(&mut placed);
        for (glyph, placed) in glyphs.iter().zip(placed) {
            if let Some(placed) = placed {
                self.add(&placed, glyph.as_unicode());
            }
        }
    }

    fn add(&mut self, placed: &Placed, unicode: Option<BfString>) {
        let Point { x, y } = placed.origin;
        let margin = placed.size;
        if x < -margin || y < -margin || x > self.width + margin || y > self.height + margin {
            return;
        }
        let text = GlyphText::new(unicode);
        self.counts.glyphs = self.counts.glyphs.saturating_add(1);
        if text == GlyphText::Unknown {
            self.counts.unknown += 1;
        }
        if self.counts.glyphs > self.max_glyphs {
            return;
        }
        let (degrees, along) = snapped(placed.along);
        let across = Vec2::new(-along.y, along.x);
        let start = placed.origin.to_vec2().dot(along);
        let glyph = Glyph {
            text,
            x0: single(start),
            x1: single(start + placed.advance),
            y: single(placed.origin.to_vec2().dot(across)),
            size: single(placed.size),
            drawn: self.counts.glyphs,
        };
        match self.directions.iter_mut().find(|direction| direction.degrees == degrees) {
            Some(direction) => direction.glyphs.push(glyph),
            None => self.directions.push(Direction { degrees, glyphs: vec![glyph] }),
        }
    }
}

/// A glyph on the page before its frame is chosen.
struct Placed {
    origin: Point,
    /// Unit vector of the writing direction.
    along: Vec2,
    size: f64,
    /// Width along the line.
    advance: f64,
    /// The width if the glyph was not stretched to what the PDF says; see [`settle_widths`].
    unstretched: f64,
    type3: bool,
}

impl Placed {
    fn new(glyph: &FontGlyph<'_>, to_page: Affine, vertical: bool) -> Option<Self> {
        let [a, b, c, d, e, f] = to_page.as_coeffs();
        let right = Vec2::new(a, b) * UNITS_PER_EM;
        let up = Vec2::new(c, d) * UNITS_PER_EM;
        let length = right.hypot();
        let size = (right.cross(up) / length).abs();
        let usable = [e, f, length, size].iter().all(|value| value.is_finite()) && length > 1e-3 && size > 1e-3;
        if !usable {
            return None;
        }
        let (width, type3) = match glyph {
            FontGlyph::Outline(outline) => (outline.advance_width(), false),
            FontGlyph::Type3(drawn) => (drawn.advance_width(), true),
        };
        let em =
            f64::from(width.filter(|width| width.is_finite()).unwrap_or(500.0)).clamp(0.0, 20_000.0) / UNITS_PER_EM;
        let origin = Point::new(e, f);
        if vertical {
            // The line runs down through the middle of the glyphs, from their tops.
            let up = up / up.hypot().max(1e-6);
            let top = origin + right * 0.5 + up * (0.88 * size);
            return Some(Self { origin: top, along: -up, size, advance: size, unstretched: size, type3: false });
        }
        let along = right / length;
        Some(Self { origin, along, size, advance: em * length, unstretched: em * size, type3 })
    }
}

/// Glyphs of fonts that are not embedded come stretched to the PDF's widths, while their advance is already the
/// PDF's: of the two readings the one that meets the next glyph is right. Type 3 fonts choose their own unit, so
/// that their size is judged by their widths.
fn settle_widths(run: &mut [Option<Placed>]) {
    let starts: Vec<Option<Point>> = run.iter().map(|placed| placed.as_ref().map(|placed| placed.origin)).collect();
    for (placed, next) in run.iter_mut().zip(starts.iter().skip(1).chain([&None])) {
        let Some(placed) = placed else { continue };
        if let Some(next) = next
            && (placed.advance - placed.unstretched).abs() > 0.02 * placed.size
        {
            let step = (*next - placed.origin).dot(placed.along);
            if (step - placed.unstretched).abs() < (step - placed.advance).abs() {
                placed.advance = placed.unstretched;
            }
        }
    }
    let type3: Vec<f64> = run.iter().flatten().filter(|placed| placed.type3).map(|placed| placed.advance).collect();
    if type3.is_empty() {
        return;
    }
    // Letters are about half as wide as the font size on average.
    #[allow(clippy::cast_precision_loss)]
    let judged = 2.0 * type3.iter().sum::<f64>() / type3.len() as f64;
    for placed in run.iter_mut().flatten().filter(|placed| placed.type3) {
        if judged > 0.0 && !(0.4..=2.5).contains(&(placed.size / judged)) {
            placed.size = judged;
        }
    }
}

/// The direction in whole degrees and as a unit vector, snapped to the page's axes where it is near them.
fn snapped(along: Vec2) -> (i16, Vec2) {
    let degrees = along.atan2().to_degrees();
    let right_angle = (degrees / 90.0).round() * 90.0;
    let snapped = if (degrees - right_angle).abs() <= SNAP_DEGREES {
        right_angle
    } else {
        (degrees / DIRECTION_STEP).round() * DIRECTION_STEP
    };
    let snapped = snapped.rem_euclid(360.0);
    let (sin, cos) = snapped.to_radians().sin_cos();
    #[allow(clippy::cast_possible_truncation)] // a whole number from 0 to 360
    let key = snapped as i16;
    (key, Vec2::new(cos, sin))
}

#[allow(clippy::cast_possible_truncation)] // points on a page: single precision keeps a thousandth
fn single(value: f64) -> f32 {
    value as f32
}

impl<'a> Device<'a> for Collector {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn draw_rect(&mut self, _: &Rect, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_clip_rect(&mut self, _: &Rect) {}
    fn pop_clip(&mut self) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_transparency_group(&mut self) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        // Invisible runs are kept: they are the text layer of a recognised scan.
        self.add_run(run, props.transform);
    }

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {
        self.counts.images = self.counts.images.saturating_add(1);
    }
}
