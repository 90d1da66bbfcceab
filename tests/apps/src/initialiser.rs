//! Code that runs while the library is loaded, before anybody could call anything in it.
#![allow(unsafe_code)]

use std::path::Path;
use std::time::Duration;

// SAFETY: a function pointer of the type that the dynamic loader calls; it needs nothing that is set up later.
#[used]
#[unsafe(link_section = ".init_array")]
static INITIALISER: extern "C" fn() = initialise;

/// Never returns if there is a file `tar-pit` in the working directory.
extern "C" fn initialise() {
    while Path::new("tar-pit").exists() {
        std::thread::sleep(Duration::from_secs(3600));
    }
}
