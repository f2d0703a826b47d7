"""Good samples, damaged."""

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

SPLICES = 8  # bytes of another sample at most
BITS = st.sampled_from([1 << k for k in range(8)])


@st.composite
def damaged(draw: DrawFn, samples: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """Return one of `samples` after one to four of: flip, cut, repeat, insert, splice."""
    content = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, 4))):
        here = draw(st.integers(0, len(content)))
        there = min(len(content), here + draw(st.sampled_from((1, 4, 40))))
        match draw(st.sampled_from(("flip", "cut", "repeat", "replace", "insert", "splice"))):
            case "flip":
                content[here : here + 1] = bytes(b ^ draw(BITS) for b in content[here : here + 1])
            case "cut":
                del content[here:there]
            case "repeat":
                content[here:here] = content[here:there] * draw(st.sampled_from((1, 2, 9)))
            case "replace":
                content[here:there] = draw(st.sampled_from(tokens))
            case "insert":
                content[here:here] = draw(st.sampled_from(tokens))
            case _:
                other = draw(st.sampled_from(samples))
                start = draw(st.integers(0, len(other)))
                content[here:there] = other[start : start + draw(st.integers(0, SPLICES))]
    return bytes(content)
