//! The limits of users and the rules on the page, and cutting all of a user.

use std::io::{Read, Write};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use super::browser::{Browser, ENTER};
use super::served::{Served, echo, until};
use super::{ANA, HOSTILE_USER, ON, axe, is_content, open, pretend};
use socksd::core::{
    Caller, Command, Connection, Core, Credential, Date, Name, NewUser, Password, RuleChange,
    RuleList, Rules, Setting, UserLimit,
};

/// Down, as WebDriver writes it.
const DOWN: char = '\u{e015}';

fn user(name: &str, limits: &[(&str, &str)], rules: &[&str]) -> NewUser {
    let name = Name::new(name.as_bytes()).unwrap();
    let mut user = NewUser::new(name.clone(), Password::new(b"1234").unwrap());
    for (limit, value) in limits {
        user.limits.change(UserLimit::parse(limit, value).unwrap());
    }
    user.rules = Rules::parse(&RuleList::User(name), rules).unwrap();
    user
}

fn day(from_now: u64) -> String {
    Date::of(SystemTime::now() + Duration::from_secs(from_now * 86_400)).to_string()
}

fn root(core: &Core) -> Caller {
    let secret = Credential::Password { name: b"root", password: b"secret" };
    core.log_in("test", secret, "127.0.0.1".parse().unwrap()).unwrap()
}

fn set_rules(core: &Core, list: RuleList, lines: &[String]) {
    let change = RuleChange::parse(list, lines).unwrap();
    core.apply(&root(core), Command::SetRules(change)).unwrap();
}

/// Users who are near limits and over them, and rules, some as long as may be. The
/// connection is to be kept.
pub fn fill(served: &Served, long: &str) -> Connection {
    let all =
        [("quota_month", "105"), ("quota_day", "1G"), ("rate_up", "999k"), ("expires", &day(7))];
    let rule = format!("deny {}.example:1-65535", "a".repeat(60));
    served.core().install_user(user(long, &all, &[&rule])).unwrap();
    served.core().install_user(user("late", &[("expires", "1999-12-31")], &[])).unwrap();
    set_rules(served.core(), RuleList::Clients, &["allow *".into()]);
    moving(served, long)
}

/// A connection of a user that has moved 100 octets.
fn moving(served: &Served, name: &str) -> Connection {
    let connection = pretend(served, name, "example.net");
    served.core().meter(&connection).unwrap();
    connection.down().fetch_add(100, Ordering::Relaxed);
    connection
}

/// The texts of the cells of a user's row.
#[track_caller]
fn row(browser: &Browser, name: &str) -> Vec<String> {
    let script = format!(
        "const row = [...document.querySelectorAll('#limited tbody tr')]
           .find((row) => row.cells[0].textContent === {});
         return [...row?.cells ?? []].map((cell) => cell.textContent.trim())",
        serde_json::json!(name)
    );
    serde_json::from_value(browser.run(&script)).unwrap()
}

#[test]
fn limits_of_users_are_told_in_words() {
    let served = Served::start(ON, None);
    let core = served.core();
    let soon = day(3);
    for (name, limits) in [
        ("full", &[("quota_day", "100"), ("quota_month", "1000")][..]),
        ("near", &[("quota_month", "105"), ("rate_up", "12k"), ("max_connections", "3")]),
        ("late", &[("expires", "1999-12-31")]),
        (HOSTILE_USER, &[("expires", &soon), ("rate_down", "1M")]),
        ("calm", &[("quota_day", "200")]),
    ] {
        core.install_user(user(name, limits, &[])).unwrap();
    }
    let _open = ["full", "near", "calm"].map(|name| moving(&served, name));
    let Some(browser) = open(&served) else { return };
    browser.until_text("#limited tbody", |text| text.contains("used up"));
    assert_eq!(
        row(&browser, "full"),
        [
            "full",
            "1",
            "–",
            "–",
            "100\u{a0}B of 100\u{a0}B used up",
            "100\u{a0}B of 1.00\u{a0}kB 10\u{a0}%",
            "–"
        ]
    );
    let quota = "100\u{a0}B of 105\u{a0}B 95\u{a0}%, nearly used up";
    let near = ["near", "1\u{a0}of\u{a0}3", "–", "12.0\u{a0}kB/s", "100\u{a0}B", quota, "–"];
    assert_eq!(row(&browser, "near"), near);
    assert_eq!(row(&browser, "late")[6], "1999-12-31 expired");
    until("the days that are left", || {
        // Fewer if midnight has passed meanwhile.
        let left = (0..=3).rfind(|left| day(*left) == soon).expect("a day to come");
        row(&browser, HOSTILE_USER)[6] == format!("{soon} in {left}\u{a0}days")
    });
    assert_eq!(row(&browser, "calm")[4], "100\u{a0}B of 200\u{a0}B 50\u{a0}%");
    assert_eq!(row(&browser, "ana"), [""; 0]);
    let order = "return [...document.querySelectorAll('#limited tbody th')].map((cell) => cell.textContent)";
    let expected = ["full", "late", HOSTILE_USER, "near", "calm"];
    assert_eq!(browser.run(order), serde_json::json!(expected));
    assert_eq!(browser.run("return document.querySelectorAll('img').length"), 0);
    is_content(&browser);
}

