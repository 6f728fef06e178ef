//! Letters and texts to people: written, sent, followed to where they end; and what the shop's own
//! words are.

use ::store::{Store, Table};
use domain::event::Event;
use notify::{Mailer, Templates};
use queue::{Name, Queues};
use runtime::{Call, Doors, Endpoint, Ids, Setup, Trigger, http, on_queue};
use texts::Texter;

mod address;
mod which;
mod words;
pub mod admin {
    //! Endpoints for staff.
    pub mod list_messages;
    pub mod list_suppressions;
    pub mod list_templates;
    pub mod preview_template;
    pub mod publish_template;
    pub mod resend_message;
    pub mod roll_back_template;
    pub mod suppress;
    pub mod test_template;
    pub mod unsuppress;
    pub mod view_template;
    pub mod write_template;
}
pub mod jobs {
    //! The post.
    pub mod deliver;
    pub mod deliver_text;
    pub mod on_feedback;
    pub mod on_text_answer;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Doors,
    mailer: Option<Mailer>,
    texter: Option<Texter>,
    /// The queue of texts, for the one that lets some of them wait.
    queues: Option<Queues>,
    templates: Templates,
    words: words::Words,
    shop_url: String,
    ids: Ids,
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
        let (mut mailer, mut texter, mut queues) = (None, None, None);
        let tables: &[Table] = match setup.handler {
            "notifications.unknown" => &[],
            "notifications.jobs.deliver" => {
                let set = setup.text("MAIL_CONFIGURATION_SET");
                mailer = Some(setup.mailer().by(set));
                &[Table::Orders, Table::Ephemeral, Table::Catalog, Table::Identity]
            }
            "notifications.jobs.deliver_text" => {
                let (from, price) = (setup.optional("TEXT_FROM"), setup.text("TEXT_MAX_PRICE"));
                texter = Some(Texter::new(setup.aws(), from, price));
                queues = Some(setup.queues(&[Name::Texts]));
                &[Table::Orders, Table::Ephemeral, Table::Catalog, Table::Identity]
            }
            "notifications.jobs.on_feedback" | "notifications.jobs.on_text_answer" => {
                &[Table::Ephemeral, Table::Identity]
            }
            handler if handler.contains("template") => {
                &[Table::Orders, Table::Ephemeral, Table::Identity, Table::Catalog]
            }
            _ => &[Table::Orders, Table::Ephemeral, Table::Identity],
        };
        let is_job = setup.handler.starts_with("notifications.jobs.");
        Self {
            store: setup.store(tables),
            doors: if is_job { setup.sealing_doors() } else { setup.doors() },
            mailer,
            texter,
            queues,
            templates,
            words: words::Words::default(),
            shop_url: setup.shop_url(),
            ids: setup.ids(),
        }
    }
    fn doors(&self) -> Option<&Doors> {
        Some(&self.doors)
    }
    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }
}

impl App {
    /// An entry of the audit log about something that staff did.
    fn note<P, I>(&self, call: &Call<api::Staff<P>, I>, action: &str, object: String) -> Event {
        let (request, actor) = (&call.request, call.who.actor());
        self.doors.audit(request, actor, action, Some(object), Vec::new())
    }
}

/// The functions of this domain.
pub static ENDPOINTS: &[Endpoint<App>] = &[
    http!(
        "notifications.admin.list_messages",
        GET "/v1/admin/orders/{id}/messages",
        "Lists the letters and texts about an order and what became of each, oldest first.",
        admin::list_messages
    ),
    http!(
        "notifications.admin.resend_message",
        POST "/v1/admin/messages/{id}/resend",
        "Sends a letter or a text about an order once more: a letter to the address that the \
         order has now, a text to the number that its buyer has now.",
        admin::resend_message
    ),
    http!(
        "notifications.admin.list_suppressions",
        GET "/v1/admin/suppressions",
        "Lists the addresses and telephone numbers that are not written to, newest first: those \
         whose mailbox does not exist, whose readers complained or answered STOP, and those that \
         staff put there.",
        admin::list_suppressions
    ),
    http!(
        "notifications.admin.suppress",
        POST "/v1/admin/suppressions",
        "Writes to an address no more, but for letters about the security of its account.",
        admin::suppress
    ),
    http!(
        "notifications.admin.unsuppress",
        DELETE "/v1/admin/suppressions/{id}",
        "Writes to an address again.",
        admin::unsuppress
    ),
    http!(
        "notifications.admin.list_templates",
        GET "/v1/admin/templates",
        "Lists every letter of the shop, and the languages that the merchant has words of their \
         own for it in.",
        admin::list_templates
    ),
    http!(
        "notifications.admin.view_template",
        GET "/v1/admin/templates/{letter}/{locale}",
        "Shows what is sent for a letter in a language, the shop's own words, every version, \
         newest first, and what a template may name.",
        admin::view_template
    ),
    http!(
        "notifications.admin.write_template",
        POST "/v1/admin/templates/{letter}/{locale}/versions",
        "Keeps another version of a letter. It is tried before: every flaw is named with its line \
         and column. It is sent to nobody before it is published.",
        admin::write_template
    ),
    http!(
        "notifications.admin.preview_template",
        POST "/v1/admin/templates/{letter}/{locale}/preview",
        "Shows a letter as it would be sent: a draft, a version, or the shop's own words where \
         neither is given; about an order (with orders.read), or of sample facts.",
        admin::preview_template
    ),
    http!(
        "notifications.admin.test_template",
        POST "/v1/admin/templates/{letter}/{locale}/test",
        "Sends a version, written from sample facts, to the caller's own address.",
        admin::test_template
    ),
    http!(
        "notifications.admin.publish_template",
        POST "/v1/admin/templates/{letter}/{locale}/versions/{version}/publish",
        "Sends this version from now on; everywhere within a minute.",
        admin::publish_template
    ),
    http!(
        "notifications.admin.roll_back_template",
        POST "/v1/admin/templates/{letter}/{locale}/rollback",
        "Sends again what was sent before; in the end the shop's own words.",
        admin::roll_back_template
    ),
    on_queue!("notifications.jobs.deliver", Name::Mail, jobs::deliver),
    on_queue!("notifications.jobs.on_feedback", Name::MailFeedback, jobs::on_feedback),
    on_queue!("notifications.jobs.deliver_text", Name::Texts, jobs::deliver_text),
    on_queue!("notifications.jobs.on_text_answer", Name::TextAnswers, jobs::on_text_answer),
    Endpoint { handler: "notifications.unknown", trigger: Trigger::Unknown },
];
