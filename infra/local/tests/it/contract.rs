//! What is said in four places is the same in all: the code's tables of endpoints, the SAM
//! templates, the OpenAPI document, and the sample events. Both directions, always: what one place
//! has and another lacks is named, with what to write there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use local::{Options, Outcome, Shop};
use serde_json::Value;
use templates::{Stack, Trigger};

use crate::listen;
use crate::world;

/// A row of a domain's table, without its code.
struct Row {
    handler: &'static str,
    trigger: Kind,
}

/// What calls it, in the words of the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Http { method: &'static str, path: &'static str },
    Queue(queue::Name),
    Schedule(u64),
    Stream(store::Table),
    Upload(&'static str),
    Invoked,
    Unknown,
}

fn rows_of<A>(endpoints: &'static [runtime::Endpoint<A>], rows: &mut Vec<Row>) {
    rows.extend(endpoints.iter().map(|endpoint| {
        let trigger = match endpoint.trigger {
            runtime::Trigger::Http { method, path, .. } => Kind::Http { method, path },
            runtime::Trigger::Queue { name, .. } => Kind::Queue(name),
            runtime::Trigger::Schedule { seconds, .. } => Kind::Schedule(seconds),
            runtime::Trigger::Stream { table, .. } => Kind::Stream(table),
            runtime::Trigger::Upload { prefix, .. } => Kind::Upload(prefix),
            runtime::Trigger::Invoked { .. } => Kind::Invoked,
            runtime::Trigger::Unknown => Kind::Unknown,
        };
        Row { handler: endpoint.handler, trigger }
    }));
}

/// Every row of every domain. A domain that is missing here is noticed below.
fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    rows_of(cart::ENDPOINTS, &mut rows);
    rows_of(catalog::ENDPOINTS, &mut rows);
    rows_of(checkout::ENDPOINTS, &mut rows);
    rows_of(fulfillment::ENDPOINTS, &mut rows);
    rows_of(identity::ENDPOINTS, &mut rows);
    rows_of(inventory::ENDPOINTS, &mut rows);
    rows_of(media::ENDPOINTS, &mut rows);
    rows_of(notifications::ENDPOINTS, &mut rows);
    rows_of(orders::ENDPOINTS, &mut rows);
    rows_of(payments::ENDPOINTS, &mut rows);
    rows_of(platform::ENDPOINTS, &mut rows);
    rows_of(promotions::ENDPOINTS, &mut rows);
    rows_of(returns::ENDPOINTS, &mut rows);
    rows_of(webhooks::ENDPOINTS, &mut rows);
    rows
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn domain_of(handler: &str) -> &str {
    handler.split('.').next().unwrap()
}

/// The variables of all functions; each has one value wherever it stands.
fn variables(stack: &Stack, faults: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, (String, String)> = BTreeMap::new();
    for function in &stack.functions {
        for (name, value) in &function.environment {
            let here = (value.clone(), function.handler.clone());
            let (known, first) = all.entry(name.clone()).or_insert(here);
            if known != value {
                let handler = &function.handler;
                faults.push(format!("{name} is {known} in {first} and {value} in {handler}"));
            }
        }
    }
    all.into_iter().map(|(name, (value, _))| (name, value)).collect()
}

/// The name at the end of a queue's address.
fn last(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

/// What the code's trigger is in the templates; nothing, where somebody invokes it by hand.
fn in_templates(kind: Kind, variables: &BTreeMap<String, String>) -> Option<String> {
    let value = |name: &str| variables.get(name).cloned().unwrap_or_else(|| format!("${name}"));
    Some(match kind {
        Kind::Http { method, path } => format!("{method} {path}"),
        Kind::Queue(name) => format!("queue {}", last(&value(name.variable()))),
        Kind::Schedule(seconds) => format!("every {seconds} s"),
        Kind::Stream(table) => format!("stream of {}", value(table.variable())),
        Kind::Upload(prefix) => format!("new objects under {prefix}"),
        Kind::Unknown => "ANY $default".to_owned(),
        Kind::Invoked => return None,
    })
}

/// The same, read from the templates.
fn as_read(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Http { method, path } => format!("{method} {path}"),
        Trigger::Queue { queue, .. } => format!("queue {queue}"),
        Trigger::Schedule { seconds } => format!("every {seconds} s"),
        Trigger::Stream { table, .. } => format!("stream of {table}"),
        Trigger::Upload { prefix, .. } => format!("new objects under {prefix}"),
    }
}

