//! What the staff's index knows of a customer: what they are called, and where letters go. Beside
//! the id nothing is kept in the index to be read.

use domain::account::Account;
use search::{Entry, Language, Texts};

/// Names have no language, and no endings to be taken away.
pub(crate) const PLAIN: Language = Language::Other;

/// The customer as they are indexed.
pub(crate) fn entry(account: &Account) -> Entry {
    let (id, email) = (account.id.to_string(), account.email.as_str().to_owned());
    let texts = Texts {
        language: PLAIN,
        title: account.name.as_str().to_owned(),
        names: email.clone(),
        text: String::new(),
    };
    Entry {
        id: account.id.ulid(),
        card: id.clone().into_bytes(),
        keys: vec![id, email],
        texts: vec![texts],
        skus: Vec::new(),
        tags: Vec::new(),
        prices: Vec::new(),
        created_at: account.created_at,
        is_available: true,
    }
}

#[cfg(test)]
mod tests {
    use domain::address::{Email, PersonName};
    use domain::id::{CustomerId, Ulid};
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_customer_is_found_by_name_and_address_and_kept_by_the_id_alone() {
        let account = Account {
            id: CustomerId::from_ulid(Ulid(1)),
            email: Email::parse("jane@example.org").unwrap(),
            name: PersonName::parse("Jane Roe").unwrap(),
            password: "$argon2id$secret".into(),
            is_verified: true,
            created_at: Timestamp::UNIX_EPOCH,
            version: 3,
        };
        let entry = entry(&account);
        let id = account.id.to_string();
        assert_eq!(entry.keys, [id.as_str(), "jane@example.org"]);
        assert_eq!((entry.texts[0].title.as_str(), entry.card), ("Jane Roe", id.into_bytes()));
    }
}
