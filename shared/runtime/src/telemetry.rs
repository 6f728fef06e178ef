//! Structured logs: JSON lines, one per event, with the op, the request's id and its trace as
//! fields; and the one line of each invocation, which holds its metrics.

use std::fmt;
use std::io::Write as _;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;

use crate::meter;

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
    let asked = std::env::var("RUST_LOG").ok().and_then(|text| text.parse().ok());
    let filter = asked.unwrap_or_else(|| {
        let quiet = ["aws_config", "aws_smithy_runtime", "hyper"];
        Targets::new()
            .with_default(LevelFilter::INFO)
            .with_targets(quiet.map(|library| (library, LevelFilter::WARN)))
            .with_target("stripe", LevelFilter::ERROR)
    });
    // By names and levels alone: what could also look into spans brings regular expressions.
    let lines = tracing_subscriber::fmt::layer().event_format(Json).with_writer(writer);
    tracing_subscriber::registry().with(lines).with(filter)
}

/// Where the lines of invocations go. In the cloud it is standard output; in tests and in the
/// local shop they are read.
#[derive(Clone)]
pub struct Lines(Arc<dyn Fn(String) + Send + Sync>);

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines")
    }
}

impl Lines {
    /// Standard output, from where Lambda takes them. One that can not be written is lost: what it
    /// tells of is done.
    pub fn stdout() -> Self {
        Self(Arc::new(|mut line| {
            line.push('\n');
            let _is_written = std::io::stdout().lock().write_all(line.as_bytes());
        }))
    }

    /// To whoever reads them.
    pub fn of(read: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(crate) fn write(&self, line: String) {
        (self.0)(line);
    }
}

/// An event as one JSON object. What the invocation knows of itself stands in each; what the event
/// says itself comes before that.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut now = String::new();
        SystemTime.format_time(&mut Writer::new(&mut now))?;
        let mut line = Map::new();
        meter::fields(&mut line);
        event.record(&mut Fields(&mut line));
        line.insert("timestamp".to_owned(), json!(now));
        line.insert("level".to_owned(), json!(event.metadata().level().as_str()));
        writeln!(writer, "{}", Value::Object(line))
    }
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use futures_util::FutureExt as _;

    use super::*;
    use crate::clock::Clock;
    use crate::meter::{Asked, Meter, Plate};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(work: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let writer = written.clone();
        tracing::subscriber::with_default(subscriber(move || writer.clone()), work);
        let bytes = written.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn every_line_of_a_call_names_its_op_and_its_trace() {
        let plate = Plate { op: "a.b.c", trigger: "queue", route: None, memory_mb: 128 };
        let meter = Meter::begin(&plate, &Clock::system(), &Asked::default(), false);
        let lines = logged(|| {
            let work = async {
                tracing::info!(count = 3, is_new = true, "done");
                tracing::error!(op = "x.y.z", fault = %"no", "a line\nof two");
            };
            meter.scope(work).now_or_never().unwrap();
            tracing::warn!("outside");
        });
        let [done, failed, outside] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((&done["op"], &done["level"]), (&json!("a.b.c"), &json!("INFO")));
        assert_eq!((&done["count"], &done["is_new"]), (&json!(3), &json!(true)));
        assert_eq!(done["message"], "done");
        assert_eq!(done["trace_id"].as_str().unwrap().len(), 32);
        assert_eq!(failed["trace_id"], done["trace_id"]);
        assert_eq!((&failed["op"], &failed["fault"]), (&json!("x.y.z"), &json!("no")));
        assert_eq!((outside.get("op"), outside.get("trace_id")), (None, None));
    }
}
