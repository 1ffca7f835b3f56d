//! The screen's loop: keys and looks come in, pictures go out.

use std::env;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event as Typed, KeyEvent};

use super::super::{ClientError, connect};
use super::app::{App, Wish};
use super::sample::Sample;
use super::source::{Look, Loss, Source};
use super::view::{self, Theme};
use super::{Pace, Whom, keys};
use crate::core::ConnectionId;

/// What the loop waits for.
enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// The screen must be drawn again: it has another size.
    Resized,
    /// The server was looked at.
    Looked(Result<Look, ClientError>),
    /// What became of a cut.
    WasCut(ConnectionId, Result<(), ClientError>),
    /// The process is asked to end, or the terminal has gone.
    End,
}

/// More wait for each other: neither keys nor looks come faster than they are drawn.
const EVENTS: usize = 16;
/// So many cuts may wait for the server.
const ORDERS: usize = 4;
/// The screen tells how old its data is, so it is drawn at least this often.
const REDRAW: Duration = Duration::from_secs(1);

/// Shows the server until somebody ends it.
///
/// # Errors
/// See [`super::run`].
pub fn watch(whom: Whom, pace: Pace) -> Result<(), ClientError> {
    let (send, events) = bounded(EVENTS);
    let (orders, ordered) = bounded(ORDERS);
    let (server, dialect) = (whom.server.clone(), whom.dialect);
    let looks = send.clone();
    spawn("looks", move || look_again_and_again(whom, pace.interval, &ordered, &looks))?;
    let first = match events.recv() {
        Ok(Event::Looked(Ok(Look::Seen(sample)))) => *sample,
        Ok(Event::Looked(Err(error))) => return Err(error),
        _ => return Err(ClientError::Usage("nobody could look at the server".into())),
    };
    let stop = send.clone();
    ctrlc::set_handler(move || drop(stop.send(Event::End)))
        .map_err(|error| ClientError::Usage(format!("can't wait for signals: {error}")))?;
    let mut screen = Screen::open().map_err(|error| unusable(&error))?;
    spawn("keys", move || read_keys(&send))?;
    let app = App::new(&server, dialect, pace.interval, first);
    run(app, pace.count, &mut screen.0, &events, &orders)
}

fn run(
    mut app: App,
    count: Option<u64>,
    terminal: &mut DefaultTerminal,
    events: &Receiver<Event>,
    orders: &Sender<ConnectionId>,
) -> Result<(), ClientError> {
    let theme = Theme { colours: env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) };
    let mut looks = 1;
    loop {
        app.now = Instant::now();
        draw(&mut app, theme, terminal).map_err(|error| unusable(&error))?;
        if count.is_some_and(|count| looks >= count) {
            return Ok(());
        }
        match events.recv_timeout(REDRAW) {
            Ok(Event::Key(key)) => match keys::action(&app.mode, key).and_then(|it| app.act(it)) {
                Some(Wish::Quit) => return Ok(()),
                Some(Wish::Cut(id)) if orders.try_send(id).is_err() => {
                    app.message = Some("the server is slow, try again later".into());
                }
                Some(Wish::Cut(_)) | None => {}
            },
            Ok(Event::Looked(look)) => {
                looks += 1;
                match look? {
                    Look::Seen(sample) => app.see(*sample),
                    Look::Lost(loss) => app.loss = Some(loss),
                }
            }
            Ok(Event::WasCut(id, result)) => app.was_cut(id, result.map_err(|e| e.to_string())),
            Ok(Event::Resized) => draw_anew(terminal).map_err(|error| unusable(&error))?,
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Event::End) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn draw(app: &mut App, theme: Theme, terminal: &mut DefaultTerminal) -> io::Result<()> {
    terminal.autoresize()?;
    let page = view::page(app, terminal.get_frame().area());
    app.follow(page);
    terminal.draw(|frame| view::draw(app, theme, frame))?;
    Ok(())
}

/// The next picture is drawn as a whole: the screen may have the size of before
/// again, and have lost what was on it.
fn draw_anew(terminal: &mut DefaultTerminal) -> io::Result<()> {
    let size = terminal.size()?;
    terminal.resize(size.into())
}

fn unusable(error: &io::Error) -> ClientError {
    ClientError::Usage(format!("can't use the terminal: {error}; socksctl watch | cat needs none"))
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), ClientError> {
    let thread = thread::Builder::new().name(name.into()).spawn(work);
    thread.map(drop).map_err(|error| ClientError::Usage(format!("can't start a thread: {error}")))
}

/// The other screen of the terminal, in which keys are not echoed. What was there
/// before comes back when this is dropped, and when anything panics.
struct Screen(DefaultTerminal);

impl Screen {
    fn open() -> io::Result<Self> {
        // It may have failed half way.
        ratatui::try_init().map(Self).inspect_err(|_| ratatui::restore())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Reads keys until nobody wants them.
fn read_keys(events: &Sender<Event>) {
    loop {
        let event = match event::read() {
            Ok(Typed::Key(key)) => Event::Key(key),
            Ok(Typed::Resize(..)) => Event::Resized,
            Ok(_) => continue,
            Err(_) => Event::End,
        };
        let over = matches!(event, Event::End);
        if events.send(event).is_err() || over {
            return;
        }
    }
}

/// Looks at the server, and cuts in between, until nobody wants to know.
fn look_again_and_again(
    whom: Whom,
    interval: Duration,
    orders: &Receiver<ConnectionId>,
    events: &Sender<Event>,
) {
    let _end = EndOfLooks(events);
    let Whom { dialect, server, credentials, patience } = whom;
    let again = move || connect(dialect, &server, &credentials, patience);
    let mut source = Source::new(dialect, Box::new(again));
    let mut look = source.first_look(true).map(|sample: Sample| Look::Seen(Box::new(sample)));
    loop {
        let next = match &look {
            Ok(Look::Seen(sample)) => sample.at + interval.max(source.least_interval()),
            Ok(Look::Lost(Loss { retry, .. })) => *retry,
            Err(_) => Instant::now(),
        };
        let over = look.is_err();
        if events.send(Event::Looked(look)).is_err() || over {
            return;
        }
        match orders.recv_deadline(next) {
            Ok(id) => {
                let result = source.cut(id);
                if events.send(Event::WasCut(id, result)).is_err() {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        look = source.look(true);
    }
}

/// Ends the screen too should the looks panic.
struct EndOfLooks<'a>(&'a Sender<Event>);

impl Drop for EndOfLooks<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let why = "looking at the server broke off, this is a mistake in socksctl";
            // Who has ended already does not listen.
            let _ = self.0.send(Event::Looked(Err(ClientError::Usage(why.into()))));
        }
    }
}
