//! Evaluators: every method is judged by the same metrics.
