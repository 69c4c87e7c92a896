//! The small identity provider.