/// The stanza that a function's template lacks, to be pasted.
fn stanza(row: &Row) -> String {
    let domain = domain_of(row.handler);
    let resource: String = row
        .handler
        .split(['.', '_'])
        .skip(1)
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        })
        .collect();
    let (event, kind, lines): (&str, &str, Vec<String>) = match row.trigger {
        Kind::Http { method, path } => (
            "Route",
            "HttpApi",
            vec!["ApiId: !Ref Api".into(), format!("Method: {method}"), format!("Path: {path}")],
        ),
        Kind::Unknown => ("Unrouted", "HttpApi", vec!["ApiId: !Ref Api".into()]),
        Kind::Invoked => ("None", "without Events", Vec::new()),
        Kind::Queue(name) => (
            "Queue",
            "SQS",
            vec![
                format!("Queue: !Ref {name:?}QueueArn"),
                "BatchSize: 10".into(),
                "FunctionResponseTypes: [ReportBatchItemFailures]".into(),
            ],
        ),
        Kind::Schedule(seconds) => {
            let minutes = seconds / 60;
            let unit = if minutes == 1 { "minute" } else { "minutes" };
            ("Beat", "Schedule", vec![format!("Schedule: rate({minutes} {unit})")])
        }
        Kind::Stream(table) => (
            "Stream",
            "DynamoDB",
            vec![
                format!("Stream: !Ref {table:?}StreamArn"),
                "StartingPosition: TRIM_HORIZON".into(),
                "BatchSize: 100".into(),
                "BisectBatchOnFunctionError: true".into(),
                "MaximumRetryAttempts: 10".into(),
                "FunctionResponseTypes: [ReportBatchItemFailures]".into(),
            ],
        ),
        Kind::Upload(prefix) => (
            "Upload",
            "EventBridgeRule",
            vec![
                "Pattern:".into(),
                "  source: [aws.s3]".into(),
                "  detail-type: [Object Created]".into(),
                "  detail:".into(),
                "    bucket: {name: [!Ref FilesBucket]}".into(),
                format!("    object: {{key: [{{prefix: {prefix}}}]}}"),
            ],
        ),
    };
    let mut text = format!(
        "  # functions/{domain}/template.yaml\n\
         \x20 {resource}:\n\
         \x20   Type: AWS::Serverless::Function\n\
         \x20   Metadata:\n\
         \x20     BuildMethod: rust-cargolambda\n\
         \x20     BuildProperties:\n\
         \x20       Binary: {domain}\n\
         \x20   Properties:\n\
         \x20     Handler: {handler}\n\
         \x20     AutoPublishCodeSha256: !Ref Release\n\
         \x20     LoggingConfig:\n\
         \x20       LogGroup: !Ref {resource}Log\n\
         \x20     Events:\n\
         \x20       {event}:\n\
         \x20         Type: {kind}\n\
         \x20         Properties:\n",
        handler = row.handler,
    );
    for line in lines {
        writeln!(text, "            {line}").unwrap();
    }
    write!(
        text,
        "      Policies:\n\
         \x20       - Version: '2012-10-17'\n\
         \x20         Statement: [] # one per thing it does, each with a Sid\n\n\
         \x20 {resource}Log:\n\
         \x20   Type: AWS::Logs::LogGroup\n\
         \x20   Properties:\n\
         \x20     LogGroupName: !Sub /${{Prefix}}/{handler}\n\
         \x20     RetentionInDays: !Ref LogRetentionDays\n",
        handler = row.handler,
    )
    .unwrap();
    text
}

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[tokio::test]
async fn every_domain_is_compared() {
    let rows = rows();
    let compared: BTreeSet<&str> = rows.iter().map(|row| domain_of(row.handler)).collect();
    assert_eq!(compared, local::domains().collect(), "add the domain to rows() above");
    let folders = std::fs::read_dir(root().join("functions")).unwrap();
    let folders: BTreeSet<String> =
        folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(compared, folders.iter().map(String::as_str).collect());
}

#[tokio::test]
async fn the_templates_call_what_the_code_answers() {
    let shop = Shop::open(Options::default()).await.unwrap();
    let stack = shop.stack();
    let mut faults = Vec::new();
    let variables = variables(stack, &mut faults);
    let rows = rows();
    let mut known = BTreeSet::new();
    for row in &rows {
        assert!(known.insert(row.handler), "{} stands twice in its table", row.handler);
        let wanted: Vec<String> = in_templates(row.trigger, &variables).into_iter().collect();
        let Some(function) = stack.function(row.handler) else {
            faults.push(format!("no template has {}; paste:\n{}", row.handler, stanza(row)));
            continue;
        };
        let read: Vec<String> = function.triggers.iter().map(as_read).collect();
        if read != wanted {
            let (handler, file) = (row.handler, &function.file);
            faults.push(format!("{handler}: the code wants {wanted:?}, {file} says {read:?}"));
        }
        if function.binary != domain_of(row.handler) {
            faults.push(format!("{}: the binary is {}", row.handler, function.binary));
        }
        let folder = format!("functions/{}/", domain_of(row.handler));
        if !function.file.starts_with(&folder) {
            faults.push(format!("{} stands in {}, not in {folder}", row.handler, function.file));
        }
    }
    for function in &stack.functions {
        if !known.contains(function.handler.as_str()) {
            let (handler, file) = (&function.handler, &function.file);
            faults.push(format!("{file} has {handler}, and no table of endpoints does"));
        }
        let same = stack.functions.iter().filter(|other| other.handler == function.handler);
        if same.count() > 1 {
            faults.push(format!("{} stands twice in the templates", function.handler));
        }
    }
    none(&faults);
}

