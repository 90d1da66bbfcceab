//! The quick start.
