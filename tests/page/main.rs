//! The live page in a real browser: what it shows, how it is used with the keyboard
//! alone, on a phone and in the dark, and what it says when something is wrong.

#[path = "../foreign/mod.rs"]
mod foreign;
#[path = "../served/mod.rs"]
#[allow(dead_code, reason = "what the tests of the dialects need")]
mod served;

mod axe;
mod browser;
mod limits;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use browser::{Browser, ENTER, ESCAPE};
use serde_json::json;
use served::{Served, echo, until};
use socksd::core::{Connection, Name, NewUser, Password, State};

const ON: &str = "--http 127.0.0.1:0 -u ana:1234";
const ANA: Option<(&str, &str)> = Some(("ana", "1234"));

/// A name that would be a script if it were taken for HTML.
const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>";
/// The same for a user's name, which holds no slash.
const HOSTILE_USER: &str = "<img src=x onerror=alert(3)>";

/// By how many pixels the page is wider than its window.
const HIDDEN_WIDTH: &str = "const { scrollWidth, clientWidth } = document.documentElement; return scrollWidth - clientWidth";

fn url(served: &Served) -> String {
    format!("http://{}/", served.address("http"))
}

/// A browser that shows the page of a server, as soon as it is live.
fn open(served: &Served) -> Option<Browser> {
    let browser = Browser::start()?;
    browser.go(&url(served));
    browser.until_text("#state-text", |text| text.starts_with("Live"));
    Some(browser)
}

#[track_caller]
fn is_content(browser: &Browser) {
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// A connection that only the core knows.
fn pretend(served: &Served, user: &str, host: &str) -> Connection {
    let from: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    let connection = served.core().admit("socks", from).unwrap();
    let client = served.core().log_in_user("test", user.as_bytes(), b"1234", from.ip()).unwrap();
    served.core().admit_client(&connection, &client).unwrap();
    connection.heads_for(host.to_owned(), 443);
    connection.connected(Duration::from_millis(1));
    connection.enter(State::Open);
    connection
}

#[test]
fn its_numbers_follow_a_transfer() {
    let served = Served::start(ON, None);
    let Some(browser) = open(&served) else { return };
    assert_eq!(browser.text("#now-open"), "0");
    assert_eq!(browser.text("#found"), "0 open.");
    let mut stream = served.through(ANA, echo());
    let mut buffer = vec![0x55; 100_000];
    let mut rows = Vec::new();
    until("octets in rates, totals and rows", || {
        stream.write_all(&buffer).unwrap();
        stream.read_exact(&mut buffer).unwrap();
        rows = ["#now-down", "#all-up", "#users tbody", "#targets tbody", "#open tbody"]
            .map(|selector| browser.text(selector))
            .to_vec();
        rows[0].ends_with("B/s")
            && !rows[0].starts_with('0')
            && !rows[1].starts_with("0 B")
            && rows[2].contains("ana")
            && rows[3].contains("127.0.0.1")
            && rows[4].contains("B/s")
    });
    assert!(rows[4].contains("ana") && rows[4].contains("open"), "{rows:?}");
    let graph = "return document.querySelector('#throughput svg').getAttribute('aria-label')";
    until("the graph in words", || {
        let told = browser.run(graph);
        told.as_str().unwrap().contains("down: now ")
    });
    drop(stream);
    browser.until_text("#now-open", |text| text == "0");
    browser.until_text("#open tbody", str::is_empty);
    is_content(&browser);
}

/// A line of one point has no length.
#[test]
fn the_first_sample_is_seen_in_the_graphs() {
    let served = Served::start(ON, None);
    let Some(browser) = open(&served) else { return };
    let spots = "return [...document.querySelectorAll('figure svg circle')]
        .filter((each) => each.getBoundingClientRect().width >= 4).map((each) => each.classList[1]).sort().join()";
    until("a spot for each series", || browser.run(spots) == "down,new,open,up");
    is_content(&browser);
}

#[test]
fn a_connection_is_cut_with_the_keyboard_alone() {
    let served = Served::start(ON, None);
    let mut others: Vec<_> = (0..3).map(|_| served.through(ANA, echo())).collect();
    let mut victim = served.through(ANA, echo());
    let Some(browser) = open(&served) else { return };
    let target = "Cut connection 4 of ana to ";
    browser.tab_to(|role, label| role == "button" && label.starts_with(target));
    browser.press(&ENTER.to_string());
    assert_eq!(browser.focused(), ("textbox".into(), "Admin's name".into()));
    browser.press("root\u{e004}wrong");
    browser.press(&ENTER.to_string());
    browser.until_text("#cut-error", |text| text.contains("password is wrong"));
    assert_eq!(browser.focused().1, "Password");
    // Escape leaves everything as it is, and the focus where it was.
    browser.press(&ESCAPE.to_string());
    assert!(browser.focused().1.starts_with(target));
    assert_eq!(served.core().metrics().current, 4);
    browser.press(&ENTER.to_string());
    browser.press("secret");
    browser.press(&ENTER.to_string());
    browser.until_text("#says", |text| text == "Connection 4 is cut.");
    // So its peer sees an error or an end.
    assert!(!matches!(victim.read(&mut [0]), Ok(1)));
    until("its row says so", || {
        browser.run("return document.activeElement.closest('tr')?.className") == "gone"
    });
    // The focus is still there, and goes on from there.
    let (role, label) = browser.focused();
    assert!(role == "button" && label.starts_with(target), "{role} {label}");
    for other in &mut others {
        other.write_all(b"x").unwrap();
        other.read_exact(&mut [0]).unwrap();
    }
    // The one wrong password.
    let expected = "Failed to load resource: the server responded with a status of 403";
    let complaints = browser.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains(expected), "{complaints:?}");
}

