//! Mutants: mistakes of design, planted one at a time on the wire, and the check that must notice
//! each. A proof that never caught a planted mistake is no evidence.
//!
//! The functions are the real ones. A saboteur between them and the services makes their calls what
//! a worse design would have sent: a transaction without its condition, one write that became two,
//! a row of the outbox that is never written, a key that is new with each try. Every check is run
//! without the mutant first, and passes.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use domain::currency::Currency;
use domain::id::{OrderId, RefundId};
use domain::money::Money;
use domain::order::Status;
use domain::permission::Permission::{OrdersRead, OrdersRefund, OrdersWrite};
use local::{Options, Request, Response, Shop, Snapshot};
use serde_json::{Value, json};
use stripe_twin::Faults;
use testkit::goods::{self, Good, MUG, POSTER, TEMPLATE};
use testkit::ledger;
use wire::{CallId, FaultKind, Gate, Plan, Sabotage, Tamper};

use crate::gift_cards;
use crate::refunds::at_stripe;
use crate::world::{self, Colleague, Shopper, facts, key};

const COMPLETE: &str = "checkout.store.complete";
const SWEEP: &str = "checkout.jobs.expire_unpaid";
const SETTLE: &str = "payments.jobs.on_stripe_event";
const HOOK: &str = "payments.hooks.stripe";
const DELIVER: &str = "notifications.jobs.deliver";
const REFUND: &str = "orders.admin.refund";
const CALL_OFF: &str = "orders.admin.cancel";
const DOWNLOAD: &str = "orders.store.download";
const TRANSACTION: &str = "TransactWriteItems";
const MINUTE_MS: i64 = 60_000;
/// Somebody who asks more often than this has found a shop that does not answer.
const TRIES_MAX: usize = 6;
/// As many must be caught: their number may grow, not shrink.
const MUTANTS_MIN: usize = 24;

/// What a check finds: nothing, or what is wrong.
type Found = Result<(), String>;
type Check = fn(Bench) -> Pin<Box<dyn Future<Output = Found> + Send>>;

/// A mistake of design, and the check that notices it.
struct Mutant {
    /// The mistake.
    name: &'static str,
    tamper: Planted,
    /// Who notices.
    check: Check,
}

/// How the wire makes a mistake.
pub(crate) type Planted = fn(&Shop) -> Tamper;

/// The mistakes, by their names: for whoever wants to know whether something else notices them.
pub(crate) fn planted() -> Vec<(&'static str, Planted)> {
    all().into_iter().map(|mutant| (mutant.name, mutant.tamper)).collect()
}

/// A call that is to be held, once.
type Wanted = Box<dyn Fn(&CallId) -> bool + Send + Sync>;

/// A shop of its own, with or without a mutant in it.
struct Bench {
    shop: Shop,
    clerk: Colleague,
    holds: Arc<Mutex<Vec<(Wanted, Gate)>>>,
}

impl Bench {
    fn new(shop: Shop, clerk: &Colleague, mutant: Option<Tamper>) -> Self {
        let holds: Arc<Mutex<Vec<(Wanted, Gate)>>> = Arc::default();
        let held = Arc::clone(&holds);
        shop.wire().saboteur().hire(Arc::new(move |call, request| {
            let sabotage = mutant.as_ref().and_then(|mutant| mutant(call, request));
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(at) = held.iter().position(|(wanted, _)| wanted(call)) else {
                return sabotage;
            };
            let (_, gate) = held.remove(at);
            let sabotage = sabotage.unwrap_or_else(|| Sabotage::instead(request.clone()));
            Some(Sabotage { gate: Some(gate), ..sabotage })
        }));
        let clerk = Colleague { shop: shop.clone(), ..clerk.clone() };
        Self { shop, clerk, holds }
    }

    /// Holds the k-th such call of a function from now.
    fn hold(&self, caller: &'static str, operation: &'static str, nth: u64) -> Gate {
        let (gate, seen) = (Gate::default(), AtomicU64::new(0));
        let wanted: Wanted = Box::new(move |call| {
            let is_one = call.caller == caller && call.operation == operation;
            is_one && seen.fetch_add(1, Ordering::Relaxed) + 1 == nth
        });
        let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        holds.push((wanted, gate.clone()));
        gate
    }

