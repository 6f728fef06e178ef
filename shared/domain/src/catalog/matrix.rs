//! From options to variants: every combination of their values, in a stable order.
//!
//! Options may grow: the variants that are there stay, with their ids, SKUs and prices, and take
//! the first value of an option that is new. A value that a variant has can not be taken away.

use std::collections::{BTreeMap, BTreeSet};

use super::{Kind, Prices, Product, ProductOption, Sku, VARIANTS_MAX, Variant};
use crate::id::VariantId;
use crate::shipping::ProfileId;

/// Options of one product: three are what a page can show.
pub const OPTIONS_MAX: usize = 3;
/// Values of one option.
pub const VALUES_MAX: usize = 50;
/// Characters of an option's name or value.
pub const NAME_CHARS_MAX: usize = 60;
/// Characters of a SKU.
const SKU_CHARS_MAX: usize = 40;

/// Why options or variants can not be as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// More options than a product has.
    TooManyOptions,
    /// The options have more combinations than a product has variants.
    TooManyVariants,
    /// An option without values, or with one twice.
    Values {
        /// Which option.
        option: String,
    },
    /// Two options of one name.
    SameOption {
        /// Which name.
        option: String,
    },
    /// A variant has the value that was to go.
    ValueInUse {
        /// Of which option.
        option: String,
        /// Which value.
        value: String,
        /// Which variant.
        sku: Sku,
    },
    /// Variants have a value of the option that was to go.
    OptionInUse {
        /// Which option.
        option: String,
    },
    /// A variant does not have one value of each option.
    Incomplete,
    /// Another variant of the product has the same values.
    SameValues {
        /// Which variant.
        sku: Sku,
    },
    /// Another variant of the product has the SKU.
    SameSku,
    /// The product has no such variant.
    UnknownVariant,
    /// Keys are for what is not shipped.
    KeysAreDigital,
    /// A variant with keys goes on having them, under the SKU that they lie under.
    HasKeys,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooManyOptions => "too_many_options",
            Self::TooManyVariants => "too_many_variants",
            Self::Values { .. } => "option_values",
            Self::SameOption { .. } => "same_option",
            Self::ValueInUse { .. } => "value_in_use",
            Self::OptionInUse { .. } => "option_in_use",
            Self::Incomplete => "option_value_missing",
            Self::SameValues { .. } => "same_values",
            Self::SameSku => "same_sku",
            Self::UnknownVariant => "unknown_variant",
            Self::KeysAreDigital => "keys_are_digital",
            Self::HasKeys => "variant_has_keys",
        }
    }
}

/// The chosen value of each option.
pub type Chosen = BTreeMap<String, String>;

/// Refuses options that are none.
pub fn check(options: &[ProductOption]) -> Result<(), Refusal> {
    if options.len() > OPTIONS_MAX {
        return Err(Refusal::TooManyOptions);
    }
    for (at, option) in options.iter().enumerate() {
        let values: BTreeSet<&String> = option.values.iter().collect();
        if option.values.is_empty() || values.len() != option.values.len() {
            return Err(Refusal::Values { option: option.name.clone() });
        }
        if options.iter().take(at).any(|other| other.name == option.name) {
            return Err(Refusal::SameOption { option: option.name.clone() });
        }
    }
    let count = options.iter().try_fold(1_usize, |count, one| count.checked_mul(one.values.len()));
    match count {
        Some(count) if count <= VARIANTS_MAX => Ok(()),
        Some(_) | None => Err(Refusal::TooManyVariants),
    }
}

/// Every combination, the last option turning fastest; without options, the one variant without a
/// choice.
pub fn combinations(options: &[ProductOption]) -> Result<Vec<Chosen>, Refusal> {
    check(options)?;
    let mut all = vec![Chosen::new()];
    for option in options {
        all = all
            .iter()
            .flat_map(|chosen| {
                option.values.iter().map(|value| {
                    let mut chosen = chosen.clone();
                    chosen.insert(option.name.clone(), value.clone());
                    chosen
                })
            })
            .collect();
    }
    Ok(all)
}

/// What a variant of these values is called: “White / M”, in the order of the options.
pub fn title(options: &[ProductOption], chosen: &Chosen) -> Option<String> {
    let values: Vec<&str> =
        options.iter().filter_map(|one| chosen.get(&one.name)).map(String::as_str).collect();
    (!values.is_empty()).then(|| values.join(" / "))
}

