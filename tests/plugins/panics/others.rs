//! A data set, an augmentation and an evaluator that panic.

use scant_abi::{
    Augmentation, Check, Dataset, DatasetInfo, Evaluation, Evaluator, Findings, Image, Key, Part, Reading,
    Result,
};

use crate::Panicky;
use crate::components::{Accuracy, Blobs, Jitter};

impl Dataset for Panicky<Blobs> {
    fn info(&self) -> Result<DatasetInfo> {
        self.pass("info");
        self.toy.info()
    }

    fn open(&mut self) -> Result<()> {
        self.pass("open");
        self.toy.open()
    }

    fn labels(&self, part: Part) -> Result<Vec<i64>> {
        self.pass("labels");
        self.toy.labels(part)
    }

    fn read(&self, part: Part, indices: &[usize], pixels: &mut [u8]) -> Result<()> {
        self.pass("read");
        self.toy.read(part, indices, pixels)
    }

    fn verify(&self) -> Result<Vec<Check>> {
        self.pass("verify");
        self.toy.verify()
    }
}

impl Augmentation for Panicky<Jitter> {
    fn apply(&self, image: Image, key: Key) -> Result<Image> {
        self.pass("apply");
        self.toy.apply(image, key)
    }
}

impl Evaluator for Panicky<Accuracy> {
    fn reads(&self) -> Vec<Reading> {
        self.pass("reads");
        self.toy.reads()
    }

    fn evaluate(&mut self, evaluation: &Evaluation) -> Result<Findings> {
        self.pass("evaluate");
        self.toy.evaluate(evaluation)
    }
}
