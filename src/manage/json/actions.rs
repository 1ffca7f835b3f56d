//! The actions that manage the core: a request becomes a [`Command`], its outcome
//! the data of the answer.

use serde::Serialize;
use serde_json::{Number, Value, json};

use super::users;
use crate::core::{
    BadSetting, BufferSize, Caller, Command, ConnectionView, Core, Denied, Maildir, Metrics, Name,
    Outcome, PageSize, Password, RuleChange, RuleList, Setting, Settings,
};
use crate::wire::json::data::{self, Nothing};
use crate::wire::json::{Code, FRAME_MAX, Octets, Request, Scalar};

/// The action that takes time; the session carries it out itself.
pub const GET_OS_INFO: &str = "GET_OS_INFO";

/// What [`carry_out`] knows; [`scope`] says what each needs.
pub const ACTIONS: [&str; 13] = [
    "GET_METRICS",
    "LIST_USERS",
    "ADD_USER",
    "REMOVE_USER",
    "EDIT_USER",
    "LIST_CONNECTIONS",
    "CUT_CONNECTION",
    "GET_CONFIG",
    "SET_CONFIG",
    "DESCRIBE_USERS",
    "LIMIT_USER",
    "GET_RULES",
    "SET_RULES",
];

/// The scope that an action needs: that of its name, but for two.
pub fn scope(action: &str) -> &str {
    match action {
        "DESCRIBE_USERS" => "LIST_USERS",
        "LIMIT_USER" => "EDIT_USER",
        other => other,
    }
}

/// Every scope there is.
pub fn scopes() -> impl Iterator<Item = &'static str> {
    let own = ACTIONS.into_iter().filter(|action| scope(action) == *action);
    own.chain([GET_OS_INFO])
}

/// A list longer than this many octets goes on in the next answer: half a frame
/// leaves room for the last item and for what stands around the list.
const PAGE: usize = FRAME_MAX / 2;

/// Why an action was not carried out.
#[derive(Debug)]
pub struct Refusal {
    /// The document's code.
    pub code: Code,
    /// For people.
    pub message: String,
    /// For programs.
    pub details: Option<Value>,
}

impl Refusal {
    /// Data that the action can't mean.
    pub fn bad_data(message: String) -> Self {
        Self { code: Code::BAD_REQUEST, message, details: None }
    }

    /// The document has no code for it, so it is a BAD_REQUEST with a reason.
    pub(super) fn because(reason: &'static str, message: String) -> Self {
        let details = Some(json!({ "reason": reason }));
        Self { code: Code::BAD_REQUEST, message, details }
    }

    fn internal(message: &str) -> Self {
        Self { code: Code::INTERNAL_ERROR, message: message.into(), details: None }
    }
}

/// The data of an answer.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// It was done.
    Done(Nothing),
    /// To GET_METRICS.
    Metrics(data::Metrics),
    /// To LIST_USERS.
    Users(data::Users),
    /// To DESCRIBE_USERS.
    UserDetails(data::UserDetails),
    /// To what cuts all of a user.
    Cut(data::CutCount),
    /// To LIST_CONNECTIONS.
    Connections(data::Connections),
    /// To GET_CONFIG.
    Config(data::Config),
    /// To GET_RULES.
    Rules(data::Rules),
}

/// Carries out one of [`ACTIONS`].
///
/// # Errors
/// [`Refusal`]; then nothing has changed.
pub fn carry_out(core: &Core, caller: &Caller, request: &Request<'_>) -> Result<Answer, Refusal> {
    let outcome = core.apply(caller, command(request)?).map_err(denied)?;
    Ok(match outcome {
        Outcome::Done => Answer::Done(Nothing {}),
        Outcome::Metrics(metrics) => Answer::Metrics(counted(&metrics)),
        Outcome::Users(names) => Answer::Users(list(&names, request)?),
        Outcome::UserDetails(details) => Answer::UserDetails(users::described(&details, request)?),
        Outcome::Cut(cut) => Answer::Cut(data::CutCount { cut: cut as u64 }),
        Outcome::Connections(open) => Answer::Connections(connections(&open, request)?),
        Outcome::Config(settings) => Answer::Config(config(&settings)),
        Outcome::Rules(rules) => Answer::Rules(data::Rules { rules: rules.lines() }),
    })
}

