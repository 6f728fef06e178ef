//! From environment variables to an `App`: every missing or bad one is named at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::cors::Origins;
use aws_config::SdkConfig;
use domain::currency::Currency;
use domain::fault::{Fault, Retry};
use domain::limit::Limits;
use queue::Queues;
use secrets::Secrets;
use store::{Knocker, Store, Table};

use crate::aws::quick;
use crate::clock::Clock;
use crate::doors::{Doors, House};
use crate::front_door::FrontDoor;
use crate::ids::Ids;
use crate::keyring::{Keyring, Kind};
use crate::meter;
use crate::post::Post;
use crate::telemetry::Lines;
use crate::till::Till;
use crate::trips::{Traced, Trips};

/// What a function stands on.
#[derive(Debug, Clone)]
pub struct Platform {
    /// The environment.
    pub variables: BTreeMap<String, String>,
    /// How AWS is reached.
    pub aws: SdkConfig,
    /// Time.
    pub clock: Clock,
    /// Chance.
    pub ids: Ids,
    /// Where the line of each invocation goes.
    pub lines: Lines,
}

/// What a domain's functions touch. `connect` names what it needs; the setup collects what is
/// missing.
pub trait App: Sized + Send + Sync + 'static {
    /// Builds it.
    fn connect(setup: &mut Setup<'_>) -> Self;
    /// What the doors need; none for functions without an HTTP endpoint.
    fn doors(&self) -> Option<&Doors> {
        None
    }
    /// Where idempotency keys are kept; none for domains that keep none.
    fn store(&self) -> Option<&Store> {
        None
    }
}

/// The building of an `App`.
#[derive(Debug)]
pub struct Setup<'a> {
    platform: &'a Platform,
    /// The Handler that is being set up: siblings of one domain are not told the same variables.
    pub handler: &'a str,
    secrets: Arc<Secrets>,
    wanted: Vec<(Kind, String)>,
    /// Whoever has a table has its way to it opened, whether or not its callers are looked up.
    knocker: Option<Knocker>,
    faults: Vec<String>,
}

impl<'a> Setup<'a> {
    /// A setup for a Handler.
    pub fn new(platform: &'a Platform, handler: &'a str) -> Self {
        let mut config = aws_sdk_secretsmanager::config::Builder::from(&platform.aws);
        config.set_timeout_config(quick(&platform.aws));
        let secrets = Arc::new(Secrets::new(config.build()));
        let (wanted, faults) = (Vec::new(), Vec::new());
        Self { platform, handler, secrets, wanted, knocker: None, faults }
    }

    /// Every missing or bad variable, the secrets that are still to be looked at, and who opens the
    /// way to the tables.
    pub(crate) fn finish(self) -> (Vec<String>, Keyring, Option<Knocker>) {
        let issuer = self.optional("SHOP_URL").unwrap_or_default();
        let is_live = self.peek_stage().map(|stage| stage == Stage::Production);
        let keyring = Keyring { secrets: self.secrets, wanted: self.wanted, issuer, is_live };
        (self.faults, keyring, self.knocker)
    }

    /// What a function says that does not start.
    pub(crate) fn refusal(handler: &str, faults: &[String]) -> Fault {
        Fault::noticed(format!("start {handler}: {}", faults.join("; ")), Retry::Useless)
    }

    /// A fault is said once, however many parts need the same variable.
    fn blame(&mut self, fault: String) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// A variable that must be there.
    pub fn text(&mut self, name: &str) -> String {
        let value = self.platform.variables.get(name).map_or("", |value| value.trim());
        let value = value.to_owned();
        if value.is_empty() {
            self.blame(format!("{name} is missing"));
        }
        value
    }

    /// The name of a secret that this function reads. What it holds is looked at before the first
    /// call.
    pub fn secret(&mut self, kind: Kind, variable: &str) -> String {
        let name = self.text(variable);
        self.want(kind, &name);
        name
    }

    fn want(&mut self, kind: Kind, name: &str) {
        if !name.is_empty() && !self.wanted.iter().any(|(_, wanted)| wanted == name) {
            self.wanted.push((kind, name.to_owned()));
        }
    }

    /// A variable that may be there.
    pub fn optional(&self, name: &str) -> Option<String> {
        self.platform.variables.get(name).filter(|value| !value.trim().is_empty()).cloned()
    }

    /// Chance.
    pub fn ids(&self) -> Ids {
        self.platform.ids.clone()
    }

