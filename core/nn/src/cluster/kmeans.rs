//! k-means: Lloyd's algorithm from several starts, the best kept. Each step is scikit-learn's.

use std::ops::Range;

use rayon::prelude::*;
use scant_abi::{Error, Key, Result};

use super::bounds::{Assignment, Centroids, Room, Shift};
use super::start;
use crate::Rows;
use crate::dots::squared_distance;

/// How k-means is to run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KMeans {
    /// The number of clusters.
    pub clusters: usize,
    /// The number of starts, of which the best is kept.
    pub starts: usize,
    /// The most steps from one start.
    pub steps: usize,
    /// A start ends when its centroids' squared movement falls below this share of the mean variance of a column.
    pub tolerance: f64,
}

/// What k-means found.
#[derive(Clone, Debug, PartialEq)]
pub struct Clustering {
    /// The centroids, one after another.
    pub centroids: Vec<f32>,
    /// Each sample's cluster.
    pub labels: Vec<i64>,
    /// The sum of the squared distances of the samples to their centroids.
    pub inertia: f64,
    /// How many steps the kept start took.
    pub steps: usize,
}

impl KMeans {
    /// k-means with scikit-learn's settings: 10 starts, 300 steps, tolerance 1e-4.
    pub fn new(clusters: usize) -> Self {
        Self { clusters, starts: 10, steps: 300, tolerance: 1e-4 }
    }

    /// Clusters `rows` from k-means++ starts drawn from `key`.
    pub fn fit(&self, rows: Rows, key: Key) -> Result<Clustering> {
        self.check(rows)?;
        if self.starts == 0 {
            return Err(Error::config("k-means from 0 starts finds nothing: ask for at least 1"));
        }
        let samples = Samples::new(rows);
        let starts = start::starts(&samples, self.clusters, self.starts, key);
        Ok(self.best(&samples, starts))
    }

    /// Clusters `rows` from the given centroids.
    pub fn fit_from(&self, rows: Rows, centroids: &[f32]) -> Result<Clustering> {
        self.check(rows)?;
        if centroids.len() != self.clusters * rows.width() {
            return Err(Error::shape(format!(
                "{} clusters of {} columns start from {} numbers, not {}",
                self.clusters,
                rows.width(),
                self.clusters * rows.width(),
                centroids.len()
            )));
        }
        Rows::new(centroids, rows.width()).map_err(|error| error.context("the centroids to start from"))?;
        let samples = Samples::new(rows);
        let start = samples.centred(centroids);
        Ok(self.best(&samples, vec![start]))
    }

    fn check(&self, rows: Rows) -> Result<()> {
        if self.clusters == 0 || self.clusters > rows.len() {
            return Err(Error::data(format!(
                "{} samples cannot form {} clusters: ask for between 1 and as many as there are samples",
                rows.len(),
                self.clusters
            )));
        }
        Ok(())
    }

    fn best(&self, samples: &Samples, starts: Vec<Vec<f32>>) -> Clustering {
        // Starts run side by side, to read the samples once for all, as far as their sums fit in memory.
        const ROOM: usize = 1 << 25;
        let each = samples.chunks().len() * self.clusters * samples.width;
        let tolerance = self.tolerance * samples.mean_variance();
        let mut runs: Vec<Run> =
            starts.into_iter().map(|start| Run::new(samples, self.clusters, start)).collect();
        for group in runs.chunks_mut((ROOM / each).max(1)) {
            run_together(samples, group, self.steps, tolerance);
        }
        let inertias: Vec<f64> = runs.iter().map(|run| run.inertia(samples)).collect();
        let best = (0..runs.len()).min_by(|&a, &b| inertias[a].total_cmp(&inertias[b])).unwrap_or(0);
        let mut run = runs.swap_remove(best);
        drop(runs);
        // The tolerance saves steps while starts compete; the one that is kept goes on until no sample moves.
        while !run.settled && run.steps < self.steps {
            run.update(samples, 0.0);
            assign(samples, &mut [&mut run]);
        }
        Clustering {
            centroids: samples.moved_back(&run.centroids),
            labels: run.labels().map(i64::from).collect(),
            inertia: run.inertia(samples),
            steps: run.steps,
        }
    }
}

