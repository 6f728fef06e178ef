//! `POST /v1/admin/staff/{id}/suspend`: keeps a colleague out. Their sessions end in the same
//! transaction.

use api::view::staff::MemberView;
use api::{Path, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;
use store::staff::{MemberChange, Sessions};

use crate::App;
use crate::staff::{ATTEMPTS_MAX, Acting, WhichMember, colleague, member_changes, note, raced};

/// Suspends a member.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffManage>, Path<WhichMember>>,
) -> Reply<Versioned<MemberView>> {
    let Path(WhichMember { id }) = call.input;
    for _ in 0..ATTEMPTS_MAX {
        let acting = Acting::load(app, &call.who).await?;
        let (member, role) = colleague(app, id).await?;
        let after = member.suspend(&role, acting.by())?;
        let changed = member_changes(Some(&member), &after);
        let events = [note(app, &call, call.who.actor(), "staff.suspend", id, changed)];
        let change = MemberChange {
            acting: Some(&acting.member),
            sessions: Sessions::End(None),
            ..MemberChange::new(&member, &after, &events, call.now)
        };
        if let Some(member) = app.store.change_member(&change).await? {
            app.doors.forget_all();
            let version = member.version;
            return Ok(Versioned(member.into(), version));
        }
    }
    Err(raced())
}
