//! A table of numbers as the numerics take it: whole rows of one length, every number finite.

use scant_abi::{Error, ErrorKind, Result};

/// Samples as rows of one length; checked once, so that what follows need not doubt a number.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    values: &'a [f32],
    width: usize,
}

impl<'a> Rows<'a> {
    /// `values` as rows of `width` numbers; refused where a row is cut short or a number is NaN or infinite.
    pub fn new(values: &'a [f32], width: usize) -> Result<Self> {
        if width == 0 || !values.len().is_multiple_of(width) {
            return Err(Error::shape(format!(
                "{} numbers are no whole rows of {width}: give the length of one sample's row",
                values.len()
            )));
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::new(
                ErrorKind::Numeric,
                format!(
                    "sample {}, column {} is {}: every number must be finite; look for a diverged training",
                    at / width,
                    at % width,
                    values[at]
                ),
            ));
        }
        Ok(Self { values, width })
    }

    /// The number of samples.
    pub fn len(self) -> usize {
        self.values.len() / self.width
    }

    /// True where there is no sample.
    pub fn is_empty(self) -> bool {
        self.values.is_empty()
    }

    /// The numbers of one sample.
    pub fn width(self) -> usize {
        self.width
    }

    /// Sample `index`.
    pub fn row(self, index: usize) -> &'a [f32] {
        &self.values[index * self.width..(index + 1) * self.width]
    }

    /// All samples in order.
    pub fn iter(self) -> std::slice::ChunksExact<'a, f32> {
        self.values.chunks_exact(self.width)
    }

    /// All numbers, sample after sample.
    pub fn values(self) -> &'a [f32] {
        self.values
    }

    /// Samples `from..to`.
    pub fn slice(self, from: usize, to: usize) -> Self {
        Self { values: &self.values[from * self.width..to * self.width], width: self.width }
    }

    /// The mean of each column.
    pub fn mean(self) -> Vec<f64> {
        let mut mean = vec![0.0; self.width];
        for row in self.iter() {
            mean.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        let count = self.len().max(1) as f64;
        mean.iter_mut().for_each(|sum| *sum /= count);
        mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nan_is_refused_with_its_place() {
        let error = Rows::new(&[0.0, 1.0, 2.0, f32::NAN], 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Numeric);
        assert!(error.to_string().starts_with("sample 1, column 1 is NaN"), "{error}");
    }

    #[test]
    fn a_cut_row_is_refused() {
        assert_eq!(Rows::new(&[0.0; 5], 2).unwrap_err().kind(), ErrorKind::Shape);
        assert_eq!(Rows::new(&[], 0).unwrap_err().kind(), ErrorKind::Shape);
    }
}
