//! Signals that come while something is served.
//!
//! A command shares our process group, so whatever a terminal sends (Ctrl-C, Ctrl-\, the end of the line) has reached it
//! already. What another process sends has reached only us, and is passed on. Signals that were ignored when we were
//! started, as `nohup` does, stay ignored, by the command as well.

pub(super) use platform::{Caught, listen};

#[cfg(unix)]
mod platform {
    use std::process::Child;
    use std::sync::mpsc::Sender;
    use std::thread;

    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::WithRawSiginfo;

    use super::super::{Event, Failure};

    /// What asks a program to end.
    const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

    /// What else is a command's to take, and that a command has changed.
    const OF_A_COMMAND: [i32; 3] = [SIGUSR1, SIGUSR2, SIGCHLD];

    /// A signal that came.
    #[derive(Debug)]
    pub(in super::super) struct Caught {
        number: i32,
        is_from_a_process: bool,
    }

    impl Caught {
        /// Gives it to the command, which nobody has waited for yet: no other process has its number.
        pub(in super::super) fn pass_on(&self, child: &Child) {
            if self.is_from_a_process
                && self.number != SIGCHLD
                && let Some(signal) = Signal::from_named_raw(self.number)
            {
                let _ = kill_process(Pid::from_child(child), signal);
            }
        }
    }

    /// Sends what comes to `events`. Whoever serves alone takes only what asks it to end.
    pub(in super::super) fn listen(is_alone: bool, events: &Sender<Event>) -> Result<(), Failure> {
        let ignored = std::fs::read_to_string("/proc/self/status").map_or(0, |status| ignored(&status));
        let others = OF_A_COMMAND.iter().filter(|_| !is_alone);
        let wanted = ENDING.iter().chain(others).filter(|number| ignored & (1 << (*number - 1)) == 0);
        let mut signals = SignalsInfo::<WithRawSiginfo>::new(wanted).map_err(Failure::Signals)?;
        let events = events.clone();
        thread::spawn(move || {
            for signal in signals.forever() {
                // POSIX: what a process sends has a code that is not above zero (but for kill on macOS, 0x10001).
                let is_from_a_process = signal.si_code <= 0 || signal.si_code == 0x1_0001;
                if events.send(Event::Signal(Caught { number: signal.si_signo, is_from_a_process })).is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    /// The signals that this process ignores, one bit for each, as Linux tells. None on systems that tell nothing.
    fn ignored(status: &str) -> u64 {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn ignored_signals_are_read_as_linux_writes_them() {
            let status =
                "Name:\tlodge\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n";

            assert_eq!(ignored(status), 1 << (SIGHUP - 1) | 1 << 12);
            assert_eq!(ignored("SigIgn:\tnothing"), 0);
        }
    }
}

/// Not built where this was written: there a signal ends the helper as it ends any program, and none is passed on.
#[cfg(not(unix))]
mod platform {
    use std::process::Child;
    use std::sync::mpsc::Sender;

    use super::super::{Event, Failure};

    #[derive(Debug)]
    pub(in super::super) struct Caught;

    impl Caught {
        pub(in super::super) fn pass_on(&self, _: &Child) {}
    }

    pub(in super::super) fn listen(_: bool, _: &Sender<Event>) -> Result<(), Failure> {
        Ok(())
    }
}
