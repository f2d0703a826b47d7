"""Damage valid files at random."""

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

TOKENS = [  # byte strings with a meaning for some of the parsers
    *(b"\0\0\x08\x01", b"\0\0\x08\x03", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0"),
    *(b"F8_E4M3", b"BF16", b"F32", b"I64", b"BOOL", b'"shape"', b"[10,6]", b"[]", b"-1", b"{"),
    *(b"1e999", b"9" * 30, b".nan", b"-.inf", b"0x", b"2026-13-45", b"!!python/object:os.system"),
    *(b"&a ", b"*a", b"<<: ", b"- ", b"? ", b": ", b"\n", b"\t", b"#", b"'", b'"', b"|", b"%"),
    *(b"[" * 99, b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b\x08", b"null", b"true", b"~", b"--- "),
    *(b"!!binary x", b"!!set {a}", b"!!timestamp x", b"!!int x", b"!!omap x", b"\xe2\x80\xa8"),
]


@st.composite
def damaged(draw: DrawFn, samples: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """Return one of `samples` after one to four random changes."""
    content = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        stop = min(len(content), start + draw(st.sampled_from((1, 4, 40))))
        match draw(st.sampled_from(("flip", "cut", "repeat", "replace", "insert", "splice"))):
            case "flip":
                bit = 1 << draw(st.integers(0, 7))
                content[start : start + 1] = bytes(b ^ bit for b in content[start : start + 1])
            case "cut":
                del content[start:stop]
            case "repeat":
                content[start:start] = content[start:stop] * draw(st.sampled_from((1, 2, 9)))
            case "replace":
                content[start:stop] = draw(st.sampled_from(tokens))
            case "insert":
                content[start:start] = draw(st.sampled_from(tokens))
            case _:
                other = draw(st.sampled_from(samples))
                offset = draw(st.integers(0, len(other)))
                content[start:stop] = other[offset : offset + draw(st.integers(0, 8))]
    return bytes(content)
