//! The client contract, OpenAPI 3.1, made of the endpoints' own types.

use std::collections::BTreeMap;

use domain::permission::Permission;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// Who may call, in the contract's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Anybody.
    None,
    /// A signed-in customer, by cookie or bearer.
    Customer,
    /// A customer or the holder of a cart token.
    Cart,
    /// A customer or the holder of an order token.
    Order,
    /// The payment provider, by its signature.
    Signature,
    /// The carriers, by their signature.
    CarrierSignature,
    /// Whoever is signed in: a customer, or a member of the staff.
    SignedIn,
    /// Any member of the staff.
    Member,
    /// A member of the staff, or an API key, with this permission.
    Staff(Permission),
}

impl Security {
    /// Whether another system proves itself by what it has signed.
    fn is_signature(self) -> bool {
        matches!(self, Self::Signature | Self::CarrierSignature)
    }

    fn requirement(self) -> Value {
        match self {
            Self::None => json!([{}]),
            Self::Customer => json!([{"bearer": []}, {"session_cookie": [], "csrf": []}]),
            Self::Cart => json!([
                {"cart_token": []}, {"bearer": []}, {"session_cookie": [], "csrf": []}
            ]),
            Self::Order => json!([
                {"order_token": []}, {"cart_token": []}, {"bearer": []},
                {"session_cookie": [], "csrf": []}
            ]),
            Self::Signature => json!([{"stripe_signature": []}]),
            Self::CarrierSignature => json!([{"carrier_signature": []}]),
            Self::SignedIn => json!([
                {"bearer": []}, {"session_cookie": [], "csrf": []},
                {"staff_cookie": [], "csrf": []}
            ]),
            Self::Staff(permission) if permission.is_for_keys() => json!([
                {"bearer": []}, {"staff_cookie": [], "csrf": []}, {"api_key": []}
            ]),
            Self::Member | Self::Staff(_) => {
                json!([{"bearer": []}, {"staff_cookie": [], "csrf": []}])
            }
        }
    }
}

/// One endpoint's entry while it describes itself.
#[derive(Debug)]
pub struct Operation {
    generator: SchemaGenerator,
    parameters: Vec<Value>,
    body: Option<Value>,
    responses: BTreeMap<String, Value>,
    security: Security,
    is_key_required: bool,
    is_match_required: bool,
}

impl Operation {
    fn new(generator: SchemaGenerator) -> Self {
        Self {
            generator,
            parameters: Vec::new(),
            body: None,
            responses: BTreeMap::new(),
            security: Security::None,
            is_key_required: false,
            is_match_required: false,
        }
    }

    /// The body's schema.
    pub fn body(&mut self, schema: Value) {
        self.body = Some(schema);
    }

    /// Parameters from a form's schema.
    pub fn parameters(&mut self, place: &str, schema: &Value) {
        let required = schema.get("required").and_then(Value::as_array);
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        for (name, schema) in properties {
            let is_required = required.is_some_and(|names| names.iter().any(|n| n == name));
            self.parameters.push(json!({
                "name": name, "in": place, "required": is_required || place == "path",
                "schema": crate::form::never_null(schema),
            }));
        }
    }

    /// The `Idempotency-Key` may not be left out.
    pub fn key_is_required(&mut self) {
        self.is_key_required = true;
    }

    /// The `If-Match` may not be left out.
    pub fn match_is_required(&mut self) {
        self.is_match_required = true;
    }

    /// Who may call.
    pub fn security(&mut self, security: Security) {
        self.security = security;
    }

    /// A successful answer with a JSON body.
    pub fn answers<T: JsonSchema>(&mut self, status: u16) {
        let schema = self.generator.subschema_for::<T>();
        self.response(status, Some(schema.to_value()));
    }

    /// A successful answer.
    pub fn response(&mut self, status: u16, schema: Option<Value>) {
        let description = http::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("Answer");
        let mut response = json!({"description": description});
        if let (Value::Object(response), Some(schema)) = (&mut response, schema) {
            response.insert("content".into(), json!({"application/json": {"schema": schema}}));
        }
        self.responses.insert(status.to_string(), response);
    }
}

/// What the document needs to know of an endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its Handler, which is its operationId.
    pub handler: &'static str,
    /// Its method.
    pub method: &'static str,
    /// Its path, with placeholders in braces.
    pub path: &'static str,
    /// What it is for, in a sentence.
    pub summary: &'static str,
    /// Its own description of its types.
    pub describe: fn(&mut Operation),
}

/// What decides with which statuses an endpoint may say no.
struct Refusing {
    method: &'static str,
    has_body: bool,
    has_parameters: bool,
    security: Security,
    is_match_required: bool,
    /// What is read belongs to something that may not be far enough to have it.
    is_of_a_part: bool,
}

