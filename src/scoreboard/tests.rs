use super::lanes::{Owner, lanes_to_serve};
use super::writer::latency_bucket;
use super::*;
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const SECOND: Duration = Duration::from_secs(1);

fn ready(board: &Scoreboard, slot: u16, connections: u32, beat: u64) {
    let slot = SlotId(slot);
    board.reset(slot, Generation::FIRST, Mono(beat));
    let writer = board.writer(slot, true);
    (0..connections).for_each(|_| writer.connection_opened());
    writer.record().set_ready(Mono(beat));
}

#[test]
fn a_mapping_of_another_layout_is_refused() {
    let board = Scoreboard::private(2);
    assert!(Scoreboard::adopt(board.words).is_ok());
    board.words[layout::VERSION].store(99, Relaxed);
    assert_eq!(
        Scoreboard::adopt(board.words).unwrap_err(),
        ScoreboardError::Layout { found: 99, expected: layout::LAYOUT }
    );
}

#[test]
fn a_mapping_that_is_too_short_is_refused() {
    let board = Scoreboard::private(2);
    assert!(matches!(Scoreboard::adopt(&board.words[..40]), Err(ScoreboardError::Short { .. })));
    assert!(matches!(Scoreboard::adopt(&board.words[..3]), Err(ScoreboardError::Short { .. })));
}

#[test]
fn a_mapping_is_seen_by_everybody_who_has_its_address() {
    let board = Scoreboard::create(3).unwrap();
    board.reset(SlotId(2), Generation(7), Mono(5));
    assert_eq!(board.raw().1, layout::words_for(3) * 8);
    assert_eq!(board.raw().0 as usize % 128, 0);
    let other = Scoreboard::adopt(board.words).unwrap();
    assert_eq!(other.slots(), 3);
    assert_eq!(other.high_water(), 3);
    assert_eq!(other.slot(SlotId(2)).generation(), Generation(7));
    assert_eq!(other.slot(SlotId(2)).state(), State::Starting);
}

#[test]
fn a_request_is_in_flight_until_it_is_finished() {
    let board = Scoreboard::private(1);
    board.reset(SlotId(0), Generation::FIRST, Mono(1));
    let writer = board.writer(SlotId(0), true);
    let second = writer.begin("POST", b"/second?x=1", Mono(20));
    let first = writer.begin("GET", b"/first", Mono(10));
    let record = board.slot(SlotId(0));
    let seen: Vec<_> = record.requests().into_iter().map(|r| (r.method, r.path, r.since.0)).collect();
    assert_eq!(seen, [("GET".into(), "/first".into(), 10), ("POST".into(), "/second?x=1".into(), 20)]);
    assert_eq!(writer.finish(first, 200, Duration::from_micros(3)), 1);
    assert_eq!(writer.finish(second, 0, Duration::from_micros(1)), 2);
    let facts = record.snapshot();
    assert!(record.requests().is_empty());
    assert_eq!((facts.in_flight, facts.requests, facts.status), (0, 2, [1, 0, 1, 0, 0, 0]));
    assert_eq!((facts.latency[1], facts.latency[2]), (1, 1));
}

#[test]
fn less_than_nothing_reads_as_nothing() {
    let board = Scoreboard::private(1);
    let writer = board.writer(SlotId(0), true);
    writer.connection_closed();
    assert_eq!(board.slot(SlotId(0)).connections(), 0);
}

#[test]
fn connections_are_counted_from_any_thread() {
    let board = Scoreboard::private(1);
    let writer = Arc::new(board.writer(SlotId(0), true));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let writer = writer.clone();
            std::thread::spawn(move || (0..50_000).for_each(|_| writer.connection_opened()))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(board.slot(SlotId(0)).connections(), 200_000);
}

#[test]
fn requests_beyond_the_table_are_counted_but_not_listed() {
    let board = Scoreboard::private(1);
    board.reset(SlotId(0), Generation::FIRST, Mono(1));
    let writer = board.writer(SlotId(0), true);
    let mut slots: Vec<_> = (0..20).map(|n| writer.begin("GET", b"/", Mono(n + 1))).collect();
    assert_eq!(board.slot(SlotId(0)).requests().len(), layout::ENTRY_COUNT);
    assert_eq!(board.slot(SlotId(0)).snapshot().in_flight, 20);
    for slot in slots.drain(..) {
        writer.finish(slot, 204, SECOND);
    }
    assert_eq!(board.slot(SlotId(0)).snapshot().in_flight, 0);
    let again = writer.begin("GET", b"/again", Mono(1));
    assert_eq!(board.slot(SlotId(0)).requests().len(), 1);
    writer.finish(again, 200, SECOND);
}

/// How many connections the live peers of this one have.
fn live(board: &Scoreboard, me: u16, now: Mono, stale_after: Duration) -> Vec<u32> {
    board.live_peers(SlotId(me), now, stale_after).map(|(_, record)| record.connections()).collect()
}

#[test]
fn peers_that_drain_or_whose_heartbeat_is_stale_do_not_count() {
    let board = Scoreboard::private(5);
    let now = Mono(10_000_000_000);
    ready(&board, 0, 9, now.0);
    ready(&board, 1, 5, now.0);
    assert_eq!(live(&board, 0, now, SECOND), [5]);
    ready(&board, 2, 1, now.0 - 1_500_000_000);
    ready(&board, 3, 2, now.0);
    board.slot(SlotId(3)).set_state(State::Draining);
    assert_eq!(live(&board, 0, now, SECOND), [5]);
    assert_eq!(live(&board, 1, now, SECOND), [9]);
    board.vacate(SlotId(1));
    assert!(live(&board, 0, now, SECOND).is_empty());
}

