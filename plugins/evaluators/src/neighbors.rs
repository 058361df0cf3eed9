//! Exact nearest neighbours by Euclidean distance.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use scant_abi::{Error, Result};
use scant_nn::Rows;
use scant_nn::dots::{Columns, dots, squared_distance};

/// The nearest references of each query, nearest first, the lower index first among equals.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbors {
    /// How many there are for each query.
    pub count: usize,
    /// Their indices, query after query.
    pub indices: Vec<u32>,
    /// Their squared distances.
    pub squares: Vec<f64>,
}

/// The `count` nearest of `references` for each of `queries`.
pub fn nearest_neighbors(references: Rows, queries: Rows, count: usize) -> Result<Neighbors> {
    /// References and queries per block: a block of each and its products stay in the second-level cache.
    const REFERENCES: usize = 512;
    const QUERIES: usize = 128;
    if references.width() != queries.width() {
        return Err(Error::shape(format!(
            "references of {} columns cannot be neighbours of queries of {}",
            references.width(),
            queries.width()
        )));
    }
    if count == 0 || count > references.len() {
        return Err(Error::data(format!(
            "{} references have no {count} nearest: ask for between 1 and as many as there are",
            references.len()
        )));
    }
    let width = references.width();
    let mean = references.mean();
    let blocks: Vec<Block> = references
        .values()
        .par_chunks(REFERENCES * width)
        .map(|rows| {
            let rows = centred(rows, &mean);
            let norm = |row: &[f32]| row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() as f32;
            Block {
                columns: Columns::pack(&rows, width),
                norms: rows.chunks_exact(width).map(norm).collect(),
            }
        })
        .collect();
    let mut indices = vec![0; queries.len() * count];
    let mut squares = vec![0.0; queries.len() * count];
    indices
        .par_chunks_mut(QUERIES * count)
        .zip(squares.par_chunks_mut(QUERIES * count))
        .zip(queries.values().par_chunks(QUERIES * width))
        .for_each(|((indices, squares), queries)| {
            let moved = centred(queries, &mean);
            let rows: Vec<&[f32]> = moved.chunks_exact(width).collect();
            let mut nearest = vec![Nearest::new((count + SPARE).min(references.len())); rows.len()];
            let mut products = vec![0.0; QUERIES * REFERENCES];
            for (b, block) in blocks.iter().enumerate() {
                dots(&rows, &block.columns, &mut products);
                let offset = (b * REFERENCES) as u32;
                for (nearest, products) in
                    nearest.iter_mut().zip(products.chunks_exact(block.columns.stride()))
                {
                    nearest.offer(offset, products, &block.norms);
                }
            }
            let found = indices.chunks_exact_mut(count).zip(squares.chunks_exact_mut(count));
            for ((nearest, query), (indices, squares)) in
                nearest.into_iter().zip(queries.chunks_exact(width)).zip(found)
            {
                let exact = nearest.exact(references, query);
                for ((index, square), found) in indices.iter_mut().zip(squares).zip(exact) {
                    (*square, *index) = found;
                }
            }
        });
    Ok(Neighbors { count, indices, squares })
}

struct Block {
    columns: Columns,
    norms: Vec<f32>,
}

/// Candidates beyond those asked for, because single precision may confuse the order around the last.
const SPARE: usize = 8;

fn centred(rows: &[f32], mean: &[f64]) -> Vec<f32> {
    rows.iter().zip(mean.iter().cycle()).map(|(&x, mean)| (f64::from(x) - mean) as f32).collect()
}

/// Compares a block of references with the nearest so far, vectorised for this processor.
struct Offer<'a> {
    nearest: &'a mut Nearest,
    offset: u32,
    products: &'a [f32],
    norms: &'a [f32],
}

impl WithSimd for Offer<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.nearest.scan(self.offset, self.products, self.norms);
    }
}

/// The nearest references so far of one query: unsorted, cut back whenever there are twice too many.
#[derive(Clone)]
struct Nearest {
    wanted: usize,
    limit: f32,
    found: Vec<(f32, u32)>,
}

impl Nearest {
    fn new(wanted: usize) -> Self {
        Self { wanted, limit: f32::INFINITY, found: Vec::new() }
    }

    fn offer(&mut self, offset: u32, products: &[f32], norms: &[f32]) {
        Arch::new().dispatch(Offer { nearest: self, offset, products, norms });
    }

    #[inline(always)]
    fn scan(&mut self, offset: u32, products: &[f32], norms: &[f32]) {
        const LANES: usize = 16;
        let mut index = offset;
        for (products, norms) in products.chunks(LANES).zip(norms.chunks(LANES)) {
            let mut squares = [f32::INFINITY; LANES];
            for ((square, product), norm) in squares.iter_mut().zip(products).zip(norms) {
                *square = norm - 2.0 * product;
            }
            if squares.iter().fold(false, |any, &square| any | (square < self.limit)) {
                for (lane, &square) in squares.iter().enumerate().filter(|(_, square)| **square < self.limit)
                {
                    self.found.push((square, index + lane as u32));
                }
                if self.found.len() > 2 * self.wanted {
                    self.cut();
                }
            }
            index += LANES as u32;
        }
    }

    fn cut(&mut self) {
        if self.found.len() > self.wanted {
            let order = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            let (_, last, _) = self.found.select_nth_unstable_by(self.wanted - 1, order);
            self.limit = last.0;
            self.found.truncate(self.wanted);
        }
    }

    /// All candidates with their exact distances, nearest first.
    fn exact(mut self, references: Rows, query: &[f32]) -> Vec<(f64, u32)> {
        self.cut();
        let mut exact: Vec<(f64, u32)> = self
            .found
            .iter()
            .map(|&(_, index)| (squared_distance(references.row(index as usize), query), index))
            .collect();
        exact.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        exact
    }
}
