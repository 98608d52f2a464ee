//! The delivering loop: read the journal, match, see, address, hand over.
