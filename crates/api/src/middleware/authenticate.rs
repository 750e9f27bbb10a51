//! Checks the credential of a request before its handler asks for it.

use std::sync::Arc;

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
};

use crate::{
    error::ApiError,
    extract::{Credential, bearer_token},
    state::State,
};

/// Leaves what became of the credential for [`crate::extract::Authenticated`]. Public endpoints answer whatever it is.
///
/// It is checked here, not in the extractor, so that a stranger hears 401 whatever is wrong with the rest.
pub(crate) async fn authenticate(
    state: Arc<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let header = request.headers().get(header::AUTHORIZATION).cloned();
    if let Some(header) = header {
        let outcome = match bearer_token(&header) {
            Ok(token) => state.services.accounts.authenticate(token).await.map_err(ApiError::from),
            Err(refusal) => Err(refusal),
        };
        request.extensions_mut().insert(Credential(outcome));
    }
    next.call(request).await
}
