//! What a binary was built for, read from its own bytes: the processor, and the newest version of
//! the C library that it asks for. A function that asks for a newer one than its runtime has ends
//! before its first line, and only in the cloud.

/// The C library of `provided.al2023`: glibc 2.34.
pub(crate) const GLIBC_MAX: (u32, u32) = (2, 34);

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    /// As Lambda calls it: `arm64` or `x86_64`.
    pub(crate) architecture: &'static str,
    /// The newest version of glibc that is asked for, if any.
    pub(crate) glibc: Option<(u32, u32)>,
}

/// What a binary needs, or why it is no binary for a function.
pub(crate) fn read(bytes: &[u8]) -> Result<Needs, String> {
    // 64 bits, least significant byte first.
    let (Some([0x7f, b'E', b'L', b'F', 2, 1]), Some(machine)) = (bytes.get(..6), bytes.get(18..20))
    else {
        return Err("it is no 64-bit Linux binary".to_owned());
    };
    let architecture = match machine {
        [0xb7, 0] => "arm64",
        [0x3e, 0] => "x86_64",
        other => return Err(format!("Lambda has no processor {other:?}")),
    };
    Ok(Needs { architecture, glibc: versions(bytes).max() })
}

impl Needs {
    /// Why it would not start in the cloud, though it may start here.
    pub(crate) fn flaw(&self) -> Option<String> {
        let (major, minor) = self.glibc.filter(|asked| *asked > GLIBC_MAX)?;
        Some(format!(
            "it asks for glibc {major}.{minor}, the runtime has {}.{}: \
             build it with cargo lambda or on Amazon Linux 2023",
            GLIBC_MAX.0, GLIBC_MAX.1
        ))
    }
}

/// The versions that stand in its table of names, like `GLIBC_2.28`.
fn versions(bytes: &[u8]) -> impl Iterator<Item = (u32, u32)> {
    const WORD: &[u8] = b"GLIBC_";
    bytes.windows(WORD.len()).enumerate().filter(|(_, at)| *at == WORD).filter_map(|(at, _)| {
        let rest = bytes.get(at + WORD.len()..)?;
        let end = rest.iter().position(|b| !b.is_ascii_digit() && *b != b'.')?;
        let mut parts = std::str::from_utf8(rest.get(..end)?).ok()?.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(machine: u8, names: &str) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(18, 0);
        bytes.extend([machine, 0]);
        bytes.extend(names.as_bytes());
        bytes
    }

    #[test]
    fn processor_and_library_are_read() {
        let read = read(&binary(0xb7, "\0GLIBC_2.17\0GLIBC_2.4\0GLIBC_PRIVATE\0")).unwrap();
        assert_eq!(read, Needs { architecture: "arm64", glibc: Some((2, 17)) });
        assert_eq!(read.flaw(), None);
        assert_eq!(super::read(&binary(0x3e, "")).unwrap().architecture, "x86_64");
    }

    #[test]
    fn what_would_not_start_is_refused() {
        let newer = read(&binary(0x3e, "\0GLIBC_2.9\0GLIBC_2.39\0")).unwrap().flaw().unwrap();
        assert!(newer.starts_with("it asks for glibc 2.39, the runtime has 2.34"), "{newer}");
        assert!(read(&binary(0x03, "")).unwrap_err().starts_with("Lambda has no processor"));
        assert_eq!(read(b"#!/bin/sh").unwrap_err(), "it is no 64-bit Linux binary");
    }
}
