//! What rules mean: who may come and who may go where, asked of the core alone, with
//! addresses that no test machine has.

use std::net::SocketAddr;

use socksd::core::{
    Caller, Client, Command, Connection, Core, Credential, Denied, Destination, Name, NewUser,
    NotAdmitted, Outcome, Password, RuleChange, RuleList, Rules, SafeDefault, Settings, Start,
};

const REMOTE: &str = "198.51.100.7:4711";
const LOCAL: &str = "127.0.0.1:4711";

fn rules(list: &RuleList, lines: &[&str]) -> Rules {
    Rules::parse(list, lines).unwrap_or_else(|bad| panic!("{bad}"))
}

fn ana() -> RuleList {
    RuleList::User(Name::new(b"ana").unwrap())
}

/// A core with these rules; its own ports are 192.0.2.1:8080, and 1080 of this
/// "machine", which has that address only.
struct Rig {
    core: Core,
    admin: Caller,
    ana: Client,
}

impl Rig {
    fn new(clients: &[&str], targets: &[&str], of_ana: &[&str]) -> Self {
        let settings = Settings {
            client_rules: rules(&RuleList::Clients, clients),
            target_rules: rules(&RuleList::Targets, targets),
            ..Settings::default()
        };
        let (core, _stops) = Core::new(Start { settings, ..Start::default() }).unwrap();
        let secret = || Password::new(b"secret").unwrap();
        let user = NewUser::new(Name::new(b"ana").unwrap(), secret());
        core.install_user(NewUser { rules: rules(&ana(), of_ana), ..user }).unwrap();
        core.install_admin(Name::new(b"root").unwrap(), secret()).unwrap();
        let listeners = ["192.0.2.1:8080", "0.0.0.0:1080"].map(|at| at.parse().unwrap());
        core.protect(SafeDefault::new(listeners, |ip| ip.to_string() == "192.0.2.1"));
        let from = "127.0.0.1".parse().unwrap();
        let login = Credential::Password { name: b"root", password: b"secret" };
        let admin = core.log_in("test", login, from).unwrap();
        let ana = core.log_in_user("test", b"ana", b"secret", from).unwrap();
        Self { core, admin, ana }
    }

    fn from(&self, client: &str) -> Connection {
        self.core.admit("test", client.parse().unwrap()).unwrap()
    }

    /// Whether ana, from `client`, may reach this address by this name.
    fn reaches_from(&self, client: &str, name: Option<&str>, to: &str) -> bool {
        let address: SocketAddr = to.parse().unwrap();
        let to = Destination { name, address };
        let connection = self.from(client);
        let asker = (connection.client().ip(), &self.ana);
        let allowed = self.core.may_reach(asker, to).is_some();
        let port = Some(address.port());
        let foreseen = self.core.may_ask_for(asker, name, port);
        assert!(foreseen || !allowed, "{to:?} is allowed, and would not be looked up");
        allowed
    }

    fn reaches(&self, to: &str) -> bool {
        self.reaches_from(REMOTE, None, to)
    }

    fn apply(&self, command: Command) -> Result<Outcome, Denied> {
        self.core.apply(&self.admin, command)
    }

    fn set(&self, list: RuleList, lines: &[&str]) {
        let change = RuleChange::parse(list, lines).unwrap();
        self.apply(Command::SetRules(change)).unwrap();
    }
}

#[test]
fn what_no_rule_matches_is_allowed_but_for_the_safe_default() {
    let rig = Rig::new(&[], &[], &[]);
    for to in ["203.0.113.1:80", "10.0.0.1:25", "[2001:db8::1]:443", "192.0.2.1:80"] {
        assert!(rig.reaches(to) && rig.reaches_from(LOCAL, None, to), "{to}");
    }
    for to in [
        "127.0.0.1:80",
        "127.1.2.3:80",
        "[::1]:80",
        "[::ffff:127.0.0.1]:80",
        "[64:ff9b::7f00:1]:80",
        "169.254.169.254:80",
        "[fe80::1]:80",
        "0.0.0.0:80",
        "[::]:80",
        "192.0.2.1:8080",
        "192.0.2.1:1080",
    ] {
        assert!(!rig.reaches(to), "{to}");
        assert!(!rig.reaches_from(REMOTE, Some("any.name"), to), "{to}");
        assert!(rig.reaches_from(LOCAL, None, to), "{to}");
        assert!(rig.reaches_from("[::1]:1", None, to), "{to}");
        assert!(rig.reaches_from("[::ffff:127.0.0.1]:1", None, to), "{to}");
    }
    assert!(rig.reaches("192.0.2.2:1080") && rig.reaches("192.0.2.2:8080"));
}

