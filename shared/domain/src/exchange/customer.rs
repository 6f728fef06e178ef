//! Customers as rows, one each.
//!
//! | column | what it says | an empty cell |
//! |---|---|---|
//! | `email` | the address that letters go to; who it is | is a flaw |
//! | `name` | what they are called | is a flaw |
//!
//! An account that a file makes has no password and its address is not confirmed: its holder
//! chooses a password by a letter to that address, and nobody else can. No letter is sent because
//! of a file. What a cell holds is said nowhere but in the account.

use std::collections::HashMap;

use super::cells::{Cells, Wrong};
use super::table::{self, Layout, Meaning};
use super::{Difference, Entry, Flaw, Format, Plan, Reading, Sheet, Unit, shopify};
use crate::account::Account;
use crate::address::{Email, PersonName};

/// Our columns in the order in which they are written.
pub const COLUMNS: [&str; 2] = ["email", "name"];

/// What a file says of a customer.
#[derive(Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The address that letters go to.
    pub email: Email,
    /// What the customer is called.
    pub name: PersonName,
}

/// It is somebody.
impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wanted(…)")
    }
}

fn meaning(label: &str) -> Meaning {
    let name = label.trim().to_lowercase().replace([' ', '-'], "_");
    if COLUMNS.contains(&name.as_str()) { Meaning::Column(name) } else { Meaning::Unknown }
}

/// Reads a file of customers.
pub(super) fn read(bytes: &[u8], reading: Reading) -> Result<Sheet, Vec<Flaw>> {
    let is_shopify = reading.format == Format::Shopify;
    let theirs = |label: &str| shopify::meaning(reading.kind, label);
    let layout = Layout {
        format: reading.format,
        meaning: if is_shopify { &theirs } else { &meaning },
        required: if is_shopify { &["email"] } else { &COLUMNS },
        is_personal: true,
    };
    let (mut flaws, mut entries) = (Vec::new(), Vec::new());
    let mut seen: HashMap<String, u32> = HashMap::new();
    let outline = table::rows(bytes, &layout, |row| {
        let number = row.number;
        let mut cells = Cells::new(&row, &mut flaws);
        let email = cells.required("email", email);
        let name = if is_shopify { full_name(&mut cells) } else { cells.required("name", name) };
        let (Some(email), Some(name)) = (email, name) else { return };
        if let Some(first) = seen.get(&email.key()) {
            cells.flaw("email", "duplicate", format!("Row {first} has the same address."));
            return;
        }
        seen.insert(email.key(), number);
        let unit = Unit::Customer(Box::new(Wanted { email, name }));
        entries.push(Entry { rows: vec![number], unit });
    })?;
    flaws.extend(outline.flaws);
    Ok(Sheet { entries, flaws, rows: outline.rows, ignored: outline.ignored })
}

fn email(text: &str) -> Result<Email, Wrong> {
    Email::parse(text).map_err(|flaw| (flaw.code, "This must be a mail address.".into()))
}

fn name(text: &str) -> Result<PersonName, Wrong> {
    let detail = "This must be a name on one line of at most 100 characters.";
    PersonName::parse(text).map_err(|flaw| (flaw.code, detail.into()))
}

/// First and last name as one.
fn full_name(cells: &mut Cells<'_>) -> Option<PersonName> {
    let part = |column| cells.text(column).unwrap_or_default().trim();
    let full = format!("{} {}", part("first_name"), part("last_name"));
    let parsed = name(full.trim());
    if let Err((code, detail)) = parsed {
        cells.flaw("first_name", code, detail);
        return None;
    }
    parsed.ok()
}

impl Wanted {
    /// What becomes of the account: `before` is the one with this address.
    pub fn plan(&self, before: Option<&Account>) -> Plan<Option<Account>> {
        match before {
            None => Plan::Create(None),
            Some(before) if before.name == self.name => Plan::Unchanged,
            Some(before) => {
                let after = Account { name: self.name.clone(), ..before.clone() };
                let field = "name".to_owned();
                let changed = Difference { sku: None, field, before: None, after: None };
                Plan::Update(Some(after), vec![changed])
            }
        }
    }
}

/// A row as it is written.
pub fn shown(account: &Account) -> super::Shown {
    let cells = [account.email.as_str().to_owned(), account.name.as_str().to_owned()];
    COLUMNS.iter().map(|column| (*column).to_owned()).zip(cells).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;
    use crate::exchange::{self, Kind};

    fn read(text: &str, format: Format) -> Result<Sheet, Vec<Flaw>> {
        let reading = Reading { kind: Kind::Customers, format, currency: Currency::EUR };
        exchange::read(text.as_bytes(), reading)
    }

    #[test]
    fn nobody_is_repeated_in_a_flaw() {
        let text = "email,name\njane.doe@example.com,Jane\nJane.Doe@example.com,Jane Doe\n\
            nobody at all,\njohn@example.com,John\u{7}\n";
        let sheet = read(text, Format::Csv).unwrap();
        let told = serde_json::to_string(&sheet.flaws).unwrap();
        for personal in ["Jane", "jane", "nobody at", "John", "john"] {
            assert!(!told.contains(personal), "{told}");
        }
        let at: Vec<_> = sheet.flaws.iter().map(|flaw| (flaw.row, &*flaw.code)).collect();
        assert_eq!(at.len(), 4, "{told}");
        assert_eq!((at[0], sheet.entries.len()), ((3, "duplicate"), 1));
        assert!(!format!("{:?}", sheet.entries).contains("jane"));
        let no_header = read("jane@example.com,Jane Doe\n", Format::Csv).unwrap_err();
        assert!(!serde_json::to_string(&no_header).unwrap().to_lowercase().contains("jane"));
    }

    #[test]
    fn shopifys_customers_have_two_names() {
        let text = "First Name,Last Name,Email,Accepts Email Marketing,Tags\n\
            Grace,Hopper,grace@example.com,yes,vip\n,,x@example.com,no,\n";
        let sheet = read(text, Format::Shopify).unwrap();
        assert_eq!((sheet.entries.len(), sheet.flaws.len()), (1, 1));
        let Unit::Customer(wanted) = &sheet.entries[0].unit else { unreachable!("a customer") };
        assert_eq!(wanted.name.as_str(), "Grace Hopper");
    }
}
