//! The doors of a domain: keys from Secrets Manager that are renewed as they age, who is calling,
//! and how often.
//!
//! What was looked up of a caller is believed for a minute: a session that was ended elsewhere
//! is over here at most that much later. The function that ends one forgets it at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::cors::Origins;
use api::seal::Sealer;
use api::token::{PublicKey, Verifier};
use api::who::{Caller, Credentials, Facts, Guard, STEP_UP_REQUIRED, Who};
use api::{Problem, Reply, Request};
use domain::account::Subject;
use domain::api_key::ApiKey;
use domain::audit::{Actor, limit_key_of, network_of};
use domain::event::Event;
use domain::fault::{Fault, Retry};
use domain::id::{AuditId, EventId, SessionId};
use domain::limit::{Limit, Limits, Standing};
use jiff::{SignedDuration, Timestamp};
use secrets::{PublicKeys, Secrets, TokenKey};
use sha2::{Digest, Sha256};
use store::Store;
use store::limit::{Bucket, Taken};

use crate::endpoint::Call;
use crate::front_door::FrontDoor;
use crate::ids::Ids;
use crate::keyring::KEY_TEXT_MIN;

/// How long what was looked up of a caller is believed.
const BELIEVED: SignedDuration = SignedDuration::from_secs(60);
/// How often an unknown key's name is looked for in Secrets Manager at most.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// Callers that are remembered at most.
const CALLERS_MAX: usize = 10_000;
/// Requests of a known caller that are written down together.
const STRIDE: u32 = 5;

/// What the doors need to know of the function that they are the doors of.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) issuer: String,
    pub(crate) public: Option<String>,
    pub(crate) tokens: Option<String>,
    pub(crate) origins: Origins,
    pub(crate) front: FrontDoor,
    pub(crate) limits: Limits,
    pub(crate) ids: Ids,
    pub(crate) is_live: bool,
}

/// What the doors of a domain need.
#[derive(Debug)]
pub struct Doors {
    house: House,
    known: Mutex<BTreeMap<String, (Timestamp, Arc<Facts>)>>,
    tabs: Mutex<BTreeMap<String, Tab>>,
    looked: Mutex<Option<Timestamp>>,
}

/// A caller's requests that are not in the table yet.
#[derive(Debug)]
struct Tab {
    bucket: Bucket,
    requests: u32,
    at: Timestamp,
}

impl Doors {
    pub(crate) fn new(house: House) -> Self {
        let (known, tabs, looked) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { house, known, tabs, looked }
    }

    /// Who issues our access tokens.
    pub fn issuer(&self) -> &str {
        &self.house.issuer
    }

    /// The origins that may read our answers.
    pub fn origins(&self) -> &Origins {
        &self.house.origins
    }

    /// The front door, if there is one.
    pub fn front(&self) -> &FrontDoor {
        &self.house.front
    }

    /// Whether this is the live shop.
    pub fn is_live(&self) -> bool {
        self.house.is_live
    }

    /// The guard with the keys of this moment. A function that was not told of a secret has a guard
    /// that knows no key: nobody gets past it by one.
    pub async fn guard(&self, now: Timestamp) -> Result<Guard, Fault> {
        let keys: Vec<PublicKey> = match &self.house.public {
            Some(name) => {
                let secret: PublicKeys = self.house.secrets.get(name, now).await?;
                let key = |key: secrets::PublicKey| PublicKey { kid: key.kid, x: key.x };
                secret.keys.into_iter().map(key).collect()
            }
            None => Vec::new(),
        };
        let verifier = Verifier::new(&self.house.issuer, &keys)
            .map_err(|flaw| Fault::noticed(format!("read the keys: {flaw}"), Retry::Useless))?;
        let sealer = match &self.house.tokens {
            Some(name) => sealer(&self.house.secrets.get::<TokenKey>(name, now).await?)?,
            None => Sealer::blind(),
        };
        let (origins, is_live) = (self.house.origins.clone(), self.house.is_live);
        Ok(Guard { verifier, sealer, origins, is_live })
    }

    /// As [`Doors::guard`], for this request: where it carries a token under a key that is not
    /// known here, the keys are fetched anew. They may have been rotated a moment ago.
    pub async fn guard_for(&self, request: &Request) -> Result<Guard, Fault> {
        let guard = self.guard(request.now).await?;
        let Some(name) = &self.house.public else { return Ok(guard) };
        if !guard.has_unknown_key(request) || !self.may_look_again(request.now) {
            return Ok(guard);
        }
        self.house.secrets.forget(name).await;
        self.guard(request.now).await
    }

