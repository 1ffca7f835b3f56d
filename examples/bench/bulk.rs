//! Bulk throughput, counted where the bytes arrive: here, and at the target by asking it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::dial;
use crate::job::{Column, Figures, Lab};
use crate::target::{self, BUFFER, REQUEST};

/// Not counted: buffers and windows find their size.
const WARM_UP: Duration = Duration::from_millis(150);

/// Which way the bytes go.
#[derive(Clone, Copy, PartialEq)]
pub enum Way {
    /// From the target.
    Down,
    /// To the target.
    Up,
    /// Both at once, counted together.
    Both,
}

impl Way {
    /// All, in the order of the columns.
    pub const ALL: [Way; 3] = [Way::Down, Way::Up, Way::Both];

    /// In the test's name.
    pub fn name(self) -> &'static str {
        match self {
            Way::Down => "down",
            Way::Up => "up",
            Way::Both => "both",
        }
    }

    /// The columns of this direction.
    pub fn columns(self) -> &'static [Column] {
        const fn pair(head: &'static str) -> [Column; 2] {
            let cpu = "CPU s/GB";
            [
                Column { key: "mb_per_s", head, digits: 0, ratio: true },
                Column { key: "cpu_s_per_gb", head: cpu, digits: 3, ratio: false },
            ]
        }
        const DOWN: &[Column] = &pair("down MB/s");
        const UP: &[Column] = &pair("up MB/s");
        const BOTH: &[Column] = &pair("both MB/s");
        match self {
            Way::Down => DOWN,
            Way::Up => UP,
            Way::Both => BOTH,
        }
    }

    fn request(self) -> u8 {
        match self {
            Way::Down => target::DOWNLOAD,
            Way::Up => target::UPLOAD,
            Way::Both => target::BOTH,
        }
    }
}

/// What the threads of one measurement share.
#[derive(Default)]
struct Shared {
    received: AtomicU64,
    over: AtomicBool,
    fault: Mutex<Option<String>>,
}

impl Shared {
    /// Keeps the first fault that came before the end.
    fn note(&self, end: Result<(), String>) {
        if let (Err(fault), false) = (end, self.over.load(Relaxed)) {
            let mut first = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(fault);
        }
    }
}

/// Lets `connections` connections transfer for the lab's time.
pub fn measure(lab: &Lab, connections: usize, way: Way) -> Result<Figures, String> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = lab.path.open(lab.target.address())?;
        dial::send(&stream, &[way.request(); REQUEST], "a request")?;
        streams.push(stream);
    }
    let shared = Shared::default();
    let figures = thread::scope(|scope| {
        for stream in &streams {
            if way != Way::Up {
                scope.spawn(|| shared.note(read(stream, &shared)));
            }
            if way != Way::Down {
                scope.spawn(|| shared.note(write(stream)));
            }
        }
        thread::sleep(WARM_UP);
        let figures = watch(lab, &shared);
        shared.over.store(true, Relaxed);
        for stream in &streams {
            // Wakes the threads; a connection that has already failed has noted why.
            let _ = stream.shutdown(Shutdown::Both);
        }
        figures
    });
    match shared.fault.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(fault) => Err(fault),
        None => figures,
    }
}

/// Bytes and CPU between two moments.
fn watch(lab: &Lab, shared: &Shared) -> Result<Figures, String> {
    let count = || Ok::<_, String>(shared.received.load(Relaxed) + lab.target.received()?);
    let (cpu_before, bytes_before, begin) = (lab.usage(), count()?, Instant::now());
    thread::sleep(lab.seconds);
    let bytes = (count()? - bytes_before) as f64;
    let seconds = begin.elapsed().as_secs_f64();
    let cpu = lab.cpu_since(cpu_before);
    if bytes == 0.0 {
        return Err(format!("no byte arrived in {seconds:.1} s"));
    }
    let mut figures = vec![("mb_per_s", bytes / 1e6 / seconds)];
    figures.extend(cpu.map(|cpu| ("cpu_s_per_gb", cpu / (bytes / 1e9))));
    Ok(figures)
}

fn read(mut stream: &TcpStream, shared: &Shared) -> Result<(), String> {
    let mut bytes = vec![0; BUFFER];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return Err("the connection ended in the middle of a download".into()),
            Ok(count) => shared.received.fetch_add(count as u64, Relaxed),
            Err(fault) => return Err(format!("downloading: {}", dial::explain(&fault))),
        };
    }
}

fn write(mut stream: &TcpStream) -> Result<(), String> {
    let bytes = vec![0x5a; BUFFER];
    loop {
        stream.write(&bytes).map_err(|fault| format!("uploading: {}", dial::explain(&fault)))?;
    }
}