    /// The key ring.
    pub fn secrets(&self) -> Arc<Secrets> {
        Arc::clone(&self.secrets)
    }

    /// A store that knows these tables. Whoever knows one in which something is sealed knows the
    /// keys, too.
    pub fn store(&mut self, tables: &[Table]) -> Store {
        let holds_sealed = |table: &Table| matches!(table, Table::Identity | Table::Orders);
        let keys = tables.iter().any(holds_sealed).then_some(Table::Keys);
        let tables = tables.iter().copied().chain(keys);
        let names = tables.map(|table| (table, self.text(table.variable()))).collect();
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.platform.aws);
        config.set_timeout_config(quick(&self.platform.aws));
        let config = config.interceptor(Trips { is_dynamodb: true }).build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        let store = Store::new(client, names).watched(meter::WATCH);
        self.knocker = store.knocker().or(self.knocker.take());
        store
    }

    /// The queues with these names.
    pub fn queues(&mut self, names: &[queue::Name]) -> Queues {
        let urls = names.iter().map(|name| (*name, self.text(name.variable()))).collect();
        let mut config = aws_sdk_sqs::config::Builder::from(&self.platform.aws);
        config.set_timeout_config(quick(&self.platform.aws));
        let config = config.interceptor(Trips { is_dynamodb: false }).interceptor(Traced).build();
        Queues::new(aws_sdk_sqs::Client::from_conf(config), urls)
    }

    /// The post.
    pub fn mailer(&mut self) -> notify::Mailer {
        let from = self.text("MAIL_FROM");
        let config = aws_sdk_ses::config::Builder::from(&self.platform.aws);
        let config = config.interceptor(Trips { is_dynamodb: false }).build();
        notify::Mailer::new(aws_sdk_ses::Client::from_conf(config), from)
    }

    /// How AWS is reached: for what only one domain touches.
    pub fn aws(&self) -> &'a SdkConfig {
        &self.platform.aws
    }

    /// Who signs addresses and forms of the shop's bucket.
    pub fn files(&mut self) -> Option<files::Files> {
        let url = self.text("FILES_URL");
        let region = self.platform.aws.region().map(ToString::to_string);
        let credentials = self.platform.aws.credentials_provider();
        let (Some(region), Some(credentials)) = (region, credentials) else {
            self.faults.push("AWS_REGION or credentials are missing".to_owned());
            return None;
        };
        Some(files::Files::new(url, region, credentials))
    }

    /// The doors of a domain with HTTP endpoints.
    pub fn doors(&mut self) -> Doors {
        let origins = self.origins();
        let issuer = self.shop_url();
        let (public, tokens) = (self.optional("SECRET_JWT_PUBLIC"), self.optional("SECRET_TOKENS"));
        self.want(Kind::Public, public.as_deref().unwrap_or_default());
        self.want(Kind::Tokens, tokens.as_deref().unwrap_or_default());
        self.build_doors(issuer, public, tokens, origins)
    }

    fn build_doors(
        &mut self,
        issuer: String,
        public: Option<String>,
        tokens: Option<String>,
        origins: Origins,
    ) -> Doors {
        let is_live = self.stage() == Some(Stage::Production);
        let (secrets, limits, ids) = (self.secrets(), self.limits(), self.ids());
        let front = self.front_door();
        Doors::new(House { secrets, issuer, public, tokens, origins, front, limits, ids, is_live })
    }

    /// How often things may be done: the built-in limits, but for those in `LIMITS`.
    fn limits(&mut self) -> Limits {
        let text = self.optional("LIMITS").unwrap_or_default();
        Limits::parse(&text).unwrap_or_else(|flaws| {
            self.faults.extend(flaws.iter().map(|flaw| format!("LIMITS: {flaw}")));
            Limits::default()
        })
    }

    /// The front door that `FRONT_DOOR` names the keys' hashes of.
    fn front_door(&mut self) -> FrontDoor {
        let hashes = self.optional("FRONT_DOOR").unwrap_or_default();
        FrontDoor::parse(&hashes).unwrap_or_else(|flaw| {
            self.blame(format!("FRONT_DOOR: {flaw}"));
            FrontDoor::default()
        })
    }

    fn origins(&mut self) -> Origins {
        let list = self.text("ALLOWED_ORIGINS");
        if self.is_in_the_cloud() && list.contains("http://") {
            self.blame("ALLOWED_ORIGINS: http:// has no place in the cloud".to_owned());
        }
        Origins::parse(&list).unwrap_or_else(|flaw| {
            self.blame(format!("ALLOWED_ORIGINS: {flaw}"));
            Origins::default()
        })
    }

    /// Doors that ask nobody who they are: for endpoints that know no caller.
    pub fn open_doors(&mut self) -> Doors {
        let origins = self.origins();
        self.build_doors(String::new(), None, None, origins)
    }

    /// Doors without HTTP endpoints behind them: for jobs that seal links.
    pub fn sealing_doors(&mut self) -> Doors {
        let issuer = self.shop_url();
        let tokens = Some(self.secret(Kind::Tokens, "SECRET_TOKENS"));
        Doors::new(House {
            secrets: self.secrets(),
            issuer,
            public: None,
            tokens,
            origins: Origins::default(),
            front: FrontDoor::default(),
            limits: Limits::default(),
            ids: self.ids(),
            is_live: false,
        })
    }

    /// The till.
    pub fn till(&mut self) -> Till {
        let name = self.secret(Kind::Stripe, "SECRET_STRIPE");
        let stage = self.stage();
        let base_url = self.optional("STRIPE_API_BASE");
        if stage == Some(Stage::Production) && base_url.is_some() {
            self.faults.push("STRIPE_API_BASE has no place in production".to_owned());
        }
        let is_live_stage = stage == Some(Stage::Production);
        Till::new(self.secrets(), name, base_url, is_live_stage)
    }

    /// The post: the way to the carriers.
    pub fn post(&mut self) -> Post {
        let name = self.secret(Kind::Carrier, "SECRET_CARRIER");
        let base_url = self.optional("CARRIER_API_BASE");
        if self.stage() == Some(Stage::Production) && base_url.is_some() {
            self.faults.push("CARRIER_API_BASE has no place in production".to_owned());
        }
        Post::new(self.secrets(), name, base_url)
    }

    /// Where the shop's pages are: without a slash at the end.
    pub fn shop_url(&mut self) -> String {
        let url = self.text("SHOP_URL");
        let is_good = !url.contains(',') && Origins::parse(&url).is_ok();
        if !is_good {
            let fault = "SHOP_URL is not an address like https://shop.example without a slash";
            self.blame(fault.to_owned());
        } else if self.is_in_the_cloud() && url.starts_with("http://") {
            self.blame("SHOP_URL: http:// has no place in the cloud".to_owned());
        }
        url
    }

    /// The currency that the shop thinks in.
    pub fn currency(&mut self) -> Currency {
        let code = self.text("DEFAULT_CURRENCY");
        Currency::parse(&code).unwrap_or_else(|| {
            if !code.is_empty() {
                self.faults.push(format!("DEFAULT_CURRENCY: {code} is no currency"));
            }
            Currency::EUR
        })
    }

    /// Which stage this is; a word that we do not know is a fault.
    pub fn stage(&mut self) -> Option<Stage> {
        let name = self.text("STAGE");
        let stage = Stage::parse(&name);
        if stage.is_none() && !name.is_empty() {
            self.blame(format!("STAGE: {name} is none of local, test, staging, production"));
        }
        stage
    }

    /// The stage, where the function was told; some need not know.
    pub(crate) fn peek_stage(&self) -> Option<Stage> {
        Stage::parse(self.optional("STAGE")?.trim())
    }

    fn is_in_the_cloud(&self) -> bool {
        matches!(self.peek_stage(), Some(Stage::Staging | Stage::Production))
    }

    /// Names a fault that an `App` found itself.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.blame(fault.into());
    }
}