fn command(request: &Request<'_>) -> Result<Command, Refusal> {
    Ok(match request.action.as_str() {
        "GET_METRICS" => Command::GetMetrics,
        "LIST_USERS" => Command::ListUsers,
        "LIST_CONNECTIONS" => Command::ListConnections,
        "GET_CONFIG" => Command::GetConfig,
        "ADD_USER" => {
            let (name, password) = account(&read(request)?)?;
            Command::AddUser { name, password }
        }
        "EDIT_USER" => {
            let (name, password) = account(&read(request)?)?;
            Command::EditUser { name, password }
        }
        "REMOVE_USER" => {
            let data::Removal { name: whose, cut } = read(request)?;
            Command::RemoveUser { name: name(&whose)?, cut: cut.unwrap_or(false) }
        }
        "DESCRIBE_USERS" => Command::DescribeUsers,
        "LIMIT_USER" => users::limitation(request)?,
        "CUT_CONNECTION" => users::cut(request)?,
        "SET_CONFIG" => Command::SetConfig(setting(read(request)?)?),
        "GET_RULES" => {
            let data::RuleList { list } = read(request)?;
            Command::GetRules(rule_list(&list)?)
        }
        "SET_RULES" => {
            let data::NewRules { list, rules } = read(request)?;
            let change = RuleChange::parse(rule_list(&list)?, &rules);
            let bad = |bad: crate::core::BadRules| Refusal::because("BAD_RULE", bad.to_string());
            Command::SetRules(change.map_err(bad)?)
        }
        _ => return Err(Refusal::internal("the action has no meaning")),
    })
}

pub(super) fn read<T: serde::de::DeserializeOwned>(request: &Request<'_>) -> Result<T, Refusal> {
    request.data().map_err(Refusal::bad_data)
}

pub(super) fn name(octets: &Octets) -> Result<Name, Refusal> {
    Name::new(&octets.0).map_err(|bad| Refusal::because("BAD_NAME", format!("the name: {bad}")))
}

fn rule_list(octets: &Octets) -> Result<RuleList, Refusal> {
    RuleList::parse(&octets.0).map_err(|bad| Refusal::because("UNKNOWN_LIST", bad.to_string()))
}

fn account(account: &data::Account) -> Result<(Name, Password), Refusal> {
    let password = Password::new(&account.password.0)
        .map_err(|bad| Refusal::because("BAD_PASSWORD", format!("the password: {bad}")))?;
    Ok((name(&account.name)?, password))
}

/// Numbers may come as text as well: that is how the other dialects say them.
fn setting(change: data::Change) -> Result<Setting, Refusal> {
    let bad_value = || bad_setting(BadSetting::Value);
    match (change.name.as_str(), change.value) {
        ("spoofing", Scalar::Bool(on)) => Ok(Setting::Spoofing(on)),
        ("page_size", Scalar::Number(names)) => {
            let size = u8::try_from(names).ok().and_then(PageSize::new);
            size.map(Setting::PageSize).ok_or_else(bad_value)
        }
        ("maildir", Scalar::Text(path)) => Maildir::open(path.as_ref())
            .map(Setting::Maildir)
            .map_err(|why| Refusal::because("BAD_VALUE", why)),
        ("spoofing" | "page_size" | "maildir", _) => Err(bad_value()),
        // No setting is anything else, but the name may be to blame first.
        (name, value) => Setting::parse(name, &value.into_text()).map_err(bad_setting),
    }
}

