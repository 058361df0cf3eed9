//! A picture of every augmentation: `contact_sheet FOLDER IMAGE...` writes `FOLDER/NAME.png` for each component, one
//! row per image, the image itself in the first column and eight views of it after that.

use image::{Rgb, RgbImage};
use scant_abi::{Error, ErrorKind, Image, Key, Maker, Result, Setup};
use scant_augmentations::PLUGIN;
use std::path::{Path, PathBuf};

const VIEWS: u64 = 8;
const ENLARGED: u32 = 3;

fn main() -> Result<()> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [folder, sources @ ..] = paths.as_slice() else {
        return Err(Error::config("give a folder and some images"));
    };
    let images = sources.iter().map(|path| read(path)).collect::<Result<Vec<Image>>>()?;
    for entry in (PLUGIN.components)() {
        let Maker::Augmentation(make) = entry.maker else { continue };
        let augmentation = make(entry.description.defaults, &Setup::default())?;
        let mut rows = Vec::new();
        for (sample, image) in (0..).zip(&images) {
            let mut row = vec![image.clone()];
            for view in 0..VIEWS {
                row.push(augmentation.apply(image.clone(), Key::new(0).fold(sample).fold(view))?);
            }
            rows.push(row);
        }
        let path = folder.join(format!("{}.png", entry.description.name));
        sheet(&rows).save(&path).map_err(|e| failed("write", &path, &e))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Image> {
    let picture = image::open(path).map_err(|e| failed("read", path, &e))?.to_rgb8();
    let (width, height) = picture.dimensions();
    let planes = (0..3).flat_map(|c| picture.pixels().map(move |pixel| f32::from(pixel.0[c]) / 255.0));
    Image::new(3, height as usize, width as usize, planes.collect())
}

fn failed(what: &str, path: &Path, cause: &image::ImageError) -> Error {
    Error::caused_by(ErrorKind::Io, format!("cannot {what} {}", path.display()), cause)
}

fn sheet(rows: &[Vec<Image>]) -> RgbImage {
    let side = |length: usize| length as u32 * ENLARGED + 4;
    let width = rows.iter().map(|row| row.iter().map(|image| side(image.width())).sum()).max().unwrap_or(1);
    let height: u32 = rows.iter().map(|row| side(row[0].height())).sum();
    let mut sheet = RgbImage::from_pixel(width, height, Rgb([60, 60, 90]));
    let mut top = 0;
    for row in rows {
        let mut left = 0;
        for image in row {
            paste(&mut sheet, image, left, top);
            left += side(image.width());
        }
        top += side(row[0].height());
    }
    sheet
}

fn paste(sheet: &mut RgbImage, image: &Image, left: u32, top: u32) {
    let (height, width) = (image.height(), image.width());
    // Two channels are gradients from -4 to 4: shown as red and green around grey.
    let shown = |channel: usize, at: usize| match image.channels() {
        1 => image.pixels()[at],
        2 if channel == 2 => 0.5,
        2 => image.pixels()[channel * height * width + at] / 8.0 + 0.5,
        _ => image.pixels()[channel * height * width + at],
    };
    for y in 0..height as u32 * ENLARGED {
        for x in 0..width as u32 * ENLARGED {
            let at = (y / ENLARGED) as usize * width + (x / ENLARGED) as usize;
            let pixel = [0, 1, 2].map(|channel| (shown(channel, at) * 255.0).round() as u8);
            sheet.put_pixel(left + x, top + y, Rgb(pixel));
        }
    }
}
