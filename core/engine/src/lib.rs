//! scant-engine
