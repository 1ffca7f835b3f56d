//! One conversation with a server, and another one when it has broken.

use std::time::{Duration, Instant, SystemTime};

use super::super::{Answer, Ask, Client, ClientError, Dialect, OpenConnection};
use super::sample::{Counters, Sample};
use crate::core::ConnectionId;

/// After a failure it is tried again after this long, then after twice as long, up
/// to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// What was refused is asked for again after this long: the json dialect refuses a
/// list that takes too many requests within its window of ten seconds.
const REFUSED_WAIT: Duration = Duration::from_secs(10);

/// A fifth more than its share of the time for each request,
const REQUEST: Duration = Duration::from_millis(120);
/// and one for so many connections, or fewer when their names are long.
const LISTED_AT_ONCE: usize = 500;

/// What a look has brought.
#[derive(Debug)]
pub enum Look {
    /// What the server has told.
    Seen(Box<Sample>),
    /// Nothing.
    Lost(Loss),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// As a sentence.
    pub why: String,
    /// When it will be tried again.
    pub retry: Instant,
}

/// Logs in again, each time it is called.
pub type Connect = Box<dyn FnMut() -> Result<Box<dyn Client>, ClientError>>;

/// A server that is looked at again and again.
pub struct Source {
    dialect: Dialect,
    connect: Connect,
    client: Option<Box<dyn Client>>,
    lost: Option<(Loss, Duration)>,
    /// How many connections the last list held.
    listed: usize,
    /// Why the connections were refused, and when to ask again.
    withheld: Option<(String, Instant)>,
}

impl Source {
    /// Will look at what `connect` leads to.
    pub fn new(dialect: Dialect, connect: Connect) -> Self {
        Self { dialect, connect, client: None, lost: None, listed: 0, withheld: None }
    }

    /// How far looks must be apart, so that the server does not refuse them. The json
    /// dialect answers a hundred requests in ten seconds, and a list takes one for
    /// every few hundred connections.
    pub fn least_interval(&self) -> Duration {
        match self.dialect {
            Dialect::Json => REQUEST * (2 + self.listed / LISTED_AT_ONCE) as u32,
            _ => Duration::ZERO,
        }
    }

    /// As [`Self::look`], when nobody has looked before: every failure is one.
    ///
    /// # Errors
    /// Whatever goes wrong: an address that was mistyped is not waited for.
    pub fn first_look(&mut self, all: bool) -> Result<Sample, ClientError> {
        self.try_to_look(all)
    }

    /// Looks at the counters, or with `all` at what else the dialect can say.
    /// After a failure nothing is tried until it is time.
    ///
    /// # Errors
    /// When the server does not let us in any more, and trying again would not help.
    pub fn look(&mut self, all: bool) -> Result<Look, ClientError> {
        if let Some((loss, _)) = &self.lost
            && Instant::now() < loss.retry
        {
            return Ok(Look::Lost(loss.clone()));
        }
        match self.try_to_look(all) {
            Ok(sample) => {
                self.lost = None;
                Ok(Look::Seen(Box::new(sample)))
            }
            Err(error) if is_final(&error) => Err(error),
            Err(error) => Ok(Look::Lost(self.lose(&error))),
        }
    }

    fn lose(&mut self, error: &ClientError) -> Loss {
        let wait = self.lost.as_ref().map_or(FIRST_WAIT, |(_, wait)| (*wait * 2).min(LONGEST_WAIT));
        let loss = Loss { why: error.to_string(), retry: Instant::now() + wait };
        self.lost = Some((loss.clone(), wait));
        loss
    }

    fn try_to_look(&mut self, all: bool) -> Result<Sample, ClientError> {
        let old = self.client.is_some();
        match self.look_once(all) {
            // A server may have closed what it took for idle, or been restarted.
            Err(error) if old && may_be_stale(&error) => self.look_once(all),
            looked => looked,
        }
    }

