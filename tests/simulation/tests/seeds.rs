//! The short form of `cargo xtask simulate`: a few seeds of a storm and the calm after it.

use simulation::{Options, play};

#[test]
fn a_storm_and_the_calm_after_it_break_no_rule() {
    let seeds = [2, 3, 5, 8];
    let players =
        seeds.map(|seed| std::thread::spawn(move || play(seed, Options { days: 8, large: false })));
    let mut promises = 0;
    for (seed, player) in seeds.into_iter().zip(players) {
        let report = player.join().unwrap();
        promises += report.promises;
        let last: Vec<String> = report.last.into_iter().collect();
        assert!(
            report.violation.is_none(),
            "{:?}\n{}\nagain: cargo xtask simulate -- --seeds 1 --days 8 --from {seed}",
            report.violation,
            last.join("\n")
        );
    }
    assert!(promises > 0, "no seed came to a calm in which promises are looked at");
}

#[test]
fn a_seed_gives_the_same_run_twice() {
    let [first, second] = [(), ()].map(|()| play(1, Options { days: 3, large: false }));
    assert_eq!(first.events, second.events);
    assert_eq!(first.fingerprint, second.fingerprint);
}
