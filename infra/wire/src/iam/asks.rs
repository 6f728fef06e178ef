//! From a request to what it asks of IAM: actions, resources and condition values.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::Inner;
use crate::faults::LOCAL;
use crate::message::{Incoming, Refusal, Service};
use crate::ses::Ses;

/// One action on one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ask {
    pub(crate) action: String,
    /// Usually one; several when a grant on any of them suffices (SES identities).
    pub(crate) resources: Vec<String>,
    /// Values of the partition key that are touched.
    pub(crate) leading_keys: BTreeSet<String>,
    /// Top-level attributes the request names.
    pub(crate) attributes: BTreeSet<String>,
    /// The prefix that a list of objects is asked for.
    pub(crate) prefixes: BTreeSet<String>,
}

impl Ask {
    fn new(action: impl Into<String>, resource: String) -> Self {
        Self { action: action.into(), resources: vec![resource], ..Self::default() }
    }
}

impl Inner {
    /// Whether the caller may; the refusal is the service's own access-denied error.
    pub(crate) fn authorize(&self, caller: &str, incoming: &Incoming) -> Result<(), Refusal> {
        if !self.iam.is_checking() {
            return Ok(());
        }
        for ask in self.asks(incoming) {
            if let Err(resource) = self.iam.check(caller, &ask) {
                let (status, code) = match incoming.service {
                    Service::DynamoDb | Service::Secrets => (400, "AccessDeniedException"),
                    Service::Sns => (403, "AuthorizationError"),
                    Service::Sqs | Service::Ses | Service::S3 | Service::Unknown(_) => {
                        (403, "AccessDenied")
                    }
                };
                let action = ask.action;
                let message = format!(
                    "{caller} is not authorized to perform: {action} on resource: {resource} \
                     because no identity-based policy allows the {action} action"
                );
                return Err(Refusal { status, code, message });
            }
        }
        Ok(())
    }

    /// Whether a caller may know that an object is not there: only who may list the bucket is told
    /// 404, everybody else 403.
    pub(crate) fn may_list(&self, caller: &str, incoming: &Incoming) -> bool {
        let ask = Ask::new("s3:ListBucket", bucket_arn(&incoming.target.bucket));
        caller == LOCAL || !self.iam.is_checking() || self.iam.check(caller, &ask).is_ok()
    }

    fn asks(&self, incoming: &Incoming) -> Vec<Ask> {
        let operation = &incoming.operation;
        match &incoming.service {
            Service::DynamoDb => self.table_asks(operation, &incoming.json),
            Service::Sqs => {
                let action = operation.strip_suffix("Batch").unwrap_or(operation);
                let queue = crate::sqs::queue_of(&incoming.json);
                let resource = queue.map_or_else(|| "*".to_owned(), |name| self.sqs.arn(&name));
                vec![Ask::new(format!("sqs:{action}"), resource)]
            }
            Service::Ses => {
                let mut ask = Ask::new(format!("ses:{operation}"), "*".to_owned());
                let mut set = None;
                if operation.starts_with("Send") {
                    ask.resources = self.ses.identity_arns(&Ses::sender_of(incoming));
                    set = self.ses.configuration_set_arn(incoming);
                }
                let by_set = set.map(|arn| Ask::new(format!("ses:{operation}"), arn));
                std::iter::once(ask).chain(by_set).collect()
            }
            // A telephone number is no resource: whoever may text may text everybody.
            Service::Sns => vec![Ask::new(format!("sns:{operation}"), "*".to_owned())],
            Service::Secrets => {
                let id = [incoming.text("SecretId"), incoming.text("Name")];
                let id = id.into_iter().find(|id| !id.is_empty());
                let resource = id.map_or_else(|| "*".to_owned(), |id| self.secrets.arn_of(id));
                vec![Ask::new(format!("secretsmanager:{operation}"), resource)]
            }
            Service::S3 => object_asks(operation, incoming),
            Service::Unknown(label) => {
                vec![Ask::new(format!("{label}:{operation}"), "*".to_owned())]
            }
        }
    }

