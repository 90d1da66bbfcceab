//! One row of the table of options, and how a row is found.

use super::kind::Kind;
use super::options::{OPTIONS, Settings};
use super::value::Value;

/// Under which heading help, manual and reference show an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What is served, and from where.
    Application,
    /// Where connections come from.
    Listening,
    /// Certificates, and what clients must show.
    Tls,
    /// Whom to believe about the client.
    Proxies,
    /// HTTP/2 and WebSockets.
    Protocols,
    /// What a request may be.
    Requests,
    /// How many processes and threads, with how many connections.
    Workers,
    /// When a worker is replaced.
    Recycling,
    /// How long things may take.
    Timeouts,
    /// Taking new code and settings.
    Reloading,
    /// What only Python applications know.
    Python,
    /// The process as the system sees it.
    Process,
    /// One line for each request.
    AccessLog,
    /// The operator log.
    Logging,
    /// The settings themselves.
    Settings,
    /// Options under names that people are used to.
    Spellings,
}

impl Section {
    /// The heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Application => "Application",
            Self::Listening => "Listening",
            Self::Tls => "TLS",
            Self::Proxies => "Proxies",
            Self::Protocols => "Protocols",
            Self::Requests => "Requests",
            Self::Workers => "Workers",
            Self::Recycling => "Recycling",
            Self::Timeouts => "Timeouts",
            Self::Reloading => "Reloading",
            Self::Python => "Python",
            Self::Process => "Process",
            Self::AccessLog => "Access log",
            Self::Logging => "Logging",
            Self::Settings => "Settings",
            Self::Spellings => "Other spellings",
        }
    }
}

/// A variable of other people's making that acts as the default, below the file (as in Gunicorn).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Its text is the value.
    Value(&'static str),
    /// Its text is a port, bound on every IPv4 interface.
    Port(&'static str),
}

impl Foreign {
    /// The variable's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Value(name) | Self::Port(name) => name,
        }
    }
}

/// One option: everything that is known about it.
#[derive(Debug)]
pub struct OptionSpec {
    /// The TOML key; the variable is `RUSTCORN_` and this in capitals.
    pub key: &'static str,
    /// Its heading.
    pub section: Section,
    /// What values it takes.
    pub kind: Kind,
    /// `-w`.
    pub short: Option<char>,
    /// The flag without dashes, where it is not the key.
    long: Option<&'static str>,
    /// Other flags of the same meaning.
    pub aliases: &'static [&'static str],
    /// It has no flag: it is the word that stands alone.
    pub positional: bool,
    /// A variable that other programs set.
    pub foreign: Option<Foreign>,
    /// A reload takes it over; otherwise only a start does.
    pub reloadable: bool,
    /// It may stand in the file. What names the file, or asks for something else than serving, may not.
    pub in_file: bool,
    /// Nobody is shown its value.
    pub secret: bool,
    /// The lines of the description: one sentence, then the rest.
    docs: &'static [&'static str],
    /// Reads the field.
    get: fn(&Settings, &Kind) -> Option<Value>,
    /// Writes the field; false if value and field do not belong together.
    set: fn(&mut Settings, &Value) -> bool,
    /// Writes the field as it is in other settings.
    copy: fn(&mut Settings, &Settings),
}

/// The row of this key.
#[must_use]
pub fn spec(key: &str) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|spec| spec.key == key)
}

// === for the table ===

impl OptionSpec {
    /// A row with a flag named like its key, that a reload can change.
    pub(super) const fn new(section: Section, kind: Kind) -> Self {
        Self {
            key: "",
            section,
            kind,
            short: None,
            long: None,
            aliases: &[],
            positional: false,
            foreign: None,
            reloadable: true,
            in_file: true,
            secret: false,
            docs: &[],
            get: |_, _| None,
            set: |_, _| false,
            copy: |_, _| {},
        }
    }

    pub(super) const fn key(mut self, key: &'static str) -> Self {
        self.key = key;
        self
    }

    pub(super) const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    pub(super) const fn long(mut self, long: &'static str) -> Self {
        self.long = Some(long);
        self
    }

    pub(super) const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(super) const fn positional(mut self) -> Self {
        self.positional = true;
        self
    }

    pub(super) const fn foreign(mut self, foreign: Foreign) -> Self {
        self.foreign = Some(foreign);
        self
    }

    pub(super) const fn at_start_only(mut self) -> Self {
        self.reloadable = false;
        self
    }

    pub(super) const fn not_in_file(mut self) -> Self {
        self.in_file = false;
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(super) const fn field(
        mut self,
        field: &'static str,
        docs: &'static [&'static str],
        get: fn(&Settings, &Kind) -> Option<Value>,
        set: fn(&mut Settings, &Value) -> bool,
        copy: fn(&mut Settings, &Settings),
    ) -> Self {
        if self.key.is_empty() {
            self.key = field;
        }
        self.docs = docs;
        self.get = get;
        self.set = set;
        self.copy = copy;
        self
    }
}

// === for everybody ===

impl OptionSpec {
    /// The long flag without its dashes.
    #[must_use]
    pub fn long_flag(&self) -> String {
        self.long.map_or_else(|| self.key.replace('_', "-"), str::to_owned)
    }

    /// The flag that turns it off, without its dashes.
    #[must_use]
    pub fn no_flag(&self) -> Option<String> {
        let switches = matches!(self.kind, Kind::Switch | Kind::Choice { switch: Some(_), .. });
        switches.then(|| format!("no-{}", self.long_flag()))
    }

    /// How messages name it as part of a command line: `--workers`.
    #[must_use]
    pub fn flag(&self) -> String {
        if self.positional {
            self.kind.placeholder().unwrap_or("APP").to_owned()
        } else {
            format!("--{}", self.long_flag())
        }
    }

    /// The environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{}{}", super::PREFIX, self.key.to_ascii_uppercase())
    }

    /// One sentence without its full stop.
    #[must_use]
    pub fn help(&self) -> &'static str {
        self.docs.first().map_or("", |line| line.trim()).trim_end_matches('.')
    }

    /// The rest of the description, one string a paragraph.
    #[must_use]
    pub fn paragraphs(&self) -> Vec<String> {
        let lines: Vec<&str> = self.docs.iter().skip(1).map(|line| line.trim()).collect();
        let paragraphs = lines.split(|line| line.is_empty()).map(|lines| lines.join(" "));
        paragraphs.filter(|paragraph| !paragraph.is_empty()).collect()
    }

    /// What it is when nobody says anything; none: not set.
    #[must_use]
    pub fn default(&self) -> Option<Value> {
        self.of(&Settings::default())
    }

    /// Its value in these settings; none: not set.
    #[must_use]
    pub fn of(&self, settings: &Settings) -> Option<Value> {
        (self.get)(settings, &self.kind)
    }

    /// Takes the value that other settings have.
    pub(super) fn copy(&self, settings: &mut Settings, from: &Settings) {
        (self.copy)(settings, from);
    }

    /// Puts a value into the settings; false if value and field do not belong together.
    pub(super) fn put(&self, settings: &mut Settings, value: &Value) -> bool {
        (self.set)(settings, value)
    }
}