#[test]
fn a_stopped_clock_or_one_that_went_back_makes_nobody_stale() {
    let board = Scoreboard::private(2);
    ready(&board, 1, 3, 5_000);
    assert_eq!(live(&board, 0, Mono(1_000), Duration::ZERO), [3]);
}

#[test]
fn counters_are_right_with_several_threads() {
    let board = Scoreboard::private(1);
    board.reset(SlotId(0), Generation::FIRST, Mono(1));
    let writer = Arc::new(board.writer(SlotId(0), false));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let writer = Arc::clone(&writer);
            std::thread::spawn(move || {
                for n in 0..5_000u64 {
                    writer.connection_opened();
                    let slot = writer.begin("GET", b"/", Mono(n + 1));
                    writer.finish(slot, 200, Duration::from_micros(n));
                    writer.connection_closed();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let facts = board.slot(SlotId(0)).snapshot();
    assert_eq!((facts.requests, facts.accepted, facts.connections, facts.in_flight), (20_000, 20_000, 0, 0));
    assert_eq!(facts.latency.iter().sum::<u64>(), 20_000);
    assert_eq!(writer.record().requests(), []);
}

#[test]
fn a_reader_never_sees_half_of_an_entry() {
    let board = Scoreboard::private(1);
    board.reset(SlotId(0), Generation::FIRST, Mono(1));
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = std::thread::spawn(move || {
        let writer = board.writer(SlotId(0), true);
        let mut n = 0u64;
        while !stopped.load(Relaxed) {
            n += 1;
            let digit = b'0' + (n % 10) as u8;
            let path = vec![digit; 1 + (n % 130) as usize];
            let slot = writer.begin(std::str::from_utf8(&[digit; 3]).unwrap(), &path, Mono(u64::from(digit)));
            if n.is_multiple_of(3) {
                std::hint::spin_loop();
            }
            writer.finish(slot, 200, Duration::ZERO);
        }
        n
    });
    let mut seen = 0;
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while seen < 2_000 && std::time::Instant::now() < deadline {
        for request in board.slot(SlotId(0)).requests() {
            let digit = request.method.chars().next().unwrap();
            assert!(request.path.chars().all(|c| c == digit), "{request:?}");
            assert_eq!(request.since.0, u64::from(u32::from(digit)), "{request:?}");
            seen += 1;
        }
    }
    stop.store(true, Relaxed);
    assert!(thread.join().unwrap() > 0);
    assert!(seen > 0, "the reader never met an entry in use");
}

proptest! {
    #[test]
    fn paths_come_back_cut_to_what_fits(method in "[A-Z]{1,8}", path in "/[ -~]{0,200}") {
        let board = Scoreboard::private(1);
        board.reset(SlotId(0), Generation::FIRST, Mono(1));
        let writer = board.writer(SlotId(0), true);
        // What a longer request left behind must not show.
        let before = writer.begin("OPTIONSX", &[b'~'; 200], Mono(1));
        writer.finish(before, 200, Duration::ZERO);
        let slot = writer.begin(&method, path.as_bytes(), Mono(3));
        let seen = board.slot(SlotId(0)).requests();
        prop_assert_eq!(seen.len(), 1);
        prop_assert_eq!(&seen[0].method, &method);
        prop_assert_eq!(seen[0].path.as_str(), &path[..path.len().min(layout::PATH_BYTES)]);
        writer.finish(slot, 200, Duration::ZERO);
    }

    #[test]
    fn a_bucket_holds_what_its_bound_says(micros in 0u64..1 << 40) {
        let n = latency_bucket(Duration::from_micros(micros));
        prop_assert!(n == layout::LATENCY_BUCKETS - 1 || micros < 1 << n);
        prop_assert!(n == 0 || micros >= 1 << (n - 1));
    }

    #[test]
    fn every_lane_is_served_and_an_orphan_by_exactly_one(
        owners in proptest::collection::btree_map(0u16..12, 0u32..12, 1..12),
        lanes in proptest::collection::vec(0u32..12, 0..12),
    ) {
        let owners: Vec<Owner> = owners.into_iter().map(|(slot, lane)| Owner { slot: SlotId(slot), lane }).collect();
        for lane in &lanes {
            let served = owners.iter().filter(|me| lanes_to_serve(me.slot, &owners, &lanes).contains(lane)).count();
            let owned = owners.iter().filter(|owner| owner.lane == *lane).count();
            prop_assert_eq!(served, owned.max(1));
        }
    }

    #[test]
    fn orphans_are_spread(workers in 1u16..8, orphans in 0u32..20) {
        let owners: Vec<Owner> = (0..workers).map(|n| Owner { slot: SlotId(n), lane: 100 + u32::from(n) }).collect();
        let lanes: Vec<u32> = (0..orphans).collect();
        let shares: Vec<usize> = owners.iter().map(|me| lanes_to_serve(me.slot, &owners, &lanes).len()).collect();
        prop_assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
    }
}
