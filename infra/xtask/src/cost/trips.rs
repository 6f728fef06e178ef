//! The table of round trips and capacity in `docs/performance.md`, between two marks: functions
//! that tell much of the shop, and the way from the list to the order as a whole.

use std::fmt::Write as _;

use super::counted::{Calls, Counted};
use crate::Outcome;

/// What stands before the table, and behind it.
const BEGIN: &str = "<!-- trips: written by `cargo xtask cost` -->\n";
const END: &str = "<!-- end of trips -->\n";

/// Those that are shown.
const SHOWN: [&str; 17] = [
    "catalog.store.list_products",
    "catalog.store.view_product",
    "catalog.store.list_categories",
    "cart.store.create",
    "cart.store.view",
    "cart.store.add_line",
    "cart.store.set_addresses",
    "checkout.store.complete",
    "payments.hooks.stripe",
    "payments.jobs.on_stripe_event",
    "orders.jobs.on_order_placed",
    "notifications.jobs.deliver",
    "orders.store.view",
    "orders.store.list",
    "identity.store.login",
    "identity.admin.login",
    "identity.admin.mfa",
];

/// From the list to the order that is placed, each once.
const JOURNEY: [&str; 11] = [
    "catalog.store.list_products",
    "catalog.store.view_product",
    "cart.store.create",
    "cart.store.add_line",
    "cart.store.set_addresses",
    "cart.store.shipping_options",
    "cart.store.choose_shipping",
    "checkout.store.complete",
    "payments.hooks.stripe",
    "payments.jobs.on_stripe_event",
    "orders.jobs.on_order_placed",
];

/// What was asked for, of the whole way.
const CALLS_GOAL: u128 = 12;
const WRITES_GOAL: u128 = 25;

/// The page with its table written anew.
pub(super) fn placed(page: &str, counted: &Counted) -> Outcome<String> {
    let parts = page.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?)));
    let Some((head, (_, tail))) = parts else {
        return Err(format!("there is no table between {BEGIN:?} and {END:?}").into());
    };
    Ok(format!("{head}{BEGIN}{}{END}{tail}", table(counted)?))
}

fn table(counted: &Counted) -> Outcome<String> {
    let mut table = "| function | calls of DynamoDB | others | read units | write units |\n\
                     |---|---|---|---|---|\n"
        .to_owned();
    for handler in SHOWN {
        row(&mut table, handler, counted.of(handler)?);
    }
    let mut sum = Calls::default();
    for handler in JOURNEY {
        let one = counted.of(handler)?;
        sum.reads += one.reads;
        sum.writes += one.writes;
        for (service, count) in &one.services {
            *sum.services.entry(service.clone()).or_default() += count;
        }
    }
    row(&mut table, "**from the list to the order**", &sum);
    let calls: u128 = sum.services.values().sum();
    let _ = writeln!(
        table,
        "\nFrom the list to the order is the list, a product, a cart, a line, the addresses, the \
         ways of sending, the choice, the order,\nStripe's event, its settlement and what follows, \
         each once: {calls} calls and {} write units. The goals were {CALLS_GOAL} calls and \
         {WRITES_GOAL}\nunits.",
        tenth(sum.writes)
    );
    Ok(table)
}

fn row(table: &mut String, name: &str, calls: &Calls) {
    let others = calls.services.iter().filter(|(service, _)| *service != "dynamodb");
    let others: Vec<String> =
        others.map(|(service, count)| format!("{count} {}", shown(service))).collect();
    let _ = writeln!(
        table,
        "| {name} | {} | {} | {} | {} |",
        calls.of("dynamodb"),
        others.join(", "),
        tenth(calls.reads),
        tenth(calls.writes)
    );
}

fn shown(service: &str) -> String {
    if service == "stripe" { "Stripe".to_owned() } else { service.to_uppercase() }
}

fn tenth(tenths: u128) -> String {
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        part => format!("{}.{part}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted() -> Counted {
        let mut text = "handler\n".to_owned();
        for handler in SHOWN.iter().chain(&JOURNEY) {
            let _ = writeln!(text, "{handler} 0.5 2.0 1 dynamodb, 1 stripe (Query, GET /x)");
        }
        Counted::read(&text).unwrap()
    }

    #[test]
    fn the_table_has_each_function_and_the_whole_way() {
        let table = table(&counted()).unwrap();
        assert!(table.contains("\n| cart.store.view | 1 | 1 Stripe | 0.5 | 2 |\n"), "{table}");
        let sum = "\n| **from the list to the order** | 11 | 11 Stripe | 5.5 | 22 |\n";
        assert!(table.contains(sum), "{table}");
        assert!(table.contains("each once: 22 calls and 22 write units."), "{table}");
    }

    #[test]
    fn what_stands_around_the_table_stays() {
        let page = format!("# Speed\n\n{BEGIN}old\n{END}\nMore.\n");
        let written = placed(&page, &counted()).unwrap();
        assert!(written.starts_with(&format!("# Speed\n\n{BEGIN}| function |")));
        assert!(written.ends_with(&format!("units.\n{END}\nMore.\n")) && !written.contains("old"));
        assert_eq!(placed(&written, &counted()).unwrap(), written);
        assert!(placed("# Speed\n", &counted()).is_err());
    }
}
