//! Waiting: for a connection, for a lane, for an answer.
//!
//! As long as the server answers anybody, one waits patiently: a busy server is no outage. Once it has answered nobody
//! for most of a second, everybody who waits gives up, whatever they wait for.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::store::{Error, Result};

/// How often one who waits looks whether the server has answered anybody. The silence is counted in such looks and not
/// by the clock: a broker that gets no processor for a while has not heard what there was to hear.
const LOOK: Duration = Duration::from_millis(150);

/// How patient a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Patience {
    /// Somebody waits for the answer to a request.
    Request,
    /// The same where much else keeps the machine busy, so that a server which says nothing for a while is not away.
    BusyRequest,
    /// An operator's command: it may read all there is, alone.
    Command,
}

impl Patience {
    /// How many looks without an answer make the server one that is away: for a request 900 ms, however many things it
    /// has waited for.
    const fn quiet_looks(self) -> u32 {
        match self {
            Self::Request => 6,
            Self::BusyRequest => 200,
            Self::Command => 400,
        }
    }

    /// The longest that one waits in line while the server answers others. Shorter than a helper waits for the broker
    /// (`cli::client`).
    const fn in_line(self) -> Duration {
        match self {
            Self::Request => Duration::from_secs(10),
            Self::BusyRequest => Duration::from_secs(30),
            Self::Command => Duration::from_hours(1),
        }
    }

    /// The longest that one waits for the answer to a statement while the server answers others. It answers within a
    /// second that a lock is taken; what takes longer than this was lost on the way.
    const fn for_an_answer(self) -> Duration {
        match self {
            Self::Request => Duration::from_secs(3),
            Self::BusyRequest => Duration::from_secs(30),
            Self::Command => Duration::from_hours(1),
        }
    }
}

/// Where requests wait, in the order in which they came.
#[derive(Clone, Debug)]
pub(super) struct Line {
    turns: Arc<Semaphore>,
    patience: Patience,
    server: Arc<Server>,
}

/// What is known of the server, from everything that was ever asked of it.
#[derive(Debug, Default)]
struct Server {
    answers: AtomicU64,
    away: AtomicBool,
}

/// The right to go on. Given back when dropped.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "it is held, not used")] OwnedSemaphorePermit);

impl Line {
    /// A line in front of a server, of which so many may be past it at once.
    pub(super) fn new(turns: u8, patience: Patience) -> Self {
        Self { turns: Arc::new(Semaphore::new(usize::from(turns))), patience, server: Arc::default() }
    }

    /// Another line in front of the same server.
    pub(super) fn beside(&self, turns: u8) -> Self {
        Self { turns: Arc::new(Semaphore::new(usize::from(turns))), ..self.clone() }
    }

    /// Begins to wait.
    pub(super) fn wait(&self) -> Wait {
        Wait { server: Arc::clone(&self.server), patience: self.patience, heard: self.server.heard(), quiet: 0 }
    }

    pub(super) async fn turn(&self, wait: &mut Wait) -> Result<Turn> {
        let turn = wait.patiently(self.patience.in_line(), Arc::clone(&self.turns).acquire_owned()).await?;
        turn.map(Turn).map_err(|_| Error::Database(sqlx::Error::PoolClosed))
    }

    /// Runs a statement, or whatever else the server answers.
    pub(super) async fn ask<T>(&self, statement: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
        self.ask_on(&mut self.wait(), statement).await
    }

    /// The same for somebody who has waited already.
    pub(super) async fn ask_on<T>(
        &self,
        wait: &mut Wait,
        statement: impl Future<Output = sqlx::Result<T>>,
    ) -> Result<T> {
        let answer = wait.patiently(self.patience.for_an_answer(), statement).await?;
        self.answered(answer)
    }

    /// Notes that the server has answered, if that is what this means.
    pub(super) fn answered<T>(&self, answer: sqlx::Result<T>) -> Result<T> {
        match answer {
            Err(error) if is_silence(&error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a connection to the database is lost");
                Err(Error::Away)
            }
            answer => {
                self.server.has_answered();
                Ok(answer?)
            }
        }
    }
}

impl Server {
    fn heard(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    fn has_answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        if self.away.load(Ordering::Relaxed) && self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("the database server answers again");
        }
    }

    fn is_silent(&self) {
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::error!("the database server does not answer; until it does, every request is refused");
        }
    }
}

/// Somebody who waits, for one thing after the other: for a lane, a connection, an answer.
#[derive(Debug)]
pub(super) struct Wait {
    server: Arc<Server>,
    patience: Patience,
    /// How many answers there had been at the last look.
    heard: u64,
    /// At how many looks there was no other since then.
    quiet: u32,
}

impl Wait {
    /// Waits for a connection.
    pub(super) async fn connected<T>(&mut self, connecting: impl Future<Output = T>) -> Result<T> {
        self.patiently(self.patience.in_line(), connecting).await
    }

    /// Waits for something that comes to nothing when the server is away.
    async fn patiently<T>(&mut self, most: Duration, work: impl Future<Output = T>) -> Result<T> {
        let mut work = pin!(work);
        let began = Instant::now();
        loop {
            if let Ok(done) = timeout(LOOK, work.as_mut()).await {
                return Ok(done);
            }
            let answers = self.server.heard();
            self.quiet = if answers == self.heard { self.quiet + 1 } else { 0 };
            self.heard = answers;
            if self.quiet >= self.patience.quiet_looks() {
                self.server.is_silent();
                return Err(Error::Away);
            }
            if began.elapsed() >= most {
                return Err(Error::Busy);
            }
        }
    }
}