impl Refusing {
    fn statuses(&self) -> Vec<u16> {
        let is_post = self.method == "POST";
        let is_change = self.method != "GET";
        let is_for_somebody = self.security != Security::None && !self.security.is_signature();
        // A mailed token, a password and a refresh token are proofs, too.
        let proves = is_for_somebody || (is_post && self.has_body);
        let all: [(u16, bool); 14] = [
            (400, self.has_body || self.has_parameters || is_post),
            (401, proves),
            (402, is_post),
            (403, proves),
            (404, self.has_parameters || is_for_somebody),
            (409, is_change || self.is_of_a_part),
            (412, self.is_match_required),
            (413, self.has_body),
            (415, self.has_body),
            (422, is_post),
            (428, self.is_match_required),
            (429, is_change || is_for_somebody),
            (500, true),
            (503, true),
        ];
        all.into_iter().filter(|(_, may)| *may).map(|(status, _)| status).collect()
    }
}

/// The whole document.
pub fn document(entries: &[Entry]) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    for entry in entries {
        let mut operation = Operation::new(generator);
        (entry.describe)(&mut operation);
        let Operation {
            generator: returned,
            parameters,
            body,
            mut responses,
            security,
            is_key_required,
            is_match_required,
        } = operation;
        generator = returned;
        // Only what is read can be read already.
        if entry.method != "GET" {
            responses.remove("304");
        }
        let facts = Refusing {
            method: entry.method,
            has_body: body.is_some(),
            has_parameters: !parameters.is_empty(),
            security,
            is_match_required,
            is_of_a_part: entry.path.contains("}/"),
        };
        for status in facts.statuses() {
            let problem = json!({"$ref": "#/components/responses/Problem"});
            responses.entry(status.to_string()).or_insert(problem);
        }
        let mut parameters = parameters;
        if entry.method == "POST" && !security.is_signature() {
            let name = if is_key_required { "IdempotencyKeyRequired" } else { "IdempotencyKey" };
            parameters.push(json!({"$ref": format!("#/components/parameters/{name}")}));
        }
        if is_match_required {
            parameters.push(json!({"$ref": "#/components/parameters/IfMatch"}));
        }
        let mut written = json!({
            "operationId": entry.handler,
            "summary": entry.summary,
            "tags": [entry.handler.split('.').next().unwrap_or_default()],
            "security": security.requirement(),
            "parameters": parameters,
            "responses": responses,
        });
        if let (Value::Object(written), Security::Staff(permission)) = (&mut written, security) {
            written.insert("x-permission".into(), json!(permission.name()));
            written.insert("x-step-up".into(), json!(permission.needs_step_up()));
        }
        if let (Value::Object(written), Some(schema)) = (&mut written, body) {
            // A body without required fields may be left out.
            let is_required = schema.get("required").is_some();
            written.insert(
                "requestBody".into(),
                json!({
                    "required": is_required,
                    "content": {"application/json": {"schema": schema}},
                }),
            );
        }
        paths.entry(entry.path).or_default().insert(entry.method.to_lowercase(), written);
    }
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Fluxion",
            "version": "1",
            "description": "A commerce backend. Money is in minor units. Errors are RFC 9457 \
                problems that name every flaw. Unknown request fields are refused.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": {
                "IdempotencyKey": idempotency_key(false),
                "IdempotencyKeyRequired": idempotency_key(true),
                "IfMatch": {
                    "name": "If-Match", "in": "header", "required": true,
                    "description": "The ETag that was seen: 412 where it has changed since.",
                    "schema": {"type": "string", "pattern": "^\"v[0-9]{1,19}\"$"},
                },
            },
            "responses": {"Problem": {
                "description": "A problem (RFC 9457).",
                "content": {"application/problem+json": {"schema": problem_schema()}},
            }},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "session_cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-session"},
                "staff_cookie": {
                    "type": "apiKey", "in": "cookie", "name": "__Host-staff-session",
                },
                "api_key": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "flx_live_… or flx_test_…",
                },
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
                "cart_token": {"type": "apiKey", "in": "header", "name": "X-Cart-Token"},
                "order_token": {"type": "apiKey", "in": "header", "name": "X-Order-Token"},
                "stripe_signature": {"type": "apiKey", "in": "header", "name": "Stripe-Signature"},
                "carrier_signature": {
                    "type": "apiKey", "in": "header", "name": "X-Hmac-Signature",
                },
            },
        },
    })
}

fn idempotency_key(is_required: bool) -> Value {
    json!({
        "name": "Idempotency-Key", "in": "header", "required": is_required,
        "description": "The same key with the same body answers the first result.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    })
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string"},
            "request_id": {"type": "string"},
            "errors": {"type": "array", "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            }},
        },
    })
}
