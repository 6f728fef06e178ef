//! Links to digital goods: sealed, so that nobody makes one; ending; counted where they are used.

use domain::catalog::Kind;
use domain::id::{OrderId, OrderLineId};
use domain::order::Order;
use jiff::{SignedDuration, Timestamp};

use crate::seal::Sealer;
use crate::view::order::DownloadView;

/// How long a link is good. A new one is made whenever the order is looked at.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How often a line's links may be used together.
pub const USES_MAX: u32 = 5;

const PURPOSE: &str = "download";

/// What a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Which order.
    pub order: OrderId,
    /// Which line of it.
    pub line: OrderLineId,
}

/// The links of a placed order's digital lines; none before it is placed or after it was called
/// off. `used` tells how often a line's links were used.
pub fn links(
    order: &Order,
    sealer: &Sealer,
    shop_url: &str,
    issued_at: Timestamp,
    used: impl Fn(OrderLineId) -> u32,
) -> Vec<DownloadView> {
    if !order.gives_access() {
        return Vec::new();
    }
    let expires_at = issued_at.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
    order
        .lines
        .iter()
        .filter(|line| line.kind == Kind::Digital && line.quantity > line.canceled)
        .filter_map(|line| {
            let download = line.download.as_ref()?;
            let text = format!("{} {} {}", order.id, line.id, expires_at.as_second());
            let token = sealer.wrap(PURPOSE, &text);
            Some(DownloadView {
                line_id: line.id,
                file_name: download.file_name.clone(),
                url: format!("{shop_url}/v1/store/downloads/{token}"),
                expires_at,
                remaining: USES_MAX.saturating_sub(used(line.id)),
            })
        })
        .collect()
}

/// What a link's token opens now, if it is ours and has not ended.
pub fn open(sealer: &Sealer, token: &str, now: Timestamp) -> Option<Opened> {
    let text = sealer.unwrap(PURPOSE, token)?;
    let mut parts = text.split(' ');
    let order = OrderId::parse(parts.next()?).ok()?;
    let line = OrderLineId::parse(parts.next()?).ok()?;
    let expires: i64 = parts.next()?.parse().ok()?;
    (now.as_second() < expires).then_some(Opened { order, line })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_ends_at_the_second_and_is_not_to_be_forged() {
        let sealer = Sealer::new([1; 32]);
        let order = OrderId::parse("ord_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let line = OrderLineId::parse("oli_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let token = sealer.wrap(PURPOSE, &format!("{order} {line} 1790000000"));
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(open(&sealer, &token, at(1_789_999_999)), Some(Opened { order, line }));
        assert_eq!(open(&sealer, &token, at(1_790_000_000)), None);
        assert_eq!(open(&Sealer::new([2; 32]), &token, at(0)), None);
        let cursor = sealer.wrap("cursor", &format!("{order} {line} 1790000000"));
        assert_eq!(open(&sealer, &cursor, at(0)), None);
    }
}
