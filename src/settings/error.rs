//! What can be wrong with settings. Every problem is one line: the place, what is wrong, what would be right.

use std::fmt;
use std::path::PathBuf;

/// Everything that is wrong, each problem on its own line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", lines(.problems))]
pub struct SettingsError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl From<Problem> for SettingsError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

/// Where a problem is.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// In the file, both counted from 1.
    File {
        /// As the operator named it.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The character in it.
        column: usize,
    },
    /// The file as a whole.
    WholeFile(PathBuf),
    /// These words of the command line.
    CommandLine(String),
    /// These words of the command line in a variable; none: all of it.
    CmdArgs {
        /// The variable.
        variable: &'static str,
        /// The words.
        words: String,
    },
    /// This variable.
    Environment {
        /// Its name.
        name: String,
        /// Its text.
        text: String,
    },
    /// Between two options, or one option as such.
    Key(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::WholeFile(path) => write!(f, "{}", path.display()),
            Self::CommandLine(words) => f.write_str(words),
            Self::CmdArgs { variable, words } if words.is_empty() => f.write_str(variable),
            Self::CmdArgs { variable, words } => write!(f, "{variable}: {words}"),
            Self::Environment { name, text } => write!(f, "{name}={text}"),
            Self::Key(key) => f.write_str(key),
        }
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The file has a key that is no option.
    #[error("unknown key {}{hint}", quoted(.key))]
    UnknownKey {
        /// As written.
        key: String,
        /// The nearest option, or what else may help; empty or beginning with a semicolon.
        hint: String,
    },
    /// The file has a key that makes sense on the command line only.
    #[error("{key} cannot be set in the file; use {flag}")]
    NotInFile {
        /// The key.
        key: &'static str,
        /// The flag that does it.
        flag: String,
    },
    /// A value in the file is of the wrong type or out of range.
    #[error("{key} must be {wanted}, found {found}")]
    Unfit {
        /// The option.
        key: &'static str,
        /// The end of "must be ...".
        wanted: String,
        /// The text in the file.
        found: String,
    },
    /// A value on the command line or in the environment cannot be understood or is out of range; the place shows it.
    #[error("must be {wanted}")]
    Refused {
        /// The end of "must be ...".
        wanted: String,
    },
    /// The file is no TOML here.
    #[error("{message}{hint}")]
    Syntax {
        /// The parser's words.
        message: String,
        /// What may help; empty or beginning with a semicolon.
        hint: &'static str,
    },
    /// A list in a variable, or the arguments in one, have an open quote.
    #[error("a quote is not closed; the text is split into words as a shell does it")]
    OpenQuote,
    /// The file cannot be read.
    #[error("cannot read the settings file {named_by}: {reason}")]
    Unreadable {
        /// How we came to it: "named by ...".
        named_by: String,
        /// The system's words.
        reason: String,
    },
    /// The words are no command line.
    #[error("{message}")]
    Usage {
        /// What is wrong with them.
        message: String,
    },
    /// The file is a program, and it failed.
    #[error("the settings file failed: {message}")]
    Failed {
        /// The exception, in one line.
        message: String,
    },
    /// The file has a name that is another server's option, or a value that cannot be used.
    #[error("{key} {why}")]
    NotHere {
        /// The name.
        key: String,
        /// The rest of the sentence.
        why: String,
    },
    /// Two options do not go together; the message names the origin of both.
    #[error("{message}")]
    Conflict {
        /// The sentence.
        message: String,
    },
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A text in double quotes, control characters escaped, cut when it is long.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(text))
}

/// What stands for a value that nobody is shown.
pub const HIDDEN: &str = "a value that is not shown";

/// One line of at most sixty characters.
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = text.chars().take(LONGEST).flat_map(printable).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push_str("...");
    }
    short
}

fn printable(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control();
    c.escape_default().take(if escaped { usize::MAX } else { 0 }).chain((!escaped).then_some(c))
}
