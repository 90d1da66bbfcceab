//! Who accepts from which lane of `SO_REUSEPORT` listeners: one's own, and a share of those without a live owner.

use super::Scoreboard;
use crate::types::{Mono, SlotId};
use std::time::Duration;

/// A worker that takes connections, and the lane that is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The worker.
    pub slot: SlotId,
    /// Its lane.
    pub lane: u32,
}

impl Scoreboard {
    /// The lanes out of `lanes` that the worker in `me`, whose own lane is `own`, shall accept from now.
    #[must_use]
    pub fn lanes_for(&self, me: SlotId, own: u32, lanes: &[u32], now: Mono, stale_after: Duration) -> Vec<u32> {
        let mut owners: Vec<Owner> =
            self.live_peers(me, now, stale_after).map(|(slot, record)| Owner { slot, lane: record.lane() }).collect();
        owners.push(Owner { slot: me, lane: own });
        lanes_to_serve(me, &owners, lanes)
    }
}

/// Which of `lanes` the worker `me` serves when `owners` are the live workers: lanes that it owns, and of the ownerless
/// ones each goes to exactly one live worker. All workers that see the same owners agree, without talking.
#[must_use]
pub fn lanes_to_serve(me: SlotId, owners: &[Owner], lanes: &[u32]) -> Vec<u32> {
    let mut adopters: Vec<SlotId> = owners.iter().map(|owner| owner.slot).collect();
    adopters.sort_unstable();
    adopters.dedup();
    let mut orphans = 0;
    let mut mine = Vec::new();
    let mut lanes = lanes.to_vec();
    lanes.sort_unstable();
    lanes.dedup();
    for lane in lanes {
        if owners.iter().any(|owner| owner.lane == lane) {
            if owners.iter().any(|owner| owner.lane == lane && owner.slot == me) {
                mine.push(lane);
            }
            continue;
        }
        if !adopters.is_empty() && adopters[orphans % adopters.len()] == me {
            mine.push(lane);
        }
        orphans += 1;
    }
    mine
}
