//! `DELETE /v1/store/carts/{id}/lines/{line_id}`: takes a line out.

use api::view::cart::CartView;
use api::{CartOwner, Metered, Path, Reply};
use runtime::Call;

use crate::App;
use crate::change::{self, Turn, WhichLine};

/// Takes a line out of a cart.
pub async fn handle(app: &App, call: Call<Metered<CartOwner>, Path<WhichLine>>) -> Reply<CartView> {
    let Path(which) = &call.input;
    let turn = Turn::of(&call, which.id);
    change::change(app, turn, None, |cart, _| cart.remove(which.line_id)).await
}

#[cfg(test)]
mod tests {
    use domain::cart::Refusal;
    use domain::id::LineId;
    use testkit::goods::MUG;

    use crate::change::samples;

    #[test]
    fn a_line_is_taken_out_by_its_own_id_alone() {
        let (facts, line) = (samples::facts(), "li_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        let cart = samples::cart(&facts, MUG, line);
        let other = LineId::parse("li_01ARZ3NDEKTSV4RRFFQ69G5FAW").unwrap();
        assert!(matches!(cart.clone().remove(other), Err(Refusal::LineNotFound)));
        let emptied = cart.remove(LineId::parse(line).unwrap()).unwrap();
        assert!(emptied.lines.is_empty());
        crate::change::show(&emptied, &facts).unwrap();
    }
}
