"""What another parser would read in another way, or guess at: one table for every door."""

from __future__ import annotations

# name -> (a JSON text where `%s` stands for the rest of a good object, the code of its refusal)
BROKEN: dict[str, tuple[bytes, str]] = {
    "a name twice": (b'{"request_id":"a","request_id":"a",%s}', "DUP_KEY"),
    "a name twice inside": (b'{"x":{"a":1,"a":2},%s}', "DUP_KEY"),
    "NaN": (b'{"x":NaN,%s}', "JSON"),
    "Infinity": (b'{"x":-Infinity,%s}', "JSON"),
    "an integer of 5000 digits": (b'{"x":' + b"9" * 5000 + b",%s}", "JSON"),
    "a NUL as it is": (b'{"x":"a\x00b",%s}', "JSON"),
    "a NUL escaped": (b'{"x":"a\\u0000b",%s}', "ENCODING"),
    "half of a character": (b'{"x":"\\ud800",%s}', "ENCODING"),
    "bad UTF-8": (b'{"x":"\xff",%s}', "ENCODING"),
    "junk behind": (b"{%s} x", "JSON"),
    "a second value behind": (b"{%s}{}", "JSON"),
    "a comma too many": (b"{%s,}", "JSON"),
    "single quotes": (b"{'x':1,%s}", "JSON"),
    "a comment": (b"{/**/%s}", "JSON"),
    "nine levels": (b'{"x":' + b"[" * 9 + b"]" * 9 + b",%s}", "DEPTH"),
    "fifty thousand levels": (b'{"x":' + b"[" * 50_000 + b",%s}", "DEPTH"),
    "no object": (b"[{%s}]", "JSON"),
    "a byte order mark": (b"\xef\xbb\xbf{%s}", "JSON"),
}

#: JSON texts of a price or quantity that are no plain decimal
NO_DECIMALS = (
    b'"1_000"', "\"\uff11\uff12\"".encode(), b'" 7 "', b'"1E+5"', b'"1e5"', b'"-0"', b'"-1"', b'"+1"', b'"007"', b'"00.1"',
    b'".5"', b'"5."', b'""', b'"NaN"', b'"Infinity"', b'"0x10"', b'"1,000"', b'"1\\n"', b'"0"', b'"1.0000000000000000001"',
    b'"' + b"9" * 21 + b'"', b"1", b"1.5", b"1E400", b"true", b"[]", b"{}",
)  # fmt: skip

#: fields that are the engine's to know, never a client's to say
NOT_THEIRS = ("user", "owner", "filled_quantity", "status", "fee", "id", "average_price", "created_at", "__proto__")
