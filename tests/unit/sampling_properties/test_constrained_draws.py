"""For any logits, penalties and set of allowed tokens: choosing from K candidates, or from all logits where
that is asked for, is choosing from a vocabulary that has only the allowed tokens."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from pagelm.backend import Candidates
from pagelm.errors import GrammarError
from pagelm.penalties import Penalties
from pagelm.sampling import Sampler, greatest_candidates
from pagelm.sampling_options import SamplingOptions

# A busy machine is no failure.
patient = settings(deadline=None, max_examples=600, suppress_health_check=[HealthCheck.too_slow])
VOCAB_SIZE = 14
CANDIDATES = 6

# few values, so that ties are common; one far above, so that top_p often leaves the rest out
values = st.sampled_from([-3.0, -1.0, 0.0, 0.5, 1.0, 2.0, 9.0])
token_ids = st.integers(0, VOCAB_SIZE - 1)
penalties = st.sampled_from([-1.0, 0.0, 0.0, 0.5])
options = st.builds(
    SamplingOptions,
    temperature=st.sampled_from([0.0, 0.6, 1.0]),
    top_k=st.integers(0, CANDIDATES),
    top_p=st.sampled_from([0.3, 0.8, 1.0]),
    min_p=st.sampled_from([0.0, 0.0, 0.2]),
    seed=st.integers(0, 50),
    repetition_penalty=st.sampled_from([0.5, 1.0, 1.0, 2.0]),
    presence_penalty=penalties,
    frequency_penalty=penalties,
    logit_bias=st.dictionaries(token_ids, st.sampled_from([-100.0, -1.0, 1.0]), max_size=2),
)


class Allowing:
    """A constraint that allows these tokens at each step; `lists` says whether it can name them."""

    def __init__(self, steps: Sequence[set[int]], *, lists: bool) -> None:
        self._steps = steps
        self._lists = lists
        self._step = 0
        self.free = False
        self.finished = False

    @property
    def only(self) -> int | None:
        allowed = self._steps[self._step]
        return next(iter(allowed)) if self._lists and len(allowed) == 1 else None

    def allows(self, token_id: int) -> bool:
        return token_id in self._steps[self._step]

    def listed(self) -> Sequence[int] | None:
        return sorted(self._steps[self._step]) if self._lists else None

    def forced(self) -> Sequence[int]:
        return ()

    def accept(self, token_id: int) -> None:
        self._step += 1
        self.finished = self._step == len(self._steps)


def choose(sampler: Sampler, logits: Sequence[float]) -> int:
    """As the engine does."""
    chosen = sampler.choose(greatest_candidates(logits, CANDIDATES), VOCAB_SIZE)
    event("from the candidates" if chosen is not None else "from all")
    return sampler.choose_from_all(logits) if chosen is None else chosen


@patient
@given(
    st.lists(
        st.tuples(
            st.lists(values, min_size=VOCAB_SIZE, max_size=VOCAB_SIZE),
            st.sets(token_ids, min_size=1, max_size=VOCAB_SIZE),
        ),
        min_size=1,
        max_size=3,
    ),
    options,
    st.booleans(),
    st.lists(token_ids, max_size=3),
)
def test_a_constrained_draw_is_a_draw_among_the_allowed(
    steps: list[tuple[list[float], set[int]]], asked: SamplingOptions, lists: bool, prompt: list[int]
) -> None:
    constrained = Sampler(asked, prompt, Allowing([allowed for _, allowed in steps], lists=lists))
    reference, penalties = Sampler(asked, prompt), Penalties(asked, prompt)
    for logits, allowed in steps:
        chosen = choose(constrained, logits)
        everything = greatest_candidates(penalties.apply_to_all(logits), VOCAB_SIZE)
        pairs = [pair for pair in zip(everything.values, everything.ids, strict=True) if pair[1] in allowed]
        if lists and len(allowed) == 1:
            assert chosen == pairs[0][1]  # and no draw was spent on it
        else:
            assert chosen == reference.sample(Candidates(*zip(*pairs, strict=True)))
        constrained.accept(chosen)
        penalties.accept(chosen)


@pytest.mark.parametrize("lists", [True, False])
def test_a_constraint_that_lets_nothing_through_is_an_error(lists: bool) -> None:
    sampler = Sampler(SamplingOptions(seed=1), (), Allowing([set()], lists=lists))
    logits = [0.0] * VOCAB_SIZE
    assert sampler.choose(greatest_candidates(logits, CANDIDATES), VOCAB_SIZE) is None
    with pytest.raises(GrammarError, match="no token of this model goes on"):
        sampler.choose_from_all(logits)


@patient
@given(st.lists(values, min_size=VOCAB_SIZE, max_size=VOCAB_SIZE), options, st.sets(token_ids, min_size=2))
def test_what_the_candidates_decide_does_not_depend_on_the_others(
    logits: list[float], asked: SamplingOptions, allowed: set[int]
) -> None:
    candidates = greatest_candidates(logits, CANDIDATES)
    constraint = Allowing([allowed], lists=False)
    chosen = Sampler(asked, (), constraint).choose(candidates, VOCAB_SIZE)
    assume(chosen is not None)
    penalties = Penalties(asked)
    for others in (candidates.values[-1], -1000.0):  # as likely as can be, and never
        known = dict(zip(candidates.ids, candidates.values, strict=True))
        # of equal logits the lower ids are candidates, so those that are none may come no lower in id
        imagined = [known.get(token_id, others) for token_id in range(VOCAB_SIZE)]
        order = sorted(
            (-value, token_id not in known, token_id)
            for token_id, value in enumerate(penalties.apply_to_all(imagined))
        )
        pairs = [(-negated, token_id) for negated, _, token_id in order if token_id in allowed]
        assert Sampler(asked).sample(Candidates(*zip(*pairs, strict=True))) == chosen
