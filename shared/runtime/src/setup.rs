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
use store::{Store, Table};

use crate::clock::Clock;
use crate::doors::{Doors, House};
use crate::ids::Ids;
use crate::till::Till;

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
    faults: Vec<String>,
}

impl<'a> Setup<'a> {
    /// A setup for a Handler.
    pub fn new(platform: &'a Platform, handler: &'a str) -> Self {
        let client = aws_sdk_secretsmanager::Client::new(&platform.aws);
        let secrets = Arc::new(Secrets::new(client));
        Self { platform, handler, secrets, faults: Vec::new() }
    }

    /// Every missing or bad variable, or nothing.
    pub fn finish(self) -> Result<(), Fault> {
        if self.faults.is_empty() {
            return Ok(());
        }
        let tried = format!("start {}: {}", self.handler, self.faults.join("; "));
        Err(Fault::noticed(tried, Retry::Useless))
    }

    /// A variable that must be there.
    pub fn text(&mut self, name: &str) -> String {
        let value = self.platform.variables.get(name).map_or("", |value| value.trim());
        if value.is_empty() {
            self.faults.push(format!("{name} is missing"));
        }
        value.to_owned()
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

    /// A store that knows these tables.
    pub fn store(&mut self, tables: &[Table]) -> Store {
        let names = tables.iter().map(|table| (*table, self.text(table.variable()))).collect();
        Store::new(aws_sdk_dynamodb::Client::new(&self.platform.aws), names)
    }

    /// The queues with these names.
    pub fn queues(&mut self, names: &[queue::Name]) -> Queues {
        let urls = names.iter().map(|name| (*name, self.text(name.variable()))).collect();
        Queues::new(aws_sdk_sqs::Client::new(&self.platform.aws), urls)
    }

    /// The post.
    pub fn mailer(&mut self) -> notify::Mailer {
        let from = self.text("MAIL_FROM");
        notify::Mailer::new(aws_sdk_ses::Client::new(&self.platform.aws), from)
    }

    /// The bucket of digital goods.
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
        let issuer = self.text("SHOP_URL");
        let (public, tokens) = (self.optional("SECRET_JWT_PUBLIC"), self.optional("SECRET_TOKENS"));
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
        Doors::new(House { secrets, issuer, public, tokens, origins, limits, ids, is_live })
    }

    /// How often things may be done: the built-in limits, but for those in `LIMITS`.
    fn limits(&mut self) -> Limits {
        let text = self.optional("LIMITS").unwrap_or_default();
        Limits::parse(&text).unwrap_or_else(|flaws| {
            self.faults.extend(flaws.iter().map(|flaw| format!("LIMITS: {flaw}")));
            Limits::default()
        })
    }

    fn origins(&mut self) -> Origins {
        let list = self.text("ALLOWED_ORIGINS");
        let stage = self.stage();
        if stage == Some(Stage::Production) && list.contains("http://") {
            self.faults.push("ALLOWED_ORIGINS: http:// has no place in production".to_owned());
        }
        Origins::parse(&list).unwrap_or_else(|flaw| {
            self.faults.push(format!("ALLOWED_ORIGINS: {flaw}"));
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
        let issuer = self.text("SHOP_URL");
        let tokens = Some(self.text("SECRET_TOKENS"));
        Doors::new(House {
            secrets: self.secrets(),
            issuer,
            public: None,
            tokens,
            origins: Origins::default(),
            limits: Limits::default(),
            ids: self.ids(),
            is_live: false,
        })
    }

    /// The till.
    pub fn till(&mut self) -> Till {
        let name = self.text("SECRET_STRIPE");
        let stage = self.stage();
        let base_url = self.optional("STRIPE_API_BASE");
        if stage == Some(Stage::Production) && base_url.is_some() {
            self.faults.push("STRIPE_API_BASE has no place in production".to_owned());
        }
        let is_live_stage = stage == Some(Stage::Production);
        Till::new(self.secrets(), name, base_url, is_live_stage)
    }

    /// Where the shop's pages are: without a slash at the end.
    pub fn shop_url(&mut self) -> String {
        let url = self.text("SHOP_URL");
        let is_good = url.starts_with("https://") || url.starts_with("http://");
        if !url.is_empty() && (!is_good || url.ends_with('/')) {
            let fault = "SHOP_URL is not an address like https://shop.example without a slash";
            self.faults.push(fault.to_owned());
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
        match self.text("STAGE").as_str() {
            "" => None,
            "local" => Some(Stage::Local),
            "test" => Some(Stage::Test),
            "staging" => Some(Stage::Staging),
            "production" => Some(Stage::Production),
            other => {
                let fault = format!("STAGE: {other} is none of local, test, staging, production");
                if !self.faults.contains(&fault) {
                    self.faults.push(fault);
                }
                None
            }
        }
    }

    /// Names a fault that an `App` found itself.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
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