fn bad_setting(bad: BadSetting) -> Refusal {
    match bad {
        BadSetting::Unknown => {
            Refusal::because("UNKNOWN_SETTING", format!("{bad}, spoofing, page_size, maildir"))
        }
        BadSetting::Value => Refusal::because("BAD_VALUE", bad.to_string()),
    }
}

fn denied(why: Denied) -> Refusal {
    let reason = match why {
        Denied::Forbidden(_) => {
            return Refusal { code: Code::FORBIDDEN, message: why.to_string(), details: None };
        }
        Denied::NotStored(_) => return Refusal::internal(&why.to_string()),
        Denied::UserExists(_) => "USER_EXISTS",
        Denied::UserUnknown(_) => "USER_UNKNOWN",
        Denied::UsersFull(_) => "USERS_FULL",
        Denied::ConnectionUnknown(_) => "CONNECTION_UNKNOWN",
        Denied::AdminExists(_) => "ADMIN_EXISTS",
        Denied::AdminUnknown(_) => "ADMIN_UNKNOWN",
        Denied::LastAdmin(_) => "LAST_ADMIN",
    };
    Refusal::because(reason, why.to_string())
}

fn counted(metrics: &Metrics) -> data::Metrics {
    data::Metrics {
        historic: metrics.historic,
        current: metrics.current,
        max_current: metrics.max_current,
        bytes: metrics.bytes(),
        bytes_up: metrics.bytes_up,
        bytes_down: metrics.bytes_down,
        active_users: metrics.active_users,
        refused: metrics.refused,
        failed_logins: metrics.failed_logins,
        uptime_seconds: metrics.uptime.as_secs(),
    }
}

fn list(names: &[Name], request: &Request<'_>) -> Result<data::Users, Refusal> {
    let data::UsersAfter { after } = read(request)?;
    let after = after.map(|after| after.0).unwrap_or_default();
    let left = names.iter().filter(|name| *name.as_bytes() > *after);
    let (users, more) = page(left.map(|name| Octets(name.as_bytes().to_vec())))?;
    Ok(data::Users { users, more })
}

fn connections(
    open: &[ConnectionView],
    request: &Request<'_>,
) -> Result<data::Connections, Refusal> {
    let data::ConnectionsAfter { after } = read(request)?;
    let left = open.iter().filter(|open| after.is_none_or(|after| open.id.0 > after));
    let (connections, more) = page(left.map(connection))?;
    Ok(data::Connections { connections, more })
}

fn connection(open: &ConnectionView) -> data::Connection {
    data::Connection {
        id: open.id.0,
        service: open.service.into(),
        user: open.user.clone(),
        client: open.client.to_string(),
        target: open.target.clone(),
        state: open.state.to_string(),
        bytes_up: open.bytes_up,
        bytes_down: open.bytes_down,
        age_seconds: open.age.as_secs(),
    }
}

/// The items that fit one answer, and whether there are more.
pub(super) fn page<T: Serialize>(
    items: impl Iterator<Item = T>,
) -> Result<(Vec<T>, bool), Refusal> {
    let (mut taken, mut octets) = (Vec::new(), 0);
    for item in items {
        if octets >= PAGE {
            return Ok((taken, true));
        }
        let text = serde_json::to_vec(&item);
        octets += text.map_err(|_| Refusal::internal("the list can't be told"))?.len() + 1;
        taken.push(item);
    }
    Ok((taken, false))
}

