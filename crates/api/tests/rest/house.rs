//! A house to test: two accounts, a few people, applications, and a client.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use lampfield_api::auth::hash_secret;
use lampfield_api::{ApiConfig, ApiState, RateConfig, RestGateway, Secrets, issue_jwt, router};
use lampfield_core::directory::{
    Account, App, Credential, Extension, Grants, Permissions, Proof, Scopes,
};
use lampfield_core::{
    AccountId, AppId, Call, Claim, ClaimId, Command, Direction, Document, ExtensionId,
    ExtensionKey, ExtensionStatus, ExtensionType, Fact, Kind, ManualClock, SettingsPatch, SourceId,
    Standing, TelephonyStatus, Timestamp,
};
use lampfield_delivery::{Delivery, DeliveryConfig};
use lampfield_engine::{Engine, EngineConfig, Order};
use lampfield_journal::{DirectoryChange, MemoryJournal, Registry};
use serde_json::Value;
use tokio::sync::OnceCell;
use tower::ServiceExt;
use uuid::Uuid;

use crate::document;

/// The account of most tests.
pub(crate) const A: u64 = 1000;
/// Another one, which must not show.
pub(crate) const B: u64 = 2000;
/// An ordinary user, member of a queue.
pub(crate) const ANNA: u64 = 1001;
/// An ordinary user.
pub(crate) const BEN: u64 = 1002;
/// The administrator.
pub(crate) const CLEO: u64 = 1003;
/// A queue.
pub(crate) const QUEUE: u64 = 1600;
/// A park slot.
pub(crate) const SLOT: u64 = 1701;
/// A user of the other account.
pub(crate) const STRANGER: u64 = 2001;
/// The secret of the confidential applications.
pub(crate) const SECRET: &str = "app-secret";
/// Where the applications' people go back to after the log-in page.
pub(crate) const REDIRECT: &str = "https://board.example/back?from=lamp";
/// Anna's password.
pub(crate) const PASSWORD: &str = "correct horse battery";
static HASH: OnceCell<Box<str>> = OnceCell::const_new();

pub(crate) struct House {
    pub(crate) router: Router,
    pub(crate) state: ApiState,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) journal: Arc<MemoryJournal>,
    engine: Engine,
}

