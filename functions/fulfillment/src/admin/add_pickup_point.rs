//! `POST /v1/admin/pickup_points`: a new place where parcels wait.

use api::reply::CreatedVersion;
use api::{Body, Problem, Reply, Staff};
use domain::permission::grant;
use domain::shipping::PickupPoint;
use runtime::Call;

use super::list_pickup_points::PointView;
use crate::App;
use crate::table::{PointForm, change_points};

/// Adds a point to the table as it is at this moment.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::SettingsWrite>, Body<PointForm>>,
) -> Reply<CreatedVersion<PointView>> {
    let Body(PointForm(point)) = &call.input;
    let version =
        change_points(app, &call, "pickup_point.add", &point.id, None, |points| add(points, point))
            .await?;
    Ok(CreatedVersion(PointView(point.clone()), version))
}

fn add(points: &mut Vec<PickupPoint>, point: &PickupPoint) -> Reply<()> {
    if points.iter().any(|other| other.id == point.id) {
        let detail = "There is a pickup point of this id.";
        return Err(Problem::conflict("duplicate_id", detail));
    }
    points.push(point.clone());
    Ok(())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::{Value, json};

    use super::*;

    fn body() -> Value {
        json!({"id": "mitte", "name": "Mitte", "line1": "Weg 1", "city": "Berlin",
            "postal_code": "10117", "country": "DE", "opening_hours": "Mon to Fri, 9 to 18"})
    }

    #[test]
    fn an_id_is_taken_once() {
        let mut points = Vec::new();
        let point: PickupPoint = serde_json::from_value(body()).unwrap();
        assert!(add(&mut points, &point).is_ok());
        assert_eq!(add(&mut points, &point).unwrap_err().code, "duplicate_id");
        assert_eq!(points.len(), 1);
    }

    #[test]
    fn every_flaw_of_a_point_is_named() {
        assert_eq!(flaws_of::<PointForm>(&body()), []);
        let flaws = flaws_of::<PointForm>(&json!({"id": "Mitte!", "name": "", "country": "de"}));
        let pointers: Vec<_> = flaws.iter().map(|flaw| flaw.0.as_str()).collect();
        assert_eq!(pointers, ["/id", "/name", "/line1", "/city", "/postal_code", "/country"]);
    }
}
