//! Asking for secrets, so that they need no place in a command line.

use std::io::{self, BufRead, IsTerminal, Write};

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
    read_line(prompt).map_err(|error| ClientError::Usage(format!("can't read an answer: {error}")))
}

fn read_line(prompt: &str) -> io::Result<String> {
    write!(io::stderr(), "{prompt}")?;
    let mut line = String::new();
    let count = io::stdin().lock().read_line(&mut line)?;
    // Ctrl-C is an octet like others while nothing is echoed.
    if count == 0 || line.contains('\x03') {
        return Err(io::Error::other("there was none"));
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(all(unix, feature = "native"))]
fn hidden_line(prompt: &str) -> Result<String, ClientError> {
    let hidden = echo::Off::new();
    let typed = line(prompt);
    if hidden.is_ok() {
        // The Enter was not echoed either. Without a standard error there is nothing to end.
        let _ = writeln!(io::stderr());
    }
    typed
}

#[cfg(not(all(unix, feature = "native")))]
fn hidden_line(prompt: &str) -> Result<String, ClientError> {
    line(&format!("(what you type here will be seen)\n{prompt}"))
}

#[cfg(all(unix, feature = "native"))]
mod echo {
    use std::io;

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// The terminal echoes nothing while this lives. It makes no signals either,
    /// so that Ctrl-C can't leave it like this.
    pub struct Off(Termios);

    impl Off {
        pub fn new() -> io::Result<Self> {
            let before = tcgetattr(io::stdin())?;
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
            tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
            Ok(Self(before))
        }
    }

    impl Drop for Off {
        fn drop(&mut self) {
            // A terminal that has gone away needs no restoring.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        }
    }
}
