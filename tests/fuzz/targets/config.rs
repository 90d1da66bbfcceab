//! The settings file: each problem is one line, and settings that are written down read as what they were.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rustcorn::settings::{ConfigFile, OPTIONS, Settings, SettingsError, Sources, resolve, validate};
use std::fmt::Write;

fn read(text: &str) -> Result<Settings, SettingsError> {
    let file = ConfigFile { path: "rustcorn.toml".into(), text: text.to_owned() };
    resolve(&Sources { file: Some(file), ..Sources::default() }).map(|resolved| resolved.settings)
}

fuzz_target!(|text: &str| {
    let settings = match read(text) {
        Ok(settings) => settings,
        Err(error) => {
            assert!(!error.problems.is_empty());
            assert_eq!(error.to_string().lines().count(), error.problems.len(), "{error}");
            return;
        }
    };
    validate(&settings).expect("what a file may say, a program may");
    let mut written = String::new();
    for spec in OPTIONS.iter().filter(|spec| spec.in_file) {
        if let Some(value) = spec.of(&settings) {
            let _ = writeln!(written, "{} = {value}", spec.key);
        }
    }
    assert_eq!(read(&written).as_ref(), Ok(&settings), "{written}");
});