    /// The next such call of a function suffers this.
    fn fault(&self, kind: FaultKind, wanted: impl Fn(&CallId) -> bool + Send + Sync + 'static) {
        self.shop.wire().faults().arm(Plan { at: 1, kind, filter: Some(Box::new(wanted)) });
    }

    /// Somebody with a cart that is ready to be completed.
    async fn ready(&self, number: u8, good: Good, quantity: u32) -> Shopper {
        let mut who = Shopper::from(&self.shop, &format!("203.0.113.{}", 100 + number));
        who.open_cart("EUR").await;
        who.ready(good, quantity).await;
        who.total = who.view_cart().await["totals"]["total"].clone();
        who
    }

    /// Somebody with an order that waits for its payment.
    async fn waiting(&self, number: u8, good: Good, quantity: u32) -> Result<Shopper, String> {
        let mut who = self.ready(number, good, quantity).await;
        complete(&mut who).await?;
        Ok(who)
    }

    /// Somebody who has bought two mugs: 2990.
    async fn bought(&self) -> Result<Shopper, String> {
        let who = self.waiting(1, MUG, 2).await?;
        pays(&who)?;
        self.shop.settle().await;
        let status = who.view_order().await["status"].clone();
        if status == "placed" { Ok(who) } else { Err(format!("paid, and the order is {status}")) }
    }

    async fn refund(&self, who: &Shopper, key: &str, amount: i64) -> Response {
        let body = json!({"amount": {"amount": amount, "currency": "EUR"}});
        let target = format!("/v1/admin/orders/{}/refunds", who.order);
        let request = Request::new("POST", &target).header("idempotency-key", key);
        self.clerk.send(request.json(&body)).await
    }

    /// Everything comes to its end; then the invariants are asked.
    async fn is_sound(&self) -> Found {
        self.shop.settle_all().await;
        self.is_sound_now().await
    }

    /// The same without a word from the clock.
    async fn is_sound_now(&self) -> Found {
        self.shop.settle().await;
        let broken = ledger::broken(&facts(&self.shop, &goods::small(world::MUGS)).await);
        if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) }
    }
}

/// Asks again as long as the answer says so.
async fn complete(who: &mut Shopper) -> Found {
    let (key, total) = (key(), who.total.clone());
    for _ in 0..TRIES_MAX {
        let answer = who.complete_at(&key, &total).await;
        if answer.status == 201 {
            return Ok(());
        }
        if answer.status < 500 && answer.value()["code"] != "idempotency_in_progress" {
            return Err(format!("the completion is answered {}", answer.text()));
        }
        who.shop.clock().advance_ms(31_000);
    }
    Err("the completion is never answered".to_owned())
}

