//! Where the shop sends to and what is taxed, looked at, tried out and changed; and what the shop
//! says of itself.

use serde_json::{Value, json};

use super::{Pace, done, tag};
use crate::world::{Colleague, Shopper, key, ok};
use local::Request;

const SHIPPING: &str = "/v1/admin/shipping";
const TAX: &str = "/v1/admin/tax";
const POINTS: &str = "/v1/admin/pickup_points";
const SETTINGS: &str = "/v1/admin/settings";

/// Everything that is set is shown, tried out, and set again as it was.
pub(crate) async fn settings<P: Pace>(pace: &mut P, owner: &Colleague) {
    for (target, change) in [(SHIPPING, "PUT"), (TAX, "PUT")] {
        let shown = pace.call(owner.get(target)).await;
        let seen = tag(&shown);
        let table = shown.value()["table"].clone();
        ok(pace.call(owner.call_if(&seen, change, target, &table)).await);
    }
    let shown = pace.call(owner.get(SETTINGS)).await;
    let body = json!({"name": shown.value()["name"]});
    ok(pace.call(owner.call_if(&tag(&shown), "PATCH", SETTINGS, &body)).await);
    ok(pace.call(Shopper::new(&owner.shop).get("/v1/store/config")).await);
    for (target, body) in [(SHIPPING, parcel()), (TAX, sale())] {
        let request = Request::new("POST", &format!("{target}/simulate"))
            .header("idempotency-key", &key())
            .json(&body);
        ok(pace.call(owner.send(request)).await);
    }
    points(pace, owner).await;
    pace.settle().await;
}

async fn points<P: Pace>(pace: &mut P, owner: &Colleague) {
    let mut point = json!({"id": "mitte", "name": "Mitte", "line1": "Lindenstrasse 1",
        "city": "Berlin", "postal_code": "10969", "country": "DE"});
    let made = Request::new("POST", POINTS).header("idempotency-key", &key()).json(&point);
    let made = pace.call(owner.send(made)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let at = format!("{POINTS}/mitte");
    point.as_object_mut().unwrap().remove("id");
    let seen = tag(&pace.call(owner.get(POINTS)).await);
    let seen = tag(&pace.call(owner.call_if(&seen, "PUT", &at, &point)).await);
    let nobody = Shopper::new(&owner.shop);
    ok(pace.call(nobody.get("/v1/store/pickup_points?country=DE&postal_code=10115")).await);
    done(&pace.call(owner.call_if(&seen, "DELETE", &at, &Value::Null)).await);
}

fn parcel() -> Value {
    json!({"destination": {"country": "DE", "postal_code": "10969"}, "currency": "EUR",
        "items": [{"quantity": 2, "unit_price": 1250, "weight_grams": 400}]})
}

fn sale() -> Value {
    json!({"destination": {"country": "DE"}, "currency": "EUR", "shipping": 490,
        "items": [{"unit_price": 1250, "quantity": 2}]})
}
