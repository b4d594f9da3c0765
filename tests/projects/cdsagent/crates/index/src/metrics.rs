//! What is measured, in the text format of Prometheus (its documentation, "Exposition formats").

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// Upper bounds of the histogram, in milliseconds.
const BOUNDS: [u64; 9] = [1, 5, 10, 50, 100, 250, 500, 1_000, 5_000];

#[derive(Default)]
pub struct Metrics {
    /// By method, route and status.
    requests: BTreeMap<(String, &'static str, u16), u64>,
    within: [u64; BOUNDS.len()],
    count: u64,
    spent: Duration,
}

/// Sizes at the moment, of what is in memory and of what is on the disk in bytes.
pub struct Sizes {
    pub documents: usize,
    pub links: usize,
    pub bm25: u64,
    pub graph: u64,
}

impl Metrics {
    pub fn count(&mut self, method: &str, route: &'static str, status: u16, took: Duration) {
        // A method is whatever a client says: those that nothing answers to are one.
        let method = if matches!(method, "GET" | "HEAD" | "POST") { method } else { "other" };
        *self.requests.entry((method.to_owned(), route, status)).or_default() += 1;
        for (bound, within) in BOUNDS.iter().zip(&mut self.within) {
            *within += u64::from(took <= Duration::from_millis(*bound));
        }
        self.count += 1;
        self.spent += took;
    }

    pub fn text(&self, sizes: &Sizes, ready: bool) -> String {
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, lines: &[(String, String)]| {
            let _ = writeln!(text, "# HELP cds_index_{name} {help}\n# TYPE cds_index_{name} {kind}");
            for (labels, value) in lines {
                let _ = writeln!(text, "cds_index_{name}{labels} {value}");
            }
        };
        let gauge = |value: u64| [(String::new(), value.to_string())];
        let requests: Vec<_> = self
            .requests
            .iter()
            .map(|((method, route, status), count)| {
                let labels = format!("{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
                (labels, count.to_string())
            })
            .collect();
        family("requests_total", "counter", "Requests that were answered.", &requests);
        family("request_duration_seconds", "histogram", "How long answers took.", &self.histogram());
        family("ready", "gauge", "Whether the indexes are loaded.", &gauge(u64::from(ready)));
        family("documents", "gauge", "Documents in the index.", &gauge(sizes.documents as u64));
        family("links", "gauge", "Links between documents.", &gauge(sizes.links as u64));
        let bytes = [("bm25", sizes.bm25), ("graph", sizes.graph)]
            .map(|(name, size)| (format!("{{index=\"{name}\"}}"), size.to_string()));
        family("size_bytes", "gauge", "Size of an index on the disk.", &bytes);
        text
    }

    /// The lines of a histogram have suffixes to the name of the family.
    fn histogram(&self) -> Vec<(String, String)> {
        let mut lines: Vec<(String, String)> = BOUNDS
            .iter()
            .zip(self.within)
            .map(|(bound, within)| {
                (format!("_bucket{{le=\"{}\"}}", *bound as f64 / 1000.0), within.to_string())
            })
            .collect();
        lines.push(("_bucket{le=\"+Inf\"}".to_owned(), self.count.to_string()));
        lines.push(("_sum".to_owned(), self.spent.as_secs_f64().to_string()));
        lines.push(("_count".to_owned(), self.count.to_string()));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_count_all_that_is_faster() {
        let mut metrics = Metrics::default();
        metrics.count("GET", "/health", 200, Duration::from_millis(4));
        metrics.count("BREW", "other", 404, Duration::from_millis(700));
        let text = metrics.text(&Sizes { documents: 2, links: 1, bm25: 10, graph: 5 }, true);
        for line in [
            "cds_index_requests_total{method=\"GET\",route=\"/health\",status=\"200\"} 1",
            "cds_index_requests_total{method=\"other\",route=\"other\",status=\"404\"} 1",
            "cds_index_request_duration_seconds_bucket{le=\"0.001\"} 0",
            "cds_index_request_duration_seconds_bucket{le=\"0.005\"} 1",
            "cds_index_request_duration_seconds_bucket{le=\"1\"} 2",
            "cds_index_request_duration_seconds_count 2",
            "cds_index_size_bytes{index=\"graph\"} 5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
