//! Clustering by a classifier's own labels (source 001), and by k-means' (DeepCluster, Caron et al., 2018).

mod deep_cluster;
mod end_to_end;
mod labels;
mod step;

pub use deep_cluster::{DeepCluster, DeepClusterConfig};
pub use end_to_end::{EndToEnd, EndToEndConfig};

scant_abi::plugin! {
    trainer EndToEnd,
    trainer DeepCluster,
}
