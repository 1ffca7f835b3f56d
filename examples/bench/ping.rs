//! Small messages on one open connection: the delay that a proxy adds.

use std::time::Instant;

use crate::dial;
use crate::job::{Figures, Lab};
use crate::results::percentile;
use crate::target::{ECHO, MESSAGE, REQUEST, SPLIT};

/// How a message is written, on both ends.
#[derive(Clone, Copy)]
pub enum Writes {
    /// In one piece.
    One,
    /// In two: TCP without NODELAY keeps the second back until the first is acknowledged.
    Two,
}

/// Messages there and back, one at a time, for the lab's time.
pub fn measure(lab: &Lab, writes: Writes) -> Result<Figures, String> {
    let (request, piece) = match writes {
        Writes::One => (ECHO, MESSAGE),
        Writes::Two => (SPLIT, MESSAGE / 2),
    };
    let stream = lab.path.open(lab.target.address())?;
    dial::send(&stream, &[request; REQUEST], "a request")?;
    let mut times = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < lab.seconds {
        let message = [times.len() as u8; MESSAGE];
        let sent = Instant::now();
        for part in message.chunks(piece) {
            dial::send(&stream, part, "a message")?;
        }
        if dial::receive::<MESSAGE>(&stream, "the echo")? != message {
            return Err("the echo arrived wrong".into());
        }
        times.push(sent.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Ok(vec![("p50_us", percentile(&times, 0.50)), ("p99_us", percentile(&times, 0.99))])
}
