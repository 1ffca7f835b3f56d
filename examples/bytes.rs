//! Explains SOCKS5 and SHOES messages: hexadecimal in, decoded fields out.
//!
//! ```sh
//! cargo run --example bytes                       # a whole conversation
//! cargo run --example bytes -- request 05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00 50
//! ```

use std::fmt::Debug;
use std::process::ExitCode;

use socksd::wire::{shoes, socks5};

/// One message of each kind, as a client and a server would say them in turn.
const CONVERSATION: [(&str, &str); 9] = [
    ("greeting", "05 02 00 02"),
    ("method", "05 02"),
    ("login", "01 03 61 6e 61 04 31 32 33 34"),
    ("login-status", "01 00"),
    ("request", "05 01 00 03 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00 50"),
    ("reply", "05 00 00 01 c0 00 02 07 c3 50"),
    ("datagram", "00 00 00 01 c0 00 02 35 00 35 68 65 6c 6c 6f"),
    ("shoes-login", "01 04 72 6f 6f 74 04 31 32 33 34"),
    ("shoes-request", "01 00 03 61 6e 61 04 31 32 33 34"),
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(kind) = words.next() else {
        for (kind, hex) in CONVERSATION {
            report(kind, hex);
        }
        return ExitCode::SUCCESS;
    };
    if report(&kind, &words.collect::<Vec<_>>().join(" ")) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn report(kind: &str, hex: &str) -> bool {
    let answer = octets(hex).and_then(|octets| explain(kind, &octets));
    println!("{kind}: {hex}");
    match &answer {
        Ok(text) => println!("    {text}\n"),
        Err(text) => println!("    not understood: {text}\n"),
    }
    answer.is_ok()
}

fn explain(kind: &str, octets: &[u8]) -> Result<String, String> {
    match kind {
        "greeting" => tell(socks5::Greeting::decode(octets)),
        "method" => tell(socks5::MethodSelection::decode(octets)),
        "login" => tell(socks5::Login::decode(octets)),
        "login-status" => tell(socks5::LoginStatus::decode(octets)),
        "request" => tell(socks5::Request::decode(octets)),
        "reply" => tell(socks5::Reply::decode(octets)),
        "datagram" => tell(socks5::DatagramHeader::decode(octets).map(Some)),
        "shoes-login" => tell(shoes::Login::decode(octets)),
        "shoes-request" => tell(shoes::Request::decode(octets)),
        other => {
            let known: Vec<_> = CONVERSATION.iter().map(|(kind, _)| *kind).collect();
            Err(format!("there is no message {other}, use one of {}", known.join(", ")))
        }
    }
}

/// The one shape of every decoder's answer: an error, more needed, or a value and
/// how many octets it took.
fn tell<T: Debug, E: ToString>(decoded: Result<Option<(T, usize)>, E>) -> Result<String, String> {
    match decoded {
        Ok(Some((value, used))) => Ok(format!("{value:?}, in {used} octets")),
        Ok(None) => Err("the message is not complete yet".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn octets(hex: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    let pairs = digits.chunks(2).map(|pair| {
        let pair: String = pair.iter().collect();
        let octet = u8::from_str_radix(&pair, 16).ok().filter(|_| pair.len() == 2);
        octet.ok_or_else(|| format!("{pair} is not an octet in hexadecimal"))
    });
    pairs.collect()
}
