//! A merchant's own system, as a webhook meets it: it listens on this machine, answers by the path
//! that it is called at, and remembers what it heard.
//!
//! `/ok` takes everything, `/gone` says 410, `/moved` sends elsewhere; all else is out of order.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// What it heard.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// The path of the request.
    pub(crate) path: String,
    /// Its headers, in lower case, a line each.
    pub(crate) headers: Vec<String>,
    /// Its body.
    pub(crate) body: String,
}

impl Heard {
    /// A header.
    pub(crate) fn header(&self, name: &str) -> &str {
        let begin = format!("{name}: ");
        let line = self.headers.iter().find(|line| line.to_lowercase().starts_with(&begin));
        line.map_or("", |line| &line[begin.len()..])
    }

    /// What it says.
    pub(crate) fn value(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("a webhook is JSON")
    }
}

/// A system of the merchant. It listens until the tests are over.
#[derive(Clone)]
pub(crate) struct Receiver {
    port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Receiver {
    /// One that listens.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A caller that breaks off is not heard.
                if let Some(words) = listen(stream) {
                    ear.lock().unwrap_or_else(PoisonError::into_inner).push(words);
                }
            }
        });
        Self { port, heard }
    }

    /// Where it is called.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it heard since it was asked last.
    pub(crate) fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn listen(mut stream: TcpStream) -> Option<Heard> {
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    let (head, begin) = loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        said.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&said).into_owned();
        if let Some(end) = text.find("\r\n\r\n") {
            break (text[..end].to_owned(), end + 4);
        }
    };
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: Vec<String> = lines.map(str::to_owned).collect();
    let length = headers.iter().find_map(|line| {
        line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
    })?;
    while said.len() < begin + length {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        said.extend_from_slice(&buffer[..read]);
    }
    let body = String::from_utf8_lossy(&said[begin..]).into_owned();
    let heard = Heard { path, headers, body };
    let answer = match heard.path.as_str() {
        "/ok" => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
        "/gone" => "HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        "/moved" => {
            "HTTP/1.1 302 Found\r\nlocation: /ok\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        }
        _ => "HTTP/1.1 503 Busy\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbusy",
    };
    stream.write_all(answer.as_bytes()).ok()?;
    Some(heard)
}
