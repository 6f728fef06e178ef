//! Pictures of letters and papers, for the documentation: the samples are written, rendered by
//! poppler (`pdftoppm`) and by Chromium, and put where the documents show them.
//!
//! A picture differs with the fonts of whoever takes it; so they are looked at, not compared.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Outcome, repository};

/// Papers that are shown, one page of each.
const PAPERS: [&str; 5] =
    ["invoice-german", "invoice-dinar", "credit-note", "packing-slips", "pick-list"];
/// Letters on a telephone, beside each other, and on a desk.
const SHEETS: [Sheet; 2] = [
    Sheet {
        name: "at-320-pixels",
        width: 320,
        height: 1_280,
        letters: &[
            "order_confirmation",
            "order_shipped",
            "order_edit_to_approve",
            "payment_failed",
            "order_refunded",
            "return_approved",
        ],
    },
    Sheet {
        name: "at-800-pixels",
        width: 800,
        height: 1_180,
        letters: &["order_confirmation", "order_edited"],
    },
];
/// Pixels between two letters.
const GAP: usize = 16;
/// Dots per inch: A4 is 496 pixels wide.
const DPI: &str = "60";

struct Sheet {
    name: &'static str,
    width: usize,
    height: usize,
    letters: &'static [&'static str],
}

/// Takes all pictures.
pub(crate) fn pictures() -> Outcome<bool> {
    let root = repository::root()?;
    let made = root.join("target/pictures");
    for (package, example) in [("documents", "papers"), ("notify", "letters")] {
        let samples = made.join(example);
        fs::create_dir_all(&samples)?;
        let mut cargo = Command::new(repository::cargo());
        cargo.args(["run", "--quiet", "--package", package, "--example", example, "--"]);
        run(cargo.arg(samples).current_dir(&root))?;
    }
    for paper in PAPERS {
        let from = made.join("papers").join(format!("{paper}.pdf"));
        let to = root.join("docs/papers").join(paper);
        let page = ["-png", "-r", DPI, "-f", "1", "-l", "1", "-singlefile"];
        run(Command::new("pdftoppm").args(page).arg(from).arg(to))?;
    }
    for sheet in SHEETS {
        take(&sheet, &made.join("letters"), &root.join("docs/letters"))?;
    }
    println!("docs/papers, docs/letters: look at them");
    Ok(true)
}

/// Letters side by side, in frames as wide as the device.
fn take(sheet: &Sheet, samples: &Path, folder: &Path) -> Outcome<()> {
    let Sheet { name, width, height, letters } = sheet;
    let mut page = format!("<body style='margin:0;display:flex;gap:{GAP}px;background:#888'>");
    for letter in *letters {
        let path = samples.join(format!("{letter}.html"));
        if !path.is_file() {
            return Err(format!("no sample is called {letter}").into());
        }
        write!(
            page,
            "<iframe src='{letter}.html' style='border:0;width:{width}px;height:{height}px'>\
             </iframe>"
        )?;
    }
    let file = samples.join(format!("{name}.sheet.html"));
    fs::write(&file, page)?;
    let across = letters.len() * (width + GAP) - GAP;
    let mut chromium = Command::new("chromium");
    // It shows nothing but these files; as root it starts only so.
    chromium.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
    chromium.arg(format!("--screenshot={}", folder.join(format!("{name}.png")).display()));
    chromium.arg(format!("--window-size={across},{height}"));
    run(chromium.arg(format!("file://{}", file.display())))
}

fn run(command: &mut Command) -> Outcome<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} ended with {}: {said}", output.status).into());
    }
    Ok(())
}
