//! From an `AWS::Serverless::Function`, as written, to the model.
//!
//! Properties that have no effect outside the cloud (tracing, logging, deployment) are not read.
//! Of events and statements every property must be understood: an ignored condition would be a
//! permission nobody granted, an ignored filter an event nobody asked for.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use serde_yaml_ng::Value as Yaml;

use crate::resource::{entries, fields, flag, number, text};
use crate::tree::{Resource, Tree};
use crate::{Function, Statement, Trigger, filter};

/// The defaults of Lambda.
const TIMEOUT_SECONDS: u64 = 3;
const MEMORY_MB: u64 = 128;
/// The defaults of the event source mappings.
const QUEUE_BATCH: u64 = 10;
const STREAM_BATCH: u64 = 100;

pub(crate) fn read<'t>(tree: &'t Tree, resource: &Resource<'t>) -> Option<Function> {
    let reader = Reader { tree, resource };
    let scope = tree.scopes.get(resource.place.scope)?;
    let Some(Json::String(handler)) = reader.own_or_global("Handler") else {
        reader.fault("needs a Handler");
        return None;
    };
    let binary = resource
        .body
        .get("Metadata")
        .and_then(|metadata| metadata.get("BuildProperties")?.get("Binary"))
        .and_then(|binary| tree.text(resource.place, binary));
    Some(Function {
        handler,
        logical_id: resource.place.logical_id.to_owned(),
        stack: scope.stack.clone(),
        file: scope.file.clone(),
        binary: binary.unwrap_or_default(),
        timeout_seconds: reader.setting("Timeout", TIMEOUT_SECONDS),
        memory_mb: reader.setting("MemorySize", MEMORY_MB),
        environment: reader.environment(),
        statements: reader.statements(),
        triggers: reader.triggers(),
    })
}

struct Reader<'r, 't> {
    tree: &'t Tree,
    resource: &'r Resource<'t>,
}

impl<'t> Reader<'_, 't> {
    fn fault(&self, what: impl Into<String>) {
        self.tree.fault(self.resource.place, what);
    }

    fn evaluate(&self, value: &'t Yaml) -> Option<Json> {
        self.tree.evaluate(self.resource.place, value)
    }

    fn global(&self, key: &str) -> Option<&'t Yaml> {
        self.tree.global(self.resource.place.scope, key)
    }

    fn own_or_global(&self, key: &str) -> Option<Json> {
        self.evaluate(self.resource.property(key).or_else(|| self.global(key))?)
    }

    fn setting(&self, key: &str, default: u64) -> u64 {
        let Some(value) = self.own_or_global(key) else { return default };
        number(&value).unwrap_or_else(|| {
            self.fault(format!("{key} must be a number, not {value}"));
            default
        })
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::new();
        for block in [self.global("Environment"), self.resource.property("Environment")] {
            for (name, value) in fields(block.and_then(|block| block.get("Variables"))) {
                if let Some(value) = self.tree.text(self.resource.place, value) {
                    environment.insert(name.to_owned(), value);
                }
            }
        }
        environment
    }

    fn statements(&self) -> Vec<Statement> {
        let policies = self.resource.property("Policies");
        let policies = policies.and_then(|policies| self.evaluate(policies));
        let mut statements = Vec::new();
        for policy in entries(policies.as_ref()) {
            let known = ["Version", "Statement"];
            match policy.as_object() {
                Some(body) if body.keys().all(|key| known.contains(&key.as_str())) => {
                    let written = entries(body.get("Statement"));
                    statements.extend(written.iter().filter_map(|one| self.statement(one)));
                }
                _ => self.fault(format!("a policy must be a list of statements, not {policy}")),
            }
        }
        statements
    }

    fn statement(&self, body: &Json) -> Option<Statement> {
        let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
        let sid = text(body, "Sid").unwrap_or_default();
        let keys = body.as_object().into_iter().flat_map(serde_json::Map::keys);
        for key in keys.filter(|key| !known.contains(&key.as_str())) {
            self.fault(format!("the statement {sid} has a {key}, which is not understood here"));
        }
        let texts = |key: &str| -> Vec<String> {
            entries(body.get(key)).iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect()
        };
        let statement = Statement {
            effect: text(body, "Effect").unwrap_or_default(),
            actions: texts("Action"),
            resources: texts("Resource"),
            condition: body.get("Condition").cloned().unwrap_or(Json::Null),
            sid,
        };
        if !["Allow", "Deny"].contains(&statement.effect.as_str())
            || statement.actions.is_empty()
            || statement.resources.is_empty()
        {
            self.fault(format!("{} needs an Effect, an Action and a Resource", statement.sid));
            return None;
        }
        Some(statement)
    }

    fn triggers(&self) -> Vec<Trigger> {
        fields(self.resource.property("Events"))
            .filter_map(|(name, event)| {
                let kind = event.get("Type").and_then(Yaml::as_str).unwrap_or("");
                let event = Event { reader: self, name, body: event.get("Properties") };
                match kind {
                    "HttpApi" => event.http(),
                    "SQS" => event.queue(),
                    "Schedule" | "ScheduleV2" => event.schedule(),
                    "DynamoDB" => event.stream(),
                    "EventBridgeRule" => event.upload(),
                    _ => event.refuse(format!("the event type `{kind}` is not understood here")),
                }
            })
            .collect()
    }
}

