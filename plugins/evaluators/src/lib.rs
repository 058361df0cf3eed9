//! Evaluators: every method is judged by the same metrics.

pub mod logistic;
pub mod neighbors;
pub mod pca;
pub mod silhouette;
pub mod tsne;
