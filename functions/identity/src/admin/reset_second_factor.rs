//! `POST /v1/admin/staff/{id}/reset_second_factor`: a colleague has lost theirs. Their sessions
//! end, they are written to, and their next sign-in enrolls a new one.

use api::view::staff::MemberView;
use api::{Path, Reply, Staff, Versioned};
use domain::event::Letter;
use domain::permission::grant;
use domain::staff::Member;
use runtime::Call;
use store::staff::Sessions;

use crate::App;
use crate::staff::{Deed, WhichMember, act};

/// Takes a second factor away.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffManage>, Path<WhichMember>>,
) -> Reply<Versioned<MemberView>> {
    let Path(WhichMember { id }) = call.input;
    let deed = Deed {
        action: "staff.reset_second_factor",
        decide: Member::reset_second_factor,
        sessions: Sessions::End(None),
        letter: Some(Letter::SecondFactorChanged),
    };
    act(app, &call, id, deed).await
}
