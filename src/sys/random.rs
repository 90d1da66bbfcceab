//! Randomness of the kernel.

use std::io;

/// Fills `words` with random bits that no other process gets, a fork of this one included.
///
/// # Errors
///
/// The kernel has none to give, which no kernel since Linux 3.17 says.
pub fn fill(words: &mut [u64; 4]) -> io::Result<()> {
    let wanted = size_of_val(words);
    loop {
        // SAFETY: the buffer is as long as is said. Up to 256 bytes come at once or not at all.
        let got = unsafe { nix::libc::getrandom(words.as_mut_ptr().cast(), wanted, 0) };
        if usize::try_from(got) == Ok(wanted) {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn nothing_comes_twice() {
        let (mut one, mut other) = ([0; 4], [0; 4]);
        fill(&mut one).unwrap();
        fill(&mut other).unwrap();
        assert!(one != other && one.iter().chain(&other).all(|word| *word != 0));
    }
}
