//! The page: what a request, an order and an idle month cost, and what that was made of.

use std::fmt::Write as _;

use super::counted::{Calls, Counted};
use super::prices::{Journey, Prices, dollars};
use super::stacks::Stacks;
use crate::Outcome;

/// What the issue of the cloud asked for: dollars for 100,000 orders, without letters.
const GOAL: &str = "2.50";
const MILLION: u128 = 1_000_000;
const ORDERS: u128 = 100_000;

/// What one invocation costs, in picodollars, by what it is paid for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cost {
    front: u128,
    compute: u128,
    tables: u128,
    queues: u128,
    files: u128,
    letters: u128,
    logs: u128,
}

impl Cost {
    const PARTS: [&str; 7] =
        ["front door, API", "Lambda", "DynamoDB", "SQS", "S3", "SES, SNS", "logs, traces"];

    fn parts(self) -> [u128; 7] {
        let Self { front, compute, tables, queues, files, letters, logs } = self;
        [front, compute, tables, queues, files, letters, logs]
    }

    fn total(self) -> u128 {
        self.parts().iter().sum()
    }

    fn plus(self, other: Self, times: u128) -> Self {
        Self {
            front: self.front + other.front * times,
            compute: self.compute + other.compute * times,
            tables: self.tables + other.tables * times,
            queues: self.queues + other.queues * times,
            files: self.files + other.files * times,
            letters: self.letters + other.letters * times,
            logs: self.logs + other.logs * times,
        }
    }
}

/// The whole model.
struct Model<'a> {
    prices: &'a Prices,
    counted: &'a Counted,
    stacks: &'a Stacks,
}

impl Model<'_> {
    /// What one invocation of a function costs, with the request that leads to it.
    fn invocation(&self, handler: &str) -> Outcome<Cost> {
        let prices = self.prices;
        let calls = self.counted.of(handler)?;
        let ms = self.milliseconds(handler, calls)?;
        // Megabytes × milliseconds, in parts of a gigabyte-second.
        let memory = self.stacks.memory(handler)?;
        let compute = prices.of("compute_gb_second", memory * ms)? / (1024 * 1000);
        let messages = prices.assumed("queue_requests_per_message")?;
        let is_fed = self.stacks.fed.contains(handler);
        let queue_requests = calls.of("sqs") + if is_fed { messages } else { 0 };
        let logs = prices.of("log_gb", prices.assumed("log_bytes")?)? / 1_000_000_000;
        let traces = prices.of("trace", prices.assumed("traces_per_thousand")?)? / 1000;
        Ok(Cost {
            front: if is_asked_over_http(handler) { self.request()? } else { 0 },
            compute: prices.of("invocation", 1)? + compute,
            tables: prices.of("read_unit", calls.reads)? / 10
                + prices.of("write_unit", calls.writes)? / 10,
            queues: prices.of("queue_request", queue_requests)?,
            files: prices.of("file_write", calls.files_written)?
                + prices.of("file_read", calls.of("s3") - calls.files_written)?,
            letters: prices.of("letter", calls.of("ses"))? + prices.of("text", calls.of("sns"))?,
            logs: logs + traces,
        })
    }

    /// What it is paid for in time: its own, and that of whom it waits for.
    fn milliseconds(&self, handler: &str, calls: &Calls) -> Outcome<u128> {
        let mut ms = self.prices.assumed("own_ms")?;
        for (service, count) in &calls.services {
            let name = match service.as_str() {
                "dynamodb" | "sqs" | "s3" | "ses" | "sns" | "stripe" => format!("{service}_ms"),
                // Kept for five minutes: whoever reads them pays once for many.
                "secretsmanager" => continue,
                _ => "other_ms".to_owned(),
            };
            ms += self.prices.assumed(&name)? * count;
        }
        if self.prices.password_handlers.iter().any(|one| one == handler) {
            ms += self.prices.assumed("password_ms")?;
        }
        Ok(ms)
    }

    /// What a request costs before a function is called.
    fn request(&self) -> Outcome<u128> {
        Ok(self.door()? + self.prices.of("api_request", 1)?)
    }

    /// What the front door costs, firewall and traffic included.
    fn door(&self) -> Outcome<u128> {
        let prices = self.prices;
        let bytes = prices.assumed("answer_bytes")?;
        Ok(prices.of("door_request", 1)?
            + prices.of("firewall_request", 1)?
            + prices.of("traffic_gb", bytes)? / 1_000_000_000)
    }

    /// What a thousand of a journey cost.
    fn thousand(&self, journey: &Journey) -> Outcome<Cost> {
        let remembered = journey.remembered_per_thousand;
        let mut sum = Cost::default();
        for (handler, times) in &journey.steps {
            let one = self.invocation(handler)?;
            sum = sum.plus(one, times * (1000 - remembered));
            let door = Cost { front: self.door()?, ..Cost::default() };
            sum = sum.plus(door, times * remembered);
        }
        Ok(sum)
    }

    /// What a month costs in which nobody comes: each line of it.
    fn idle(&self) -> Outcome<Vec<Idle>> {
        let Stacks { secrets, watched, composites, fed, .. } = self.stacks;
        let Stacks { dashboards, keys, firewalls, firewall_rules, .. } = self.stacks;
        let monthly = [
            ("secrets", "secret_month", *secrets, Kind::LeftOut),
            ("metrics of alarms", "alarm_month", *watched, Kind::LeftOut),
            ("alarms on alarms", "composite_alarm_month", *composites, Kind::LeftOut),
            ("keys of KMS", "key_month", *keys, Kind::LeftOut),
            ("dashboards", "dashboard_month", *dashboards, Kind::Avoidable),
            ("firewalls", "firewall_month", *firewalls, Kind::Avoidable),
            ("rules of the firewall", "firewall_rule_month", *firewall_rules, Kind::Avoidable),
        ];
        let mut lines = Vec::new();
        for (name, price, count, kind) in monthly {
            if count > 0 {
                let (name, cost) = (format!("{count} {name}"), self.prices.of(price, count)?);
                lines.push(Idle { name, cost, kind });
            }
        }
        // A long poll lasts 20 seconds: three a minute, each by every poller.
        let polled = u128::try_from(fed.len())?;
        let polls = 3 * 60 * 24 * 30 * self.prices.assumed("pollers_per_queue")? * polled;
        lines.push(Idle {
            name: format!("{polled} queues that Lambda asks whether there is something"),
            cost: self.prices.of("queue_request", polls)?,
            kind: Kind::Stays,
        });
        let (mut calls, mut clock) = (0, 0);
        for (handler, times) in &self.stacks.scheduled {
            calls += times;
            clock += self.invocation(handler)?.total() * times;
        }
        let name = format!("{calls} calls by the clock");
        lines.push(Idle { name, cost: clock, kind: Kind::Stays });
        Ok(lines)
    }
}

