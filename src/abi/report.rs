//! What a worker tells the arbiter: one JSON object a line, through a pipe.

use serde::{Deserialize, Serialize};

/// The longest line. A pipe takes that much at once, and an arbiter that reads has room for it.
const LONGEST: usize = 32 * 1024;

/// What a worker tells the arbiter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// The application is loaded, connections are accepted.
    Ready,
    /// The application cannot boot; the exit follows.
    BootFailed {
        /// `exit::WORKER_BOOT` or `exit::APP_LOAD`.
        code: i32,
        /// One sentence.
        reason: String,
    },
    /// A limit was reached: replace me.
    Recycle {
        /// Which limit, in words.
        reason: String,
        /// It comes with work or age (max_requests, max_worker_lifetime), however soon that is.
        #[serde(default)]
        due: bool,
    },
    /// A signal has told me to leave, or my application has, and I accept no more.
    Leaving,
    /// The stack traces that PWR asked for are in the log.
    Traced,
    /// The application was made from these files; told while it boots, if it is reloaded when they change.
    Imported {
        /// Their paths.
        files: Vec<std::path::PathBuf>,
    },
}

impl Report {
    /// The lines that go through the pipe. Words that are too many for one lose their middle: a traceback begins with
    /// what it is about and ends with the reason. Files are told in several.
    #[must_use]
    pub fn lines(&self) -> Vec<u8> {
        let line = self.whole_line();
        if line.len() <= LONGEST {
            return line;
        }
        if let Self::Imported { files } = self
            && files.len() > 1
        {
            let (some, others) = files.split_at(files.len() / 2);
            return [some, others].map(|files| Self::Imported { files: files.to_vec() }.lines()).concat();
        }
        let mut shorter = self.clone();
        // Of some letters JSON makes six.
        let mut most = LONGEST / 2;
        while let Self::BootFailed { reason, .. } | Self::Recycle { reason, .. } = &mut shorter {
            *reason = without_middle(reason, most);
            most /= 2;
            let line = shorter.whole_line();
            if line.len() <= LONGEST {
                return line;
            }
        }
        line
    }

    fn whole_line(&self) -> Vec<u8> {
        // Nothing in a report is what JSON has no words for.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// At most `most` bytes of a text: its beginning and its end.
fn without_middle(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let is_cut = |index: &usize| text.is_char_boundary(*index);
    let begin = (0..=most / 2).rev().find(is_cut).unwrap_or(0);
    let end = (text.len() - most / 2..text.len()).find(is_cut).unwrap_or(text.len());
    format!("{}\n[... {} bytes left out ...]\n{}", &text[..begin], end - begin, &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_told_by_its_beginning_and_its_end() {
        for middle in ["x", "\u{1}", "\u{20ac}", "\n"] {
            let reason = format!("it fails\nTraceback{}ValueError: the end", middle.repeat(200_000));
            let line = Report::BootFailed { code: 3, reason }.lines();
            assert!(line.len() <= LONGEST && line.ends_with(b"\n"), "{} bytes", line.len());
            let Ok(Report::BootFailed { code: 3, reason }) = serde_json::from_slice(&line) else { panic!() };
            assert!(reason.starts_with("it fails\nTraceback") && reason.ends_with("ValueError: the end"));
            assert!(reason.contains(" bytes left out"));
        }
    }

    #[test]
    fn many_files_are_told_in_several_lines() {
        let files: Vec<_> = (0..5_000).map(|n| format!("/srv/shop/app/module_{n}.py").into()).collect();
        let lines = Report::Imported { files: files.clone() }.lines();
        let mut told = Vec::new();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            assert!(line.len() <= LONGEST, "{} bytes", line.len());
            let Ok(Report::Imported { files }) = serde_json::from_slice(line) else { panic!() };
            told.extend(files);
        }
        assert_eq!(told, files);
    }

    #[test]
    fn a_short_one_is_told_whole() {
        for report in [Report::Ready, Report::Leaving, Report::Recycle { reason: "r".repeat(30_000), due: true }] {
            let line = report.lines();
            assert_eq!(serde_json::from_slice::<Report>(&line).unwrap(), report);
        }
    }
}
