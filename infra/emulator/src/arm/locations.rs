//! `GET /subscriptions/{s}/locations`: physical regions, logical ones, and edge zones on demand.

use serde_json::{Value, json};

use crate::world::{World, failure::Failure, region::REGIONS};

use super::{Call, reply::Reply, resources::get_only};

/// Geographies that are listed as regions, as recorded: their name and what people read.
const LOGICAL: &[(&str, &str)] = &[
    ("asia", "Asia"),
    ("asiapacific", "Asia Pacific"),
    ("australia", "Australia"),
    ("brazil", "Brazil"),
    ("canada", "Canada"),
    ("europe", "Europe"),
    ("france", "France"),
    ("germany", "Germany"),
    ("global", "Global"),
    ("india", "India"),
    ("japan", "Japan"),
    ("korea", "Korea"),
    ("norway", "Norway"),
    ("singapore", "Singapore"),
    ("southafrica", "South Africa"),
    ("switzerland", "Switzerland"),
    ("uae", "United Arab Emirates"),
    ("uk", "United Kingdom"),
    ("unitedstates", "United States"),
    ("unitedstateseuap", "United States EUAP"),
];

/// Stages, as recorded: their region, and what else their entry says.
const STAGES: &[(&str, &str, &str, &str)] = &[
    ("centralusstage", "Central US (Stage)", "usa", "US"),
    ("eastusstage", "East US (Stage)", "usa", "US"),
    ("eastus2stage", "East US 2 (Stage)", "usa", "US"),
    ("northcentralusstage", "North Central US (Stage)", "usa", "US"),
    ("southcentralusstage", "South Central US (Stage)", "usa", "US"),
    ("westusstage", "West US (Stage)", "usa", "US"),
    ("westus2stage", "West US 2 (Stage)", "usa", "US"),
    ("eastasiastage", "East Asia (Stage)", "asia", "Asia Pacific"),
    ("southeastasiastage", "Southeast Asia (Stage)", "asia", "Asia Pacific"),
];

/// Edge zones that are open to the public, as recorded: name, home, what people read, geography
/// and its group, longitude, latitude.
const EDGES: &[(&str, &str, &str, &str, &str, &str, &str)] = &[
    ("attatlanta1", "eastus2", "ATT Atlanta A", "usa", "US", "-84.42356394", "33.73199927"),
    ("attdallas1", "southcentralus", "ATT Dallas A", "usa", "US", "-96.67669", "33.00933"),
    ("attdetroit1", "centralus", "ATT Detroit A", "usa", "US", "-83.2612259", "42.448537"),
    ("attnewyork1", "eastus", "ATT New York A", "usa", "US", "-74.484724", "40.556953"),
    ("losangeles", "westus", "Los Angeles", "usa", "US", "-118.23537", "34.058414"),
    ("microsoftmiami1", "eastus2", "Miami A", "usa", "US", "-80.191455", "25.945794"),
    (
        "microsoftperth1",
        "australiasoutheast",
        "Perth A",
        "australia",
        "Asia Pacific",
        "115.797655",
        "-31.955941",
    ),
    (
        "sgxsingapore1",
        "southeastasia",
        "SGX Singapore A",
        "asia",
        "Asia Pacific",
        "103.88877679999999",
        "1.340225686",
    ),
    (
        "microsoftvancouver1",
        "canadacentral",
        "Vancouver A",
        "",
        "Canada",
        "-123.029662",
        "49.259589",
    ),
];

pub(super) fn list(world: &World, call: &Call, id: &str) -> Result<Reply, Failure> {
    get_only(call)?;
    let scope = format!("/subscriptions/{}/locations", world.subscription(id)?.id);
    let location = |region: &crate::world::region::Region| {
        let pair: Vec<_> = Some(region.pair)
            .filter(|pair| !pair.is_empty())
            .map(|pair| json!({"name": pair, "id": format!("{scope}/{pair}")}))
            .into_iter()
            .collect();
        let mut location = json!({
            "id": format!("{scope}/{}", region.name),
            "name": region.name,
            "type": "Region",
            "displayName": region.display_name,
            "regionalDisplayName":
                format!("({}) {}", region.geography_group, region.display_name),
            "metadata": {
                "regionType": "Physical",
                "regionCategory": if region.recommended { "Recommended" } else { "Other" },
                "geography": region.geography,
                "geographyGroup": region.geography_group,
                "longitude": region.position.0,
                "latitude": region.position.1,
                "physicalLocation": region.place,
                "pairedRegion": pair,
            },
        });
        if region.zones > 0 {
            let zone = |number: u8| {
                let physical = format!("{}-az{number}", region.name);
                json!({"logicalZone": number.to_string(), "physicalZone": physical})
            };
            location["availabilityZoneMappings"] = (1..=region.zones).map(zone).collect();
        }
        location
    };
    let mut value: Vec<_> = REGIONS.iter().map(location).collect();
    value.extend(
        STAGES.iter().map(|stage| logical(&scope, stage.0, stage.1, Some((stage.2, stage.3)))),
    );
    value.extend(LOGICAL.iter().map(|(name, display)| logical(&scope, name, display, None)));
    let extended = call.query.get("includeextendedlocations");
    if extended.is_some_and(|wanted| wanted.eq_ignore_ascii_case("true")) {
        value.extend(EDGES.iter().map(|edge| edge_zone(&scope, edge)));
    }
    Ok(Reply::json(200, json!({"value": value})))
}

fn logical(scope: &str, name: &str, display: &str, geography: Option<(&str, &str)>) -> Value {
    let mut metadata = json!({"regionType": "Logical", "regionCategory": "Other"});
    let mut regional = display.to_owned();
    if let Some((geography, group)) = geography {
        metadata["geography"] = geography.into();
        metadata["geographyGroup"] = group.into();
        regional = format!("({group}) {display}");
    }
    json!({
        "id": format!("{scope}/{name}"),
        "name": name,
        "type": "Region",
        "displayName": display,
        "regionalDisplayName": regional,
        "metadata": metadata,
    })
}

fn edge_zone(
    scope: &str,
    (name, home, display, geography, group, longitude, latitude): &(
        &str,
        &str,
        &str,
        &str,
        &str,
        &str,
        &str,
    ),
) -> Value {
    let mut metadata = json!({
        "regionType": "Physical",
        "regionCategory": "Other",
        "geographyGroup": group,
        "longitude": longitude,
        "latitude": latitude,
        "homeLocation": home,
    });
    // The recorded entry of Vancouver has none.
    if !geography.is_empty() {
        metadata["geography"] = (*geography).into();
    }
    json!({
        "id": format!("{scope}/{home}/edgeZones/{name}"),
        "name": name,
        "type": "EdgeZone",
        "displayName": display,
        "regionalDisplayName": format!("({group}) {display}"),
        "metadata": metadata,
    })
}
