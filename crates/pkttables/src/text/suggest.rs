use std::mem::swap;

/// The candidate that `word` may have been meant to be: the nearest one, if it is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A word of up to three characters allows one slip, longer ones more.
    let limit = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A hint that names it.
pub(super) fn did_you_mean(word: &str) -> String {
    format!("did you mean `{word}'?")
}

/// How many slips lead from one word to the other: a letter more, less, another one, or two exchanged.
/// Differences in case count as nothing but make the candidate not equal.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().flat_map(char::to_lowercase).take(64).collect();
    let to: Vec<char> = to.chars().flat_map(char::to_lowercase).take(64).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, letter) in from.iter().enumerate() {
        let mut current = Vec::with_capacity(last.len());
        current.push(row + 1);
        for (column, other) in to.iter().enumerate() {
            let at = |costs: &[usize], place: usize| costs.get(place).copied().unwrap_or(usize::MAX / 2);
            let mut cost = (at(&last, column) + usize::from(letter != other))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            let exchanged = row > 0
                && column > 0
                && from.get(row - 1) == Some(other)
                && to.get(column - 1) == Some(letter);
            if exchanged {
                cost = cost.min(at(&before_last, column - 1) + 1);
            }
            current.push(cost);
        }
        swap(&mut before_last, &mut last);
        last = current;
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found() {
        let options = ["dport", "sport", "tcp-flags", "LOG", "REJECT"];
        assert_eq!(nearest("dprot", options), Some("dport"));
        assert_eq!(nearest("tpc-flags", options), Some("tcp-flags"));
        assert_eq!(nearest("log", options), Some("LOG"));
        assert_eq!(nearest("RJECT", options), Some("REJECT"));
        assert_eq!(nearest("comment", options), None);
        assert_eq!(nearest("", options), None);
    }
}
