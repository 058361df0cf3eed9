//! A contact sheet: rows of small pictures with a word before each row and above each group of columns.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::ascii::FONT_6X10;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::{DrawTarget, Drawable, RgbColor};
use embedded_graphics::text::{Baseline, Text};
use image::{Rgb, RgbImage};
use scant_abi::{Error, Image, Result};

/// Pictures are enlarged by a whole factor to about this many pixels.
const CELL: usize = 72;
/// Between pictures, and around the sheet.
const GAP: usize = 4;
/// Between groups of columns.
const GROUP_GAP: usize = 12;
/// The size of a letter.
const LETTER: [usize; 2] = [6, 10];
/// The longest side of a sheet.
const LONGEST_SIDE: usize = 30_000;
const BACKGROUND: Rgb<u8> = Rgb([40, 40, 48]);

/// Columns that belong together.
pub(crate) struct Group {
    /// The word above them.
    pub(crate) name: String,
    /// How many they are.
    pub(crate) columns: usize,
}

/// A row of pictures, one for each column.
pub(crate) struct Row {
    /// The words before them, one below the other.
    pub(crate) words: Vec<String>,
    /// The pictures.
    pub(crate) pictures: Vec<Image>,
}

/// All of it as one picture.
pub(crate) fn draw(groups: &[Group], rows: &[Row]) -> Result<RgbImage> {
    let pictures = || rows.iter().flat_map(|row| &row.pictures);
    let cell_width = pictures().map(|image| image.width() * enlarged(image)).max().unwrap_or(0) + GAP;
    let cell_height = pictures().map(|image| image.height() * enlarged(image)).max().unwrap_or(0) + GAP;
    let letters = rows.iter().flat_map(|row| &row.words).map(String::len).max().unwrap_or(0);
    let first = GAP + letters * LETTER[0] + GAP;
    let starts = column_starts(groups, first, cell_width);
    let width = starts.last().map_or(first, |start| start + cell_width);
    let top = GAP + LETTER[1] + GAP;
    let height = top + rows.len() * cell_height;
    if width.max(height) > LONGEST_SIDE {
        return Err(Error::config(format!(
            "the sheet would have {height}x{width} pixels: ask for fewer images or draws"
        )));
    }
    let mut sheet = Sheet(RgbImage::from_pixel(width as u32, height as u32, BACKGROUND));
    let mut column = 0;
    for group in groups {
        let room = (group.columns * cell_width).div_ceil(LETTER[0]);
        sheet.write(&group.name.chars().take(room).collect::<String>(), starts[column], GAP);
        column += group.columns;
    }
    for (number, row) in rows.iter().enumerate() {
        let y = top + number * cell_height;
        for (line, word) in row.words.iter().enumerate() {
            sheet.write(word, GAP, y + line * (LETTER[1] + 1));
        }
        for (image, x) in row.pictures.iter().zip(&starts) {
            sheet.paste(image, *x, y);
        }
    }
    Ok(sheet.0)
}

fn enlarged(image: &Image) -> usize {
    (CELL / image.width().max(image.height()).max(1)).max(1)
}

/// Where each column begins.
fn column_starts(groups: &[Group], first: usize, cell: usize) -> Vec<usize> {
    let (mut starts, mut x) = (Vec::new(), first);
    for group in groups {
        starts.extend((0..group.columns).map(|column| x + column * cell));
        x += group.columns * cell + GROUP_GAP;
    }
    starts
}

struct Sheet(RgbImage);

impl Sheet {
    fn write(&mut self, text: &str, x: usize, y: usize) {
        let style = MonoTextStyle::new(&FONT_6X10, Rgb888::WHITE);
        let at = Point::new(x as i32, y as i32);
        let Ok(_) = Text::with_baseline(text, at, style, Baseline::Top).draw(self);
    }

    fn paste(&mut self, image: &Image, left: usize, top: usize) {
        let times = enlarged(image);
        for y in 0..image.height() {
            for x in 0..image.width() {
                let color = Rgb(color(image, y * image.width() + x));
                for (down, right) in (0..times).flat_map(|down| (0..times).map(move |right| (down, right))) {
                    let at = (left + x * times + right, top + y * times + down);
                    self.0.put_pixel(at.0 as u32, at.1 as u32, color);
                }
            }
        }
    }
}

/// How the pixel number `at` is shown: grey, in its colours, or two gradients as red and green around grey.
fn color(image: &Image, at: usize) -> [u8; 3] {
    let plane = |channel: usize| image.pixels()[channel * image.height() * image.width() + at];
    let shown = match image.channels() {
        1 => [plane(0); 3],
        // Sobel's gradients reach from -4 to 4.
        2 => [0.5 + plane(0) / 4.0, 0.5 + plane(1) / 4.0, 0.5],
        _ => [plane(0), plane(1), plane(2)],
    };
    shown.map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8)
}

impl OriginDimensions for Sheet {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Sheet {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> std::result::Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(at, color) in pixels {
            let at = u32::try_from(at.x).ok().zip(u32::try_from(at.y).ok());
            if let Some(pixel) = at.and_then(|(x, y)| self.0.get_pixel_mut_checked(x, y)) {
                *pixel = Rgb([color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> RgbImage {
        let groups = [
            Group { name: "original".to_owned(), columns: 1 },
            Group { name: "weak".to_owned(), columns: 2 },
        ];
        let pictures =
            vec![Image::filled(1, 36, 36, 1.0), Image::filled(3, 24, 24, 0.5), Image::filled(2, 72, 72, 0.0)];
        draw(&groups, &[Row { words: vec!["cat".to_owned(), "#7".to_owned()], pictures }]).unwrap()
    }

    #[test]
    fn pictures_stand_in_their_columns_enlarged() {
        let sheet = sheet();
        let (first, cell) = (4 + 3 * 6 + 4, 76);
        assert_eq!(sheet.dimensions(), (first + cell + 12 + 2 * cell, 18 + 76));
        let weak = first + cell + 12;
        for (x, y, expected) in [
            (first, 18, [255; 3]),
            (first + 71, 89, [255; 3]),
            (first + 72, 89, BACKGROUND.0),
            (weak, 18, [128; 3]),
            (weak + 76, 50, [128; 3]),
        ] {
            assert_eq!(sheet.get_pixel(x, y).0, expected, "({x}, {y})");
        }
    }

    #[test]
    fn words_are_written_above_groups_and_before_rows() {
        let sheet = sheet();
        let lit = |left: u32, top: u32, width: u32| {
            let mut places = (left..left + width).flat_map(|x| (top..top + 10).map(move |y| (x, y)));
            places.any(|(x, y)| sheet.get_pixel(x, y).0 == [255; 3])
        };
        assert!(lit(26, 4, 48), "original");
        assert!(lit(26 + 76 + 12, 4, 24), "weak");
        assert!(lit(4, 18, 18), "cat");
        assert!(lit(4, 29, 12), "#7");
        assert!(!lit(4, 60, 18), "below the words");
    }

    #[test]
    fn a_sheet_without_end_is_refused() {
        let groups = [Group { name: "original".to_owned(), columns: 1 }];
        let rows = (0..400).map(|_| Row { words: Vec::new(), pictures: vec![Image::filled(1, 90, 2, 0.0)] });
        let error = draw(&groups, &rows.collect::<Vec<_>>()).unwrap_err().to_string();
        assert!(error.contains("ask for fewer images"), "{error}");
    }
}
