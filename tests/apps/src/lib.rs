//! Applications for the process tests: one that is like hello in another version, and many that misbehave.
#![allow(missing_docs)]
#![deny(unsafe_code)]

mod faulty;
mod initialiser;
mod sound;

use faulty::{dies, exits, fails, hangs, panics, poisonable, rambles};
use sound::{fallible, later, router, slow};

rustcorn::export!(router);
rustcorn::export!(slow);
rustcorn::export!(later);
rustcorn::export!(fallible);
rustcorn::export!(panics);
rustcorn::export!(fails);
rustcorn::export!(rambles);
rustcorn::export!(hangs);
rustcorn::export!(exits);
rustcorn::export!(dies);
rustcorn::export!(poisonable);