/// Whether the server is gone, going or not there yet, as far as this connection can tell.
fn is_silence(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        // admin_shutdown, crash_shutdown, cannot_connect_now.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| matches!(&*code, "57P01" | "57P02" | "57P03")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const ONE: Duration = Duration::from_secs(1);

    fn lost() -> sqlx::Error {
        sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())
    }

    async fn waits<T>(line: &Line, work: impl Future<Output = T>) -> (Result<T>, Duration) {
        let began = Instant::now();
        (line.wait().connected(work).await, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_given_in_order_and_come_back_however_their_holders_end() {
        let line = Line::new(2, Patience::Request);
        let (first, second) = (line.turn(&mut line.wait()).await.unwrap(), line.turn(&mut line.wait()).await.unwrap());
        let queue = [1, 2, 3].map(|number| {
            let line = line.clone();
            tokio::spawn(async move { (number, line.turn(&mut line.wait()).await.unwrap()) })
        });
        tokio::task::yield_now().await;
        let [one, two, three] = queue;

        // Somebody who waits goes away, and somebody who had a turn.
        one.abort();
        drop(first);
        let (number, turn) = two.await.unwrap();
        assert_eq!(number, 2);
        assert!(!three.is_finished());
        drop((second, turn));
        assert_eq!(three.await.unwrap().0, 3);

        let again = (line.turn(&mut line.wait()).await.unwrap(), line.turn(&mut line.wait()).await.unwrap());
        assert_eq!(line.turns.available_permits(), 0);
        drop(again);
        assert_eq!(line.turns.available_permits(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_gives_up_when_nobody_has_an_answer_for_a_while() {
        let line = Line::new(1, Patience::Request);
        let book = line.beside(1);
        let (_turn, _place) = (line.turn(&mut line.wait()).await.unwrap(), book.turn(&mut book.wait()).await.unwrap());
        let began = Instant::now();

        let (connection, place, statement) = tokio::join!(
            async { line.turn(&mut line.wait()).await },
            async { book.turn(&mut book.wait()).await },
            line.ask(pending::<sqlx::Result<()>>())
        );

        assert!(connection.unwrap_err().is_away() && place.unwrap_err().is_away() && statement.unwrap_err().is_away());
        assert!(began.elapsed() < ONE, "{:?}", began.elapsed());
        assert!(line.server.away.load(Ordering::Relaxed));
    }

    /// The last thing that one waits for is not waited for as long as the first one was.
    #[tokio::test(start_paused = true)]
    async fn who_has_waited_already_gives_up_sooner() {
        let line = Line::new(1, Patience::Request);
        let mut wait = line.wait();
        let began = Instant::now();
        wait.connected(tokio::time::sleep(Duration::from_millis(800))).await.unwrap();

        assert!(wait.connected(pending::<()>()).await.unwrap_err().is_away());

        assert!(began.elapsed() < Duration::from_millis(1_200), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn as_long_as_others_have_answers_one_waits_and_not_for_ever() {
        let line = Line::new(1, Patience::Request);
        let _turn = line.turn(&mut line.wait()).await.unwrap();
        let other = line.clone();
        let answers = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(700)).await;
                other.ask(async { Ok(()) }).await.unwrap();
            }
        });

        let (turn, waited) = waits(&line, pending::<()>()).await;

        assert!(matches!(turn, Err(Error::Busy)));
        assert!(waited >= Duration::from_secs(10) && waited < Duration::from_secs(11), "{waited:?}");
        let began = Instant::now();
        assert!(matches!(line.ask(pending::<sqlx::Result<()>>()).await, Err(Error::Busy)));
        assert!(began.elapsed() < 4 * ONE, "{:?}", began.elapsed());
        assert!(!line.server.away.load(Ordering::Relaxed), "a busy server is not away");
        answers.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_was_away_is_asked_again_and_again() {
        let line = Line::new(1, Patience::Request);
        for _ in 0..3 {
            assert!(line.ask(pending::<sqlx::Result<()>>()).await.unwrap_err().is_away());
            assert!(line.ask(async { Err::<(), _>(lost()) }).await.unwrap_err().is_away());
            assert!(line.server.away.load(Ordering::Relaxed), "a connection that is lost is no answer");

            line.ask(async { Ok(()) }).await.unwrap();

            assert!(!line.server.away.load(Ordering::Relaxed));
            drop(line.turn(&mut line.wait()).await.unwrap());
        }
        // What the server refuses, it has answered.
        assert!(line.ask(pending::<sqlx::Result<()>>()).await.unwrap_err().is_away());
        assert!(!line.ask(async { Err::<(), _>(sqlx::Error::RowNotFound) }).await.unwrap_err().is_away());
        assert!(!line.server.away.load(Ordering::Relaxed));
    }

    /// What has not been heard by a broker that got no processor was perhaps said all the same.
    #[tokio::test(start_paused = true)]
    async fn a_broker_that_stood_still_does_not_take_that_for_silence() {
        let line = Line::new(1, Patience::Request);
        let server = line.clone();
        let waiting = tokio::spawn(async move { waits(&server, tokio::time::sleep(Duration::from_secs(3))).await });
        tokio::task::yield_now().await;

        tokio::time::advance(Duration::from_millis(2_900)).await;

        let (done, waited) = waiting.await.unwrap();
        assert!(done.is_ok(), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_has_time() {
        let line = Line::new(1, Patience::Command);

        let (done, waited) = waits(&line, tokio::time::sleep(Duration::from_secs(50))).await;

        assert!(done.is_ok() && waited >= Duration::from_secs(50));
    }
}
