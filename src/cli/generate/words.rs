//! What manual and reference say beside the options: signals, exit codes, files, variables.

use crate::types::exit;

/// What the arbiter does at a signal.
pub const SIGNALS: &[(&str, &str)] = &[
    (
        "HUP",
        "Reload: read the settings again, open and close the addresses that changed, replace every worker by one with the new settings and the application as it is now on disk. New workers are ready before old ones stop. If anything is wrong, everything stays as it was and the log says why.",
    ),
    ("TTIN", "One worker more, until the next reload."),
    ("TTOU", "One worker fewer, at least one, until the next reload."),
    ("USR1", "Open the log file anew, in the arbiter and in the workers."),
    (
        "USR2",
        "Upgrade: start the binary that is on disk now, beside this one and on the same sockets. End this one with TERM or QUIT when the new one serves; if the new one dies, this one goes on.",
    ),
    ("WINCH", "As a daemon only: retire the workers and keep the arbiter. HUP brings them back."),
    ("TERM", "Stop gracefully: answer what has been taken on, within graceful_timeout. A second one makes it quick."),
    ("INT, QUIT", "Stop quickly."),
];

/// What the exit code says.
pub const EXIT_CODES: &[(i32, &str)] = &[
    (exit::OK, "It was asked to stop, and did; or the check found nothing wrong."),
    (exit::FAILURE, "The settings, an address, the pid file or the environment is wrong."),
    (exit::USAGE, "The command line cannot be understood."),
    (
        exit::WORKER_BOOT,
        "The first workers could not boot: the application failed, panicked, died or took longer than boot_timeout.",
    ),
    (
        exit::APP_LOAD,
        "The application could not be loaded: there is no such library or router, or it was built for another rustcorn.",
    ),
];

/// The variables that are no option.
pub const VARIABLES: &[(&str, &str)] = &[
    (
        crate::settings::CMD_ARGS,
        "Options as on a command line, split as by a shell. The real command line outranks them.",
    ),
    (
        "RUSTCORN_*",
        "Each option, by its key in capitals. An empty variable counts as unset, a list is split as by a shell, a switch takes true or false.",
    ),
    (
        "UVICORN_*",
        "Each option of uvicorn's, by its flag in capitals; the RUSTCORN_ variables outrank them. A list has spaces between \
         its elements.",
    ),
    ("PORT", "The port to listen on, on every IPv4 interface, if nothing else says where."),
    ("WEB_CONCURRENCY", "The number of workers, if nothing else says how many."),
    ("LISTEN_FDS, LISTEN_PID", "Sockets that the service manager passes; they are used in place of bind."),
    ("NOTIFY_SOCKET", "Where the service manager is told of readiness, reloads, stops and the status."),
];

/// The layers of the settings.
pub const LAYERS: &str = "The command line outranks RUSTCORN_CMD_ARGS, which outranks the RUSTCORN_ variables, those of \
uvicorn, the settings file, PORT and WEB_CONCURRENCY, and the default, in this order. A list is taken whole from the highest of them. \
--print-config shows every value and where it comes from.";
