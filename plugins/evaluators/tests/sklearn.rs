//! Every metric equals scikit-learn's to 1e-6; fixtures/sklearn_metrics.py wrote what it says.

use scant_abi::Key;
use scant_evaluators::logistic::Logistic;
use scant_evaluators::metrics::{Confusion, Scores, calibration_error, softmax, top_k};
use scant_evaluators::neighbors::nearest_neighbors;
use scant_evaluators::pca::principal_components;
use scant_evaluators::silhouette::{silhouette, silhouettes};
use scant_evaluators::tsne::Tsne;
use scant_evaluators::vote;
use scant_nn::Rows;
use scant_nn::cluster::{
    Contingency, KMeans, adjusted_rand, clustering_accuracy, normalized_mutual_information, purity,
};
use serde_json::Value;

fn fixture(topic: &str) -> Value {
    let mut all: Value = serde_json::from_str(include_str!("fixtures/sklearn_metrics.json")).expect("JSON");
    all[topic].take()
}

fn cases(topic: &str) -> Vec<Value> {
    fixture(topic).as_array().expect("a list").clone()
}

fn doubles(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn singles(value: &Value) -> Vec<f32> {
    doubles(value).into_iter().map(|v| v as f32).collect()
}

fn integers(value: &Value) -> Vec<i64> {
    value.as_array().expect("a list").iter().map(|v| v.as_i64().expect("a whole number")).collect()
}

fn size(case: &Value, name: &str) -> usize {
    case[name].as_u64().expect("a size") as usize
}

#[track_caller]
fn close(case: &Value, what: &str, ours: f64, theirs: f64) {
    let gap = (ours - theirs).abs();
    assert!(gap <= 1e-6 * theirs.abs().max(1.0), "{} {what}: {ours}, not {theirs}", case["name"]);
}

#[track_caller]
fn all_close(case: &Value, what: &str, ours: &[f64], theirs: &Value) {
    let theirs = doubles(theirs);
    assert_eq!(ours.len(), theirs.len(), "{} {what}", case["name"]);
    ours.iter().zip(&theirs).for_each(|(a, b)| close(case, what, *a, *b));
}

fn list(scores: Scores) -> [f64; 3] {
    [scores.precision, scores.recall, scores.f1]
}

#[test]
fn classification() {
    for case in cases("classification") {
        let (scores, truth, classes) =
            (singles(&case["scores"]), integers(&case["truth"]), size(&case, "classes"));
        let said: Vec<i64> = scores
            .chunks_exact(classes)
            .map(|row| (1..classes).fold(0, |best, j| if row[j] > row[best] { j } else { best }) as i64)
            .collect();
        let confusion = Confusion::new(&truth, &said, classes).expect("good labels");
        let number = |name: &str| case[name].as_f64().expect("a number");
        close(&case, "accuracy", confusion.accuracy(), number("accuracy"));
        close(&case, "balanced accuracy", confusion.balanced_accuracy(), number("balanced"));
        all_close(&case, "weighted", &list(confusion.weighted_scores()), &case["weighted"]);
        all_close(&case, "macro", &list(confusion.macro_scores()), &case["macro"]);
        for k in 0..3 {
            let each: Vec<f64> = (0..classes).map(|class| list(confusion.scores(class))[k]).collect();
            all_close(&case, "by class", &each, &case["by_class"][k]);
        }
        let support: Vec<f64> = (0..classes).map(|class| confusion.support(class) as f64).collect();
        all_close(&case, "support", &support, &case["by_class"][3]);
        assert_eq!(serde_json::to_value(confusion.rows()).expect("JSON"), case["confusion"]);
        for (k, share) in case["top"].as_object().expect("an object") {
            let k = k.parse().expect("a number");
            close(&case, "top-k", top_k(&scores, &truth, classes, k), share.as_f64().expect("a number"));
        }
        let gap = calibration_error(&softmax(&scores, classes), &truth, classes, 15);
        close(&case, "calibration error", gap, number("calibration"));
    }
}

#[test]
fn agreement_of_labellings() {
    for case in cases("agreement") {
        let table =
            Contingency::new(&integers(&case["truth"]), &integers(&case["clusters"])).expect("good labels");
        for (name, score) in [
            ("acc", clustering_accuracy(&table)),
            ("nmi", normalized_mutual_information(&table)),
            ("ari", adjusted_rand(&table)),
            ("purity", purity(&table)),
        ] {
            close(&case, name, score, case[name].as_f64().expect("a number"));
        }
    }
}

#[test]
fn silhouette_of_each_and_of_all() {
    for case in cases("silhouette") {
        let (x, labels) = (singles(&case["x"]), integers(&case["labels"]));
        let rows = Rows::new(&x, size(&case, "width")).expect("good rows");
        all_close(&case, "each", &silhouettes(rows, &labels).expect("groups"), &case["each"]);
        close(
            &case,
            "mean",
            silhouette(rows, &labels).expect("groups"),
            case["mean"].as_f64().expect("a number"),
        );
    }
}

#[test]
fn k_means_from_given_centroids() {
    for case in cases("kmeans") {
        let (x, start, width) = (singles(&case["x"]), singles(&case["start"]), size(&case, "width"));
        let settings = KMeans { tolerance: 0.0, ..KMeans::new(start.len() / width) };
        let found = settings.fit_from(Rows::new(&x, width).expect("good rows"), &start).expect("clusters");
        assert_eq!(found.labels, integers(&case["labels"]), "{}", case["name"]);
        close(&case, "inertia", found.inertia, case["inertia"].as_f64().expect("a number"));
        let centroids: Vec<f64> = found.centroids.iter().map(|&x| f64::from(x)).collect();
        all_close(&case, "centroids", &centroids, &case["centroids"]);
    }
}

#[test]
fn logistic_regression() {
    for case in cases("logistic") {
        let (x, y, width) = (singles(&case["x"]), integers(&case["y"]), size(&case, "width"));
        let classes = *y.iter().max().expect("labels") as usize + 1;
        let rows = Rows::new(&x, width).expect("good rows");
        let settings = Logistic {
            steps: 1000,
            tolerance: 1e-9,
            ..Logistic::new(case["l2"].as_f64().expect("a number"))
        };
        let model = settings.fit(rows, &y, classes, None).expect("a fit");
        close(&case, "objective", model.objective, case["objective"].as_f64().expect("a number"));
        let shares = softmax(&model.scores(rows), classes);
        // Passes in single precision know the minimum to 1e-6 and its place to somewhat less.
        let theirs = doubles(&case["shares"]);
        for (ours, theirs) in shares.iter().zip(&theirs) {
            assert!((f64::from(*ours) - theirs).abs() < 5e-5, "{}: {ours}, not {theirs}", case["name"]);
        }
        // What metrics are made of: the class that is said, the same wherever one is more likely than all others.
        let largest =
            |row: &[f64]| (1..row.len()).fold(0, |best, j| if row[j] > row[best] { j } else { best });
        for (ours, theirs) in shares.chunks_exact(classes).zip(theirs.chunks_exact(classes)) {
            let class = largest(theirs);
            let sure = (0..classes).all(|other| other == class || theirs[class] - theirs[other] > 1e-4);
            let ours: Vec<f64> = ours.iter().map(|&share| f64::from(share)).collect();
            assert!(!sure || largest(&ours) == class, "{}: {ours:?}, not {theirs:?}", case["name"]);
        }
    }
}

#[test]
fn neighbors_and_their_distances() {
    for case in cases("neighbors") {
        let (x, queries, width) = (singles(&case["x"]), singles(&case["queries"]), size(&case, "width"));
        let (x, queries) = (Rows::new(&x, width).expect("good"), Rows::new(&queries, width).expect("good"));
        let count = size(&case, "count");
        let found = nearest_neighbors(x, queries, count).expect("neighbours");
        let distances: Vec<f64> = found.squares.iter().map(|square| square.sqrt()).collect();
        all_close(&case, "distances", &distances, &case["distances"]);
        let indices: Vec<i64> = found.indices.iter().map(|&i| i64::from(i)).collect();
        if ["ties", "all equal"].contains(&case["name"].as_str().expect("a name")) {
            // scikit-learn leaves the order of equals open; here the lower index comes first.
            for (indices, squares) in indices.chunks_exact(count).zip(found.squares.chunks_exact(count)) {
                assert!((1..count).all(|i| squares[i] > squares[i - 1] || indices[i] > indices[i - 1]));
            }
        } else {
            assert_eq!(indices, integers(&case["indices"]), "{}", case["name"]);
        }
    }
}

#[test]
fn votes_of_neighbors() {
    for case in cases("votes") {
        let (x, queries, width) = (singles(&case["x"]), singles(&case["queries"]), size(&case, "width"));
        let (x, queries) = (Rows::new(&x, width).expect("good"), Rows::new(&queries, width).expect("good"));
        let temperature = case["temperature"].as_f64().expect("a number");
        let shares =
            vote(x, &integers(&case["y"]), queries, 3, size(&case, "count"), temperature).expect("votes");
        let shares: Vec<f64> = shares.iter().map(|&share| f64::from(share)).collect();
        all_close(&case, "shares", &shares, &case["shares"]);
    }
}

#[test]
fn where_scikit_learn_gives_up_the_obvious_is_said() {
    let values = [0.0, 1.0, 2.0, 5.0, 3.0, 1.0];
    let rows = Rows::new(&values, 2).expect("good rows");
    // One class among the labels: scikit-learn refuses; here that class is said.
    let model = Logistic::new(0.1).fit(rows, &[1, 1, 1], 3, None).expect("a fit");
    let shares = softmax(&model.scores(rows), 3);
    assert!(shares.chunks_exact(3).all(|row| row[1] > 0.9), "{shares:?}");
    // A row of zeros has no direction: its cosine to all is 0, and all neighbours count the same.
    let shares = vote(rows, &[0, 1, 1], Rows::new(&[0.0, 0.0], 2).expect("good"), 3, 3, 0.1).expect("votes");
    assert!((shares[0] - 1.0 / 3.0).abs() < 1e-6 && shares[2] == 0.0, "{shares:?}");
    // Equal samples have no neighbourhoods, and still places.
    let equal = [1.0; 40];
    let layout =
        Tsne { perplexity: 3.0, steps: 300 }.fit(Rows::new(&equal, 2).expect("good")).expect("places");
    assert!(layout.points.iter().flatten().all(|x| x.is_finite()) && layout.divergence.is_finite());
}

#[test]
fn principal_components_up_to_their_sign() {
    for case in cases("pca") {
        let (x, width) = (singles(&case["x"]), size(&case, "width"));
        let rows = Rows::new(&x, width).expect("good rows");
        let found = principal_components(rows, size(&case, "count")).expect("components");
        all_close(&case, "variances", &found.variances, &case["variances"]);
        all_close(&case, "coordinates", &found.coordinates, &case["coordinates"]);
    }
}

#[test]
fn t_sne_ends_no_worse() {
    let case = fixture("tsne");
    let (x, width) = (singles(&case["x"]), size(&case, "width"));
    let settings = Tsne { perplexity: case["perplexity"].as_f64().expect("a number"), steps: 1000 };
    let rows = Rows::new(&x, width).expect("good rows");
    let layout = settings.fit(rows).expect("a layout");
    assert!(layout.divergence <= case["divergence"].as_f64().expect("a number"), "{}", layout.divergence);
    let again = settings.divergence(rows, &layout.points).expect("a divergence");
    assert_eq!(layout.divergence, again);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let mut rng = Key::new(4).rng();
    let (samples, width) = (700, 12);
    let x: Vec<f32> = (0..samples * width).map(|i| rng.normal() + (i / width % 3) as f32).collect();
    let y: Vec<i64> = (0..samples as i64).map(|i| i % 3).collect();
    let rows = Rows::new(&x, width).expect("good rows");
    let all = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            (
                Logistic::new(1e-3).fit(rows, &y, 3, None).expect("a fit"),
                silhouettes(rows, &y).expect("groups"),
                nearest_neighbors(rows, rows, 9).expect("neighbours"),
                principal_components(rows, 2).expect("components"),
                Tsne { steps: 60, ..Tsne::default() }.fit(rows).expect("a layout"),
            )
        })
    };
    assert_eq!(all(1), all(3));
}

#[test]
fn degenerate_inputs_are_refused_in_words() {
    let nan = [0.0, f32::NAN];
    let error = Rows::new(&nan, 1).unwrap_err();
    assert!(error.to_string().contains("sample 1, column 0 is NaN"), "{error}");
    let one = [1.0, 2.0];
    let one = Rows::new(&one, 2).expect("good rows");
    assert!(silhouette(one, &[0]).unwrap_err().to_string().contains("no silhouette"));
    assert!(principal_components(one, 1).is_err());
    assert!(nearest_neighbors(one, one, 2).is_err());
    assert!(Tsne::default().fit(one).is_err());
    assert!(
        Logistic::new(1.0).fit(one, &[3], 2, None).unwrap_err().to_string().contains("none of the 2 classes")
    );
    assert!(Confusion::new(&[], &[], 3).is_err());
    assert!(Confusion::new(&[0], &[9], 3).is_err());
}
