//! What a zygote says to an order, in four bytes: the process that it has forked, or why it could not.

use crate::types::Pid;
use std::io;

/// Said where the system has not given a number for it.
const NO_NUMBER: i32 = 0;

/// The zygote's side.
pub fn encode(forked: &io::Result<Pid>) -> [u8; 4] {
    let number = match forked {
        Ok(pid) => pid.0,
        Err(error) => error.raw_os_error().map_or(NO_NUMBER, i32::saturating_neg),
    };
    number.to_ne_bytes()
}

/// The arbiter's side.
pub fn decode(answer: &[u8]) -> io::Result<Pid> {
    match answer.try_into().map(i32::from_ne_bytes) {
        Ok(pid @ 1..) => Ok(Pid(pid)),
        Ok(errno @ ..0) => Err(io::Error::from_raw_os_error(errno.saturating_neg())),
        Ok(NO_NUMBER) | Err(_) => Err(io::Error::other("the process that has the application cannot fork")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        let forked = encode(&Ok(Pid(4711)));
        assert_eq!(decode(&forked).unwrap(), Pid(4711));
        let refused = encode(&Err(io::Error::from_raw_os_error(11)));
        assert_eq!(decode(&refused).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let unexplained = encode(&Err(io::Error::other("it died on the way")));
        assert!(decode(&unexplained).unwrap_err().to_string().contains("cannot fork"));
    }

    #[test]
    fn what_is_no_answer_is_no_process() {
        for nonsense in [&b""[..], b"\0\0\0\0", b"abc", b"abcde"] {
            assert!(decode(nonsense).is_err(), "{nonsense:?}");
        }
    }
}
