//! Files of environment variables, as `env_file` names them: a line says NAME=VALUE.

/// The variables that such a text sets, in its order.
///
/// # Errors
/// The line, counted from 1, and what is wrong with it, as the end of a sentence.
pub fn parse_dotenv(text: &str) -> Result<Vec<(String, String)>, (usize, String)> {
    let mut variables = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line_of = |rest: &str| text[..text.len() - rest.len()].matches('\n').count() + 1;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(variables);
        }
        if rest.starts_with('#') {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
            continue;
        }
        let at = line_of(rest);
        let (variable, after) = variable(rest).map_err(|why| (at, why))?;
        variables.push(variable);
        rest = after;
    }
}

type Variable = (String, String);

/// One variable at the beginning of a text, and what comes after it.
fn variable(text: &str) -> Result<(Variable, &str), String> {
    let line = text.lines().next().unwrap_or_default();
    let Some((name, _)) = line.split_once('=') else { return Err("must be NAME=VALUE".to_owned()) };
    let after = text[name.len() + 1..].trim_start_matches([' ', '\t']);
    let exported = name.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    let name = exported.unwrap_or(name).trim();
    let is_letter =
        |(index, c): (usize, char)| c == '_' || c.is_ascii_alphabetic() || index > 0 && "0123456789.-".contains(c);
    if name.is_empty() || !name.chars().enumerate().all(is_letter) {
        return Err(format!("{} is no name of a variable", super::error::quoted(name)));
    }
    let (value, after) = match after.chars().next() {
        Some('\'') => literal(&after[1..])?,
        Some('"') => escaped(&after[1..])?,
        _ => plain(after),
    };
    if value.1 && value.0.contains("${") {
        return Err(format!(
            "{name} refers to another variable, which is not expanded; put it in single quotes to have it as it is"
        ));
    }
    if value.0.contains('\0') {
        return Err(format!("{name} has a NUL character in its value"));
    }
    Ok(((name.to_owned(), value.0), after))
}

/// A value, and whether a shell would expand what it refers to.
type Value = (String, bool);

fn literal(text: &str) -> Result<(Value, &str), String> {
    let (value, after) = text.split_once('\'').ok_or("has a quote that is not closed")?;
    Ok(((value.to_owned(), false), end_of_line(after)?))
}

fn escaped(text: &str) -> Result<(Value, &str), String> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((index, letter)) = letters.next() {
        match letter {
            '"' => return Ok(((value, true), end_of_line(&text[index + 1..])?)),
            '\\' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, 't')) => value.push('\t'),
                Some((_, same @ ('\\' | '"' | '\'' | '$'))) => value.push(same),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            _ => value.push(letter),
        }
    }
    Err("has a quote that is not closed".to_owned())
}

/// To the end of the line, or to a comment.
fn plain(text: &str) -> (Value, &str) {
    let end = text.find('\n').unwrap_or(text.len());
    let (line, after) = text.split_at(end);
    let comment = line
        .char_indices()
        .find(|(index, c)| *c == '#' && line[..*index].chars().next_back().is_none_or(char::is_whitespace));
    let value = comment.map_or(line, |(index, _)| &line[..index]);
    ((value.trim().to_owned(), true), after)
}

/// Nothing but a comment may follow a quoted value.
fn end_of_line(text: &str) -> Result<&str, String> {
    let end = text.find('\n').unwrap_or(text.len());
    let (line, after) = text.split_at(end);
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        Ok(after)
    } else {
        Err("has something behind its closing quote".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_understood() {
        let text = [
            "\u{feff}# the shop\r",
            "A=1\r",
            "export B = two words # and a comment",
            "",
            "C='it $HOME'",
            r#"D="a\nb \"q\" # no comment" # one"#,
            "E=",
            "F='${AS} IT",
            "IS'",
            "G=a#b",
            "last.one-2=$x",
        ];
        let pairs = parse_dotenv(&text.join("\n")).unwrap();
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "it $HOME"),
            ("D", "a\nb \"q\" # no comment"),
            ("E", ""),
            ("F", "${AS} IT\nIS"),
            ("G", "a#b"),
            ("last.one-2", "$x"),
        ];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        for (text, line, why) in [
            ("A=1\n\nnonsense\n", 3, "must be NAME=VALUE"),
            ("1A=2", 1, "\"1A\" is no name of a variable"),
            ("A='\nB=2", 1, "has a quote that is not closed"),
            ("A=\"x\" y", 1, "has something behind its closing quote"),
            ("A=${B}", 1, "A refers to another variable"),
        ] {
            let (at, told) = parse_dotenv(text).unwrap_err();
            assert!(at == line && told.starts_with(why), "{text:?}: {at}: {told}");
        }
        assert_eq!(parse_dotenv("").unwrap(), []);
    }
}