#[test]
fn the_safe_default_is_lifted_by_addresses_only() {
    let default = |targets: &[&str]| {
        let rig = Rig::new(&[], targets, &[]);
        rig.reaches_from(REMOTE, Some("app.example"), "127.0.0.1:80")
    };
    assert!(default(&["allow 127.0.0.1:80"]));
    assert!(default(&["allow 127.0.0.0/8", "deny *"]));
    assert!(default(&["allow 0.0.0.0/0"]));
    for targets in [
        &["allow *"][..],
        &["allow *:80"],
        &["allow app.example"],
        &["allow *.example:80", "allow 127.0.0.1:80"],
        &["allow 127.0.0.1:81"],
        &["allow 127.0.0.2"],
        &["allow [::]/0"],
    ] {
        assert!(!default(targets), "{targets:?}");
    }
    let own_port = Rig::new(&[], &["allow 192.0.2.1:8080"], &[]);
    assert!(own_port.reaches("192.0.2.1:8080") && !own_port.reaches("192.0.2.1:1080"));
}

#[test]
fn rules_hold_for_clients_on_loopback_too() {
    let rig = Rig::new(&[], &["deny 127.0.0.0/8", "deny *:25"], &[]);
    assert!(!rig.reaches_from(LOCAL, None, "127.0.0.1:80"));
    assert!(!rig.reaches_from(LOCAL, None, "203.0.113.1:25"));
    assert!(rig.reaches_from(LOCAL, None, "[::1]:80"));
}

#[test]
fn the_first_match_wins_over_both_lists() {
    let targets = ["deny 10.0.0.0/8", "allow *.example.net", "deny *:80", "allow *"];
    let of_ana = ["allow 10.1.0.0/16", "deny mail.example.net", "deny 203.0.113.0/24:443"];
    let rig = Rig::new(&[], &targets, &of_ana);
    for (name, to, expected) in [
        (None, "10.0.0.1:443", false),
        (None, "10.1.0.1:443", true),
        (Some("a.example.net"), "10.0.0.1:443", false),
        (Some("a.example.net"), "198.51.100.1:80", true),
        (Some("A.Example.NET."), "198.51.100.1:80", true),
        (Some("example.net"), "198.51.100.1:80", false),
        (None, "198.51.100.1:80", false),
        (None, "198.51.100.1:443", true),
        (Some("mail.example.net"), "198.51.100.1:993", false),
        (Some("mail.example.net"), "10.1.0.1:993", true),
        // The address of a name that is denied: only a rule with an address helps.
        (None, "198.51.100.1:993", true),
        (Some("a.example.net"), "203.0.113.9:443", false),
        (Some("a.example.net"), "203.0.113.9:80", true),
    ] {
        assert_eq!(rig.reaches_from(REMOTE, name, to), expected, "{name:?} {to}");
    }
}

#[test]
fn who_needs_no_login_has_the_list_for_everybody() {
    let settings =
        Settings { target_rules: rules(&RuleList::Targets, &["deny *:25"]), ..Settings::default() };
    let (core, _stops) = Core::new(Start { settings, ..Start::default() }).unwrap();
    let client = core.open_access().unwrap();
    let connection = core.admit("test", REMOTE.parse().unwrap()).unwrap();
    let reaches = |to: &str| {
        let to = Destination { name: None, address: to.parse().unwrap() };
        core.may_reach((connection.client().ip(), &client), to).is_some()
    };
    assert!(!reaches("203.0.113.1:25") && reaches("203.0.113.1:26"));
    // Without listeners to protect, what is near is protected still.
    assert!(!reaches("127.0.0.1:80") && reaches("192.0.2.1:1080"));
}

