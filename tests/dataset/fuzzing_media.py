"""Sound pictures and binary files made bad, in the manner of `fuzzing`."""

import io
import random
import struct
import zlib

from PIL import Image

from tests.dataset.fuzzing import Payloads, flip, truncated


def image_payloads(name: str, random_ones: int) -> Payloads:
    """Mutations of a JPEG and a PNG, with headers that promise giant pictures."""
    rng = random.Random(name)
    jpeg, png = (_picture(kind) for kind in ("JPEG", "PNG"))
    made = [*truncated(jpeg), *truncated(png)]
    sizes = ((65_535, 65_535), (0, 0), (1, 65_535), (50_000, 50_000), (2**31 - 1, 2**31 - 1), (2**32 - 1, 1))
    for width, height in sizes:
        made.append((f"PNG of {width}x{height}", png_header(png, width, height)))
        at = jpeg.index(b"\xff\xc0") + 5
        said = struct.pack(">HH", height & 0xFFFF, width & 0xFFFF)
        made.append((f"JPEG of {width}x{height}", jpeg[:at] + said + jpeg[at + 4 :]))
    bomb = zlib.compress(bytes(30_000_000), 9)
    for kind, head in ((b"zTXt", b"a\0\0"), (b"iCCP", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"IDAT", b"")):
        made.append((f"bomb in {kind.decode()}", png[:33] + _chunk(kind, head + bomb) + png[33:]))
    made += [
        ("long EXIF", jpeg[:2] + b"\xff\xe1\xff\xff" + b"Exif\0\0" + b"I" * 65_527 + jpeg[2:]),
        ("endless markers", b"\xff\xd8" + b"\xff\xe0\x00\x02" * 20_000),
        ("GIF", b"GIF89a" + bytes(100)),
        ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='../canary.csv'/></svg>"),
        ("PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n"),
        ("text", b"S100T1,1,2,3,4"),
    ]
    made += [(f"flip {number}", flip((jpeg, png)[number % 2], "", rng)) for number in range(random_ones)]
    return made


def png_header(png: bytes, width: int, height: int) -> bytes:
    """A PNG that says another size, with the right checksum."""
    return png[:8] + _chunk(b"IHDR", struct.pack(">II", width, height) + png[24:29]) + png[33:]


def _picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((40, 30)).convert("RGB").save(out, kind)
    return out.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def binary_payloads(seed: bytes, name: str, random_ones: int) -> Payloads:
    """Mutations of a binary file: cut off, bytes flipped, numbers in it made giant or zero."""
    rng = random.Random(name)
    made = truncated(seed)
    for number in range(random_ones):
        if number % 2:
            made.append((f"flip {number}", flip(seed, "", rng)))
            continue
        at = rng.randrange(min(len(seed), 600))  # where the headers stand
        word = rng.choice(
            (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4), bytes(8), b"\xff" * 8)
        )
        made.append((f"word {number}", seed[:at] + word + seed[at + len(word) :]))
    return made
