//! A resolver that never answers, in a mount namespace of the server's own.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};

use crate::foreign::is_there;
use crate::harness::clock::DEADLINE;
use crate::harness::file::Scratch;
use crate::harness::server::Server;
use crate::harness::shoes::Admin;
use crate::harness::socks::{CONNECT, greeted, name, request, through};
use crate::harness::target::echo;

#[test]
fn a_name_is_given_up_in_time_and_others_are_served() {
    // The question goes nowhere else, and the file outside stays as it is.
    let put_in_place = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
    let file = Scratch::new("resolv.conf");
    // It waits for three minutes, and the server must not.
    let [_, _, high, low] = std::process::id().to_be_bytes();
    // resolv.conf(5) has no word for a port, so only the address can be one's own.
    let address = Ipv4Addr::new(127, 53, high, low.max(1));
    let text = format!("nameserver {address}\noptions timeout:30 attempts:6\n");
    fs::write(file.path(), text).expect("a file");
    let words = ["unshare", "--mount", "sh", "-c", put_in_place, file.path()];
    // Whoever listens there hears the question and says nothing.
    let silent = UdpSocket::bind((address, 53));
    let (true, Ok(silent)) = (is_there(&[&words[..], &["true"]].concat()), silent) else {
        return assert!(std::env::var_os("CI").is_none(), "port 53 is for root");
    };
    let words = [&words[..], &[env!("CARGO_BIN_EXE_socksd")]].concat();
    let mut server = Server::start_under(&words, &["--connect-timeout", "2"]);
    let target = echo();
    let mut open = through(&server, target);
    let mut waiting: Vec<_> = (0..20).map(|_| greeted(&server)).collect();
    for client in &mut waiting {
        client.send(&request(CONNECT, &name("hangs.example", 80)));
    }
    silent.set_read_timeout(Some(DEADLINE)).expect("a read timeout");
    silent.recv(&mut [0; 512]).expect("the question");
    open.expect_echo(b"still served");
    through(&server, target).expect_echo(b"served");
    assert!(Admin::of(&server).metrics().current >= 1);
    for client in &mut waiting {
        // RFC 1928: X'06', TTL expired, is what it says for any time-out.
        assert_eq!(client.refusal(), 0x06);
    }
    drop(open);
    server.terminate();
    assert_eq!(server.wait_for_exit().code(), Some(0), "while the resolver still hangs");
}
