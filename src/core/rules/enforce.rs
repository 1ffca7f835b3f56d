//! Where rules are asked: when a client comes, before a name is looked up, and
//! before an address is used.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};

use super::denial::Denial;
use super::list::{Foresight, RuleChange, RuleList, Rules};
use super::pattern::Pattern;
use super::rule::{Action, Rule};
use super::safe_default::{Protected, SafeDefault};
use super::{Allowed, Asker, Destination};
use crate::core::account::Name;
use crate::core::command::Denied;
use crate::core::entry::ANONYMOUS;
use crate::core::managed::Managed;
use crate::core::settings::{Setting, Settings};
use crate::core::text::Latin1;
use crate::core::{Client, Core};

/// A connection is to be refused at once; that has been counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdmitted {
    /// A limit is reached.
    OverLimit,
    /// A rule does not want the client.
    ByRule,
}

impl Core {
    /// Says which listeners the safe default protects; only the first call counts.
    pub fn protect(&self, listeners: SafeDefault) {
        let _ = self.0.safe_default.set(listeners);
    }

    /// Whether the rules let a client in.
    pub(in crate::core) fn may_come(&self, service: &str, from: SocketAddr) -> bool {
        let address = from.ip().to_canonical();
        let Some(reason) = self.managed().client_denied(address) else { return true };
        if let Some(times) = self.0.denials.another() {
            log::info!(service, address:%, times, reason:%; "client-denied");
        }
        false
    }

    /// Whether some address could be allowed, before a name is looked up or while
    /// it is not known who will come. Without a name or a port they are not known.
    pub fn may_ask_for(&self, asker: Asker<'_>, name: Option<&str>, port: Option<u16>) -> bool {
        let denied = self.managed().foreseen(asker.1, name, port);
        if let Some(denial) = &denied {
            let (name, port) = (name.unwrap_or("*"), port.unwrap_or(0));
            self.note_denial(denial, asker, format_args!("{name}:{port}"));
        }
        denied.is_none()
    }

    /// Whether a client may use an address; to be asked right before it does.
    pub fn may_reach(&self, asker: Asker<'_>, to: Destination<'_>) -> Option<Allowed> {
        let reached = self.reach(asker, to);
        reached.inspect_err(|denial| self.note_denial(denial, asker, to)).ok()
    }

    /// Those of the addresses of a name that a client may use, in their order; to be
    /// asked right before it does.
    pub fn reachable(&self, asker: Asker<'_>, name: &str, found: &[SocketAddr]) -> Vec<Allowed> {
        let (mut allowed, mut denied) = (Vec::with_capacity(found.len()), None);
        for &address in found {
            let to = Destination { name: Some(name), address };
            match self.reach(asker, to) {
                Ok(address) => allowed.push(address),
                Err(denial) => denied = Some((denial, to)),
            }
        }
        // One less is no news while another is left.
        if let (true, Some((denial, to))) = (allowed.is_empty(), denied) {
            self.note_denial(&denial, asker, to);
        }
        allowed
    }

    fn reach(&self, asker: Asker<'_>, to: Destination<'_>) -> Result<Allowed, Denial> {
        let (own, (from, client)) = (self.0.safe_default.get(), asker);
        let denied = self.managed().denied(own, from, client, &to);
        denied.map_or(Ok(Allowed(to.address)), Err)
    }

    fn note_denial(&self, reason: &Denial, (address, client): Asker<'_>, to: impl Display) {
        let Some(times) = self.0.denials.another() else { return };
        let user = Latin1(client.name().map_or(ANONYMOUS.as_bytes(), Name::as_bytes));
        log::info!(address:%, user:%, target:% = to, times, reason:%; "target-denied");
    }

    /// The rules of a list.
    pub(in crate::core) fn rules(&self, list: &RuleList) -> Result<Rules, Denied> {
        let managed = self.managed();
        match list {
            RuleList::Clients => Ok(managed.settings.client_rules.clone()),
            RuleList::Targets => Ok(managed.settings.target_rules.clone()),
            RuleList::User(name) => {
                let rules = managed.users.rules(name).cloned();
                rules.ok_or_else(|| Denied::UserUnknown(name.clone()))
            }
        }
    }

