//! The words in braces that stand in the rows of servers.rs for what is known only when a contender starts.

use std::path::Path;

use crate::process::{Artifacts, workspace};

/// What the words stand for.
pub struct Words<'a> {
    /// `{ourselves}`, `{rustcorn}`, `{hello}` (the library), `{target}` (cargo's directory).
    pub artifacts: &'a Artifacts,
    /// `{home}`: the working directory of the process, its own and empty but for its files.
    pub home: &'a Path,
    /// `{port}`: a free port on 127.0.0.1.
    pub port: u16,
    /// `{workers}`.
    pub workers: usize,
    /// `{app}`: the application, where an entry names one.
    pub app: &'a str,
}

impl Words<'_> {
    /// The text with its words filled in. `{peers}` is the folder with the applications of other servers.
    pub fn fill(&self, text: &str) -> String {
        let words: [(&str, &dyn Fn() -> String); 9] = [
            ("{ourselves}", &|| self.artifacts.ourselves.display().to_string()),
            ("{rustcorn}", &|| self.artifacts.rustcorn.display().to_string()),
            ("{hello}", &|| self.artifacts.hello.display().to_string()),
            ("{target}", &|| self.artifacts.target.display().to_string()),
            ("{home}", &|| self.home.display().to_string()),
            ("{port}", &|| self.port.to_string()),
            ("{workers}", &|| self.workers.to_string()),
            ("{app}", &|| self.app.to_owned()),
            ("{peers}", &|| workspace().join("benches/peers").display().to_string()),
        ];
        let mut filled = text.to_owned();
        for (word, meaning) in words.iter().filter(|(word, _)| text.contains(word)) {
            filled = filled.replace(word, &meaning());
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_in_and_other_braces_stay() {
        let artifacts = Artifacts {
            ourselves: "/b/me".into(),
            rustcorn: "/b/rustcorn".into(),
            hello: "/b/libhello.so".into(),
            target: "/b".into(),
        };
        let words = Words { artifacts: &artifacts, home: Path::new("/tmp/x"), port: 81, workers: 4, app: "shop:app" };
        assert_eq!(words.fill("{hello}:router {app}"), "/b/libhello.so:router shop:app");
        assert_eq!(words.fill("http { listen {port}; } {home} {workers}"), "http { listen 81; } /tmp/x 4");
    }
}
