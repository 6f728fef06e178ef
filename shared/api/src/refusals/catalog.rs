//! How refusals of the catalog are said.

use domain::catalog::{lifecycle, matrix, tree};

use crate::problem::{Flaw, Problem};

impl From<lifecycle::Refusal> for Problem {
    fn from(refusal: lifecycle::Refusal) -> Self {
        let code = refusal.code();
        match refusal {
            lifecycle::Refusal::InvalidTransition { from, to } => {
                let detail = "The product's status does not allow it.";
                Self::conflict(code, detail).member("from", from.code()).member("to", to.code())
            }
            lifecycle::Refusal::NothingToSell => {
                Self::conflict(code, "No variant of the product has a price.")
            }
            lifecycle::Refusal::NotADraft => {
                Self::conflict(code, "Only a draft can wait to be published.")
            }
            lifecycle::Refusal::WasInStore => {
                let detail = "It was in the store and may have been sold. Archive it instead.";
                Self::conflict(code, detail)
            }
        }
    }
}

impl From<matrix::Refusal> for Problem {
    fn from(refusal: matrix::Refusal) -> Self {
        let code = refusal.code();
        let flaw =
            |pointer: &str, detail: String| Self::invalid(vec![Flaw::new(pointer, code, detail)]);
        match refusal {
            matrix::Refusal::TooManyOptions => {
                flaw("/options", format!("A product has at most {} options.", matrix::OPTIONS_MAX))
            }
            matrix::Refusal::TooManyVariants => {
                let max = domain::catalog::VARIANTS_MAX;
                Self::conflict(code, format!("A product has at most {max} variants."))
                    .member("variants_max", max)
            }
            matrix::Refusal::Values { option } => {
                flaw("/options", format!("{option} needs values, each of them once."))
            }
            matrix::Refusal::SameOption { option } => {
                flaw("/options", format!("There are two options called {option}."))
            }
            matrix::Refusal::ValueInUse { option, value, sku } => {
                let detail = "A variant has the value that is to go. Take the variant out first.";
                Self::conflict(code, detail)
                    .member("option", option)
                    .member("value", value)
                    .member("sku", sku)
            }
            matrix::Refusal::OptionInUse { option } => {
                let detail = "Variants have a value of the option that is to go.";
                Self::conflict(code, detail).member("option", option)
            }
            matrix::Refusal::Incomplete => {
                flaw("/options", "A variant has one value of each option.".to_owned())
            }
            matrix::Refusal::SameValues { sku } => {
                Self::conflict(code, "Another variant has the same values.").member("sku", sku)
            }
            matrix::Refusal::SameSku => {
                Self::conflict(code, "Another variant of the product has this SKU.")
            }
            matrix::Refusal::UnknownVariant => Self::not_found(),
            matrix::Refusal::KeysAreDigital => {
                flaw("/has_keys", "What is shipped has no keys.".to_owned())
            }
            matrix::Refusal::HasKeys => {
                let detail = "A variant with keys keeps them, and its SKU. Add another variant.";
                Self::conflict(code, detail)
            }
        }
    }
}

impl From<tree::Refusal> for Problem {
    fn from(refusal: tree::Refusal) -> Self {
        let code = refusal.code();
        let parent =
            |detail: &str| Self::invalid(vec![Flaw::new("/parent", code, detail.to_owned())]);
        match refusal {
            tree::Refusal::SlugTaken => Self::conflict(code, "There is a category of this name."),
            tree::Refusal::UnknownParent => parent("There is no such category."),
            tree::Refusal::Circle => Self::conflict(code, "It would belong to itself."),
            tree::Refusal::TooDeep => {
                let detail = format!("The tree has at most {} levels.", tree::DEPTH_MAX);
                Self::conflict(code, detail).member("depth_max", tree::DEPTH_MAX)
            }
            tree::Refusal::TooMany => {
                Self::conflict(code, "The shop has as many categories as it can have.")
            }
            tree::Refusal::NotEmpty => {
                Self::conflict(code, "There are products or categories in it.")
            }
        }
    }
}