/// The nearest of `centroids` for each row, the first of equals.
pub fn nearest(rows: Rows, centroids: &[f32]) -> Result<Vec<i64>> {
    if centroids.is_empty() || !centroids.len().is_multiple_of(rows.width()) {
        return Err(Error::shape(format!(
            "{} numbers are no whole centroids of {} columns",
            centroids.len(),
            rows.width()
        )));
    }
    let samples = Samples::new(rows);
    let clusters = centroids.len() / rows.width();
    let mut runs = [Run::new(&samples, clusters, samples.centred(centroids))];
    assign(&samples, &mut runs.iter_mut().collect::<Vec<_>>());
    Ok(runs[0].labels().map(i64::from).collect())
}

/// Steps every start until it has come to rest.
fn run_together(samples: &Samples, runs: &mut [Run], steps: usize, tolerance: f64) {
    for _ in 0..steps {
        let mut active: Vec<&mut Run> = runs.iter_mut().filter(|run| !run.done).collect();
        if active.is_empty() {
            break;
        }
        assign(samples, &mut active);
        active.par_iter_mut().for_each(|run| run.update(samples, tolerance));
    }
    // Labels must be those of the final centroids, also where the centroids moved last.
    let mut moved: Vec<&mut Run> = runs.iter_mut().filter(|run| !run.settled).collect();
    assign(samples, &mut moved);
}

/// One pass over the samples: each start's samples go to their nearest centroids.
fn assign(samples: &Samples, runs: &mut [&mut Run]) {
    /// Samples that stay in the second-level cache while every start looks at them.
    const BLOCK: usize = 256;
    let (centroids, mut states): (Vec<&Centroids>, Vec<_>) =
        runs.iter_mut().map(|run| (&run.ready, run.chunks.iter_mut())).unzip();
    let work: Vec<(Range<usize>, Vec<&mut Assignment>)> = samples
        .chunks()
        .iter()
        .map(|chunk| (chunk.clone(), states.iter_mut().filter_map(Iterator::next).collect()))
        .collect();
    work.into_par_iter().for_each_init(Room::default, |room, (chunk, mut states)| {
        states.iter_mut().for_each(|state| state.clear(samples.width));
        for first in (0..chunk.len()).step_by(BLOCK) {
            let count = BLOCK.min(chunk.len() - first);
            for (state, centroids) in states.iter_mut().zip(&centroids) {
                state.assign(samples, chunk.start, first, count, centroids, room);
            }
        }
    });
}

/// The samples as the passes want them: moved to their mean, with their norms, in chunks for the threads.
pub(super) struct Samples {
    values: Vec<f32>,
    width: usize,
    mean: Vec<f64>,
    norms: Vec<f32>,
    chunks: Vec<Range<usize>>,
}

impl Samples {
    pub(super) fn new(rows: Rows) -> Self {
        let mean = rows.mean();
        let mut samples =
            Self { values: Vec::new(), width: rows.width(), mean, norms: Vec::new(), chunks: Vec::new() };
        samples.values = samples.centred(rows.values());
        samples.norms = samples
            .values
            .par_chunks_exact(rows.width())
            .map(|row| row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() as f32)
            .collect();
        // The chunks depend on the samples alone, so that sums come out the same on any number of threads.
        let size = rows.len().div_ceil(32).max(1024);
        samples.chunks = (0..rows.len()).step_by(size).map(|i| i..rows.len().min(i + size)).collect();
        samples
    }

    pub(super) fn len(&self) -> usize {
        self.norms.len()
    }

