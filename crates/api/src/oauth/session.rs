//! Log-ins: what a grant begins, a refresh carries on and a revocation ends.

use std::sync::Arc;
use std::time::Duration;

use lampfield_contract::OauthError;
use lampfield_core::directory::{App, Extension, Scopes, Session, Token};
use lampfield_core::{SessionId, Timestamp};
use lampfield_journal::{DirectoryChange, StoreError};
use uuid::Uuid;

use crate::auth::{Caller, TokenPair, hash_secret};
use crate::oauth::refusal::OauthRefusal;
use crate::oauth::spent;
use crate::state::ApiState;

/// Between two looks for sessions that are over.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Sessions that one look removes at most.
const SWEEP_MAX: usize = 256;

/// A session with its tokens in clear, for the one answer that carries them.
pub(super) struct Issued {
    pub(super) session: Arc<Session>,
    pub(super) pair: TokenPair,
}

/// Lives that a client asked for.
#[derive(Clone, Copy)]
pub(super) struct Lives {
    pub(super) access: Duration,
    pub(super) refresh: Duration,
}

impl Lives {
    /// Cuts wishes in seconds to what the configuration allows.
    pub(super) fn granted(state: &ApiState, access: u32, refresh: u32) -> Self {
        let limits = &state.config.tokens;
        Self {
            access: Duration::from_secs(access.into()).min(limits.access_max),
            refresh: Duration::from_secs(refresh.into()).min(limits.refresh_max),
        }
    }
}

/// Who begins a session, and with what.
#[derive(Clone)]
pub(super) struct Proved {
    /// Who it is.
    pub(super) extension: Arc<Extension>,
    /// The credential that proved it.
    pub(super) credential: Uuid,
}

/// What a session begins with.
#[derive(Clone, Copy)]
pub(super) struct Beginning<'a> {
    /// Its id, which nothing had before.
    pub(super) id: SessionId,
    /// Who logs in.
    pub(super) proved: &'a Proved,
    /// Through which application.
    pub(super) app: &'a App,
    /// What is granted.
    pub(super) scopes: Scopes,
    /// How long tokens live.
    pub(super) lives: Lives,
}

/// Refuses an id with which a session began before: whatever names it was used already. The session
/// ends, if it has not.
pub(super) async fn begun_before(
    state: &ApiState,
    id: SessionId,
) -> Result<Option<OauthRefusal>, OauthRefusal> {
    if state.registry.session(id).is_some() {
        tracing::warn!(session.id = %id, "a used authorization code came again: the session is ended");
        end_sessions(state, &[id]).await?;
        return Ok(Some(OauthError::invalid_code().into()));
    }
    let was = spent::contains(state, id);
    Ok(was.then(|| OauthError::invalid_code().into()))
}

/// Begins a session; the user's oldest with this application ends if there are too many.
pub(super) async fn begin(
    state: &ApiState,
    Beginning { id, proved, app, scopes, lives }: Beginning<'_>,
) -> Result<Issued, OauthRefusal> {
    let pair = state.secrets.first_pair(id)?;
    let now = state.now();
    let (access, refresh) = tokens(&pair, now, lives);
    let session = Session {
        id,
        key: proved.extension.key,
        app: app.id.clone(),
        scopes,
        credential: proved.credential,
        created_at: now,
        access,
        refresh,
        previous_refresh: None,
    };
    let _checking = state.registry.checking().await;
    // Of two requests with one code at the same moment only the first begins it.
    if let Some(error) = begun_before(state, id).await? {
        return Err(error);
    }
    let mut over = sweep(state, now);
    let open = state.registry.sessions_of(proved.extension.key, &app.id);
    let surplus = (open.len() + 1).saturating_sub(state.config.tokens.sessions_max.max(1));
    over.extend(open.iter().take(surplus).map(|session| session.id));
    over.sort_unstable();
    over.dedup();
    let mut changes = ending(state, &over);
    changes.push(DirectoryChange::PutSession(session.clone()));
    state.registry.apply(changes).await?;
    for id in over {
        state.delivery.session_revoked(id);
    }
    Ok(Issued { session: Arc::new(session), pair })
}

