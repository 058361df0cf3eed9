//! The augmentations of published methods, by the methods' names.

use crate::crop::middle;
use crate::cutout::{erase, over_edge};
use crate::rand_augment::RandAugmentConfig;
use crate::shift::{self, Border, translate};
use crate::{
    Affine, ColorJitter, ColorJitterConfig, Crop, Cutout, FlipConfig, Gray, HorizontalFlip, Noise,
    RandAugment, Rotate, Span, VerticalFlip, check,
};
use scant_abi::{Augmentation, Component, Error, Image, Key, Result, Rng, Setup, image_ops};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of `pl-ae-mnist`, `pl-ae-cifar10` and `pl-ae-svhn`. Write a policy of your own as `{ one_of = [...] }`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlAeConfig {
    /// So many equal tiles in each direction make up the image, and all change alike: 2 after `tile:2x2`.
    #[schemars(range(min = 1))]
    pub tiles: usize,
}

impl Default for PlAeConfig {
    fn default() -> Self {
        Self { tiles: 1 }
    }
}

type Step = Box<dyn Augmentation>;

/// One of several short sequences, each equally likely, for each of an image's tiles the same.
struct Choice {
    sequences: Vec<Vec<Step>>,
    tiles: usize,
}

impl Choice {
    fn new(name: &str, config: &PlAeConfig, sequences: Vec<Vec<Step>>) -> Result<Self> {
        match config.tiles {
            0 => Err(Error::config(format!("{name}: tiles must be at least 1"))),
            tiles => Ok(Self { sequences, tiles }),
        }
    }

    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        let [_, height, width] = image.dims();
        let tiles = self.tiles;
        if height % tiles > 0 || width % tiles > 0 {
            return Err(Error::config(format!(
                "tiles: {height}x{width} pixels are not {tiles}x{tiles} tiles"
            )));
        }
        let tile = match tiles {
            1 => image,
            _ => image_ops::crop(&image, 0, 0, height / tiles, width / tiles)?,
        };
        let chosen = &self.sequences[key.rng().below(self.sequences.len())];
        let tile = (0..).zip(chosen).try_fold(tile, |tile, (i, step)| step.apply(tile, key.fold(i)))?;
        Ok(if tiles == 1 { tile } else { image_ops::tile(&tile, tiles, tiles) })
    }
}

/// A component with its own defaults.
fn step<C: Component + Augmentation>() -> Result<Step> {
    step_of::<C>(C::Config::default())
}

fn step_of<C: Component + Augmentation>(config: C::Config) -> Result<Step> {
    Ok(Box::new(C::new(config, &Setup::default())?))
}

fn always<C: Component<Config = FlipConfig> + Augmentation>() -> Result<Step> {
    step_of::<C>(FlipConfig { p: 1.0 })
}

macro_rules! pl_ae {
    ($($policy:ident $name:literal $summary:literal $doc:literal [$([$($step:expr),+]),+ $(,)?])*) => {$(
        #[doc = $doc]
        pub struct $policy(Choice);

        impl Component for $policy {
            const NAME: &'static str = $name;
            const SUMMARY: &'static str = $summary;
            type Config = PlAeConfig;

            fn new(config: PlAeConfig, _: &Setup) -> Result<Self> {
                let sequences = vec![$(vec![$($step?),+]),+];
                Choice::new(Self::NAME, &config, sequences).map(Self)
            }
        }

        impl Augmentation for $policy {
            fn apply(&self, image: Image, key: Key) -> Result<Image> {
                self.0.apply(image, key)
            }
        }
    )*};
}

