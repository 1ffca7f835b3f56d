//! The one place where everything meets: listeners, services, and the order in
//! which they stop.

mod config;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::core::{Core, Lines, Password, SafeDefault};
use crate::http::{self, Sources};
use crate::manage::{self, Dialect, Opener, Responder, Secrets, Transport};
use crate::net::acceptor::Acceptor;
use crate::net::datagram_socket::DatagramSocket;
use crate::net::datagrams::Datagrams;
use crate::net::line_log::LineLog;
use crate::net::local;
use crate::net::pool::Pool;
use crate::pop3;
use crate::socks::service::{self, Service};

pub use config::{Config, StartError};

/// How often silent connections are looked for.
const SWEEP: Duration = Duration::from_millis(250);
/// How often what the users have used is stored: a crash forgets no more than that.
const SAVE_USAGE: Duration = Duration::from_secs(30);
/// HTTP requests at once.
const HTTP_THREADS: usize = 16;
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
        config.check()?;
        let sources = config.options.bind_out.check();
        sources.map_err(|(address, error)| StartError::BindOut(address, error))?;
        let mut logs = Vec::new();
        let access_log = match &config.access_log {
            Some(path) => Some(keep(open_log("access", path)?, &mut logs)),
            None => None,
        };
        let credentials = match &config.credentials_log {
            Some(path) => open_log("credentials", path)?,
            None => LineLog::stdout("credentials")?,
        };
        let credentials_log = Some(keep(credentials, &mut logs));
        let (core, stops) = config.open_core(access_log, credentials_log)?;
        let pop3 = listen_pop3(config.pop3)?;
        let http = listen_http(&config)?;
        let handshake_timeout = config.options.handshake_timeout;
        let listeners = listen(config.socks, &config.dialects, &core, &config.secrets)?;
        core.protect(own_ports(&listeners, http.as_ref())?);
        config.save(&core)?;
        let pool = Pool::new(service::NAME, PROXY_THREADS);
        let pools = vec![(service::NAME, pool.clone())];
        let socks = Service { core: core.clone(), pool, options: config.options };
        let mut server = Self {
            core,
            stops,
            listening: Vec::new(),
            pools,
            logs,
            half_closed_timeout: config.half_closed_timeout,
            grace: config.grace,
        };
        server.accept(Arc::new(socks), listeners, handshake_timeout)?;
        if let Some(listener) = pop3 {
            server.accept_pop3(listener, handshake_timeout)?;
        }
        if let Some(listener) = http {
            server.accept_http(listener, config.secrets.http, handshake_timeout)?;
        }
        Ok(server)
    }

    fn accept(
        &mut self,
        socks: Arc<Service>,
        listeners: Listeners,
        login_timeout: Duration,
    ) -> io::Result<()> {
        let serve = move |stream, from| socks.serve(stream, from);
        let acceptor = Acceptor::start(service::NAME, listeners.socks, serve)?;
        self.listening.push((service::NAME, Listening::Tcp(acceptor)));
        let manage = manage::Service::new(login_timeout);
        self.pools.push((manage::NAME, manage.pool().clone()));
        for (dialect, bound) in listeners.dialects {
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

    fn accept_pop3(&mut self, listener: TcpListener, login_timeout: Duration) -> io::Result<()> {
        let mailboxes = Box::new(pop3::maildir::Maildirs::new(self.core.clone()));
        let core = self.core.clone();
        let service = pop3::service::Service::new(core, mailboxes, login_timeout, PROXY_THREADS);
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
        let (core, pools) = (self.core.clone(), self.pools.clone());
        let sources = Sources { core, accept_errors, receive_errors, pools };
        let service = http::Service::new(sources, token, pool, timeout);
        let serve = move |stream, from| service.serve(stream, from);
        let acceptor = Acceptor::start(http::NAME, listener, serve)?;
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
        let mut saved = Instant::now();
        while let Err(RecvTimeoutError::Timeout) = self.stops.recv_timeout(SWEEP) {
            self.core.sweep(self.half_closed_timeout);
            if saved.elapsed() >= SAVE_USAGE {
                self.core.save_usage();
                saved = Instant::now();
            }
        }
        let grace = format!("{}s", self.grace.as_secs_f32());
        log::info!(grace:%, open = self.open(); "stopping");
        for (_, listening) in self.listening.drain(..) {
            listening.stop();
        }
        self.drain();
        self.core.save_usage();
        for log in &self.logs {
            log.flush(Duration::from_secs(1));
        }
        log::info!("stopped");
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
    socks: TcpListener,
    dialects: Vec<(Dialect, Bound)>,
}

/// A socket of a dialect, and what is to be spoken there.
enum Bound {
    Tcp(TcpListener, Opener),
    Udp(DatagramSocket, Responder),
}

fn listen(
    socks: SocketAddr,
    dialects: &[(Dialect, SocketAddr)],
    core: &Core,
    secrets: &Secrets,
) -> Result<Listeners, StartError> {
    let taken = |name, address| move |error| StartError::Listen(name, address, error);
    let socks = TcpListener::bind(socks).map_err(taken(service::NAME, socks))?;
    let mut found = Vec::new();
    for &(dialect, address) in dialects {
        let name = dialect.name;
        let bound = match dialect.transport {
            Transport::Tcp(start) => {
                let open = start(core, secrets)?;
                Bound::Tcp(TcpListener::bind(address).map_err(taken(name, address))?, open)
            }
            Transport::Udp(start) => {
                let respond = start(core, secrets)?;
                Bound::Udp(DatagramSocket::bind(address).map_err(taken(name, address))?, respond)
            }
        };
        found.push((dialect, bound));
    }
    Ok(Listeners { socks, dialects: found })
}

/// What the safe default protects of this server. A mailbox is for its clients, so
/// POP3 is not among it; SOCKS is, since who comes through it comes from here.
fn own_ports(listeners: &Listeners, http: Option<&TcpListener>) -> io::Result<SafeDefault> {
    let dialects = listeners.dialects.iter().map(|(_, bound)| match bound {
        Bound::Tcp(listener, _) => listener.local_addr(),
        Bound::Udp(socket, _) => Ok(socket.address()),
    });
    let others = [Some(&listeners.socks), http];
    let others = others.into_iter().flatten().map(TcpListener::local_addr);
    let all = dialects.chain(others).collect::<io::Result<Vec<_>>>()?;
    Ok(SafeDefault::new(all, local::is_here))
}

/// The listener of POP3, if there is an address for one.
fn listen_pop3(address: Option<SocketAddr>) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address);
    listener.map(Some).map_err(|error| StartError::Listen(pop3::session::NAME, address, error))
}

/// The listener of HTTP, if it is wanted, unless strangers could read there.
fn listen_http(config: &Config) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = config.http else { return Ok(None) };
    if !address.ip().to_canonical().is_loopback() && config.secrets.http.is_none() {
        return Err(StartError::OpenHttp(address));
    }
    let listener = TcpListener::bind(address);
    listener.map(Some).map_err(|error| StartError::Listen(http::NAME, address, error))
}

/// Keeps a log and gives its sink.
fn keep(log: LineLog, logs: &mut Vec<LineLog>) -> Lines {
    let sink = log.sink();
    logs.push(log);
    Box::new(sink)
}

fn open_log(name: &'static str, path: &Path) -> Result<LineLog, StartError> {
    LineLog::open(name, path).map_err(|error| StartError::Log(path.into(), error))
}
