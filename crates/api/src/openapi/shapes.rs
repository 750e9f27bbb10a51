//! What the derived schemas leave out: items of lists are named, and what an answer always has is required.

use std::collections::BTreeSet;

use utoipa::openapi::{OpenApi, Ref, RefOr, Schema, path::PathItem, schema::ArrayItems};

/// Properties of answers that are left out where there is nothing to say.
const SOMETIMES: [&str; 3] = ["message_id", "request_id", "total"];

/// Settles the schemas of `document`.
pub(super) fn settle(document: &mut OpenApi) {
    let requests = request_schemas(document);
    let components = document.components.get_or_insert_default();
    for (name, schema) in &mut components.schemas {
        let RefOr::T(schema) = schema else { continue };
        if let Some(item) = name.strip_prefix("List_") {
            name_items(schema, item);
        }
        if !requests.contains(name.as_str()) {
            require_all(schema, matches!(name.as_str(), "Problem") || name.starts_with("List_"));
        }
    }
}

/// Schemas of request bodies, and those that these name: there a field may be left out.
fn request_schemas(document: &OpenApi) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let operations = document.paths.paths.values().flat_map(operations);
    let bodies = operations.filter_map(|operation| match &operation.request_body {
        Some(RefOr::T(body)) => Some(body.content.values()),
        _ => None,
    });
    for content in bodies.flatten() {
        if let RefOr::T(content) = content
            && let Some(schema) = &content.schema
        {
            collect(document, schema, &mut names);
        }
    }
    names
}

fn operations(item: &PathItem) -> impl Iterator<Item = &utoipa::openapi::path::Operation> {
    [&item.get, &item.post, &item.put, &item.patch, &item.delete].into_iter().flatten()
}

fn collect(document: &OpenApi, schema: &RefOr<Schema>, names: &mut BTreeSet<String>) {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
            let schema = document.components.as_ref().and_then(|components| components.schemas.get(name));
            if names.insert(name.to_owned())
                && let Some(schema) = schema
            {
                collect(document, schema, names);
            }
        }
        RefOr::T(Schema::Object(object)) => object.properties.values().for_each(|part| collect(document, part, names)),
        RefOr::T(Schema::OneOf(one)) => one.items.iter().for_each(|part| collect(document, part, names)),
        RefOr::T(_) => {}
    }
}

fn name_items(list: &mut Schema, item: &str) {
    let Schema::Object(list) = list else { return };
    if let Some(RefOr::T(Schema::Array(items))) = list.properties.get_mut("items") {
        items.items = ArrayItems::RefOrSchema(Box::new(RefOr::Ref(Ref::from_schema_name(item))));
    }
}

/// Marks every property as required, `null` being a value like any other; `sparse` ones leave out [`SOMETIMES`].
fn require_all(schema: &mut Schema, sparse: bool) {
    match schema {
        Schema::Object(object) => {
            let always = |name: &&String| !sparse || !SOMETIMES.contains(&name.as_str());
            object.required = object.properties.keys().filter(always).cloned().collect();
        }
        Schema::OneOf(one) => one.items.iter_mut().for_each(|part| require_inline(part, sparse)),
        Schema::AllOf(all) => all.items.iter_mut().for_each(|part| require_inline(part, sparse)),
        _ => {}
    }
}

fn require_inline(schema: &mut RefOr<Schema>, sparse: bool) {
    if let RefOr::T(schema) = schema {
        require_all(schema, sparse);
    }
}
