//! Applications that do not boot, each in its own way.

use axum::Router;
use std::path::Path;
use std::time::Duration;

/// Its factory panics.
pub fn panics() -> Router {
    panic!("the database is on fire")
}

/// Its factory returns an error.
pub fn fails() -> Result<Router, String> {
    Err("DATABASE_URL is not set".to_owned())
}

/// Its factory returns an error that says far more than anybody reads.
pub fn rambles() -> Result<Router, String> {
    Err(format!("the schema is wrong\nit begins here\n{}it ends here", "a line of a long traceback\n".repeat(10_000)))
}

/// Its factory never returns.
pub fn hangs() -> Router {
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Its factory leaves the process.
#[allow(clippy::exit)]
pub fn exits() -> Router {
    std::process::exit(7)
}

/// Its factory is killed by a signal.
pub fn dies() -> Router {
    std::process::abort()
}

/// Boots unless there is a file `poison` in the working directory: then it is killed, before it is ready.
pub fn poisonable() -> Router {
    if Path::new("poison").exists() {
        std::process::abort()
    }
    super::sound::router()
}
