//! Structured logs: JSON lines, one per event, with the op and the request's id as fields.

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Sends logs to standard error as JSON. `RUST_LOG` narrows them; our own crates speak at `info`,
/// libraries at `warn`, because some of them write what they send.
pub fn init() {
    // A second call changes nothing: the first subscriber stays.
    let _is_first = tracing::subscriber::set_global_default(subscriber(std::io::stderr));
}

/// The same, written elsewhere: a test reads it.
pub fn subscriber<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new("info,aws_config=warn,aws_smithy_runtime=warn,hyper=warn,stripe=error")
    });
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_writer(writer)
        .with_env_filter(filter)
        .finish()
}
