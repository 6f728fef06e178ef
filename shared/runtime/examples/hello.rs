//! The least that a function can be: what ours are compared with when cold starts are measured
//! (`infra/local/examples/cold_start.rs`). It knows nothing of the shop.

use lambda_http::{Body, Error, Request, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(hello)).await
}

async fn hello(_: Request) -> Result<Response<Body>, Error> {
    Ok(Response::new(Body::from("hello")))
}
