//! Checks of configuration values and of images, with one wording for all components.

use scant_abi::{Error, Image, Result};
use std::ops::RangeInclusive;

/// An error unless `value` lies in `range`.
pub(crate) fn within(component: &str, key: &str, value: f32, range: RangeInclusive<f32>) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let (low, high) = (range.start(), range.end());
    Err(Error::config(if high.is_finite() {
        format!("{component}: `{key}` is {value}; it must lie between {low} and {high}")
    } else {
        format!("{component}: `{key}` is {value}; it must be a number of at least {low}")
    }))
}

/// An error unless `value` is two finite numbers, the lower first, both in `range`.
pub(crate) fn ordered(
    component: &str,
    key: &str,
    [low, high]: [f32; 2],
    range: RangeInclusive<f32>,
) -> Result<()> {
    within(component, key, low, range.clone())?;
    within(component, key, high, range)?;
    if low > high {
        return Err(Error::config(format!(
            "{component}: `{key}` is [{low}, {high}]; the lower number must come first"
        )));
    }
    Ok(())
}

/// An error unless `value` is at least one.
pub(crate) fn positive(component: &str, key: &str, value: usize) -> Result<()> {
    if value == 0 {
        return Err(Error::config(format!("{component}: `{key}` is 0; it must be at least 1")));
    }
    Ok(())
}

/// An error unless the image is grey or RGB: colours mean nothing otherwise.
pub(crate) fn gray_or_rgb(component: &str, image: &Image) -> Result<()> {
    match image.channels() {
        1 | 3 => Ok(()),
        other => Err(Error::shape(format!(
            "{component} takes images of 1 or 3 channels, not {other}: put it before whatever changes the channels"
        ))),
    }
}
