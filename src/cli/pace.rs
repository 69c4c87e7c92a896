//! How a verb looks again and again at what is under way at the broker.

use std::thread::sleep;
use std::time::Duration;

/// How long to wait before looking again.
pub(crate) const PAUSE: Duration = Duration::from_millis(500);

/// Twenty minutes: a broker itself gives most things up sooner.
const LOOKS: u32 = 20 * 60 * 2;

/// The pauses between looks.
#[derive(Debug)]
pub(crate) struct Pauses {
    left: u32,
}

impl Pauses {
    pub(crate) fn new() -> Self {
        Self { left: LOOKS }
    }

    /// Waits until it is time to look again; says no when it has been long enough.
    pub(crate) fn pause(&mut self) -> bool {
        let goes_on = self.left > 0;
        if goes_on {
            self.left -= 1;
            sleep(PAUSE);
        }
        goes_on
    }
}
