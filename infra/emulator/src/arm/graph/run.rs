//! Runs a query over rows.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Row,
    functions::{evaluate, number, order, text, truth},
    parse::{Expr, Operator, Query},
};

/// What a query gives.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// The columns of the tables, in Azure's order.
const COLUMNS: &[&str] = &[
    "id",
    "name",
    "type",
    "tenantId",
    "kind",
    "location",
    "resourceGroup",
    "subscriptionId",
    "managedBy",
    "sku",
    "plan",
    "properties",
    "tags",
    "identity",
    "zones",
    "extendedLocation",
];

pub(super) fn run(query: &Query, rows: Vec<Row>, now: Timestamp) -> Result<Table, String> {
    let mut table =
        Table { columns: COLUMNS.iter().map(|name| (*name).to_owned()).collect(), rows };
    // Rows of either table have every column, so that a query never depends on what is there.
    for row in &mut table.rows {
        for name in COLUMNS {
            row.entry(*name).or_insert(Value::Null);
        }
    }
    for step in &query.steps {
        table = apply(step, table, now)?;
    }
    Ok(table)
}

fn apply(step: &Operator, mut table: Table, now: Timestamp) -> Result<Table, String> {
    // An unknown column is an error even if there is no row.
    let blank: Row = table.columns.iter().map(|name| (name.clone(), Value::Null)).collect();
    let check = |expression: &Expr| match expression {
        Expr::Call(name, _) if is_aggregate(name) => Ok(()),
        other => evaluate(other, &blank, now).map(|_| ()),
    };
    match step {
        Operator::Where(condition) => {
            check(condition)?;
            let mut kept = Vec::new();
            for row in table.rows {
                if truth(&evaluate(condition, &row, now)?) {
                    kept.push(row);
                }
            }
            table.rows = kept;
        }
        Operator::Project(columns) => {
            for (_, expression) in columns {
                check(expression)?;
            }
            table.columns = columns.iter().map(|(name, _)| name.clone()).collect();
            for row in &mut table.rows {
                let cells = columns
                    .iter()
                    .map(|(name, expression)| Ok((name.clone(), evaluate(expression, row, now)?)));
                let cells: Result<Row, String> = cells.collect();
                *row = cells?;
            }
        }
        Operator::Extend(columns) => {
            let mut blank = blank;
            for (name, expression) in columns {
                evaluate(expression, &blank, now)?;
                blank.insert(name.clone(), Value::Null);
                if !table.columns.contains(name) {
                    table.columns.push(name.clone());
                }
            }
            for row in &mut table.rows {
                for (name, expression) in columns {
                    let value = evaluate(expression, row, now)?;
                    row.insert(name.clone(), value);
                }
            }
        }
        Operator::ProjectAway(names) => {
            table.columns.retain(|name| !names.contains(name));
            for row in &mut table.rows {
                row.retain(|name, _| !names.contains(name));
            }
        }
        Operator::Rename(columns) => {
            for (new, expression) in columns {
                let Expr::Column(old) = expression else {
                    return Err("project-rename takes columns.".to_owned());
                };
                check(expression)?;
                for name in table.columns.iter_mut().filter(|name| *name == old) {
                    name.clone_from(new);
                }
                for row in &mut table.rows {
                    let value = row.remove(old).unwrap_or_default();
                    row.insert(new.clone(), value);
                }
            }
        }
        Operator::Order(by) => {
            for (expression, _) in by {
                check(expression)?;
            }
            let mut keyed = Vec::new();
            for row in table.rows {
                let keys = by.iter().map(|(expression, _)| evaluate(expression, &row, now));
                keyed.push((keys.collect::<Result<Vec<_>, _>>()?, row));
            }
            keyed.sort_by(|(a, _), (b, _)| {
                let pairs = a.iter().zip(b).zip(by);
                pairs.fold(Ordering::Equal, |so_far, ((a, b), (_, descending))| {
                    let order = total(a, b);
                    so_far.then(if *descending { order.reverse() } else { order })
                })
            });
            table.rows = keyed.into_iter().map(|(_, row)| row).collect();
        }
        Operator::Take(count) => table.rows.truncate(*count),
        Operator::Count => {
            let count = json!(table.rows.len());
            table = Table {
                columns: vec!["Count".to_owned()],
                rows: vec![[("Count".to_owned(), count)].into_iter().collect()],
            };
        }
        Operator::Distinct(columns) => {
            table = apply(&Operator::Project(columns.clone()), table, now)?;
            let mut seen = std::collections::BTreeSet::new();
            table.rows.retain(|row| seen.insert(Value::Object(row.clone()).to_string()));
        }
        Operator::Summarize { aggregates, by } => {
            for (_, expression) in aggregates.iter().chain(by) {
                check(expression)?;
            }
            table = summarize(&table, aggregates, by, now)?;
        }
    }
    Ok(table)
}

