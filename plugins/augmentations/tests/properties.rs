//! What holds for every augmentation of this crate, on images of any size.

use proptest::prelude::*;
use scant_abi::{Augmentation, Image, Key, Maker, Setup, image_ops};
use scant_augmentations::PLUGIN;
use std::sync::OnceLock;

type Named = (String, Box<dyn Augmentation>);

fn all() -> &'static [Named] {
    static ALL: OnceLock<Vec<Named>> = OnceLock::new();
    ALL.get_or_init(|| {
        let make = |entry: scant_abi::Entry| {
            let Maker::Augmentation(make) = entry.maker else { panic!("only augmentations here") };
            let made = make(entry.description.defaults, &Setup::default()).expect("the defaults make sense");
            (entry.description.name, made)
        };
        (PLUGIN.components)().into_iter().map(make).collect()
    })
}

fn picture(channels: usize, height: usize, width: usize, key: Key) -> Image {
    let mut rng = key.rng();
    let pixels = (0..channels * height * width).map(|_| rng.uniform()).collect();
    Image::new(channels, height, width, pixels).unwrap()
}

fn bits(image: &Image) -> Vec<u32> {
    image.pixels().iter().map(|value| value.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_augmentation_keeps_shape_and_range_and_depends_on_the_key_alone(
        channels in prop_oneof![Just(1_usize), Just(3)],
        height in 1_usize..48,
        width in 1_usize..48,
        seed: u64,
    ) {
        let key = Key::new(seed);
        let image = picture(channels, height, width, key.named("picture"));
        for (name, augmentation) in all() {
            let out = match augmentation.apply(image.clone(), key) {
                Ok(out) => out,
                Err(error) => {
                    let crops = ["crop", "center-crop", "pl-ae-mnist"].contains(&name.as_str());
                    prop_assert!(crops && height.min(width) < 24, "{name}: {error}");
                    prop_assert!(error.to_string().contains("choose at most"), "{error}");
                    continue;
                }
            };
            if name == "sobel" {
                prop_assert_eq!(out.dims(), [2, height, width]);
                prop_assert!(out.pixels().iter().all(|value| value.abs() <= 4.0 + 1e-5));
            } else {
                prop_assert_eq!(out.dims(), image.dims(), "{}", name);
                for value in out.pixels() {
                    prop_assert!((-1e-6..=1.0 + 1e-6).contains(value), "{name}: {value}");
                }
            }
            let again = augmentation.apply(image.clone(), key).unwrap();
            prop_assert_eq!(bits(&out), bits(&again), "{}", name);
        }
    }
}

#[test]
fn another_key_gives_another_picture() {
    let image = picture(3, 32, 32, Key::new(1));
    for (name, augmentation) in all() {
        let mut seen: Vec<_> =
            (0..64).map(|i| bits(&augmentation.apply(image.clone(), Key::new(i)).unwrap())).collect();
        seen.sort_unstable();
        seen.dedup();
        let fixed = ["gray", "sobel", "center-crop"].contains(&name.as_str());
        assert_eq!(seen.len() == 1, fixed, "{name}: {} different pictures", seen.len());
    }
}

#[test]
fn neither_threads_nor_order_change_a_bit() {
    let images: Vec<Image> = (0..24).map(|i| picture(3, 28, 31, Key::new(i))).collect();
    let view = |augmentation: &dyn Augmentation, sample: usize| {
        bits(&augmentation.apply(images[sample].clone(), Key::new(9).fold(sample as u64)).unwrap())
    };
    for (name, augmentation) in all() {
        let alone: Vec<_> = (0..images.len()).map(|sample| view(&**augmentation, sample)).collect();
        for threads in [2, 5] {
            std::thread::scope(|scope| {
                for thread in 0..threads {
                    let (alone, view) = (&alone, &view);
                    scope.spawn(move || {
                        for sample in (thread..alone.len()).step_by(threads).rev() {
                            assert_eq!(view(&**augmentation, sample), alone[sample], "{name}");
                        }
                    });
                }
            });
        }
    }
}

#[test]
fn colours_of_two_channels_are_refused() {
    let image = picture(2, 8, 8, Key::new(0));
    for (name, augmentation) in all() {
        if ["color-jitter", "rand-augment", "fixmatch-strong", "end-to-end"].contains(&name.as_str()) {
            let error = augmentation.apply(image.clone(), Key::new(0)).unwrap_err().to_string();
            assert!(error.contains("1 or 3 channels, not 2"), "{error}");
        }
    }
}

#[test]
fn the_tiles_of_an_image_change_as_one_tile_alone_does() {
    let make = |tiles: usize| {
        let entry = (PLUGIN.components)().into_iter().find(|entry| entry.description.name == "pl-ae-mnist");
        let Maker::Augmentation(make) = entry.expect("listed").maker else { panic!("an augmentation") };
        make(serde_json::json!({ "tiles": tiles }), &Setup::default())
    };
    let tile = picture(3, 32, 32, Key::new(4));
    for key in (0..20).map(Key::new) {
        let alone = make(1).unwrap().apply(tile.clone(), key).unwrap();
        let together = make(2).unwrap().apply(image_ops::tile(&tile, 2, 2), key).unwrap();
        assert_eq!(together, image_ops::tile(&alone, 2, 2));
    }
    let error = make(3).unwrap().apply(tile, Key::new(0)).unwrap_err().to_string();
    assert_eq!(error, "tiles: 32x32 pixels are not 3x3 tiles");
    assert!(make(0).is_err());
}