/// A line of the idle month.
#[derive(Debug, PartialEq, Eq)]
struct Idle {
    name: String,
    cost: u128,
    kind: Kind,
}

/// What a line of the idle month is to the goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The goal does not count it.
    LeftOut,
    /// A shop may do without it, or has it for nothing.
    Avoidable,
    /// It is paid for.
    Stays,
}

fn is_asked_over_http(handler: &str) -> bool {
    let entrance = handler.split('.').nth(1);
    matches!(entrance, Some("store" | "admin" | "hooks" | "unknown"))
}

/// Writes the page.
pub(super) fn write(prices: &Prices, counted: &Counted, stacks: &Stacks) -> Outcome<String> {
    let model = Model { prices, counted, stacks };
    let mut page = String::new();
    let _ = writeln!(
        page,
        "# What it costs\n\n\
         Written by `cargo xtask cost`; do not change it by hand, `.ci/run papers` compares.\n\n\
         Nothing here was measured in the cloud. Calls and units of DynamoDB are *counted*, on \
         the wire, by the story\nof the budgets: what an ordinary day's call of a function costs, \
         or its costliest, where ordinary days have\nnone. Memory, schedules, queues, secrets and \
         alarms stand in the templates. Prices are those of {},\nin {}: {}.\n\
         What could not be counted is *assumed*, and stands [at the end](#assumed). The lines of \
         the log reckon their\n`cost_nanodollars` with the same prices of requests, of Lambda's \
         time and of units.\n",
        prices.date, prices.region, prices.source
    );
    orders(&model, &mut page)?;
    idle(&model, &mut page)?;
    requests(&model, &mut page)?;
    inputs(prices, &mut page);
    Ok(page)
}

