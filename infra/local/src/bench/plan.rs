//! What shoppers set out to do, decided by a number before anything is asked: two runs with one
//! seed have the same people in them, in the same order, however fast the shop is.
//!
//! How many of them do what is chosen, not measured: the proportions are those that shops tell of
//! (two of three carts are left behind), with fewer who only look, so that a run of seconds has
//! orders in it. Nobody pauses to think: a run asks how much the shop can do.

/// Which people come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mix {
    /// As in a shop: of a hundred 40 look around, 30 leave a cart, 10 leave when they were told
    /// what it costs to send, 20 pay.
    #[default]
    Shoppers,
    /// Everybody buys one thing, as straight as it goes.
    Buyers,
}

impl Mix {
    /// Its name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shoppers => "shoppers",
            Self::Buyers => "buyers",
        }
    }
}

/// Of a hundred shoppers, those who only look.
const LOOK: u64 = 40;
/// Those who leave a cart.
const LEAVE_CART: u64 = 30;
/// Those who leave at the till. All others pay.
const LEAVE_TILL: u64 = 10;
/// One session of so many searches.
const SEARCH_ONE_IN: u64 = 3;
/// One of so many who pay tries a card first that is declined.
const DECLINED_ONE_IN: u64 = 10;
/// Products that somebody looks at, at most.
const LOOKS_MAX: u64 = 4;
/// Kinds of goods in a cart, at most.
const LINES_MAX: u64 = 2;

/// The orders in which the goods are listed.
const SORTS: [&str; 4] = ["newest", "oldest", "price_asc", "price_desc"];

/// What is searched for: goods of the demo, one word with a slip in it, and one that nothing has.
const WORDS: [&str; 8] =
    ["shirt", "wool", "linen trousers", "icons", "jacket", "dashboard", "cashmrere", "submarine"];

/// How far a session goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Looks at goods and leaves.
    Looks,
    /// Puts something into a cart and leaves.
    LeavesCart,
    /// Says where it should go, sees what that costs, and leaves.
    LeavesTill,
    /// Buys.
    Pays,
}

impl End {
    /// In words, for reports.
    pub(super) const fn says(self) -> &'static str {
        match self {
            Self::Looks => "look around",
            Self::LeavesCart => "leave a cart",
            Self::LeavesTill => "leave at the till",
            Self::Pays => PAY,
        }
    }
}

/// What those do who buy.
pub(super) const PAY: &str = "pay";

/// What one shopper does in one visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// The order in which they list the goods.
    pub(super) sort: &'static str,
    /// What they search for afterwards.
    pub(super) words: Option<&'static str>,
    /// Products whose pages they open.
    pub(super) looks: u64,
    /// Kinds of goods that they put into their cart.
    pub(super) lines: u64,
    /// Whether they look into their cart.
    pub(super) looks_into_cart: bool,
    /// How far they go.
    pub(super) end: End,
    /// Whether their first card is declined.
    pub(super) is_declined_first: bool,
    /// Chooses among what they are shown.
    pub(super) dice: Dice,
}

impl Session {
    /// The so manieth visit of a shopper.
    pub(super) fn of(mix: Mix, seed: u64, shopper: u32, visit: u32) -> Self {
        let mut dice = Dice::new(seed, u64::from(shopper) << 32 | u64::from(visit));
        let sort = dice.one_of(&SORTS);
        let is_declined_first = dice.roll(DECLINED_ONE_IN) == 0;
        match mix {
            Mix::Buyers => Self {
                sort,
                words: None,
                looks: 1,
                lines: 1,
                looks_into_cart: false,
                end: End::Pays,
                is_declined_first,
                dice,
            },
            Mix::Shoppers => {
                let searches = dice.roll(SEARCH_ONE_IN) == 0;
                let words = dice.one_of(&WORDS);
                Self {
                    sort,
                    words: searches.then_some(words),
                    looks: 1 + dice.roll(LOOKS_MAX),
                    lines: 1 + dice.roll(LINES_MAX),
                    looks_into_cart: true,
                    end: end(dice.roll(100)),
                    is_declined_first,
                    dice,
                }
            }
        }
    }
}