    pub(super) fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.width..(index + 1) * self.width]
    }

    pub(super) fn norm(&self, index: usize) -> f32 {
        self.norms[index]
    }

    pub(super) fn chunks(&self) -> &[Range<usize>] {
        &self.chunks
    }

    /// The samples at `indices` as columns to be multiplied with.
    pub(super) fn pack(&self, indices: &[usize]) -> crate::dots::Columns {
        let values: Vec<f32> = indices.iter().flat_map(|&index| self.row(index)).copied().collect();
        crate::dots::Columns::pack(&values, self.width)
    }

    /// `values` (rows or centroids) moved as the samples were.
    fn centred(&self, values: &[f32]) -> Vec<f32> {
        let mut moved = vec![0.0; values.len()];
        moved.par_chunks_exact_mut(self.width).zip(values.par_chunks_exact(self.width)).for_each(
            |(to, row)| {
                for ((to, &x), mean) in to.iter_mut().zip(row).zip(&self.mean) {
                    *to = (f64::from(x) - mean) as f32;
                }
            },
        );
        moved
    }

    fn moved_back(&self, centroids: &[f32]) -> Vec<f32> {
        let means = self.mean.iter().cycle();
        centroids.iter().zip(means).map(|(&x, mean)| (f64::from(x) + mean) as f32).collect()
    }

    /// The mean over the columns of their variance: the samples are centred, so it is the mean square.
    fn mean_variance(&self) -> f64 {
        self.norms.iter().map(|&norm| f64::from(norm)).sum::<f64>() / self.values.len().max(1) as f64
    }
}

/// One start on its way.
struct Run {
    centroids: Vec<f32>,
    ready: Centroids,
    sums: Vec<f64>,
    counts: Vec<i64>,
    chunks: Vec<Assignment>,
    steps: usize,
    /// No further step is needed.
    done: bool,
    /// The labels are those of the centroids.
    settled: bool,
}

impl Run {
    fn new(samples: &Samples, clusters: usize, centroids: Vec<f32>) -> Self {
        let width = samples.width;
        Self {
            ready: Centroids::new(&centroids, width),
            centroids,
            sums: vec![0.0; clusters * width],
            counts: vec![0; clusters],
            chunks: samples
                .chunks()
                .iter()
                .map(|chunk| Assignment::new(chunk.len(), clusters, width))
                .collect(),
            steps: 0,
            done: false,
            settled: false,
        }
    }

    fn labels(&self) -> impl Iterator<Item = u32> {
        self.chunks.iter().flat_map(|chunk| chunk.labels.iter().copied())
    }

