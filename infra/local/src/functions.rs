//! All functions of the shop, by domain: the one table that grows with a new domain.

use domain::fault::{Fault, Retry};
use runtime::{Function, Platform};

type Load = fn(&str, &Platform) -> Result<Function, Fault>;

/// The first word of a Handler, and how such a function is built.
const DOMAINS: &[(&str, Load)] = &[
    ("identity", |handler, platform| Function::load(identity::ENDPOINTS, handler, platform)),
    ("catalog", |handler, platform| Function::load(catalog::ENDPOINTS, handler, platform)),
    ("cart", |handler, platform| Function::load(cart::ENDPOINTS, handler, platform)),
    ("checkout", |handler, platform| Function::load(checkout::ENDPOINTS, handler, platform)),
    ("payments", |handler, platform| Function::load(payments::ENDPOINTS, handler, platform)),
    ("orders", |handler, platform| Function::load(orders::ENDPOINTS, handler, platform)),
    ("notifications", |handler, platform| {
        Function::load(notifications::ENDPOINTS, handler, platform)
    }),
    ("platform", |handler, platform| Function::load(platform::ENDPOINTS, handler, platform)),
];

/// Builds the function with this Handler, as a cold start does.
pub(crate) fn load(handler: &str, platform: &Platform) -> Result<Function, Fault> {
    let name = handler.split('.').next().unwrap_or_default();
    let Some((_, load)) = DOMAINS.iter().find(|(domain, _)| *domain == name) else {
        return Err(Fault::noticed(format!("find the domain of {handler}"), Retry::Useless));
    };
    load(handler, platform)
}

/// The domains that can be built.
pub fn domains() -> impl Iterator<Item = &'static str> {
    DOMAINS.iter().map(|(domain, _)| *domain)
}
