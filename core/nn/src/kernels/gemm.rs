//! Matrix products on strided views, over the `gemm` crate.

use super::threads;

/// A matrix over a slice: element (i, j) stands at `i * row_stride + j * column_stride`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// The row-major matrix over `data`.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert!(data.len() >= rows * columns, "{} floats are no {rows}x{columns} matrix", data.len());
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The same numbers with rows and columns exchanged.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    fn rows_from(self, start: usize, count: usize) -> Self {
        Self { data: &self.data[start * self.row_stride..], rows: count, ..self }
    }
}

/// `out = a b`, or `out += a b` where `accumulate`; `out` is row-major with `a.rows` rows. One thread.
#[allow(unsafe_code)]
pub fn multiply(out: &mut [f32], a: Matrix, b: Matrix, accumulate: bool) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert_eq!(k, b.rows, "inner dimensions differ");
    assert!(out.len() >= m * n, "the product does not fit");
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if !accumulate {
            out[..m * n].fill(0.0);
        }
        return;
    }
    // SAFETY: `Matrix::new` checked that the strided elements lie within their slices (transposing and taking rows
    // keep that), `out` was checked above, and it is borrowed exclusively, so it does not overlap the operands.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            accumulate,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// [`multiply`] over all threads: the rows of `out` are cut into pieces of a fixed number.
pub fn multiply_threaded(out: &mut [f32], a: Matrix, b: Matrix, accumulate: bool) {
    let rows = row_piece(a.rows);
    threads::pieces(&mut out[..a.rows * b.columns], rows * b.columns, |i, out| {
        multiply(out, a.rows_from(i * rows, out.len() / b.columns), b, accumulate);
    });
}

/// Enough pieces for several threads, none so thin that packing the other operand outweighs the product.
fn row_piece(rows: usize) -> usize {
    rows.div_ceil(4).max(32)
}
