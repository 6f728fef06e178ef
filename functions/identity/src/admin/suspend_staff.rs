//! `POST /v1/admin/staff/{id}/suspend`: keeps a colleague out. Their sessions end in the same
//! transaction.

use api::view::staff::MemberView;
use api::{Path, Reply, Staff, Versioned};
use domain::permission::grant;
use domain::staff::Member;
use runtime::Call;
use store::staff::Sessions;

use crate::App;
use crate::staff::{Deed, WhichMember, act};

/// Suspends a member.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffManage>, Path<WhichMember>>,
) -> Reply<Versioned<MemberView>> {
    let Path(WhichMember { id }) = call.input;
    let deed = Deed {
        action: "staff.suspend",
        decide: Member::suspend,
        sessions: Sessions::End(None),
        letter: None,
    };
    act(app, &call, id, deed).await
}
