//! What the cloud alone makes of the templates: how a new version takes over, who is told, what is
//! kept and for how long. Read as written, because nothing of it happens in the local shop.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_yaml_ng::{Mapping, Value};
use templates::{Queue, Trigger};

use crate::shop::shop;

/// One template, as written.
struct Template {
    file: String,
    text: String,
    body: Value,
}

impl Template {
    fn of(file: &str, text: String) -> Self {
        let body = serde_yaml_ng::from_str(&text).unwrap_or_else(|flaw| panic!("{file}: {flaw}"));
        Template { file: file.to_owned(), text, body }
    }

    fn read(file: &str) -> Self {
        Self::of(file, std::fs::read_to_string(root().join(file)).unwrap())
    }

    fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        let all = self.body["Resources"].as_mapping().unwrap();
        all.iter().map(|(name, body)| (name.as_str().unwrap(), body))
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.resources().filter(move |(_, body)| body["Type"] == kind)
    }

    /// A setting of a function, or of all functions of the template.
    fn setting(&self, function: &Value, key: &str) -> String {
        let own = shown(&function["Properties"][key]);
        if own.is_empty() { shown(&self.body["Globals"]["Function"][key]) } else { own }
    }

    /// The text of one resource.
    fn stanza(&self, name: &str) -> &str {
        let from = self.text.find(&format!("\n  {name}:\n")).unwrap() + 1;
        let rest = &self.text[from..];
        &rest[..rest.find("\n\n").unwrap_or(rest.len())]
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every template that the root nests, and the root itself.
fn all() -> Vec<Template> {
    let top = Template::read("template.yaml");
    let nested = top.of_kind("AWS::Serverless::Application");
    let files: Vec<String> =
        nested.map(|(_, body)| shown(&body["Properties"]["Location"])).collect();
    let nested: Vec<Template> = files.iter().map(|file| Template::read(file)).collect();
    std::iter::once(top).chain(nested).collect()
}

fn domains() -> Vec<Template> {
    all().into_iter().filter(|one| one.file.starts_with("functions/")).collect()
}

/// A value as somebody would write it on one line; nothing for what is not there.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Sequence(list) => {
            format!("[{}]", list.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Value::Mapping(fields) => {
            let field = |(key, value)| format!("{}: {}", shown(key), shown(value));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        Value::Tagged(tagged) => format!("{} {}", tagged.tag, shown(&tagged.value)),
    }
}

fn list(value: &Value) -> Vec<String> {
    value.as_sequence().map(|list| list.iter().map(shown).collect()).unwrap_or_default()
}

/// Everything that is not as it should be in the template of a domain.
fn flaws(template: &Template) -> Vec<String> {
    let mut flaws = Vec::new();
    for (name, function) in template.of_kind("AWS::Serverless::Function") {
        let found = function_flaws(template, name, function);
        flaws.extend(found.into_iter().map(|flaw| format!("{name}: {flaw}")));
    }
    for (name, api) in template.of_kind("AWS::Serverless::HttpApi") {
        let found = api_flaws(template, name, &api["Properties"]);
        flaws.extend(found.into_iter().map(|flaw| format!("{name}: {flaw}")));
    }
    flaws.extend(common_flaws(template));
    flaws
}

/// Alarms on figures, and alarms on other alarms.
fn alarms(template: &Template) -> impl Iterator<Item = (&str, &Value)> {
    let simple = template.of_kind("AWS::CloudWatch::Alarm");
    simple.chain(template.of_kind("AWS::CloudWatch::CompositeAlarm"))
}

/// What holds in every template, whatever it is of: alarms are heard, logs end, queues and buckets
/// are sealed.
fn common_flaws(template: &Template) -> Vec<String> {
    let mut flaws = Vec::new();
    let topic = if template.file == "infra/observability.yaml" { "Ops" } else { "OpsTopic" };
    let rules: String = template
        .of_kind("AWS::CloudWatch::CompositeAlarm")
        .map(|(_, alarm)| shown(&alarm["Properties"]["AlarmRule"]))
        .collect();
    for (name, alarm) in alarms(template) {
        let is_composite = alarm["Type"] == "AWS::CloudWatch::CompositeAlarm";
        // A part of another one leaves the telling to that.
        let is_part = rules.contains(&format!("ALARM(\"${{{name}}}\")"));
        let heard = if is_part { String::new() } else { format!("[!Ref {topic}]") };
        for actions in ["AlarmActions", "OKActions"] {
            if shown(&alarm["Properties"][actions]) != heard {
                flaws.push(format!("{name}: {actions} lead to nobody"));
            }
        }
        let needed =
            ["AlarmDescription", if is_composite { "AlarmRule" } else { "TreatMissingData" }];
        for needed in needed {
            if shown(&alarm["Properties"][needed]).is_empty() {
                flaws.push(format!("{name}: has no {needed}"));
            }
        }
    }
    for (name, group) in template.of_kind("AWS::Logs::LogGroup") {
        if shown(&group["Properties"]["RetentionInDays"]) != "!Ref LogRetentionDays" {
            flaws.push(format!("{name}: is kept for ever"));
        }
    }
    for (name, queue) in template.of_kind("AWS::SQS::Queue") {
        if shown(&queue["Properties"]["SqsManagedSseEnabled"]) != "true" {
            flaws.push(format!("{name}: is not encrypted"));
        }
    }
    for kind in ["AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret"] {
        for (name, one) in template.of_kind(kind) {
            let (gone, replaced) = (&one["DeletionPolicy"], &one["UpdateReplacePolicy"]);
            let is_kept = gone == "Retain" && replaced == "Retain";
            // What expires by itself may go with the stack.
            if !is_kept && !["Carts", "Ephemeral"].contains(&name) {
                flaws.push(format!("{name}: goes with the stack"));
            }
        }
    }
    flaws
}

fn function_flaws(template: &Template, name: &str, function: &Value) -> Vec<String> {
    let mut flaws = Vec::new();
    let wanted = [
        ("AutoPublishAlias", "live", "has no alias"),
        ("VersionDeletionPolicy", "Delete", "leaves its versions behind"),
        ("AutoPublishCodeSha256", "!Ref Release", "is not published anew with a parameter"),
        ("Tracing", "Active", "is not traced"),
        ("Architectures", "[!Ref Architecture]", "chooses its processor itself"),
        ("Runtime", "provided.al2023", "has another runtime"),
    ];
    for (key, value, flaw) in wanted {
        if template.setting(function, key) != value {
            flaws.push(flaw.to_owned());
        }
    }
    let handler = shown(&function["Properties"]["Handler"]);
    let group = shown(&function["Properties"]["LoggingConfig"]["LogGroup"]);
    let group = group.strip_prefix("!Ref ").unwrap_or_default();
    let group_name = &template.body["Resources"][group]["Properties"]["LogGroupName"];
    if shown(group_name) != format!("!Sub /${{Prefix}}/{handler}") {
        flaws.push("has no log group by its name".to_owned());
    }
    for key in ["Timeout", "MemorySize", "ReservedConcurrentExecutions"] {
        if has_no_reason(template.stanza(name), key) {
            flaws.push(format!("{key} has no reason"));
        }
    }
    for key in ["Timeout", "MemorySize"] {
        if template.setting(function, key).is_empty() {
            flaws.push(format!("has no {key}"));
        }
    }
    let reserved = shown(&function["Properties"]["ReservedConcurrentExecutions"]);
    if !reserved.is_empty() && !reserved.starts_with("!If [Reserves, ") {
        flaws.push("reserves what a new account does not have".to_owned());
    }
    if may_ask_for_somebody(template, function) && !is_listened_to(template, group) {
        flaws.push("asks for somebody and is not heard".to_owned());
    }
    flaws.extend(roll_out_flaws(template, name, function));
    flaws.extend(destination_flaws(template, name, function));
    flaws
}

/// A number that differs from everybody's is explained in the line above it, or above a number that
/// stands there for the same reason.
fn has_no_reason(stanza: &str, key: &str) -> bool {
    let numbers = ["Timeout:", "MemorySize:", "EphemeralStorage:", "ReservedConcurrentExecutions:"];
    let lines: Vec<&str> = stanza.lines().map(str::trim).collect();
    let Some(at) = lines.iter().position(|line| line.starts_with(&format!("{key}:"))) else {
        return false;
    };
    let mut above = lines[..at].iter().rev();
    !above
        .find(|line| !numbers.iter().any(|number| line.starts_with(number)))
        .is_some_and(|line| line.starts_with('#'))
}

/// Jobs, and what moves money, may write a line with the field `alarm`.
fn may_ask_for_somebody(template: &Template, function: &Value) -> bool {
    let is_unknown = shown(&function["Properties"]["Handler"]).ends_with(".unknown");
    let knows_stripe = |of: &Value| of["Environment"]["Variables"].get("SECRET_STRIPE").is_some();
    let moves_money = knows_stripe(&function["Properties"])
        || knows_stripe(&template.body["Globals"]["Function"]);
    let is_job = kinds(function).iter().any(|kind| kind != "HttpApi");
    is_job || (moves_money && !is_unknown)
}

fn is_listened_to(template: &Template, group: &str) -> bool {
    template.of_kind("AWS::Logs::MetricFilter").any(|(_, filter)| {
        let of = &filter["Properties"];
        let into = &of["MetricTransformations"][0];
        shown(&of["LogGroupName"]) == format!("!Ref {group}")
            && of["FilterPattern"] == "{ $.alarm = \"*\" }"
            && into["MetricNamespace"] == "Fluxion/Logs"
            && into["MetricName"] == "alarm_lines"
    })
}

/// A new version takes over as the deployment says, and not at all while an alarm rings that would
/// ring if it were bad.
fn roll_out_flaws(template: &Template, name: &str, function: &Value) -> Vec<String> {
    let mut flaws = Vec::new();
    let everybodys = &template.body["Globals"]["Function"]["DeploymentPreference"];
    let own = &function["Properties"]["DeploymentPreference"];
    if shown(&everybodys["Type"]) != "!Ref Rollout" || own.get("Type").is_some() {
        flaws.push("takes over as it likes".to_owned());
    }
    if own.get("Enabled").is_some() || everybodys.get("Enabled").is_some() {
        flaws.push("takes over at once".to_owned());
    }
    let mut watched = BTreeSet::new();
    let named: Vec<String> =
        list(&everybodys["Alarms"]).into_iter().chain(list(&own["Alarms"])).collect();
    for wanted in &named {
        let found = template.of_kind("AWS::CloudWatch::Alarm").find(|(id, alarm)| {
            *wanted == format!("!Ref {id}") || *wanted == shown(&alarm["Properties"]["AlarmName"])
        });
        match found {
            None => flaws.push(format!("is watched by an alarm that is not there: {wanted}")),
            Some((_, alarm)) => {
                let of = &alarm["Properties"];
                let of = format!("{} {}", shown(&of["MetricName"]), shown(&of["Dimensions"]));
                watched.insert(of);
            }
        }
    }
    let mut wanted = vec![
        "5xx [{Name: ApiId, Value: !Ref Api}]".to_owned(),
        "Latency [{Name: ApiId, Value: !Ref Api}]".to_owned(),
    ];
    if kinds(function).iter().any(|kind| kind != "HttpApi") {
        wanted.push(format!("Errors [{{Name: FunctionName, Value: !Ref {name}}}]"));
    }
    for of in wanted {
        if !watched.contains(&of) {
            flaws.push(format!("no alarm takes it back for {of}"));
        }
    }
    // CodeDeploy takes no more (AWS CodeDeploy User Guide, quotas).
    if named.len() > 50 {
        flaws.push("has more alarms than are looked at".to_owned());
    }
    flaws
}

/// What nobody waits for says where it ended when it is given up; a stream that is behind rings.
fn destination_flaws(template: &Template, name: &str, function: &Value) -> Vec<String> {
    let mut flaws = Vec::new();
    let kept = "{Type: SQS, Destination: !Ref FailedRunsQueueArn}";
    let kinds = kinds(function);
    if kinds.iter().any(|kind| kind == "Schedule" || kind == "EventBridgeRule") {
        let to = &function["Properties"]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"];
        if shown(to) != kept {
            flaws.push("a run that is given up is forgotten".to_owned());
        }
    }
    for event in events(function) {
        if event["Type"] != "DynamoDB" {
            continue;
        }
        if shown(&event["Properties"]["DestinationConfig"]["OnFailure"]) != kept {
            flaws.push("a change that is given up is forgotten".to_owned());
        }
        let is_watched = template.of_kind("AWS::CloudWatch::Alarm").any(|(_, alarm)| {
            let of = &alarm["Properties"];
            of["MetricName"] == "IteratorAge"
                && shown(&of["Dimensions"])
                    == format!("[{{Name: FunctionName, Value: !Ref {name}}}]")
        });
        if !is_watched {
            flaws.push("nobody is told when it falls behind".to_owned());
        }
    }
    flaws
}

fn api_flaws(template: &Template, name: &str, api: &Value) -> Vec<String> {
    let mut flaws = Vec::new();
    let throttle = "{ThrottlingRateLimit: !Ref RequestsPerSecond, \
                    ThrottlingBurstLimit: !Ref RequestsAtOnce}";
    if shown(&api["DefaultRouteSettings"]) != throttle {
        flaws.push("answers without a limit".to_owned());
    }
    let to = shown(&api["AccessLogSettings"]["DestinationArn"]);
    let group = to.strip_prefix("!GetAtt ").and_then(|to| to.strip_suffix(".Arn"));
    let group = group.map(|group| &template.body["Resources"][group]["Type"]);
    if group.is_none_or(|kind| kind != "AWS::Logs::LogGroup") {
        flaws.push("keeps no log".to_owned());
    }
    let format = shown(&api["AccessLogSettings"]["Format"]);
    // In paths stand the secrets of links; the address and the browser are somebody's.
    for secret in ["$context.path", "identity", "authorizer", "$context.domainName"] {
        if format.contains(secret) {
            flaws.push(format!("logs {secret}"));
        }
    }
    if let Err(flaw) = serde_json::from_str::<BTreeMap<String, String>>(&format) {
        flaws.push(format!("logs what is no JSON: {flaw}"));
    }
    for metric in ["5xx", "Latency"] {
        let is_watched = template.of_kind("AWS::CloudWatch::Alarm").any(|(_, alarm)| {
            let of = &alarm["Properties"];
            of["MetricName"] == metric
                && shown(&of["Dimensions"]) == format!("[{{Name: ApiId, Value: !Ref {name}}}]")
        });
        if !is_watched {
            flaws.push(format!("nobody is told of {metric}"));
        }
    }
    flaws
}

fn events(function: &Value) -> impl Iterator<Item = &Value> {
    let all = function["Properties"]["Events"].as_mapping();
    all.into_iter().flat_map(Mapping::values)
}

fn kinds(function: &Value) -> Vec<String> {
    events(function).map(|event| shown(&event["Type"])).collect()
}

#[test]
fn every_function_is_reached_by_an_alias_watched_traced_logged_and_taken_back() {
    let domains = domains();
    assert_eq!(domains.len(), 15);
    let mut found = String::new();
    for template in &domains {
        for flaw in flaws(template) {
            writeln!(found, "{}: {flaw}", template.file).unwrap();
        }
    }
    assert_eq!(found, "");
}

#[test]
fn every_alarm_leads_to_somebody_and_what_is_kept_stays() {
    let mut count = 0;
    for template in all() {
        assert_eq!(common_flaws(&template), Vec::<String>::new(), "{}", template.file);
        count += alarms(&template).count();
    }
    assert!(count > 100, "{count}");
}

/// Each is planted into a template that has it right.
#[test]
fn every_flaw_that_is_planted_is_found() {
    let planted = [
        ("checkout", "    AutoPublishAlias: live\n", "", "StoreComplete: has no alias"),
        (
            "checkout",
            "    VersionDeletionPolicy: Delete\n",
            "",
            "StoreComplete: leaves its versions behind",
        ),
        (
            "checkout",
            "      Handler: checkout.store.complete\n      AutoPublishCodeSha256: !Ref Release\n",
            "      Handler: checkout.store.complete\n",
            "StoreComplete: is not published anew with a parameter",
        ),
        ("checkout", "    Tracing: Active\n", "", "StoreComplete: is not traced"),
        (
            "checkout",
            "Architectures: [!Ref Architecture]",
            "Architectures: [x86_64]",
            "StoreComplete: chooses its processor itself",
        ),
        (
            "checkout",
            "        LogGroup: !Ref StoreCompleteLog",
            "        LogGroup: !Ref UnknownLog",
            "StoreComplete: has no log group by its name",
        ),
        (
            "checkout",
            "      # Ends before the next minute starts its successor.\n",
            "",
            "JobsExpireUnpaid: Timeout has no reason",
        ),
        (
            "checkout",
            "      FilterPattern: '{ $.alarm = \"*\" }'\n",
            "      FilterPattern: ''\n",
            "StoreComplete: asks for somebody and is not heard",
        ),
        ("checkout", "    Timeout: 10\n", "", "Unknown: has no Timeout"),
        ("checkout", "    MemorySize: 512\n", "", "Unknown: has no MemorySize"),
        (
            "checkout",
            "      Type: !Ref Rollout\n",
            "      Type: AllAtOnce\n",
            "StoreComplete: takes over as it likes",
        ),
        (
            "checkout",
            "      Type: !Ref Rollout\n",
            "      Type: !Ref Rollout\n      Enabled: false\n",
            "StoreComplete: takes over at once",
        ),
        (
            "checkout",
            "        - !Sub ${Prefix}-checkout-slow\n",
            "",
            "StoreComplete: no alarm takes it back for Latency [{Name: ApiId, Value: !Ref Api}]",
        ),
        (
            "checkout",
            "      AlarmName: !Sub ${Prefix}-checkout-faults\n",
            "      AlarmName: !Sub ${Prefix}-faults\n",
            "StoreComplete: is watched by an alarm that is not there: \
             !Sub ${Prefix}-checkout-faults",
        ),
        (
            "checkout",
            "      DeploymentPreference: {Alarms: [!Ref JobsExpireUnpaidFails]}\n",
            "",
            "JobsExpireUnpaid: no alarm takes it back for \
             Errors [{Name: FunctionName, Value: !Ref JobsExpireUnpaid}]",
        ),
        (
            "checkout",
            "        DestinationConfig: {OnFailure: \
             {Type: SQS, Destination: !Ref FailedRunsQueueArn}}\n",
            "",
            "JobsExpireUnpaid: a run that is given up is forgotten",
        ),
        (
            "checkout",
            "        ThrottlingBurstLimit: !Ref RequestsAtOnce\n",
            "",
            "Api: answers without a limit",
        ),
        ("checkout", "!GetAtt ApiLog.Arn", "!GetAtt Api.Arn", "Api: keeps no log"),
        ("checkout", "$context.routeKey", "$context.path", "Api: logs $context.path"),
        (
            "checkout",
            "\"status\":\"$context.status\"",
            "\"status\":$context.status",
            "Api: logs what is no JSON: expected value",
        ),
        (
            "checkout",
            "      MetricName: 5xx\n",
            "      MetricName: 4xx\n",
            "Api: nobody is told of 5xx",
        ),
        (
            "checkout",
            "      RetentionInDays: !Ref LogRetentionDays\n",
            "",
            "ApiLog: is kept for ever",
        ),
        (
            "checkout",
            "      OKActions: [!Ref OpsTopic]\n",
            "",
            "ApiFaults: OKActions lead to nobody",
        ),
        (
            "checkout",
            "      AlarmActions: [!Ref OpsTopic]\n",
            "      AlarmActions: []\n",
            "ApiFaults: AlarmActions lead to nobody",
        ),
        (
            "catalog",
            "              OnFailure: {Type: SQS, Destination: !Ref FailedRunsQueueArn}\n",
            "              OnFailure: {Type: SQS, Destination: !Ref SearchQueueArn}\n",
            "JobsOnStockChanged: a change that is given up is forgotten",
        ),
        (
            "catalog",
            "      MetricName: IteratorAge\n",
            "      MetricName: Duration\n",
            "JobsOnStockChanged: nobody is told when it falls behind",
        ),
        (
            "catalog",
            "!If [Reserves, 1, !Ref AWS::NoValue]",
            "1",
            "JobsIndexProducts: reserves what a new account does not have",
        ),
    ];
    for (domain, right, wrong, flaw) in planted {
        let file = format!("functions/{domain}/template.yaml");
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        assert!(text.contains(right), "{file} has no {right:?}");
        let found = flaws(&Template::of(&file, text.replacen(right, wrong, 1)));
        assert!(found.iter().any(|one| one.starts_with(flaw)), "{flaw:?} is not found: {found:#?}");
    }
    for (file, right, wrong, flaw) in [
        ("messaging", "      SqsManagedSseEnabled: true\n", "", "StripeEvents: is not encrypted"),
        ("secrets", "    DeletionPolicy: Retain\n", "", "Stripe: goes with the stack"),
        ("storage", "    UpdateReplacePolicy: Retain\n", "", "Identity: goes with the stack"),
    ] {
        let file = format!("infra/{file}.yaml");
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        let found = common_flaws(&Template::of(&file, text.replacen(right, wrong, 1)));
        assert_eq!(found, [flaw]);
    }
}

/// The names that alarms of a metric stand on, as the cloud would see them.
fn watched(observability: &Template, metric: &str, dimension: &str) -> BTreeSet<String> {
    let alarms = observability.of_kind("AWS::CloudWatch::Alarm");
    let mut names = BTreeSet::new();
    for (_, alarm) in alarms {
        let of = &alarm["Properties"];
        let parts = list_of(&of["Metrics"]).map(|one| &one["MetricStat"]["Metric"]);
        for part in parts.chain(std::iter::once(of)) {
            if part["MetricName"] != metric {
                continue;
            }
            for one in list_of(&part["Dimensions"]).filter(|one| one["Name"] == dimension) {
                names.insert(
                    shown(&one["Value"]).replace("!Sub ", "").replace("${Prefix}", "fluxion"),
                );
            }
        }
    }
    names
}

fn list_of(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_sequence().into_iter().flatten()
}

#[test]
fn every_queue_rings_when_it_is_old_and_every_dead_letter_when_it_is_there() {
    let observability = Template::read("infra/observability.yaml");
    let shop = shop();
    let names = |wanted: &dyn Fn(&&Queue) -> bool| -> BTreeSet<String> {
        shop.queues.iter().filter(wanted).map(|queue| queue.name.clone()).collect()
    };
    let is_dead = |queue: &&Queue| queue.name.contains("-dlq");
    assert_eq!(
        watched(&observability, "ApproximateNumberOfMessagesVisible", "QueueName"),
        names(&is_dead)
    );
    assert_eq!(
        watched(&observability, "ApproximateAgeOfOldestMessage", "QueueName"),
        names(&|queue| !is_dead(queue))
    );
    // A queue that gives nothing up would try for ever.
    for queue in shop.queues.iter().filter(|queue| !is_dead(queue)) {
        assert!(queue.redrive.is_some(), "{}", queue.name);
    }
}

#[test]
fn every_table_rings_when_it_refuses() {
    let observability = Template::read("infra/observability.yaml");
    let tables: BTreeSet<String> = shop().tables.into_iter().map(|table| table.name).collect();
    for metric in ["ReadThrottleEvents", "WriteThrottleEvents"] {
        assert_eq!(watched(&observability, metric, "TableName"), tables);
    }
}

/// Whether messages of a queue come in their order.
fn is_fifo(queue: &str) -> bool {
    queue.strip_suffix(".fifo").is_some()
}

/// A name that is mistyped would be an alarm that never rings.
#[test]
fn an_alarm_on_one_operation_names_one_that_there_is() {
    let observability = Template::read("infra/observability.yaml");
    let operations = watched(&observability, "latency_ms", "op");
    assert!(!operations.is_empty());
    for operation in operations {
        assert!(shop().function(&operation).is_some(), "{operation}");
    }
}

/// What is wanted of `infra/observability.yaml`, each by the metric that it is of.
#[test]
fn what_somebody_has_to_be_told_of_rings() {
    let observability = Template::read("infra/observability.yaml");
    let mut metrics = BTreeSet::new();
    for (_, alarm) in observability.of_kind("AWS::CloudWatch::Alarm") {
        let of = &alarm["Properties"];
        let parts = list_of(&of["Metrics"]).map(|one| &one["MetricStat"]["Metric"]);
        for part in parts.chain(std::iter::once(of)).filter(|part| part.get("MetricName").is_some())
        {
            metrics.insert(format!("{} {}", shown(&part["Namespace"]), shown(&part["MetricName"])));
        }
    }
    let wanted = [
        "AWS/DynamoDB ReadThrottleEvents",
        "AWS/DynamoDB WriteThrottleEvents",
        "AWS/Lambda Throttles",
        "AWS/SES Reputation.BounceRate",
        "AWS/SES Reputation.ComplaintRate",
        "AWS/SQS ApproximateAgeOfOldestMessage",
        "AWS/SQS ApproximateNumberOfMessagesVisible",
        "Fluxion faults",
        "Fluxion latency_ms",
        "Fluxion login_failed",
        "Fluxion orders_failed",
        "Fluxion orders_paid",
        "Fluxion orders_placed",
        "Fluxion retries",
        "Fluxion webhook_lag_seconds",
        "Fluxion/Logs alarm_lines",
    ];
    assert_eq!(metrics, BTreeSet::from(wanted.map(str::to_owned)));
    for kind in ["AWS::Budgets::Budget", "AWS::CloudWatch::Dashboard", "AWS::SNS::Topic"] {
        assert_eq!(observability.of_kind(kind).count(), 1, "{kind}");
    }
}

#[test]
fn the_dashboard_is_json() {
    let observability = Template::read("infra/observability.yaml");
    let (_, dashboard) = observability.of_kind("AWS::CloudWatch::Dashboard").next().unwrap();
    let body = shown(&dashboard["Properties"]["DashboardBody"]);
    let body = body.strip_prefix("!Sub ").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert!(body["widgets"].as_array().unwrap().len() >= 10);
}

/// Whoever is woken finds what it means and what to do.
#[test]
fn every_alarm_is_explained() {
    let page = std::fs::read_to_string(root().join("docs/alarms.md")).unwrap();
    let observability = Template::read("infra/observability.yaml");
    for (name, _) in alarms(&observability) {
        let kind = ["Old", "Given", "Throttled"].iter().find(|kind| name.ends_with(**kind));
        let wanted = kind.map_or(format!("`{name}`"), |kind| format!("`…{kind}`"));
        assert!(page.contains(&wanted), "docs/alarms.md says nothing of {wanted}");
    }
    for kind in ["`ApiFaults`", "`ApiSlow`", "`…Fails`", "`…Late`"] {
        assert!(page.contains(kind), "{kind}");
    }
}

/// The windows of `docs/slo.md` are those that the alarms look at.
#[test]
fn how_fast_errors_may_go_is_what_the_page_says() {
    let page = std::fs::read_to_string(root().join("docs/slo.md")).unwrap();
    let observability = Template::read("infra/observability.yaml");
    let alarm = |name: &str| &observability.body["Resources"][name]["Properties"];
    let seconds = |words: &str| {
        let (count, unit) = words.split_once(' ').unwrap();
        let unit = match unit.trim_end_matches('s') {
            "minute" => 60,
            "hour" => 3600,
            "day" => 86_400,
            other => panic!("{other}"),
        };
        (count.parse::<u64>().unwrap() * unit).to_string()
    };
    let rows: Vec<Vec<&str>> = page
        .lines()
        .skip_while(|line| !line.starts_with("| burn |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let names = ["BurnFast", "BurnSteady", "BurnSlow"];
    assert_eq!(rows.len(), names.len());
    for (name, row) in names.into_iter().zip(rows) {
        let rule = shown(&alarm(name)["AlarmRule"]);
        let parts: Vec<&str> =
            rule.split("${").skip(1).filter_map(|part| part.split('}').next()).collect();
        assert_eq!(parts.len(), 2, "{rule}");
        for (part, window) in parts.into_iter().zip(&row[2..4]) {
            assert_eq!(shown(&alarm(part)["Threshold"]), row[1], "{part}");
            let metrics =
                list_of(&alarm(part)["Metrics"]).filter(|one| one.get("MetricStat").is_some());
            let periods: Vec<String> =
                metrics.map(|one| shown(&one["MetricStat"]["Period"])).collect();
            assert_eq!(periods, [seconds(window), seconds(window)], "{part}");
        }
    }
}

/// Each environment's file gives parameters that there are, and values that are allowed.
#[test]
fn every_environment_can_be_deployed() {
    let folder = root().join("infra/environments");
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let given: BTreeMap<String, Value> = serde_yaml_ng::from_str(&text).unwrap();
        let given: BTreeMap<String, String> =
            given.into_iter().map(|(name, value)| (name, shown(&value))).collect();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // Money is live in one of them, and a new version tried out there.
        let is_live = given["Stage"] == "production";
        assert_eq!(is_live, name == "production");
        assert_eq!(given["Rollout"].contains("Canary"), is_live);
        assert_eq!(given["DeletionProtection"] == "false", name == "development");
        let stack = templates::Stack::load(&root(), given);
        assert!(stack.unwrap_or_else(|faults| panic!("{name}: {faults}")).functions.len() > 300);
        seen.insert(name);
    }
    assert_eq!(seen, BTreeSet::from(["development", "production", "staging"].map(str::to_owned)));
    let config = std::fs::read_to_string(root().join("samconfig.toml")).unwrap();
    for name in seen {
        assert!(config.contains(&format!("[{name}.deploy.parameters]")), "{name}");
        assert!(config.contains(&format!("file://infra/environments/{name}.yaml")), "{name}");
    }
}

/// The form that asks for parameters shows all of them.
#[test]
fn every_parameter_stands_in_a_group() {
    let top = Template::read("template.yaml");
    let groups = &top.body["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let mut grouped: Vec<String> =
        list_of(groups).flat_map(|one| list(&one["Parameters"])).collect();
    grouped.sort();
    let mut declared: Vec<String> =
        top.body["Parameters"].as_mapping().unwrap().keys().map(shown).collect();
    declared.sort();
    assert_eq!(grouped, declared);
}

/// What is answered for no route by one function for two APIs has to be let in by both.
#[test]
fn the_second_half_of_identity_borrows_what_answers_no_route() {
    let admin = Template::read("functions/identity/admin.yaml");
    let default =
        &admin.body["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"]["/$default"];
    let uri = &default["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]["uri"];
    assert!(shown(uri).ends_with("functions/${UnknownArn}/invocations"));
    let permission = &admin.body["Resources"]["UnknownPermission"]["Properties"];
    assert_eq!(shown(&permission["FunctionName"]), "!Ref UnknownArn");
    let top = Template::read("template.yaml");
    let given = &top.body["Resources"]["IdentityAdmin"]["Properties"]["Parameters"]["UnknownArn"];
    assert_eq!(shown(given), "!GetAtt Identity.Outputs.UnknownArn");
    // An alias: the function itself would be another version than what is live.
    let store = Template::read("functions/identity/template.yaml");
    assert_eq!(shown(&store.body["Outputs"]["UnknownArn"]["Value"]), "!Ref Unknown.Alias");
}

/// Reserved numbers are taken from everybody else's thousand.
#[test]
fn what_is_reserved_is_little() {
    let mut sum = 0;
    let mut of = BTreeSet::new();
    for template in domains() {
        for (_, function) in template.of_kind("AWS::Serverless::Function") {
            let reserved = shown(&function["Properties"]["ReservedConcurrentExecutions"]);
            let Some(rest) = reserved.strip_prefix("!If [Reserves, ") else { continue };
            sum += rest.split(',').next().unwrap().parse::<u64>().unwrap();
            of.insert(shown(&function["Properties"]["Handler"]));
        }
    }
    assert!(sum <= 100, "{sum}");
    assert!(of.contains("identity.store.login") && of.contains("catalog.jobs.index_products"));
    // Whoever reads a queue in which all wait for one another is one, however often it is started.
    for function in &shop().functions {
        let is_alone = function
            .triggers
            .iter()
            .any(|trigger| matches!(trigger, Trigger::Queue { queue, .. } if is_fifo(queue)));
        assert!(!is_alone || of.contains(&function.handler), "{}", function.handler);
    }
}
