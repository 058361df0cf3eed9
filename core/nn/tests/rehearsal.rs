//! A rehearsal shows a trainer what the engine would, and hides what the engine would.

use scant_abi::{
    Batch, EpochPlan, Report, Result, Source, State, StreamRequest, TrainContext, Trainer, ViewRequest,
};
use scant_nn::rehearsal::Rehearsal;
use serde_json::json;

/// Writes down what it is shown; asks for one sample of the unlabelled ones alone.
#[derive(Default)]
struct Witness {
    drawn: Vec<Vec<u64>>,
    labels: Vec<i64>,
    seen: usize,
    swapped: i32,
}

impl Trainer for Witness {
    fn streams(&self) -> Vec<StreamRequest> {
        let views = vec![ViewRequest::clean(), ViewRequest::by_default("doubled", "none")];
        let stream = |source| StreamRequest { source, batch: 2, views: views.clone(), full_batches: true };
        vec![stream(Source::Unlabelled), stream(Source::All)]
    }

    fn begin_epoch(&mut self, context: &mut TrainContext<'_>) -> Result<EpochPlan> {
        self.seen = context.data.read(Source::Unlabelled, "clean", 1, 9)?.len();
        Ok(EpochPlan { groups: vec![EpochPlan::LEFT_OUT, 4] })
    }

    fn step(&mut self, batches: &[Batch], context: &mut TrainContext<'_>) -> Result<Report> {
        let [clean, doubled] = ["clean", "doubled"].map(|name| batches[0].view(name));
        let [clean, doubled] = [clean?.f32()?, doubled?.f32()?];
        assert!(clean.iter().zip(doubled).all(|(clean, doubled)| 2.0 * clean == *doubled));
        self.drawn.push(batches[0].indices.clone());
        self.labels.extend(&batches[1].labels);
        let metrics = vec![("step".to_owned(), context.clock.step as f64)];
        Ok(Report { metrics, stop: None })
    }

    fn enter_evaluation(&mut self, _: &mut dyn scant_abi::Model) -> Result<()> {
        self.swapped += 1;
        Ok(())
    }

    fn state(&self) -> Result<State> {
        Ok(State::new())
    }

    fn load_state(&mut self, _: &State) -> Result<()> {
        Ok(())
    }
}

#[test]
fn it_follows_plans_draws_views_and_hides_labels() {
    let pixels = vec![1.0, 2.0, 3.0, 4.0];
    let double = |image: &mut [f32], _| image.iter_mut().for_each(|pixel| *pixel *= 2.0);
    let mut samples = Rehearsal::new([1, 1, 1], pixels, vec![0, 0, 1, 1], 1).with_view("doubled", double);
    let setup = samples.setup(Vec::new(), 2);
    assert_eq!((setup.classes, setup.labelled, setup.unlabelled), (2, 2, 2));
    let description = json!({"parts": [
        {"name": "head", "layers": ["flatten", {"linear": {"out": 2}}, {"output": "logits"}]},
    ]});
    let mut model = samples.network(description).expect("a network");
    let mut witness = Witness::default();
    let means = samples.train(&mut witness, &mut model, &mut [], (2, 3)).expect("trained");
    assert_eq!(means, [("step".to_owned(), 1.0)]);
    // The second unlabelled sample stands at place 3; the first is left out.
    assert_eq!(witness.drawn, vec![vec![3, 3]; 6]);
    assert_eq!(witness.seen, 1);
    let shown: std::collections::BTreeSet<i64> = witness.labels.iter().copied().collect();
    assert_eq!(shown.into_iter().collect::<Vec<_>>(), [-1, 0, 1]);
    let accuracy = samples.accuracy(&mut witness, &mut model).expect("judged");
    assert!((0.0..=1.0).contains(&accuracy) && witness.swapped == 1);
}