    fn table_asks(&self, operation: &str, request: &Value) -> Vec<Ask> {
        let action = format!("dynamodb:{operation}");
        match operation {
            "TransactWriteItems" | "TransactGetItems" => {
                let items = request.get("TransactItems").and_then(Value::as_array);
                let parts = items.into_iter().flatten().filter_map(Value::as_object).flatten();
                parts
                    .map(|(kind, part)| self.item_ask(&format!("dynamodb:{kind}Item"), part))
                    .collect()
            }
            "BatchGetItem" | "BatchWriteItem" => {
                let tables = request.get("RequestItems").and_then(Value::as_object);
                let tables = tables.into_iter().flatten();
                tables.map(|(table, part)| self.batch_ask(&action, table, part)).collect()
            }
            "Query" | "Scan" => vec![self.query_ask(&action, request)],
            _ if request.get("TableName").is_some() => vec![self.item_ask(&action, request)],
            _ => {
                let arn = ["StreamArn", "ResourceArn"].iter().find_map(|member| {
                    request.get(member).and_then(Value::as_str).map(str::to_owned)
                });
                vec![Ask::new(action, arn.unwrap_or_else(|| "*".to_owned()))]
            }
        }
    }

    fn item_ask(&self, action: &str, part: &Value) -> Ask {
        let table = part.get("TableName").and_then(Value::as_str).unwrap_or_default();
        let mut ask = Ask::new(action, self.table_arn(table, None));
        ask.attributes = attributes_of(part);
        let key = self.dynamo.partition_key(bare(table), None).unwrap_or_default();
        for holder in ["Key", "Item"] {
            ask.leading_keys.extend(part.get(holder).and_then(|item| scalar(item.get(&key)?)));
        }
        ask
    }

    fn batch_ask(&self, action: &str, table: &str, part: &Value) -> Ask {
        let mut ask = Ask::new(action, self.table_arn(table, None));
        let key = self.dynamo.partition_key(bare(table), None).unwrap_or_default();
        let reads = part.get("Keys").and_then(Value::as_array).into_iter().flatten();
        let writes = part.as_array().into_iter().flatten().filter_map(|write| {
            write.pointer("/PutRequest/Item").or_else(|| write.pointer("/DeleteRequest/Key"))
        });
        ask.attributes = attributes_of(part);
        for item in reads.chain(writes) {
            ask.leading_keys.extend(item.get(&key).and_then(scalar));
            ask.attributes.extend(item.as_object().into_iter().flat_map(Map::keys).cloned());
        }
        ask
    }

    fn query_ask(&self, action: &str, request: &Value) -> Ask {
        let text = |member| request.get(member).and_then(Value::as_str);
        let table = text("TableName").unwrap_or_default();
        let index = text("IndexName");
        let mut ask = Ask::new(action, self.table_arn(table, index));
        ask.attributes = attributes_of(request);
        if let Some(key) = self.dynamo.partition_key(bare(table), index) {
            let condition = text("KeyConditionExpression").unwrap_or_default();
            ask.leading_keys.extend(equal_to(condition, &key, request));
        }
        ask
    }

    fn table_arn(&self, table: &str, index: Option<&str>) -> String {
        let (region, account, table) = (&self.region, &self.account, bare(table));
        let arn = format!("arn:aws:dynamodb:{region}:{account}:table/{table}");
        match index {
            Some(index) => format!("{arn}/index/{index}"),
            None => arn,
        }
    }
}

fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

/// Source: S3 user guide, "Required permissions for Amazon S3 API operations".
fn object_asks(operation: &str, incoming: &Incoming) -> Vec<Ask> {
    let target = &incoming.target;
    let object = |bucket: &str, key: &str| format!("{}/{key}", bucket_arn(bucket));
    let this = || object(&target.bucket, &target.key);
    match operation {
        "GetObject" | "HeadObject" => vec![Ask::new("s3:GetObject", this())],
        // Who may write only if the tag is the same learns the tag.
        "PutObject" if incoming.header("if-match").is_some() => {
            vec![Ask::new("s3:PutObject", this()), Ask::new("s3:GetObject", this())]
        }
        "CopyObject" => {
            let source = crate::s3::copy_source(incoming);
            let source = source.map_or_else(String::new, |(bucket, key)| object(&bucket, &key));
            vec![Ask::new("s3:GetObject", source), Ask::new("s3:PutObject", this())]
        }
        "ListObjectsV2" | "HeadBucket" => {
            let mut ask = Ask::new("s3:ListBucket", bucket_arn(&target.bucket));
            ask.prefixes.extend(target.query("prefix").map(str::to_owned));
            vec![ask]
        }
        other => vec![Ask::new(format!("s3:{other}"), this())],
    }
}

