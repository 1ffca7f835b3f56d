//! What one user may use: it is read and changed with socksctl over json, and holds
//! at once for what is open.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::clock::{DEADLINE, eventually, stay_within_a_day, until};
use crate::harness::file::Scratch;
use crate::harness::peer::Peer;
use crate::harness::server::{Run, Server, run};
use crate::harness::socks::{
    ANYWHERE, ASSOCIATE, CONNECT, LOOPBACK, can_log_in, ip, logged_in, request, try_through,
};
use crate::harness::target::{Target, echo};
use crate::harness::udp::{Socket, datagram};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const ANA: (&str, &str) = ("ana", "1234");

/// A server, and socksctl with a token for its json listener.
struct Limited {
    server: Server,
    json: SocketAddr,
    token: String,
}

impl Limited {
    /// With the user ana.
    #[track_caller]
    fn start(args: &[&str]) -> Self {
        stay_within_a_day();
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
        command.env("SOCKSD_JWT_SECRET", SECRET);
        command.args(["-p", "0", "-P", "0", "--json", "127.0.0.1:0", "-U", "admin:secret"]);
        command.args(["-u", "ana:1234"]).args(args);
        let mut server = Server::launch(command);
        let json = server.listener("json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
        command.env("SOCKSD_JWT_SECRET", SECRET);
        let scopes = "LIST_USERS,ADD_USER,EDIT_USER,REMOVE_USER,LIST_CONNECTIONS,CUT_CONNECTION";
        command.args(["token", "--scopes", scopes, "--subject", "test"]);
        let token = run(command).stdout.trim().to_owned();
        Self { server, json, token }
    }

    #[track_caller]
    fn socksctl(&self, line: &str) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
        command.env("SOCKSCTL_SERVER", self.json.to_string()).env("SOCKSCTL_TOKEN", &self.token);
        command.args(["--dialect", "json"]).args(line.split(' '));
        run(command)
    }

    #[track_caller]
    fn say(&self, line: &str) -> String {
        let run = self.socksctl(line);
        assert_eq!(run.status.code(), Some(0), "{line}: {}", run.stderr);
        run.stdout
    }

    /// What `users` tells of ana.
    #[track_caller]
    fn ana(&self) -> Value {
        let users: Value = serde_json::from_str(&self.say("--output json users")).expect("JSON");
        users["users"][0].clone()
    }

    fn down(&self) -> u64 {
        self.ana()["bytes_down"].as_u64().expect("a number")
    }

    #[track_caller]
    fn through(&self, to: SocketAddr) -> Peer {
        try_through(&self.server, Some(ANA), to).expect("the server lets ana through")
    }

    /// The code of a refused CONNECT whose login was accepted.
    #[track_caller]
    fn refused(&self, to: SocketAddr) -> u8 {
        let mut client = logged_in(&self.server, ANA.0, ANA.1);
        client.send(&request(CONNECT, &ip(to)));
        client.refusal()
    }
}

/// Sends for as long as anybody takes it.
fn fountain() -> SocketAddr {
    Target::listen().serve(|mut peer| {
        use std::io::Write;
        while peer.stream.write_all(&[0x55; 16 * 1024]).is_ok() {}
    })
}

/// Reads to the end, orderly or not: how many octets came.
fn drain(peer: &mut Peer) -> u64 {
    let (mut buffer, mut count) = (vec![0; 64 * 1024], 0);
    while let Ok(more @ 1..) = peer.read(&mut buffer) {
        count += more as u64;
    }
    count
}

