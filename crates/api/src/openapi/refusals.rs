//! The errors of every operation, from the table of errors.

use std::collections::BTreeMap;

use domain::ErrorKind;
use serde_json::json;
use utoipa::openapi::{
    ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
    path::{Operation, PathItem},
};

use crate::{
    error::rule,
    paths,
    problem::{self, type_of},
    routes::OPERATIONS,
};

/// Describes what each operation of `document` refuses, one response for each status with every code named.
pub(super) fn add(document: &mut OpenApi) {
    for routed in OPERATIONS {
        let item = document.paths.paths.get_mut(routed.path);
        let Some(operation) = item.and_then(|item| operation_of(item, routed.method)) else { continue };
        let shared = shared_refusals(operation, routed.path);
        for (status, kinds) in by_status(shared.iter().chain(routed.refusals)) {
            let name = format!("Problem{status}{}", kinds.iter().map(|kind| format!("{kind:?}")).collect::<String>());
            let reference = RefOr::Ref(Ref::from_response_name(&name));
            operation.responses.responses.entry(status.to_string()).or_insert(reference);
            let components = document.components.get_or_insert_default();
            components.responses.entry(name).or_insert_with(|| RefOr::T(response(&kinds)));
        }
    }
}

pub(super) fn operation_of<'a>(item: &'a mut PathItem, method: &str) -> Option<&'a mut Operation> {
    match method {
        "get" => item.get.as_mut(),
        "post" => item.post.as_mut(),
        "put" => item.put.as_mut(),
        "patch" => item.patch.as_mut(),
        "delete" => item.delete.as_mut(),
        _ => None,
    }
}

/// What an operation refuses because of what it takes: credentials, an id, a body, parameters.
fn shared_refusals(operation: &Operation, path: &str) -> Vec<ErrorKind> {
    use ErrorKind as K;
    let json_body = operation.request_body.as_ref().is_some_and(|body| match body {
        RefOr::T(body) => body.content.contains_key("application/json"),
        RefOr::Ref(_) => true,
    });
    let parameters: Vec<&str> = operation.parameters.iter().flatten().filter_map(parameter_name).collect();
    let groups: [(bool, &[ErrorKind]); 6] = [
        (
            operation.security.is_some(),
            &[K::Unauthenticated, K::InvalidToken, K::TokenExpired, K::SessionRevoked, K::AccountSuspended],
        ),
        (path.contains('{'), &[K::NotFound]),
        (json_body, &[K::ValidationFailed, K::BadRequest, K::PayloadTooLarge, K::UnsupportedMediaType]),
        (json_body && path.starts_with(paths::AUTH), &[K::UnknownField]),
        (parameters.contains(&"cursor"), &[K::BadCursor, K::BadRequest]),
        (
            path.starts_with("/api/"),
            &[K::RequestTimeout, K::Overloaded, K::StorageUnavailable, K::StorageFull, K::Internal],
        ),
    ];
    let mut kinds: Vec<ErrorKind> =
        groups.into_iter().filter(|(applies, _)| *applies).flat_map(|(_, kinds)| kinds).copied().collect();
    if parameters.iter().any(|name| *name != "id") {
        kinds.push(K::ValidationFailed);
    }
    kinds
}

fn parameter_name(parameter: &RefOr<utoipa::openapi::path::Parameter>) -> Option<&str> {
    match parameter {
        RefOr::T(parameter) => Some(&parameter.name),
        RefOr::Ref(_) => None,
    }
}

/// The kinds by status, each once, in the order of the table.
fn by_status<'a>(kinds: impl Iterator<Item = &'a ErrorKind>) -> BTreeMap<u16, Vec<ErrorKind>> {
    let wanted: Vec<ErrorKind> = kinds.copied().collect();
    let mut by_status: BTreeMap<u16, Vec<ErrorKind>> = BTreeMap::new();
    for kind in ErrorKind::ALL.into_iter().filter(|kind| wanted.contains(kind)) {
        by_status.entry(rule(kind).status.as_u16()).or_default().push(kind);
    }
    by_status
}

fn response(kinds: &[ErrorKind]) -> Response {
    let described: Vec<String> = kinds.iter().map(|kind| format!("`{}`: {}", kind.code(), rule(*kind).title)).collect();
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .example(kinds.first().map(|kind| example(*kind)))
        .build();
    ResponseBuilder::new().description(described.join("; ")).content(problem::MEDIA_TYPE, content).build()
}

fn example(kind: ErrorKind) -> serde_json::Value {
    let rule = rule(kind);
    json!({
        "type": type_of(kind), "title": rule.title, "status": rule.status.as_u16(), "detail": rule.advice,
        "code": kind.code(), "request_id": "01890a5d-ac96-774b-bcce-b302099a8057", "errors": []
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_routed_operation_is_described_with_its_refusals() {
        let mut document = crate::openapi();
        for routed in OPERATIONS {
            let item = document.paths.paths.get_mut(routed.path);
            let operation = item.and_then(|item| operation_of(item, routed.method));
            let operation = operation.unwrap_or_else(|| panic!("{} {} is not described", routed.method, routed.path));
            for kind in routed.refusals {
                let status = rule(*kind).status.as_u16().to_string();
                assert!(operation.responses.responses.contains_key(&status), "{} {kind:?}", routed.path);
            }
        }
        let described: usize = document
            .paths
            .paths
            .values()
            .map(|item| [&item.get, &item.post, &item.put, &item.patch, &item.delete].into_iter().flatten().count())
            .sum();
        assert_eq!(described, OPERATIONS.len());
    }
}
