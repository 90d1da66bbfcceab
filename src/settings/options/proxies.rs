//! Whom to believe about the client.

macro_rules! proxies_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*
        } $($rest)* }
    };
}