#[test]
fn a_rate_holds_for_all_connections_together_and_a_change_at_once() {
    let limited = Limited::start(&[]);
    let (rate, burst) = (200_000, 100_000);
    limited.say("limit-user ana rate_down 200kB");
    let (begun, from) = (Instant::now(), fountain());
    let mut clients = [limited.through(from), limited.through(from)];
    for turn in 0..10 {
        clients[turn % 2].receive(30_000);
    }
    let most = burst + (begun.elapsed().as_secs_f64() * f64::from(rate)) as u64;
    // The server counts what it has sent, and goes on until it is asked.
    let down = eventually("it is counted", || Some(limited.down()).filter(|down| *down >= 300_000));
    let later = burst + (begun.elapsed().as_secs_f64() * f64::from(rate)) as u64;
    assert!(300_000 <= most && down <= later, "{down}, {most}, {later}");
    // At the rate before it would take longer than anything may.
    limited.say("limit-user ana rate_down 0");
    let freed = Instant::now();
    clients[0].receive(10_000_000);
    assert!(freed.elapsed() < DEADLINE, "{:?}", freed.elapsed());
    // What was on its way is passed on.
    limited.say("limit-user ana rate_down 100kB");
    let (lowered, before) = (Instant::now(), limited.down());
    let reader = std::thread::spawn(move || clients.iter_mut().map(drain).sum::<u64>());
    until("a second and a half have passed", || lowered.elapsed() > Duration::from_millis(1500));
    let more = limited.down() - before;
    let most = 50_000 + (lowered.elapsed().as_secs_f64() * 100_000.0) as u64;
    assert!(more <= most + 2 * 1024 * 1024, "{more} of {most}");
    // A direction that waits for its rate can be cut.
    limited.say("limit-user ana rate_down 1");
    let said = limited.say("cut --user ana");
    assert!(said.contains("2 connections ended"), "{said}");
    assert!(reader.join().expect("the reader") > 0);
    until("they are gone", || limited.ana()["connections"] == 0);
}

#[test]
fn what_waits_for_a_rate_goes_at_the_one_that_takes_its_place() {
    let limited = Limited::start(&[]);
    limited.say("limit-user ana rate_down 400kB");
    let mut client = limited.through(fountain());
    let reader = std::thread::spawn(move || drain(&mut client));
    until("it flows", || limited.down() > 300_000);
    limited.say("limit-user ana rate_down 200");
    let lowered = Instant::now();
    // By then what was on its way has been passed on. An eighth of a second's octets at
    // the rate before would come after two and a half.
    until("a second has passed", || lowered.elapsed() > Duration::from_secs(1));
    let before = limited.down();
    until("it is later", || lowered.elapsed() > Duration::from_secs(3));
    let more = limited.down() - before;
    let most = 2 * 512 + (lowered.elapsed().as_secs_f64() * 200.0) as u64;
    assert!(more <= most, "{more} of {most}");
    limited.say("cut --user ana");
    assert!(reader.join().expect("the reader") > 300_000);
}

#[test]
fn who_is_cut_while_it_waits_leaves_no_debt() {
    let limited = Limited::start(&[]);
    limited.say("limit-user ana rate_down 1024");
    let from = fountain();
    // The smallest pieces are 512 octets: the last one waits for half a minute.
    let open: Vec<_> = (0..60).map(|_| limited.through(from)).collect();
    until("all of them wait", || limited.ana()["connections"] == 60);
    assert!(limited.say("cut --user ana").contains("60 connections ended"));
    drop(open);
    limited.through(from).receive(512);
}

#[test]
fn early_octets_and_uploads_have_their_rate() {
    let limited = Limited::start(&[]);
    limited.say("limit-user ana rate_up 2000");
    let target = Target::listen();
    let begun = Instant::now();
    let mut client = logged_in(&limited.server, ANA.0, ANA.1);
    let early = [request(CONNECT, &ip(target.address())), vec![0x55; 3000]].concat();
    client.send(&early);
    client.reply();
    client.send(&[0x55; 2000]);
    target.accept().receive(5000);
    let most = 1000 + (begun.elapsed().as_secs_f64() * 2000.0) as u64;
    assert!(most >= 5000, "{most}");
}

#[test]
fn who_waits_for_its_rate_is_not_idle() {
    let limited = Limited::start(&["--timeout", "3"]);
    // The smallest pieces are 512 octets, so the second one waits for four seconds.
    limited.say("limit-user ana rate_down 128");
    let mut client = limited.through(fountain());
    client.receive(2 * 512);
}

