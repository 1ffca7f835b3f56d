//! Who has logged in is let in, unless it is too many or not welcome any more.

use std::sync::Arc;

use socksd::core::{
    Command, Core, Credential, Ended, Name, Outcome, Password, Setting, State, UserLimit,
};
use socksd::net::session::Session;

use super::{LOGIN, Talk, connect, core, one_message};

/// What an admin does.
fn apply(core: &Core, command: Command) -> Outcome {
    let proof = Credential::Checked(Ok(("test".into(), None)));
    let caller = core.log_in("test", proof, [127, 0, 0, 1].into()).unwrap();
    core.apply(&caller, command).unwrap()
}

#[test]
fn who_has_too_many_connections_is_told_and_left() {
    let (core, memory) = (core(), one_message());
    apply(&core, Command::SetConfig(Setting::MaxPerUser(Some(1))));
    let (one, other) = (connect(&core), connect(&core));
    let client = core.log_in_user("test", b"ana", b"1234", [127, 0, 0, 1].into()).unwrap();
    core.admit_client(&one, &client).unwrap();
    let mut talk = Talk::new(&core, &other, &memory);
    talk.feed(LOGIN);
    assert!(talk.take().contains("-ERR [SYS/TEMP] "));
    assert!(talk.closed);
    drop((one, talk));
    let again = connect(&core);
    let mut talk = Talk::new(&core, &again, &memory);
    talk.feed(LOGIN);
    assert!(talk.take().ends_with("+OK 1 messages\r\n"), "the mailbox is free again");
}

#[test]
fn who_is_not_welcome_any_more_when_the_mailbox_is_open_is_not_let_in() {
    let ana = || Name::new(b"ana").unwrap();
    let over = UserLimit::parse("expires", "1970-01-02").unwrap();
    for command in [
        Command::RemoveUser { name: ana(), cut: true },
        Command::RemoveUser { name: ana(), cut: false },
        Command::EditUser { name: ana(), password: Password::new(b"other").unwrap() },
        Command::LimitUser { name: ana(), limit: over },
    ] {
        let (core, mut memory) = (core(), one_message());
        let (admin, change) = (core.clone(), command.clone());
        memory.meanwhile = Some(Arc::new(move || {
            apply(&admin, change.clone());
        }));
        let connection = connect(&core);
        let mut talk = Talk::new(&core, &connection, &memory);
        talk.take();
        talk.feed(&[LOGIN, b"RETR 1\r\n"].concat());
        let said = "+OK and the password?\r\n-ERR [AUTH] the name or the password is wrong\r\n";
        assert_eq!(talk.take(), said, "{command:?}");
        assert!(talk.closed && !talk.session.admitted());
        assert_eq!(talk.session.outcome(), Ended::LoginFailed);
        drop(talk);
        drop(connection);
        assert_eq!(core.metrics().active_users, 0);
    }
}

#[test]
fn a_login_is_counted_and_shown() {
    let (core, memory) = (core(), one_message());
    let connection = connect(&core);
    let mut talk = Talk::new(&core, &connection, &memory);
    assert_eq!(core.metrics().active_users, 0);
    talk.feed(LOGIN);
    assert_eq!(core.metrics().active_users, 1);
    let listed = apply(&core, Command::ListConnections);
    let Outcome::Connections(open) = listed else { panic!("{listed:?}") };
    assert_eq!((open[0].user.as_str(), open[0].service), ("ana", "pop3"));
    assert_eq!(open[0].state, State::Open);
}
