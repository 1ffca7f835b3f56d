//! What a server says on standard output when it is up.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;

use crate::core::{Name, Password};
use crate::net::acceptor::reachable;
use crate::server::Config;

/// The admin made up when none was given.
const ADMIN: &str = "admin";

/// Letters and digits that can't be taken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The lines after the start.
pub struct Welcome {
    made_up: Option<String>,
    login_required: bool,
    stored: bool,
}

impl Welcome {
    /// Makes up an admin if there is none: the password is shown once and kept
    /// nowhere else.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn prepare(config: &mut Config) -> io::Result<Self> {
        let (login_required, stored) = (config.login_required(), config.state.is_some());
        if config.stored.is_some() || !config.admins.is_empty() {
            return Ok(Self { made_up: None, login_required, stored });
        }
        let password = random_password()?;
        let name = Name::new(ADMIN.as_bytes()).map_err(io::Error::other)?;
        let secret = Password::new(password.as_bytes()).map_err(io::Error::other)?;
        config.admins.push((name, secret.into()));
        Ok(Self { made_up: Some(password), login_required, stored })
    }

    /// `listening SERVICE ADDRESS` for each listener, then, when an admin was
    /// made up, its password and what to try next.
    pub fn text(&self, listeners: impl Iterator<Item = (&'static str, SocketAddr)>) -> String {
        let mut text = String::new();
        let mut addresses = [None, None];
        for (name, address) in listeners {
            // Writing to a string can't fail.
            let _ = writeln!(text, "listening {name} {address}");
            match name {
                "socks" => addresses[0] = Some(reachable(address)),
                "shoes" => addresses[1] = Some(reachable(address)),
                _ => {}
            }
        }
        if let (Some(password), [Some(socks), Some(shoes)]) = (&self.made_up, addresses) {
            text.push_str(&self.hints(password, socks, shoes));
        }
        text
    }

    fn hints(&self, password: &str, socks: SocketAddr, shoes: SocketAddr) -> String {
        let login = if self.login_required { "NAME:PASS@" } else { "" };
        let fate = if self.stored { "is now in the state" } else { "lives until the server stops" };
        format!(
            "\n\
             No admin was given, so this one {fate}: {ADMIN}:{password}\n\
             Try, in another terminal:\n\
             \x20 curl -x socks5h://{login}{socks} http://example.org/\n\
             \x20 export SOCKSCTL_SERVER={shoes} SOCKSCTL_LOGIN={ADMIN}:{password}\n\
             \x20 socksctl metrics\n"
        )
    }
}

/// Sixteen letters: 80 bits.
fn random_password() -> io::Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let letter = |octet: &u8| char::from(ALPHABET[usize::from(octet % 32)]);
    Ok(random.iter().map(letter).collect())
}
