//! Process tests: the real program, real signals, real sockets. One module per behaviour; `kit` is the harness.
//!
//! Every test works in a directory of its own, on ports that the kernel chose, and ends with nothing left behind.
#![allow(missing_docs, clippy::print_stdout, clippy::print_stderr)]

mod kit;

mod access_log;
mod activation;
mod balance;
mod binds;
mod boot_failures;
mod certificates;
mod check_config;
mod daemon;
mod dev_reload;
mod examples;
mod flags;
mod handler_faults;
mod houses;
mod hung;
mod idle;
mod kit_itself;
mod logs;
mod notify_systemd;
mod orphans;
mod pid1;
mod pidfile;
mod privileges;
mod recycle;
mod refusals;
mod reload;
mod reload_faults;
mod respawn;
mod scale;
mod start;
mod stop;
mod timing;
mod titles;
mod tls;
mod upgrade;
mod websocket;
mod zero_loss;
