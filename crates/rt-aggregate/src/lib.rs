//! rt-aggregate.
