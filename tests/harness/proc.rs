//! What Linux tells about the process under test.

use std::fs;

use super::server::Server;

impl Server {
    pub fn threads(&self) -> usize {
        self.entries("task")
    }

    pub fn descriptors(&self) -> usize {
        self.entries("fd")
    }

    fn entries(&self, folder: &str) -> usize {
        let path = format!("/proc/{}/{folder}", self.id());
        fs::read_dir(path).expect("a folder of /proc").count()
    }

    /// The most memory that was ever resident, in octets (VmHWM of proc(5)).
    pub fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The memory that is resident now, in octets (VmRSS of proc(5)).
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    fn status(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("its status");
        let size = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
        size.trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1024
    }

    /// Whether every thread of it stands still, after a SIGSTOP.
    pub fn is_stopped(&self) -> bool {
        let mut threads = fs::read_dir(format!("/proc/{}/task", self.id())).expect("its threads");
        threads.all(|thread| {
            let status = thread.map(|thread| thread.path().join("status"));
            let status = status.and_then(fs::read_to_string);
            // proc_pid_status(5): "State: Current state of the process", "T (stopped)".
            status.is_ok_and(|status| status.contains("\nState:\tT"))
        })
    }

    /// Processor time used so far, in hundredths of a second.
    pub fn cpu_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("its stat");
        // The name in parentheses may hold anything; utime and stime are the
        // 12th and 13th fields after it (proc_pid_stat(5)).
        let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
        let ticks = fields.split(' ').skip(11).take(2);
        ticks.map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
    }
}
