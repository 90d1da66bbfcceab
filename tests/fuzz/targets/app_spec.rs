//! The application's name: what is read can be written again, and an error is one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rustcorn::app::AppSpec;

fuzz_target!(|text: &str| {
    match AppSpec::parse(text) {
        Ok(spec) => {
            assert_eq!(AppSpec::parse(&spec.to_string()).as_ref(), Ok(&spec));
            assert!(!spec.export.is_empty());
            let _ = (spec.file_name(), spec.package_name());
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
});
