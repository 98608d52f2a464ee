//! REST: RingCentral's paths, OAuth, Lampfield's own paths.
