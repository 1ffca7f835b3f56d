//! What the threads of an association do: one takes the client's datagrams to
//! their destinations, one for each address family in use brings the answers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use parking_lot::Mutex;

use super::client_end::ClientEnd;
use super::correspondents::Correspondents;
use super::names::{Advice, Names};
use super::request::Request;
use crate::core::rules::Allowed;
use crate::core::{Asker, Client, Connection, Core, Destination, Way};
use crate::net::datagram_socket::{DatagramSocket, LONGEST};
use crate::net::dial;
use crate::net::pool::Pool;
use crate::net::sources::Sources;
use crate::socks::service::Service;
use crate::socks::target::Target;
use crate::wire::socks5::{Address, DatagramHeader};

/// The longest header of an answer: RSV, FRAG, ATYP, an IPv6 address, a port.
const HEADER: usize = 22;
/// When to wake a thread once more that has not noticed the end.
const WAKE_AGAIN: Duration = Duration::from_millis(100);
/// How often. Beyond that the system can't send to itself, and the thread stays
/// until something else wakes it.
const WAKE_TIMES: u32 = 50;

/// Held by each thread that must end with the association; never sent.
type Token = Sender<()>;

/// One association.
pub(super) struct Association {
    // Dropped in this order: out of the list first, then closed.
    connection: Connection,
    user: Client,
    core: Core,
    socket: DatagramSocket,
    client: Mutex<ClientEnd>,
    correspondents: Mutex<Correspondents>,
    names: Mutex<Names>,
    outgoing: Mutex<Outgoing>,
    pool: Pool,
    resolve_timeout: Duration,
    bind_out: Sources,
}

/// The sockets towards the destinations, opened when first needed.
struct Outgoing {
    v4: Option<Arc<DatagramSocket>>,
    v6: Option<Arc<DatagramSocket>>,
    /// `None` once the association has ended.
    token: Option<Token>,
}

impl Association {
    /// An association that is not running yet, and what tells when all of its
    /// threads have ended.
    pub(super) fn new(
        service: &Service,
        (connection, user): (Connection, Client),
        socket: DatagramSocket,
        client: ClientEnd,
    ) -> (Arc<Self>, Receiver<()>) {
        let (token, finished) = crossbeam_channel::bounded(0);
        let association = Self {
            connection,
            user,
            core: service.core.clone(),
            socket,
            client: Mutex::new(client),
            correspondents: Mutex::default(),
            names: Mutex::default(),
            outgoing: Mutex::new(Outgoing { v4: None, v6: None, token: Some(token) }),
            pool: service.pool.clone(),
            resolve_timeout: service.options.connect_timeout,
            bind_out: service.options.bind_out,
        };
        (Arc::new(association), finished)
    }

