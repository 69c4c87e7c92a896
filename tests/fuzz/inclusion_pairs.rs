//! No fuzz target: tells 100,000 pairs of policies apart, which takes too long where nothing is optimised.

fn main() {
    println!("{}", lodge::domain::policy::tell_apart(100_000));
}
