//! `POST /v1/admin/staff/{id}/reinstate`: lets a colleague in again, with the password and
//! the second factor that they had.

use api::view::staff::MemberView;
use api::{Path, Reply, Staff, Versioned};
use domain::permission::grant;
use domain::staff::Member;
use runtime::Call;
use store::staff::Sessions;

use crate::App;
use crate::staff::{Deed, WhichMember, act};

/// Reinstates a member.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffManage>, Path<WhichMember>>,
) -> Reply<Versioned<MemberView>> {
    let Path(WhichMember { id }) = call.input;
    let deed = Deed {
        action: "staff.reinstate",
        decide: Member::reinstate,
        sessions: Sessions::Stay,
        letter: None,
    };
    act(app, &call, id, deed).await
}