fn pays(who: &Shopper) -> Found {
    match who.pay("pm_card_visa") {
        (200, _) => Ok(()),
        (status, _) => Err(format!("the payment is answered {status}")),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: T, shall: T) -> Found {
    if is == shall { Ok(()) } else { Err(format!("{what}: {is:?} instead of {shall:?}")) }
}

/// The partition key that an action of a transaction, or a call for one item, is about.
fn pk(action: &Value) -> &str {
    let item = action.get("Item").or_else(|| action.get("Key"));
    item.and_then(|item| item["pk"]["S"].as_str()).unwrap_or_default()
}

/// The only member of an action of a transaction: what it does.
fn inner(action: &Value) -> &Value {
    action.as_object().and_then(|action| action.values().next()).unwrap_or(&Value::Null)
}

/// The same transaction without the actions on these items.
fn without(request: &Value, is_out: impl Fn(&Value) -> bool) -> Value {
    let mut request = request.clone();
    if let Some(actions) = request["TransactItems"].as_array_mut() {
        actions.retain(|action| !is_out(inner(action)));
    }
    request
}

/// Takes the condition off a write, and the values that only the condition needs.
fn unguard(write: &mut Value) {
    let Some(write) = write.as_object_mut() else { return };
    write.remove("ConditionExpression");
    let update = write.get("UpdateExpression").and_then(Value::as_str).unwrap_or_default();
    let update = update.to_owned();
    for names in ["ExpressionAttributeValues", "ExpressionAttributeNames"] {
        if let Some(all) = write.get_mut(names).and_then(Value::as_object_mut) {
            all.retain(|name, _| update.contains(name.as_str()));
            if all.is_empty() {
                write.remove(names);
            }
        }
    }
}

/// The same transaction without conditions on these items.
fn unguarded(request: &Value, is_free: impl Fn(&Value) -> bool) -> Value {
    let mut request = request.clone();
    for action in request["TransactItems"].as_array_mut().into_iter().flatten() {
        for write in action.as_object_mut().into_iter().flat_map(|action| action.values_mut()) {
            if is_free(write) {
                unguard(write);
            }
        }
    }
    request
}

/// Changes the transactions of a function.
fn in_transactions(caller: &'static str, change: fn(&Value) -> Value) -> Tamper {
    Arc::new(move |call, request| {
        let is_one = call.caller == caller && call.operation == TRANSACTION;
        is_one.then(|| Sabotage::instead(change(request)))
    })
}

/// Takes the conditions off what a function writes about orders and their payments, and says of
/// them: an event's id follows from the order's history, so its row would stand in the way, too.
fn no_state_guard(caller: &'static str) -> Tamper {
    Arc::new(move |call, request| {
        let is_one = call.caller == caller && call.operation == TRANSACTION;
        let of_order =
            |write: &Value| pk(write).starts_with("ORD#") || pk(write).starts_with("OBX#");
        is_one.then(|| Sabotage::instead(unguarded(request, of_order)))
    })
}

/// A new key with each try of a call to the provider.
fn fresh_key(operation: &'static str) -> Tamper {
    let tries = AtomicU64::new(0);
    Arc::new(move |call, request| {
        if call.operation != operation {
            return None;
        }
        let mut request = request.clone();
        let nth = tries.fetch_add(1, Ordering::Relaxed);
        request["idempotency_key"] = json!(format!("attempt-{nth}"));
        Some(Sabotage::instead(request))
    })
}

/// Looks at the intent instead of canceling it, and takes that for a yes.
fn no_cancel(_: &Shop) -> Tamper {
    Arc::new(|call, request| {
        if call.operation != "POST /v1/payment_intents/{id}/cancel" {
            return None;
        }
        let mut request = request.clone();
        let path = request["path"].as_str().unwrap_or_default().replace("/cancel", "");
        request["method"] = json!("GET");
        request["path"] = json!(path);
        Some(Sabotage::instead(request))
    })
}

fn all() -> Vec<Mutant> {
    vec![
        Mutant {
            name: "the stock is held in a write of its own, after the order",
            tamper: |_| {
                Arc::new(|call, request| {
                    let is_stock = |write: &Value| pk(write).starts_with("SKU#");
                    let is_one = call.caller == COMPLETE && call.operation == TRANSACTION;
                    let holds = without(request, |write| !is_stock(write));
                    let has_any =
                        holds["TransactItems"].as_array().is_some_and(|all| !all.is_empty());
                    (is_one && has_any).then(|| Sabotage {
                        requests: vec![without(request, is_stock), holds],
                        ..Sabotage::default()
                    })
                })
            },
            check: |bench| Box::pin(dies_while_placing(bench)),
        },
        Mutant {
            name: "a PaymentIntent is made under a new key with each try",
            tamper: |_| fresh_key("POST /v1/payment_intents"),
            check: |bench| Box::pin(the_answer_of_an_intent_is_lost(bench)),
        },
        Mutant {
            name: "a refund is made under a new key with each try",
            tamper: |_| fresh_key("POST /v1/refunds"),
            check: |bench| Box::pin(the_answer_of_a_refund_is_lost(bench)),
        },
        Mutant {
            name: "an event is marked as seen before the work is done",
            tamper: seen_before_the_work,
            check: |bench| Box::pin(the_hook_fails_once(bench)),
        },
        Mutant {
            name: "an event is acknowledged and kept in memory",
            tamper: |_| {
                Arc::new(|call, _| {
                    let is_one = call.caller == HOOK && call.service == "sqs";
                    is_one.then(Sabotage::default)
                })
            },
            check: |bench| Box::pin(a_purchase_within_minutes(bench)),
        },
        Mutant {
            name: "nothing is written into the outbox",
            tamper: |_| {
                in_transactions(SETTLE, |request| {
                    without(request, |write| pk(write).starts_with("OBX#"))
                })
            },
            check: |bench| Box::pin(a_purchase(bench)),
        },
        Mutant {
            name: "what follows is sent after the write, not by the outbox",
            tamper: direct_send,
            check: |bench| Box::pin(dies_after_settling(bench)),
        },
        Mutant {
            name: "money is booked without an entry of the ledger",
            tamper: |_| {
                in_transactions(SETTLE, |request| {
                    without(request, |write| pk(write).starts_with("PAY#"))
                })
            },
            check: |bench| Box::pin(a_purchase(bench)),
        },
        Mutant {
            name: "a letter is marked as sent before it is sent",
            tamper: |_| {
                in_transactions(DELIVER, |request| {
                    let mut request = request.clone();
                    for action in request["TransactItems"].as_array_mut().into_iter().flatten() {
                        if let Some(status) = action.pointer_mut("/Put/Item/status/S") {
                            *status = json!("sent");
                        }
                    }
                    request
                })
            },
            check: |bench| Box::pin(the_post_fails_once(bench)),
        },
        Mutant {
            name: "a letter is sent by whoever reads of it, without a claim",
            tamper: |_| {
                in_transactions(DELIVER, |request| {
                    unguarded(request, |write| pk(write).starts_with("MSG#"))
                })
            },
            check: |bench| Box::pin(a_letter_is_asked_for_twice(bench)),
        },
        Mutant {
            name: "the sweeper does not ask the provider whether money came",
            tamper: no_cancel,
            check: |bench| Box::pin(paid_and_nobody_says_so(bench)),
        },
        Mutant {
            name: "an order expires and its PaymentIntent stays payable",
            tamper: no_cancel,
            check: |bench| Box::pin(nobody_pays(bench)),
        },
        Mutant {
            name: "the sweeper ends an order without a guard on its state",
            tamper: |_| no_state_guard(SWEEP),
            check: |bench| Box::pin(the_sweeper_meets_a_cancellation(bench)),
        },
        Mutant {
            name: "a completion is answered without a guard on the order's state",
            tamper: |_| no_state_guard(COMPLETE),
            check: |bench| Box::pin(a_slow_completion_meets_the_sweeper(bench)),
        },
        Mutant {
            name: "a refund is written without a condition on what is left",
            tamper: |_| no_state_guard(REFUND),
            check: |bench| Box::pin(two_refunds_meet(bench)),
        },
        Mutant {
            name: "an order is called off without a guard on its state",
            tamper: |_| no_state_guard(CALL_OFF),
            check: |bench| Box::pin(two_who_call_off_meet(bench)),
        },
        Mutant {
            name: "stock is looked at first and held without a condition",
            tamper: |_| {
                in_transactions(COMPLETE, |request| {
                    unguarded(request, |write| pk(write).starts_with("SKU#"))
                })
            },
            check: |bench| Box::pin(two_buyers_meet_at_the_last_one(bench)),
        },
        Mutant {
            name: "a cart is closed without its version",
            tamper: |_| {
                in_transactions(COMPLETE, |request| {
                    unguarded(request, |write| pk(write).starts_with("CART#"))
                })
            },
            check: |bench| Box::pin(two_tabs_meet(bench)),
        },
        Mutant {
            name: "a gift card is spent without a condition on its balance",
            tamper: |_| {
                in_transactions(COMPLETE, |request| {
                    unguarded(request, |write| pk(write).starts_with("GC#"))
                })
            },
            check: |bench| Box::pin(a_gift_card_is_spent_twice_at_once(bench)),
        },
        Mutant {
            name: "unpaid orders of one holder are not limited",
            tamper: |_| {
                in_transactions(COMPLETE, |request| {
                    unguarded(request, |write| pk(write).starts_with("OPEN#"))
                })
            },
            check: |bench| Box::pin(four_orders_wait(bench)),
        },
        Mutant {
            name: "downloads are counted without a limit",
            tamper: |_| {
                Arc::new(|call, request| {
                    let is_one = call.caller == DOWNLOAD && call.operation == "UpdateItem";
                    let mut request = request.clone();
                    unguard(&mut request);
                    is_one.then(|| Sabotage::instead(request))
                })
            },
            check: |bench| Box::pin(six_downloads(bench)),
        },
        Mutant {
            name: "an idempotency key is not claimed",
            tamper: no_claim,
            check: |bench| Box::pin(one_key_twice(bench)),
        },
        Mutant {
            name: "a refund is asked for again after a day without looking for the first",
            tamper: |_| {
                Arc::new(|call, request| {
                    if call.operation != "GET /v1/refunds" || call.caller != SETTLE {
                        return None;
                    }
                    let mut request = request.clone();
                    request["path"] = json!("/v1/refunds?created%5Bgt%5D=9999999999");
                    Some(Sabotage::instead(request))
                })
            },
            check: |bench| Box::pin(a_refund_of_yesterday(bench)),
        },
        Mutant {
            name: "what staff do is not noted",
            tamper: |_| {
                in_transactions(REFUND, |request| {
                    without(request, |write| {
                        let event = write["Item"]["event"]["S"].as_str().unwrap_or_default();
                        pk(write).starts_with("OBX#") && event.contains("audit")
                    })
                })
            },
            check: |bench| Box::pin(a_refund_is_noted(bench)),
        },
    ]
}

/// The hook passes over what it has written down before, whatever became of it then.
fn seen_before_the_work(_: &Shop) -> Tamper {
    let (seen, is_known) = (Mutex::new(BTreeSet::new()), Mutex::new(false));
    Arc::new(move |call, request| {
        if call.caller != HOOK {
            return None;
        }
        let mut is_known = is_known.lock().unwrap_or_else(PoisonError::into_inner);
        if call.operation == "PutItem" && pk(request).starts_with("SEV#") {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            *is_known = !seen.insert(pk(request).to_owned());
        }
        (call.service == "sqs" && *is_known).then(Sabotage::default)
    })
}

/// The settlement writes no event, and whoever wrote it sends it afterwards.
fn direct_send(shop: &Shop) -> Tamper {
    let wire = shop.wire().clone();
    Arc::new(move |call, request| {
        if call.caller != SETTLE || call.operation != TRANSACTION {
            return None;
        }
        let actions = request["TransactItems"].as_array().cloned().unwrap_or_default();
        let events: Vec<String> = actions
            .iter()
            .map(inner)
            .filter(|write| pk(write).starts_with("OBX#"))
            .filter_map(|write| write["Item"]["event"]["S"].as_str().map(str::to_owned))
            .collect();
        let wire = wire.clone();
        Some(Sabotage {
            afterwards: Some(Box::new(move || {
                for event in events {
                    wire.sqs().send("fluxion-order-events", &event).expect("a queue");
                }
            })),
            ..Sabotage::instead(without(request, |write| pk(write).starts_with("OBX#")))
        })
    })
}

/// Each claim of a key is one of its own, and no answer is remembered.
fn no_claim(_: &Shop) -> Tamper {
    let claims = AtomicU64::new(0);
    Arc::new(move |call, request| {
        if call.caller != REFUND {
            return None;
        }
        match call.operation.as_str() {
            "UpdateItem" if pk(request).starts_with("IDEM#") => {
                let mut request = request.clone();
                let nth = claims.fetch_add(1, Ordering::Relaxed);
                request["Key"]["pk"]["S"] = json!(format!("{}-{nth}", pk(&request)));
                Some(Sabotage::instead(request))
            }
            TRANSACTION => {
                Some(Sabotage::instead(without(request, |write| pk(write).starts_with("IDEM#"))))
            }
            _ => None,
        }
    })
}

async fn a_purchase(bench: Bench) -> Found {
    bench.bought().await?;
    bench.is_sound().await
}

async fn a_purchase_within_minutes(bench: Bench) -> Found {
    bench.bought().await.map(drop)
}

async fn dies_while_placing(bench: Bench) -> Found {
    let mut who = bench.ready(1, MUG, 1).await;
    bench.fault(FaultKind::DieAfter, |call| {
        call.caller == COMPLETE && call.operation == TRANSACTION
    });
    complete(&mut who).await?;
    pays(&who)?;
    bench.is_sound().await
}

async fn the_answer_of_an_intent_is_lost(bench: Bench) -> Found {
    let mut who = bench.ready(1, MUG, 1).await;
    bench.fault(FaultKind::LoseResponse, |call| call.operation == "POST /v1/payment_intents");
    complete(&mut who).await?;
    same("intents", bench.shop.twin().objects("payment_intent").len(), 1)
}

async fn the_answer_of_a_refund_is_lost(bench: Bench) -> Found {
    let who = bench.bought().await?;
    // Stripe's own word of it comes later than the next try.
    bench.shop.twin().set_faults(Faults { webhook_hold: true, ..Faults::default() });
    bench.fault(FaultKind::LoseResponse, |call| call.operation == "POST /v1/refunds");
    same("the refund", bench.refund(&who, &key(), 1000).await.status, 201)?;
    for _ in 0..TRIES_MAX {
        bench.shop.settle().await;
        bench.shop.clock().advance_ms(MINUTE_MS);
    }
    bench.shop.twin().set_faults(Faults::default());
    bench.is_sound().await?;
    same("refunds", bench.shop.twin().objects("refund").len(), 1)
}

async fn the_hook_fails_once(bench: Bench) -> Found {
    let who = bench.waiting(1, MUG, 1).await?;
    bench.fault(FaultKind::FailBefore, |call| call.caller == HOOK && call.service == "sqs");
    pays(&who)?;
    bench.shop.settle().await;
    // Stripe says it again within minutes; no sweep helps.
    for _ in 0..5 {
        bench.shop.clock().advance_ms(MINUTE_MS);
        bench.shop.settle().await;
    }
    same("the order", who.view_order().await["status"].clone(), json!("placed"))?;
    bench.is_sound().await
}

async fn dies_after_settling(bench: Bench) -> Found {
    let who = bench.waiting(1, MUG, 1).await?;
    bench.fault(FaultKind::DieAfter, |call| call.caller == SETTLE && call.operation == TRANSACTION);
    pays(&who)?;
    bench.is_sound().await
}

async fn the_post_fails_once(bench: Bench) -> Found {
    let who = bench.waiting(1, MUG, 1).await?;
    bench.fault(FaultKind::FailBefore, |call| call.service == "ses");
    pays(&who)?;
    bench.is_sound().await
}

async fn a_letter_is_asked_for_twice(bench: Bench) -> Found {
    let who = bench.waiting(1, MUG, 1).await?;
    pays(&who)?;
    let sources = bench.shop.sources().await;
    let is_post = |handler: &str| handler == DELIVER;
    for _ in 0..TRIES_MAX {
        for source in sources.iter().filter(|source| !is_post(&source.handler)) {
            bench.shop.pump(source, false).await;
        }
    }
    for source in sources.iter().filter(|source| is_post(&source.handler)) {
        bench.shop.pump(source, true).await;
    }
    bench.is_sound().await?;
    let letters = facts(&bench.shop, &goods::small(world::MUGS)).await.letters;
    let different: BTreeSet<&str> = letters.iter().map(|one| one.message_id.as_str()).collect();
    same("letters", letters.len(), different.len())
}

async fn paid_and_nobody_says_so(bench: Bench) -> Found {
    let who = bench.waiting(1, MUG, 1).await?;
    bench.shop.twin().set_faults(Faults { webhook_drop: 100, ..Faults::default() });
    pays(&who)?;
    bench.shop.clock().advance_ms(31 * MINUTE_MS);
    bench.shop.run_job(SWEEP).await;
    bench.shop.settle().await;
    bench.is_sound_now().await?;
    same("the order", who.view_order().await["status"].clone(), json!("placed"))
}

async fn nobody_pays(bench: Bench) -> Found {
    let who = bench.waiting(1, MUG, 1).await?;
    bench.shop.clock().advance_ms(31 * MINUTE_MS);
    bench.shop.run_job(SWEEP).await;
    bench.shop.settle().await;
    same("the order", who.view_order().await["status"].clone(), json!("expired"))?;
    same("a payment", who.pay("pm_card_visa").0, 400)
}

async fn the_sweeper_meets_a_cancellation(bench: Bench) -> Found {
    let who = bench.waiting(1, MUG, 1).await?;
    bench.shop.clock().advance_ms(31 * MINUTE_MS);
    // Somebody else holds a mug of their own.
    bench.waiting(2, MUG, 1).await?;
    let gate = bench.hold(SWEEP, TRANSACTION, 1);
    let shop = bench.shop.clone();
    let sweep = tokio::spawn(async move { drop(shop.run_job(SWEEP).await) });
    gate.reached().await;
    let path = format!("/v1/store/orders/{}/cancel", who.order);
    let answer = who.call("POST", &path, &json!({})).await;
    gate.open();
    sweep.await.expect("the sweep");
    same("the cancellation", answer.status, 200)?;
    bench.is_sound_now().await?;
    same("the order", who.view_order().await["status"].clone(), json!("canceled"))
}

async fn a_slow_completion_meets_the_sweeper(bench: Bench) -> Found {
    let who = bench.ready(1, MUG, 1).await;
    let gate = bench.hold(COMPLETE, TRANSACTION, 2);
    let mut slow = who.clone();
    let completion = tokio::spawn(async move {
        let total = slow.total.clone();
        slow.complete_at("slow", &total).await
    });
    gate.reached().await;
    bench.shop.clock().advance_ms(31 * MINUTE_MS);
    bench.shop.run_job(SWEEP).await;
    gate.open();
    let answer = completion.await.expect("a completion");
    bench.is_sound_now().await?;
    if answer.status != 201 {
        return Ok(());
    }
    // Nobody is told how to pay what has ended.
    let id = answer.value()["order"]["id"].as_str().and_then(|id| OrderId::parse(id).ok());
    let file = bench.shop.store().order(id.expect("an order")).await.expect("a store");
    same("the order", file.expect("an order").order.status, Status::PendingPayment)
}

async fn two_refunds_meet(bench: Bench) -> Found {
    let who = bench.bought().await?;
    let gate = bench.hold(REFUND, TRANSACTION, 1);
    let other = async {
        gate.reached().await;
        let answer = bench.refund(&who, "second", 2000).await;
        gate.open();
        answer.status
    };
    let (first, second) = tokio::join!(bench.refund(&who, "first", 2000), other);
    bench.is_sound().await?;
    same("the answers", (first.status, second), (409, 201))
}

async fn two_who_call_off_meet(bench: Bench) -> Found {
    let who = bench.bought().await?;
    // Somebody else holds as many mugs.
    bench.waiting(2, MUG, 2).await?;
    let gate = bench.hold(CALL_OFF, TRANSACTION, 1);
    let target = format!("/v1/admin/orders/{}/cancel", who.order);
    let reason = json!({"reason": "Sold out"});
    let other = async {
        gate.reached().await;
        let answer = bench.clerk.call("POST", &target, &reason).await;
        gate.open();
        answer.status
    };
    let (first, second) = tokio::join!(bench.clerk.call("POST", &target, &reason), other);
    bench.is_sound().await?;
    same("the answers", (first.status, second), (200, 200))
}

/// Two complete at once: the first is held until the second is done.
async fn meet(bench: &Bench, first: &Shopper, second: &Shopper) -> (u16, u16) {
    let gate = bench.hold(COMPLETE, TRANSACTION, 1);
    let (mut one, mut two) = (first.clone(), second.clone());
    let (total, other_total) = (first.total.clone(), second.total.clone());
    let other = async {
        gate.reached().await;
        let answer = two.complete_at("second", &other_total).await;
        gate.open();
        answer.status
    };
    let (one, two) = tokio::join!(one.complete_at("first", &total), other);
    (one.status, two)
}

async fn two_buyers_meet_at_the_last_one(bench: Bench) -> Found {
    let (one, two) = (bench.ready(1, POSTER, 1).await, bench.ready(2, POSTER, 1).await);
    let answers = meet(&bench, &one, &two).await;
    bench.is_sound_now().await?;
    same("the answers", answers, (409, 201))
}

async fn two_tabs_meet(bench: Bench) -> Found {
    let one = bench.ready(1, MUG, 1).await;
    let answers = meet(&bench, &one, &one).await;
    bench.is_sound_now().await?;
    same("the answers", answers, (409, 201))
}

async fn a_gift_card_is_spent_twice_at_once(bench: Bench) -> Found {
    let amount = Money::new(1000, Currency::EUR);
    let (_, code) = gift_cards::card(&bench.shop, amount, None).await;
    let (one, two) = (bench.ready(1, MUG, 1).await, bench.ready(2, MUG, 1).await);
    for who in [&one, &two] {
        same("the gift card", gift_cards::present(who, &code).await.status, 200)?;
    }
    let answers = meet(&bench, &one, &two).await;
    bench.is_sound_now().await?;
    same("the answers", answers, (201, 201))
}

async fn four_orders_wait(bench: Bench) -> Found {
    let mut answers = Vec::new();
    for _ in 0..4 {
        let mut who = bench.ready(1, MUG, 1).await;
        let total = who.total.clone();
        answers.push(who.complete_at(&key(), &total).await.status);
    }
    same("the answers", answers, vec![201, 201, 201, 409])
}

async fn six_downloads(bench: Bench) -> Found {
    let who = bench.waiting(1, TEMPLATE, 1).await?;
    pays(&who)?;
    bench.shop.settle().await;
    let order = who.view_order().await;
    let url = order["downloads"][0]["url"].as_str().unwrap_or_default();
    let path = url.strip_prefix(bench.shop.base_url()).unwrap_or_default();
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(who.get(path).await.status);
    }
    same("the answers", answers, vec![302, 302, 302, 302, 302, 409])
}