fn orders(model: &Model<'_>, page: &mut String) -> Outcome<()> {
    let _ = writeln!(
        page,
        "## 100,000 orders\n\nUS dollars, by what they are paid for.\n\n| | {} | **together** |\n\
         |---|{}---|",
        Cost::PARTS.join(" | "),
        "---|".repeat(Cost::PARTS.len())
    );
    let row = |name: &str, cost: Cost| {
        let parts: Vec<String> = cost.parts().iter().map(|part| dollars(*part, 2)).collect();
        format!("| {name} | {} | **{}** |\n", parts.join(" | "), dollars(cost.total(), 2))
    };
    let (mut all, mut with_mail) = (Cost::default(), Cost::default());
    let mut about = String::new();
    for journey in &model.prices.journeys {
        let cost = Cost::default().plus(model.thousand(journey)?, ORDERS / 1000);
        page.push_str(&row(&journey.name, cost));
        with_mail = with_mail.plus(cost, 1);
        if !journey.is_mail {
            all = all.plus(cost, 1);
        }
        let steps: Vec<String> = journey
            .steps
            .iter()
            .map(|(handler, times)| match times {
                1 => format!("`{handler}`"),
                times => format!("{times} × `{handler}`"),
            })
            .collect();
        let _ = writeln!(about, "- **{}**: {}. {}.", journey.name, journey.about, steps.join(", "));
    }
    page.push_str(&row("without letters", all));
    page.push_str(&row("with them", with_mail));
    let tables = dollars(all.tables, 2);
    let requests: u128 = model
        .prices
        .journeys
        .iter()
        .flat_map(|journey| &journey.steps)
        .filter(|(handler, _)| is_asked_over_http(handler))
        .map(|(_, times)| times)
        .sum();
    let _ = writeln!(
        page,
        "\n{about}\n\
         The goal was ${GOAL} for 100,000 orders without letters. It is **${}**, and the goal can \
         not be met by a shop\nthat is asked over HTTP: a purchase is {requests} requests, and the \
         front door, its firewall and the API cost ${}\nof it. DynamoDB is ${tables}. What follows \
         from an order is counted for one order alone; a busy shop's queues\nand streams bring \
         several at once, so that the files of the index and the calls of the jobs are shared by \
         them.\nBeyond that, capacity that is provisioned once the traffic is known costs a \
         seventh, if it is used all day.\n",
        dollars(all.total(), 2),
        dollars(all.front, 2)
    );
    Ok(())
}

fn idle(model: &Model<'_>, page: &mut String) -> Outcome<()> {
    let lines = model.idle()?;
    let _ = writeln!(
        page,
        "## A month in which nobody comes\n\nThe goal was nothing apart from alarms, secrets and \
         keys.\n\n| | US dollars a month |\n|---|---|"
    );
    let (left_out, rest): (Vec<&Idle>, Vec<&Idle>) =
        lines.iter().partition(|line| line.kind == Kind::LeftOut);
    let sum_of = |lines: &[&Idle]| lines.iter().map(|line| line.cost).sum::<u128>();
    for (part, title) in [(&left_out, "what the goal leaves out"), (&rest, "the rest")] {
        for line in part {
            let _ = writeln!(page, "| {} | {} |", line.name, dollars(line.cost, 2));
        }
        let _ = writeln!(page, "| **{title}** | **{}** |", dollars(sum_of(part), 2));
    }
    let (all, rest_sum) = (sum_of(&left_out) + sum_of(&rest), sum_of(&rest));
    let _ = writeln!(page, "| **together** | **{}** |\n", dollars(all, 2));
    let stays = rest.iter().filter(|line| line.kind == Kind::Stays);
    let stays: u128 = stays.map(|line| line.cost).sum();
    let _ = writeln!(
        page,
        "Of the rest, the firewall is a stack of its own that a shop may leave out, and an \
         account's first three\ndashboards are free: ${} of the ${} are left then.\n",
        dollars(stays, 2),
        dollars(rest_sum, 2)
    );
    let metric = dollars(model.prices.of("metric_month", 1)?, 2);
    let stored = dollars(model.prices.of("table_gb_month", 1)?, 2);
    let backup = dollars(model.prices.of("backup_gb_month", 1)?, 2);
    let _ = writeln!(
        page,
        "Queues are asked whether there is something all day; of these requests the first million \
         a month is\nfree, which is not counted here. A gigabyte in a table costs ${stored} a \
         month, and ${backup} more with\npoint-in-time recovery. A metric of our own costs \
         ${metric} a month for each value of its dimensions that was\nseen in it: a figure per \
         function is dear, one for the shop is not.\n"
    );
    Ok(())
}

fn requests(model: &Model<'_>, page: &mut String) -> Outcome<()> {
    let _ = writeln!(
        page,
        "## A million of each\n\nUS dollars for a million calls that reach the function: request, \
         Lambda, tables, queues, files, logs; letters\nand texts apart.\n\n\
         | function | ms | read units | write units | dollars |\n|---|---|---|---|---|"
    );
    let mut rows = Vec::new();
    for handler in model.counted.handlers() {
        // What was counted and is gone from the templates is told by the story, not here.
        if !model.stacks.memory.contains_key(handler) {
            continue;
        }
        let cost = model.invocation(handler)?;
        rows.push((handler, Cost { letters: 0, ..cost }.total() * MILLION));
    }
    rows.sort_unstable();
    for (handler, cost) in rows {
        let calls = model.counted.of(handler)?;
        let ms = model.milliseconds(handler, calls)?;
        let tenth = |tenths: u128| format!("{}.{}", tenths / 10, tenths % 10);
        let _ = writeln!(
            page,
            "| `{handler}` | {ms} | {} | {} | {} |",
            tenth(calls.reads),
            tenth(calls.writes),
            dollars(cost, 2)
        );
    }
    page.push('\n');
    Ok(())
}