/// The browser tells of the end of a dialog late.
#[test]
fn what_is_typed_into_a_dialog_that_was_opened_again_stays() {
    let served = Served::start(ON, None);
    let _one = served.through(ANA, echo());
    let Some(browser) = open(&served) else { return };
    let kept = browser.run_async(
        "const done = arguments[0];
         const [dialog, cut] = [document.querySelector('#cut'), document.querySelector('button.cut')];
         const password = document.querySelector('#cut-password');
         cut.click();
         dialog.addEventListener('close', () => setTimeout(() => done(password.value)));
         dialog.close();
         cut.click();
         password.value = 'typed';",
    );
    assert_eq!(kept, "typed");
    is_content(&browser);
}

#[test]
fn hostile_names_are_texts() {
    let served = Served::start(ON, None);
    let name = Name::new(HOSTILE_USER.as_bytes()).unwrap();
    served.core().install_user(NewUser::new(name, Password::new(b"1234").unwrap())).unwrap();
    let open_connection = pretend(&served, HOSTILE_USER, HOSTILE);
    let Some(browser) = open(&served) else { return };
    for (place, text) in [
        ("#users tbody .text", HOSTILE_USER),
        ("#targets tbody .text", HOSTILE),
        ("#open tbody .user", HOSTILE_USER),
        ("#open tbody .target", &format!("{HOSTILE}:443")),
    ] {
        browser.until_text(place, |shown| shown == text);
    }
    browser.run("document.querySelector('#open button.cut').click()");
    let asked = format!("connection 1 of {HOSTILE_USER} to {HOSTILE}:443");
    assert_eq!(browser.text("#cut-what"), asked);
    assert_eq!(browser.run("return document.querySelectorAll('img, body script').length"), 0);
    // What the policy would do if a text became HTML after all.
    let refused =
        "try { document.body.innerHTML = '<b>x</b>'; return 'taken' } catch { return 'no' }";
    is_content(&browser);
    assert_eq!(browser.run(refused), "no");
    drop(open_connection);
}

#[test]
fn it_fits_a_phone_and_the_dark() {
    let served = Served::start(ON, None);
    let long = "a".repeat(250);
    let _open = [pretend(&served, "ana", "example.net"), pretend(&served, "ana", &long)];
    let _near = limits::fill(&served, &long);
    let Some(browser) = open(&served) else { return };
    browser.until_text("#open tbody", |text| text.contains(&long));
    browser.until_text("#limited tbody", |text| text.contains("nearly used up"));
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true })");
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        for (width, mobile) in [(1280, false), (800, false), (360, true)] {
            browser.resize(width, 800, mobile);
            assert_eq!(browser.run(HIDDEN_WIDTH), 0, "{scheme}, {width} px");
            axe::finds_nothing(&browser, &format!("{scheme}, {width} px"));
        }
        grounds.push(browser.run("return getComputedStyle(document.body).backgroundColor"));
    }
    assert_ne!(grounds[0], grounds[1]);
    browser.run("document.querySelector('#open button.cut').click()");
    assert_eq!(browser.run(HIDDEN_WIDTH), 0);
    axe::finds_nothing(&browser, "the dialog");
}

