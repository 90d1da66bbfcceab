//! Process tests: the real program, real signals, real sockets. One module per behaviour; `kit` is the harness.
//!
//! Every test works in a directory of its own, on ports that the kernel chose, and ends with nothing left behind.
#![allow(missing_docs)]

mod kit;
