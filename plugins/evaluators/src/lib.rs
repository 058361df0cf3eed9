//! Evaluators: every method is judged by the same metrics.
//!
//! The numerics stand on slices, in modules of their own, and are scikit-learn's by definition; each evaluator reads
//! named outputs, calls them, and reports. Nothing here depends on the number of threads.

mod classification;
mod clustering;
mod embedding_map;
mod knn_probe;
mod linear_probe;
pub mod logistic;
pub mod metrics;
pub mod neighbors;
pub mod pca;
mod reconstructions;
mod report;
mod sample;
pub mod silhouette;
mod stability;
pub mod tsne;

pub use classification::{Classification, ClassificationConfig};
pub use clustering::{Clustering, ClusteringConfig};
pub use embedding_map::{EmbeddingMap, EmbeddingMapConfig};
pub use knn_probe::{KnnProbe, KnnProbeConfig, vote};
pub use linear_probe::{LinearProbe, LinearProbeConfig};
pub use reconstructions::{Reconstructions, ReconstructionsConfig};
pub use sample::{ProbeLabels, SplitName};
pub use stability::{Stability, StabilityConfig, line_of_best_fit};

scant_abi::plugin! {
    evaluator Classification,
    evaluator LinearProbe,
    evaluator KnnProbe,
    evaluator Clustering,
    evaluator EmbeddingMap,
    evaluator Reconstructions,
    evaluator Stability,
}
