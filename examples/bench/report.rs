//! The report: tables for people, JSON for programs.

use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use crate::job::{Column, Job};
use crate::options::Plan;
use crate::results::Results;

/// One table for each group of tests, a row for each path.
pub fn table(plan: &Plan, results: &Results, markdown: bool) -> String {
    let mut text =
        format!("{}. (Ratio) to direct, of the same round. - is not measured.\n", conditions(plan));
    let jobs: Vec<(usize, &Job)> = plan.jobs.iter().enumerate().collect();
    for group in jobs.chunk_by(|(_, one), (_, next)| one.title() == next.title()) {
        let title = group.first().map(|(_, job)| job.title()).unwrap_or_default();
        let rows = rows(plan, results, group);
        text.push_str(&if markdown {
            format!("\n**{title}**\n\n")
        } else {
            format!("\n{title}\n")
        });
        text.push_str(&aligned(&rows, markdown));
    }
    text
}

fn conditions(plan: &Plan) -> String {
    let (rounds, seconds) = (plan.rounds, plan.seconds.as_secs_f64());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let (plural, core) =
        (if rounds == 1 { "" } else { "s" }, if cores == 1 { "core" } else { "cores" });
    format!("Medians of {rounds} round{plural}, {seconds} s each, {cores} {core}, loopback")
}

/// The head, then a row for each path.
fn rows(plan: &Plan, results: &Results, group: &[(usize, &Job)]) -> Vec<Vec<String>> {
    let cells =
        || group.iter().flat_map(|(at, job)| job.columns().iter().map(move |one| (*at, one)));
    let head = cells().map(|(_, column)| column.head.to_owned());
    let mut rows = vec![std::iter::once(String::new()).chain(head).collect()];
    for (index, path) in plan.paths.iter().enumerate() {
        let values = cells().map(|(job, column)| cell(results, index, job, column));
        rows.push(std::iter::once(path.name.clone()).chain(values).collect());
    }
    rows
}

fn cell(results: &Results, path: usize, job: usize, column: &Column) -> String {
    let digits = column.digits;
    let Some(value) = results.median(path, job, column.key) else {
        return "-".into();
    };
    match results.ratio(path, job, column.key).filter(|_| column.ratio) {
        Some(ratio) => format!("{value:.digits$} ({ratio:.2})"),
        None => format!("{value:.digits$}"),
    }
}

/// Names to the left, figures to the right.
fn aligned(rows: &[Vec<String>], markdown: bool) -> String {
    let columns = rows.first().map(Vec::len).unwrap_or_default();
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(String::len).max();
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or_default()).collect();
    let (open, between, close) = if markdown { ("| ", " | ", " |") } else { ("  ", "  ", "") };
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| match at {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let cells: Vec<String> = cells.collect();
        text.push_str(&format!("{open}{}{close}\n", cells.join(between)));
        if markdown && place == 0 {
            let rule = |(at, width): (usize, &usize)| match at {
                0 => "-".repeat(*width + 2),
                _ => "-".repeat(*width + 1) + ":",
            };
            let rules: Vec<String> = widths.iter().enumerate().map(rule).collect();
            text.push_str(&format!("|{}|\n", rules.join("|")));
        }
    }
    text
}

/// Everything, every round included.
pub fn json(plan: &Plan, results: &Results) -> Value {
    let paths: Vec<Value> = plan.paths.iter().map(|path| {
        json!({ "name": path.name, "proxy": path.proxy.map(|proxy| proxy.to_string()), "pid": path.pid })
    }).collect();
    let name = |path: usize| plan.paths.get(path).map(|path| path.name.clone());
    let test = |job: usize| plan.jobs.get(job).map(Job::name);
    let failures: Vec<Value> = results.failures.iter().map(|failure| {
        let round = failure.round + 1;
        json!({ "path": name(failure.path), "test": test(failure.job), "round": round, "reason": failure.reason })
    }).collect();
    json!({
        "unix_time": UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        "rounds": plan.rounds,
        "seconds": plan.seconds.as_secs_f64(),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "paths": paths,
        "figures": figures(plan, results),
        "failures": failures,
    })
}

fn figures(plan: &Plan, results: &Results) -> Vec<Value> {
    let mut figures = Vec::new();
    for (index, path) in plan.paths.iter().enumerate() {
        for (at, job) in plan.jobs.iter().enumerate() {
            for Column { key, .. } in job.columns() {
                let rounds = results.rounds(index, at, key);
                if !rounds.is_empty() {
                    figures.push(json!({
                        "path": path.name,
                        "test": job.name(),
                        "figure": key,
                        "median": results.median(index, at, key),
                        "ratio_to_direct": results.ratio(index, at, key),
                        "rounds": rounds,
                    }));
                }
            }
        }
    }
    figures
}
