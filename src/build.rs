//! Tells cargo to look again when a migration, a policy or a page changes: on stable Rust the macros that embed
//! folders do not notice a new file.

fn main() {
    for folder in ["migrations", "policies", "src/console"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
