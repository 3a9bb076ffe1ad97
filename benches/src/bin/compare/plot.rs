//! A picture of what programs take for rulesets of all sizes.

use crate::contender::Contender;
use crate::progress;
use crate::race::middle;
use crate::rounds::{Rounds, Sample, in_namespace, load, run};
use benches::Result;
use plotters::prelude::*;
use std::path::Path;
use std::time::Duration;

/// Ten rules a chain.
const RULES_PER_CHAIN: usize = 10;
/// A program that took so long is not run with ten times as many rules.
const PATIENCE: Duration = Duration::from_secs(60);
/// What loading 10,000 rules in 1,000 chains took in 2003 (four and a half minutes), which grew with the square.
const OF_2003: (f64, f64) = (1e4, 270.0);

/// One program's times, in seconds by numbers of rules.
struct Curve {
    name: &'static str,
    points: Vec<(f64, f64)>,
}

/// Measures rulesets of 100 rules to `most`, and draws two charts: loading all, and adding one more rule.
pub(crate) fn plot(rounds: &Rounds, file: &Path, most: usize) -> Result<()> {
    let (mut loading, mut adding) = (Vec::new(), Vec::new());
    let sizes = std::iter::successors(Some(100), |size| Some(size * 10)).take_while(|size| *size <= most);
    for rules in sizes {
        let sample = Sample::new(rules, rules / RULES_PER_CHAIN)?;
        for contender in loaders(rounds, &sample) {
            measure(rounds, rules, &mut loading, &contender, |contender| {
                in_namespace(|| run_once(contender))
            })?;
        }
        for (contender, loader) in adders(rounds).into_iter().zip(loaders(rounds, &sample)) {
            in_namespace(|| {
                // The two back ends keep their rules apart.
                if contender.name.contains("legacy") {
                    run_once(&loader).map(drop)
                } else {
                    load(rounds, &sample.files.save)
                }?;
                measure(rounds, rules, &mut adding, &contender, run_once)
            })?;
        }
    }
    progress::end();
    let (rules, seconds) = OF_2003;
    let squares = [100.0, 1e3, 1e4].map(|size: f64| (size, seconds * (size / rules).powi(2)));
    loading.push(Curve { name: "2003 (n²)", points: squares.to_vec() });
    draw(file, most as f64, &[("Loading all rules", &loading), ("Adding one more rule", &adding)])
}

fn loaders(rounds: &Rounds, sample: &Sample) -> Vec<Contender> {
    let files = &sample.files;
    let (peers, _) = Contender::installed(&[
        ("iptables-nft", "iptables-nft-restore", &[], &files.save),
        ("iptables-legacy", "iptables-legacy-restore", &[], &files.save),
        ("nft", "nft", &["-f", "-"], &files.nft),
    ]);
    std::iter::once(Contender::iptables2(rounds, &["iptables-restore"], &files.save)).chain(peers).collect()
}

/// In the order of the loaders.
fn adders(rounds: &Rounds) -> Vec<Contender> {
    const RULE: [&str; 6] = ["-A", "host-7", "-s", "192.0.2.1", "-j", "ACCEPT"];
    const NFT: [&str; 9] = ["add", "rule", "ip", "filter", "host-7", "ip", "saddr", "192.0.2.1", "accept"];
    let nothing = Path::new("/dev/null");
    let (peers, _) = Contender::installed(&[
        ("iptables-nft", "iptables-nft", &RULE, nothing),
        ("iptables-legacy", "iptables-legacy", &RULE, nothing),
        ("nft", "nft", &NFT, nothing),
    ]);
    let own: Vec<&str> = std::iter::once("iptables").chain(RULE).collect();
    std::iter::once(Contender::iptables2(rounds, &own, nothing)).chain(peers).collect()
}

fn run_once(contender: &Contender) -> Result<Duration> {
    Ok(run(contender)?.wall)
}

/// Adds the median of some runs to the program's curve, unless it has become too slow.
fn measure(
    rounds: &Rounds,
    rules: usize,
    curves: &mut Vec<Curve>,
    contender: &Contender,
    mut once: impl FnMut(&Contender) -> Result<Duration>,
) -> Result<()> {
    let place = curves.iter().position(|curve| curve.name == contender.name).unwrap_or_else(|| {
        curves.push(Curve { name: contender.name, points: Vec::new() });
        curves.len() - 1
    });
    let Some(curve) = curves.get_mut(place) else { return Ok(()) };
    if curve.points.last().is_some_and(|(_, seconds)| *seconds > PATIENCE.as_secs_f64()) {
        return Ok(());
    }
    let mut times = Vec::new();
    for round in 0..rounds.number {
        rounds.say(&format!("{rules} rules"), round, contender);
        times.push(once(contender)?);
        std::thread::sleep(rounds.pause);
    }
    curve.points.push((rules as f64, middle(times.into_iter()).as_secs_f64()));
    Ok(())
}

fn draw(file: &Path, most: f64, charts: &[(&str, &[Curve])]) -> Result<()> {
    let area = SVGBackend::new(file, (1000, 480)).into_drawing_area();
    area.fill(&WHITE)?;
    for (area, (title, curves)) in area.split_evenly((1, charts.len())).iter().zip(charts) {
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 20))
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d((100.0..most).log_scale(), (1e-3..1e3).log_scale())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("rules")
            .y_desc("seconds")
            .x_label_formatter(&|rules| format!("{rules}"))
            .y_label_formatter(&|seconds| format!("{seconds}"))
            .draw()?;
        for (number, curve) in curves.iter().enumerate() {
            let colour = Palette99::pick(number).to_rgba();
            chart
                .draw_series(
                    LineSeries::new(curve.points.iter().copied(), colour.stroke_width(2)).point_size(3),
                )?
                .label(curve.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE)
            .border_style(BLACK.mix(0.3))
            .draw()?;
    }
    area.present()?;
    Ok(())
}
