//! Certificates and what clients must show.

macro_rules! tls_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*
        } $($rest)* }
    };
}
