//! Accounts and sign-ins.

use actix_web::{HttpRequest, http::header};
use domain::SessionId;

use super::{Answer, Api, created, no_content, ok};
use crate::{
    extract::{Authenticated, PathId, StrictBody},
    paths,
    wire::{
        account::{Credentials, Me, RefreshToken, Registration, Session, SignedIn, User},
        list::List,
    },
};

/// Makes an account.
#[utoipa::path(
    post, path = paths::REGISTER, tag = "accounts", request_body = Registration,
    responses((status = 201, description = "The account", body = User))
)]
pub(crate) async fn register(api: Api, StrictBody(body): StrictBody<Registration>) -> Answer {
    let user = api.services.accounts.register(body.into()).await?;
    created(User::from(user))
}

/// Signs in.
#[utoipa::path(
    post, path = paths::LOGIN, tag = "accounts", request_body = Credentials,
    responses((status = 200, description = "The tokens of a new session", body = SignedIn))
)]
pub(crate) async fn login(api: Api, request: HttpRequest, StrictBody(body): StrictBody<Credentials>) -> Answer {
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let signed_in = api.services.accounts.login(body.of_device(agent.map(str::to_owned))?).await?;
    ok(SignedIn::from(signed_in))
}

/// Exchanges a refresh token for a new pair.
///
/// The old token dies. A dead one that is presented again ends the whole session.
#[utoipa::path(
    post, path = paths::REFRESH, tag = "accounts", request_body = RefreshToken,
    responses((status = 200, description = "New tokens of the same session", body = SignedIn))
)]
pub(crate) async fn refresh(api: Api, StrictBody(body): StrictBody<RefreshToken>) -> Answer {
    let signed_in = api.services.accounts.refresh(&body.refresh).await?;
    ok(SignedIn::from(signed_in))
}

/// Ends the session that asks; its access tokens are refused from then on.
#[utoipa::path(
    post, path = paths::LOGOUT, tag = "accounts", security(("bearer" = [])),
    responses((status = 204, description = "Ended"))
)]
pub(crate) async fn logout(api: Api, Authenticated(actor): Authenticated) -> Answer {
    api.services.accounts.logout(&actor).await?;
    no_content()
}

/// Ends all sessions of the account.
#[utoipa::path(
    post, path = paths::LOGOUT_ALL, tag = "accounts", security(("bearer" = [])),
    responses((status = 204, description = "Ended"))
)]
pub(crate) async fn logout_all(api: Api, Authenticated(actor): Authenticated) -> Answer {
    api.services.accounts.logout_all(&actor).await?;
    no_content()
}

/// Lists the sessions of the account.
#[utoipa::path(
    get, path = paths::SESSIONS, tag = "accounts", security(("bearer" = [])),
    responses((status = 200, description = "All live sessions, newest first", body = List<Session>))
)]
pub(crate) async fn list_sessions(api: Api, Authenticated(actor): Authenticated) -> Answer {
    let sessions = api.services.accounts.list_sessions(&actor).await?;
    let seen = |session| Session::seen_from(session, actor.session_id);
    ok(List::whole(sessions.into_iter().map(seen).collect()))
}

/// Ends one session of the account.
#[utoipa::path(
    delete, path = paths::SESSION, tag = "accounts", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The session")),
    responses((status = 204, description = "Ended"))
)]
pub(crate) async fn revoke_session(
    api: Api,
    Authenticated(actor): Authenticated,
    PathId(id): PathId<SessionId>,
) -> Answer {
    api.services.accounts.revoke_session(&actor, id).await?;
    no_content()
}

/// Shows the account that asks.
#[utoipa::path(
    get, path = paths::ME, tag = "accounts", security(("bearer" = [])),
    responses((status = 200, description = "The account", body = Me))
)]
pub(crate) async fn show_me(api: Api, Authenticated(actor): Authenticated) -> Answer {
    let user = api.services.accounts.me(&actor).await?;
    ok(Me::from(user))
}