/// Carries a session on with a new pair of tokens (contract 4.4).
///
/// While its grace lasts, the token before is answered with the same new pair. Any other use of a
/// token that has been used is taken for theft, and ends the session.
pub(super) async fn refresh(
    state: &ApiState,
    app: &App,
    token: &str,
    lives: Lives,
) -> Result<Issued, OauthRefusal> {
    let hash = hash_secret(token);
    let _checking = state.registry.checking().await;
    let now = state.now();
    let Some(session) = state.registry.session_by_refresh(&hash) else {
        return Err(used_before(state, app, token).await?);
    };
    if session.app != app.id {
        return Err(OauthError::invalid_refresh_token().into());
    }
    if Caller::in_session(state, Arc::clone(&session)).is_err() {
        return Err(OauthError::extension_state().into());
    }
    let pair = state.secrets.following_pair(session.id, token);
    if session.refresh.hash == hash {
        if now >= session.refresh.expires_at {
            return Err(OauthError::invalid_refresh_token().into());
        }
        let (access, refresh) = tokens(&pair, now, lives);
        let grace = now.after(state.config.tokens.grace_unused);
        let previous_refresh = Some(Token { hash, expires_at: grace });
        let next = Session { access, refresh, previous_refresh, ..(*session).clone() };
        state.registry.apply(vec![DirectoryChange::PutSession(next.clone())]).await?;
        return Ok(Issued { session: Arc::new(next), pair });
    }
    let in_grace = session.previous_refresh.is_some_and(|it| now < it.expires_at);
    if in_grace && hash_secret(&pair.refresh) == session.refresh.hash {
        return Ok(Issued { session, pair });
    }
    Err(stolen(state, session.id).await?)
}

/// Ends sessions: their tokens, their sockets and the subscriptions on these. Webhook subscriptions
/// belong to the user and the application and live on.
///
/// # Errors
/// [`StoreError`]; nothing has ended then.
pub async fn end_sessions(state: &ApiState, sessions: &[SessionId]) -> Result<(), StoreError> {
    end_sessions_with(state, sessions, Vec::new()).await
}

/// Ends sessions in one step with what ends them.
///
/// # Errors
/// [`StoreError`]; nothing has ended or changed then.
pub(crate) async fn end_sessions_with(
    state: &ApiState,
    sessions: &[SessionId],
    mut changes: Vec<DirectoryChange>,
) -> Result<(), StoreError> {
    changes.extend(ending(state, sessions));
    if changes.is_empty() {
        return Ok(());
    }
    state.registry.apply(changes).await?;
    for id in sessions {
        state.delivery.session_revoked(*id);
    }
    Ok(())
}

/// A genuine token that the session no longer knows is one of its older ones.
async fn used_before(
    state: &ApiState,
    app: &App,
    token: &str,
) -> Result<OauthRefusal, OauthRefusal> {
    let session = state.secrets.session_of_refresh(token);
    match session.and_then(|id| state.registry.session(id)) {
        Some(session) if session.app == app.id => stolen(state, session.id).await,
        _ => Ok(OauthError::invalid_refresh_token().into()),
    }
}

async fn stolen(state: &ApiState, session: SessionId) -> Result<OauthRefusal, OauthRefusal> {
    tracing::warn!(session.id = %session, "a used refresh token came again: the session is ended");
    end_sessions(state, &[session]).await?;
    Ok(OauthError::invalid_refresh_token().into())
}

fn tokens(pair: &TokenPair, now: Timestamp, lives: Lives) -> (Token, Token) {
    let token = |text: &str, life| Token { hash: hash_secret(text), expires_at: now.after(life) };
    (token(&pair.access, lives.access), token(&pair.refresh, lives.refresh))
}

fn ending(state: &ApiState, sessions: &[SessionId]) -> Vec<DirectoryChange> {
    if sessions.is_empty() {
        return Vec::new();
    }
    let subscriptions = state.registry.subscriptions().into_iter();
    let on_sockets = subscriptions.filter(|one| one.is_socket() && sessions.contains(&one.session));
    let removed = on_sockets.map(|one| DirectoryChange::RemoveSubscription(one.id));
    let removals = sessions.iter().map(|id| DirectoryChange::RemoveSession(*id));
    removals.chain(removed).chain(spent::remember(state, sessions)).collect()
}

/// Finds sessions whose tokens are all over, once in a while.
fn sweep(state: &ApiState, now: Timestamp) -> Vec<SessionId> {
    let mut last = state.swept_at.lock();
    if now < last.after(SWEEP_EVERY) {
        return Vec::new();
    }
    *last = now;
    drop(last);
    let mut over = state.registry.sessions_over(now);
    over.truncate(SWEEP_MAX);
    over
}
