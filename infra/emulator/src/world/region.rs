//! Azure's public regions, as `GET /subscriptions/{s}/locations` lists them.
//!
//! It says where a region is, its pair and its zones; which services a region lacks is not here.

/// A physical region.
#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) name: &'static str,
    pub(crate) display_name: &'static str,
    pub(crate) geography: &'static str,
    pub(crate) geography_group: &'static str,
    pub(crate) recommended: bool,
    /// Longitude, then latitude, as ARM writes them.
    pub(crate) position: (&'static str, &'static str),
    pub(crate) place: &'static str,
    /// The paired region, or nothing.
    pub(crate) pair: &'static str,
    pub(crate) zones: u8,
}

/// Finds a region by its name or display name, in any case and with any spaces: templates write
/// `East US` as well as `eastus` (compute-snapshots §5).
pub(crate) fn find(location: &str) -> Option<&'static Region> {
    let name = normalise(location);
    REGIONS.iter().find(|region| region.name == name)
}

/// The form in which answers show a location.
pub(crate) fn normalise(location: &str) -> String {
    location.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[expect(clippy::too_many_arguments, reason = "one line per region keeps the table readable")]
const fn region(
    name: &'static str,
    display_name: &'static str,
    geography: &'static str,
    geography_group: &'static str,
    recommended: bool,
    position: (&'static str, &'static str),
    place: &'static str,
    pair: &'static str,
    zones: u8,
) -> Region {
    Region {
        name,
        display_name,
        geography,
        geography_group,
        recommended,
        position,
        place,
        pair,
        zones,
    }
}

/// In the order of the recorded answer; three regions that are newer stand at the end.
#[rustfmt::skip]
pub(crate) const REGIONS: &[Region] = &[
    region("eastus", "East US", "United States", "US", true, ("-79.8164", "37.3719"), "Virginia", "westus", 3),
    region("eastus2", "East US 2", "United States", "US", true, ("-78.3889", "36.6681"), "Virginia", "centralus", 3),
    region("southcentralus", "South Central US", "United States", "US", true, ("-98.5", "29.4167"), "Texas", "northcentralus", 3),
    region("westus2", "West US 2", "United States", "US", true, ("-119.852", "47.233"), "Washington", "westcentralus", 3),
    region("westus3", "West US 3", "United States", "US", true, ("-112.074036", "33.448376"), "Phoenix", "eastus", 3),
    region("australiaeast", "Australia East", "Australia", "Asia Pacific", true, ("151.2094", "-33.86"), "New South Wales", "australiasoutheast", 3),
    region("southeastasia", "Southeast Asia", "Asia Pacific", "Asia Pacific", true, ("103.833", "1.283"), "Singapore", "eastasia", 3),
    region("northeurope", "North Europe", "Europe", "Europe", true, ("-6.2597", "53.3478"), "Ireland", "westeurope", 3),
    region("swedencentral", "Sweden Central", "Sweden", "Europe", true, ("17.14127", "60.67488"), "Gävle", "swedensouth", 3),
    region("uksouth", "UK South", "United Kingdom", "Europe", true, ("-0.799", "50.941"), "London", "ukwest", 3),
    region("westeurope", "West Europe", "Europe", "Europe", true, ("4.9", "52.3667"), "Netherlands", "northeurope", 3),
    region("centralus", "Central US", "United States", "US", true, ("-93.6208", "41.5908"), "Iowa", "eastus2", 3),
    region("southafricanorth", "South Africa North", "South Africa", "Africa", true, ("28.21837", "-25.73134"), "Johannesburg", "southafricawest", 3),
    region("centralindia", "Central India", "India", "Asia Pacific", true, ("73.9197", "18.5822"), "Pune", "southindia", 3),
    region("eastasia", "East Asia", "Asia Pacific", "Asia Pacific", true, ("114.188", "22.267"), "Hong Kong", "southeastasia", 3),
    region("japaneast", "Japan East", "Japan", "Asia Pacific", true, ("139.77", "35.68"), "Tokyo, Saitama", "japanwest", 3),
    region("koreacentral", "Korea Central", "Korea", "Asia Pacific", true, ("126.978", "37.5665"), "Seoul", "koreasouth", 3),
    region("canadacentral", "Canada Central", "Canada", "Canada", true, ("-79.383", "43.653"), "Toronto", "canadaeast", 3),
    region("francecentral", "France Central", "France", "Europe", true, ("2.373", "46.3772"), "Paris", "francesouth", 3),
    region("germanywestcentral", "Germany West Central", "Germany", "Europe", true, ("8.682127", "50.110924"), "Frankfurt", "germanynorth", 3),
    region("italynorth", "Italy North", "Italy", "Europe", true, ("9.18109", "45.46888"), "Milan", "", 3),
    region("norwayeast", "Norway East", "Norway", "Europe", true, ("10.752245", "59.913868"), "Norway", "norwaywest", 3),
    region("polandcentral", "Poland Central", "Poland", "Europe", true, ("21.01666", "52.23334"), "Warsaw", "", 3),
    region("switzerlandnorth", "Switzerland North", "Switzerland", "Europe", true, ("8.564572", "47.451542"), "Zurich", "switzerlandwest", 3),
    region("uaenorth", "UAE North", "UAE", "Middle East", true, ("55.316666", "25.266666"), "Dubai", "uaecentral", 3),
    region("brazilsouth", "Brazil South", "Brazil", "South America", true, ("-46.633", "-23.55"), "Sao Paulo State", "southcentralus", 3),
    region("centraluseuap", "Central US EUAP", "Canary (US)", "US", true, ("-93.6208", "41.5908"), "", "eastus2euap", 2),
    region("qatarcentral", "Qatar Central", "Qatar", "Middle East", true, ("51.439327", "25.551462"), "Doha", "", 3),
    region("northcentralus", "North Central US", "United States", "US", false, ("-87.6278", "41.8819"), "Illinois", "southcentralus", 3),
    region("westus", "West US", "United States", "US", false, ("-122.417", "37.783"), "California", "eastus", 3),
    region("jioindiawest", "Jio India West", "India", "Asia Pacific", false, ("70.05773", "22.470701"), "Jamnagar", "jioindiacentral", 0),
    region("eastus2euap", "East US 2 EUAP", "Canary (US)", "US", false, ("-78.3889", "36.6681"), "", "centraluseuap", 3),
    region("westcentralus", "West Central US", "United States", "US", false, ("-110.234", "40.89"), "Wyoming", "westus2", 0),
    region("southafricawest", "South Africa West", "South Africa", "Africa", false, ("18.843266", "-34.075691"), "Cape Town", "southafricanorth", 0),
    region("australiacentral", "Australia Central", "Australia", "Asia Pacific", false, ("149.1244", "-35.3075"), "Canberra", "australiacentral2", 0),
    region("australiacentral2", "Australia Central 2", "Australia", "Asia Pacific", false, ("149.1244", "-35.3075"), "Canberra", "australiacentral", 0),
    region("australiasoutheast", "Australia Southeast", "Australia", "Asia Pacific", false, ("144.9631", "-37.8136"), "Victoria", "australiaeast", 0),
    region("japanwest", "Japan West", "Japan", "Asia Pacific", false, ("135.5022", "34.6939"), "Osaka", "japaneast", 0),
    region("jioindiacentral", "Jio India Central", "India", "Asia Pacific", false, ("79.08886", "21.146633"), "Nagpur", "jioindiawest", 0),
    region("koreasouth", "Korea South", "Korea", "Asia Pacific", false, ("129.0756", "35.1796"), "Busan", "koreacentral", 0),
    region("southindia", "South India", "India", "Asia Pacific", false, ("80.1636", "12.9822"), "Chennai", "centralindia", 0),
    region("westindia", "West India", "India", "Asia Pacific", false, ("72.868", "19.088"), "Mumbai", "southindia", 0),
    region("canadaeast", "Canada East", "Canada", "Canada", false, ("-71.217", "46.817"), "Quebec", "canadacentral", 0),
    region("francesouth", "France South", "France", "Europe", false, ("2.1972", "43.8345"), "Marseille", "francecentral", 0),
    region("germanynorth", "Germany North", "Germany", "Europe", false, ("8.806422", "53.073635"), "Berlin", "germanywestcentral", 0),
    region("norwaywest", "Norway West", "Norway", "Europe", false, ("5.733107", "58.969975"), "Norway", "norwayeast", 0),
    region("switzerlandwest", "Switzerland West", "Switzerland", "Europe", false, ("6.143158", "46.204391"), "Geneva", "switzerlandnorth", 0),
    region("ukwest", "UK West", "United Kingdom", "Europe", false, ("-3.084", "53.427"), "Cardiff", "uksouth", 0),
    region("uaecentral", "UAE Central", "UAE", "Middle East", false, ("54.366669", "24.466667"), "Abu Dhabi", "uaenorth", 0),
    region("brazilsoutheast", "Brazil Southeast", "Brazil", "South America", false, ("-43.2075", "-22.90278"), "Rio", "brazilsouth", 0),
    region("spaincentral", "Spain Central", "Spain", "Europe", true, ("-3.4209", "40.4259"), "Madrid", "", 3),
    region("israelcentral", "Israel Central", "Israel", "Middle East", true, ("33.4506633", "31.2655698"), "Israel", "", 3),
    region("mexicocentral", "Mexico Central", "Mexico", "Mexico", true, ("-100.389888", "20.588818"), "Querétaro State", "", 3),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_a_region_and_names_are_normal() {
        for region in REGIONS {
            assert_eq!(region.name, normalise(region.display_name));
            assert!(
                region.pair.is_empty()
                    || region.pair == "swedensouth"
                    || find(region.pair).is_some(),
                "{}",
                region.pair
            );
        }
        assert_eq!(find("West Central US").map(|r| r.zones), Some(0));
    }
}
