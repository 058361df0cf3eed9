//! The assignment step of Lloyd's algorithm with Hamerly's bounds (Hamerly, 2010).
//!
//! Each sample keeps an upper bound of the distance to its own centroid and a lower bound of that to any other.
//! While the first is below the second nothing can change, and the sample is not even read.

use crate::dots::{Columns, dots};

use super::kmeans::Samples;

/// No centroid yet.
pub(super) const NONE: u32 = u32::MAX;

/// Centroids, ready to be compared with samples.
pub(super) struct Centroids {
    columns: Columns,
    norms: Vec<f32>,
    /// Half the distance of each centroid to its nearest neighbour: who is closer has no nearer one.
    half_gap: Vec<f32>,
}

impl Centroids {
    pub(super) fn new(values: &[f32], width: usize) -> Self {
        let columns = Columns::pack(values, width);
        let rows: Vec<&[f32]> = values.chunks_exact(width).collect();
        let norms: Vec<f32> = rows
            .iter()
            .map(|row| row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() as f32)
            .collect();
        let mut products = vec![0.0; columns.stride()];
        let half_gap = rows
            .iter()
            .enumerate()
            .map(|(i, row)| {
                dots(&[row], &columns, &mut products);
                let squares = products.iter().zip(&norms).map(|(p, norm)| norms[i] + norm - 2.0 * p);
                let others = squares.enumerate().filter(|&(j, _)| j != i).map(|(_, square)| square);
                0.5 * others.fold(f32::INFINITY, f32::min).max(0.0).sqrt()
            })
            .collect();
        Self { columns, norms, half_gap }
    }
}

/// How far the centroids moved in one update: their bounds follow.
pub(super) struct Shift {
    each: Vec<f32>,
    largest: usize,
    second: f32,
}

impl Shift {
    pub(super) fn new(each: Vec<f32>) -> Self {
        let largest = (0..each.len()).max_by(|&a, &b| each[a].total_cmp(&each[b])).unwrap_or(0);
        let others = each.iter().enumerate().filter(|&(j, _)| j != largest).map(|(_, &shift)| shift);
        let second = others.fold(0.0, f32::max);
        Self { each, largest, second }
    }
}

/// One start's view of one chunk of samples.
#[derive(Clone)]
pub(super) struct Assignment {
    pub(super) labels: Vec<u32>,
    upper: Vec<f32>,
    lower: Vec<f32>,
    /// What the last pass changed: sums of samples per cluster, and their number.
    pub(super) sums: Vec<f64>,
    pub(super) counts: Vec<i64>,
    pub(super) touched: Vec<bool>,
    pub(super) changed: usize,
}

impl Assignment {
    pub(super) fn new(samples: usize, clusters: usize, width: usize) -> Self {
        Self {
            labels: vec![NONE; samples],
            upper: vec![f32::INFINITY; samples],
            lower: vec![0.0; samples],
            sums: vec![0.0; clusters * width],
            counts: vec![0; clusters],
            touched: vec![false; clusters],
            changed: 0,
        }
    }

    /// Lets the bounds follow centroids that moved.
    pub(super) fn follow(&mut self, shift: &Shift) {
        for ((&label, upper), lower) in self.labels.iter().zip(&mut self.upper).zip(&mut self.lower) {
            let label = label as usize;
            *upper += shift.each[label];
            *lower -= if label == shift.largest { shift.second } else { shift.each[shift.largest] };
        }
    }

    /// Forgets what the last pass changed.
    pub(super) fn clear(&mut self, width: usize) {
        for (cluster, touched) in self.touched.iter_mut().enumerate().filter(|(_, touched)| **touched) {
            self.sums[cluster * width..(cluster + 1) * width].fill(0.0);
            self.counts[cluster] = 0;
            *touched = false;
        }
        self.changed = 0;
    }

    /// Gives samples `first..` of the chunk, `count` of them, to their nearest centroids.
    pub(super) fn assign(
        &mut self,
        samples: &Samples,
        chunk: usize,
        first: usize,
        count: usize,
        centroids: &Centroids,
        room: &mut Room,
    ) {
        room.pending.clear();
        for i in first..first + count {
            let label = self.labels[i];
            let safe = label != NONE && self.upper[i] < self.lower[i].max(centroids.half_gap[label as usize]);
            if !safe {
                room.pending.push(i);
            }
        }
        let stride = centroids.columns.stride();
        for group in room.pending.chunks(GROUP) {
            let mut rows: [&[f32]; GROUP] = [&[]; GROUP];
            rows.iter_mut().zip(group).for_each(|(row, &i)| *row = samples.row(chunk + i));
            let rows = &rows[..group.len()];
            room.products.resize(GROUP * stride, 0.0);
            dots(rows, &centroids.columns, &mut room.products);
            for ((&i, row), products) in group.iter().zip(rows).zip(room.products.chunks_exact(stride)) {
                let (best, near, next) = two_nearest(products, &centroids.norms);
                let own = samples.norm(chunk + i);
                self.upper[i] = (own + near).max(0.0).sqrt();
                self.lower[i] = (own + next).max(0.0).sqrt();
                self.give(i, best, row);
            }
        }
    }

    fn give(&mut self, sample: usize, label: u32, row: &[f32]) {
        let old = std::mem::replace(&mut self.labels[sample], label);
        if old == label {
            return;
        }
        self.changed += 1;
        let sums = self.cluster(label, row.len(), 1);
        sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
        if old != NONE {
            let sums = self.cluster(old, row.len(), -1);
            sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum -= f64::from(x));
        }
    }

    fn cluster(&mut self, label: u32, width: usize, by: i64) -> &mut [f64] {
        let label = label as usize;
        self.counts[label] += by;
        self.touched[label] = true;
        &mut self.sums[label * width..(label + 1) * width]
    }
}

/// How many samples are compared at a time.
const GROUP: usize = 32;

/// Room that one thread's passes use again and again.
#[derive(Default)]
pub(super) struct Room {
    pending: Vec<usize>,
    products: Vec<f32>,
}

/// The nearest centroid (the first of equals), and the two least squared distances without the sample's norm.
fn two_nearest(products: &[f32], norms: &[f32]) -> (u32, f32, f32) {
    let (mut best, mut near, mut next) = (0, f32::INFINITY, f32::INFINITY);
    for (j, (product, norm)) in products.iter().zip(norms).enumerate() {
        let square = norm - 2.0 * product;
        // Written without branches: which centroid is nearer cannot be predicted.
        let nearer = square < near;
        let second = if nearer { near } else { square };
        next = if second < next { second } else { next };
        best = if nearer { j as u32 } else { best };
        near = if nearer { square } else { near };
    }
    (best, near, next)
}
