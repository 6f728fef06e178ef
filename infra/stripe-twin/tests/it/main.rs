//! Drives the twin.
