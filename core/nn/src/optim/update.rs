//! The rules themselves: one pass over one piece of the buffers.

/// How a gradient is to be read.
#[derive(Clone, Copy)]
pub(super) struct Clip {
    /// What it is multiplied by.
    pub(super) scale: f32,
    /// What it is then cut to.
    pub(super) limit: f32,
}

impl Clip {
    #[inline(always)]
    fn read(self, gradient: f32) -> f32 {
        (gradient * self.scale).clamp(-self.limit, self.limit)
    }
}

/// What pulls a parameter to zero beside its gradient.
#[derive(Clone, Copy, Default)]
pub(super) struct Pull {
    /// In proportion to the parameter.
    pub(super) decay: f32,
    /// By its sign alone.
    pub(super) l1: f32,
}

impl Pull {
    #[inline(always)]
    fn of(self, parameter: f32) -> f32 {
        // A sign that is 0 at 0, so that nothing is pushed away from there.
        let sign = f32::from(u8::from(parameter > 0.0)) - f32::from(u8::from(parameter < 0.0));
        self.decay * parameter + self.l1 * sign
    }
}

/// The numbers of one step of gradient descent.
#[derive(Clone, Copy)]
pub(super) struct Descent {
    pub(super) lr: f32,
    pub(super) momentum: f32,
    pub(super) nesterov: bool,
}

/// `v = momentum v + g; p -= lr v`, or with Nesterov `p -= lr (g + momentum v)`. Gradients are zero afterwards.
#[inline(always)]
pub(super) fn sgd(
    step: Descent,
    clip: Clip,
    pull: Pull,
    parameters: &mut [f32],
    gradients: &mut [f32],
    velocities: &mut [f32],
) {
    if step.momentum == 0.0 {
        for (p, g) in parameters.iter_mut().zip(gradients) {
            *p -= step.lr * (clip.read(*g) + pull.of(*p));
            *g = 0.0;
        }
        return;
    }
    let (kept, ahead) = if step.nesterov { (1.0, step.momentum) } else { (0.0, 1.0) };
    for ((p, g), v) in parameters.iter_mut().zip(gradients).zip(velocities) {
        let gradient = clip.read(*g) + pull.of(*p);
        *v = step.momentum * *v + gradient;
        *p -= step.lr * (kept * gradient + ahead * *v);
        *g = 0.0;
    }
}

/// The numbers of one step of Adam.
#[derive(Clone, Copy)]
pub(super) struct Moments {
    /// The learning rate, corrected for the first moment's start at zero.
    pub(super) lr: f32,
    pub(super) beta1: f32,
    pub(super) beta2: f32,
    /// One over the root of the second moment's correction.
    pub(super) scale: f32,
    pub(super) eps: f32,
    /// What parameters are multiplied by before the step (AdamW).
    pub(super) shrink: f32,
}

/// `m` and `v` follow the gradient and its square; `p -= lr m / (sqrt(v) + eps)`. Gradients are zero afterwards.
#[inline(always)]
pub(super) fn adam(
    step: Moments,
    clip: Clip,
    pull: Pull,
    parameters: &mut [f32],
    gradients: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let (rest1, rest2) = (1.0 - step.beta1, 1.0 - step.beta2);
    for (((p, g), m), v) in parameters.iter_mut().zip(gradients).zip(first).zip(second) {
        let gradient = clip.read(*g) + pull.of(*p);
        *m += rest1 * (gradient - *m);
        *v = step.beta2 * *v + rest2 * (gradient * gradient);
        *p = step.shrink * *p - step.lr * *m / (v.sqrt() * step.scale + step.eps);
        *g = 0.0;
    }
}
