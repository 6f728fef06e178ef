//! Writes every sample paper as a PDF into a folder, to be looked at:
//! `cargo run -p documents --example papers -- FOLDER`.

mod samples;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".to_owned()));
    for (name, papers) in samples::every().ok_or("a sample is broken")? {
        std::fs::write(folder.join(name).with_extension("pdf"), documents::pdf(&papers)?)?;
    }
    Ok(())
}
