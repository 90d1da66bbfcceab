//! Shared pieces of the tests, which stand by subject.

mod complaints;
mod layers;
mod logs;
mod parsers;
mod properties;
mod proxies;
mod secure;
mod table;
mod validate;

use super::*;
use crate::types::Level;
use std::path::PathBuf;
use std::time::Duration;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn given(key: &'static str, texts: &[&str]) -> Given {
    Given { key, texts: texts.iter().map(|text| (*text).to_owned()).collect() }
}

fn file(text: &str) -> Sources {
    Sources { file: Some(ConfigFile { path: "rustcorn.toml".into(), text: text.to_owned() }), ..Sources::default() }
}

fn complaint(sources: &Sources) -> String {
    resolve(sources).expect_err("this is wrong").to_string()
}
