//! A sixth management dialect, whole: a codec, a conversation and a row. Neither `core/`
//! nor `net/` has heard of it. It talks to itself; with `-- serve` it waits for others (`nc`).

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::{env, error::Error, io, io::Write, thread, time::Instant};

use argh::FromArgs;
use socksd::core::{Caller, Command, Core, Credential};
use socksd::manage::{Dialect, Transport};
use socksd::net::session::{Input, Next, Session};
use socksd::{args::Args, server::Server};

/// The codec: lines `login NAME PASS`, `users`, `metrics`; any other, like `quit`, is the last.
enum Request<'a> {
    Login(&'a [u8], &'a [u8]),
    Apply(Command),
    Quit,
}

/// A request and how many octets it took, once its line is whole.
fn decode(bytes: &[u8]) -> Option<(Request<'_>, usize)> {
    let line = bytes.split_inclusive(|octet| *octet == b'\n').next()?;
    let words = line.strip_suffix(b"\n")?.trim_ascii_end().splitn(3, |octet| *octet == b' ');
    let request = match words.collect::<Vec<_>>().as_slice() {
        [b"login", name, password] => Request::Login(name, password),
        [b"users"] => Request::Apply(Command::ListUsers),
        [b"metrics"] => Request::Apply(Command::GetMetrics),
        _ => Request::Quit,
    };
    Some((request, line.len()))
}

/// The conversation: requests become commands, and outcomes lines.
struct SixthSession(Core, IpAddr, Option<Caller>);

impl SixthSession {
    /// The answer; none ends the conversation.
    fn answer(&mut self, request: Request<'_>) -> Option<String> {
        let Self(core, from, caller) = self;
        Some(match (request, caller.as_ref()) {
            (Request::Quit, _) => return None,
            (Request::Login(name, password), _) => {
                *caller = core.log_in("sixth", Credential::Password { name, password }, *from).ok();
                caller.as_ref().map_or("who?", |_| "welcome").into()
            }
            (Request::Apply(command), Some(caller)) => format!("{:?}", core.apply(caller, command)),
            (Request::Apply(_), None) => "login first".into(),
        })
    }
}

impl Session for SixthSession {
    type Done = ();

    fn admitted(&self) -> bool {
        self.2.is_some()
    }

    fn advance(&mut self, input: &mut Input, output: &mut Vec<u8>, _now: Instant) -> Next<()> {
        let Some((request, used)) = decode(input.bytes()) else { return Next::READ };
        let Some(answer) = self.answer(request) else { return Next::Close };
        input.take(used);
        output.extend(format!("{answer}\n").bytes());
        Next::Write
    }
}

/// The row.
pub const SIXTH: Dialect = Dialect {
    name: "sixth",
    longest_input: "login  \r\n".len() + 2 * 255,
    transport: Transport::Tcp(|core, _secrets| {
        let core = core.clone();
        Ok(Box::new(move |from| Box::new(SixthSession(core.clone(), from, None))))
    }),
    busy: || b"come back later\n".to_vec(),
};

/// A server with the admin root that speaks it, on free ports.
pub fn start() -> Result<Server, Box<dyn Error>> {
    let args = Args::from_args(&["socksd"], &["-p", "0", "-P", "0", "-U", "root:secret"]);
    let mut config = args.map_err(|exit| exit.output)?.into_config()?;
    config.dialects.push((SIXTH, SocketAddr::from(([127, 0, 0, 1], 0))));
    Ok(Server::start(config)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let server = start()?;
    let (name, address) = server.listeners().last().ok_or("no listener")?;
    println!("listening {name} {address}");
    let serving = thread::spawn(|| server.run());
    if env::args().nth(1).as_deref() == Some("serve") {
        return serving.join().map_err(|_| "the server panicked".into());
    }
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"users\nlogin root secret\nusers\nmetrics\nquit\n")?;
    print!("{}", io::read_to_string(stream)?);
    Ok(())
}
