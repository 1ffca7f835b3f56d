//! What a process and its children use, from Linux's `/proc` (proc(5)). Elsewhere, and for processes of
//! other users where that is not allowed, there is no answer: `None`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;

/// `/proc/PID/stat` counts CPU time in USER_HZ, which is 100 a second on every common architecture.
const TICKS_PER_SECOND: f64 = 100.0;
/// TCP_LISTEN, as `/proc/net/tcp` writes it.
const LISTEN: &str = "0A";

/// Sums over a process and its descendants.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// User and system time, that of children who have ended included.
    pub cpu_seconds: f64,
    /// Resident memory; what processes share is counted in each.
    pub rss_kib: f64,
    /// Threads, at least one a process.
    pub threads: f64,
    /// Processes.
    pub processes: f64,
}

/// The fields of `/proc/PID/stat` that are used here.
struct Stat {
    parent: u32,
    session: u32,
    ticks: u64,
    threads: u64,
}

/// What `root` and its descendants use; if it leads a session, its whole session belongs to it (a
/// daemon's children may have lost their parent).
pub fn usage(root: u32) -> Option<Usage> {
    let all: BTreeMap<u32, Stat> = pids().filter_map(|pid| Some((pid, stat(pid)?))).collect();
    let leads = all.get(&root)?.session == root;
    let mut family = BTreeSet::from([root]);
    loop {
        let known = family.len();
        let belongs =
            |stat: &Stat| family.contains(&stat.parent) || (leads && stat.session == root);
        let more: Vec<u32> = all.iter().filter(|(_, s)| belongs(s)).map(|(pid, _)| *pid).collect();
        family.extend(more);
        if family.len() == known {
            break;
        }
    }
    let members = || family.iter().filter_map(|pid| all.get(pid));
    Some(Usage {
        cpu_seconds: members().map(|stat| stat.ticks).sum::<u64>() as f64 / TICKS_PER_SECOND,
        rss_kib: family.iter().filter_map(|pid| resident_kib(*pid)).sum::<u64>() as f64,
        threads: members().map(|stat| stat.threads).sum::<u64>() as f64,
        processes: family.len() as f64,
    })
}

/// The process that listens on `address`; of several that share the socket, the eldest.
pub fn listening_on(address: SocketAddr) -> Option<u32> {
    let inodes = listening_inodes(address);
    let wanted: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let holds = |pid: &u32| {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
            return false;
        };
        let mut links = descriptors.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        links.any(|link| wanted.iter().any(|name| link.as_os_str() == name.as_str()))
    };
    let holders: BTreeSet<u32> = if wanted.is_empty() {
        return None;
    } else {
        pids().filter(holds).collect()
    };
    let is_eldest = |pid: &&u32| stat(**pid).is_some_and(|stat| !holders.contains(&stat.parent));
    holders.iter().find(is_eldest).copied()
}

/// The soft limit on open descriptors of a process, or of this one.
pub fn descriptors_max(pid: Option<u32>) -> Option<usize> {
    let who = pid.map_or("self".into(), |pid| pid.to_string());
    let limits = fs::read_to_string(format!("/proc/{who}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    // "unlimited" is no number, and no reason to warn.
    line.split_whitespace().next()?.parse().ok()
}

/// How many threads of this machine wanted to run, over the last minute.
pub fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in brackets, which may hold blanks and brackets itself.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // Numbered as in proc(5), where the field behind the name is the third.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat {
        parent: field(4)? as u32,
        session: field(6)? as u32,
        ticks: field(14)? + field(15)? + field(16)? + field(17)?,
        threads: field(20)?,
    })
}

fn resident_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn listening_inodes(address: SocketAddr) -> Vec<String> {
    let port = format!(":{:04X}", address.port());
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|table| fs::read_to_string(table).unwrap_or_default());
    let mut inodes = Vec::new();
    for line in tables.iter().flat_map(|table| table.lines()) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let [_, local, _, state, _, _, _, _, _, inode, ..] = fields[..]
            && state == LISTEN
            && local.ends_with(&port)
        {
            inodes.push(inode.to_owned());
        }
    }
    inodes
}
