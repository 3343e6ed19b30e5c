//! rt-cli.
