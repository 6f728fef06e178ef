//! Letters to people.

use ::store::{Store, Table};
use notify::{Mailer, Templates};
use queue::Name;
use runtime::{Doors, Endpoint, Setup, on_queue};

pub mod jobs {
    //! The post.
    pub mod deliver;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Doors,
    mailer: Mailer,
    templates: Templates,
    shop_url: String,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let templates = match Templates::built_in() {
            Ok(templates) => templates,
            Err(fault) => {
                setup.fault(fault.to_string());
                Templates::default()
            }
        };
        Self {
            store: setup.store(&[Table::Orders, Table::Ephemeral, Table::Catalog]),
            doors: setup.sealing_doors(),
            mailer: setup.mailer(),
            templates,
            shop_url: setup.shop_url(),
        }
    }
}

/// The functions of this domain.
pub static ENDPOINTS: &[Endpoint<App>] =
    &[on_queue!("notifications.jobs.deliver", Name::Mail, jobs::deliver)];
