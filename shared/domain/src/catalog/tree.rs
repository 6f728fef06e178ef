//! Categories are a tree: no circles, not too deep, and what is not empty does not go.

use std::collections::HashMap;

use super::{Category, Slug};

/// Categories of one shop: all of them are one page of a query.
pub const CATEGORIES_MAX: usize = 500;
/// Levels of the tree: more than five are not found by anybody.
pub const DEPTH_MAX: usize = 5;
/// Categories that one product is listed in: each is a list card in the product's transaction.
pub const CATEGORIES_OF_ONE_MAX: usize = 8;

/// Why a category stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is one of this name.
    SlugTaken,
    /// There is no such category to belong to.
    UnknownParent,
    /// It would belong to itself, directly or not.
    Circle,
    /// The tree would be too deep.
    TooDeep,
    /// The shop has as many as it can have.
    TooMany,
    /// Products or other categories are in it.
    NotEmpty,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SlugTaken => "slug_taken",
            Self::UnknownParent => "unknown_parent",
            Self::Circle => "category_circle",
            Self::TooDeep => "category_too_deep",
            Self::TooMany => "too_many_categories",
            Self::NotEmpty => "category_not_empty",
        }
    }
}

/// Refuses a category that can not be added or moved to where it says.
pub fn place(tree: &[Category], category: &Category) -> Result<(), Refusal> {
    let is_new = tree.iter().all(|other| other.slug != category.slug);
    if is_new && tree.len() >= CATEGORIES_MAX {
        return Err(Refusal::TooMany);
    }
    let Some(parent) = &category.parent else {
        return above(tree, category, 0);
    };
    if tree.iter().all(|other| other.slug != *parent) {
        return Err(Refusal::UnknownParent);
    }
    let parents: HashMap<&Slug, Option<&Slug>> =
        tree.iter().map(|one| (&one.slug, one.parent.as_ref())).collect();
    let (mut levels, mut at) = (0, Some(parent));
    while let Some(slug) = at {
        if *slug == category.slug {
            return Err(Refusal::Circle);
        }
        levels += 1;
        if levels >= DEPTH_MAX {
            return Err(Refusal::TooDeep);
        }
        at = parents.get(slug).copied().flatten();
    }
    above(tree, category, levels)
}

/// Refuses where what hangs below would be too deep.
fn above(tree: &[Category], category: &Category, levels: usize) -> Result<(), Refusal> {
    let mut row = vec![&category.slug];
    for depth in levels..=DEPTH_MAX {
        if row.is_empty() {
            return Ok(());
        }
        if depth == DEPTH_MAX {
            return Err(Refusal::TooDeep);
        }
        let below = |slug: &&Slug, one: &&Category| one.parent.as_ref() == Some(*slug);
        row = tree
            .iter()
            .filter(|one| one.slug != category.slug && row.iter().any(|slug| below(slug, one)))
            .map(|one| &one.slug)
            .collect();
    }
    Ok(())
}

/// Refuses unless nothing is in it.
pub fn may_be_deleted(tree: &[Category], category: &Category) -> Result<(), Refusal> {
    let has_children = tree.iter().any(|one| one.parent.as_ref() == Some(&category.slug));
    if has_children || category.products > 0 { Err(Refusal::NotEmpty) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::{CategoryId, Ulid};

    fn category(slug: &str, parent: Option<&str>) -> Category {
        let slug_of = |text: &str| Slug::parse(text).unwrap();
        Category {
            id: CategoryId::from_ulid(Ulid(1)),
            slug: slug_of(slug),
            title: slug.to_owned(),
            description: String::new(),
            parent: parent.map(slug_of),
            position: 0,
            translations: std::collections::BTreeMap::new(),
            products: 0,
            version: 1,
        }
    }

    fn chain(levels: usize) -> Vec<Category> {
        (1..=levels)
            .map(|n| {
                let parent = (n > 1).then(|| format!("level-{}", n - 1));
                category(&format!("level-{n}"), parent.as_deref())
            })
            .collect()
    }

    #[test]
    fn a_category_does_not_come_to_belong_to_itself() {
        let tree = chain(3);
        assert_eq!(place(&tree, &category("level-1", Some("level-3"))), Err(Refusal::Circle));
        assert_eq!(place(&tree, &category("level-1", Some("level-1"))), Err(Refusal::Circle));
        assert_eq!(place(&tree, &category("level-3", Some("level-1"))), Ok(()));
        assert_eq!(place(&tree, &category("new", Some("nowhere"))), Err(Refusal::UnknownParent));
    }

    #[test]
    fn the_tree_has_five_levels() {
        let tree = chain(4);
        assert_eq!(place(&tree, &category("fifth", Some("level-4"))), Ok(()));
        let tree = chain(5);
        assert_eq!(place(&tree, &category("sixth", Some("level-5"))), Err(Refusal::TooDeep));
        // With what hangs below it.
        let mut tree = chain(4);
        tree.push(category("other", None));
        assert_eq!(place(&tree, &category("level-1", Some("other"))), Ok(()));
        tree.push(category("level-5", Some("level-4")));
        assert_eq!(place(&tree, &category("level-1", Some("other"))), Err(Refusal::TooDeep));
    }

    #[test]
    fn what_is_not_empty_does_not_go() {
        let mut tree = chain(2);
        let [top, below] = [tree[0].clone(), tree[1].clone()];
        assert_eq!(may_be_deleted(&tree, &top), Err(Refusal::NotEmpty));
        assert_eq!(may_be_deleted(&tree, &below), Ok(()));
        tree[1].products = 1;
        assert_eq!(may_be_deleted(&tree, &tree[1]), Err(Refusal::NotEmpty));
    }

    proptest! {
        /// Whatever is moved where, every category still has a way to the top.
        #[test]
        fn no_sequence_of_moves_makes_a_circle(
            moves in prop::collection::vec((0_usize..8, 0_usize..9), 0..40)
        ) {
            let name = |n: usize| format!("category-{n}");
            let mut tree: Vec<Category> = (0..8).map(|n| category(&name(n), None)).collect();
            for (which, to) in moves {
                let mut moved = tree[which].clone();
                moved.parent = (to < 8).then(|| Slug::parse(&name(to)).unwrap());
                if place(&tree, &moved).is_ok() {
                    tree[which] = moved;
                }
            }
            for one in &tree {
                let (mut at, mut levels) = (Some(one), 0);
                while let Some(category) = at {
                    levels += 1;
                    prop_assert!(levels <= DEPTH_MAX);
                    at = tree.iter().find(|other| Some(&other.slug) == category.parent.as_ref());
                }
            }
        }
    }
}