/// A table may be named by its ARN.
fn bare(table: &str) -> &str {
    table.split_once(":table/").map_or(table, |(_, name)| name)
}

/// A key's value as a condition compares it.
fn scalar(value: &Value) -> Option<String> {
    let members = value.as_object()?;
    ["S", "N", "B"].iter().find_map(|kind| members.get(*kind)?.as_str().map(str::to_owned))
}

/// What the expression demands the key to equal: `#pk = :pk AND …`.
fn equal_to(condition: &str, key: &str, request: &Value) -> Option<String> {
    let spaced = condition.replace('=', " = ").replace(['(', ')'], " ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let value = words.windows(3).find_map(|window| match window {
        [left, "=", right] if resolved(left, request) == key => Some(*right),
        [left, "=", right] if resolved(right, request) == key => Some(*left),
        _ => None,
    })?;
    scalar(request.get("ExpressionAttributeValues")?.get(value)?)
}

fn resolved<'a>(name: &'a str, request: &'a Value) -> &'a str {
    let names = request.get("ExpressionAttributeNames");
    names.and_then(|names| names.get(name)).and_then(Value::as_str).unwrap_or(name)
}

/// The top-level attributes a request names: those of its item and key, and every name in its
/// expressions.
fn attributes_of(request: &Value) -> BTreeSet<String> {
    const EXPRESSIONS: [&str; 5] = [
        "ConditionExpression",
        "FilterExpression",
        "KeyConditionExpression",
        "ProjectionExpression",
        "UpdateExpression",
    ];
    let items = ["Key", "Item"].iter().filter_map(|member| request.get(member)?.as_object());
    let mut attributes: BTreeSet<String> = items.flat_map(Map::keys).cloned().collect();
    for member in EXPRESSIONS {
        let expression = request.get(member).and_then(Value::as_str).unwrap_or_default();
        let breaks = |c: char| c.is_whitespace() || "=<>(),+-".contains(c);
        for (at, path) in words(expression, breaks) {
            // A word before an opening parenthesis is a function, or a keyword before a group.
            let is_called =
                expression.get(at..).is_some_and(|rest| rest.trim_start().starts_with('('));
            let first = path.split(['.', '[']).next().unwrap_or(path);
            let is_number = first.chars().all(|c| c.is_ascii_digit());
            if !first.starts_with(':') && !is_called && !is_number && !is_keyword(first) {
                attributes.insert(resolved(first, request).to_owned());
            }
        }
    }
    attributes
}

/// The non-empty words between breaks, each with the offset behind it.
fn words(text: &str, breaks: impl Fn(char) -> bool) -> impl Iterator<Item = (usize, &str)> {
    let mut end = 0;
    text.split(breaks).filter_map(move |word| {
        let behind = end + word.len();
        // Every break is one ASCII character.
        end = behind + 1;
        (!word.is_empty()).then_some((behind, word))
    })
}

fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 9] =
        ["AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"];
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_partition_key_is_read_out_of_a_key_condition() {
        let request = json!({
            "ExpressionAttributeNames": {"#p": "pk"},
            "ExpressionAttributeValues": {":v": {"S": "CART#1"}, ":s": {"S": "LINE"}},
        });
        for condition in ["#p=:v AND begins_with(sk, :s)", "sk = :s and (pk = :v)", ":v = #p"] {
            assert_eq!(
                equal_to(condition, "pk", &request).as_deref(),
                Some("CART#1"),
                "{condition}"
            );
        }
        assert_eq!(equal_to("sk = :s", "pk", &request), None);
    }

    #[test]
    fn attributes_are_the_names_in_item_and_expressions() {
        let request = json!({
            "Key": {"pk": {"S": "a"}},
            "UpdateExpression": "SET #s.total = if_not_exists(total, :zero) + :n REMOVE old[0]",
            "ConditionExpression": "attribute_not_exists(pk) AND version = :v",
            "ExpressionAttributeNames": {"#s": "state"},
        });
        let found = attributes_of(&request);
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            ["old", "pk", "state", "total", "version"]
        );
    }
}