    fn look_once(&mut self, all: bool) -> Result<Sample, ClientError> {
        let counters = Counters::of(self.say(&Ask::Metrics)?);
        let (at, time) = (Instant::now(), SystemTime::now());
        let settings = if all { self.settings()? } else { Counters::default() };
        let connections = if all { self.connections()? } else { Err(String::new()) };
        Ok(Sample { at, time, counters, settings, connections })
    }

    /// Says it, on a new conversation if there is none. One that has failed is over.
    fn say(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => (self.connect)()?,
        };
        let answer = client.say(ask)?;
        self.client = Some(client);
        Ok(answer)
    }

    fn settings(&mut self) -> Result<Counters, ClientError> {
        match self.ask(&Ask::Settings)? {
            Ok(answer) => Ok(Counters::of(answer)),
            Err(_) => Ok(Counters::default()),
        }
    }

    fn connections(&mut self) -> Result<Result<Vec<OpenConnection>, String>, ClientError> {
        let now = Instant::now();
        if let Some((why, until)) = &self.withheld
            && now < *until
        {
            return Ok(Err(why.clone()));
        }
        self.withheld = None;
        Ok(match self.ask(&Ask::Connections)? {
            Ok(Answer::Connections(open)) => {
                self.listed = open.len();
                Ok(open)
            }
            Ok(_) => Ok(Vec::new()),
            Err(error) => {
                self.withheld = Some((error.to_string(), now + REFUSED_WAIT));
                Err(error.to_string())
            }
        })
    }

    /// Says what the dialect may not be able to say, or the server not want to hear:
    /// then why not.
    fn ask(&mut self, ask: &Ask) -> Result<Result<Answer, ClientError>, ClientError> {
        if let Err(unsayable) = ClientError::check(self.dialect, ask) {
            return Ok(Err(unsayable));
        }
        match self.say(ask) {
            Err(refused @ ClientError::Refused { .. }) => Ok(Err(refused)),
            answer => answer.map(Ok),
        }
    }

    /// Ends a connection of the server.
    ///
    /// # Errors
    /// Why it was not ended.
    pub fn cut(&mut self, id: ConnectionId) -> Result<(), ClientError> {
        match self.ask(&Ask::Cut(id))? {
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether another conversation would end like this one.
fn is_final(error: &ClientError) -> bool {
    match error {
        ClientError::LoginRefused { .. }
        | ClientError::TokenRefused(_)
        | ClientError::Usage(_)
        | ClientError::Output(_)
        | ClientError::Unsayable { .. } => true,
        ClientError::Refused { .. }
        | ClientError::Unreachable { .. }
        | ClientError::Timeout { .. }
        | ClientError::Protocol { .. } => false,
    }
}

/// Whether it is the conversation that broke, and not the server that is silent.
fn may_be_stale(error: &ClientError) -> bool {
    !is_final(error) && !matches!(error, ClientError::Timeout { .. })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::rc::Rc;

    use super::*;

    type Answers = Rc<RefCell<VecDeque<Result<Answer, ClientError>>>>;

    /// A conversation that says what it was told to; `asked` counts.
    struct Fake(Answers);

    impl Client for Fake {
        fn say(&mut self, _: &Ask) -> Result<Answer, ClientError> {
            self.0.borrow_mut().pop_front().unwrap()
        }
    }

    /// A source whose conversations share these answers, and how many there were.
    fn source(
        dialect: Dialect,
        answers: impl IntoIterator<Item = Result<Answer, ClientError>>,
    ) -> (Source, Rc<RefCell<u32>>) {
        let answers = Rc::new(RefCell::new(answers.into_iter().collect()));
        let opened = Rc::new(RefCell::new(0));
        let count = Rc::clone(&opened);
        let connect = move || {
            *count.borrow_mut() += 1;
            Ok(Box::new(Fake(Rc::clone(&answers))) as Box<dyn Client>)
        };
        (Source::new(dialect, Box::new(connect)), opened)
    }

    fn facts() -> Result<Answer, ClientError> {
        Ok(Answer::Facts(Vec::new()))
    }

    fn broken() -> Result<Answer, ClientError> {
        let error = std::io::ErrorKind::ConnectionReset.into();
        Err(ClientError::Unreachable { server: "h:1".into(), error })
    }

    fn refused(command: &'static str) -> Result<Answer, ClientError> {
        Err(ClientError::Refused { command, why: "no".into() })
    }

    #[test]
    fn a_conversation_is_kept() {
        let (mut source, opened) = source(Dialect::Shoes, [facts(), facts()]);
        source.first_look(true).unwrap();
        let Look::Seen(sample) = source.look(true).unwrap() else { panic!() };
        let why = sample.connections.unwrap_err();
        assert!(why.contains("only monitor and json can"), "{why}");
        assert_eq!(*opened.borrow(), 1);
    }

    #[test]
    fn what_was_closed_in_between_is_opened_again() {
        let (mut source, opened) = source(Dialect::Shoes, [facts(), broken(), facts()]);
        source.first_look(false).unwrap();
        assert!(matches!(source.look(false), Ok(Look::Seen(_))));
        assert_eq!(*opened.borrow(), 2);
    }

    #[test]
    fn a_server_that_is_gone_is_waited_for() {
        let (mut source, opened) = source(Dialect::Shoes, [facts(), broken(), broken()]);
        source.first_look(false).unwrap();
        let before = Instant::now();
        let Ok(Look::Lost(mut loss)) = source.look(false) else { panic!() };
        assert!(loss.why.contains("can't reach h:1"), "{}", loss.why);
        assert!(loss.retry >= before + FIRST_WAIT);
        // Far away, for a slow machine. Nothing is tried meanwhile: there would be no answer.
        loss.retry += Duration::from_secs(3600);
        source.lost.as_mut().unwrap().0 = loss.clone();
        let Ok(Look::Lost(again)) = source.look(false) else { panic!() };
        assert_eq!((again, *opened.borrow()), (loss, 2));
    }

    #[test]
    fn waiting_has_a_bound() {
        let (mut source, _) = source(Dialect::Shoes, []);
        let error = broken().unwrap_err();
        let waits = (0..7).map(|_| {
            source.lose(&error);
            source.lost.as_ref().unwrap().1.as_secs()
        });
        assert_eq!(waits.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn the_first_failure_is_not_waited_for() {
        let (mut source, opened) = source(Dialect::Shoes, [broken()]);
        assert!(matches!(source.first_look(false), Err(ClientError::Unreachable { .. })));
        assert_eq!(*opened.borrow(), 1);
    }

    #[test]
    fn who_is_not_let_in_any_more_is_told() {
        let expired = || Err(ClientError::TokenRefused("it has expired".into()));
        let (mut source, _) = source(Dialect::Json, [facts(), expired()]);
        source.first_look(false).unwrap();
        assert!(matches!(source.look(false), Err(ClientError::TokenRefused(_))));
    }

    #[test]
    fn long_lists_are_asked_for_less_often() {
        let (mut source, _) = source(Dialect::Json, []);
        assert!(source.least_interval() < Duration::from_millis(500));
        source.listed = 20_000;
        assert_eq!(source.least_interval(), Duration::from_millis(5040));
        source.dialect = Dialect::Monitor;
        assert_eq!(source.least_interval(), Duration::ZERO);
    }

    #[test]
    fn a_list_that_is_refused_is_a_sentence_and_not_asked_for_at_once() {
        let answers = [facts(), facts(), refused("connections"), facts(), facts()];
        let (mut source, _) = source(Dialect::Json, answers);
        let first = source.first_look(true).unwrap();
        assert_eq!(first.connections.unwrap_err(), "the server refused connections: no");
        let Look::Seen(second) = source.look(true).unwrap() else { panic!() };
        assert_eq!(second.connections.unwrap_err(), "the server refused connections: no");
    }
}