/// Nothing comes first, then by value, then by text.
fn total(a: &Value, b: &Value) -> Ordering {
    match (a.is_null(), b.is_null()) {
        (false, false) => order(a, b).unwrap_or_else(|| text(a).cmp(&text(b))),
        (a, b) => b.cmp(&a),
    }
}

const AGGREGATES: &[&str] = &[
    "count",
    "countif",
    "dcount",
    "sum",
    "avg",
    "min",
    "max",
    "make_list",
    "make_set",
    "any",
    "take_any",
];

fn is_aggregate(name: &str) -> bool {
    AGGREGATES.contains(&name)
}

fn summarize(
    table: &Table,
    aggregates: &[(String, Expr)],
    by: &[(String, Expr)],
    now: Timestamp,
) -> Result<Table, String> {
    let mut groups: Vec<(Row, Vec<&Row>)> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for row in &table.rows {
        let keys =
            by.iter().map(|(name, expression)| Ok((name.clone(), evaluate(expression, row, now)?)));
        let keys: Row = keys.collect::<Result<_, String>>()?;
        let place = *places.entry(Value::Object(keys.clone()).to_string()).or_insert_with(|| {
            groups.push((keys, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(row);
    }
    if by.is_empty() && groups.is_empty() {
        groups.push((Row::new(), Vec::new()));
    }
    let mut rows = Vec::new();
    for (mut row, members) in groups {
        for (name, expression) in aggregates {
            let Expr::Call(function, arguments) = expression else {
                return Err("summarize takes aggregates.".to_owned());
            };
            let value = aggregate(function, arguments, &members, now)?;
            row.insert(name.clone(), value);
        }
        rows.push(row);
    }
    let columns = by.iter().chain(aggregates).map(|(name, _)| name.clone()).collect();
    Ok(Table { columns, rows })
}

fn aggregate(
    function: &str,
    arguments: &[Expr],
    rows: &[&Row],
    now: Timestamp,
) -> Result<Value, String> {
    let values = match arguments {
        [] => Vec::new(),
        [first, ..] => {
            rows.iter().map(|row| evaluate(first, row, now)).collect::<Result<Vec<_>, _>>()?
        }
    };
    let present: Vec<Value> = values.iter().filter(|value| !value.is_null()).cloned().collect();
    let numbers: Vec<f64> = present.iter().filter_map(Value::as_f64).collect();
    let distinct = || {
        let mut seen = std::collections::BTreeSet::new();
        present.iter().filter(|value| seen.insert(value.to_string())).cloned().collect::<Vec<_>>()
    };
    Ok(match function {
        "count" => rows.len().into(),
        "countif" => values.iter().filter(|value| truth(value)).count().into(),
        "dcount" => distinct().len().into(),
        "sum" => number(numbers.iter().sum()),
        "avg" if numbers.is_empty() => Value::Null,
        "avg" => number(numbers.iter().sum::<f64>() / numbers.len() as f64),
        "min" => present.into_iter().min_by(total).unwrap_or_default(),
        "max" => present.into_iter().max_by(total).unwrap_or_default(),
        "make_list" => present.into(),
        "make_set" => distinct().into(),
        "any" | "take_any" => values.into_iter().next().unwrap_or_default(),
        other => return Err(format!("The aggregate '{other}' is not served here.")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::graph::parse::query;

    fn rows() -> Vec<Row> {
        [("a", "eastus", 4, "x"), ("b", "westus2", 32, "x"), ("c", "eastus", 8, "y")]
            .into_iter()
            .map(|(name, location, size, team)| {
                let row = json!({
                    "id": format!("/s/{name}"), "name": name, "location": location,
                    "type": "microsoft.compute/disks", "tags": {"Team": team},
                    "properties": {"diskSizeGB": size, "timeCreated": "2021-11-04T10:00:00.1+00:00"},
                });
                row.as_object().unwrap().clone()
            })
            .collect()
    }

    fn ask(text: &str) -> Value {
        let now = "2021-11-04T12:00:00Z".parse().unwrap();
        json!(run(&query(text).unwrap(), rows(), now).unwrap().rows)
    }

    #[test]
    fn operators_do_what_their_names_say() {
        let names = |text: &str| {
            let rows = ask(&format!("Resources | {text} | project name"));
            rows.as_array()
                .unwrap()
                .iter()
                .map(|row| row["name"].as_str().unwrap().to_owned())
                .collect::<String>()
        };
        for (text, expected) in [
            ("where type =~ 'Microsoft.Compute/Disks'", "abc"),
            ("where type == 'Microsoft.Compute/Disks'", ""),
            ("where location in ('eastus', 'x') and name != 'a'", "c"),
            ("where location !in~ ('EASTUS')", "b"),
            ("where tags['Team'] == 'x'", "ab"),
            ("where tags.Team =~ 'Y' or properties.diskSizeGB > 8", "bc"),
            ("where isnull(tags.none) and isempty(tags['none'])", "abc"),
            ("where id endswith '/C' or name startswith 'A'", "ac"),
            ("where id has 's' and location !contains 'west'", "ac"),
            ("where todatetime(properties.timeCreated) > ago(3h)", "abc"),
            ("where todatetime(properties.timeCreated) < datetime(2021-11-04)", ""),
            ("order by toint(properties.diskSizeGB) asc", "acb"),
            ("sort by location asc, name desc", "cab"),
            ("order by name | limit 2", "cb"),
            ("extend big = properties.diskSizeGB >= 8 | where big", "bc"),
        ] {
            assert_eq!(names(text), expected, "{text}");
        }
        assert_eq!(ask("Resources | count"), json!([{"Count": 3}]));
        assert_eq!(
            ask(
                "Resources | summarize n = count(), sum(tolong(properties.diskSizeGB)) by location | order by location asc"
            ),
            json!([
                {"location": "eastus", "n": 2, "sum_tolong_properties_diskSizeGB": 12},
                {"location": "westus2", "n": 1, "sum_tolong_properties_diskSizeGB": 32},
            ])
        );
        assert_eq!(
            ask(
                "Resources | summarize count() by tostring(tags.Team) | project count_ | order by count_"
            ),
            json!([{"count_": 2}, {"count_": 1}])
        );
        assert_eq!(
            ask("Resources | distinct location | order by location asc"),
            json!([{"location": "eastus"}, {"location": "westus2"}])
        );
        assert_eq!(
            ask("where name == 'a' | project properties.diskSizeGB, tags['Team']"),
            json!([{"properties_diskSizeGB": 4, "tags_Team": "x"}])
        );
    }

    #[test]
    fn an_unknown_column_or_function_is_an_error() {
        let now = Timestamp::UNIX_EPOCH;
        for text in ["where nothing == 1", "extend a = f(1)", "project nothing"] {
            assert!(run(&query(text).unwrap(), Vec::new(), now).is_err(), "{text}");
        }
        assert!(crate::arm::graph::functions::find(&rows()[0], "NAME").is_some());
    }
}
