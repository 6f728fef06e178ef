//! HTTP as the servers of this rig read it: one request after the other of a connection.

use std::io::BufRead;

use crate::Outcome;

/// A request as a server on loopback reads it.
pub(crate) struct Heard {
    pub(crate) line: String,
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
}

/// Reads one request; none where the connection ended.
pub(crate) fn hear(reader: &mut impl BufRead) -> Outcome<Option<Heard>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let (mut length, mut target, mut in_chunks) = (0, String::new(), false);
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        let Some((name, value)) = header.split_once(':') else { continue };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse()?,
            "x-amz-target" => value.trim().clone_into(&mut target),
            "transfer-encoding" => in_chunks = value.trim() == "chunked",
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    while in_chunks {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16)?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk)?;
        body.extend(chunk.iter().take(size));
        in_chunks = size > 0;
    }
    Ok(Some(Heard { line, target, body }))
}
