//! Image operations agree with PyTorch and torchvision; `fixtures/image_ops.py` wrote what they gave.

use scant_abi::image_ops::{self, Padding};
use scant_abi::{Image, Result};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    args: Vec<usize>,
    from: [usize; 3],
    pixels: Vec<u8>,
    to: [usize; 3],
    expected: Vec<f32>,
}

fn apply(case: &Case, image: &Image) -> Result<Image> {
    match (case.name.as_str(), case.args.as_slice()) {
        ("resize", [height, width, antialias]) => image_ops::resize(image, *height, *width, *antialias == 1),
        ("sobel", []) => Ok(image_ops::sobel(image)),
        ("gray", []) => Ok(image_ops::gray(image)),
        ("rgb", []) => image_ops::rgb(image),
        ("pad-constant", [margin]) => image_ops::pad(image, *margin, Padding::Constant(0.0)),
        ("pad-reflect", [margin]) => image_ops::pad(image, *margin, Padding::Reflect),
        ("crop", [top, left, height, width]) => image_ops::crop(image, *top, *left, *height, *width),
        (name, args) => panic!("no such case: {name} {args:?}"),
    }
}

#[test]
fn every_operation_agrees_with_torchvision() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("fixtures/image_ops.json")).unwrap();
    assert!(cases.len() > 30);
    for case in &cases {
        let pixels = case.pixels.iter().map(|&p| f32::from(p) / 255.0).collect();
        let [channels, height, width] = case.from;
        let image = Image::new(channels, height, width, pixels).unwrap();
        let result = apply(case, &image).unwrap();
        assert_eq!(result.dims(), case.to, "{} {:?}", case.name, case.args);
        for (ours, theirs) in result.pixels().iter().zip(&case.expected) {
            assert!((ours - theirs).abs() < 1e-5, "{} {:?}: {ours} {theirs}", case.name, case.args);
        }
    }
}
