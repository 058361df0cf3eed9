//! How far a clustering agrees with the true classes, or two labellings with one another.

use std::collections::BTreeSet;

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;
use scant_abi::{Error, Result};

/// How many samples of each class fell into each cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contingency {
    classes: Vec<i64>,
    clusters: Vec<i64>,
    counts: Vec<u64>,
}

impl Contingency {
    /// Counts samples by class and cluster. Any whole number is a label; only those that occur are counted.
    pub fn new(truth: &[i64], clusters: &[i64]) -> Result<Self> {
        if truth.is_empty() || truth.len() != clusters.len() {
            return Err(Error::shape(format!(
                "{} true labels and {} clusters: there must be one of each per sample, and at least one sample",
                truth.len(),
                clusters.len()
            )));
        }
        let occurring = |labels: &[i64]| -> Vec<i64> {
            labels.iter().copied().collect::<BTreeSet<i64>>().into_iter().collect()
        };
        let (class_ids, cluster_ids) = (occurring(truth), occurring(clusters));
        let mut counts = vec![0; class_ids.len() * cluster_ids.len()];
        for (class, cluster) in truth.iter().zip(clusters) {
            // Both are there: the lists were made from these very labels.
            let row = class_ids.partition_point(|id| id < class);
            let column = cluster_ids.partition_point(|id| id < cluster);
            counts[row * cluster_ids.len() + column] += 1;
        }
        Ok(Self { classes: class_ids, clusters: cluster_ids, counts })
    }

    /// The classes that occur, ascending.
    pub fn classes(&self) -> &[i64] {
        &self.classes
    }

    /// The clusters that occur, ascending.
    pub fn clusters(&self) -> &[i64] {
        &self.clusters
    }

    /// The number of samples of the class and the cluster at these places.
    pub fn count(&self, class: usize, cluster: usize) -> u64 {
        self.counts[class * self.clusters.len() + cluster]
    }

    /// The number of samples of each class.
    pub fn class_sizes(&self) -> Vec<u64> {
        self.counts.chunks_exact(self.clusters.len()).map(|row| row.iter().sum()).collect()
    }

    /// The number of samples in each cluster.
    pub fn cluster_sizes(&self) -> Vec<u64> {
        (0..self.clusters.len())
            .map(|cluster| (0..self.classes.len()).map(|class| self.count(class, cluster)).sum())
            .collect()
    }

    fn total(&self) -> f64 {
        self.counts.iter().sum::<u64>() as f64
    }
}

/// The pairs of class and cluster (places in the contingency) that put the most samples right, one to one.
pub fn match_clusters(table: &Contingency) -> Vec<(usize, usize)> {
    // The solver wants no more rows than columns.
    let upright = table.classes.len() <= table.clusters.len();
    let (rows, columns) = if upright {
        (table.classes.len(), table.clusters.len())
    } else {
        (table.clusters.len(), table.classes.len())
    };
    let place = |row: usize, column: usize| if upright { (row, column) } else { (column, row) };
    let weights = Matrix::from_fn(rows, columns, |(row, column)| {
        let (class, cluster) = place(row, column);
        table.count(class, cluster) as i64
    });
    let (_, columns) = kuhn_munkres(&weights);
    let mut pairs: Vec<_> = columns.into_iter().enumerate().map(|(row, column)| place(row, column)).collect();
    pairs.sort_unstable();
    pairs
}

/// The share of samples put right when each cluster stands for the class that suits all best, one to one (ACC).
pub fn clustering_accuracy(table: &Contingency) -> f64 {
    let right: u64 = match_clusters(table).iter().map(|&(class, cluster)| table.count(class, cluster)).sum();
    right as f64 / table.total()
}

/// The share of samples put right when each cluster stands for its largest class.
pub fn purity(table: &Contingency) -> f64 {
    let largest =
        |cluster| (0..table.classes.len()).map(|class| table.count(class, cluster)).max().unwrap_or(0);
    (0..table.clusters.len()).map(largest).sum::<u64>() as f64 / table.total()
}

