//! One file in a zip, the same bytes whenever and wherever it is written: no time, no owner.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// Zip's own beginning of time, the first of January 1980, in its own form.
const DATE: u16 = 0x0021;
/// 2.0: deflate.
const VERSION: u16 = 20;
/// Made on Unix, so that the mode below is one.
const MADE_BY: u16 = 3 << 8 | VERSION;
const DEFLATE: u16 = 8;
/// A file that everybody may run.
const MODE: u32 = 0o100_755 << 16;

/// A zip that holds `content` under `name`, executable.
pub(crate) fn of_one(name: &str, content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    let packed = encoder.finish()?;
    let too_large = |_| io::Error::other(format!("{name} does not fit into a zip of 4 GB"));
    let [packed_size, size] = [packed.len(), content.len()].map(u32::try_from);
    let (packed_size, size) = (packed_size.map_err(too_large)?, size.map_err(too_large)?);
    let name_size = u16::try_from(name.len()).map_err(too_large)?;

    // What both headers say of the file, from the version that is needed on.
    let mut about = Vec::new();
    for half in [VERSION, 0, DEFLATE, 0, DATE] {
        about.extend(half.to_le_bytes());
    }
    for word in [crc32fast::hash(content), packed_size, size] {
        about.extend(word.to_le_bytes());
    }
    for half in [name_size, 0] {
        about.extend(half.to_le_bytes());
    }

    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend(&about);
    zip.extend(name.as_bytes());
    zip.extend(&packed);
    let directory = u32::try_from(zip.len()).map_err(too_large)?;

    zip.extend(b"PK\x01\x02");
    zip.extend(MADE_BY.to_le_bytes());
    zip.extend(&about);
    // No comment, the first disk, nothing internal.
    zip.extend([0; 6]);
    zip.extend(MODE.to_le_bytes());
    zip.extend(0_u32.to_le_bytes());
    zip.extend(name.as_bytes());
    let directory_size = u32::try_from(zip.len()).map_err(too_large)? - directory;

    zip.extend(b"PK\x05\x06");
    zip.extend([0; 4]);
    for half in [1_u16, 1] {
        zip.extend(half.to_le_bytes());
    }
    for word in [directory_size, directory] {
        zip.extend(word.to_le_bytes());
    }
    zip.extend([0; 2]);
    Ok(zip)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn equal_contents_make_equal_zips() {
        let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let zip = of_one("bootstrap", &content).unwrap();
        assert_eq!(zip, of_one("bootstrap", &content).unwrap());
        assert!(zip.len() < content.len());
        assert_ne!(zip, of_one("bootstrap", &content[1..]).unwrap());
    }

    #[test]
    fn another_program_reads_it_and_finds_an_executable() {
        let path = std::env::temp_dir().join(format!("fluxion-zip-{}.zip", std::process::id()));
        std::fs::write(&path, of_one("bootstrap", b"\x7fELF and so on").unwrap()).unwrap();
        let script = "import sys, zipfile\n\
            z = zipfile.ZipFile(sys.argv[1])\n\
            assert z.testzip() is None\n\
            [i] = z.infolist()\n\
            print(i.filename, oct(i.external_attr >> 16), i.date_time, z.read(i))";
        let python = Command::new("python3").args(["-c", script]).arg(&path).output().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&python.stdout).trim(),
            "bootstrap 0o100755 (1980, 1, 1, 0, 0, 0) b'\\x7fELF and so on'",
            "{}",
            String::from_utf8_lossy(&python.stderr)
        );
    }
}
