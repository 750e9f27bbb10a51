//! Which handler answers at which path: the one table that serving and the OpenAPI document are both made from.

use actix_web::{
    middleware::from_fn,
    web::{self, ServiceConfig},
};
use domain::ErrorKind;
use utoipa::OpenApi;

use crate::{
    handlers::{docs, fallback},
    middleware::{Deadline, within},
    paths::{self, with_and_without_slash},
    settings::HttpSettings,
};

/// An operation and the refusals that are its own; those that many share are added to the document by rule.
pub(crate) struct Operation {
    pub(crate) path: &'static str,
    pub(crate) method: &'static str,
    pub(crate) refusals: &'static [ErrorKind],
}

macro_rules! deadline {
    () => {
        Deadline::Request
    };
    ($deadline:ident) => {
        Deadline::$deadline
    };
}

macro_rules! routes {
    ($($path:ident {
        $($method:ident $module:ident::$handler:ident $(within $deadline:ident)? $(or $($kind:ident)+)?;)+
    })+) => {
        /// Adds every documented route.
        fn mount_documented(config: &mut ServiceConfig, settings: &HttpSettings) {
            $({
                const ALLOW: &str = concat_methods!($($method)+);
                let resource = web::resource(with_and_without_slash(paths::$path))
                    $(.route({
                        let limit = deadline!($($deadline)?).limit(settings);
                        web::$method()
                            .to(crate::handlers::$module::$handler)
                            .wrap(from_fn(move |request, next| within(limit, request, next)))
                    }))+
                    .default_service(web::to(|| async { fallback::method_not_allowed(ALLOW) }));
                config.service(resource);
            })+
        }

        /// Every documented operation.
        pub(crate) const OPERATIONS: &[Operation] = &[$($(Operation {
            path: paths::$path,
            method: stringify!($method),
            refusals: &[$($(ErrorKind::$kind),+)?],
        }),+),+];

        /// The document of the handlers, as they describe themselves.
        #[derive(OpenApi)]
        #[openapi(paths($($(crate::handlers::$module::$handler),+),+))]
        pub(crate) struct Documented;
    };
}

/// The value of the `Allow` header.
macro_rules! concat_methods {
    (@ get) => { "GET" };
    (@ post) => { "POST" };
    (@ patch) => { "PATCH" };
    (@ put) => { "PUT" };
    (@ delete) => { "DELETE" };
    ($first:ident $($more:ident)*) => {
        concat!(concat_methods!(@ $first) $(, ", ", concat_methods!(@ $more))*)
    };
}

routes! {
    REGISTER { post accounts::register or RegistrationClosed UsernameTaken EmailTaken; }
    LOGIN { post accounts::login or InvalidCredentials AccountSuspended; }
    REFRESH { post accounts::refresh or InvalidToken RefreshReused SessionRevoked AccountSuspended; }
    LOGOUT { post accounts::logout; }
    LOGOUT_ALL { post accounts::logout_all; }
    SESSIONS { get accounts::list_sessions; }
    SESSION { delete accounts::revoke_session; }
    ME { get accounts::show_me; }
    CONVERSATIONS {
        post conversations::create_conversation within Reply
            or UnknownMode UnknownModel MessageTooLong TooManyRunning UpstreamFailed UpstreamTimeout NoModel Interrupted
               ShuttingDown;
        get conversations::list_conversations;
    }
    CONVERSATION {
        get conversations::show_conversation;
        patch conversations::update_conversation or UnknownMode;
        delete conversations::delete_conversation;
    }
    MESSAGES {
        get messages::list_messages;
        post messages::post_message within Reply
            or TurnInProgress UnknownMode UnknownModel MessageTooLong TooManyRunning UpstreamFailed UpstreamTimeout
               NoModel Interrupted ShuttingDown;
    }
    MEMORY { get conversations::show_memory; }
    RECEIPT { get messages::show_receipt; }
    STREAM { get messages::attach_stream; }
    CANCEL { post messages::cancel_reply; }
    DOCUMENTS {
        post documents::upload_documents within Upload
            or PayloadTooLarge FileTooLarge UnsupportedMediaType UnsupportedType EmptyFile ValidationFailed BadRequest;
        get documents::list_documents;
    }
    DOCUMENT {
        get documents::show_document;
        patch documents::update_document;
        delete documents::delete_document;
    }
    CONTENT { get documents::show_content or DocumentNotReady; }
    CHUNKS { get documents::list_chunks; }
    ORIGINAL { get documents::download_original; }
    SEARCH { get retrieval::search_passages or NoModel UpstreamFailed; }
    LIVE { get health::live; }
    READY { get health::ready; }
    OPENAPI { get docs::show_openapi; }
}

/// Adds every route.
pub(crate) fn mount(config: &mut ServiceConfig, settings: &HttpSettings) {
    mount_documented(config, settings);
    let pages = [(paths::HOME, web::get().to(docs::home)), (paths::DOCS_ERRORS, web::get().to(docs::show_errors))];
    let ui = [paths::DOCS, paths::DOCS_FILE].map(|path| (path, web::get().to(docs::show_docs)));
    for (path, route) in pages.into_iter().chain(ui) {
        let wrong_method = web::to(|| async { fallback::method_not_allowed("GET") });
        config.service(web::resource(with_and_without_slash(path)).route(route).default_service(wrong_method));
    }
}