/// Mutual information over the mean of the two entropies (NMI); 1 where both labellings are a single group.
pub fn normalized_mutual_information(table: &Contingency) -> f64 {
    if table.classes.len() == 1 && table.clusters.len() == 1 {
        return 1.0;
    }
    let (total, classes, clusters) = (table.total(), table.class_sizes(), table.cluster_sizes());
    let mut information = 0.0;
    for (class, &class_size) in classes.iter().enumerate() {
        for (cluster, &cluster_size) in clusters.iter().enumerate() {
            let count = table.count(class, cluster) as f64;
            if count > 0.0 {
                let expected = class_size as f64 * cluster_size as f64 / total;
                information += count / total * (count / expected).ln();
            }
        }
    }
    if information <= f64::EPSILON {
        return 0.0;
    }
    let entropy = |sizes: &[u64]| -> f64 {
        sizes.iter().map(|&size| size as f64 / total).map(|share| -share * share.ln()).sum()
    };
    information / (0.5 * (entropy(&classes) + entropy(&clusters)))
}

/// The share of pairs of samples on which both labellings agree, corrected for chance (ARI).
pub fn adjusted_rand(table: &Contingency) -> f64 {
    let squares = |sizes: &[u64]| sizes.iter().map(|&size| (size as f64).powi(2)).sum::<f64>();
    let total = table.total();
    let (both, classes, clusters) =
        (squares(&table.counts), squares(&table.class_sizes()), squares(&table.cluster_sizes()));
    let together = both - total;
    let (only_clusters, only_classes) = (clusters - both, classes - both);
    let apart = total * total - only_clusters - only_classes - both;
    if only_clusters == 0.0 && only_classes == 0.0 {
        return 1.0;
    }
    2.0 * (together * apart - only_classes * only_clusters)
        / ((together + only_classes) * (only_classes + apart)
            + (together + only_clusters) * (only_clusters + apart))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(truth: &[i64], clusters: &[i64]) -> Contingency {
        Contingency::new(truth, clusters).unwrap()
    }

    #[test]
    fn a_renamed_labelling_agrees_in_full() {
        let table = table(&[0, 0, 1, 1, 2], &[7, 7, -3, -3, 0]);
        assert_eq!(clustering_accuracy(&table), 1.0);
        assert_eq!(normalized_mutual_information(&table), 1.0);
        assert_eq!(adjusted_rand(&table), 1.0);
        assert_eq!(purity(&table), 1.0);
    }

    #[test]
    fn a_cluster_stands_for_one_class_only() {
        // Purity lets both clusters stand for class 0; the matching does not.
        let table = table(&[0, 0, 0, 0, 1], &[0, 0, 1, 1, 1]);
        assert_eq!(clustering_accuracy(&table), 0.6);
        assert_eq!(purity(&table), 0.8);
    }

    #[test]
    fn more_clusters_than_classes_and_fewer_are_both_matched() {
        assert_eq!(clustering_accuracy(&table(&[0, 0, 0, 0], &[0, 1, 2, 2])), 0.5);
        assert_eq!(clustering_accuracy(&table(&[0, 1, 2, 2], &[0, 0, 0, 0])), 0.5);
    }

    #[test]
    fn labels_of_different_number_are_refused() {
        assert!(Contingency::new(&[0, 1], &[0]).is_err());
        assert!(Contingency::new(&[], &[]).is_err());
    }

    proptest! {
        #[test]
        fn scores_are_bounded_and_blind_to_names(
            labels in prop::collection::vec((0_i64..5, 0_i64..6), 1..60),
            shift in 1_i64..6,
        ) {
            let (truth, clusters): (Vec<i64>, Vec<i64>) = labels.into_iter().unzip();
            let renamed: Vec<i64> = clusters.iter().map(|c| (c + shift) % 6 * 3 - 4).collect();
            let (a, b) = (table(&truth, &clusters), table(&truth, &renamed));
            for score in [clustering_accuracy, normalized_mutual_information, purity] {
                prop_assert!((-1e-12..=1.0 + 1e-12).contains(&score(&a)));
                prop_assert!((score(&a) - score(&b)).abs() < 1e-12);
            }
            prop_assert!((-1.0..=1.0).contains(&adjusted_rand(&a)));
            prop_assert!((adjusted_rand(&a) - adjusted_rand(&b)).abs() < 1e-12);
            prop_assert!(clustering_accuracy(&a) <= purity(&a) + 1e-12);
        }
    }
}