    fn may_look_again(&self, now: Timestamp) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let may = looked.is_none_or(|at| now.duration_since(at).abs() >= LOOK_AGAIN);
        if may {
            *looked = Some(now);
        }
        may
    }

    /// Who is calling, as far as an endpoint of this kind looks.
    pub async fn caller<W: Who>(
        &self,
        guard: &Guard,
        store: Option<&Store>,
        request: &Request,
    ) -> Result<Caller, Problem> {
        let credentials = guard.credentials(request, W::AUDIENCE)?;
        let name = match &credentials {
            Credentials::None => return guard.admit(&credentials, &Facts::default(), request.now),
            Credentials::Session { claims, .. } => claims.sid.to_string(),
            Credentials::Key(presented) => presented.id().to_string(),
        };
        let is_known_use = |facts: &Facts| {
            match &facts.key {
                // A key that comes from somewhere else is looked at: the log is to know.
                Some(key) => key.use_from(network_of(&request.source_ip).as_deref(), request.now),
                None => None,
            }
            .is_none_or(|used| !used.is_new_network)
        };
        if let Some(facts) = self.believed(&name, request.now).filter(|facts| is_known_use(facts)) {
            let caller = guard.admit(&credentials, &facts, request.now)?;
            // Who lacks a fresh proof may have given one elsewhere, a moment ago.
            if !needs_proof::<W>(&caller, request) {
                return Ok(caller);
            }
        }
        let store = store.ok_or_else(Problem::internal)?;
        let mut facts = self.look_up(store, &credentials, request).await?;
        let caller = guard.admit(&credentials, &facts, request.now)?;
        if let Some(key) = facts.key.take() {
            facts.key = Some(self.note_use(store, key, request).await?);
        }
        let mut known = self.known();
        if known.len() >= CALLERS_MAX {
            known.clear();
        }
        known.insert(name, (request.now, Arc::new(facts)));
        Ok(caller)
    }

    async fn look_up(
        &self,
        store: &Store,
        credentials: &Credentials,
        request: &Request,
    ) -> Result<Facts, Fault> {
        let mut facts = Facts::default();
        let staff = match credentials {
            Credentials::None => None,
            Credentials::Session { claims, .. } => {
                facts.session = store.session(claims.sub, claims.sid, request.now).await?;
                match (claims.sub, &facts.session) {
                    (Subject::Staff(id), Some(_)) => Some(id),
                    _ => None,
                }
            }
            Credentials::Key(presented) => {
                facts.key = store.api_key(presented.id()).await?;
                facts.key.as_ref().map(|key| key.creator)
            }
        };
        if let Some(id) = staff {
            facts.member = store.member(id).await?;
        }
        if let Some(member) = &facts.member {
            facts.role = store.role(member.role).await?;
        }
        Ok(facts)
    }

    /// Writes down that an API key was used, and gives it as it is then; where it came from a
    /// network that it was not used from before, the audit log is told.
    async fn note_use(
        &self,
        store: &Store,
        key: ApiKey,
        request: &Request,
    ) -> Result<ApiKey, Fault> {
        let network = network_of(&request.source_ip);
        let Some(used) = key.use_from(network.as_deref(), request.now) else { return Ok(key) };
        let event = used.is_new_network.then(|| {
            let actor = Actor::Key(key.id);
            self.audit(request, actor, "api_key.new_network", Some(key.id.to_string()), Vec::new())
        });
        store.note_key_use(&used.key, event.as_ref()).await?;
        Ok(used.key)
    }

    /// An entry for the audit log, as the event that carries it there.
    pub fn audit(
        &self,
        request: &Request,
        actor: Actor,
        action: &str,
        object: Option<String>,
        changes: Vec<domain::audit::Change>,
    ) -> Event {
        let ulid = self.house.ids.ulid(request.now);
        let entry = domain::audit::Entry {
            id: AuditId::from_ulid(ulid),
            at: request.now,
            actor,
            action: action.to_owned(),
            object,
            network: network_of(&request.source_ip),
            request_id: Some(request.id.clone()),
            changes,
        };
        let fact = domain::event::Fact::AuditNoted { entry };
        Event { id: EventId::from_ulid(ulid), at: request.now, sequence: 1, fact }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, (Timestamp, Arc<Facts>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn believed(&self, name: &str, now: Timestamp) -> Option<Arc<Facts>> {
        let known = self.known();
        let (at, facts) = known.get(name)?;
        let age = now.duration_since(*at);
        (SignedDuration::ZERO..BELIEVED).contains(&age).then(|| Arc::clone(facts))
    }

    /// Forgets what was looked up of a session that has just been ended or has just proven itself.
    pub fn forget(&self, session: SessionId) {
        self.known().remove(&session.to_string());
    }

    /// Forgets all that was looked up: roles, keys or many sessions have just changed.
    pub fn forget_all(&self) {
        self.known().clear();
    }

    /// A holder's bucket for a limit.
    pub fn bucket(&self, limit: Limit, holder: &str) -> Bucket {
        Bucket::new(limit, holder, self.house.limits.quota(limit))
    }

    /// The bucket of the caller's address: of an IPv6 address its /64.
    pub fn address_bucket(&self, limit: Limit, request: &Request) -> Bucket {
        let address = limit_key_of(&request.source_ip);
        self.bucket(limit, address.as_deref().unwrap_or("nowhere"))
    }

    /// Takes a token of the caller's address and one of the reader whom a letter goes to, or says
    /// no. The address first: whoever has none left takes nothing of anybody else's. `reader` says
    /// what kind of letter, and to whom.
    ///
    /// # Errors
    ///
    /// 429 where one of them has none left.
    pub async fn may_write_to<W, I>(
        &self,
        store: &Store,
        call: &Call<W, I>,
        reader: &str,
    ) -> Reply<()> {
        let address = self.address_bucket(Limit::Mails, &call.request);
        for mut bucket in [address, self.bucket(Limit::Mails, reader)] {
            match store.take(&mut bucket, 1, call.now).await? {
                Taken::Yes(standing) => call.standing.note(standing),
                Taken::No(standing) => {
                    return Err(api::headers::limited(Problem::too_many(&standing), &standing));
                }
            }
        }
        Ok(())
    }

    /// Counts a request, or refuses it. Where the table can not be asked, the request goes on:
    /// what it does will tell.
    pub(crate) async fn count(
        &self,
        store: Option<&Store>,
        caller: &Caller,
        is_counted_elsewhere: bool,
        request: &Request,
    ) -> Result<Option<Standing>, Problem> {
        let Some(store) = store else { return Ok(None) };
        let taken = if let Some(holder) = caller.holder() {
            self.tally(store, &holder, request.now).await
        } else if is_counted_elsewhere || request.is_safe() {
            return Ok(None);
        } else {
            let mut bucket = self.address_bucket(Limit::Write, request);
            store.take(&mut bucket, 1, request.now).await
        };
        match taken {
            Ok(Taken::Yes(standing)) => Ok(Some(standing)),
            Ok(Taken::No(standing)) => {
                Err(api::headers::limited(Problem::too_many(&standing), &standing))
            }
            Err(fault) => {
                tracing::warn!(fault = %fault, request_id = request.id, "a request is not counted");
                Ok(None)
            }
        }
    }

    /// Counts a known caller's request here, and in the table each time that [`STRIDE`] of them
    /// have come: nobody is refused for what was never done, and few requests wait for a count.
    async fn tally(&self, store: &Store, holder: &str, now: Timestamp) -> Result<Taken, Fault> {
        let mut tab = self.tab(holder, now);
        tab.requests += 1;
        if tab.requests < STRIDE {
            let standing = tab.bucket.standing(now);
            let remaining = standing.remaining.saturating_sub(tab.requests);
            self.tabs().insert(holder.to_owned(), tab);
            return Ok(Taken::Yes(Standing { remaining, ..standing }));
        }
        let taken = store.take(&mut tab.bucket, STRIDE, now).await;
        // What was refused asks again with its next request.
        tab.requests = if matches!(taken, Ok(Taken::No(_))) { STRIDE - 1 } else { 0 };
        self.tabs().insert(holder.to_owned(), tab);
        taken
    }

    fn tabs(&self) -> MutexGuard<'_, BTreeMap<String, Tab>> {
        self.tabs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A caller's tab; one that was not touched for a while is closed.
    fn tab(&self, holder: &str, now: Timestamp) -> Tab {
        let mut tabs = self.tabs();
        if tabs.len() >= CALLERS_MAX {
            tabs.clear();
        }
        let young =
            |tab: &Tab| (SignedDuration::ZERO..BELIEVED).contains(&now.duration_since(tab.at));
        match tabs.remove(holder) {
            Some(tab) if young(&tab) => tab,
            _ => Tab { bucket: self.bucket(Limit::Caller, holder), requests: 0, at: now },
        }
    }
}

fn needs_proof<W: Who>(caller: &Caller, request: &Request) -> bool {
    W::identify(caller, request).is_err_and(|problem| problem.code == STEP_UP_REQUIRED)
}

/// A sealer with the shop's key, and with the one before while it is being replaced; a short key
/// is refused.
pub fn sealer(secret: &TokenKey) -> Result<Sealer, Fault> {
    let digest = |key: &str| -> Result<[u8; 32], Fault> {
        if key.len() < KEY_TEXT_MIN {
            let tried = format!("read the token key: it is shorter than {KEY_TEXT_MIN} characters");
            return Err(Fault::noticed(tried, Retry::Useless));
        }
        Ok(Sha256::digest(key.as_bytes()).into())
    };
    let sealer = Sealer::new(digest(&secret.key)?);
    Ok(match &secret.previous {
        Some(previous) => sealer.and_before(digest(previous)?),
        None => sealer,
    })
}