#[tokio::test]
async fn every_domain_with_routes_answers_what_fits_none_of_them() {
    let rows = rows();
    for domain in local::domains() {
        let of_domain = || rows.iter().filter(|row| domain_of(row.handler) == domain);
        let has_routes = of_domain().any(|row| matches!(row.trigger, Kind::Http { .. }));
        let unknown: Vec<&str> =
            of_domain().filter(|row| row.trigger == Kind::Unknown).map(|row| row.handler).collect();
        let wanted = if has_routes { vec![format!("{domain}.unknown")] } else { Vec::new() };
        assert_eq!(unknown, wanted);
    }
}

#[tokio::test]
async fn names_of_tables_and_queues_agree_everywhere() {
    let shop = Shop::open(Options::default()).await.unwrap();
    let stack = shop.stack();
    let mut faults = Vec::new();
    let variables = variables(stack, &mut faults);
    let mut meant: BTreeMap<&str, &str> = BTreeMap::new();
    for table in store::Table::ALL {
        let name = table.variable();
        match variables.get(name) {
            None => faults.push(format!("no function is told {name}")),
            Some(value) if stack.table(value).is_none() => {
                faults.push(format!("{name} is {value}, which is no table"));
            }
            Some(value) => {
                if let Some(other) = meant.insert(value, name) {
                    faults.push(format!("{name} and {other} are one table"));
                }
            }
        }
    }
    for queue in queue::Name::ALL {
        let name = queue.variable();
        match variables.get(name) {
            None => faults.push(format!("no function is told {name}")),
            Some(url) => {
                let declared = stack.queue(last(url));
                if declared.is_none_or(|declared| declared.url != *url) {
                    faults.push(format!("{name} is {url}, which is no queue's address"));
                }
                if let Some(other) = meant.insert(url, name) {
                    faults.push(format!("{name} and {other} are one queue"));
                }
            }
        }
    }
    for (name, value) in &variables {
        let is_one =
            name.starts_with("TABLE_") || (name.starts_with("QUEUE_") && name.ends_with("_URL"));
        if is_one && meant.get(value.as_str()) != Some(&name.as_str()) {
            faults.push(format!("{name} is in the templates, and the code knows no such name"));
        }
        if name.starts_with("SECRET_") && !stack.secrets.contains(value) {
            faults.push(format!("{name} is {value}, which is no secret"));
        }
    }
    for table in &stack.tables {
        if !meant.contains_key(table.name.as_str()) {
            faults.push(format!("the table {} has no variable", table.name));
        }
        // Its streams' shards would have ids that the SDK refuses.
        if table.name.len() <= 11 {
            faults.push(format!("the table's name {} is too short", table.name));
        }
    }
    let dead: BTreeSet<&str> = stack
        .queues
        .iter()
        .filter_map(|queue| queue.redrive.as_ref().map(|(dead, _)| dead.as_str()))
        .collect();
    for queue in &stack.queues {
        // Lambda itself writes the last: what was given up of runs that no queue starts.
        let is_dead =
            dead.contains(queue.name.as_str()) || queue.name.ends_with("-failed-runs-dlq");
        if !is_dead && !meant.contains_key(queue.url.as_str()) {
            faults.push(format!("the queue {} has no variable", queue.name));
        }
        if !is_dead && queue.redrive.is_none() {
            faults.push(format!("{} has no dead-letter queue", queue.name));
        }
        if let Some((dead, _)) = &queue.redrive {
            let kept = stack.queue(dead).map_or(0, |dead| dead.retention_seconds);
            if kept <= queue.retention_seconds {
                faults.push(format!("{dead} keeps its messages no longer than {}", queue.name));
            }
        }
    }
    none(&faults);
}

