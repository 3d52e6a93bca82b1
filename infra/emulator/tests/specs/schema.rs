//! Azure's published API descriptions as JSON Schema: references into other files followed,
//! OpenAPI's own words taken out.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// One description with all that it refers to.
pub(crate) struct Description {
    definitions: Map<String, Value>,
}

impl Description {
    /// Reads the files of a version; a definition of any of them can be named.
    pub(crate) fn read(files: &[PathBuf]) -> Self {
        let mut description = Self { definitions: Map::new() };
        let mut read = BTreeSet::new();
        for file in files {
            description.add(file, &mut read);
        }
        description
    }

    fn add(&mut self, file: &Path, read: &mut BTreeSet<PathBuf>) {
        if !read.insert(file.to_owned()) {
            return;
        }
        let text = std::fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let document: Value = serde_json::from_str(&text).unwrap();
        let mut wanted = BTreeSet::new();
        for (name, definition) in document["definitions"].as_object().into_iter().flatten() {
            let mut definition = definition.clone();
            tidy(&mut definition, file, &mut wanted);
            self.definitions.insert(key(file, name), definition);
        }
        for other in wanted {
            self.add(&other, read);
        }
    }

    /// The key of a definition by its name, in whichever file it is.
    fn find(&self, name: &str) -> &str {
        let ending = format!(":{name}");
        self.definitions
            .keys()
            .find(|key| key.ends_with(&ending))
            .unwrap_or_else(|| panic!("no definition {name}"))
    }

    /// What is wrong with a body.
    pub(crate) fn problems(&self, name: &str, body: &Value) -> Vec<String> {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-04/schema#",
            "$ref": format!("#/definitions/{}", self.find(name)),
            "definitions": self.definitions,
        });
        let validator: Validator = jsonschema::draft4::new(&schema).unwrap();
        let mut problems: Vec<String> = validator
            .iter_errors(body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        let mut unknown = BTreeSet::new();
        self.unknown_keys(&self.definitions[self.find(name)], body, "", &mut unknown);
        problems.extend(unknown.into_iter().map(|path| format!("{path}: not described")));
        problems
    }

    /// Keys that no description names: schemas of Azure leave objects open.
    fn unknown_keys(&self, schema: &Value, body: &Value, path: &str, out: &mut BTreeSet<String>) {
        match body {
            Value::Array(items) => {
                let schema = self.resolved(schema);
                for item in items {
                    self.unknown_keys(&schema["items"], item, &format!("{path}/*"), out);
                }
            }
            Value::Object(fields) => {
                let mut known = BTreeMap::new();
                if self.is_open(schema, &mut known) {
                    return;
                }
                for (name, field) in fields {
                    let path = format!("{path}/{name}");
                    match known.get(name) {
                        Some(schema) => self.unknown_keys(schema, field, &path, out),
                        None => drop(out.insert(path)),
                    }
                }
            }
            _ => {}
        }
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str().and_then(|target| target.strip_prefix("#/definitions/")) {
            Some(key) => self.resolved(&self.definitions[key]),
            None => schema,
        }
    }

    /// Collects an object's properties; true if it takes any.
    fn is_open(&self, schema: &Value, known: &mut BTreeMap<String, Value>) -> bool {
        let schema = self.resolved(schema);
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            known.insert(name.clone(), property.clone());
        }
        let parts = schema["allOf"].as_array().into_iter().flatten();
        let open = parts.map(|part| self.is_open(part, known)).fold(false, |a, b| a | b);
        let takes_any =
            schema.get("additionalProperties").is_some_and(|more| *more != json!(false));
        open || takes_any || (known.is_empty() && schema.get("properties").is_none())
    }
}

fn key(file: &Path, name: &str) -> String {
    format!("{}:{name}", file.file_name().unwrap().to_string_lossy())
}

/// Takes out what is no JSON Schema, opens what Azure calls an open enumeration, and makes each
/// reference one into the joined definitions.
fn tidy(value: &mut Value, file: &Path, wanted: &mut BTreeSet<PathBuf>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| tidy(item, file, wanted)),
        Value::Object(fields) => {
            if fields.get("x-ms-enum").is_some_and(|kind| kind["modelAsString"] == json!(true)) {
                fields.remove("enum");
            }
            if let Some(Value::String(target)) = fields.get("$ref") {
                let (other, name) = target.split_once("#/definitions/").unwrap();
                let other = located(file, other);
                let key = key(&other, name);
                wanted.insert(other);
                fields.clear();
                fields.insert("$ref".into(), format!("#/definitions/{key}").into());
                return;
            }
            for name in ["discriminator", "example", "description", "readOnly", "format"] {
                // A property may have such a name; then it is a schema.
                if fields.get(name).is_some_and(|value| !value.is_object()) {
                    fields.remove(name);
                }
            }
            fields.retain(|name, _| !name.starts_with("x-"));
            fields.values_mut().for_each(|field| tidy(field, file, wanted));
        }
        _ => {}
    }
}

/// Where another file is in our copy, which is flatter than the published tree.
fn located(file: &Path, other: &str) -> PathBuf {
    if other.is_empty() {
        return file.to_owned();
    }
    let folder = file.parent().unwrap();
    let arm = folder.parent().unwrap().join("arm");
    match other {
        "../../../common-types/v1/common.json" => {
            arm.join("Microsoft.Compute_common-types_v1_common.json")
        }
        // The three versions agree in what is used here.
        _ if other.contains("common-types/resource-management/") => {
            arm.join("common-types_v5_types.json")
        }
        _ => folder.join(other.trim_start_matches("./")),
    }
}
