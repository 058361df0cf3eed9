//! scant-datasets
