//! All functions of the shop, by domain: the one table that grows with a new domain.

use std::pin::Pin;

use domain::fault::{Fault, Retry};
use runtime::{Function, Platform};

type Load = fn(&str, &Platform) -> Result<Function, Fault>;
type Start = for<'a> fn(&'a str, &'a Platform) -> Boxed<'a>;
type Boxed<'a> = Pin<Box<dyn Future<Output = Result<Function, Fault>> + Send + 'a>>;

/// A domain: the first word of its Handlers, and how its functions are built.
struct Domain {
    name: &'static str,
    load: Load,
    start: Start,
}

macro_rules! domains {
    ($($domain:ident),* $(,)?) => {
        &[$(Domain {
            name: stringify!($domain),
            load: |handler, platform| Function::load($domain::ENDPOINTS, handler, platform),
            start: |handler, platform| {
                Box::pin(Function::start($domain::ENDPOINTS, handler, platform))
            },
        }),*]
    };
}

const DOMAINS: &[Domain] = domains!(
    identity,
    catalog,
    inventory,
    cart,
    checkout,
    media,
    payments,
    orders,
    fulfillment,
    notifications,
    platform,
    promotions,
    returns,
    webhooks
);

/// Builds the function with this Handler.
pub(crate) fn load(handler: &str, platform: &Platform) -> Result<Function, Fault> {
    (of(handler)?.load)(handler, platform)
}

/// Builds the function with this Handler and looks at its secrets, as a cold start does.
pub(crate) async fn start(handler: &str, platform: &Platform) -> Result<Function, Fault> {
    (of(handler)?.start)(handler, platform).await
}

fn of(handler: &str) -> Result<&'static Domain, Fault> {
    let name = handler.split('.').next().unwrap_or_default();
    let domain = DOMAINS.iter().find(|domain| domain.name == name);
    domain.ok_or_else(|| Fault::noticed(format!("find the domain of {handler}"), Retry::Useless))
}

/// The domains that can be built.
pub fn domains() -> impl Iterator<Item = &'static str> {
    DOMAINS.iter().map(|domain| domain.name)
}
