//! Preparation: what is done to every image of a data set, whatever the method.
//!
//! Geometry and colour come before the augmentations, which expect values in [0, 1]; normalising and Sobel edges
//! come after them.

mod measure;
mod step;

pub use measure::{Measure, Moments};
pub use step::Prepare;

use scant_abi::{Context, Error, Image, Result};

/// All steps of a data set, on both sides of the augmentations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preparation {
    before: Vec<Prepare>,
    after: Vec<Prepare>,
}

impl Preparation {
    /// The steps in this order; `normalise` may only be followed by `sobel`, and `sobel` by nothing.
    pub fn new(mut steps: Vec<Prepare>) -> Result<Self> {
        let is_late = |step: &Prepare| matches!(step, Prepare::Normalise(_) | Prepare::Sobel);
        let first_late = steps.iter().position(is_late).unwrap_or(steps.len());
        let after = steps.split_off(first_late);
        match after.as_slice() {
            [] | [_] | [Prepare::Normalise(_), Prepare::Sobel] if after.iter().all(is_late) => {
                Ok(Self { before: steps, after })
            }
            _ => {
                let written: Vec<String> = after.iter().map(Prepare::to_string).collect();
                Err(Error::config(format!(
                    "prepare ends in {}: 'normalise' may only be followed by 'sobel', and 'sobel' is the last step",
                    written.join(", ")
                )))
            }
        }
    }

    /// The image size after all steps, found without any image.
    pub fn dims(&self, dims: [usize; 3]) -> Result<[usize; 3]> {
        self.before.iter().chain(&self.after).try_fold(dims, |dims, step| step.dims(dims))
    }

    /// The image size that the augmentations see.
    pub fn dims_before(&self, dims: [usize; 3]) -> Result<[usize; 3]> {
        self.before.iter().try_fold(dims, |dims, step| step.dims(dims))
    }

    /// The image size after all steps where the augmentations made one of `dims`.
    pub fn dims_after(&self, dims: [usize; 3]) -> Result<[usize; 3]> {
        self.after.iter().try_fold(dims, |dims, step| step.dims(dims))
    }

    /// What comes before the augmentations.
    pub fn before(&self, image: Image) -> Result<Image> {
        apply(&self.before, image)
    }

    /// What comes after the augmentations.
    pub fn after(&self, image: Image) -> Result<Image> {
        apply(&self.after, image)
    }

    /// What comes after the augmentations but for normalising, which takes an image where no eye follows.
    pub fn shown(&self, image: Image) -> Result<Image> {
        let steps = self.after.iter().filter(|step| !matches!(step, Prepare::Normalise(_)));
        steps.cloned().try_fold(image, |image, step| step.apply(image))
    }

    /// Whether mean and deviation have to be measured before [`Preparation::after`] can be used.
    pub fn wants_moments(&self) -> bool {
        self.after.contains(&Prepare::Normalise(None))
    }

    /// Uses what was measured where a mean and deviation are wanted.
    pub fn set_moments(&mut self, moments: &Moments) {
        for step in &mut self.after {
            if *step == Prepare::Normalise(None) {
                *step = Prepare::Normalise(Some(moments.clone()));
            }
        }
    }

    /// The steps as a configuration writes them, with the numbers that were measured.
    pub fn written(&self) -> Vec<String> {
        self.before.iter().chain(&self.after).map(Prepare::to_string).collect()
    }
}

fn apply(steps: &[Prepare], image: Image) -> Result<Image> {
    steps.iter().try_fold(image, |image, step| step.apply(image).context(|| format!("prepare '{step}'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(steps: &[&str]) -> Result<Preparation> {
        Preparation::new(steps.iter().map(|step| step.parse()).collect::<Result<_>>()?)
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        let steps = ["resize:32x40", "resize:8x8:no-antialias", "rgb", "gray", "pad:2", "tile:2x3"];
        assert_eq!(parse(&steps).unwrap().written(), steps);
        let late = ["normalise:0.13,0.31", "sobel"];
        assert_eq!(parse(&late).unwrap().written(), late);
        assert_eq!(
            parse(&["resize:32", "grey", "normalize"]).unwrap().written(),
            ["resize:32x32", "gray", "normalise"]
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_helps() {
        let message = |step: &str| step.parse::<Prepare>().unwrap_err().to_string();
        assert_eq!(message("resise:3"), "'resise:3': there is no step 'resise'; did you mean 'resize'?");
        for step in ["resize", "resize:", "resize:0", "resize:3x", "resize:3:soft", "tile", "pad:-1", "rgb:3"]
        {
            assert!(message(step).contains("does not fit"), "{step}");
        }
        for step in ["normalise:0.1", "normalise:0.1,0", "normalise:0.1,NaN", "normalise:,"] {
            assert!(message(step).contains("write 'normalise'"), "{step}");
        }
    }

    #[test]
    fn only_sobel_follows_normalise_and_nothing_follows_sobel() {
        for steps in
            [&["sobel", "rgb"][..], &["normalise", "pad:2"], &["sobel", "normalise"], &["sobel", "sobel"]]
        {
            assert!(parse(steps).unwrap_err().to_string().contains("'sobel' is the last step"), "{steps:?}");
        }
    }

    #[test]
    fn the_size_is_known_before_any_image() {
        let preparation = parse(&["resize:32", "rgb", "tile:2x2", "normalise", "sobel"]).unwrap();
        assert_eq!(preparation.dims([1, 28, 28]).unwrap(), [2, 64, 64]);
        assert_eq!(preparation.dims_before([1, 28, 28]).unwrap(), [3, 64, 64]);
        let seen = preparation.before(Image::filled(1, 28, 28, 0.5)).unwrap();
        assert_eq!(seen.dims(), [3, 64, 64]);
        assert!(parse(&["rgb"]).unwrap().dims([2, 8, 8]).is_err());
        assert!(parse(&["normalise:0.1,0.2"]).unwrap().dims([3, 8, 8]).is_err());
        assert!(parse(&["tile:9999999999x2"]).unwrap().dims([1, 28, 28]).is_err());
        assert!(parse(&["pad:18446744073709551615"]).unwrap().dims([1, 28, 28]).is_err());
    }

    #[test]
    fn a_picture_is_shown_with_its_edges_and_without_normalising() {
        let image = Image::new(1, 1, 3, vec![0.0, 0.5, 1.0]).unwrap();
        assert_eq!(parse(&["normalise"]).unwrap().shown(image.clone()).unwrap(), image);
        let edges = parse(&["normalise:0.5,0.1", "sobel"]).unwrap().shown(image.clone()).unwrap();
        assert_eq!(edges, parse(&["sobel"]).unwrap().after(image).unwrap());
    }

    #[test]
    fn measured_images_come_out_with_mean_0_and_deviation_1() {
        let mut preparation = parse(&["pad:1", "normalise"]).unwrap();
        let image = Image::new(2, 1, 2, vec![0.1, 0.9, 0.4, 0.4]).unwrap();
        assert!(preparation.wants_moments());
        assert!(preparation.after(image.clone()).is_err());
        let mut measure = Measure::default();
        measure.add(&image);
        preparation.set_moments(&measure.moments());
        assert!(!preparation.wants_moments());
        let out = preparation.after(image).unwrap();
        for (pixel, expected) in out.pixels().iter().zip([-1.0, 1.0, 0.0, 0.0]) {
            assert!((pixel - expected).abs() < 1e-6, "{pixel} {expected}");
        }
    }
}