/// A SKU for a new variant: the prefix and its values in capital letters, made unlike the others.
fn sku(prefix: &Sku, options: &[ProductOption], chosen: &Chosen, taken: &[Sku]) -> Option<Sku> {
    let word = |value: &String| {
        value
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|one| one.to_ascii_uppercase())
            .collect::<String>()
    };
    let words = options.iter().filter_map(|one| chosen.get(&one.name)).map(word);
    let words = words.filter(|word| !word.is_empty());
    let base = [prefix.to_string()].into_iter().chain(words).collect::<Vec<_>>().join("-");
    (1..=VARIANTS_MAX + 1).find_map(|number| {
        let ending = if number == 1 { String::new() } else { format!("-{number}") };
        let room = SKU_CHARS_MAX.saturating_sub(ending.len());
        let begin: String = base.chars().take(room).collect();
        Sku::parse(&format!("{begin}{ending}")).filter(|sku| !taken.contains(sku))
    })
}

/// What new variants begin with.
#[derive(Debug, Clone)]
pub struct Seed {
    /// Before their values in their SKUs.
    pub sku_prefix: Sku,
    /// What they cost.
    pub prices: Prices,
    /// Weight of one in grams.
    pub weight_grams: u32,
    /// What of each can be bought before stock is counted: nothing of what is shipped.
    pub available: u32,
}

impl Product {
    /// Gives it other options: the variants that are there stay and take the first value of what
    /// is new.
    pub fn with_options(mut self, options: Vec<ProductOption>) -> Result<Self, Refusal> {
        check(&options)?;
        for gone in self.options.iter().filter(|old| options.iter().all(|o| o.name != old.name)) {
            if self.variants.iter().any(|variant| variant.options.contains_key(&gone.name)) {
                return Err(Refusal::OptionInUse { option: gone.name.clone() });
            }
        }
        for variant in &mut self.variants {
            for option in &options {
                let has = variant.options.get(&option.name);
                if let Some(value) = has.filter(|value| !option.values.contains(value)) {
                    return Err(Refusal::ValueInUse {
                        option: option.name.clone(),
                        value: value.clone(),
                        sku: variant.sku.clone(),
                    });
                }
                if has.is_none()
                    && let Some(first) = option.values.first()
                {
                    variant.options.insert(option.name.clone(), first.clone());
                }
            }
            if let Some(title) = title(&options, &variant.options) {
                variant.title = title;
            }
        }
        self.options = options;
        Ok(self)
    }

    /// Adds the variants that its options have and it does not, `at_most` of them. Ids come from
    /// the caller, one for each.
    pub fn generate(
        mut self,
        seed: &Seed,
        at_most: usize,
        mut id: impl FnMut() -> VariantId,
    ) -> Result<Self, Refusal> {
        let mut taken: Vec<Sku> = self.variants.iter().map(|one| one.sku.clone()).collect();
        let missing: Vec<Chosen> = combinations(&self.options)?
            .into_iter()
            .filter(|chosen| self.variants.iter().all(|one| one.options != *chosen))
            .take(at_most)
            .collect();
        if self.variants.len() + missing.len() > VARIANTS_MAX {
            return Err(Refusal::TooManyVariants);
        }
        for chosen in missing {
            let sku = sku(&seed.sku_prefix, &self.options, &chosen, &taken);
            let sku = sku.ok_or(Refusal::SameSku)?;
            taken.push(sku.clone());
            self.variants.push(Variant {
                id: id(),
                title: title(&self.options, &chosen).unwrap_or_else(|| self.title.clone()),
                sku,
                options: chosen,
                prices: seed.prices.clone(),
                sales: Vec::new(),
                available: seed.available,
                weight_grams: seed.weight_grams,
                volume_mm3: 0,
                shipping_profile: ProfileId::default(),
                quantity_max: crate::cart::QUANTITY_MAX,
                download: None,
                has_keys: false,
            });
        }
        Ok(self)
    }