/// Where this runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// On somebody's machine.
    Local,
    /// In a test.
    Test,
    /// In the cloud, with test money.
    Staging,
    /// In the cloud, with real money.
    Production,
}

impl Stage {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "local" => Some(Self::Local),
            "test" => Some(Self::Test),
            "staging" => Some(Self::Staging),
            "production" => Some(Self::Production),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that doors, till and currency say of these variables.
    fn faults(variables: &[(&str, &str)]) -> Vec<String> {
        let good = [
            ("STAGE", "production"),
            ("SHOP_URL", "https://shop.example"),
            ("ALLOWED_ORIGINS", "https://shop.example,https://admin.shop.example"),
            ("SECRET_STRIPE", "shop/stripe"),
            ("SECRET_TOKENS", "shop/tokens"),
            ("DEFAULT_CURRENCY", "EUR"),
        ];
        let all = good.iter().chain(variables).map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let platform = Platform {
            variables: all.collect(),
            aws: SdkConfig::builder()
                .behavior_version(aws_config::BehaviorVersion::latest())
                .build(),
            clock: Clock::system(),
            ids: Ids::seeded(1),
            lines: Lines::stdout(),
        };
        let mut setup = Setup::new(&platform, "shop.store.test");
        drop((setup.doors(), setup.till(), setup.shop_url(), setup.currency(), setup.doors()));
        let (faults, keyring, knocker) = setup.finish();
        assert!(knocker.is_none(), "nobody knocks where no table is known");
        if faults.is_empty() {
            let wanted: Vec<_> = keyring.wanted.iter().map(|(kind, _)| *kind).collect();
            assert_eq!(wanted, [Kind::Tokens, Kind::Stripe], "each secret is looked at once");
        }
        faults
    }