fn inputs(prices: &Prices, page: &mut String) {
    let _ = writeln!(page, "## Prices\n\n| US dollars | for | what |\n|---|---|---|");
    for price in prices.list.values() {
        let _ = writeln!(page, "| {} | {} | {} |", price.usd, price.per, price.what);
    }
    let _ = writeln!(page, "\n## Assumed\n\n| | | why |\n|---|---|---|");
    for (name, one) in &prices.assumed {
        let _ = writeln!(page, "| `{name}` | {} | {} |", one.value, one.why);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::repository::Repository;

    fn prices() -> Prices {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(root.join("prices.json")).unwrap();
        Prices::read(&serde_json::from_str(&text).unwrap()).unwrap()
    }

    fn stacks() -> Stacks {
        let function = |name: &str, handler: &str| {
            format!("  {name}:\n    Type: AWS::Serverless::Function\n    Handler: {handler}\n")
        };
        let text = format!(
            "AWSTemplateFormatVersion: 1\n    MemorySize: 512\nResources:\n{}{}    Type: SQS\n  \
             Key:\n    Type: AWS::SecretsManager::Secret\n",
            function("View", "cart.store.view"),
            function("Deliver", "notifications.jobs.deliver")
        );
        Stacks::read(&Repository::of(&[("template.yaml", &text)])).unwrap()
    }

    const COUNTED: &str = "handler\n\
        cart.store.view 2.0 0.0 2 dynamodb (Query, Query)\n\
        notifications.jobs.deliver 1.0 2.0 3 dynamodb, 1 ses (Query, UpdateItem, UpdateItem, X)\n";

    #[test]
    fn an_invocation_is_paid_for_by_its_parts() {
        let (prices, counted, stacks) = (prices(), Counted::read(COUNTED).unwrap(), stacks());
        let model = Model { prices: &prices, counted: &counted, stacks: &stacks };
        let view = model.invocation("cart.store.view").unwrap();
        // 1 $, 1 $ and 0.60 $ a million requests, and 3 kB at 8.5 cents a gigabyte.
        assert_eq!(view.front, 1_000_000 + 1_000_000 + 600_000 + 255_000);
        // 0.20 $ a million, and 13 ms of half a gigabyte.
        assert_eq!(view.compute, 200_000 + 13_333_400 * 13 / 2000);
        assert_eq!(view.tables, 250_000);
        assert_eq!((view.queues, view.files, view.letters), (0, 0, 0));
        let deliver = model.invocation("notifications.jobs.deliver").unwrap();
        assert_eq!(deliver.front, 0);
        assert_eq!(deliver.tables, 125_000 + 1_250_000);
        assert_eq!((deliver.queues, deliver.letters), (800_000, 100_000_000));
        assert!(model.invocation("cart.store.fly").is_err());
    }

    #[test]
    fn what_the_front_door_remembers_costs_the_door_alone() {
        let (prices, counted, stacks) = (prices(), Counted::read(COUNTED).unwrap(), stacks());
        let model = Model { prices: &prices, counted: &counted, stacks: &stacks };
        let journey = |remembered_per_thousand| Journey {
            name: "Look".into(),
            about: "a look".into(),
            is_mail: false,
            remembered_per_thousand,
            steps: vec![("cart.store.view".to_owned(), 1)],
        };
        let one = model.invocation("cart.store.view").unwrap();
        assert_eq!(model.thousand(&journey(0)).unwrap().total(), 1000 * one.total());
        let door = model.door().unwrap();
        assert_eq!(model.thousand(&journey(1000)).unwrap().total(), 1000 * door);
        let most = model.thousand(&journey(900)).unwrap();
        assert_eq!(most.total(), 900 * door + 100 * one.total());
    }

    #[test]
    fn an_idle_month_is_what_stands_in_the_templates() {
        let (prices, counted, stacks) = (prices(), Counted::read(COUNTED).unwrap(), stacks());
        let model = Model { prices: &prices, counted: &counted, stacks: &stacks };
        let lines = model.idle().unwrap();
        let secret =
            Idle { name: "1 secrets".to_owned(), cost: 400_000_000_000, kind: Kind::LeftOut };
        assert_eq!(lines[0], secret);
        assert_eq!(lines.len(), 3);
        let mut page = String::new();
        idle(&model, &mut page).unwrap();
        assert!(page.contains("| **what the goal leaves out** | **0.40** |"), "{page}");
        assert!(page.contains("| **the rest** | **0.26** |"), "{page}");
    }
}