pl_ae! {
    PlAeMnist "pl-ae-mnist" "One of the five augmentations that PL-AE uses on MNIST."
    "`pl-ae-mnist`: one of rotation, affine, crop, cutout and noise."
    [
        [step::<Rotate>()],
        [step::<Affine>()],
        [step::<Crop>()],
        [step::<Cutout>()],
        [step::<Noise>()],
    ]
    PlAeCifar10 "pl-ae-cifar10" "One of the ten best augmentations of PL-AE on CIFAR-10."
    "`pl-ae-cifar10`: one of the ten sequences that the PL-AE paper chose for CIFAR-10."
    [
        [step::<Affine>()],
        [step::<Cutout>()],
        [always::<HorizontalFlip>()],
        [step::<Rotate>(), step::<Affine>()],
        [step::<Rotate>(), step::<Cutout>()],
        [step::<Rotate>(), always::<HorizontalFlip>()],
        [step::<Rotate>(), always::<VerticalFlip>()],
        [step::<Affine>(), step::<Cutout>()],
        [step::<Affine>(), always::<HorizontalFlip>()],
        [step::<Cutout>(), step::<ColorJitter>()],
    ]
    PlAeSvhn "pl-ae-svhn" "One of the ten best augmentations of PL-AE on SVHN."
    "`pl-ae-svhn`: one of the ten sequences that the PL-AE paper chose for SVHN."
    [
        [step::<Cutout>()],
        [step::<Gray>()],
        [step::<ColorJitter>()],
        [step::<Rotate>()],
        [step::<Rotate>(), step::<Gray>()],
        [step::<Cutout>(), step::<Noise>()],
        [step::<Cutout>(), step::<Gray>()],
        [step::<Cutout>(), step::<ColorJitter>()],
        [step::<Noise>(), step::<ColorJitter>()],
        [step::<Gray>(), step::<ColorJitter>()],
    ]
}

/// Settings of `end-to-end`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EndToEndConfig {
    /// Mirror every other image left to right; switch it off where left and right matter.
    pub flip: bool,
    /// Share of the side that the crop of the middle keeps.
    #[schemars(range(min = 0, max = 1))]
    pub crop: f32,
    /// Probability of that crop.
    #[schemars(range(min = 0, max = 1))]
    pub p_crop: f32,
    /// Give the two Sobel gradients instead of the colours.
    pub sobel: bool,
}

impl Default for EndToEndConfig {
    fn default() -> Self {
        Self { flip: true, crop: 0.75, p_crop: 0.5, sobel: false }
    }
}

/// `end-to-end`: jitter of colours, flip, crop of the middle brought back to size.
pub struct EndToEnd {
    config: EndToEndConfig,
    jitter: ColorJitter,
}

impl Component for EndToEnd {
    const NAME: &'static str = "end-to-end";
    const SUMMARY: &'static str =
        "Colour jitter, flip and centre crop, as for clustering by a network's own labels.";
    type Config = EndToEndConfig;

    fn new(config: EndToEndConfig, setup: &Setup) -> Result<Self> {
        check::within(Self::NAME, "crop", config.crop, 0.0..=1.0)?;
        check::within(Self::NAME, "p_crop", config.p_crop, 0.0..=1.0)?;
        let [brightness, contrast, saturation] = [Span::Between([0.7, 1.3]); 3];
        let jitter = ColorJitterConfig { brightness, contrast, saturation, hue: Span::Between([-0.2, 0.2]) };
        Ok(Self { config, jitter: ColorJitter::new(jitter, setup)? })
    }
}

impl Augmentation for EndToEnd {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        let EndToEndConfig { flip, crop, p_crop, sobel } = self.config;
        let mut rng = key.rng();
        let mut image = self.jitter.apply(image, key.fold(0))?;
        image = flipped(image, flip, &mut rng);
        if rng.chance(p_crop) {
            let [_, height, width] = image.dims();
            let [rows, columns] = [height, width].map(|side| share(side, crop));
            let part = image_ops::crop(&image, middle(height, rows), middle(width, columns), rows, columns)?;
            image = image_ops::resize(&part, height, width, true)?;
        }
        Ok(if sobel { image_ops::sobel(&image) } else { image })
    }
}

/// Settings of `fixmatch-weak`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FixMatchWeakConfig {
    /// Mirror every other image left to right; switch it off for digits.
    pub flip: bool,
    /// Largest shift, as a share of the image's side; mirrored pixels move in.
    #[schemars(range(min = 0, max = 1))]
    pub shift: f32,
}

