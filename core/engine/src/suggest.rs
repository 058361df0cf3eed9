//! "Did you mean ...?"

/// The candidate that `name` was most likely meant to be, if any is close.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(name);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| {
            // A beginning is as good a sign as few slips: `ema` for `ema_m`.
            let begun = wanted.len() >= 3 && plain(candidate).starts_with(&wanted);
            begun || *distance <= (candidate.chars().count() / 3).max(1)
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// A half sentence to end a message about an unknown `name`: the nearest candidate, or else all there are.
pub fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let mut candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(near) = nearest(name, candidates.iter().copied()) {
        return format!("did you mean '{near}'?");
    }
    if candidates.is_empty() {
        return "there is none".to_owned();
    }
    candidates.sort_unstable();
    format!("there are {}", candidates.join(", "))
}

// `batch_size` and `Batch-Size` mean the same to a person.
fn plain(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let names = ["rotate", "cutout", "conv-autoencoder"];
        assert_eq!(nearest("rotat", names), Some("rotate"));
        assert_eq!(nearest("Conv_Autoencodr", names), Some("conv-autoencoder"));
        assert_eq!(nearest("conv", names), Some("conv-autoencoder"));
        assert_eq!(nearest("mixup", names), None);
        assert_eq!(hint("cutuot", names), "did you mean 'cutout'?");
        assert_eq!(hint("mixup", names), "there are conv-autoencoder, cutout, rotate");
        assert_eq!(hint("mixup", []), "there is none");
    }
}
