//! What goes over the wire: the founding example, every variant, and laws.

mod fixtures;
mod golden;
mod laws;
mod sight;
mod variants;