const fn end(of_a_hundred: u64) -> End {
    if of_a_hundred < LOOK {
        End::Looks
    } else if of_a_hundred < LOOK + LEAVE_CART {
        End::LeavesCart
    } else if of_a_hundred < LOOK + LEAVE_CART + LEAVE_TILL {
        End::LeavesTill
    } else {
        End::Pays
    }
}

/// A walk through numbers (splitmix64: Steele, Lea and Flood, 2014).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dice(u64);

impl Dice {
    /// The walk of one of many, under a seed.
    fn new(seed: u64, which: u64) -> Self {
        let mut dice = Self(seed);
        let begin = dice.next() ^ which;
        let mut dice = Self(begin);
        Self(dice.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `sides`.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.next() % sides.max(1)
    }

    /// A position in so many; 0 in none.
    pub(super) fn position(&mut self, among: usize) -> usize {
        usize::try_from(self.roll(among as u64)).unwrap_or(0)
    }

    fn one_of(&mut self, texts: &[&'static str]) -> &'static str {
        let at = self.position(texts.len());
        texts.get(at).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn sessions(mix: Mix, seed: u64) -> Vec<Session> {
        let visits = (0..100).flat_map(|shopper| (0..100).map(move |visit| (shopper, visit)));
        visits.map(|(shopper, visit)| Session::of(mix, seed, shopper, visit)).collect()
    }

    #[test]
    fn the_same_seed_has_the_same_people_and_another_seed_others() {
        for mix in [Mix::Shoppers, Mix::Buyers] {
            assert_eq!(sessions(mix, 7), sessions(mix, 7));
            assert_ne!(sessions(mix, 7), sessions(mix, 8));
        }
    }

    #[test]
    fn of_a_hundred_shoppers_forty_look_and_twenty_pay() {
        let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
        for session in sessions(Mix::Shoppers, 1) {
            *ends.entry(session.end.says()).or_default() += 1;
        }
        let wanted =
            [("look around", 40), ("leave a cart", 30), ("leave at the till", 10), (PAY, 20)];
        for (end, percent) in wanted {
            let per_ten_thousand = ends[end];
            let (least, most) = (percent * 100 - 200, percent * 100 + 200);
            assert!((least..=most).contains(&per_ten_thousand), "{end}: {per_ten_thousand}");
        }
    }

    #[test]
    fn shoppers_differ_in_what_they_search_look_at_and_take() {
        let all = sessions(Mix::Shoppers, 1);
        for words in WORDS {
            assert!(all.iter().any(|session| session.words == Some(words)), "{words}");
        }
        for sort in SORTS {
            assert!(all.iter().any(|session| session.sort == sort), "{sort}");
        }
        for looks in 1..=LOOKS_MAX {
            assert!(all.iter().any(|session| session.looks == looks), "{looks}");
        }
        for lines in 1..=LINES_MAX {
            assert!(all.iter().any(|session| session.lines == lines), "{lines}");
        }
        assert!(all.iter().any(|session| session.words.is_none()));
        assert!(all.iter().any(|session| session.is_declined_first));
    }

    #[test]
    fn every_buyer_pays_for_one_thing() {
        let all = sessions(Mix::Buyers, 1);
        assert!(all.iter().all(|session| session.end == End::Pays && session.lines == 1));
        assert!(all.iter().all(|session| session.words.is_none() && session.looks == 1));
    }

    #[test]
    fn dice_without_sides_show_nothing() {
        let mut dice = Dice::new(1, 1);
        assert_eq!((dice.roll(0), dice.position(0)), (0, 0));
        assert!((0..1_000).all(|_| dice.roll(6) < 6));
    }
}
