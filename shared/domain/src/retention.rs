//! What the shop keeps of people, where, for how long and why: one table.
//!
//! The daily job applies its sweeps, line by line; the section of `docs/privacy.md` is written from
//! it, and a test compares both. What is not in the table is not kept.

use std::fmt::Write as _;

use jiff::SignedDuration;

use crate::{account, cart, draft, exchange, message, order, privacy, staff, text, webhook};

/// How long an account waits for its address to be confirmed.
pub const UNCONFIRMED_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long orders know who bought: three years, after which claims of a purchase are barred
/// (German Civil Code, sections 195 and 199), and one more, because they run to the end of a year.
pub const BUYER_KEPT: SignedDuration = SignedDuration::from_hours(4 * 366 * 24);
/// How long it can be shown that a request was served, and what was agreed to before: as long as a
/// fine for it can be imposed.
pub const PROOF_KEPT: SignedDuration = SignedDuration::from_hours(3 * 366 * 24);

/// What goes by the daily job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// Accounts whose address nobody confirmed.
    UnconfirmedAccounts,
    /// Who bought, in orders that ended.
    Buyers,
    /// Requests that were served, with the consents of whoever was forgotten or has closed their
    /// account.
    ServedRequests,
}

/// How something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By the daily job, once it is so old.
    Swept(Sweep, SignedDuration),
    /// By the table's own expiry, this long after it was written last.
    Expires(SignedDuration),
    /// By a rule of the bucket, after so long.
    Deleted(SignedDuration),
    /// When the account is closed or its holder is forgotten.
    Forgotten,
    /// When its holder wants it, or once it has served its end.
    Used,
    /// Not by us: the law wants it kept, for at least so many years.
    Law(u8),
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What is kept.
    pub what: &'static str,
    /// Where: a table or the bucket, and the beginning of its keys.
    pub place: &'static str,
    /// How it goes.
    pub end: End,
    /// Why it is kept so long.
    pub why: &'static str,
}

const fn rule(what: &'static str, place: &'static str, end: End, why: &'static str) -> Rule {
    Rule { what, place, end, why }
}

const fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(days * 24)
}

