//! The one place where everything meets: listeners, services, and the order in
//! which they stop.

mod config;
mod saver;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::core::{Core, Lines, Password, SafeDefault};
use crate::http::{self, Sources};
use crate::manage::{self, Dialect, Opener, Responder, Transport};
use crate::net::acceptor::Acceptor;
use crate::net::datagram_socket::DatagramSocket;
use crate::net::datagrams::Datagrams;
use crate::net::line_log::LineLog;
use crate::net::local;
use crate::net::pool::Pool;
use crate::pop3;
use crate::socks::service::{self, Options, Service};

use saver::Saver;

pub use config::{Config, Ignored, StartError};

/// How often silent connections are looked for.
const SWEEP: Duration = Duration::from_millis(250);
/// How often what the users have used is stored: a crash forgets no more than that.
const SAVE_USAGE: Duration = Duration::from_secs(30);
/// How long the last time may take: a disk that hangs must not keep the process.
const LAST_SAVE: Duration = Duration::from_secs(5);
/// HTTP requests at once.
const HTTP_THREADS: usize = 64;
/// Bounds mistakes only: how many threads the proxy needs is bounded by the
/// connections it admits.
const PROXY_THREADS: usize = 65_536;
/// How long what was cut may take to let go before the process ends.
const AFTER_CUT: Duration = Duration::from_millis(500);

