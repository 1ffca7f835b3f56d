//! Asking for secrets, so that they need no place in a command line.

use std::io::{self, IsTerminal, Read, Write};

use super::{ClientError, Login, Secret, Token};
use crate::core::{Name, latin1};

/// Asks at the terminal for an admin's name and password.
///
/// # Errors
/// [`ClientError::Usage`] when there is no terminal, or no acceptable answer.
pub fn login() -> Result<Login, ClientError> {
    if !io::stdin().is_terminal() {
        return Err(ClientError::Usage(
            "no login is given: set SOCKSCTL_LOGIN to NAME:PASS, or use --login".into(),
        ));
    }
    let name = latin1(&line("admin: ")?).map_err(unusable("the name"))?;
    let name = Name::new(&name).map_err(unusable("the name"))?;
    let password = Secret::parse(&hidden_line("password: ")?).map_err(unusable("the password"))?;
    Ok(Login { name, password })
}

/// Asks at the terminal for a token.
///
/// # Errors
/// [`ClientError::Usage`] when there is no terminal, or no answer.
pub fn token() -> Result<Token, ClientError> {
    if !io::stdin().is_terminal() {
        return Err(ClientError::Usage(
            "no token is given: set SOCKSCTL_TOKEN, or use --token".into(),
        ));
    }
    Ok(Token::new(&hidden_line("token: ")?))
}

/// Asks at the terminal, twice, for a password that is to be set. Without a
/// terminal it is the first line of standard input.
///
/// # Errors
/// [`ClientError::Usage`] when there is no acceptable answer.
pub fn new_password(name: &Name) -> Result<Secret, ClientError> {
    password(&format!("password of {name}: "))
}

/// As [`new_password`], with this prompt.
///
/// # Errors
/// [`ClientError::Usage`] when there is no acceptable answer.
pub fn password(prompt: &str) -> Result<Secret, ClientError> {
    let typed = if io::stdin().is_terminal() {
        let typed = hidden_line(prompt)?;
        if hidden_line("once more: ")? != typed {
            return Err(ClientError::Usage("the two passwords differ, nothing was done".into()));
        }
        typed
    } else {
        line("")?
    };
    Secret::parse(&typed).map_err(unusable("the password"))
}

fn unusable<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> ClientError {
    move |why| ClientError::Usage(format!("{what} can't be used: {why}"))
}

/// Reads a line. The prompt goes to standard error, which is not the output.
fn line(prompt: &str) -> Result<String, ClientError> {
    read_line(prompt, None).map_err(unread)
}

fn unread(error: io::Error) -> ClientError {
    ClientError::Usage(format!("can't read an answer: {error}"))
}

/// A line that ends with `interrupt` is an error of the kind `Interrupted`.
fn read_line(prompt: &str, interrupt: Option<u8>) -> io::Result<String> {
    write!(io::stderr(), "{prompt}")?;
    let mut typed = Vec::new();
    for octet in io::stdin().lock().bytes() {
        let octet = octet?;
        if Some(octet) == interrupt {
            return Err(io::ErrorKind::Interrupted.into());
        }
        typed.push(octet);
        if octet == b'\n' {
            break;
        }
    }
    if typed.is_empty() {
        return Err(io::Error::other("there was none"));
    }
    let line = String::from_utf8(typed).map_err(|_| io::Error::other("it is not in UTF-8"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(all(unix, feature = "native"))]
fn hidden_line(prompt: &str) -> Result<String, ClientError> {
    let hidden = echo::Off::new().ok();
    let typed = read_line(prompt, hidden.as_ref().and_then(echo::Off::interrupt));
    if hidden.is_some() {
        // The Enter was not echoed either. Without a standard error there is nothing to end.
        let _ = writeln!(io::stderr());
    }
    drop(hidden);
    if typed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
        echo::interrupt();
    }
    typed.map_err(unread)
}

#[cfg(not(all(unix, feature = "native")))]
fn hidden_line(prompt: &str) -> Result<String, ClientError> {
    line(&format!("(what you type here will be seen)\n{prompt}"))
}

#[cfg(all(unix, feature = "native"))]
mod echo {
    use std::io;

    use rustix::process::{Signal, kill_current_process_group};
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
    };

    /// The terminal echoes nothing while this lives. It makes no signals either, which
    /// would leave it like this: the key for it, Ctrl-C, ends the line instead.
    pub struct Off(Termios);

    impl Off {
        pub fn new() -> io::Result<Self> {
            let before = tcgetattr(io::stdin())?;
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
            silent.special_codes[SpecialCodeIndex::VEOL] =
                before.special_codes[SpecialCodeIndex::VINTR];
            tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
            Ok(Self(before))
        }

        /// The key that interrupts, if there is one.
        pub fn interrupt(&self) -> Option<u8> {
            let key = self.0.special_codes[SpecialCodeIndex::VINTR];
            // _POSIX_VDISABLE: 0, or where it is not, 255.
            (!matches!(key, 0 | 0xff)).then_some(key)
        }
    }

    impl Drop for Off {
        fn drop(&mut self) {
            // A terminal that has gone away needs no restoring.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        }
    }

    /// What the terminal would have done, so that a shell knows it. It returns when the
    /// signal is ignored.
    pub fn interrupt() {
        let _ = kill_current_process_group(Signal::INT);
    }
}
