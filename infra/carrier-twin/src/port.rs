//! The twin behind a loopback port.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::Twin;

/// An open port; dropping it closes it.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Port {
    /// Opens a port to a twin.
    #[expect(clippy::disallowed_methods, reason = "the twin lives in the host, not a Lambda")]
    pub async fn open(twin: Twin) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            loop {
                // A connection that breaks while it is accepted is its caller's loss alone.
                let Ok((stream, _)) = listener.accept().await else { continue };
                let _ = stream.set_nodelay(true);
                let twin = twin.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| serve(twin.clone(), request));
                    // An error is a connection that was dropped on purpose.
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(Self { address, task })
    }

    /// Where EasyPost's API is; ends with a slash.
    pub fn base_url(&self) -> String {
        format!("http://{}/v2/", self.address)
    }
}

async fn serve(
    twin: Twin,
    request: Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, std::io::Error> {
    let broken = || std::io::Error::other("the connection is dropped on purpose");
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| broken())?.to_bytes();
    let outcome = twin.handle(&Request::from_parts(parts, body));
    if !outcome.after.is_zero() {
        tokio::time::sleep(outcome.after).await;
    }
    outcome.answer.map(|answer| answer.map(Full::new)).ok_or_else(broken)
}
