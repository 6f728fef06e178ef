//! What the templates say that costs something: the memory of each function, what runs by the
//! clock, and what is paid for by the month whether anybody shops or not.
//!
//! The templates are read as text, by the form that they have here; a function whose Handler is not
//! found this way is a failure, not a function that costs nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::Outcome;
use crate::repository::Repository;

/// What a month has, in minutes: of thirty days.
const MONTH_MINUTES: u128 = 30 * 24 * 60;
/// What Lambda gives to whoever asks for nothing.
const MEMORY_MB: u128 = 128;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stacks {
    /// Megabytes, by Handler.
    pub(super) memory: BTreeMap<String, u128>,
    /// How often a month the clock calls whom.
    pub(super) scheduled: BTreeMap<String, u128>,
    /// Whom Lambda polls a queue for.
    pub(super) fed: BTreeSet<String>,
    pub(super) secrets: u128,
    /// Metrics that alarms read.
    pub(super) watched: u128,
    /// Alarms on other alarms.
    pub(super) composites: u128,
    pub(super) dashboards: u128,
    pub(super) keys: u128,
    pub(super) firewalls: u128,
    pub(super) firewall_rules: u128,
}

impl Stacks {
    pub(super) fn read(repository: &Repository) -> Outcome<Self> {
        let mut stacks = Self::default();
        let templates = repository.texts(".yaml");
        for (path, text) in
            templates.filter(|(_, text)| text.starts_with("AWSTemplateFormatVersion"))
        {
            stacks.take(path, text)?;
        }
        if stacks.memory.is_empty() {
            return Err("no template has functions".into());
        }
        Ok(stacks)
    }

    pub(super) fn memory(&self, handler: &str) -> Outcome<u128> {
        let found = self.memory.get(handler).copied();
        found.ok_or_else(|| format!("no template has a function {handler}").into())
    }

    fn take(&mut self, path: &str, text: &str) -> Outcome<()> {
        let (head, resources) = text.split_once("\nResources:\n").unwrap_or((text, ""));
        let usual = value(head, "MemorySize:").and_then(|text| text.parse().ok());
        let usual = usual.unwrap_or(MEMORY_MB);
        for block in blocks(resources) {
            match value(block, "Type:") {
                Some("AWS::Serverless::Function") => self.function(path, block, usual)?,
                Some("AWS::SecretsManager::Secret") => self.secrets += 1,
                // It is paid for by the metric that it reads.
                Some("AWS::CloudWatch::Alarm") => {
                    self.watched += count(block.matches("MetricName: "));
                }
                Some("AWS::CloudWatch::CompositeAlarm") => self.composites += 1,
                Some("AWS::CloudWatch::Dashboard") => self.dashboards += 1,
                Some("AWS::KMS::Key") => self.keys += 1,
                Some("AWS::WAFv2::WebACL") => {
                    self.firewalls += 1;
                    self.firewall_rules += count(block.matches("- Name: "));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn function(&mut self, path: &str, block: &str, usual: u128) -> Outcome<()> {
        let handler = value(block, "Handler:");
        let handler = handler.ok_or_else(|| format!("{path}: a function without a Handler"))?;
        let memory = match value(block, "MemorySize:") {
            Some(own) => own.parse().map_err(|_| format!("{handler}: {own} is no memory"))?,
            None => usual,
        };
        self.memory.insert(handler.to_owned(), memory);
        if block.contains("Type: SQS\n") {
            self.fed.insert(handler.to_owned());
        }
        if let Some(rate) = value(block, "Schedule:") {
            let times = times_a_month(rate).ok_or_else(|| format!("{handler}: {rate}?"))?;
            self.scheduled.insert(handler.to_owned(), times);
        }
        Ok(())
    }
}

fn count<T>(each: impl Iterator<Item = T>) -> u128 {
    each.fold(0, |sum, _| sum + 1)
}

/// The resources of a template: what stands under a name that is indented by two.
fn blocks(resources: &str) -> Vec<&str> {
    let is_name = |line: &str| {
        line.strip_prefix("  ").is_some_and(|rest| rest.starts_with(|c: char| c.is_alphabetic()))
    };
    let mut starts = Vec::new();
    let mut at = 0;
    for line in resources.split_inclusive('\n') {
        if is_name(line) {
            starts.push(at);
        }
        at += line.len();
        if line.starts_with("Outputs:") {
            at = resources.len();
            break;
        }
    }
    starts.push(at);
    starts.windows(2).filter_map(|pair| resources.get(*pair.first()?..*pair.last()?)).collect()
}

/// What stands behind a word that begins a line, without quotes.
fn value<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let rest = text.lines().find_map(|line| line.trim_start().strip_prefix(word))?;
    Some(rest.trim().trim_matches('\''))
}

/// `rate(5 minutes)`, in times a month.
fn times_a_month(rate: &str) -> Option<u128> {
    let (number, unit) = rate.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let minutes = match unit.trim_end_matches('s') {
        "minute" => 1,
        "hour" => 60,
        "day" => 24 * 60,
        _ => return None,
    };
    MONTH_MINUTES.checked_div(number.parse::<u128>().ok()? * minutes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const TEMPLATE: &str = "\
AWSTemplateFormatVersion: 2010-09-09
Globals:
  Function:
    MemorySize: 512

Resources:
  View:
    Type: AWS::Serverless::Function
    Properties:
      Handler: cart.store.view

  Sweep:
    Type: AWS::Serverless::Function
    Properties:
      Handler: cart.jobs.sweep
      MemorySize: 1024
      Events:
        Queue:
          Type: SQS
        Clock:
          Type: Schedule
          Properties:
            Schedule: rate(5 minutes)

  Key:
    Type: AWS::SecretsManager::Secret

  Burn:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Metrics:
        - MetricStat: {Metric: {MetricName: faults}}
        - MetricStat: {Metric: {MetricName: latency_ms}}

  Old:
    Type: AWS::CloudWatch::Alarm
    Properties:
      MetricName: age

  Both:
    Type: AWS::CloudWatch::CompositeAlarm

Outputs:
  Address: {Value: x}
";

    #[test]
    fn what_costs_something_is_read_from_the_templates() {
        let read = Stacks::read(&Repository::of(&[("a/template.yaml", TEMPLATE)])).unwrap();
        assert_eq!(read.memory("cart.store.view").unwrap(), 512);
        assert_eq!(read.memory("cart.jobs.sweep").unwrap(), 1024);
        assert_eq!(read.scheduled, BTreeMap::from([("cart.jobs.sweep".to_owned(), 8640)]));
        assert_eq!((read.fed.len(), read.secrets), (1, 1));
        assert_eq!((read.watched, read.composites), (3, 1));
        assert!(read.memory("cart.store.fly").is_err());
        let none = TEMPLATE.replace("      Handler: cart.store.view\n", "");
        assert!(Stacks::read(&Repository::of(&[("a.yaml", &none)])).is_err());
        let odd = TEMPLATE.replace("rate(5 minutes)", "cron(0 3 * * ? *)");
        assert!(Stacks::read(&Repository::of(&[("a.yaml", &odd)])).is_err());
    }

    #[test]
    fn every_function_of_this_tree_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let repository = Repository::read(&root).unwrap();
        let read = Stacks::read(&repository).unwrap();
        let declared = repository
            .texts("template.yaml")
            .flat_map(|(_, text)| text.matches("Type: AWS::Serverless::Function\n"));
        assert!(read.memory.len() >= declared.count());
        assert!(read.secrets >= 7 && read.fed.len() >= 10 && read.scheduled.len() >= 10);
    }
}