async fn one_key_twice(bench: Bench) -> Found {
    let who = bench.bought().await?;
    for _ in 0..2 {
        same("the refund", bench.refund(&who, "once", 500).await.status, 201)?;
    }
    bench.is_sound().await?;
    same("refunds", bench.shop.twin().objects("refund").len(), 1)
}

/// The provider was asked, whoever asked died, and a day has passed.
async fn a_refund_of_yesterday(bench: Bench) -> Found {
    let (who, shop) = (bench.bought().await?, &bench.shop);
    let made = bench.refund(&who, &key(), 700).await;
    same("the refund", made.status, 201)?;
    let order = OrderId::parse(&who.order).expect("an order");
    let id = RefundId::parse(made.value()["id"].as_str().unwrap_or_default()).expect("a refund");
    let store = shop.store();
    let file = store.order(order).await.expect("a store").expect("an order");
    let asking = file.refunds[0].clone().ask(shop.clock().now()).expect("a question");
    assert_eq!(store.save_refund(&asking).await.expect("a store"), store::Saved::Yes);
    let named = id.to_string();
    let fields = [
        ("payment_intent", who.intent.as_str()),
        ("amount", "700"),
        ("metadata[refund_id]", named.as_str()),
        ("metadata[attempt]", "1"),
    ];
    same("Stripe", at_stripe(shop, "/v1/refunds", &fields).0, 200)?;
    for event in shop.twin().deliveries_due() {
        shop.twin().delivered(&event.id, Some(200));
    }
    shop.clock().advance_ms(25 * 60 * MINUTE_MS);
    shop.settle().await;
    same("refunds", shop.twin().objects("refund").len(), 1)
}

