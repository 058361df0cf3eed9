//! The deterministic cores against torchvision: the same parameters in, the same image out within one grey level.
//!
//! fixtures/torchvision_functional.py wrote the file; its names carry the parameters.

use safetensors::SafeTensors;
use scant_abi::{Augmentation, Component, Image, Key, Setup};
use scant_augmentations::functional::*;
use scant_augmentations::{Border, CenterCrop, CenterCropConfig, Interpolation};

const BILINEAR: Sampling = Sampling { interpolation: Interpolation::Bilinear, fill: 0.0 };
const NEAREST: Sampling = Sampling { interpolation: Interpolation::Nearest, fill: 0.0 };

fn image(file: &SafeTensors, name: &str) -> Image {
    let tensor = file.tensor(name).unwrap();
    let [channels, height, width] = *tensor.shape() else { panic!("{name} is no image") };
    let pixels = tensor.data().iter().map(|&level| f32::from(level) / 255.0).collect();
    Image::new(channels, height, width, pixels).unwrap()
}

fn changed(mut image: Image, change: impl FnOnce(&mut Image)) -> Image {
    change(&mut image);
    image
}

/// What our core makes of `image`, for a name like `rotate 30.0 bilinear`.
fn ours(name: &str, image: Image) -> Image {
    let words: Vec<&str> = name.split(' ').collect();
    let n = |at: usize| words[at].parse::<f32>().unwrap();
    let whole = |at: usize| words[at].parse::<isize>().unwrap();
    let (height, width) = (image.height(), image.width());
    let sheared = |x: f32, y: f32| {
        let map = AffineMap([1.0, f64::from(x), 0.0, f64::from(y), 1.0, 0.0]);
        warp_affine(&image, map.about_corner(height, width), BILINEAR)
    };
    match words[0] {
        "hflip" => flip_horizontal(image),
        "vflip" => flip_vertical(image),
        "rotate" => {
            let sampling = match words[2] {
                "bilinear" => BILINEAR,
                "nearest" => NEAREST,
                "fill" => Sampling { fill: 0.25, ..BILINEAR },
                other => panic!("{other}"),
            };
            rotate(&image, n(1), sampling)
        }
        "affine" => affine(&image, n(1), [n(2), n(3)], n(4), [n(5), n(6)], BILINEAR),
        "translate" => {
            let border = match words.get(3) {
                None => Border::Constant,
                Some(&"edge") => Border::Edge,
                Some(&"reflect") => Border::Reflect,
                Some(other) => panic!("{other}"),
            };
            translate(&image, whole(2), whole(1), border, 0.0)
        }
        "shear-x" => sheared(n(1), 0.0),
        "shear-y" => sheared(0.0, n(1)),
        "perspective" => {
            let quad = match words[1] {
                "0" => [[2.0, 1.0], [15.0, 3.0], [14.0, 15.0], [4.0, 12.0]],
                _ => [[0.0, 0.0], [13.0, 4.0], [17.0, 16.0], [5.0, 10.0]],
            };
            perspective(&image, Quad(quad), BILINEAR)
        }
        "erase" => changed(image, |image| erase(image, 3..13, 5..14, 0.5)),
        "crop" => crop(&image, 2, 5, 11, true).unwrap(),
        "center-crop" => {
            let config = CenterCropConfig { size: 12, resize: false };
            CenterCrop::new(config, &Setup::default()).unwrap().apply(image, Key::new(0)).unwrap()
        }
        "brightness" => changed(image, |image| adjust_brightness(image, n(1))),
        "contrast" => changed(image, |image| adjust_contrast(image, n(1))),
        "saturation" => changed(image, |image| adjust_saturation(image, n(1))),
        "sharpness" => changed(image, |image| sharpen(image, n(1))),
        "hue" => changed(image, |image| adjust_hue(image, n(1))),
        "grayscale" => changed(image, grayscale),
        "autocontrast" if words.len() == 2 => changed(image, |image| {
            image.pixels_mut().iter_mut().for_each(|value| *value = 0.3 + 0.2 * *value);
            autocontrast(image);
        }),
        "autocontrast" => changed(image, autocontrast),
        "equalize" => changed(image, equalize),
        "posterize" => changed(image, |image| posterize(image, n(1) as u32)),
        "solarize" => changed(image, |image| solarize(image, n(1))),
        other => panic!("the fixture has `{other}`, this test has not"),
    }
}

#[test]
fn every_core_agrees_within_one_grey_level() {
    let file = include_bytes!("fixtures/torchvision.safetensors");
    let file = SafeTensors::deserialize(file).unwrap();
    let (mut compared, mut off) = (0, Vec::new());
    for name in file.names() {
        let Some((operation, source)) = name.split_once('/') else { continue };
        let (expected, found) = (image(&file, name), ours(operation, image(&file, source)));
        assert_eq!(found.dims(), expected.dims(), "{name}");
        // A whole level is allowed: half of it is already lost to the fixture's rounding.
        let differences = found.pixels().iter().zip(expected.pixels()).map(|(a, b)| (a - b).abs() * 255.0);
        let worst = differences.fold(0.0, f32::max);
        if worst > 1.0 {
            off.push(format!("{name}: {worst:.2} levels"));
        }
        compared += 1;
    }
    assert!(off.is_empty(), "{off:#?}");
    assert!(compared > 60, "only {compared} transformations in the fixture");
}
