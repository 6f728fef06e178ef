//! `PUT /v1/admin/pickup_points/{id}`: what is known of a place where parcels wait. Carts that have
//! chosen it show what they knew until they choose again.

use api::{Body, IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use domain::shipping::PickupPoint;
use runtime::Call;

use super::list_pickup_points::PointView;
use crate::App;
use crate::table::{PlaceForm, WhichPoint, change_points};

/// Which point, as the table was seen, and what is known of it.
type Given = (Path<WhichPoint>, (IfMatch, Body<PlaceForm>));

/// Replaces a point.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::SettingsWrite>, Given>,
) -> Reply<Versioned<PointView>> {
    let (Path(WhichPoint { id }), (IfMatch(seen), Body(place))) = &call.input;
    let point = place.at(id.clone());
    let action = "pickup_point.change";
    let version =
        change_points(app, &call, action, id, Some(*seen), |points| replace(points, &point))
            .await?;
    Ok(Versioned(PointView(point), version))
}

fn replace(points: &mut [PickupPoint], point: &PickupPoint) -> Reply<()> {
    let kept = points.iter_mut().find(|kept| kept.id == point.id);
    *kept.ok_or_else(Problem::not_found)? = point.clone();
    Ok(())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_id_stands_in_the_path_alone() {
        let body = json!({"id": "mitte", "name": "Mitte", "line1": "Weg 1", "city": "Berlin",
            "postal_code": "10117", "country": "DE"});
        assert_eq!(flaws_of::<PlaceForm>(&body), [("/id".to_owned(), "unknown_field")]);
    }

    #[test]
    fn what_is_not_there_is_not_replaced() {
        let point: PickupPoint = serde_json::from_value(json!({"id": "mitte", "name": "Mitte",
            "line1": "Weg 1", "city": "Berlin", "postal_code": "10117", "country": "DE"}))
        .unwrap();
        assert!(replace(&mut [], &point).is_err());
        let renamed = PickupPoint { name: "Centre".into(), ..point.clone() };
        let mut points = [point];
        assert!(replace(&mut points, &renamed).is_ok());
        assert_eq!(points[0].name, "Centre");
    }
}