    /// The connection it is counted as.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Begins to relay.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub(super) fn start(self: &Arc<Self>) -> io::Result<()> {
        let token = self.outgoing.lock().token.clone();
        let association = Arc::clone(self);
        self.pool.run(move || {
            association.run_up();
            drop((association, token));
        })
    }

    /// Ends its threads, and waits until they have.
    pub(super) fn stop(&self, finished: &Receiver<()>) {
        let mut outgoing = self.outgoing.lock();
        outgoing.token = None;
        let sockets = [outgoing.v4.take(), outgoing.v6.take()];
        drop(outgoing);
        for _ in 0..WAKE_TIMES {
            self.socket.stop();
            sockets.iter().flatten().for_each(|socket| socket.stop());
            if finished.recv_timeout(WAKE_AGAIN) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
        log::warn!(error = "its threads can't be woken"; "udp-failed");
    }

    /// Takes datagrams from the client to their destinations.
    fn run_up(self: &Arc<Self>) {
        // On the heap: the stack of a thread is small.
        let mut buffer = vec![0; LONGEST];
        while let Some((count, from)) = self.socket.receive(&mut buffer) {
            if !self.client.lock().may_be(from) {
                continue;
            }
            // What is dropped here is dropped "silently" (section 7): the
            // association lives on, and the port is not settled by it.
            let Some(request) = buffer.get(..count).and_then(Request::decode) else { continue };
            self.client.lock().settle_on(from);
            self.forward(&request);
        }
    }

    fn forward(self: &Arc<Self>, request: &Request<'_>) {
        let (port, payload) = (request.port, request.payload);
        match Target::of(&request.host) {
            Ok(Target::Ip(ip)) => {
                let to = Destination { name: None, address: SocketAddr::new(ip, port) };
                if let Some(to) = self.core.may_reach(self.asker(), to) {
                    self.send(None, to, payload);
                }
            }
            // A name that is denied whatever its address is not looked up.
            Ok(Target::Name(name))
                if self.core.may_ask_for(self.asker(), Some(name), Some(port)) =>
            {
                let advice = self.names.lock().advise(name, port, payload, Instant::now());
                match advice {
                    Advice::Send(found) => self.send_to_any(name, &found, port, payload),
                    Advice::LookUp => self.look_up(name),
                    Advice::Wait => {}
                }
            }
            Ok(Target::Name(_)) | Err(_) => {}
        }
    }

    fn asker(&self) -> Asker<'_> {
        (self.connection.client().ip(), &self.user)
    }

    /// Looks a name up on another thread, so that datagrams for others don't wait.
    fn look_up(self: &Arc<Self>, name: &str) {
        // A slow look-up must not keep an association that has ended.
        let (association, pool) = (Arc::downgrade(self), self.pool.clone());
        let deadline = Instant::now() + self.resolve_timeout;
        let wanted = name.to_owned();
        let started = self.pool.run(move || {
            let found = dial::resolve(&pool, &wanted, 0, deadline).unwrap_or_default();
            if let Some(association) = association.upgrade() {
                association.resolved(&wanted, found);
            }
        });
        if started.is_err() {
            self.resolved(name, Vec::new());
        }
    }

    fn resolved(self: &Arc<Self>, name: &str, found: Vec<SocketAddr>) {
        let mut found: Vec<_> = found.into_iter().map(|found| found.ip().to_canonical()).collect();
        // Nothing tells which of several addresses answers. The family in which
        // the client has reached us is the one that is known to work here.
        let v4 = self.socket.address().is_ipv4();
        found.sort_by_key(|ip| ip.is_ipv4() != v4);
        let waited = self.names.lock().answered(name, &found, Instant::now());
        for held in waited {
            self.send_to_any(name, &found, held.port, &held.payload);
        }
    }

    /// Sends to the first of a name's addresses that is allowed and that the system
    /// finds a way to.
    fn send_to_any(self: &Arc<Self>, name: &str, found: &[IpAddr], port: u16, payload: &[u8]) {
        let found: Vec<_> = found.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        let allowed = self.core.reachable(self.asker(), name, &found);
        let _ = allowed.into_iter().any(|to| self.send(Some(name), to, payload));
    }

    /// Sends a datagram to its destination, for which the rules have been asked;
    /// `false` when that can't be done. All of them pass here.
    fn send(self: &Arc<Self>, name: Option<&str>, to: Allowed, payload: &[u8]) -> bool {
        let to = to.address();
        // A name may have such an address too.
        if to.ip().is_unspecified() {
            return false;
        }
        let Some(socket) = self.outgoing(to.ip()) else { return false };
        // Over the rate it is dropped: no use to try another address.
        let pace = self.connection.pace(Way::Up);
        if pace.permits(payload.len()) != Ok(true) {
            return true;
        }
        // Before it is sent: the answer may be quick.
        self.correspondents.lock().note(to.ip(), name, to.port());
        let sent = socket.send(payload, to).is_ok();
        if sent {
            self.connection.up().fetch_add(payload.len() as u64, Ordering::Relaxed);
        } else {
            pace.unsent(payload.len());
        }
        sent
    }

    /// The socket for destinations like this one; `None` when there can't be one,
    /// or the association has ended.
    fn outgoing(self: &Arc<Self>, to: IpAddr) -> Option<Arc<DatagramSocket>> {
        // Held until the thread runs: one socket for each family, and `stop` finds every
        // one. Nobody waits for it but this association.
        let mut outgoing = self.outgoing.lock();
        let token = outgoing.token.clone()?;
        let source = self.bind_out.towards(to);
        let (any, place): (IpAddr, _) = match to {
            IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED.into(), &mut outgoing.v4),
            IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED.into(), &mut outgoing.v6),
        };
        if let Some(socket) = place {
            return Some(Arc::clone(socket));
        }
        let address = SocketAddr::new(source.unwrap_or(any), 0);
        let socket = Arc::new(DatagramSocket::bind(address).ok()?);
        let (association, reader) = (Arc::clone(self), Arc::clone(&socket));
        let run = move || {
            association.run_down(&reader);
            drop((association, reader, token));
        };
        self.pool.run(run).ok()?;
        Some(Arc::clone(place.insert(socket)))
    }

    /// Whether the client has sent something to a host and may still do so. Answers may
    /// come from any port of it (TFTP, RFC 1350, section 4).
    fn may_answer(&self, host: IpAddr) -> bool {
        let wanted = self.correspondents.lock().wanted(host);
        wanted.is_some_and(|wanted| {
            let address = SocketAddr::new(host, wanted.port);
            let to = Destination { name: wanted.name.as_deref(), address };
            self.core.may_reach(self.asker(), to).is_some()
        })
    }

    /// Brings answers to the client.
    fn run_down(&self, socket: &DatagramSocket) {
        // Room for the header in front of the payload.
        let mut buffer = vec![0; HEADER + LONGEST];
        let mut header = Vec::with_capacity(HEADER);
        while let Some((count, from)) = socket.receive(&mut buffer[HEADER..]) {
            let client = self.client.lock().address();
            let Some(client) = client.filter(|_| self.may_answer(from.ip())) else { continue };
            let pace = self.connection.pace(Way::Down);
            if pace.permits(count) != Ok(true) {
                continue;
            }
            header.clear();
            DatagramHeader { frag: 0, destination: Address::from(from) }.encode(&mut header);
            let start = HEADER - header.len();
            buffer[start..HEADER].copy_from_slice(&header);
            // With its header it may be longer than a datagram can be.
            if self.socket.send(&buffer[start..HEADER + count], client).is_ok() {
                self.connection.down().fetch_add(count as u64, Ordering::Relaxed);
            } else {
                pace.unsent(count);
            }
        }
    }
}
