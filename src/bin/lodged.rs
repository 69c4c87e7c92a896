//! lodged.

fn main() {}
