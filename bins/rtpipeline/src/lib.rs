//! The umbrella: the course graph and the verbs.
