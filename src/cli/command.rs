//! clap's command, built from the table of options. clap splits words into flags and values; values are judged by
//! `settings`, so that a wrong one is told in the same words wherever it stands.

use super::{Program, generate, words};
use crate::settings::{Kind, OPTIONS, OptionSpec, SWITCH_OFF, SWITCH_ON};
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};
use std::ffi::{OsStr, OsString};

const ABOUT: &str = "Serve a web application with supervised worker processes";

const LONG_ABOUT: &str = "\
Serve a web application with supervised worker processes. One arbiter opens the sockets, forks workers that share them, \
replaces those that die, hang or grow old, and reloads settings and application without losing a request.

Each option may also stand in the settings file under its key, and in the environment as RUSTCORN_ and its key in \
capitals. The command line outranks RUSTCORN_CMD_ARGS, which outranks the environment, the file and the default, in this \
order. Each switch has a twin with --no- in front that turns it off again.";

const AFTER_HELP: &str = "\
rustcorn generate prints the manual, completions, the reference, a sample of the settings file or its JSON schema.";

/// Splits the words that follow the program's name.
///
/// # Errors
///
/// Words that are no command line, and the requests for help and version.
pub fn parse(program: &Program, words: Vec<OsString>) -> Result<ArgMatches, clap::Error> {
    let mut command = options(program).no_binary_name(true);
    // Only the first word can be the subcommand; known to clap all the time it would blur the messages of the rest.
    if !program.linked && words.first().is_some_and(|word| word == generate::COMMAND) {
        command = command.subcommand(generate::command());
    }
    command.try_get_matches_from(words::tied(words))
}

/// Splits the words of `RUSTCORN_CMD_ARGS`, where only options and the application make sense.
///
/// # Errors
///
/// Words that are no options of a command line.
pub fn parse_cmd_args(program: &Program, words: Vec<String>) -> Result<ArgMatches, clap::Error> {
    let words = words.into_iter().map(OsString::from).collect();
    options(program).no_binary_name(true).try_get_matches_from(words::tied(words))
}

/// The whole command of the `rustcorn` program, as manual and completions describe it.
pub fn whole() -> Command {
    options(&Program::loader()).subcommand(generate::command())
}

fn options(program: &Program) -> Command {
    let version = Arg::new("version")
        .short('v')
        .short_alias('V')
        .long("version")
        .help("Print version")
        .action(ArgAction::Version);
    let rows = OPTIONS.iter().filter(|spec| !(spec.positional && program.linked));
    let command = Command::new(program.name.clone())
        .version(program.version())
        .about(ABOUT)
        .long_about(LONG_ABOUT)
        .max_term_width(100)
        .args_override_self(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .args(rows.flat_map(arguments))
        .arg(version);
    let name = &program.name;
    match program.linked {
        true => command.override_usage(format!("{name} [OPTIONS]")),
        false => {
            let usage = format!("{name} [OPTIONS] [APP]\n       {name} generate <WHAT>");
            command.override_usage(usage).after_help(AFTER_HELP)
        }
    }
}

/// The arguments of one option: its flag, and the twin that turns it off.
fn arguments(spec: &OptionSpec) -> Vec<Arg> {
    let argument = Arg::new(spec.key).help_heading(spec.section.title()).help(help(spec)).long_help(long_help(spec));
    if spec.positional {
        return vec![argument.value_name(spec.kind.placeholder().unwrap_or("APP"))];
    }
    let mut argument = argument.long(spec.long_flag()).visible_aliases(spec.aliases);
    if let Some(short) = spec.short {
        argument = argument.short(short);
    }
    argument = match spec.kind {
        Kind::Switch => argument.action(ArgAction::SetTrue),
        _ => with_value(argument, spec),
    };
    let Some(no_flag) = spec.no_flag() else { return vec![argument] };
    // The rarer twin stays out of the short help; both are in the manual's words and in the completions.
    let is_on = spec.default().is_some_and(|value| value.to_string() == SWITCH_ON);
    let twin = Arg::new(no_flag.clone())
        .long(no_flag)
        .action(ArgAction::SetTrue)
        .overrides_with(spec.key)
        .help_heading(spec.section.title())
        .help(format!("Turn {} off", spec.key))
        .hide(!is_on);
    let twin_id = twin.get_id().clone();
    vec![argument.overrides_with(twin_id), twin]
}

fn with_value(argument: Arg, spec: &OptionSpec) -> Arg {
    let action = if spec.kind.is_list() { ArgAction::Append } else { ArgAction::Set };
    let placeholder = spec.kind.placeholder().unwrap_or("VALUE");
    let argument = argument.action(action).value_name(placeholder).value_hint(hint(placeholder));
    match spec.kind {
        Kind::Choice { names, switch } => {
            let argument = argument.value_parser(ValueParser::new(Names(names)));
            match switch {
                Some((on, _)) => argument.num_args(0..=1).require_equals(true).default_missing_value(on),
                None => argument,
            }
        }
        // A negative number is a wrong value, not an unknown flag.
        Kind::Integer { .. } | Kind::Seconds | Kind::Bytes | Kind::Mode => argument.allow_negative_numbers(true),
        _ => argument,
    }
}

fn hint(placeholder: &str) -> ValueHint {
    match placeholder {
        "FILE" => ValueHint::FilePath,
        "DIR" => ValueHint::DirPath,
        "USER" => ValueHint::Username,
        _ => ValueHint::Other,
    }
}

fn help(spec: &OptionSpec) -> String {
    match spec.default().map(|value| value.plain()) {
        Some(default) if !default.is_empty() && default != [SWITCH_OFF] => {
            format!("{} [default: {}]", spec.help(), default.join(" "))
        }
        _ => spec.help().to_owned(),
    }
}

fn long_help(spec: &OptionSpec) -> String {
    let mut paragraphs = vec![format!("{}.", spec.help())];
    paragraphs.extend(spec.paragraphs());
    paragraphs.push(facts(spec));
    paragraphs.join("\n\n")
}

/// The option's other names and its default, in brackets as clap writes them.
fn facts(spec: &OptionSpec) -> String {
    let mut facts = Vec::new();
    if let Some(default) = spec.default().map(|value| value.plain().join(" ")).filter(|text| !text.is_empty()) {
        facts.push(format!("[default: {default}]"));
    }
    if spec.in_file {
        facts.push(format!("[file: {}]", spec.key));
    }
    facts.push(format!("[env: {}]", spec.variable()));
    facts.join(" ")
}

/// Offers names to help and completions without judging what is given.
#[derive(Clone)]
struct Names(&'static [&'static str]);

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}