#[test]
fn ten_thousand_connections_are_a_hundred_rows() {
    let served = Served::start(&format!("{ON} --max-connections 20000"), None);
    let _open: Vec<Connection> = (1..=10_000)
        .map(|n| {
            let connection =
                served.core().admit("socks", "192.0.2.7:4711".parse().unwrap()).unwrap();
            connection.heads_for(format!("host-{n}.example"), 443);
            connection
        })
        .collect();
    let Some(browser) = open(&served) else { return };
    let rows = "return document.querySelectorAll('#open tbody tr').length";
    assert_eq!(browser.run(rows), 100);
    let told = "10,000 open; the first 100 are shown, 9,900 more are not.";
    assert_eq!(browser.text("#found"), told);
    browser.tab_to(|role, label| role == "searchbox" && label == "Find");
    browser.press("host-7777");
    browser.until_text("#found", |text| text == "1 of 10,000 match.");
    assert!(browser.text("#open tbody").contains("host-7777.example:443"));
    assert_eq!(browser.focused().1, "Find");
    is_content(&browser);
}

#[test]
fn it_says_when_the_server_is_gone() {
    let served = Served::start(ON, None);
    let Some(browser) = open(&served) else { return };
    drop(served);
    browser.until_text("#trouble", |text| {
        text.starts_with("The server does not answer. What you see is from ")
    });
    assert_eq!(browser.text("#state-text"), "No answer");
    assert_eq!(browser.text("#now-open"), "0");
    axe::finds_nothing(&browser, "without a server");
}

#[test]
fn a_token_that_is_refused_is_not_tried_again() {
    let server = {
        let words = ["-p", "0", "-P", "0", "-U", "root:secret", "--http", "127.0.0.1:0"];
        let args = <socksd::args::Args as argh::FromArgs>::from_args(&["socksd"], &words);
        let mut config = args.unwrap().into_config().unwrap();
        config.secrets.http = Some(Password::new(b"sixteen octets!!").unwrap());
        socksd::server::Server::start(config).unwrap()
    };
    let served = Served::of(server);
    let Some(browser) = Browser::start() else { return };
    let address = served.address("http");
    browser.go(&format!("http://x:sixteen%20octets!!@{address}/"));
    browser.until_text("#state-text", |text| text.starts_with("Live"));
    is_content(&browser);
    browser.chromium("Network.enable", json!({}));
    let wrong = json!({ "headers": { "Authorization": "Bearer wrong" } });
    browser.chromium("Network.setExtraHTTPHeaders", wrong);
    browser.until_text("#trouble", |text| {
        text.starts_with("The server refuses the token") && text.contains("What you see is from ")
    });
    assert_eq!(served.core().metrics().failed_logins, 1);
    // Neither is it when somebody comes back to the page and uses it.
    browser.run("document.dispatchEvent(new Event('visibilitychange'))");
    browser.run("document.querySelector('#open [data-sort=up]').click()");
    browser.run_async("setTimeout(arguments[arguments.length - 1], 2500)");
    assert_eq!(served.core().metrics().failed_logins, 1);
}

#[test]
fn it_asks_no_more_while_it_is_paused() {
    let served = Served::start(ON, None);
    let Some(browser) = open(&served) else { return };
    browser.tab_to(|role, label| role == "button" && label == "Pause");
    browser.press(&ENTER.to_string());
    browser.until_text("#state-text", |text| text.starts_with("Paused. What you see is from "));
    let _open = pretend(&served, "ana", "example.net");
    // Two questions' time of the page, by its own clock.
    browser.run_async("setTimeout(arguments[arguments.length - 1], 4500)");
    assert_eq!(browser.text("#now-open"), "0");
    assert_eq!(browser.text("#trouble"), "");
    browser.press(&ENTER.to_string());
    browser.until_text("#now-open", |text| text == "1");
    is_content(&browser);
}

#[test]
fn a_row_under_the_pointer_stays_where_it_is() {
    let served = Served::start(ON, None);
    let few = pretend(&served, "ana", "few.example");
    let many = pretend(&served, "ana", "many.example");
    many.down().fetch_add(1000, Ordering::Relaxed);
    let Some(browser) = open(&served) else { return };
    let order = "return [...document.querySelectorAll('#open tbody .target')]
                 .map((cell) => cell.textContent.split('.')[0]).join(' ')";
    assert_eq!(browser.run(order), "many few");
    browser.point_at("#open tbody tr:last-child .target");
    few.down().fetch_add(2000, Ordering::Relaxed);
    browser.until_text("#open tbody tr:last-child", |text| text.contains("2.00\u{a0}kB"));
    assert_eq!(browser.run(order), "many few");
    browser.point_at("h1");
    until("its place", || browser.run(order) == "few many");
    is_content(&browser);
}
