//! What is searched: documents by their words (BM25), and the links between them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

const DOCUMENTS: &str = "documents.json";
const LINKS: &str = "links.json";
/// Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009: usual values.
const K1: f64 = 1.2;
const B: f64 = 0.75;

#[derive(Debug, PartialEq)]
pub struct Hit {
    pub id: String,
    pub score: f64,
    /// The documents that it leads to.
    pub links: Vec<String>,
}

#[derive(Default)]
pub struct Index {
    /// The text of each document, as it came.
    texts: BTreeMap<String, String>,
    links: BTreeMap<String, BTreeSet<String>>,
    /// How often each word is in each document.
    postings: HashMap<String, BTreeMap<String, u32>>,
    /// Words of each document, and of all.
    lengths: HashMap<String, u32>,
    words: u64,
}

impl Index {
    /// What two folders hold; they are made where they are not there.
    pub fn load(bm25: &Path, graph: &Path) -> Result<Self> {
        let mut index = Self::default();
        for (id, text) in entries(&open(bm25, DOCUMENTS)?) {
            index.put(&id, text.as_str().unwrap_or_default());
        }
        for (id, links) in entries(&open(graph, LINKS)?) {
            index.links.insert(id, strings(&links).collect());
        }
        Ok(index)
    }

    /// Writes both folders, each file whole or not at all.
    pub fn save(&self, bm25: &Path, graph: &Path) -> Result<()> {
        replace(&bm25.join(DOCUMENTS), &json!(self.texts))?;
        replace(&graph.join(LINKS), &json!(self.links))
    }

    /// Adds a document, or takes the place of the one with this name.
    pub fn add(&mut self, id: &str, text: &str, links: impl Iterator<Item = String>) {
        self.put(id, text);
        self.links.insert(id.to_owned(), links.collect());
    }

    pub fn documents(&self) -> usize {
        self.texts.len()
    }

    pub fn edges(&self) -> usize {
        self.links.values().map(BTreeSet::len).sum()
    }

    /// The best documents for the words of a question, the best first.
    pub fn search(&self, question: &str, most: usize) -> Vec<Hit> {
        let mut scores: BTreeMap<&str, f64> = BTreeMap::new();
        let count = self.documents() as f64;
        let average = self.words as f64 / count.max(1.0);
        for word in words(question).collect::<BTreeSet<_>>() {
            let Some(found) = self.postings.get(&word) else { continue };
            let rarity = (1.0 + (count - found.len() as f64 + 0.5) / (found.len() as f64 + 0.5)).ln();
            for (id, times) in found {
                let (times, length) =
                    (f64::from(*times), f64::from(self.lengths.get(id).copied().unwrap_or(0)));
                let damped = times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * length / average.max(1.0)));
                *scores.entry(id).or_default() += rarity * damped;
            }
        }
        let mut hits: Vec<Hit> = scores
            .into_iter()
            .map(|(id, score)| Hit { id: id.to_owned(), score, links: self.leads_to(id) })
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
        hits.truncate(most);
        hits
    }

    fn leads_to(&self, id: &str) -> Vec<String> {
        self.links.get(id).map(|links| links.iter().cloned().collect()).unwrap_or_default()
    }

    fn put(&mut self, id: &str, text: &str) {
        if let Some(old) = self.texts.insert(id.to_owned(), text.to_owned()) {
            for word in words(&old) {
                if let Some(found) = self.postings.get_mut(&word) {
                    found.remove(id);
                }
            }
            self.words -= u64::from(self.lengths.get(id).copied().unwrap_or(0));
        }
        let mut length = 0;
        for word in words(text) {
            *self.postings.entry(word).or_default().entry(id.to_owned()).or_default() += 1;
            length += 1;
        }
        self.lengths.insert(id.to_owned(), length);
        self.words += u64::from(length);
    }
}

/// Letters and digits that stand together, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// What a file of a folder says; an empty object where it is not there.
fn open(folder: &Path, name: &str) -> Result<Value> {
    let path = folder.join(name);
    let context = |error: Error| Error::new(error.kind(), format!("{}: {error}", path.display()));
    fs::create_dir_all(folder).map_err(context)?;
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| context(error.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(json!({})),
        Err(error) => Err(context(error)),
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (String, Value)> {
    value.as_object().cloned().unwrap_or_default().into_iter()
}

/// The strings of an array.
pub fn strings(value: &Value) -> impl Iterator<Item = String> {
    value.as_array().into_iter().flatten().filter_map(|each| each.as_str().map(str::to_owned))
}

fn replace(path: &Path, value: &Value) -> Result<()> {
    let part = PathBuf::from(format!("{}.part", path.display()));
    fs::write(&part, value.to_string())?;
    fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Index {
        let mut index = Index::default();
        index.add("a", "the parser reads a file", ["b".to_owned()].into_iter());
        index.add("b", "the parser of the parser", std::iter::empty());
        index.add("c", "a file of words", std::iter::empty());
        index
    }

    fn ids(index: &Index, question: &str) -> Vec<String> {
        index.search(question, 10).into_iter().map(|hit| hit.id).collect()
    }

    #[test]
    fn who_says_it_more_often_comes_first() {
        assert_eq!(vec!["b", "a"], ids(&three(), "Parser?"));
        assert_eq!(vec!["a", "c", "b"], ids(&three(), "a file, the"));
        assert!(ids(&three(), "nothing").is_empty());
        assert_eq!(vec!["b".to_owned()], three().search("reads", 1)[0].links);
    }

    #[test]
    fn a_document_takes_the_place_of_its_last_version() {
        let mut index = three();
        index.add("b", "something else", std::iter::empty());
        assert_eq!(vec!["a"], ids(&index, "parser"));
        assert_eq!((3, 1), (index.documents(), index.edges()));
    }

    #[test]
    fn what_is_saved_is_loaded() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("cds-index-{}", std::process::id()));
        let (bm25, graph) = (folder.join("bm25"), folder.join("graph"));
        assert_eq!(0, Index::load(&bm25, &graph)?.documents());
        three().save(&bm25, &graph)?;
        let again = Index::load(&bm25, &graph)?;
        assert_eq!(three().search("parser file", 10), again.search("parser file", 10));
        fs::write(bm25.join(DOCUMENTS), "{")?;
        assert!(Index::load(&bm25, &graph).is_err_and(|error| error.to_string().contains(DOCUMENTS)));
        fs::remove_dir_all(folder)
    }
}
