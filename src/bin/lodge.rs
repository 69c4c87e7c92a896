//! lodge.

fn main() {}
