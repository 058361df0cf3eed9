//! One step of a preparation, as a configuration writes it and as it changes an image.

use std::fmt;
use std::str::FromStr;

use scant_abi::image_ops::{self, Padding};
use scant_abi::{Error, Image, Result};

use super::Moments;
use crate::suggest;

/// No prepared image may have a longer side.
const LONGEST_SIDE: usize = 8192;

const NAMES: [&str; 7] = ["resize", "rgb", "gray", "tile", "pad", "normalise", "sobel"];

/// One step, as a configuration writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Prepare {
    /// `resize:32`, `resize:32x48` (height x width), `resize:32:no-antialias`: bilinear, to this size.
    Resize {
        /// New rows.
        height: usize,
        /// New columns.
        width: usize,
        /// Whether shrinking averages over all pixels that fall together.
        antialias: bool,
    },
    /// `rgb`: one channel becomes three equal ones.
    Rgb,
    /// `gray`: three channels become their luminance.
    Gray,
    /// `tile:2x2`: the image repeated, rows x columns.
    Tile {
        /// Repetitions downwards.
        rows: usize,
        /// Repetitions to the right.
        columns: usize,
    },
    /// `pad:2`: so many black pixels around the image.
    Pad(usize),
    /// `normalise` (measured on the training images) or `normalise:MEAN,...,DEVIATION,...` (one pair per channel).
    Normalise(Option<Moments>),
    /// `sobel`: horizontal and vertical gradients as two channels, in place of the image.
    Sobel,
}

impl FromStr for Prepare {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name.trim(), Some(argument.trim())),
            None => (text.trim(), None),
        };
        match (name, argument) {
            ("resize", Some(argument)) => resize(argument),
            ("rgb", None) => Some(Self::Rgb),
            ("gray" | "grey", None) => Some(Self::Gray),
            ("tile", Some(argument)) => sides(argument).map(|[rows, columns]| Self::Tile { rows, columns }),
            ("pad", Some(argument)) => argument.parse().ok().map(Self::Pad),
            ("normalise" | "normalize", None) => Some(Self::Normalise(None)),
            ("normalise" | "normalize", Some(argument)) => {
                moments(argument).map(|m| Self::Normalise(Some(m)))
            }
            ("sobel", None) => Some(Self::Sobel),
            _ if !NAMES.contains(&name) => {
                let hint = suggest::hint(name, NAMES);
                return Err(Error::config(format!("'{text}': there is no step '{name}'; {hint}")));
            }
            _ => None,
        }
        .ok_or_else(|| Error::config(format!("'{text}' does not fit; {}", usage(name))))
    }
}

fn usage(name: &str) -> &'static str {
    match name {
        "resize" => "write 'resize:32', 'resize:32x48' (height x width) or 'resize:32:no-antialias'",
        "tile" => "write 'tile:2x2' (rows x columns)",
        "pad" => "write 'pad:2'",
        "normalise" => {
            "write 'normalise', or 'normalise:0.13,0.31' with every channel's mean, then every deviation"
        }
        _ => "this step takes no argument",
    }
}

fn resize(argument: &str) -> Option<Prepare> {
    let (size, antialias) = match argument.split_once(':') {
        Some((size, "no-antialias")) => (size, false),
        Some(_) => return None,
        None => (argument, true),
    };
    let [height, width] = sides(size)?;
    Some(Prepare::Resize { height, width, antialias })
}

/// `32` for both sides, or `32x48`.
fn sides(text: &str) -> Option<[usize; 2]> {
    let (first, second) = text.split_once('x').unwrap_or((text, text));
    let side = |text: &str| text.trim().parse().ok().filter(|side| *side > 0);
    Some([side(first)?, side(second)?])
}

fn moments(text: &str) -> Option<Moments> {
    let numbers: Vec<f32> = text.split(',').map(|n| n.trim().parse().ok()).collect::<Option<_>>()?;
    let (means, deviations) = numbers.split_at(numbers.len() / 2);
    let sensible = means.len() == deviations.len()
        && numbers.iter().all(|number| number.is_finite())
        && deviations.iter().all(|deviation| *deviation > 0.0);
    sensible.then(|| Moments { means: means.to_vec(), deviations: deviations.to_vec() })
}

impl fmt::Display for Prepare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resize { height, width, antialias: true } => write!(f, "resize:{height}x{width}"),
            Self::Resize { height, width, antialias: false } => {
                write!(f, "resize:{height}x{width}:no-antialias")
            }
            Self::Rgb => f.write_str("rgb"),
            Self::Gray => f.write_str("gray"),
            Self::Tile { rows, columns } => write!(f, "tile:{rows}x{columns}"),
            Self::Pad(margin) => write!(f, "pad:{margin}"),
            Self::Normalise(None) => f.write_str("normalise"),
            Self::Normalise(Some(Moments { means, deviations })) => {
                let numbers: Vec<String> = means.iter().chain(deviations).map(f32::to_string).collect();
                write!(f, "normalise:{}", numbers.join(","))
            }
            Self::Sobel => f.write_str("sobel"),
        }
    }
}

impl Prepare {
    /// The size of the image after this step; an error where the step cannot take such an image.
    pub fn dims(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        let refuse = |why: String| Err(Error::config(format!("'{self}': {why}")));
        let dims = match self {
            Self::Resize { height, width, .. } => [channels, *height, *width],
            Self::Rgb if channels != 1 && channels != 3 => {
                return refuse(format!("images of {channels} channels have no red, green and blue"));
            }
            Self::Rgb => [3, height, width],
            Self::Gray => [1, height, width],
            Self::Tile { rows, columns } => {
                [channels, height.saturating_mul(*rows), width.saturating_mul(*columns)]
            }
            Self::Pad(margin) => {
                let frame = margin.saturating_mul(2);
                [channels, height.saturating_add(frame), width.saturating_add(frame)]
            }
            Self::Normalise(Some(moments)) if moments.means.len() != channels => {
                return refuse(format!(
                    "it has {} pairs of mean and deviation, but the images have {channels} channels",
                    moments.means.len()
                ));
            }
            Self::Normalise(_) => [channels, height, width],
            Self::Sobel => [2, height, width],
        };
        match dims[1..].iter().max() {
            Some(&side) if side > LONGEST_SIDE => {
                refuse(format!("the images would have a side of {side} pixels; {LONGEST_SIDE} is the limit"))
            }
            _ => Ok(dims),
        }
    }

    /// The image after this step.
    pub fn apply(&self, mut image: Image) -> Result<Image> {
        match self {
            Self::Resize { height, width, antialias } => {
                image_ops::resize(&image, *height, *width, *antialias)
            }
            Self::Rgb => image_ops::rgb(&image),
            Self::Gray => Ok(image_ops::gray(&image)),
            Self::Tile { rows, columns } => Ok(image_ops::tile(&image, *rows, *columns)),
            Self::Pad(margin) => image_ops::pad(&image, *margin, Padding::Constant(0.0)),
            Self::Normalise(Some(moments)) => {
                self.dims(image.dims())?;
                let pairs = moments.means.iter().zip(&moments.deviations);
                for (plane, (mean, deviation)) in image.planes_mut().zip(pairs) {
                    plane.iter_mut().for_each(|pixel| *pixel = (*pixel - mean) / deviation);
                }
                Ok(image)
            }
            Self::Normalise(None) => {
                Err(Error::config("'normalise' was applied before mean and deviation were measured"))
            }
            Self::Sobel => Ok(image_ops::sobel(&image)),
        }
    }
}
