//! Reads `tests/golden/<dialect>.txt`; the format is explained at the top of
//! `shoes.txt`.

use std::fs;
use std::path::{Path, PathBuf};

use socksd::core::{
    AdminSecrets, Command, Core, Credential, Name, NewUser, Password, Setting, Start, Token, latin1,
};
use socksd::manage::{Dialect, JwtKey, Secrets, SharedToken};

/// One `==` section of a file.
#[derive(Default)]
pub struct Transcript {
    pub title: String,
    pub given: Vec<String>,
    pub turns: Vec<Turn>,
    pub closes: bool,
}

/// What the client sends and what is answered before more is sent.
#[derive(Default)]
pub struct Turn {
    pub sent: Vec<u8>,
    /// `None` is an octet that differs each time.
    pub answer: Vec<Option<u8>>,
}

pub fn transcripts(dialect: &Dialect) -> Vec<Transcript> {
    let path = golden(dialect);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut all: Vec<Transcript> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let at = format!("{}:{}: {line}", path.display(), number + 1);
        if let Some(title) = line.strip_prefix("== ") {
            all.push(Transcript { title: title.into(), ..Transcript::default() });
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            let current = all.last_mut().unwrap_or_else(|| panic!("{at}: before any =="));
            read_line(line, current).unwrap_or_else(|why| panic!("{at}: {why}"));
        }
    }
    assert!(!all.is_empty(), "{}: holds no transcript", path.display());
    all
}

pub fn golden(dialect: &Dialect) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(dialect.name).with_extension("txt")
}

fn read_line(line: &str, transcript: &mut Transcript) -> Result<(), String> {
    if transcript.closes {
        return Err("nothing follows a close".into());
    }
    match line.split_once(' ') {
        Some(("given", what)) => transcript.given.push(what.into()),
        Some(("C:", octets)) => {
            let sent: Option<Vec<u8>> = read_octets(octets)?.into_iter().collect();
            let sent = sent.ok_or("?? can't be sent")?;
            transcript.turns.push(Turn { sent, answer: Vec::new() });
        }
        Some(("S:", octets)) if octets.trim() == "close" => transcript.closes = true,
        Some(("S:", octets)) => {
            if transcript.turns.is_empty() {
                // A banner, before the client has said anything.
                transcript.turns.push(Turn::default());
            }
            let turn = transcript.turns.last_mut().ok_or("no turn")?;
            turn.answer.extend(read_octets(octets)?);
        }
        _ => return Err("neither given nor C: nor S:".into()),
    }
    Ok(())
}

/// Hexadecimal octets, `??` for any, and quoted text, up to a `#`.
fn read_octets(text: &str) -> Result<Vec<Option<u8>>, String> {
    let mut octets = Vec::new();
    let mut left = text.chars();
    while let Some(next) = left.next() {
        match next {
            ' ' => {}
            '#' => break,
            '"' => read_quoted(&mut left, &mut octets)?,
            '\'' => {
                let (quoted, rest) = left.as_str().split_once('\'').ok_or("a ' is not closed")?;
                octets.extend(quoted.bytes().map(Some));
                left = rest.chars();
            }
            '?' => match left.next() {
                Some('?') => octets.push(None),
                _ => return Err("one ? is half an octet".into()),
            },
            high => {
                let low = left.next().ok_or("half an octet")?;
                let octet = high.to_digit(16).zip(low.to_digit(16));
                let (high, low) = octet.ok_or_else(|| format!("{high}{low} is no octet"))?;
                octets.push(Some((high * 16 + low) as u8));
            }
        }
    }
    Ok(octets)
}

fn read_quoted(left: &mut std::str::Chars<'_>, octets: &mut Vec<Option<u8>>) -> Result<(), String> {
    loop {
        let octet = match left.next().ok_or("a quote is not closed")? {
            '"' => return Ok(()),
            '\\' => match left.next() {
                Some('n') => b'\n',
                Some('r') => b'\r',
                Some('t') => b'\t',
                Some('0') => 0,
                Some(same @ ('\\' | '"')) => same as u8,
                other => return Err(format!("unknown escape {other:?}")),
            },
            ascii if ascii.is_ascii() => ascii as u8,
            other => return Err(format!("{other} is not ASCII, write its octets")),
        };
        octets.push(Some(octet));
    }
}

/// A core that holds what the transcript says.
pub fn core(transcript: &Transcript) -> Core {
    let (core, _) = Core::new(Start::default()).unwrap();
    let name = |text: &str| Name::new(&latin1(text).unwrap()).unwrap();
    let password = |text: &str| Password::new(&latin1(text).unwrap()).unwrap();
    let token = |text: &str| Token::new(text.as_bytes());
    for given in &transcript.given {
        match given.split_whitespace().collect::<Vec<_>>()[..] {
            // Not the core's: see `secrets`.
            ["token", _] => {}
            ["admin", admin, secret] => core.install_admin(name(admin), password(secret)).unwrap(),
            ["admin", admin, "token", text] => {
                let secrets = AdminSecrets { password: None, token: token(text) };
                core.install_admin(name(admin), secrets).unwrap();
            }
            ["user", user, secret] => {
                core.install_user(NewUser::new(name(user), password(secret))).unwrap()
            }
            [setting, value] => {
                let setting = Setting::parse(setting, value).unwrap();
                let proof = Credential::Checked(Ok(("test".into(), None)));
                let caller = core.log_in("test", proof, [127, 0, 0, 1].into()).unwrap();
                core.apply(&caller, Command::SetConfig(setting)).unwrap();
            }
            _ => panic!("given {given}: neither an account nor a setting"),
        }
    }
    core
}

/// The secrets that the transcript says, and the one of all JWTs.
pub fn secrets(transcript: &Transcript) -> Secrets {
    let token = transcript.given.iter().find_map(|given| given.strip_prefix("token "));
    let token = token.map(|text| SharedToken::parse(text.as_bytes()).expect("a token"));
    let jwt = JwtKey::new(b"the secret of the golden transcripts");
    // One for the first admin, whom no transcript needs: they name their own.
    let oneshot = Token::new(b"0123456789abcdef");
    Secrets { datagram: token, jwt, oneshot, http: None }
}