fn config(settings: &Settings) -> data::Config {
    let timeout = settings.timeout;
    let whole = Number::from(timeout.as_secs());
    let exact = Number::from_f64(timeout.as_secs_f64()).filter(|_| timeout.subsec_nanos() > 0);
    data::Config {
        timeout: exact.unwrap_or(whole),
        max_connections: settings.max_connections,
        max_per_user: settings.max_per_user.unwrap_or(0),
        max_per_address: settings.max_per_address.unwrap_or(0),
        max_new_per_address: settings.max_new_per_address.unwrap_or(0),
        max_users: settings.max_users,
        buffer_size: settings.buffer_size.map_or(0, BufferSize::octets),
        page_size: settings.page_size.names(),
        spoofing: settings.spoofing,
        maildir: settings.maildir.as_ref().map(|folder| folder.display().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Data with which each action is understood.
    const DATA: [(&str, &str); 7] = [
        ("ADD_USER", r#"{"name":"ana","password":"x"}"#),
        ("REMOVE_USER", r#"{"name":"ana"}"#),
        ("CUT_CONNECTION", r#"{"id":1}"#),
        ("SET_CONFIG", r#"{"name":"timeout","value":1}"#),
        ("LIMIT_USER", r#"{"name":"ana","limit":"rate_up","value":1}"#),
        ("GET_RULES", r#"{"list":"user:ana"}"#),
        ("SET_RULES", r#"{"list":"targets","rules":["deny *:25"]}"#),
    ];

    fn meant(action: &str, data: &str) -> Result<Command, Refusal> {
        let text = format!(r#"{{"v":1,"t":"req","id":"1","act":"{action}","data":{data}}}"#);
        command(&Request::parse(text.as_bytes()).unwrap())
    }

    fn changed(name: &str, value: &str) -> Result<Setting, Option<Value>> {
        let data = format!(r#"{{"name":"{name}","value":{value}}}"#);
        match meant("SET_CONFIG", &data) {
            Ok(Command::SetConfig(setting)) => Ok(setting),
            Ok(other) => panic!("{other:?}"),
            Err(refusal) => Err(refusal.details),
        }
    }

    #[test]
    fn an_action_needs_the_scope_of_its_command() {
        for action in ACTIONS {
            let alike = if action == "EDIT_USER" { "ADD_USER" } else { action };
            let data =
                DATA.iter().find(|(name, _)| *name == alike).map_or("null", |(_, data)| data);
            assert_eq!(meant(action, data).unwrap().scope(), scope(action));
        }
    }

    #[test]
    fn what_cannot_be_stored_is_an_internal_error() {
        assert_eq!(denied(Denied::NotStored("disk full".into())).code, Code::INTERNAL_ERROR);
    }

    #[test]
    fn settings_are_numbers_but_two() {
        assert_eq!(changed("spoofing", "true"), Ok(Setting::Spoofing(true)));
        assert_eq!(changed("max_users", "7"), Ok(Setting::MaxUsers(7)));
        assert_eq!(changed("max_users", r#""7""#), Ok(Setting::MaxUsers(7)));
        assert_eq!(changed("page_size", "7"), Ok(Setting::PageSize(PageSize::new(7).unwrap())));
        assert!(matches!(changed("maildir", r#""/""#), Ok(Setting::Maildir(_))));
        let reason = |reason: &str| Err(Some(json!({ "reason": reason })));
        assert_eq!(changed("speed", "7"), reason("UNKNOWN_SETTING"));
        for (name, value) in [
            ("spoofing", "1"),
            ("page_size", "201"),
            ("page_size", "0"),
            ("maildir", r#""/nonexistent/folder""#),
            ("maildir", "null"),
            ("timeout", "-1"),
            ("timeout", "1.5"),
            ("timeout", "[1]"),
            ("buffer_size", "511"),
        ] {
            assert_eq!(changed(name, value), reason("BAD_VALUE"), "{name} {value}");
        }
    }

    #[test]
    fn a_list_that_is_too_long_goes_on() {
        let long = |n: usize| Octets(vec![b'\\'; 255 + n % 2]);
        let (first, more) = page((0..2000).map(long)).unwrap();
        assert!(more);
        let told = serde_json::to_vec(&data::Users { users: first.clone(), more }).unwrap();
        assert!((PAGE..FRAME_MAX).contains(&told.len()), "{}", told.len());
        let (_, more) = page((0..first.len()).map(long)).unwrap();
        assert!(!more);
    }
}