    /// Puts a variant in, or in the place of the one with its id. One that has keys from now on is
    /// not for sale before some were added.
    pub fn put_variant(mut self, mut variant: Variant) -> Result<Self, Refusal> {
        if variant.has_keys && self.kind == Kind::Physical {
            return Err(Refusal::KeysAreDigital);
        }
        let before = self.variants.iter().find(|other| other.id == variant.id);
        let had_keys = before.filter(|before| before.has_keys);
        if had_keys.is_some_and(|before| !variant.has_keys || before.sku != variant.sku) {
            return Err(Refusal::HasKeys);
        }
        if variant.has_keys && had_keys.is_none() {
            variant.available = 0;
        }
        let is_complete = self.options.len() == variant.options.len()
            && self.options.iter().all(|option| {
                variant.options.get(&option.name).is_some_and(|one| option.values.contains(one))
            });
        if !is_complete {
            return Err(Refusal::Incomplete);
        }
        let mut others = self.variants.iter().filter(|other| other.id != variant.id);
        if let Some(same) = others.clone().find(|other| other.options == variant.options) {
            return Err(Refusal::SameValues { sku: same.sku.clone() });
        }
        if others.any(|other| other.sku == variant.sku) {
            return Err(Refusal::SameSku);
        }
        let is_full = self.variants.len() >= VARIANTS_MAX;
        match self.variants.iter_mut().find(|other| other.id == variant.id) {
            Some(old) => *old = variant,
            None if is_full => return Err(Refusal::TooManyVariants),
            None => self.variants.push(variant),
        }
        Ok(self)
    }

    /// Takes a variant out; the pictures of it stay, as pictures of the product.
    pub fn remove_variant(mut self, id: VariantId) -> Result<Self, Refusal> {
        let before = self.variants.len();
        self.variants.retain(|one| one.id != id);
        for image in &mut self.images {
            image.variants.retain(|shown| *shown != id);
        }
        if self.variants.len() == before { Err(Refusal::UnknownVariant) } else { Ok(self) }
    }