    #[test]
    fn the_way_to_a_table_is_opened_for_whoever_knows_one_whoever_calls() {
        let variables = [("TABLE_CATALOG".to_owned(), "shop-catalog".to_owned())];
        let platform = Platform {
            variables: variables.into(),
            aws: SdkConfig::builder()
                .behavior_version(aws_config::BehaviorVersion::latest())
                .build(),
            clock: Clock::system(),
            ids: Ids::seeded(1),
            lines: Lines::stdout(),
        };
        for (tables, is_opened) in [(&[Table::Catalog][..], true), (&[], false)] {
            let mut setup = Setup::new(&platform, "shop.store.test");
            drop(setup.store(tables));
            assert_eq!(setup.finish().2.is_some(), is_opened, "{tables:?}");
        }
    }

    #[test]
    fn a_good_environment_has_no_fault() {
        assert!(faults(&[]).is_empty());
        let local = [
            ("STAGE", "local"),
            ("SHOP_URL", "http://127.0.0.1:3000"),
            ("ALLOWED_ORIGINS", "http://127.0.0.1:3000"),
            ("STRIPE_API_BASE", "http://127.0.0.1:3001/"),
        ];
        assert!(faults(&local).is_empty());
    }

    #[test]
    fn every_fault_is_named_once_and_at_once() {
        let bad = [
            ("STAGE", "prod"),
            ("SHOP_URL", ""),
            ("ALLOWED_ORIGINS", "*"),
            ("SECRET_STRIPE", " "),
            ("DEFAULT_CURRENCY", "XXZ"),
            ("LIMITS", "sign_in=0/900,tea=1/1"),
            ("FRONT_DOOR", "the key itself"),
        ];
        let found = faults(&bad);
        for name in bad.map(|(name, _)| name) {
            assert!(found.iter().any(|fault| fault.starts_with(name)), "{name}: {found:?}");
        }
        let mut once = found.clone();
        once.dedup();
        assert_eq!(once, found);
    }

    #[test]
    fn what_is_not_encrypted_has_no_place_in_the_cloud() {
        for stage in ["staging", "production"] {
            let found = faults(&[
                ("STAGE", stage),
                ("SHOP_URL", "http://shop.example"),
                ("ALLOWED_ORIGINS", "https://shop.example,http://shop.example"),
            ]);
            let expected = [
                "ALLOWED_ORIGINS: http:// has no place in the cloud",
                "SHOP_URL: http:// has no place in the cloud",
            ];
            assert_eq!(found, expected);
        }
        assert_eq!(
            faults(&[("STRIPE_API_BASE", "http://127.0.0.1/")]),
            ["STRIPE_API_BASE has no place in production"]
        );
    }

    #[test]
    fn an_address_of_the_shop_is_an_origin_and_nothing_more() {
        for url in [
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://shop.example/shop",
            "https://*",
            "https://*.shop.example",
            "https://Shop.example",
            "ftp://shop.example",
            "https://a.example,https://b.example",
            "https://shop.example?x",
            "javascript:alert(1)",
            "https://jane@shop.example",
            "https://shop.example#x",
            "https://shop example",
        ] {
            let found = faults(&[("SHOP_URL", url)]);
            assert_eq!(found.len(), 1, "{url}: {found:?}");
            let found = faults(&[("ALLOWED_ORIGINS", url)]);
            // A list of two is a list.
            assert_eq!(found.len(), usize::from(!url.contains(',')), "{url}: {found:?}");
        }
    }
}
