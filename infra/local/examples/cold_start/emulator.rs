//! The local shop's emulated AWS, on loopback, for one function that is a process of its own.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use local::Shop;
use tokio::net::TcpListener;

use crate::Outcome;

/// Answers all calls that come to the address as calls of this function, with its permissions.
pub(crate) async fn answer_as(shop: &Shop, handler: &str) -> Outcome<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let (shop, handler) = (shop.clone(), handler.to_owned());
    tokio::spawn(async move {
        loop {
            // A connection that breaks while it is accepted is its caller's loss alone.
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let (shop, handler) = (shop.clone(), handler.clone());
            tokio::spawn(async move {
                let service = service_fn(|request| serve(&shop, &handler, request));
                // An error is a process that was ended.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(address)
}

async fn serve(
    shop: &Shop,
    handler: &str,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    if !parts.headers.contains_key(http::header::AUTHORIZATION) {
        // DynamoDB's page for load balancers, by which a connection is opened.
        return Ok(Response::new(Full::from("healthy")));
    }
    let answer = shop.wire().answer(handler, Request::from_parts(parts, body)).await;
    Ok(answer.map_or_else(
        |error| {
            let mut response = Response::new(Full::from(error.to_string()));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        },
        |response| response.map(Full::new),
    ))
}
