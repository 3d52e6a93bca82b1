//! A plan in the words of the notation.

use std::fmt::Write as _;

use shared::{Decision, Effect, Fate, Plan, Reason, ResourceId, Subject, model::KeepRule, tags};

use super::notation::{Scenario, short};

/// The steps in order, then the decisions: disks first, then points as they stand in time.
pub(super) fn plan(scenario: &Scenario, plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let _ = writeln!(text, "step {}", effect(scenario, &step.effect));
    }
    let mut lines: Vec<(u8, String)> = plan
        .decisions
        .iter()
        .map(|decision| {
            let (rank, subject) = match &decision.subject {
                Subject::Request(id) => (0, id.clone()),
                Subject::Disk(id) => (1, format!("disk {}", id.name())),
                Subject::Point(id) => (2, label(scenario, id)),
            };
            (rank, format!("{subject}: {}", fate(scenario, decision)))
        })
        .collect();
    lines.sort();
    for (_, line) in lines {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn label(scenario: &Scenario, id: &ResourceId) -> String {
    scenario.labels.get(id).cloned().unwrap_or_else(|| format!("`{}`", id.name()))
}

fn effect(scenario: &Scenario, effect: &Effect) -> String {
    let of = |id: &ResourceId| label(scenario, id);
    match effect {
        Effect::CreateSnapshot { id, source, tags, network_access, .. } => {
            let read = |name: &str| tags::read(tags, name).unwrap_or("?").to_owned();
            let slot = tags::read_time(tags, tags::SLOT).map_or("?".to_owned(), short);
            let mut line = format!("snapshot {} {slot} of {}", source.name(), read(tags::POLICY));
            if id.group() != source.group() {
                let _ = write!(line, " in {}", id.group());
            }
            if *network_access != shared::NetworkAccess::DenyAll {
                let _ = write!(line, " {}", network_access.name());
            }
            line
        }
        Effect::StartCopy { id, region, source, first, fast, .. } => format!(
            "copy {} to {region}/{}{}{}{}",
            of(source),
            id.group(),
            if *first { " whole" } else { "" },
            if *fast { " fast" } else { "" },
            if id.name().ends_with("-2") { " again" } else { "" },
        ),
        Effect::CreateDisk { id, .. } => format!("restore {}", id.name()),
        Effect::MarkPoint { id, delete_after, approved, .. } => {
            let approved = if approved.is_some() { " approved" } else { "" };
            format!("mark {} until {}{approved}", of(id), short(*delete_after))
        }
        Effect::UnmarkPoint { id, .. } => format!("unmark {}", of(id)),
        Effect::PinPoint { id, .. } => format!("pin {}", of(id)),
        Effect::AdoptPoint { id, .. } => format!("adopt {}", of(id)),
        Effect::AbandonCopy { id, .. } => format!("abandon {}", of(id)),
        Effect::DeletePoint { id, .. } => format!("delete {}", of(id)),
    }
}

fn fate(scenario: &Scenario, decision: &Decision) -> String {
    let reasons: Vec<String> =
        decision.reasons.iter().map(|reason| self::reason(scenario, reason)).collect();
    let fate = match decision.fate {
        Fate::Act => "act",
        Fate::Idle => "idle",
        Fate::Wait => "wait",
        Fate::Blocked => "blocked",
        Fate::Keep => "keep",
        Fate::Released => "released",
        Fate::Foreign => "foreign",
        Fate::Held => "held",
        Fate::Marked => "marked",
        Fate::Delete => "delete",
    };
    format!("{fate} ({})", reasons.join(", "))
}

/// A reason in short: its kind, and what tells it from another of the kind.
fn reason(scenario: &Scenario, reason: &Reason) -> String {
    match reason {
        Reason::KeptByRule { policy, by } => {
            let of = if &**policy == "p" { String::new() } else { format!("{policy} ") };
            match by.rule {
                KeepRule::Within => format!("{of}within {}", by.of),
                rule => format!("{of}{} {}/{}", rule.word(), by.place, by.of),
            }
        }
        Reason::KeptForTarget { region } => format!("for {region}"),
        Reason::GivenUp { region } => format!("given up for {region}"),
        Reason::NotKept { delete_after } => format!("goes {}", short(*delete_after)),
        Reason::TargetLacks { point, .. } => format!("lacks {}", label(scenario, point)),
        Reason::SlotDue { slot } => format!("slot {}", short(*slot)),
        Reason::SlotSeen { slot, .. } => format!("seen slot {}", short(*slot)),
        Reason::BehindFailedCopy { copy, until } => {
            format!("behind {} until {}", label(scenario, copy), short(*until))
        }
        Reason::StopLoss { spent_gib, limit_gib, .. } => {
            format!("stop loss {spent_gib}/{limit_gib}")
        }
        Reason::SlotDone { next, .. } => format!("next {}", short(*next)),
        Reason::NotYetEnrolled { from } => format!("young until {}", short(*from)),
        Reason::Obstacle(obstacle) => kind(obstacle, "obstacle"),
        other => kind(other, "kind"),
    }
}

fn kind(value: &impl serde::Serialize, field: &str) -> String {
    let value = serde_json::to_value(value).unwrap();
    value[field].as_str().unwrap_or_default().replace('_', " ")
}
