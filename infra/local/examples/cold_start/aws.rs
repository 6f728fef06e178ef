//! What plays AWS for a start: Secrets Manager, an empty DynamoDB, and "healthy" for everything
//! else, over TLS where that is wanted.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto};

use crate::Outcome;
use crate::heard::hear;

/// A certificate for this machine, believed by whoever is told to believe it.
pub(crate) fn certified(folder: &Path) -> Outcome<Arc<ServerConfig>> {
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ]);
    openssl.args([
        "-days",
        "1",
        "-subj",
        "/CN=cold-start",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    let made = openssl.output()?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into_owned().into());
    }
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(&certificate)?],
            PrivateKeyDer::from_pem_file(&key)?,
        )?;
    Ok(Arc::new(config))
}

/// Answers as Secrets Manager and as an empty DynamoDB, and says "healthy" to everything else.
pub(crate) fn answer_for_aws(
    secrets: BTreeMap<String, String>,
    tls: Option<Arc<ServerConfig>>,
    hangs_up: &Arc<AtomicBool>,
) -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (secrets, hangs_up) = (Arc::new(secrets), Arc::clone(hangs_up));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (secrets, hangs_up) = (Arc::clone(&secrets), Arc::clone(&hangs_up));
            let tls = tls.clone();
            // Who hangs up in the middle was killed by us.
            std::thread::spawn(move || drop(connect(stream, tls, &secrets, &hangs_up)));
        }
    });
    Ok(address)
}

fn connect(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    secrets: &BTreeMap<String, String>,
    hangs_up: &AtomicBool,
) -> Outcome<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => converse(stream, secrets, hangs_up),
        Some(tls) => {
            let stream = StreamOwned::new(ServerConnection::new(tls)?, stream);
            converse(stream, secrets, hangs_up)
        }
    }
}

fn converse<S: std::io::Read + std::io::Write>(
    stream: S,
    secrets: &BTreeMap<String, String>,
    hangs_up: &AtomicBool,
) -> Outcome<()> {
    let mut reader = BufReader::new(stream);
    while let Some(heard) = hear(&mut reader)? {
        let asked: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
        let name = asked.get("SecretId").and_then(Value::as_str).unwrap_or_default();
        let answer = match secrets.get(name) {
            Some(text) if heard.target == "secretsmanager.GetSecretValue" => {
                let fields = json!({"ARN": name, "Name": name, "SecretString": text});
                fields.to_string()
            }
            _ if heard.target.starts_with("DynamoDB_") => "{}".to_owned(),
            _ => "healthy".to_owned(),
        };
        let is_last = hangs_up.load(Ordering::SeqCst);
        let length = answer.len();
        let goodbye = if is_last { "connection: close\r\n" } else { "" };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\n";
        let text = format!("{head}{goodbye}content-length: {length}\r\n\r\n{answer}");
        reader.get_mut().write_all(text.as_bytes())?;
        reader.get_mut().flush()?;
        if is_last {
            return Ok(());
        }
    }
    Ok(())
}