async fn a_refund_is_noted(bench: Bench) -> Found {
    let who = bench.bought().await?;
    same("the refund", bench.refund(&who, &key(), 500).await.status, 201)?;
    bench.is_sound().await?;
    let log = bench.shop.audit_log().await.expect("the log");
    same("notes", log.iter().filter(|link| link.entry.action == "order.refund").count(), 1)
}

/// Runs a check in a copy of the shop, with or without the mutant.
async fn run(snapshot: &Snapshot, clerk: &Colleague, of: &Mutant, is_planted: bool) -> Found {
    let shop = snapshot.open().await.expect("the shop opens again");
    let mutant = is_planted.then(|| (of.tamper)(&shop));
    let found = (of.check)(Bench::new(shop.clone(), clerk, mutant)).await;
    shop.wire().saboteur().dismiss();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_mistake_of_design_is_noticed_and_nothing_is_without_one() {
    let options = Options { sdk_attempts: 1, ..Options::default() };
    let shop = world::open_with(options, &goods::small(world::MUGS)).await;
    for job in ["orders.jobs.rebuild_search", "identity.jobs.rebuild_search"] {
        shop.invoke(job, json!({})).await;
    }
    let clerk = Colleague::of(&shop, "clerk", &[OrdersRead, OrdersRefund, OrdersWrite]).await;
    shop.settle().await;
    let snapshot = Arc::new(Snapshot::of(shop).expect("a shop at rest"));
    let mut lanes = Vec::new();
    for lane in 0..2 {
        let (snapshot, clerk) = (Arc::clone(&snapshot), clerk.clone());
        lanes.push(tokio::spawn(async move {
            let mut results = Vec::new();
            for mutant in all().into_iter().skip(lane).step_by(2) {
                let sane = run(&snapshot, &clerk, &mutant, false).await;
                let planted = run(&snapshot, &clerk, &mutant, true).await;
                results.push((mutant.name, sane, planted));
            }
            results
        }));
    }
    let (mut killed, mut wrong) = (0, Vec::new());
    for lane in lanes {
        for (name, sane, planted) in lane.await.expect("a lane") {
            if let Err(found) = sane {
                wrong.push(format!("{name}: without it, too: {found}"));
            }
            match planted {
                Ok(()) => wrong.push(format!("{name}: nobody noticed")),
                Err(found) => {
                    killed += 1;
                    println!("killed: {name}\n        {found}");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(killed >= MUTANTS_MIN, "only {killed} mistakes were planted");
}
