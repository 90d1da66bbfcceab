//! The supervisor's decisions, one short story each: what happens, and what the machine wants done about it.

#![cfg(feature = "arbiter")]

mod crash;
mod develop;
mod hang;
mod idle;
mod late;
mod recycle;
mod reload;
mod reload_abandoned;
mod respawn;
mod scale;
mod scene;
mod start;
mod stop;
mod told;
mod upgrade;
