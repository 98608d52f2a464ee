//! Simulated people, load and benchmarks.
