//! What we have to know of a certificate besides its bytes: its names, its time, its owner.

use super::subject;
use std::fmt;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::X509Certificate;

/// A parsed certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The host names that it is for, in lower case; wildcards as `*.example.org`.
    pub names: Vec<String>,
    /// The first second of its validity, since 1970.
    pub not_before: i64,
    /// The last one.
    pub not_after: i64,
    /// To whom it was issued (RFC 4514).
    pub subject: String,
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// The parser's words, if it is none.
    pub fn parse(der: &[u8]) -> Result<Self, String> {
        let (rest, parsed) = x509_parser::parse_x509_certificate(der).map_err(|error| error.to_string())?;
        if !rest.is_empty() {
            return Err("something follows the certificate".to_owned());
        }
        Ok(Self {
            names: names(&parsed),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            subject: subject::text(parsed.subject()),
        })
    }

    /// Whose it is, for people: its names, or else its subject.
    #[must_use]
    pub fn owner(&self) -> String {
        let nameless = if self.subject.is_empty() { "nobody by name" } else { &self.subject };
        if self.names.is_empty() { nameless.to_owned() } else { self.names.join(", ") }
    }

    /// What clients will object to at this time, in seconds since 1970.
    #[must_use]
    pub fn untimely(&self, now: i64) -> Option<String> {
        if now > self.not_after {
            return Some(format!("expired at {}", Time(self.not_after)));
        }
        (now < self.not_before).then(|| format!("is not valid before {}", Time(self.not_before)))
    }

    /// The end of its validity, for people.
    #[must_use]
    pub fn valid_until(&self) -> String {
        Time(self.not_after).to_string()
    }
}

/// The names in the subject alternative name; without one, the common name, as old certificates have it.
fn names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(alternative)) = parsed.subject_alternative_name() else {
        let common = parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok());
        return common.map(str::to_ascii_lowercase).collect();
    };
    let dns = alternative.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    dns.collect()
}

struct Time(i64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(time) => write!(f, "{}", time.strftime("%Y-%m-%d %H:%M UTC")),
            Err(_) => f.write_str("a time out of reach"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::testkit::{self, Made};

    #[test]
    fn names_and_times_are_read() {
        let made = Made { years: (2020, 2021), ..testkit::made(&["Example.org", "*.example.org"]) };
        let certificate = Certificate::parse(&made.issue().der).unwrap();
        assert_eq!(certificate.names, ["example.org", "*.example.org"]);
        assert_eq!(certificate.valid_until(), "2021-01-01 00:00 UTC");
        assert_eq!(certificate.owner(), "example.org, *.example.org");
        let (before, during, after) = (1_500_000_000, 1_600_000_000, 1_700_000_000);
        assert_eq!(certificate.untimely(during), None);
        assert_eq!(certificate.untimely(after).unwrap(), "expired at 2021-01-01 00:00 UTC");
        assert_eq!(certificate.untimely(before).unwrap(), "is not valid before 2020-01-01 00:00 UTC");
    }

    #[test]
    fn without_alternative_names_the_common_name_counts() {
        let mut name = rcgen::DistinguishedName::new();
        name.push(rcgen::DnType::CommonName, "Old.example.org");
        assert_eq!(Certificate::parse(&testkit::named(name)).unwrap().names, ["old.example.org"]);
    }

    #[test]
    fn without_names_it_is_told_by_its_subject() {
        let mut name = rcgen::DistinguishedName::new();
        name.push(rcgen::DnType::OrganizationName, "Example");
        let certificate = Certificate::parse(&testkit::named(name)).unwrap();
        assert_eq!(certificate.owner(), "O=Example");
        assert_eq!(Certificate { subject: String::new(), ..certificate }.owner(), "nobody by name");
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(Certificate::parse(b"nonsense").is_err());
        let mut der = testkit::made(&["a"]).issue().der;
        der.push(0);
        assert_eq!(Certificate::parse(&der).unwrap_err(), "something follows the certificate");
    }
}
