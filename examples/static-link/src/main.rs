//! The application of examples/hello and rustcorn in one binary, with the whole command line and nothing to load:
//!
//! ```sh
//! cargo run --release -p static-link -- --workers 4 --bind 127.0.0.1:8000
//! ```

use hello::router;

rustcorn::main!(router);