impl Default for FixMatchWeakConfig {
    fn default() -> Self {
        Self { flip: true, shift: 0.125 }
    }
}

/// `fixmatch-weak`: flip and shift.
pub struct FixMatchWeak(FixMatchWeakConfig);

impl Component for FixMatchWeak {
    const NAME: &'static str = "fixmatch-weak";
    const SUMMARY: &'static str = "Flip and shift by up to an eighth, FixMatch's weak view.";
    type Config = FixMatchWeakConfig;

    fn new(config: FixMatchWeakConfig, _: &Setup) -> Result<Self> {
        check::within(Self::NAME, "shift", config.shift, 0.0..=1.0)?;
        Ok(Self(config))
    }
}

impl Augmentation for FixMatchWeak {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        Ok(weak(image, &self.0, &mut key.rng()))
    }
}

/// Settings of `fixmatch-strong`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FixMatchStrongConfig {
    /// Mirror every other image left to right; switch it off for digits.
    pub flip: bool,
    /// Largest shift, as a share of the image's side; mirrored pixels move in.
    #[schemars(range(min = 0, max = 1))]
    pub shift: f32,
    /// RandAugment's operations for each image.
    #[schemars(range(max = 100))]
    pub count: usize,
    /// RandAugment's magnitude: strengths run from 1 to this less one, in tenths of each operation's range.
    #[schemars(range(min = 2, max = 11))]
    pub magnitude: usize,
    /// Side of the square that is hidden last, as a share of the image's shorter side; it may reach over the edge.
    #[schemars(range(min = 0, max = 1))]
    pub cutout: f32,
}

impl Default for FixMatchStrongConfig {
    fn default() -> Self {
        Self { flip: true, shift: 0.125, count: 2, magnitude: 10, cutout: 0.5 }
    }
}

/// `fixmatch-strong`: flip, shift, RandAugment, cutout in grey.
pub struct FixMatchStrong {
    weak: FixMatchWeakConfig,
    strong: RandAugment,
    cutout: f32,
}

impl Component for FixMatchStrong {
    const NAME: &'static str = "fixmatch-strong";
    const SUMMARY: &'static str = "Flip, shift, RandAugment and cutout, FixMatch's strong view.";
    type Config = FixMatchStrongConfig;

    fn new(config: FixMatchStrongConfig, setup: &Setup) -> Result<Self> {
        let FixMatchStrongConfig { flip, shift, count, magnitude, cutout } = config;
        check::within(Self::NAME, "shift", shift, 0.0..=1.0)?;
        check::within(Self::NAME, "cutout", cutout, 0.0..=1.0)?;
        let strong = RandAugment::new(RandAugmentConfig { count, magnitude, ..Default::default() }, setup)?;
        Ok(Self { weak: FixMatchWeakConfig { flip, shift }, strong, cutout })
    }
}

impl Augmentation for FixMatchStrong {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        let mut rng = key.rng();
        let image = weak(image, &self.weak, &mut rng);
        let mut image = self.strong.apply(image, key.fold(0))?;
        let size = (self.cutout * image.height().min(image.width()) as f32).round() as usize;
        let [rows, columns] = [image.height(), image.width()].map(|side| over_edge(&mut rng, side, size));
        erase(&mut image, rows, columns, 0.5);
        Ok(image)
    }
}

fn weak(image: Image, config: &FixMatchWeakConfig, rng: &mut Rng) -> Image {
    let image = flipped(image, config.flip, rng);
    let [down, right] = [image.height(), image.width()]
        .map(|side| shift::draw(rng, (side as f32 * config.shift).round() as usize));
    translate(&image, down, right, Border::Reflect, 0.0)
}

fn flipped(image: Image, flip: bool, rng: &mut Rng) -> Image {
    if rng.chance(0.5) && flip { crate::flip::flip_horizontal(image) } else { image }
}

fn share(side: usize, share: f32) -> usize {
    ((side as f32 * share).round() as usize).clamp(1, side)
}