#[test]
fn datagrams_over_the_rate_are_dropped() {
    let limited = Limited::start(&[]);
    limited.say("limit-user ana rate_up 1000");
    let begun = Instant::now();
    let mut control = logged_in(&limited.server, ANA.0, ANA.1);
    let relay = control.ask(ASSOCIATE, &ip(ANYWHERE));
    let (client, target) = (Socket::on(LOOPBACK), Socket::on(LOOPBACK));
    let one = datagram(&ip(target.address()), &[0x55; 1000]);
    (0..100).for_each(|_| client.send(&one, relay));
    target.expect(&[0x55; 1000]);
    // The association lives on.
    until("another one gets through", || {
        client.send(&datagram(&ip(target.address()), b"x"), relay);
        limited.ana()["bytes_up"].as_u64().is_some_and(|up| up % 1000 > 0)
    });
    let up = limited.ana()["bytes_up"].as_u64().expect("a number");
    let most = 512 + 1000 + (begun.elapsed().as_secs_f64() * 1000.0) as u64;
    assert!(up <= most, "{up} of {most}");
}

#[test]
fn datagrams_that_cannot_be_sent_cost_nothing() {
    let limited = Limited::start(&[]);
    limited.say("limit-user ana quota_day 10kB");
    let mut control = logged_in(&limited.server, ANA.0, ANA.1);
    let relay = control.ask(ASSOCIATE, &ip(ANYWHERE));
    let (client, target) = (Socket::on(LOOPBACK), Socket::on(LOOPBACK));
    // The system refuses a broadcast by a socket that has not asked to be allowed one.
    let nowhere = ip((Ipv4Addr::BROADCAST, 9).into());
    (0..20).for_each(|_| client.send(&datagram(&nowhere, &[0x55; 1000]), relay));
    client.send(&datagram(&ip(target.address()), &[0x55; 9000]), relay);
    target.expect(&[0x55; 9000]);
    // It is counted once it is sent, and no more than it.
    let used = eventually("it is counted", || {
        Some(limited.ana()["used_today"].clone()).filter(|used| *used != 0)
    });
    assert_eq!(used, 9000);
}

#[test]
fn a_quota_ends_what_is_open_and_refuses_what_comes() {
    let log = Scratch::new("log");
    let limited = Limited::start(&["--access-log", log.path()]);
    let (from, other) = (fountain(), echo());
    let mut idle = limited.through(other);
    limited.say("limit-user ana quota_day 100kB");
    let received = drain(&mut limited.through(from));
    assert!(received <= 100_000, "{received}");
    idle.expect_end();
    let ana = limited.ana();
    assert_eq!(
        (&ana["used_today"], &ana["limits"]["quota_day"]),
        (&100_000.into(), &100_000.into())
    );
    assert_eq!(limited.refused(other), 0x02);
    let mut ends: Vec<_> = log.records(3).iter().map(|record| record[11].clone()).collect();
    ends.sort();
    assert_eq!(ends, ["quota", "quota", "refused"]);
    assert!(limited.say("users").contains("100k/100k"));
    limited.say("limit-user ana quota_day 200kB");
    limited.through(other).expect_echo(b"there is some left");
}

#[cfg(unix)]
#[test]
fn a_quota_survives_a_restart() {
    let file = Scratch::new("toml");
    let state = ["--state", file.path()];
    let mut limited = Limited::start(&state);
    limited.through(echo()).expect_echo(&[0x55; 30_000]);
    // A change stores what has been counted until then.
    until("all is counted", || limited.ana()["used_this_month"] == 60_000);
    limited.say("limit-user ana quota_month 90kB");
    limited.server.kill();
    let mut limited = Limited::start(&state);
    assert_eq!(limited.ana()["used_this_month"], 60_000);
    let mut client = limited.through(echo());
    client.expect_echo(&[0x55; 10_000]);
    drop(client);
    until("it has ended", || limited.ana()["connections"] == 0);
    limited.server.terminate();
    limited.server.wait_for_exit();
    let limited = Limited::start(&state);
    assert_eq!(limited.ana()["used_this_month"], 80_000);
    let received = drain(&mut limited.through(fountain()));
    assert!(received <= 10_000, "{received}");
    assert_eq!(limited.refused(echo()), 0x02);
    let text = file.text();
    assert!(text.contains("quota_month = 90000") && text.contains("[users.used]"), "{text}");
}