#[test]
fn where_there_are_none_it_says_so() {
    let served = Served::start(ON, None);
    let Some(browser) = open(&served) else { return };
    assert_eq!(browser.text("#limited-note"), "No user has limits of its own.");
    assert_eq!(browser.run("return document.querySelector('#limited').checkVisibility()"), false);
    assert!(browser.text("#rules-note").starts_with("There are no rules: "));
    assert_eq!(browser.text("#rules"), "");
    // It holds nevertheless.
    assert!(browser.text("main").contains("The safe default: clients that are not on loopback"));
}

#[test]
fn rules_are_lists_in_their_order() {
    let served = Served::start(ON, None);
    let core = served.core();
    let many: Vec<String> = (1..=25).map(|n| format!("deny host-{n}.example:25")).collect();
    set_rules(core, RuleList::Clients, &["allow 127.0.0.0/8".into(), "deny *".into()]);
    set_rules(core, RuleList::Targets, &many);
    core.install_user(user(HOSTILE_USER, &[], &["allow *.example.net:443", "deny *"])).unwrap();
    let Some(browser) = open(&served) else { return };
    let told = |place: usize, selector: &str| {
        let script = format!(
            "return [...document.querySelectorAll('#rules > div')[{place}].querySelectorAll('{selector}')]
               .map((one) => one.textContent)"
        );
        serde_json::from_value::<Vec<String>>(browser.run(&script)).unwrap()
    };
    assert_eq!(told(0, "h3"), ["clients who may come"]);
    assert_eq!(told(0, "ol > li"), ["allow 127.0.0.0/8", "deny *"]);
    assert_eq!(told(1, "ol > li"), many[..20]);
    assert_eq!(told(1, "p"), ["and 5 more, not shown here"]);
    assert_eq!(told(2, "h3 code"), [format!("user:{HOSTILE_USER}")]);
    assert_eq!(told(2, "ol > li"), ["allow *.example.net:443", "deny *"]);
    // They are changed while somebody looks.
    set_rules(core, RuleList::Targets, &[]);
    until("one list less", || {
        browser.run("return document.querySelectorAll('#rules ol').length") == 2
    });
    is_content(&browser);
}

#[test]
fn a_thousand_users_are_a_hundred_rows() {
    let served = Served::start(ON, None);
    let most = Command::SetConfig(Setting::MaxUsers(2000));
    served.core().apply(&root(served.core()), most).unwrap();
    for n in 1..=1000 {
        let (name, expired) = (format!("user-{n}"), ("expires", "1999-12-31"));
        let limits = [("quota_day", "1G"), expired];
        let limits = if n == 777 { &limits[..] } else { &limits[..1] };
        served.core().install_user(user(&name, limits, &["deny *:25"])).unwrap();
    }
    let Some(browser) = open(&served) else { return };
    assert_eq!(browser.run("return document.querySelectorAll('#limited tbody tr').length"), 100);
    assert_eq!(browser.text("#limited tbody th"), "user-777");
    let told = "The first 100 of 1,000 are shown, 900 more are not.";
    assert!(browser.text("#limited-note").ends_with(told));
    assert_eq!(browser.run("return document.querySelectorAll('#rules ol').length"), 10);
    assert!(browser.text("#rules-note").contains("990 more users have rules of their own"));
    is_content(&browser);
}

#[test]
fn all_of_a_user_are_cut_with_the_keyboard_alone() {
    let served = Served::start(ON, None);
    served.core().install_user(user("bob", &[], &[])).unwrap();
    let mut other = served.through(Some(("bob", "1234")), echo());
    let victims: Vec<_> = (0..2).map(|_| served.through(ANA, echo())).collect();
    let Some(browser) = open(&served) else { return };
    browser.tab_to(|role, label| role == "button" && label.starts_with("Cut connection 2 of ana"));
    browser.press(&ENTER.to_string());
    assert_eq!(browser.text("#cut-whose"), "all connections of ana");
    assert_eq!(browser.text("#cut-go"), "Cut it");
    browser.press("root\u{e004}secret");
    browser.tab_to(|role, label| role == "radio" && label == "only this connection");
    browser.press(&DOWN.to_string());
    assert_eq!(browser.focused(), ("radio".into(), "all connections of ana".into()));
    assert_eq!(browser.text("#cut-go"), "Cut all");
    axe::finds_nothing(&browser, "the choice");
    browser.press(&ENTER.to_string());
    browser.until_text("#says", |text| text == "2 connections of ana are cut.");
    for mut victim in victims {
        assert!(!matches!(victim.read(&mut [0]), Ok(1)));
    }
    other.write_all(b"x").unwrap();
    other.read_exact(&mut [0]).unwrap();
    // The next time it is one again. The rows of ana may still be there.
    browser.run("document.querySelector('#open button.cut[aria-label*=\" of bob \"]').click()");
    assert_eq!(browser.text("#cut-whose"), "all connections of bob");
    assert_eq!(browser.text("#cut-go"), "Cut it");
    is_content(&browser);
}

#[test]
fn who_has_not_logged_in_is_cut_one_by_one() {
    let served = Served::start("--http 127.0.0.1:0", None);
    let _open = served.through(None, echo());
    let Some(browser) = open(&served) else { return };
    browser.until_text("#open tbody", |text| text.contains("no login"));
    browser.run("document.querySelector('#open button.cut').click()");
    let shown = "return document.querySelector('#cut-choice').checkVisibility()";
    assert_eq!(browser.run(shown), false);
    axe::finds_nothing(&browser, "the dialog without a choice");
}
