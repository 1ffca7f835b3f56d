//! TCP servers inside the test, on free ports, to proxy to.

use std::io::{self, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::clock::eventually;
use super::peer::Peer;
use super::socks::LOOPBACK;

/// A listener whose connections the test takes one by one.
pub struct Target {
    listener: TcpListener,
}

impl Target {
    pub fn listen() -> Self {
        Self::listen_on(LOOPBACK)
    }

    #[track_caller]
    pub fn listen_on(ip: IpAddr) -> Self {
        let listener = TcpListener::bind((ip, 0));
        let listener = listener.unwrap_or_else(|error| panic!("listening on {ip}: {error}"));
        listener.set_nonblocking(true).expect("non-blocking mode");
        Self { listener }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound socket")
    }

    #[track_caller]
    pub fn accept(&self) -> Peer {
        eventually("a connection to the target", || self.accepted())
    }

    /// A connection that waits already, if there is one.
    pub fn accepted(&self) -> Option<Peer> {
        self.listener.accept().ok().map(|(stream, _)| Peer::new(stream))
    }

    /// Serves every connection in a thread of its own until the tests end.
    pub fn serve(self, service: fn(Peer)) -> SocketAddr {
        let address = self.address();
        self.listener.set_nonblocking(false).expect("blocking mode");
        thread::spawn(move || {
            for stream in self.listener.incoming().flatten() {
                thread::spawn(move || service(Peer::new(stream)));
            }
        });
        address
    }
}

/// Gives back what it gets, and ends when the client has.
pub fn echo() -> SocketAddr {
    Target::listen().serve(|peer| {
        let mut buffer = vec![0; 64 * 1024];
        let _ = copy(&peer, &mut buffer);
        let _ = peer.stream.shutdown(Shutdown::Write);
    })
}

fn copy(peer: &Peer, buffer: &mut [u8]) -> io::Result<()> {
    loop {
        let count = peer.read(buffer)?;
        if count == 0 {
            return Ok(());
        }
        (&peer.stream).write_all(&buffer[..count])?;
    }
}

/// A port of this machine that refuses connections, and stays taken.
pub struct Nobody {
    near: TcpStream,
    _far: Option<TcpListener>,
}

impl Nobody {
    /// A socket that is bound and does not listen. Linux gives it one of the ports that
    /// it does not connect from: a connection from its own port would reach itself.
    #[cfg(all(unix, feature = "native"))]
    pub fn on(ip: IpAddr) -> Self {
        use rustix::net::{AddressFamily, SocketType, bind, socket};
        let family = if ip.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let near = socket(family, SocketType::STREAM, None).expect("a socket");
        bind(&near, &SocketAddr::new(ip, 0)).expect("a port");
        Self { near: near.into(), _far: None }
    }

    /// The near end of a connection.
    #[cfg(not(all(unix, feature = "native")))]
    pub fn on(ip: IpAddr) -> Self {
        let far = TcpListener::bind((ip, 0)).expect("a listener");
        let near = TcpStream::connect(far.local_addr().expect("a bound socket"));
        Self { near: near.expect("a connection"), _far: Some(far) }
    }

    pub fn address(&self) -> SocketAddr {
        self.near.local_addr().expect("a bound socket")
    }
}