/// A server that accepts connections.
pub struct Server {
    core: Core,
    stops: Receiver<()>,
    listening: Vec<(&'static str, Listening)>,
    pools: Vec<(&'static str, Pool)>,
    logs: Vec<LineLog>,
    half_closed_timeout: Duration,
    grace: Duration,
}

impl Server {
    /// Opens the logs, fills the directories, then starts listening.
    ///
    /// # Errors
    /// [`StartError`] says what to change. Nothing is left running.
    pub fn start(mut config: Config) -> Result<Self, StartError> {
        for warning in &config.warnings {
            log::warn!(warning:%; "configuration");
        }
        config.lock()?;
        config.restore()?;
        for Ignored { kind, name, reason } in config.ignored() {
            log::warn!(name, reason; "{kind}-ignored");
        }
        config.check()?;
        let sources = config.options.bind_out.check();
        sources.map_err(|(address, error)| StartError::BindOut(address, error))?;
        let mut logs = Vec::new();
        let (access_log, credentials_log) = open_logs(&config, &mut logs)?;
        let (core, stops) = config.open_core(access_log, Some(credentials_log))?;
        let listeners = listen(&config, &core)?;
        core.protect(own_ports(&listeners)?);
        config.save(&core)?;
        let mut server = Self {
            core,
            stops,
            listening: Vec::new(),
            pools: Vec::new(),
            logs,
            half_closed_timeout: config.half_closed_timeout,
            grace: config.grace,
        };
        server.accept(listeners, config.options, config.secrets.http)?;
        Ok(server)
    }

    fn accept(
        &mut self,
        listeners: Listeners,
        options: Options,
        http_token: Option<Password>,
    ) -> io::Result<()> {
        let handshake_timeout = options.handshake_timeout;
        self.accept_socks(listeners.socks, options)?;
        self.accept_dialects(listeners.dialects, handshake_timeout)?;
        if let Some(listener) = listeners.pop3 {
            self.accept_pop3(listener)?;
        }
        if let Some(listener) = listeners.http {
            self.accept_http(listener, http_token, handshake_timeout)?;
        }
        Ok(())
    }

    fn accept_socks(&mut self, listener: TcpListener, options: Options) -> io::Result<()> {
        let pool = Pool::new(service::NAME, PROXY_THREADS);
        self.pools.push((service::NAME, pool.clone()));
        let socks = Arc::new(Service::new(self.core.clone(), pool, options));
        let serve = move |stream, from| socks.serve(stream, from);
        let acceptor = Acceptor::start(service::NAME, listener, serve)?;
        self.listening.push((service::NAME, Listening::Tcp(acceptor)));
        Ok(())
    }

    fn accept_dialects(
        &mut self,
        dialects: Vec<(Dialect, Bound)>,
        login_timeout: Duration,
    ) -> io::Result<()> {
        let manage = manage::Service::new(login_timeout);
        self.pools.push((manage::NAME, manage.pool().clone()));
        for (dialect, bound) in dialects {
            let listening = match bound {
                Bound::Tcp(listener, open) => {
                    let manage = manage.clone();
                    let serve = move |stream, from: SocketAddr| {
                        manage.serve(dialect, open(from.ip()), stream, from.ip());
                    };
                    Listening::Tcp(Acceptor::start(dialect.name, listener, serve)?)
                }
                Bound::Udp(socket, mut respond) => {
                    let respond =
                        move |datagram: &[u8], from: SocketAddr| respond(datagram, from.ip());
                    Listening::Udp(Datagrams::start(dialect.name, socket, respond)?)
                }
            };
            self.listening.push((dialect.name, listening));
        }
        Ok(())
    }

    fn accept_pop3(&mut self, listener: TcpListener) -> io::Result<()> {
        let mailboxes = Box::new(pop3::maildir::Maildirs::new(self.core.clone()));
        let core = self.core.clone();
        let service = pop3::service::Service::new(core, mailboxes, PROXY_THREADS);
        self.pools.push((pop3::session::NAME, service.pool().clone()));
        let service = Arc::new(service);
        let serve = move |stream, from| service.serve(stream, from);
        let acceptor = Acceptor::start(pop3::session::NAME, listener, serve)?;
        self.listening.push((pop3::session::NAME, Listening::Tcp(acceptor)));
        Ok(())
    }

    /// Last of all, so that it watches all others.
    fn accept_http(
        &mut self,
        listener: TcpListener,
        token: Option<Password>,
        timeout: Duration,
    ) -> io::Result<()> {
        let pool = Pool::new(http::NAME, HTTP_THREADS);
        self.pools.push((http::NAME, pool.clone()));
        let (mut accept_errors, mut receive_errors) = (Vec::new(), Vec::new());
        for (name, listening) in &self.listening {
            match listening {
                Listening::Tcp(acceptor) => accept_errors.push((*name, acceptor.errors())),
                Listening::Udp(datagrams) => receive_errors.push((*name, datagrams.errors())),
            }
        }
        // Its own listener is counted, too, which is there only when it serves.
        let errors = Arc::default();
        accept_errors.push((http::NAME, Arc::clone(&errors)));
        let (core, pools) = (self.core.clone(), self.pools.clone());
        let sources = Sources { core, accept_errors, receive_errors, pools };
        let service = http::Service::new(sources, token, pool, timeout);
        let serve = move |stream, from| service.serve(stream, from);
        let acceptor = Acceptor::start_counting(http::NAME, listener, errors, serve)?;
        self.listening.push((http::NAME, Listening::Tcp(acceptor)));
        Ok(())
    }

    /// The core, to be managed from within the process.
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// The name and the real address of each listener.
    pub fn listeners(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        self.listening.iter().map(|(name, listening)| (*name, listening.address()))
    }

    /// Serves until it is asked to stop (see [`Core::stop`]), then stops
    /// accepting, lets what is open finish within the grace period, and cuts the
    /// rest; at once when asked a second time.
    pub fn run(mut self) {
        let core = self.core.clone();
        let mut saver = Saver::new(move || core.save_usage());
        while let Err(RecvTimeoutError::Timeout) = self.stops.recv_timeout(SWEEP) {
            self.core.sweep(self.half_closed_timeout);
            saver.save_every(SAVE_USAGE);
        }
        let grace = format!("{}s", self.grace.as_secs_f32());
        log::info!(grace:%, open = self.open(); "stopping");
        self.stop_listening();
        self.drain();
        if !saver.save_within(LAST_SAVE) {
            let error = format!("what users have used was not on the disk within {LAST_SAVE:?}");
            log::error!(error; "change-not-stored");
        }
        for log in &self.logs {
            log.flush(Duration::from_secs(1));
        }
        log::info!("stopped");
    }

    fn stop_listening(&mut self) {
        for (_, listening) in self.listening.drain(..) {
            listening.stop();
        }
    }

    fn drain(&self) {
        let end = Instant::now() + self.grace;
        while self.open() > 0 && Instant::now() < end {
            if self.stops.recv_timeout(SWEEP / 10) == Ok(()) {
                break;
            }
            self.core.sweep(self.half_closed_timeout);
        }
        if self.open() == 0 {
            return;
        }
        // Not inside of the macro, which leaves out what nobody logs.
        let cut = self.core.cut_all();
        log::info!(open = cut; "cut");
        let end = Instant::now() + AFTER_CUT;
        while self.open() > 0 && Instant::now() < end {
            self.core.sweep(self.half_closed_timeout);
            std::thread::sleep(SWEEP / 25);
        }
    }

    fn open(&self) -> u64 {
        self.core.metrics().current
    }
}

impl Drop for Server {
    /// Also of one whose start went wrong halfway.
    fn drop(&mut self) {
        self.stop_listening();
    }
}

/// A listener and its thread.
enum Listening {
    Tcp(Acceptor),
    Udp(Datagrams),
}

impl Listening {
    fn address(&self) -> SocketAddr {
        match self {
            Self::Tcp(acceptor) => acceptor.address(),
            Self::Udp(datagrams) => datagrams.address(),
        }
    }

    fn stop(self) {
        match self {
            Self::Tcp(acceptor) => acceptor.stop(),
            Self::Udp(datagrams) => datagrams.stop(),
        }
    }
}

/// Listeners that nobody serves yet.
struct Listeners {
    pop3: Option<TcpListener>,
    http: Option<TcpListener>,
    socks: TcpListener,
    dialects: Vec<(Dialect, Bound)>,
}

/// A socket of a dialect, and what is to be spoken there.
enum Bound {
    Tcp(TcpListener, Opener),
    Udp(DatagramSocket, Responder),
}

fn listen(config: &Config, core: &Core) -> Result<Listeners, StartError> {
    let tcp = |name, address| bind(name, address, TcpListener::bind);
    let dialect = |&(dialect, address): &(Dialect, SocketAddr)| {
        let bound = match dialect.transport {
            Transport::Tcp(start) => {
                let open = start(core, &config.secrets)?;
                Bound::Tcp(tcp(dialect.name, address)?, open)
            }
            Transport::Udp(start) => {
                let respond = start(core, &config.secrets)?;
                Bound::Udp(bind(dialect.name, address, DatagramSocket::bind)?, respond)
            }
        };
        Ok((dialect, bound))
    };
    Ok(Listeners {
        pop3: config.pop3.map(|address| tcp(pop3::session::NAME, address)).transpose()?,
        http: config.http.map(|address| tcp(http::NAME, address)).transpose()?,
        socks: tcp(service::NAME, config.socks)?,
        dialects: config.dialects.iter().map(dialect).collect::<Result<_, StartError>>()?,
    })
}

fn bind<T>(
    name: &'static str,
    address: SocketAddr,
    bind: fn(SocketAddr) -> io::Result<T>,
) -> Result<T, StartError> {
    bind(address).map_err(|error| StartError::Listen(name, address, error))
}

/// What the safe default protects of this server. A mailbox is for its clients, so
/// POP3 is not among it; SOCKS is, since who comes through it comes from here.
fn own_ports(listeners: &Listeners) -> io::Result<SafeDefault> {
    let dialects = listeners.dialects.iter().map(|(_, bound)| match bound {
        Bound::Tcp(listener, _) => listener.local_addr(),
        Bound::Udp(socket, _) => Ok(socket.address()),
    });
    let others = [Some(&listeners.socks), listeners.http.as_ref()];
    let others = others.into_iter().flatten().map(TcpListener::local_addr);
    let all = dialects.chain(others).collect::<io::Result<Vec<_>>>()?;
    Ok(SafeDefault::new(all, local::is_here))
}

/// The sinks of the access log, if there is one, and of the credentials log.
fn open_logs(
    config: &Config,
    logs: &mut Vec<LineLog>,
) -> Result<(Option<Lines>, Lines), StartError> {
    let open = |name, path: &PathBuf| {
        LineLog::open(name, path).map_err(|error| StartError::Log(path.clone(), error))
    };
    let mut keep = |log: LineLog| -> Lines {
        let sink = log.sink();
        logs.push(log);
        Box::new(sink)
    };
    let access = config.access_log.as_ref().map(|path| open("access", path)).transpose()?;
    let credentials = match &config.credentials_log {
        Some(path) => open("credentials", path)?,
        None => LineLog::stdout("credentials")?,
    };
    Ok((access.map(&mut keep), keep(credentials)))
}
