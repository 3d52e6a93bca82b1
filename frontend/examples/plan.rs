//! The planner as a browser runs it, on the estate of `shared`'s bench: `cargo xtask bench plan --browser`
//! builds it as the portal is built and calls it from a page.

#[path = "../../shared/benches/plan/estate.rs"]
mod estate;

use wasm_bindgen::prelude::wasm_bindgen;

/// An estate that can be planned.
#[wasm_bindgen]
pub struct World(estate::World);

#[wasm_bindgen]
impl World {
    /// One of that many disks.
    pub fn of_disks(disks: usize) -> Self {
        Self(estate::World::of_disks(disks))
    }

    /// Its snapshots and copies.
    pub fn objects(&self) -> usize {
        self.0.inventory.snapshots.len()
    }

    /// Plans; how many steps there are.
    pub fn plan(&self) -> usize {
        self.0.plan().steps.len()
    }
}

fn main() {}
