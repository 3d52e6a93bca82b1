//! Placeholder of `shared` until its first module lands.