#[test]
fn an_expired_user_is_cut_and_refused_and_has_not_guessed() {
    let log = Scratch::new("log");
    let mut limited = Limited::start(&["--access-log", log.path()]);
    let mut open = limited.through(echo());
    let port = open.local().port().to_string();
    limited.say("limit-user ana expires 9999-12-31");
    open.expect_echo(b"not yet");
    limited.say("limit-user ana expires 2020-01-01");
    open.expect_end();
    for _ in 0..15 {
        assert!(!can_log_in(&limited.server, ANA.0, ANA.1));
    }
    // With a line for each login, in the order in which they were written.
    let records = log.records(16);
    let record = records.iter().find(|record| record[4] == port).expect("its line");
    assert_eq!(record[11], "expired");
    limited.say("limit-user ana expires never");
    assert!(can_log_in(&limited.server, ANA.0, ANA.1));
    let log = limited.server.whole_log();
    assert!(log.contains("user-expired service=socks") && !log.contains("auth-failed"), "{log}");
}

#[test]
fn a_user_has_as_many_connections_as_it_may() {
    let limited = Limited::start(&["-u", "bob:5678"]);
    let target = echo();
    let mut open = [limited.through(target), limited.through(target)];
    limited.say("limit-user ana max_connections 1");
    assert_eq!(limited.refused(target), 0x02);
    open.iter_mut().for_each(|client| client.expect_echo(b"stays"));
    assert!(try_through(&limited.server, Some(("bob", "5678")), target).is_some());
    assert!(limited.say("users").contains("2/1"));
    limited.say("limit-user ana max_connections 3");
    limited.through(target).expect_echo(b"another");
}

#[test]
fn a_user_that_is_added_again_has_nothing_open() {
    let limited = Limited::start(&[]);
    let target = echo();
    let mut before = [limited.through(target), limited.through(target)];
    limited.say("remove-user ana");
    limited.say("add-user ana 1234");
    limited.say("limit-user ana max_connections 1");
    assert_eq!(limited.ana()["connections"], 0);
    let mut after = limited.through(target);
    assert_eq!(limited.refused(target), 0x02);
    before.iter_mut().for_each(|client| client.expect_echo(b"stays"));
    // They are cut by their name.
    assert!(limited.say("cut --user ana").contains("3 connections ended"));
    before.iter_mut().for_each(Peer::expect_end);
    after.expect_end();
    until("they are gone", || limited.ana()["connections"] == 0);
}

#[test]
fn a_user_is_cut_with_all_it_has_or_removed_with_it() {
    let limited = Limited::start(&["-u", "bob:5678"]);
    let target = echo();
    let bob = || try_through(&limited.server, Some(("bob", "5678")), target).expect("bob");
    let mut others = bob();
    let mut open = [limited.through(target), limited.through(target)];
    assert!(limited.say("cut --user ana").contains("user ana cut: 2 connections ended"));
    open.iter_mut().for_each(Peer::expect_end);
    until("they are gone", || limited.ana()["connections"] == 0);
    others.expect_echo(b"bob stays");
    let mut kept = limited.through(target);
    assert_eq!(limited.say("remove-user ana").trim(), "user ana removed");
    kept.expect_echo(b"a removal alone ends nothing");
    let said = limited.say("remove-user bob --cut");
    assert_eq!(said.trim(), "user bob removed: 1 connection ended");
    others.expect_end();
    assert!(!can_log_in(&limited.server, "bob", "5678"));
    // A removed user can still be cut, one that never was can't.
    assert!(limited.say("cut --user ana").contains("1 connection ended"));
    kept.expect_end();
    assert_eq!(limited.socksctl("cut --user nobody").status.code(), Some(1));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let limited = Limited::start(&[]);
    for (line, code, said) in [
        ("limit-user ana speed 1", 2, "use one of max_connections"),
        ("limit-user ana rate_up fast", 2, "use a number"),
        ("limit-user ana expires tomorrow", 2, "use a date"),
        ("limit-user nobody rate_up 1", 1, "no user nobody"),
        ("cut", 2, "cut --user NAME"),
        ("cut 1 --user ana", 2, "cut --user NAME"),
    ] {
        let run = limited.socksctl(line);
        assert_eq!(run.status.code(), Some(code), "{line}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{line}: {}", run.stderr);
    }
    assert_eq!(limited.ana()["limits"]["rate_up"], Value::Null);
}