struct Event<'e, 'r, 't> {
    reader: &'e Reader<'r, 't>,
    name: &'e str,
    body: Option<&'t Yaml>,
}

impl Event<'_, '_, '_> {
    fn refuse(&self, what: impl std::fmt::Display) -> Option<Trigger> {
        self.reader.fault(format!("the event {}: {what}", self.name));
        None
    }

    fn read(&self, key: &str) -> Option<Json> {
        self.reader.evaluate(self.body?.get(key)?)
    }

    fn text(&self, key: &str) -> Option<String> {
        let value = self.read(key).and_then(|value| value.as_str().map(str::to_owned));
        if value.is_none() {
            self.refuse(format!("needs {key}"));
        }
        value
    }

    fn number(&self, key: &str) -> Option<u64> {
        let value = self.read(key)?;
        let read = number(&value);
        if read.is_none() {
            self.refuse(format!("{key} must be a number, not {value}"));
        }
        read
    }

    /// Whether it is switched on and all its properties are among the understood ones (those in
    /// `without_effect` only concern the cloud).
    fn is_live(&self, understood: &[&str], without_effect: &[&str]) -> bool {
        for (key, _) in fields(self.body) {
            if !understood.contains(&key) && !without_effect.contains(&key) && key != "Enabled" {
                self.refuse(format!("the property {key} is not understood here"));
            }
        }
        flag(self.read("Enabled").as_ref()) != Some(false)
            && self.read("State") != Some(Json::from("DISABLED"))
    }

    fn reports_partial(&self) -> bool {
        entries(self.read("FunctionResponseTypes").as_ref())
            .contains(&Json::from("ReportBatchItemFailures"))
    }

    fn http(&self) -> Option<Trigger> {
        if !self.is_live(&["Method", "Path"], &["ApiId", "TimeoutInMillis", "RouteSettings"]) {
            return None;
        }
        // Without a path and a method it is the route that takes what no other does.
        if self.read("Path").is_none() && self.read("Method").is_none() {
            return Some(Trigger::Http { method: "ANY".to_owned(), path: "$default".to_owned() });
        }
        let path = self.text("Path")?;
        Some(Trigger::Http { method: self.text("Method")?.to_uppercase(), path })
    }

    fn queue(&self) -> Option<Trigger> {
        let understood = ["Queue", "BatchSize", "FunctionResponseTypes"];
        if !self.is_live(&understood, &["MaximumBatchingWindowInSeconds", "ScalingConfig"]) {
            return None;
        }
        let arn = self.text("Queue")?;
        Some(Trigger::Queue {
            queue: arn.rsplit(':').next().unwrap_or_default().to_owned(),
            batch_size: self.number("BatchSize").unwrap_or(QUEUE_BATCH),
            report_partial: self.reports_partial(),
        })
    }

    fn schedule(&self) -> Option<Trigger> {
        let understood = ["Schedule", "ScheduleExpression", "State"];
        let without_effect = ["Name", "Description", "RetryPolicy", "DeadLetterConfig"];
        if !self.is_live(&understood, &without_effect) {
            return None;
        }
        let key = if self.read("Schedule").is_some() { "Schedule" } else { "ScheduleExpression" };
        let expression = self.text(key)?;
        match rate_seconds(&expression) {
            Some(seconds) => Some(Trigger::Schedule { seconds }),
            None => self.refuse(format!("`{expression}` is not a rate(…)")),
        }
    }

    fn stream(&self) -> Option<Trigger> {
        let understood = [
            "Stream",
            "BatchSize",
            "StartingPosition",
            "FilterCriteria",
            "FunctionResponseTypes",
            "BisectBatchOnFunctionError",
            "MaximumRetryAttempts",
        ];
        let without_effect = [
            "MaximumBatchingWindowInSeconds",
            "MaximumRecordAgeInSeconds",
            "ParallelizationFactor",
            "DestinationConfig",
        ];
        if !self.is_live(&understood, &without_effect) {
            return None;
        }
        let arn = self.text("Stream")?;
        let Some(table) = arn.split('/').nth(1) else {
            return self.refuse(format!("`{arn}` is not the ARN of a stream"));
        };
        Some(Trigger::Stream {
            table: table.to_owned(),
            batch_size: self.number("BatchSize").unwrap_or(STREAM_BATCH),
            filters: self.filters(),
            starting_position: self.text("StartingPosition")?,
            report_partial: self.reports_partial(),
            bisect: flag(self.read("BisectBatchOnFunctionError").as_ref()) == Some(true),
            retries_max: self.number("MaximumRetryAttempts"),
        })
    }

    /// A rule for the new objects of one bucket under one prefix, and for nothing else.
    fn upload(&self) -> Option<Trigger> {
        if !self.is_live(&["Pattern", "State"], &["RetryPolicy", "DeadLetterConfig"]) {
            return None;
        }
        let pattern = self.read("Pattern").unwrap_or(Json::Null);
        let one = |path: &str| match pattern.pointer(path).and_then(Json::as_array)?.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        let bucket = one("/detail/bucket/name").and_then(|name| Some(name.as_str()?.to_owned()));
        let prefix =
            one("/detail/object/key").and_then(|key| Some(key.get("prefix")?.as_str()?.to_owned()));
        let (Some(bucket), Some(prefix)) = (bucket, prefix) else {
            return self.refuse("the pattern needs one bucket's name and one prefix of keys");
        };
        let understood = serde_json::json!({
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [&bucket]}, "object": {"key": [{"prefix": &prefix}]}},
        });
        if pattern != understood {
            return self.refuse(format!("the pattern {pattern} is not understood here"));
        }
        Some(Trigger::Upload { bucket, prefix })
    }

    fn filters(&self) -> Vec<Json> {
        let Some(criteria) = self.read("FilterCriteria") else { return Vec::new() };
        let mut patterns = Vec::new();
        for one in entries(criteria.get("Filters")) {
            let pattern = one.get("Pattern").and_then(Json::as_str).unwrap_or("");
            match serde_json::from_str::<Json>(pattern) {
                Err(error) => {
                    self.refuse(format!("the filter pattern is no JSON: {error}"));
                }
                Ok(pattern) => match filter::flaw(&pattern) {
                    Some(flaw) => {
                        self.refuse(flaw);
                    }
                    None => patterns.push(pattern),
                },
            }
        }
        if patterns.is_empty() {
            self.refuse("FilterCriteria without a filter");
        }
        patterns
    }
}

/// The seconds of `rate(5 minutes)`; `None` for anything else, cron expressions included.
fn rate_seconds(expression: &str) -> Option<u64> {
    let inner = expression.strip_prefix("rate(")?.strip_suffix(')')?;
    let (count, unit) = inner.trim().split_once(' ')?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    let unit_seconds = match unit.trim().trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    count.checked_mul(unit_seconds)
}

#[cfg(test)]
mod tests {
    use super::rate_seconds;

    #[test]
    fn a_rate_is_read_in_seconds_and_nothing_else_is() {
        assert_eq!(rate_seconds("rate(1 minute)"), Some(60));
        assert_eq!(rate_seconds("rate(5 minutes)"), Some(300));
        assert_eq!(rate_seconds("rate(2 hours)"), Some(7_200));
        assert_eq!(rate_seconds("rate(1 day)"), Some(86_400));
        assert_eq!(rate_seconds("rate(0 minutes)"), None);
        assert_eq!(rate_seconds("cron(0 4 * * ? *)"), None);
    }
}
