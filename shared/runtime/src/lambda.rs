//! The dispatch: a custom runtime is told its Handler in `_HANDLER`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use domain::fault::Fault;
use domain::trace::TraceId;
use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::aws;
use crate::clock::Clock;
use crate::endpoint::{Endpoint, Function};
use crate::ids::Ids;
use crate::meter::Asked;
use crate::setup::{App, Platform};
use crate::telemetry::{self, Lines};

/// Runs a domain's binary as the function that `_HANDLER` names. What is wrong with its environment
/// or with its secrets is said at once, and the process ends.
pub fn run<A: App>(endpoints: &'static [Endpoint<A>]) -> ExitCode {
    telemetry::init();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no runtime");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(serve(endpoints)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            tracing::error!(fault = %fault, "the function does not start");
            ExitCode::FAILURE
        }
    }
}

async fn serve<A: App>(endpoints: &'static [Endpoint<A>]) -> Result<(), Fault> {
    let variables: BTreeMap<String, String> = std::env::vars().collect();
    let handler = variables.get("_HANDLER").cloned().unwrap_or_default();
    let aws = aws::config(&variables)?;
    let (clock, ids, lines) = (Clock::system(), Ids::system(), Lines::stdout());
    let platform = Platform { variables, aws, clock, ids, lines };
    let function = Arc::new(Function::open(endpoints, &handler, &platform).await?);
    // The event is taken as it came: the runtime's own reader notes the path to each member on its
    // way, which costs as much as to read it.
    let service = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let function = Arc::clone(&function);
        let LambdaEvent { payload, context, .. } = event;
        let trace = context.xray_trace_id.as_deref().and_then(TraceId::of_xray);
        let asked = Asked { request_id: Some(context.request_id), trace };
        async move {
            let payload: Value = serde_json::from_str(payload.get())?;
            function.invoke_as(payload, &asked).await.map_err(lambda_http::Error::from)
        }
    });
    lambda_runtime::run(service).await.map_err(|error| {
        Fault::new("talk to the Lambda runtime", error, domain::fault::Retry::Useless)
    })
}
