//! Placeholder of `emulator` until its first module lands.