    /// The lists that have rules, those of at most `most` users among them, and how
    /// many users have rules besides.
    pub fn rule_lists(&self, most: usize) -> (Vec<(RuleList, Rules)>, usize) {
        let managed = self.managed();
        let Settings { client_rules, target_rules, .. } = &managed.settings;
        let all = [(RuleList::Clients, client_rules), (RuleList::Targets, target_rules)];
        let of_all = all.into_iter().filter(|(_, rules)| !rules.is_empty());
        let ruled = || managed.users.iter().filter(|(_, account)| !account.rules.is_empty());
        let of_users = ruled().take(most);
        let of_users =
            of_users.map(|(name, account)| (RuleList::User(name.clone()), &account.rules));
        let lists = of_all.chain(of_users).map(|(list, rules)| (list, rules.clone()));
        (lists.collect(), ruled().skip(most).count())
    }
}

/// Rules about targets: of a user, or for everybody.
type Ruling<'a> = (Option<&'a Name>, &'a Rules);

fn list_of(user: Option<&Name>) -> RuleList {
    user.map_or(RuleList::Targets, |name| RuleList::User(name.clone()))
}

impl Managed {
    /// Replaces the rules of a list.
    pub(in crate::core) fn set_rules(&mut self, change: RuleChange) -> Result<(), Denied> {
        let (list, rules) = change.into_parts();
        match list {
            RuleList::Clients => self.set(Setting::ClientRules(rules)),
            RuleList::Targets => self.set(Setting::TargetRules(rules)),
            RuleList::User(name) => self.users.set_rules(&name, rules)?,
        }
        Ok(())
    }

    fn client_denied(&self, from: IpAddr) -> Option<Denial> {
        let to = Destination { name: None, address: SocketAddr::new(from, 0) };
        let first = self.settings.client_rules.first(&to)?;
        (first.1.action == Action::Deny).then(|| Denial::by(RuleList::Clients, first))
    }

    /// The lists of a client in their order, or that it may open nothing new. The name of a
    /// list is made only where something is denied: this is asked for every datagram.
    fn lists<'a>(&'a self, client: &'a Client) -> Result<[Option<Ruling<'a>>; 2], Denial> {
        if !self.welcomes(client) {
            return Err(Denial::NotWelcome);
        }
        let own = client.name().and_then(|name| Some((Some(name), self.users.rules(name)?)));
        Ok([own, Some((None, &self.settings.target_rules))])
    }

    fn foreseen(&self, client: &Client, name: Option<&str>, port: Option<u16>) -> Option<Denial> {
        let lists = match self.lists(client) {
            Ok(lists) => lists,
            Err(gone) => return Some(gone),
        };
        for (whose, rules) in lists.into_iter().flatten() {
            match rules.foresee(name, port) {
                Foresight::Denied(place, rule) => {
                    return Some(Denial::by(list_of(whose), (place, rule)));
                }
                Foresight::Open => return None,
                Foresight::Unmatched => {}
            }
        }
        None
    }

    fn denied(
        &self,
        own: Option<&SafeDefault>,
        from: IpAddr,
        client: &Client,
        to: &Destination<'_>,
    ) -> Option<Denial> {
        let lists = match self.lists(client) {
            Ok(lists) => lists,
            Err(gone) => return Some(gone),
        };
        let first = lists
            .into_iter()
            .flatten()
            .find_map(|(whose, rules)| rules.first(to).map(|(place, rule)| (whose, place, rule)));
        match first {
            Some((whose, place, rule)) if rule.action == Action::Deny => {
                Some(Denial::by(list_of(whose), (place, rule)))
            }
            // Whoever owns a name chooses its address, so only an address is enough.
            Some((_, _, Rule { host: Pattern::Range(_), .. })) => None,
            _ if from.to_canonical().is_loopback() => None,
            _ => {
                let protected = Protected::address(to.address.ip());
                let own = || own.filter(|own| own.is_own(to.address)).map(|_| Protected::OwnPort);
                protected.or_else(own).map(Denial::Default)
            }
        }
    }
}
