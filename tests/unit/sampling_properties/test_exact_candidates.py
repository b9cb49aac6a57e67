"""For any logits, penalties and reply: choosing from K candidates is choosing from the whole vocabulary."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagelm.backend import Candidates
from pagelm.sampling import Sampler, greatest_candidates
from pagelm.sampling_options import SamplingOptions

# A busy machine is no failure.
patient = settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
VOCAB_SIZE = 12
CANDIDATES = 6

# few values, so that ties and tokens that meet after an adjustment are common
values = st.sampled_from([-3.0, -1.0, 0.0, 0.5, 1.0, 2.0, 4.0])
token_ids = st.integers(0, VOCAB_SIZE - 1)
penalties = st.sampled_from([-1.0, 0.0, 0.0, 0.5, 1.0])
options = st.builds(
    SamplingOptions,
    temperature=st.sampled_from([0.0, 1.0]),
    top_k=st.integers(1, CANDIDATES),
    top_p=st.sampled_from([0.7, 1.0]),
    seed=st.integers(0, 5),
    repetition_penalty=st.sampled_from([0.5, 1.0, 1.0, 2.0]),
    presence_penalty=penalties,
    frequency_penalty=penalties,
    logit_bias=st.dictionaries(token_ids, st.sampled_from([-100.0, -1.0, 1.0]), max_size=2),
)


@patient
@given(
    st.lists(st.lists(values, min_size=VOCAB_SIZE, max_size=VOCAB_SIZE), min_size=1, max_size=4),
    options,
    st.lists(token_ids, max_size=3),
)
def test_candidates_choose_what_the_whole_vocabulary_chooses(
    steps: list[list[float]], asked: SamplingOptions, prompt: list[int]
) -> None:
    few, all_of_them = Sampler(asked, prompt), Sampler(asked, prompt)
    for logits in steps:
        candidates = greatest_candidates(logits, CANDIDATES)
        chosen = few.choose(candidates, VOCAB_SIZE)
        if chosen is None:
            chosen = few.choose_from_all(logits)
        everything = greatest_candidates(logits, VOCAB_SIZE)
        expected = all_of_them.choose(Candidates(everything.values, everything.ids), VOCAB_SIZE)
        assert chosen == expected
        few.accept(chosen)
        all_of_them.accept(chosen)