#[test]
fn the_addresses_of_a_name_that_are_left_stay_in_their_order() {
    let rig = Rig::new(&[], &["deny 10.0.0.0/8", "deny [::]/0"], &[]);
    let found = ["10.0.0.1:80", "203.0.113.2:80", "[2001:db8::1]:80", "203.0.113.1:80"];
    let found = found.map(|address| address.parse().unwrap());
    let connection = rig.from(REMOTE);
    let left = |found: &[SocketAddr]| -> Vec<String> {
        let left = rig.core.reachable((connection.client().ip(), &rig.ana), "a.example", found);
        left.into_iter().map(|allowed| allowed.address().to_string()).collect()
    };
    assert_eq!(left(&found), ["203.0.113.2:80", "203.0.113.1:80"]);
    assert!(left(&found[..1]).is_empty() && left(&[]).is_empty());
}

#[test]
fn clients_come_by_their_addresses() {
    let rig = Rig::new(&["deny 198.51.100.8", "allow 198.51.100.0/24", "deny *"], &[], &[]);
    let comes = |from: &str| match rig.core.admit("test", from.parse().unwrap()) {
        Ok(_) => true,
        Err(why) => {
            assert_eq!(why, NotAdmitted::ByRule);
            false
        }
    };
    assert!(comes("198.51.100.7:1") && comes("[::ffff:198.51.100.9]:2"));
    assert!(!comes("198.51.100.8:1") && !comes("203.0.113.1:1") && !comes("[::1]:1"));
    assert!(!comes("127.0.0.1:1"), "nobody is exempt");
    assert_eq!((rig.core.metrics().refused, rig.core.metrics().denied), (4, 4));
    assert_eq!((rig.core.metrics().historic, rig.core.metrics().current), (2, 0));
}

#[test]
fn who_comes_through_a_proxy_is_whom_it_names() {
    let rig = Rig::new(&["allow 198.51.100.0/24", "deny *"], &[], &[]);
    let proxied = || rig.core.admit_proxied("test", "10.0.0.5:1".parse().unwrap()).unwrap();
    let named = |client: Option<&str>| {
        let connection = proxied();
        rig.core.identify(&connection, client.map(|client| client.parse().unwrap()))
    };
    assert_eq!(named(Some(REMOTE)), Ok(()));
    assert_eq!(named(Some("203.0.113.1:1")), Err(NotAdmitted::ByRule));
    assert_eq!(named(None), Err(NotAdmitted::ByRule), "the proxy itself");
    let metrics = rig.core.metrics();
    assert_eq!((metrics.refused, metrics.denied, metrics.current), (2, 2, 0));
}

#[test]
fn a_change_holds_for_the_next_question() {
    let rig = Rig::new(&[], &[], &[]);
    assert!(rig.reaches("203.0.113.1:25"));
    rig.set(RuleList::Targets, &["deny *:25"]);
    assert!(!rig.reaches("203.0.113.1:25"));
    rig.set(ana(), &["allow 203.0.113.0/24"]);
    assert!(rig.reaches("203.0.113.1:25"));
    rig.set(RuleList::Clients, &["deny *"]);
    assert!(rig.core.admit("test", REMOTE.parse().unwrap()).is_err());
    rig.set(RuleList::Clients, &[]);
    rig.set(ana(), &[]);
    assert!(!rig.reaches("203.0.113.1:25"));
    let Ok(Outcome::Rules(told)) = rig.apply(Command::GetRules(RuleList::Targets)) else {
        panic!()
    };
    assert_eq!(told.lines(), ["deny *:25"]);
    let bob = RuleList::User(Name::new(b"bob").unwrap());
    let unknown = rig.apply(Command::GetRules(bob.clone()));
    assert!(matches!(unknown, Err(Denied::UserUnknown(_))));
    let change = RuleChange::parse(bob, ["deny *"]).unwrap();
    assert!(matches!(rig.apply(Command::SetRules(change)), Err(Denied::UserUnknown(_))));
}

#[test]
fn who_is_removed_reaches_nothing_any_more() {
    let rig = Rig::new(&[], &["allow *"], &["deny 203.0.113.0/24"]);
    assert!(rig.reaches("198.51.100.1:80"));
    rig.apply(Command::RemoveUser { name: Name::new(b"ana").unwrap(), cut: false }).unwrap();
    assert!(!rig.reaches("198.51.100.1:80") && !rig.reaches("203.0.113.1:80"));
}

#[test]
fn another_password_leaves_the_rules_alone() {
    let rig = Rig::new(&[], &[], &["deny *:25"]);
    let (name, password) = (Name::new(b"ana").unwrap(), Password::new(b"other").unwrap());
    rig.apply(Command::EditUser { name, password }).unwrap();
    assert!(!rig.reaches("203.0.113.1:25"));
}
