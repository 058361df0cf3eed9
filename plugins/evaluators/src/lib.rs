//! scant-evaluators