/// All that is kept of people.
pub const TABLE: &[Rule] = &[
    rule(
        "Accounts: address, name, password hash",
        "identity `CUST#`, `MAIL#`",
        End::Forgotten,
        "To sign in and to be delivered to.",
    ),
    rule(
        "Accounts whose address nobody confirmed",
        "identity `CUST#`, `MAIL#`",
        End::Swept(Sweep::UnconfirmedAccounts, UNCONFIRMED_KEPT),
        "Somebody may have typed another person's address.",
    ),
    rule(
        "Address books",
        "identity `CUST#` / `ADR#`",
        End::Forgotten,
        "So that nobody types an address twice.",
    ),
    rule(
        "Confirmed telephone numbers",
        "identity `CUST#` / `PHONE`",
        End::Forgotten,
        "To text about orders, for who agreed.",
    ),
    rule(
        "Consents, each with its proof, under the customer's id alone",
        "identity `CONSENT#`",
        End::Swept(Sweep::ServedRequests, PROOF_KEPT),
        "To show that a letter was allowed; from the end of the account on.",
    ),
    rule(
        "Requests for exports and erasures, by ids alone once they are done; that an account ended",
        "identity `PRIVACY#`",
        End::Swept(Sweep::ServedRequests, PROOF_KEPT),
        "To show that they were served.",
    ),
    rule(
        "Addresses and telephone numbers that are not written to: a keyed hash and a mask",
        "identity `SUPP#`",
        End::Used,
        "Not to write again to whoever complained; outlives an erasure for that reason.",
    ),
    rule(
        "Who waits for a product",
        "identity `BACK#`, `WAITS#`",
        End::Used,
        "One letter when it is back; gone with it, with its link, or with the account.",
    ),
    rule(
        "Members of staff and their roles",
        "identity `STF#`, `SMAIL#`",
        End::Used,
        "To know who may do what; suspended, they stay as the names of the audit log.",
    ),
    rule(
        "Sessions: device, network, hashes of tokens",
        "ephemeral `CUST#`",
        End::Expires(account::SESSION_ABSOLUTE),
        "To stay signed in; an erasure deletes them.",
    ),
    rule(
        "Sessions of staff",
        "ephemeral `STF#`",
        End::Expires(staff::STAFF_SESSION_ABSOLUTE),
        "To stay signed in.",
    ),
    rule(
        "Changes of address that wait for an answer",
        "ephemeral `MOVE#`",
        End::Expires(account::EMAIL_CHANGE_LIFETIME),
        "To ask both addresses.",
    ),
    rule(
        "Telephone numbers that wait for their code",
        "ephemeral `MOVE#` / `PHONE`",
        End::Expires(text::CODE_LIFETIME),
        "To text a code, which proves whose number it is.",
    ),
    rule(
        "That an answer to a text was heard, by its id alone",
        "ephemeral `TXT#`",
        End::Expires(days(21)),
        "So that a STOP that comes again after its START stops nothing.",
    ),
    rule(
        "Hashes of mailed tokens",
        "ephemeral `OTT#`",
        End::Expires(privacy::EXPORT_LINK_LIFETIME),
        "So that a link is good once; most are good for less.",
    ),
    rule(
        "Hashes of mailed links to orders, and of the addresses that they went to",
        "ephemeral `LINK#`",
        End::Expires(order::LINK_LIFETIME),
        "So that a link shows its order.",
    ),
    rule(
        "Answers that may be asked for again, sealed",
        "ephemeral `IDEM#`",
        End::Expires(days(1)),
        "So that a request that is sent twice is done once.",
    ),
    rule(
        "Letters and texts about orders: kind, state, mask and keyed hash of the address",
        "ephemeral `MSG#`, `MSGS#`",
        End::Expires(message::ORDER_LETTER_KEPT),
        "Evidence in disputes about a payment; an erasure takes mask and hash.",
    ),
    rule(
        "All other letters and texts: kind, state, mask and keyed hash of the address",
        "ephemeral `MSG#`",
        End::Expires(message::LETTER_KEPT),
        "To find out what became of one.",
    ),
    rule(
        "Carts: mail address, addresses",
        "carts `CART#`",
        End::Expires(cart::LIFETIME),
        "To buy; an erasure deletes those that it finds.",
    ),
    rule(
        "Draft orders: mail address, addresses",
        "carts `DRAFTS`",
        End::Expires(draft::LIFETIME),
        "To agree on an order; what comes of it is an order.",
    ),
    rule(
        "Orders: who bought, where it went",
        "orders `ORD#`",
        End::Swept(Sweep::Buyers, BUYER_KEPT),
        "To answer for what was sold; afterwards, once it has ended, and after an erasure, under a \
         pseudonym.",
    ),
    rule(
        "How often a guest bought, in all and with a promotion, under a hash of the mail address",
        "inventory `BUYER#`, `PROMO#` / `BUYER#`",
        End::Expires(BUYER_KEPT),
        "So that who bought before is no first buyer; under an account's id it is kept.",
    ),
    rule("Orders without their buyers", "orders `ORD#`", End::Law(10), "Books of account."),
    rule(
        "Invoices and credit notes, as data and as PDF",
        "orders `INV#`, `PAPER#`; bucket `papers/`",
        End::Law(10),
        "Tax law wants them unchanged, with their recipients.",
    ),
    rule(
        "Money: payments, refunds, gift cards and store credit, by ids alone",
        "ledger",
        End::Law(10),
        "Books of account.",
    ),
    rule(
        "The audit log: who did what to which id",
        "ledger",
        End::Law(10),
        "A chain of hashes that must not be broken; it holds no name, address or mail address.",
    ),
    rule(
        "Events for merchants' systems",
        "ephemeral `EVT#`, `WHD#`",
        End::Expires(webhook::delivery::KEPT),
        "To deliver them again.",
    ),
    rule(
        "Exports of customers' data, and of staff's lists",
        "bucket `exports/`",
        End::Deleted(exchange::export::KEPT),
        "To be fetched; an erasure deletes the customer's own.",
    ),
    rule(
        "Files of customers to be imported",
        "bucket `imports/`",
        End::Deleted(days(3)),
        "Deleted once they are read.",
    ),
    rule(
        "The staff's search indexes of customers and orders",
        "bucket `search/`",
        End::Deleted(days(1)),
        "Written anew with each change; versions that were replaced stay a day.",
    ),
    rule(
        "Letters that could not be delivered, with their address",
        "queue `mail-dlq`",
        End::Deleted(days(14)),
        "To try again by hand.",
    ),
    rule(
        "Answers to texts, with their number",
        "queues `text-answers`, `text-answers-dlq`",
        End::Deleted(days(14)),
        "Gone as soon as they are read; what nobody could read waits to be tried again by hand.",
    ),
    rule(
        "Backups of tables (point-in-time recovery)",
        "DynamoDB",
        End::Deleted(days(35)),
        "To recover from a disaster; what is personal in them is sealed, and opens for nobody once \
         its key is destroyed.",
    ),
    rule(
        "Keys that open what is personal in accounts, orders and what is waited for",
        "keys `CUST#`, `ORD#`, `WAITS#`",
        End::Forgotten,
        "So that an erasure reaches every copy; an order's goes with its buyer, whoever forgets \
         them.",
    ),
    rule(
        "Backups of those keys, one a day",
        "AWS Backup",
        End::Deleted(days(1)),
        "So that a lost table is no lost shop; no longer, so that what is destroyed stays so.",
    ),
    rule(
        "Letters on their way into the queue, sealed where their reader has a key",
        "orders `OBX#`",
        End::Used,
        "Written with what they tell of, and gone a moment later; backups remember the moment.",
    ),
    rule(
        "Logs: ids, times, sentences without names",
        "CloudWatch",
        End::Deleted(days(30)),
        "To find faults; the parameter `LogRetentionDays` says how long.",
    ),
];

