//! Writes one letter of each kind into a folder, to be looked at: `NAME.html` and `NAME.txt`, the
//! subject as the text's first line.
//!
//! `cargo run -p notify --example letters -- target/letters`

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use notify::{Templates, samples};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args_os().nth(1).ok_or("say the folder to write into")?;
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder)?;
    let templates = Templates::built_in()?;
    let order = samples::order()?;
    for (name, letter) in samples::letters(order.id) {
        let rendered = templates.render(&samples::facts(&letter, &order))?;
        fs::write(folder.join(format!("{name}.html")), rendered.html)?;
        let text = format!("{}\n\n{}\n", rendered.subject, rendered.text);
        fs::write(folder.join(format!("{name}.txt")), text)?;
    }
    Ok(())
}
