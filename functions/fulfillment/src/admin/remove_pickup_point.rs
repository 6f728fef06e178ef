//! `DELETE /v1/admin/pickup_points/{id}`: parcels wait there no more. Carts that have chosen it
//! have to choose again; orders keep what they know of it.

use api::{IfMatch, NoContent, Path, Problem, Reply, Staff};
use domain::permission::grant;
use domain::shipping::{PickupPoint, PickupPointId};
use runtime::Call;

use crate::App;
use crate::table::{WhichPoint, change_points};

/// Takes a point away.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::SettingsWrite>, (Path<WhichPoint>, IfMatch)>,
) -> Reply<NoContent> {
    let (Path(WhichPoint { id }), IfMatch(seen)) = &call.input;
    let action = "pickup_point.remove";
    change_points(app, &call, action, id, Some(*seen), |points| remove(points, id)).await?;
    Ok(NoContent)
}

fn remove(points: &mut Vec<PickupPoint>, id: &PickupPointId) -> Reply<()> {
    let before = points.len();
    points.retain(|point| point.id != *id);
    if points.len() == before { Err(Problem::not_found()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_taken_away() {
        let id = PickupPointId::parse("mitte").unwrap();
        assert!(remove(&mut Vec::new(), &id).is_err());
    }
}