    /// Moves the centroids to the means of their samples.
    fn update(&mut self, samples: &Samples, tolerance: f64) {
        let width = samples.width;
        self.steps += 1;
        let mut changed = 0;
        for chunk in &self.chunks {
            changed += chunk.changed;
            for cluster in (0..self.counts.len()).filter(|&cluster| chunk.touched[cluster]) {
                let at = cluster * width..(cluster + 1) * width;
                self.sums[at.clone()].iter_mut().zip(&chunk.sums[at]).for_each(|(sum, part)| *sum += part);
                self.counts[cluster] += chunk.counts[cluster];
            }
        }
        if changed == 0 {
            (self.done, self.settled) = (true, true);
            return;
        }
        let next = self.means(samples);
        let squares: Vec<f64> = next
            .chunks_exact(width)
            .zip(self.centroids.chunks_exact(width))
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum())
            .collect();
        self.centroids = next;
        self.ready = Centroids::new(&self.centroids, width);
        // A little more than the shift, so that rounding never makes a bound too tight.
        let shift = Shift::new(squares.iter().map(|square| (square.sqrt() * 1.000_001) as f32).collect());
        self.chunks.iter_mut().for_each(|chunk| chunk.follow(&shift));
        self.done = squares.iter().sum::<f64>() <= tolerance;
    }

    /// The mean of each cluster; an empty one moves to the sample that is farthest from its own centroid.
    fn means(&self, samples: &Samples) -> Vec<f32> {
        let width = samples.width;
        let empty: Vec<usize> = (0..self.counts.len()).filter(|&cluster| self.counts[cluster] == 0).collect();
        let (mut sums, mut counts) = (self.sums.clone(), self.counts.clone());
        if !empty.is_empty() {
            let labels: Vec<u32> = self.labels().collect();
            let distances = self.distances(samples);
            let mut farthest: Vec<usize> = (0..samples.len()).collect();
            farthest.sort_by(|&a, &b| distances[b].total_cmp(&distances[a]));
            // Fewer different samples than clusters: no place is better than another.
            let useful = if distances[farthest[0]] > 0.0 { empty.len() } else { 0 };
            for (&cluster, &far) in empty.iter().zip(farthest.iter().take(useful)) {
                let old = labels[far] as usize;
                for (t, &x) in samples.row(far).iter().enumerate() {
                    sums[old * width + t] -= f64::from(x);
                    sums[cluster * width + t] = f64::from(x);
                }
                counts[old] -= 1;
                counts[cluster] = 1;
            }
        }
        let largest = (0..counts.len()).rev().max_by_key(|&cluster| counts[cluster]).unwrap_or(0);
        (0..counts.len())
            .flat_map(|cluster| {
                let source = if counts[cluster] > 0 { cluster } else { largest };
                let count = counts[source] as f64;
                sums[source * width..(source + 1) * width].iter().map(move |sum| (sum / count) as f32)
            })
            .collect()
    }

    /// The squared distance of each sample to its centroid.
    fn distances(&self, samples: &Samples) -> Vec<f64> {
        let width = samples.width;
        let labels: Vec<u32> = self.labels().collect();
        labels
            .par_iter()
            .enumerate()
            .map(|(i, &label)| {
                let centroid = &self.centroids[label as usize * width..(label as usize + 1) * width];
                squared_distance(samples.row(i), centroid)
            })
            .collect()
    }

    fn inertia(&self, samples: &Samples) -> f64 {
        self.distances(samples).iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs(count: usize, width: usize) -> Vec<f32> {
        let mut rng = Key::new(5).rng();
        (0..count * width).map(|i| rng.normal() + 8.0 * ((i / width % 3) as f32)).collect()
    }

    #[test]
    fn separate_groups_are_found() {
        let values = blobs(300, 4);
        let found = KMeans::new(3).fit(Rows::new(&values, 4).unwrap(), Key::new(0)).unwrap();
        assert!((0..300).all(|i| found.labels[i] == found.labels[i % 3]));
        assert!(found.labels[0] != found.labels[1] && found.labels[1] != found.labels[2]);
    }

    #[test]
    fn every_sample_is_with_its_nearest_centroid() {
        // The bounds may save work, never change a label: overlapping groups, several chunks.
        let mut rng = Key::new(9).rng();
        let values: Vec<f32> = (0..3000 * 5).map(|_| rng.normal()).collect();
        let rows = Rows::new(&values, 5).unwrap();
        let found = KMeans { starts: 3, ..KMeans::new(7) }.fit(rows, Key::new(1)).unwrap();
        for (row, &label) in rows.iter().zip(&found.labels) {
            let square = |c: usize| -> f64 {
                let centroid = &found.centroids[c * 5..(c + 1) * 5];
                row.iter().zip(centroid).map(|(a, b)| f64::from(a - b).powi(2)).sum()
            };
            let own = square(label as usize);
            assert!((0..7).all(|c| own <= square(c) + 1e-4), "{label}");
        }
        assert_eq!(nearest(rows, &found.centroids).unwrap(), found.labels);
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let values = blobs(5000, 3);
        let fit = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| KMeans::new(4).fit(Rows::new(&values, 3).unwrap(), Key::new(2)).unwrap())
        };
        assert_eq!(fit(1), fit(3));
    }

    #[test]
    fn an_empty_cluster_takes_the_farthest_sample() {
        let values = [0.0, 0.1, 0.2, 10.0];
        let rows = Rows::new(&values, 1).unwrap();
        let found = KMeans::new(2).fit_from(rows, &[0.0, -1000.0]).unwrap();
        assert_eq!(found.labels, [0, 0, 0, 1]);
        assert_eq!(found.centroids[1], 10.0);
    }

    #[test]
    fn identical_samples_are_no_trouble() {
        let values = [2.5; 12];
        let found = KMeans::new(3).fit(Rows::new(&values, 2).unwrap(), Key::new(0)).unwrap();
        assert_eq!((found.inertia, found.labels), (0.0, vec![0; 6]));
    }

    #[test]
    fn more_clusters_than_samples_are_refused() {
        let error = KMeans::new(3).fit(Rows::new(&[1.0, 2.0], 1).unwrap(), Key::new(0)).unwrap_err();
        assert!(error.to_string().contains("2 samples cannot form 3 clusters"), "{error}");
    }
}
