"""Whether two computations of the same arithmetic say the same: the rule, and what it measured.

The reference is given the very tokens that the other ran, so that each step is compared on the same text.
Floats are added in another order on another machine, and where two tokens are almost equally likely that
decides which is the greater: such a near tie is counted, anything else is an error. All differences are
shares of the standard deviation of the reference's logits over the vocabulary, which is what a bound means
the same for in a flat and in a sharp model. It knows no backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from pagelm.backend import Candidates
from pagelm_builder.errors import VerificationError
from pagelm_builder.verify.continuation import Continuation, Step
from pagelm_builder.verify.tolerance import Tolerance

REMEDY = (
    "The bundle was not certified. Export it again; if it stays, report it with this message and the "
    "versions of Chromium, onnxruntime and onnxruntime-web."
)


@dataclass(frozen=True, slots=True)
class ReferenceStep:
    """What the reference says at a step: its candidates, and the standard deviation of all its logits."""

    candidates: Candidates
    deviation: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a graph is from its reference.

    Attributes:
        tokens: Steps compared.
        near_ties: Steps at which another token is the likeliest, by no more than the tolerance.
        difference_max: Largest difference of the likeliest token's logit.
        difference_mean: Mean of these differences over steps.
        tolerance: The bounds.
        deviation: Mean standard deviation of the logits, which makes shares into logits.
    """

    tokens: int
    near_ties: int
    difference_max: float
    difference_mean: float
    tolerance: Tolerance
    deviation: float


def compare(
    graph: str,
    found: Sequence[Continuation],
    reference: Sequence[Sequence[ReferenceStep]],
    *,
    tolerance: Tolerance,
    names: Sequence[str],
) -> Agreement:
    """Compare every step.

    Args:
        graph: For messages.
        found: What followed each prompt.
        reference: The reference's steps for each, as many.
        tolerance: Bounds on the differences.
        names: What to call each prompt.

    Raises:
        VerificationError: a step differs by more, or all do on average.
    """
    near_ties, differences, deviations = 0, [], []
    for continuation, expected, name in zip(found, reference, names, strict=True):
        for place, (step, against) in enumerate(zip(continuation.steps, expected, strict=True), start=1):
            where = f"graph {graph}: token {place} after {name!r}"
            differences.append(_difference(where, step, against, tolerance.largest))
            deviations.append(against.deviation)
            near_ties += step.ids[0] != against.candidates.ids[0]
    if (average := mean(differences)) > tolerance.mean:
        raise VerificationError(
            f"graph {graph}: logits differ by {average:.3g} deviations on average",
            expected=f"at most {tolerance.mean:.3g}",
            remedy=REMEDY,
        )
    return Agreement(len(differences), near_ties, max(differences), average, tolerance, mean(deviations))


def _difference(where: str, step: Step, against: ReferenceStep, tolerance: float) -> float:
    token_id, best_id = step.ids[0], int(against.candidates.ids[0])
    logits = dict(zip(map(int, against.candidates.ids), against.candidates.values, strict=True))
    if token_id not in logits:
        raise _differs(
            f"{where} is {token_id}, which is not among the reference's {len(logits)} best", best_id
        )
    behind = (logits[best_id] - logits[token_id]) / against.deviation
    if not behind <= tolerance:
        raise _differs(
            f"{where} is {token_id}, which is {behind:.3g} deviations behind the reference's {best_id}",
            best_id,
            tolerance,
        )
    difference = abs(step.logits[0] - logits[token_id]) / against.deviation
    # so written that NaN breaks it
    if not difference <= tolerance:
        raise VerificationError(
            f"{where} is {token_id} on both, but their logits differ by {difference:.3g} deviations",
            expected=f"at most {tolerance:.3g}",
            remedy=REMEDY,
        )
    return difference


def _differs(problem: str, best_id: int, tolerance: float | None = None) -> VerificationError:
    near = "" if tolerance is None else f", or one at most {tolerance:.3g} behind it"
    return VerificationError(problem, expected=f"{best_id}{near}", remedy=REMEDY)
