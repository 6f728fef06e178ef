//! `POST /v1/admin/customers/{id}/groups`: a customer joins a group or leaves it.
//!
//! One group at a time, and whether or not they are in already: two who change different groups at
//! once do not undo each other.

use api::form::{CustomerPath, YesOrNo};
use api::view::promotion::{CustomerGroupsView, group};
use api::{Body, Fields, Form, Path, Problem, Reply, Staff};
use domain::audit::changes;
use domain::permission::grant;
use domain::promotion::NAMED_MAX;
use runtime::Call;
use serde_json::json;
use store::Saved;

use crate::App;

/// Which group, and whether the customer is to be in it.
#[derive(Debug)]
pub struct Membership {
    group: String,
    is_member: bool,
}

impl Form for Membership {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let group = fields.required("group", group());
        let is_member = fields.required("is_member", YesOrNo);
        Some(Self { group: group?, is_member: is_member? })
    }
}

/// Changes a customer's groups.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::CustomersWrite>, (Path<CustomerPath>, Body<Membership>)>,
) -> Reply<CustomerGroupsView> {
    let (Path(CustomerPath { id }), Body(Membership { group, is_member })) = &call.input;
    app.store.account(*id).await?.ok_or_else(Problem::not_found)?;
    let (actor, object) = (call.who.actor(), Some(id.to_string()));
    let changed = changes(&json!({}), &json!({"group": group, "is_member": is_member}));
    let event = app.doors.audit(&call.request, actor, "customer.group", object, changed);
    match app.store.put_into_group(*id, group, *is_member, &[event]).await? {
        Saved::Yes => Ok(CustomerGroupsView::of(*id, app.store.customer_facts(*id).await?)),
        Saved::Raced => {
            let detail = format!("A customer is in at most {NAMED_MAX} groups.");
            let problem = Problem::conflict("too_many_groups", detail);
            Err(problem.member("groups_max", NAMED_MAX))
        }
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn a_group_has_a_name_and_one_is_in_it_or_not() {
        assert_eq!(flaws_of::<Membership>(&json!({"group": "vip", "is_member": true})), []);
        let wrong = flaws_of::<Membership>(&json!({"group": "", "is_member": "yes"}));
        let wanted = [("/group", "too_short"), ("/is_member", "wrong_type")];
        assert_eq!(wrong, wanted.map(|(at, code)| (at.to_owned(), code)));
    }
}
