//! Placeholder of `host` until its first module lands.
