//! How refusals about consents, telephone numbers, exports and erasures are said.

use domain::{consent, privacy, text};

use crate::problem::Problem;

impl From<consent::Refusal> for Problem {
    fn from(refusal: consent::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            consent::Refusal::TooManyFacts => {
                let max = consent::FACTS_MAX;
                Self::conflict(code, format!("A consent is changed at most {max} times."))
                    .member("facts_max", max)
            }
        }
    }
}

impl From<text::Refusal> for Problem {
    fn from(refusal: text::Refusal) -> Self {
        let code = refusal.code();
        let detail = match refusal {
            text::Refusal::NothingToConfirm => {
                "No number waits for a code: it was confirmed, its time is over, or the code was \
                 guessed at too often. Ask for another one."
            }
            text::Refusal::WrongCode => "This is not the code that was texted.",
            text::Refusal::TextsOff => "The shop sends no texts.",
        };
        Self::conflict(code, detail)
    }
}

impl From<privacy::Refusal> for Problem {
    fn from(refusal: privacy::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            privacy::Refusal::OrdersUnderWay(orders) => {
                let detail = "Orders are under way: they need their address until they are \
                              delivered and their money is settled. Ask again then.";
                Self::conflict(code, detail).member("order_ids", orders)
            }
            privacy::Refusal::CreditLeft => {
                let detail = "There is store credit left, which nobody could spend any more. Spend \
                              it, or say that it is given up: gives_up_credit.";
                Self::conflict(code, detail)
            }
            privacy::Refusal::ExportedAlready => {
                let hours = privacy::EXPORT_EVERY.as_hours();
                let detail = format!("An export was made already. Ask again {hours} hours later.");
                Self::conflict(code, detail)
            }
        }
    }
}