/// An answer, read.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.bytes)))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["errorCode"].as_str().unwrap_or_default().to_owned()
    }

    /// Status and code, for tables.
    pub(crate) fn verdict(&self) -> (u16, String) {
        let code = if self.status < 400 { String::new() } else { self.code() };
        (self.status, code)
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        let rates = RateConfig::off();
        Self::with(ApiConfig { rates, login_failures_max: 0, ..ApiConfig::default() }).await
    }

    pub(crate) async fn with(config: ApiConfig) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp(1_800_000_000_000)));
        let house = Self::on(Arc::new(MemoryJournal::new()), clock, config);
        house.state.registry.apply(directory()).await.unwrap();
        house.add_logins().await;
        house
    }

    /// Opens a house over a journal that is there, as a program does that starts again.
    pub(crate) fn on(
        journal: Arc<MemoryJournal>,
        clock: Arc<ManualClock>,
        config: ApiConfig,
    ) -> Self {
        let registry = Arc::new(Registry::open(journal.clone()).unwrap());
        let (engine, intake) = Engine::start(
            EngineConfig::default(),
            journal.clone(),
            registry.clone(),
            clock.clone(),
        );
        let administrators_see_all = config.administrators_see_all;
        let mut delivery = DeliveryConfig { administrators_see_all, ..DeliveryConfig::default() };
        delivery.websocket.shards = 1;
        delivery.webhook.allow_http = true;
        delivery.vault = Arc::new(Secrets::new(&[42; 32]));
        delivery.webhook.allow_private = vec![("127.0.0.0".parse().unwrap(), 8)];
        let delivery =
            Delivery::start(delivery, journal.clone(), registry.clone(), clock.clone()).unwrap();
        let secrets = Secrets::new(&[42; 32]);
        let state = ApiState::new(
            journal.clone(),
            registry,
            intake,
            delivery,
            clock.clone(),
            config,
            secrets,
        );
        state.delivery.set_gateway(Arc::new(RestGateway::new(state.clone())));
        Self { router: router(state.clone()), state, clock, journal, engine }
    }

    /// Stops as a program does, and starts again over the same journal.
    pub(crate) async fn again(self) -> Self {
        let Self { state, clock, journal, engine, .. } = self;
        state.delivery.stop().await;
        engine.stop().await;
        Self::on(journal, clock, state.config.clone())
    }

    async fn add_logins(&self) {
        let users = [ANNA, BEN, CLEO, QUEUE, STRANGER];
        let mut changes: Vec<_> =
            users.into_iter().map(|user| DirectoryChange::PutCredential(jwt_of(user))).collect();
        // Slow on purpose: once is enough.
        let hash = async || self.state.hash_password(PASSWORD).await.unwrap();
        let hash = HASH.get_or_init(hash).await.clone();
        changes.push(DirectoryChange::PutCredential(Credential {
            id: Uuid::from_u128(77),
            key: key(ANNA),
            proof: Proof::Password(hash),
            created_at: Timestamp(0),
        }));
        self.state.registry.apply(changes).await.unwrap();
    }

    pub(crate) fn jwt(&self, user: u64) -> String {
        issue_jwt(&self.state.secrets, &jwt_of(user)).unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        let reply = Reply { status: parts.status.as_u16(), headers: parts.headers, bytes };
        document::judge(method.as_str(), uri.path(), &reply);
        reply
    }

    /// Sends JSON with a token.
    pub(crate) async fn call(&self, token: &str, method: &str, path: &str, body: &str) -> Reply {
        let request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path)
            .header("host", "lamp.example")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Reply {
        self.call(token, "GET", path, "").await
    }

    /// Sends a form to the token endpoint with the client's credentials in the header.
    pub(crate) async fn token(&self, app: &str, form: &str) -> Reply {
        self.form("/restapi/oauth/token", app, form).await
    }

    pub(crate) async fn form(&self, path: &str, app: &str, form: &str) -> Reply {
        use base64::Engine as _;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{app}:{SECRET}"));
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header("authorization", format!("Basic {basic}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn log_in_with(&self, user: u64, app: &str) -> Value {
        let form = format!("grant_type={JWT_BEARER}&assertion={}", self.jwt(user));
        self.token(app, &form).await.expect(200).json()
    }

    /// Logs in and returns the access token.
    pub(crate) async fn log_in(&self, user: u64) -> String {
        text(&self.log_in_with(user, "app").await, "access_token")
    }

    pub(crate) async fn log_in_through(&self, user: u64, app: &str) -> String {
        text(&self.log_in_with(user, app).await, "access_token")
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Lets the store have no room.
    pub(crate) fn full(&self, is_full: bool) {
        self.journal.set_full(is_full);
    }

    /// Reports a ringing inbound call, as a source does.
    pub(crate) async fn call_comes_in(&self, user: u64, from: &str) {
        self.report_call(user, from, TelephonyStatus::Ringing).await;
    }

    /// Reports how the inbound call of a user is now.
    pub(crate) async fn report_call(&self, user: u64, from: &str, status: TelephonyStatus) {
        let now = self.state.now();
        let call = Call {
            telephony_status: status,
            direction: Direction::Inbound,
            queue_call: false,
            from: Some(from.into()),
            to: None,
            from_name: None,
            to_name: None,
            start_time: Some(now),
            session_id: "5001".into(),
            telephony_session_id: None,
            party_id: None,
            sip: None,
        };
        let (source, id) = call_of();
        let claim =
            Claim::new(source, id, Fact::Call(Box::new(call)), now, Duration::from_secs(600));
        self.order(user, Command::Publish(claim)).await;
    }

    /// Reports that the call is over.
    pub(crate) async fn call_ends(&self, user: u64) {
        let (source, claim) = call_of();
        self.order(user, Command::Withdraw { source, kind: Kind::Call, claim }).await;
    }

    /// Changes something that every event shows.
    pub(crate) async fn toggle(&self, user: u64) {
        let newest = self.state.journal.newest().get(key(user));
        let was = newest.is_some_and(|it| it.event.document.settings.ring_on_monitored_call);
        let patch = SettingsPatch { ring_on_monitored_call: Some(!was), ..Default::default() };
        self.order(user, Command::Configure(patch)).await;
    }

    async fn order(&self, user: u64, command: Command) {
        let order = Order { key: key(user), command, observed_at: self.state.now() };
        self.state.intake.submit(order).await.unwrap();
    }

    pub(crate) async fn apply(&self, change: DirectoryChange) {
        self.state.registry.apply(vec![change]).await.unwrap();
    }
}

fn call_of() -> (SourceId, ClaimId) {
    (SourceId::new("pbx").unwrap(), ClaimId::new("call-1").unwrap())
}

pub(crate) const JWT_BEARER: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";

pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

pub(crate) fn presence_of(user: u64) -> String {
    format!("/restapi/v1.0/account/~/extension/{user}/presence")
}

/// The last three digits of an id are the number; the first is the account's.
pub(crate) fn key(user: u64) -> ExtensionKey {
    let account = AccountId::new(user / 1000 * 1000).unwrap();
    ExtensionKey { account, extension: ExtensionId::new(user).unwrap() }
}

pub(crate) fn jwt_of(user: u64) -> Credential {
    Credential {
        id: Uuid::from_u128(user.into()),
        key: key(user),
        proof: Proof::Jwt { app: None, expires_at: None },
        created_at: Timestamp(0),
    }
}

pub(crate) fn extension(user: u64, kind: ExtensionType) -> Extension {
    let admin = if user == CLEO { Permissions::ADMIN } else { Permissions::NONE };
    Extension {
        key: key(user),
        number: (user % 1000 + if user % 1000 < 100 { 100 } else { 0 }).to_string().into(),
        name: format!("Person {user}").into(),
        email: format!("p{user}@example.org").into(),
        standing: Standing { kind, status: ExtensionStatus::Enabled },
        groups: Box::default(),
        queues: if user == ANNA { Box::new([key(QUEUE).extension]) } else { Box::default() },
        editable_member_status: true,
        permissions: Permissions::ordinary().with(admin),
    }
}

pub(crate) fn app(id: &str, scopes: Scopes) -> App {
    App {
        id: AppId::new(id).unwrap(),
        name: id.into(),
        secret: Some(hash_secret(SECRET)),
        scopes,
        account: None,
        grants: Grants::ALL,
        redirect_uris: Box::new([REDIRECT.into()]),
    }
}

fn directory() -> Vec<DirectoryChange> {
    let account = |id: u64, number: &str| Account {
        id: AccountId::new(id).unwrap(),
        name: format!("Account {id}").into(),
        main_number: number.into(),
        created_at: Timestamp(0),
    };
    let mut changes = vec![
        DirectoryChange::PutAccount(account(A, "+12025550100")),
        DirectoryChange::PutAccount(account(B, "+12025550200")),
        DirectoryChange::PutApp(app("app", Scopes::ALL)),
        DirectoryChange::PutApp(App { secret: None, ..app("public", Scopes::ALL) }),
        DirectoryChange::PutApp(app("reader", Scopes::READ_PRESENCE)),
        DirectoryChange::PutApp(app("poor", Scopes::READ_CONTACTS)),
        DirectoryChange::PutApp(app(
            "hooks",
            Scopes::READ_PRESENCE.with(Scopes::SUBSCRIPTION_WEBHOOK),
        )),
    ];
    let people = [ANNA, BEN, CLEO, STRANGER].map(|user| (user, ExtensionType::User));
    let things = [(QUEUE, ExtensionType::Department), (SLOT, ExtensionType::ParkLocation)];
    for (user, kind) in people.into_iter().chain(things) {
        changes.push(DirectoryChange::PutExtension(extension(user, kind)));
    }
    changes
}

/// The document of an extension now.
pub(crate) fn document(house: &House, user: u64) -> Document {
    house.state.journal.newest().get(key(user)).expect("it changed").event.document.clone()
}
