//! What is near the server, asked for by a client that is not: the service is told
//! that its connections come from elsewhere.

use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::proxy::{Client, PATIENCE, Proxy, Setup, at, named, until};
use socksd::core::{RuleList, Rules, SafeDefault};
use socksd::net::local;
use socksd::wire::socks5::{Address, Command, ReplyCode};

/// For documentation (RFC 5737), so nobody has it.
const ELSEWHERE: &str = "198.51.100.7:4711";

fn proxy(targets: &[&str]) -> Proxy {
    let mut setup = Setup { from: Some(ELSEWHERE.parse().unwrap()), ..Setup::default() };
    setup.settings.target_rules = Rules::parse(&RuleList::Targets, targets).unwrap();
    Proxy::start(setup)
}

fn code(proxy: &Proxy, command: Command, to: Address) -> ReplyCode {
    proxy.ask(command, to, b"").1.code
}

#[test]
fn loopback_is_out_of_reach_however_it_is_written() {
    let proxy = proxy(&["allow *"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for ip in ["127.0.0.1", "0.0.0.0", "[::1]", "[::]", "[64:ff9b::7f00:1]"] {
        let to = at(&format!("{ip}:{port}"));
        assert_eq!(code(&proxy, Command::Connect, to), ReplyCode::NOT_ALLOWED, "{ip}");
    }
    for name in ["localhost", "127.0.0.1", "::ffff:127.0.0.1", "[::1]"] {
        let code = code(&proxy, Command::Connect, named(name, port));
        assert_eq!(code, ReplyCode::NOT_ALLOWED, "{name}");
    }
    // Whether these are addresses is for the resolver to say.
    for name in ["2130706433", "127.1", "0177.0.0.1", "0x7f000001", "127.0.0.1."] {
        let code = code(&proxy, Command::Connect, named(name, port));
        let refused = [ReplyCode::NOT_ALLOWED, ReplyCode::HOST_UNREACHABLE].contains(&code);
        assert!(refused, "{name}: {code:?}");
    }
    assert!(listener.accept().is_err(), "nobody has come");
}

#[test]
fn an_address_that_is_allowed_is_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = proxy(&[&format!("allow {address}")]);
    assert_eq!(code(&proxy, Command::Connect, address.into()), ReplyCode::SUCCEEDED);
    let by_name = named("localhost", address.port());
    assert_eq!(code(&proxy, Command::Connect, by_name), ReplyCode::SUCCEEDED);
}

#[test]
fn a_listener_everywhere_is_protected_at_every_address_of_this_machine() {
    let proxy = proxy(&[]);
    let management = TcpListener::bind("0.0.0.0:0").unwrap();
    let listening = management.local_addr().unwrap();
    proxy.service.core.protect(SafeDefault::new([listening], local::is_here));
    // Where this machine has an address beside loopback, that is the one to try.
    let own = local::towards("203.0.113.1".parse().unwrap()).map(|address| address.ip());
    let own = own.unwrap_or([127, 0, 0, 1].into());
    let to = SocketAddr::new(own, listening.port());
    assert!(TcpStream::connect(to).is_ok(), "it can be reached there");
    assert_eq!(code(&proxy, Command::Connect, to.into()), ReplyCode::NOT_ALLOWED);
}

#[test]
fn nobody_near_is_let_in_by_bind() {
    let proxy = proxy(&[]);
    assert_eq!(code(&proxy, Command::Bind, at("127.0.0.1:0")), ReplyCode::NOT_ALLOWED);
    let (mut client, reply) = proxy.ask(Command::Bind, Address::UNSPECIFIED, b"");
    assert_eq!(reply.code, ReplyCode::SUCCEEDED);
    let bound: SocketAddr = reply.bound.to_string().parse().unwrap();
    let peer = TcpStream::connect(bound).unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(Client(peer).is_over(), "it is let in");
    // Who leaves is not answered any more, so a second reply would be about that peer.
    client.shut_down_writing();
    assert_eq!(client.read_to_end(), b"", "it waits for somebody else");
    drop(client);
    until("all is over", || proxy.open() == 0);
}
