//! The hello application in one binary.

fn main() {}