/// The sweeps with their ages.
pub fn sweeps() -> impl Iterator<Item = (Sweep, SignedDuration)> {
    let mut seen = Vec::new();
    TABLE.iter().filter_map(move |rule| match rule.end {
        End::Swept(sweep, kept) if !seen.contains(&sweep) => {
            seen.push(sweep);
            Some((sweep, kept))
        }
        End::Swept(..)
        | End::Expires(_)
        | End::Deleted(_)
        | End::Forgotten
        | End::Used
        | End::Law(_) => None,
    })
}

impl End {
    fn told(self) -> String {
        match self {
            Self::Swept(_, kept) => format!("{}, daily job", span(kept)),
            Self::Expires(kept) => format!("{}, expiry of the table", span(kept)),
            Self::Deleted(kept) => format!("{}, by the service", span(kept)),
            Self::Forgotten => "until the account is closed or forgotten".to_owned(),
            Self::Used => "until it has served its end".to_owned(),
            Self::Law(years) => format!("at least {years} years, by law"),
        }
    }
}

/// A span of time for people.
fn span(kept: SignedDuration) -> String {
    let hours = kept.as_hours();
    match hours {
        0 => format!("{} minutes", kept.as_mins()),
        1 => "1 hour".to_owned(),
        hours if hours < 48 => format!("{hours} hours"),
        hours => format!("{} days", hours / 24),
    }
}

/// The table as Markdown.
pub fn markdown() -> String {
    let mut text = String::from("| what | where | how long | why |\n|---|---|---|---|\n");
    for rule in TABLE {
        let (what, place, told, why) = (rule.what, rule.place, rule.end.told(), rule.why);
        // Writing to a text can not fail.
        let _ = writeln!(text, "| {what} | {place} | {told} | {why} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "<!-- retention: written from shared/domain/src/retention.rs -->\n";
    const END: &str = "<!-- end of retention -->\n";

    /// With `UPDATE_EXPECT=1` the section is written anew.
    #[test]
    fn the_documentation_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/privacy.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (head, rest) = text.split_once(BEGIN).unwrap();
        let (section, tail) = rest.split_once(END).unwrap();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let text = format!("{head}{BEGIN}{}{END}{tail}", markdown());
            std::fs::write(path, text).unwrap();
            return;
        }
        assert_eq!(section, markdown(), "write it anew with UPDATE_EXPECT=1");
    }

    #[test]
    fn each_sweep_has_one_age() {
        let all: Vec<_> = sweeps().collect();
        assert_eq!(all.len(), 3);
        for rule in TABLE {
            if let End::Swept(sweep, kept) = rule.end {
                assert!(all.contains(&(sweep, kept)), "{}", rule.what);
            }
        }
    }

    #[test]
    fn every_line_says_why() {
        for rule in TABLE {
            assert!(rule.why.ends_with('.') && !rule.place.is_empty(), "{}", rule.what);
        }
    }
}
