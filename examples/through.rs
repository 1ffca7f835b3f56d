//! A server and a CONNECT through it, in one process: the whole path to read and
//! to step through in a debugger.
//!
//! ```sh
//! cargo run --example through
//! ```

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use argh::FromArgs;
use socksd::args::Args;
use socksd::server::Server;
use socksd::wire::socks5::{
    Address, Command, Greeting, Login, LoginStatus, Method, MethodSelection, Reply, Request,
};

fn main() -> Result<(), Box<dyn Error>> {
    let words = ["-p", "0", "-P", "0", "-u", "ana:1234", "-U", "root:secret"];
    let args = Args::from_args(&["through"], &words).map_err(|exit| exit.output)?;
    let server = Server::start(args.into_config()?)?;
    let (_, proxy) = server.listeners().next().ok_or("no listener")?;
    let core = server.core().clone();
    let running = thread::spawn(move || server.run());

    let target = shouting_target()?;
    let mut stream = connect_through(proxy, target)?;
    stream.write_all(b"hello")?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    println!("the target answered {answer:?}");
    println!("the server counted {:?}", core.metrics());

    core.stop();
    running.join().map_err(|_| "the server panicked")?;
    Ok(())
}

/// The client's side of RFC 1928 and RFC 1929, step by step.
fn connect_through(proxy: SocketAddr, target: SocketAddr) -> Result<TcpStream, Box<dyn Error>> {
    let mut stream = TcpStream::connect(proxy)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;

    say(&mut stream, |out| Greeting::new(&[Method::USERNAME_PASSWORD]).encode(out))?;
    println!("{:?}", hear(&mut stream, MethodSelection::decode)?);

    let login = Login { username: b"ana".to_vec(), password: b"1234".to_vec() };
    say(&mut stream, |out| login.encode(out))?;
    println!("{:?}", hear(&mut stream, LoginStatus::decode)?);

    let request = Request { command: Command::Connect, destination: Address::from(target) };
    say(&mut stream, |out| request.encode(out))?;
    println!("{:?}", hear(&mut stream, Reply::decode)?);
    Ok(stream)
}

fn say(stream: &mut TcpStream, encode: impl FnOnce(&mut Vec<u8>)) -> std::io::Result<()> {
    let mut octets = Vec::new();
    encode(&mut octets);
    stream.write_all(&octets)
}

/// Reads until the decoder is satisfied: a message may come in any pieces. One
/// octet at a time takes nothing of what comes behind the message.
fn hear<T, E: Error + 'static>(
    stream: &mut TcpStream,
    decode: impl Fn(&[u8]) -> Result<Option<(T, usize)>, E>,
) -> Result<T, Box<dyn Error>> {
    let mut received = Vec::new();
    loop {
        if let Some((value, _)) = decode(&received)? {
            return Ok(value);
        }
        let mut octet = [0];
        stream.read_exact(&mut octet)?;
        received.push(octet[0]);
    }
}

/// Answers what it got in capitals, once it has got all of it.
fn shouting_target() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut heard = String::new();
        stream.read_to_string(&mut heard)?;
        stream.write_all(heard.to_uppercase().as_bytes())
    });
    Ok(address)
}
