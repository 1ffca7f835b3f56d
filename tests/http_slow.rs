//! Who reads an answer slowly holds a thread until the deadline, and no longer.
#![cfg(all(unix, feature = "native"))]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use socksd::core::{Core, Start};
use socksd::http::{Service, Sources};
use socksd::net::pool::Pool;

/// Far above what it takes to make the answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// A reader that never stalls for as long as the timeout.
const EVERY: Duration = Duration::from_millis(20);
const AT_ONCE: usize = 16 << 10;
/// Octets of the answer, at least: the two sockets buffer less, and all of it would take
/// that reader twenty seconds.
const LENGTH: usize = 16 << 20;

/// Reads until the end that is due, or a whole answer; says how much came.
fn read_slowly(mut stream: TcpStream) -> usize {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (mut read, mut chunk) = (0, [0; AT_ONCE]);
    // A reset is an end, too.
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        read += count;
        thread::sleep(EVERY);
    }
    read
}

#[test]
fn the_deadline_is_one_for_the_whole_answer() {
    let (core, _stops) = Core::new(Start::default()).unwrap();
    let pool = Pool::new("http", 2);
    let sources = Sources {
        core,
        // Stands for many users, all of whom have lines of their own.
        accept_errors: vec![("x".repeat(LENGTH).leak(), Arc::default())],
        receive_errors: Vec::new(),
        pools: vec![("http", pool.clone())],
    };
    let service = Service::new(sources, None, pool.clone(), TIMEOUT);
    // Accepted sockets have the buffers of their listener.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    set_socket_send_buffer_size(&listener, 32 << 10).unwrap();
    set_socket_recv_buffer_size(&listener, 32 << 10).unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    set_socket_recv_buffer_size(&client, 32 << 10).unwrap();
    let (stream, from) = listener.accept().unwrap();
    let begun = Instant::now();
    service.serve(stream, from);
    client.write_all(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    let reader = thread::spawn(move || read_slowly(client));
    while pool.in_use() > 0 || begun.elapsed() < TIMEOUT / 2 {
        assert!(begun.elapsed() < 10 * TIMEOUT, "the thread is still held");
        thread::sleep(Duration::from_millis(10));
    }
    let read = reader.join().unwrap();
    assert!((1..LENGTH).contains(&read), "{read} octets came");
}
