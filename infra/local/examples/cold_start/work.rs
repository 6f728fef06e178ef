//! A process and the Lambda Runtime API on loopback that gives it its work.

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use crate::Outcome;
use crate::heard::hear;

/// What a request for work begins with.
const NEXT: &str = "GET /2018-06-01/runtime/invocation/next ";

/// A function's process. Who drops it ends it.
pub(crate) struct Process {
    child: Child,
    began: Instant,
    patience: Duration,
    /// What it wrote to its standard error.
    said: PathBuf,
    address: SocketAddr,
    told: Receiver<Deed>,
    hand: Sender<Vec<u8>>,
    is_over: Arc<AtomicBool>,
    server: Option<JoinHandle<()>>,
}

/// What a process does at the Runtime API.
#[derive(Debug)]
enum Deed {
    Asks(Instant),
    Answers(Instant, Vec<u8>),
    Fails(Vec<u8>),
}

impl Process {
    /// Starts it. Whatever it is asked for, it has to do within its `patience`; what it says goes
    /// into the folder.
    pub(crate) fn start(command: &mut Command, folder: &Path, patience: Duration) -> Outcome<Self> {
        let work = TcpListener::bind("127.0.0.1:0")?;
        let address = work.local_addr()?;
        let (tell, told) = mpsc::channel();
        let (hand, handed) = mpsc::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let server = std::thread::spawn(move || serve(&work, &tell, handed, &over, patience));
        let said = folder.join("stderr");
        command.stdout(Stdio::null()).stderr(std::fs::File::create(&said)?);
        command.env("AWS_LAMBDA_RUNTIME_API", address.to_string());
        let began = Instant::now();
        let child = command.spawn()?;
        let server = Some(server);
        Ok(Self { child, began, patience, said, address, told, hand, is_over, server })
    }

    /// Waits until it asks for its first work, and says how long that took.
    pub(crate) fn ready(&self) -> Outcome<Duration> {
        Ok(self.asks()? - self.began)
    }

    /// Gives it an event, and waits for its answer and its next request for work.
    pub(crate) fn invoke(&self, event: &[u8]) -> Outcome<(Duration, Vec<u8>)> {
        let handed = Instant::now();
        self.hand.send(event.to_vec())?;
        let (at, answer) = match self.told.recv_timeout(self.patience) {
            Ok(Deed::Answers(at, answer)) => (at, answer),
            other => return Err(self.blame("does not answer", other.ok().as_ref())),
        };
        self.asks()?;
        Ok((at - handed, answer))
    }

    fn asks(&self) -> Outcome<Instant> {
        match self.told.recv_timeout(self.patience) {
            Ok(Deed::Asks(at)) => Ok(at),
            other => Err(self.blame("does not ask for work", other.ok().as_ref())),
        }
    }

    fn blame(&self, what: &str, deed: Option<&Deed>) -> Box<dyn std::error::Error + Send + Sync> {
        let did = match deed {
            Some(Deed::Fails(body)) => String::from_utf8_lossy(body).into_owned(),
            Some(Deed::Answers(..)) => "it answers".to_owned(),
            Some(Deed::Asks(_)) => "it asks".to_owned(),
            None => String::new(),
        };
        let said = std::fs::read_to_string(&self.said).unwrap_or_default();
        format!("the process {what}: {did} {said}").into()
    }

    /// A figure of its memory, by the kernel's name: `VmRSS` is what it has now, `VmHWM` the most
    /// that it ever had.
    pub(crate) fn memory_kb(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        lines.find_map(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    /// Asks it to end, as Lambda does, and waits: a tool that it runs under writes down what it
    /// saw.
    pub(crate) fn finish(mut self) -> Outcome<ExitStatus> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        let deadline = Instant::now() + self.patience;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(self.blame("does not end", None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended can not be ended again.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.is_over.store(true, Ordering::SeqCst);
        // Whoever waits for the next connection sees that there is none.
        drop(TcpStream::connect(self.address));
        drop(self.server.take().map(JoinHandle::join));
    }
}

/// The Runtime API of one process: tells what it does, and hands on what it is given.
fn serve(
    work: &TcpListener,
    tell: &Sender<Deed>,
    handed: Receiver<Vec<u8>>,
    is_over: &AtomicBool,
    patience: Duration,
) {
    let handed = Arc::new(Mutex::new(handed));
    for stream in work.incoming().flatten() {
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        let (tell, handed) = (tell.clone(), Arc::clone(&handed));
        // Who hangs up in the middle was ended by us.
        std::thread::spawn(move || drop(hand_on(stream, &tell, &handed, patience)));
    }
}

fn hand_on(
    stream: TcpStream,
    tell: &Sender<Deed>,
    handed: &Mutex<Receiver<Vec<u8>>>,
    patience: Duration,
) -> Outcome<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(heard) = hear(&mut reader)? {
        if !heard.line.starts_with(NEXT) {
            let is_answer = heard.line.contains("/response ");
            let answers = |body| Deed::Answers(Instant::now(), body);
            tell.send(if is_answer { answers(heard.body) } else { Deed::Fails(heard.body) })?;
            reader.get_mut().write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")?;
            continue;
        }
        tell.send(Deed::Asks(Instant::now()))?;
        let event = handed.lock().unwrap_or_else(PoisonError::into_inner).recv()?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: cold\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:0:function:cold\r\n\
             lambda-runtime-deadline-ms: {}\r\ncontent-length: {}\r\n\r\n",
            (now + patience).as_millis(),
            event.len()
        )
        .into_bytes();
        answer.extend(event);
        reader.get_mut().write_all(&answer)?;
    }
    Ok(())
}
