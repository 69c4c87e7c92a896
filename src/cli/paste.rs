//! Reads what a person pastes, without showing it.
//!
//! The terminal is put into a mode in which it repeats nothing and keeps no line of its own, and is put back whatever
//! happens: Ctrl-C arrives as a character in that mode, so not even that leaves a terminal behind that stays silent.
//! When standard input is no terminal, or on Windows, it is a line like any other.

use std::io::{self, BufRead, IsTerminal, Read};

use zeroize::Zeroizing;

/// Longer than anything that is pasted here.
const MAX_BYTES: u64 = 4096;

/// What was pasted, up to the end of the line.
pub(crate) fn read() -> io::Result<Zeroizing<String>> {
    let stdin = io::stdin();
    #[cfg(unix)]
    if stdin.is_terminal() {
        return silent::read(&stdin);
    }
    let mut line = Zeroizing::new(String::with_capacity(256));
    stdin.lock().take(MAX_BYTES).read_line(&mut line)?;
    if line.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(line) }
}

/// Whether what is pasted shows.
pub(crate) fn shows() -> bool {
    !cfg!(unix) && io::stdin().is_terminal()
}

#[cfg(unix)]
mod silent {
    use std::io::{self, ErrorKind, Read, Stdin};

    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
    use zeroize::Zeroizing;

    use super::MAX_BYTES;

    /// The terminal while it is silent.
    struct Silence<'a> {
        terminal: &'a Stdin,
        before: Termios,
    }

    impl<'a> Silence<'a> {
        fn of(terminal: &'a Stdin) -> io::Result<Self> {
            let before = tcgetattr(terminal)?;
            let mut silent = before.clone();
            // Canonical lines are cut at 1024 bytes on some systems, and signals would end us in this mode.
            silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
            silent.special_codes[SpecialCodeIndex::VMIN] = 1;
            silent.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(terminal, OptionalActions::Now, &silent)?;
            Ok(Self { terminal, before })
        }
    }

    impl Drop for Silence<'_> {
        fn drop(&mut self) {
            let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
        }
    }

    pub(super) fn read(terminal: &Stdin) -> io::Result<Zeroizing<String>> {
        let _silence = Silence::of(terminal)?;
        typed(terminal.lock().take(MAX_BYTES).bytes())
    }

    /// The line that these keys make.
    pub(super) fn typed(keys: impl Iterator<Item = io::Result<u8>>) -> io::Result<Zeroizing<String>> {
        let mut line = Zeroizing::new(String::with_capacity(256));
        for key in keys {
            match key? {
                b'\r' | b'\n' => return Ok(line),
                // Ctrl-C, Ctrl-D, Ctrl-Z, Ctrl-\.
                0x03 | 0x04 | 0x1a | 0x1c => return Err(ErrorKind::Interrupted.into()),
                // Backspace, and Ctrl-U.
                0x08 | 0x7f => drop(line.pop()),
                0x15 => line.clear(),
                key @ b' '..=b'~' => line.push(char::from(key)),
                _ => {}
            }
        }
        Err(ErrorKind::UnexpectedEof.into())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn typed_line(keys: &[u8]) -> Result<String, ErrorKind> {
            typed(keys.iter().map(|key| Ok(*key))).map(|line| line.to_string()).map_err(|error| error.kind())
        }

        #[test]
        fn a_line_is_what_was_typed_up_to_its_end() {
            assert_eq!(typed_line(b"abc.def\rrest"), Ok("abc.def".into()));
            assert_eq!(typed_line(b"abX\x7fc\n"), Ok("abc".into()));
            assert_eq!(typed_line(b"wrong\x15right\n"), Ok("right".into()));
            assert_eq!(typed_line(b"ab\x03"), Err(ErrorKind::Interrupted));
            assert_eq!(typed_line(b"ab"), Err(ErrorKind::UnexpectedEof));
        }
    }
}
