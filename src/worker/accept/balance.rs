//! Whether to accept now, or to leave the next connection to a peer that has fewer. Pure.
//!
//! Workers share a listening socket, and the kernel wakes whom it likes. So a worker whose open connections exceed the
//! least of its live peers holds back, looks again when one of its own connections has closed or after about a
//! millisecond, and gives up holding after [`MOST_HOLDS`] looks: a connection that still waits then is not being taken
//! by anybody else. Peers that let it wait are numb (they block their event loop, or are at a limit), and do not count
//! until they show a sign of life: otherwise each connection would wait as long as the first.

use crate::types::{Mono, SlotId};

/// How many times in a row a worker holds back.
pub(super) const MOST_HOLDS: u32 = 5;

/// A live peer, as the scoreboard shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) slot: SlotId,
    pub(super) connections: u32,
    /// Changes whenever the peer shows a sign of life.
    pub(super) sign: (u64, Mono),
}

/// What to do about the next connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Take it.
    Accept,
    /// Look again a little later.
    Hold,
}

/// One worker's memory of how its peers behave.
#[derive(Debug, Default)]
pub(super) struct Balance {
    holds: u32,
    /// The peers for which we hold back, as they were when we began to.
    awaited: Vec<(SlotId, (u64, Mono))>,
    numb: Vec<(SlotId, (u64, Mono))>,
}

impl Balance {
    /// Judges the present moment. After a `Hold`, the caller waits a little and asks again.
    pub(super) fn judge(&mut self, own: u32, peers: impl Iterator<Item = Peer> + Clone) -> Verdict {
        if self.holds >= MOST_HOLDS {
            return Verdict::Accept;
        }
        let numb = &self.numb;
        let awaited = peers.filter(|peer| peer.connections < own && !numb.contains(&(peer.slot, peer.sign)));
        if awaited.clone().next().is_none() {
            return Verdict::Accept;
        }
        if self.holds == 0 {
            self.awaited.clear();
            self.awaited.extend(awaited.map(|peer| (peer.slot, peer.sign)));
        }
        self.holds += 1;
        Verdict::Hold
    }

    /// A connection was there and we took it.
    pub(super) fn took_one(&mut self, peers: impl Iterator<Item = Peer>) {
        if self.holds >= MOST_HOLDS {
            self.numb.clear();
            let awaited = &self.awaited;
            self.numb.extend(peers.map(|peer| (peer.slot, peer.sign)).filter(|peer| awaited.contains(peer)));
        }
        self.holds = 0;
    }

    /// Nobody was waiting, so nobody was kept waiting.
    pub(super) fn found_nothing(&mut self) {
        self.holds = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn peer(slot: u16, connections: u32, sign: u64) -> Peer {
        Peer { slot: SlotId(slot), connections, sign: (sign, Mono(0)) }
    }

    fn judge(balance: &mut Balance, own: u32, peers: &[Peer]) -> Verdict {
        balance.judge(own, peers.iter().copied())
    }

    #[test]
    fn whoever_has_the_fewest_accepts() {
        let mut balance = Balance::default();
        assert_eq!(judge(&mut balance, 7, &[]), Verdict::Accept);
        assert_eq!(judge(&mut balance, 3, &[peer(1, 3, 0), peer(2, 9, 0)]), Verdict::Accept);
        assert_eq!(judge(&mut balance, 4, &[peer(1, 3, 0), peer(2, 9, 0)]), Verdict::Hold);
    }

    #[test]
    fn holding_ends() {
        let mut balance = Balance::default();
        let peers = [peer(1, 0, 0)];
        for _ in 0..MOST_HOLDS {
            assert_eq!(judge(&mut balance, 1, &peers), Verdict::Hold);
        }
        assert_eq!(judge(&mut balance, 1, &peers), Verdict::Accept);
    }

    #[test]
    fn a_peer_that_lets_a_connection_wait_does_not_count_until_it_moves() {
        let mut balance = Balance::default();
        let stuck = [peer(1, 0, 0), peer(2, 5, 0)];
        while judge(&mut balance, 3, &stuck) == Verdict::Hold {}
        balance.took_one(stuck.iter().copied());
        assert_eq!(judge(&mut balance, 4, &stuck), Verdict::Accept, "nobody waits for it again");
        balance.took_one(stuck.iter().copied());
        assert_eq!(judge(&mut balance, 6, &stuck), Verdict::Hold, "the other peer still counts");
        balance.found_nothing();
        assert_eq!(judge(&mut balance, 4, &[peer(1, 0, 1), peer(2, 5, 0)]), Verdict::Hold, "it moved");
    }

    #[test]
    fn a_peer_that_moved_while_we_held_back_is_not_numb() {
        let mut balance = Balance::default();
        while judge(&mut balance, 3, &[peer(1, 0, 0)]) == Verdict::Hold {}
        balance.took_one([peer(1, 1, 1)].into_iter());
        assert_eq!(judge(&mut balance, 4, &[peer(1, 1, 1)]), Verdict::Hold);
    }

    #[test]
    fn an_empty_queue_blames_nobody() {
        let mut balance = Balance::default();
        while judge(&mut balance, 3, &[peer(1, 0, 0)]) == Verdict::Hold {}
        balance.found_nothing();
        assert_eq!(judge(&mut balance, 3, &[peer(1, 0, 0)]), Verdict::Hold);
    }

    proptest! {
        /// Workers that all follow the rule and all want each connection end up even, whoever is asked first.
        #[test]
        fn connections_spread_evenly(
            workers in 2usize..8,
            order in proptest::collection::vec(0usize..64, 64),
        ) {
            let mut counts = vec![0u32; workers];
            let mut balances: Vec<Balance> = (0..workers).map(|_| Balance::default()).collect();
            for first in order {
                let taker = (0..workers).map(|n| (first + n) % workers).find(|me| {
                    let peers = (0..workers).filter(|n| n != me).map(|n| peer(n as u16, counts[n], u64::from(counts[n])));
                    balances[*me].judge(counts[*me], peers) == Verdict::Accept
                });
                let taker = taker.expect("somebody has the fewest");
                counts[taker] += 1;
                balances.iter_mut().for_each(Balance::found_nothing);
            }
            prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{counts:?}");
        }

        #[test]
        fn nobody_holds_for_ever(own in 0u32..50, peers in proptest::collection::vec((1u16..9, 0u32..50, 0u64..5), 0..9)) {
            let mut balance = Balance::default();
            let peers: Vec<Peer> = peers.into_iter().map(|(slot, count, sign)| peer(slot, count, sign)).collect();
            let holds = (0..100).take_while(|_| judge(&mut balance, own, &peers) == Verdict::Hold).count();
            prop_assert!(holds as u32 <= MOST_HOLDS);
        }
    }
}