    /// A variant of it.
    pub fn variant(&self, id: VariantId) -> Result<&Variant, Refusal> {
        self.variants.iter().find(|one| one.id == id).ok_or(Refusal::UnknownVariant)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::{Image, samples};
    use crate::id::Ulid;

    fn option(name: &str, values: &[&str]) -> ProductOption {
        let values = values.iter().map(|&one| one.to_owned()).collect();
        ProductOption { name: name.to_owned(), values }
    }

    fn seed() -> Seed {
        Seed {
            sku_prefix: Sku::parse("TEE").unwrap(),
            prices: Prices::new(),
            weight_grams: 200,
            available: 0,
        }
    }

    fn ids() -> impl FnMut() -> VariantId {
        let mut next = 100;
        move || {
            next += 1;
            VariantId::from_ulid(Ulid(next))
        }
    }

    fn bare() -> Product {
        Product { options: Vec::new(), variants: Vec::new(), ..samples::product() }
    }

    #[test]
    fn every_combination_is_a_variant_the_last_option_turning_fastest() {
        let options = vec![option("Colour", &["White", "Olive"]), option("Size", &["S", "M"])];
        let tee = bare().with_options(options).unwrap().generate(&seed(), 100, ids()).unwrap();
        let titles: Vec<_> = tee.variants.iter().map(|one| one.title.as_str()).collect();
        assert_eq!(titles, ["White / S", "White / M", "Olive / S", "Olive / M"]);
        assert_eq!(tee.variants[3].sku.as_str(), "TEE-OLIVE-M");
    }

    #[test]
    fn variants_stay_when_options_grow() {
        let tee = bare().with_options(vec![option("Size", &["S", "M"])]).unwrap();
        let tee = tee.generate(&seed(), 100, ids()).unwrap();
        let grown = vec![option("Size", &["S", "M", "L"]), option("Colour", &["White", "Red"])];
        let grown = tee.clone().with_options(grown).unwrap();
        let grown = grown.generate(&seed(), 100, ids()).unwrap();
        assert_eq!(grown.variants.len(), 6);
        for (before, after) in tee.variants.iter().zip(&grown.variants) {
            assert_eq!((before.id, &before.sku), (after.id, &after.sku));
            assert_eq!(after.options["Colour"], "White");
        }
    }

    #[test]
    fn what_is_in_use_does_not_go() {
        let tee = bare().with_options(vec![option("Size", &["S", "M"])]).unwrap();
        let tee = tee.generate(&seed(), 100, ids()).unwrap();
        let refused = tee.clone().with_options(vec![option("Size", &["M"])]).unwrap_err();
        let (option_name, value) = ("Size".to_owned(), "S".to_owned());
        let sku = Sku::parse("TEE-S").unwrap();
        assert_eq!(refused, Refusal::ValueInUse { option: option_name, value, sku });
        let refused = tee.clone().with_options(vec![option("Colour", &["Red"])]).unwrap_err();
        assert_eq!(refused.code(), "option_in_use");
        let small = tee.variants[0].id;
        assert!(
            tee.remove_variant(small).unwrap().with_options(vec![option("Size", &["M"])]).is_ok()
        );
    }

    #[test]
    fn options_have_names_and_values_of_their_own_and_a_hundred_variants_at_most() {
        let code = |options: Vec<ProductOption>| bare().with_options(options).unwrap_err().code();
        assert_eq!(code(vec![option("Size", &[])]), "option_values");
        assert_eq!(code(vec![option("Size", &["S", "S"])]), "option_values");
        assert_eq!(code(vec![option("Size", &["S"]), option("Size", &["M"])]), "same_option");
        assert_eq!(code(vec![option("A", &["1"]); 4]), "too_many_options");
        let many: Vec<String> = (0..11).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(code(vec![option("A", &many), option("B", &many)]), "too_many_variants");
    }

    #[test]
    fn a_variant_has_one_value_of_each_option_and_none_like_another() {
        let tee = bare().with_options(vec![option("Size", &["S", "M"])]).unwrap();
        let tee = tee.generate(&seed(), 100, ids()).unwrap();
        let like = |size: &str, sku: &str| Variant {
            id: VariantId::from_ulid(Ulid(7)),
            sku: Sku::parse(sku).unwrap(),
            options: Chosen::from([("Size".to_owned(), size.to_owned())]),
            ..tee.variants[0].clone()
        };
        let code = |variant| tee.clone().put_variant(variant).unwrap_err().code();
        assert_eq!(code(like("XL", "TEE-XL")), "option_value_missing");
        assert_eq!(code(like("S", "TEE-NEW")), "same_values");
        let mut shown = tee.clone();
        let mut image = Image::plain("/media/m.webp".to_owned(), String::new());
        image.variants = vec![tee.variants[1].id];
        shown.images = vec![image];
        let free = shown.remove_variant(tee.variants[1].id).unwrap();
        assert_eq!(free.images[0].variants, [], "no picture of what is not there");
        assert_eq!(free.clone().put_variant(like("M", "TEE-S")).unwrap_err(), Refusal::SameSku);
        assert!(free.put_variant(like("M", "TEE-M")).is_ok());
    }

    #[test]
    fn keys_are_for_what_is_not_shipped_and_for_good() {
        let tee = bare().generate(&seed(), 100, ids()).unwrap();
        let keyed = Variant { has_keys: true, ..tee.variants[0].clone() };
        assert_eq!(tee.clone().put_variant(keyed.clone()), Err(Refusal::KeysAreDigital));
        let kit = Product { kind: Kind::Digital, ..tee };
        let kit = kit.put_variant(Variant { available: 100, ..keyed.clone() }).unwrap();
        assert_eq!(kit.variants[0].available, 0, "there are none yet");
        let three = Variant { available: 3, ..keyed.clone() };
        let kit = kit.put_variant(three.clone()).unwrap();
        assert_eq!(kit.variants[0].available, 3);
        let without = Variant { has_keys: false, ..keyed.clone() };
        assert_eq!(kit.clone().put_variant(without), Err(Refusal::HasKeys));
        let renamed = Variant { sku: Sku::parse("OTHER").unwrap(), ..three };
        assert_eq!(kit.put_variant(renamed), Err(Refusal::HasKeys));
    }

    proptest! {
        #[test]
        fn generated_variants_are_all_different_and_as_many_as_the_product_of_the_values(
            values in prop::collection::vec(
                prop::collection::btree_set("[a-zäöü ]{1,12}", 1..5), 0..4
            ),
        ) {
            let options: Vec<ProductOption> = values
                .iter()
                .enumerate()
                .map(|(at, values)| ProductOption {
                    name: format!("option {at}"),
                    values: values.iter().cloned().collect(),
                })
                .collect();
            let count: usize = values.iter().map(std::collections::BTreeSet::len).product();
            let made = bare().with_options(options.clone());
            prop_assume!(made.is_ok());
            let made = made.unwrap().generate(&seed(), VARIANTS_MAX, ids()).unwrap();
            prop_assert_eq!(made.variants.len(), count);
            let skus: BTreeSet<_> = made.variants.iter().map(|one| &one.sku).collect();
            let chosen: BTreeSet<_> = made.variants.iter().map(|one| &one.options).collect();
            prop_assert_eq!((skus.len(), chosen.len()), (count, count));
            // A second time changes nothing.
            let again = made.clone().with_options(options).unwrap();
            prop_assert_eq!(again.generate(&seed(), VARIANTS_MAX, ids()).unwrap(), made);
        }
    }
}