#[tokio::test]
async fn a_message_stays_hidden_six_times_as_long_as_its_function_may_run() {
    let shop = Shop::open(Options::default()).await.unwrap();
    let stack = shop.stack();
    let mut faults = Vec::new();
    for function in &stack.functions {
        for trigger in &function.triggers {
            let Trigger::Queue { queue, report_partial, .. } = trigger else { continue };
            let hidden = stack.queue(queue).unwrap().visibility_seconds;
            let wanted = 6 * function.timeout_seconds;
            if hidden < wanted {
                faults.push(format!("{queue}: VisibilityTimeout: {wanted} # is {hidden}"));
            }
            if !report_partial {
                let handler = &function.handler;
                faults.push(format!(
                    "{handler}: FunctionResponseTypes: [ReportBatchItemFailures] is missing"
                ));
            }
        }
    }
    none(&faults);
}

fn contract() -> Value {
    let text = std::fs::read_to_string(root().join("infra/openapi.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_contract_has_every_route_under_its_handlers_name() {
    let contract = contract();
    let mut written = BTreeMap::new();
    for (path, operations) in contract["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let route = format!("{} {path}", method.to_uppercase());
            let before = written.insert(id.clone(), route);
            assert!(before.is_none(), "{id} stands twice in the contract");
        }
    }
    let coded: BTreeMap<String, String> = rows()
        .iter()
        .filter_map(|row| match row.trigger {
            Kind::Http { method, path } => {
                Some((row.handler.to_owned(), format!("{method} {path}")))
            }
            Kind::Queue(_)
            | Kind::Schedule(_)
            | Kind::Stream(_)
            | Kind::Upload(_)
            | Kind::Invoked
            | Kind::Unknown => None,
        })
        .collect();
    assert_eq!(written, coded, "`cargo run -p xtask -- openapi` writes it from the code");
}

fn sample(handler: &str) -> PathBuf {
    root().join(format!("events/{handler}.json"))
}

#[test]
fn every_function_has_a_sample_event_and_every_sample_a_function() {
    let rows = rows();
    let mut faults: Vec<String> = rows
        .iter()
        .filter(|row| !sample(row.handler).exists())
        .map(|row| format!("events/{}.json is missing", row.handler))
        .collect();
    for entry in std::fs::read_dir(root().join("events")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let handler = name.strip_suffix(".json").unwrap_or(&name);
        if !rows.iter().any(|row| row.handler == handler) {
            faults.push(format!("events/{name} is no function's"));
        }
    }
    none(&faults);
}

/// What is wrong with a function's answer to its sample.
fn misunderstood(kind: Kind, outcome: Outcome, log: &str) -> Option<String> {
    let Some(answer) = outcome.answer() else { return Some(format!("it failed: {log}")) };
    if !matches!(kind, Kind::Http { .. } | Kind::Unknown) {
        // A job reads its event before anything else, and says what it could not read.
        return log.contains("\"read ").then(|| log.to_owned());
    }
    let status = answer["statusCode"].as_u64().unwrap_or_default();
    let text = answer["body"].as_str().unwrap_or_default();
    if !(200..500).contains(&status) {
        return Some(format!("{status}: {text}"));
    }
    let body: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let flaws: Vec<&str> = body["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|flaw| flaw["code"].as_str())
        .collect();
    // Whether what it names exists is another matter: ids of a sample are obviously made up.
    let names_nothing = ["unknown_variant"];
    // What no route fits is a preflight, 404 or 405; what one fits is never 405.
    let is_expected = kind == Kind::Unknown || status != 405;
    if flaws.iter().all(|code| names_nothing.contains(code)) && is_expected {
        return None;
    }
    Some(format!("{status}: {text}"))
}

#[tokio::test]
async fn every_sample_event_is_understood_by_its_function() {
    let shop = world::open().await;
    let mut faults = Vec::new();
    let mut understood = 0;
    for row in rows() {
        let Ok(text) = std::fs::read_to_string(sample(row.handler)) else { continue };
        let event: Value = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("events/{}.json is not JSON: {error}", row.handler);
        });
        let log = listen::begin();
        let outcome = shop.invoke(row.handler, event.clone()).await;
        let log = log.end();
        if let Kind::Http { method, path } = row.trigger {
            let key = event["routeKey"].as_str().unwrap_or_default();
            let said = event["requestContext"]["http"]["method"].as_str().unwrap_or_default();
            let raw = event["rawPath"].as_str().unwrap_or_default();
            let is_route = key == format!("{method} {path}")
                && said == method
                && runtime::http::fits(path, raw);
            if !is_route {
                faults.push(format!("events/{}.json is for another route", row.handler));
            }
        }
        match misunderstood(row.trigger, outcome, &log) {
            None => understood += 1,
            Some(what) => faults.push(format!("events/{}.json: {what}", row.handler)),
        }
    }
    println!("{understood} sample events understood");
    none(&faults);
}
