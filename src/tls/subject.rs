//! The name of whom a certificate was issued to, as RFC 4514 writes it: `CN=alice,O=Example`.

use std::fmt::Write;
use x509_parser::asn1_rs::ToDer;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The attributes that have a short name (RFC 4514 section 3).
const SHORT: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

/// The whole name, the most special part first.
pub fn text(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> =
        name.iter_rdn().map(|rdn| rdn.iter().map(attribute).collect::<Vec<_>>().join("+")).collect();
    parts.reverse();
    parts.join(",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let short = SHORT.iter().find(|(known, _)| *known == oid).map(|(_, short)| *short);
    match (short, attribute.as_str()) {
        (Some(short), Ok(value)) => format!("{short}={}", escaped(value)),
        // Without a short name the value is written as its encoding (section 2.4).
        (short, _) => {
            let mut text = format!("{}=#", short.unwrap_or(&oid));
            for byte in attribute.attr_value().to_der_vec().unwrap_or_default() {
                // Writing to a String cannot fail.
                let _ = write!(text, "{byte:02x}");
            }
            text
        }
    }
}

/// A value as section 2.4 wants it. Controls are escaped too, so that no name can break a line of a log.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (index, c) in value.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', c]),
            '#' | ' ' if index == 0 => text.extend(['\\', c]),
            ' ' if index == last => text.push_str("\\ "),
            c if c.is_control() => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(text, "\\{byte:02x}");
                }
            }
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::testkit;
    use rcgen::{DistinguishedName, DnType};

    fn subject(parts: &[(DnType, &str)]) -> String {
        let mut name = DistinguishedName::new();
        parts.iter().for_each(|(kind, value)| name.push(kind.clone(), *value));
        let der = testkit::named(name);
        text(x509_parser::parse_x509_certificate(&der).unwrap().1.subject())
    }

    #[test]
    fn the_special_part_comes_first_and_unknown_ones_are_encoded() {
        let parts = [(DnType::CountryName, "DE"), (DnType::OrganizationName, "Müller"), (DnType::CommonName, "alice")];
        assert_eq!(subject(&parts), "CN=alice,O=Müller,C=DE");
        let serial = DnType::CustomDnType(vec![2, 5, 4, 5]);
        assert_eq!(subject(&[(serial, "42"), (DnType::CommonName, "a")]), "CN=a,2.5.4.5=#0c023432");
    }

    #[test]
    fn what_would_be_misread_is_escaped() {
        for (value, wanted) in [
            ("a,b+c", "a\\,b\\+c"),
            ("#a#", "\\#a#"),
            (" a b ", "\\ a b\\ "),
            (" ", "\\ "),
            ("x\\\"<>;y", "x\\\\\\\"\\<\\>\\;y"),
            ("a\nb\0\u{85}", "a\\0ab\\00\\c2\\85"),
        ] {
            assert_eq!(escaped(value), wanted);
        }
    }
}
