//! What people read of a decision, and how the one about a point is found.

use shared::{
    History, Reason, Subject,
    model::{KeepRule, KeptBy},
    plan,
    plan::DeleteBar,
};

use crate::world::{World, at, limits, policy};

#[test]
fn each_keep_rule_has_its_own_sentence() {
    let kept = |rule, place, of| {
        let by = KeptBy { rule, place, of };
        Reason::KeptByRule { policy: "p".into(), by }.to_string()
    };
    assert_eq!(kept(KeepRule::Within, 1, 24), "Within 24 hours of the newest (policy `p`).");
    assert_eq!(kept(KeepRule::Last, 2, 3), "Number 2 of the last 3 (policy `p`).");
    assert_eq!(kept(KeepRule::Daily, 2, 7), "Number 2 of 7 daily points (policy `p`).");
}

#[test]
fn the_decision_about_a_point_is_found_by_its_id() {
    let mut world = World::with_disks(at("2026-11-23T07:00:00Z"), &["data"]);
    let policies = [policy(&["data"])];
    world.settle(&policies);
    let inventory = &world.inventory;
    let now = inventory.taken_at;
    let plan = plan(inventory, &policies, &[], &History::none(), &limits(), now);
    for snapshot in &inventory.snapshots {
        let decision = plan.about_point(&snapshot.id).unwrap();
        assert_eq!(decision.subject, Subject::Point(snapshot.id.clone()));
    }
    assert!(plan.about_point(&inventory.disks[0].id).is_none());
}

#[test]
fn each_bar_of_deletions_has_its_own_sentence() {
    let barred = |bar| Reason::DeletesBarred { bar }.to_string();
    let said = |bar, text: &str| assert!(barred(bar).contains(text), "{}", barred(bar));
    said(DeleteBar::InventoryIncomplete, "not everything could be listed");
    said(DeleteBar::PointsVanished, "listed no more");
    said(DeleteBar::HistoryUnreadable, "past runs cannot be read");
    said(DeleteBar::ClocksApart, "more than 5 minutes apart");
}
