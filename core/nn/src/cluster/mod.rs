//! Clustering: k-means, and how far two labellings of the same samples agree.

mod agreement;
mod bounds;
mod kmeans;
mod start;

pub use agreement::{
    Contingency, adjusted_rand, clustering_accuracy, match_clusters, normalized_mutual_information, purity,
};
pub use kmeans::{Clustering, KMeans, nearest};
