"""Makes the pictures that data/picture, data/resample and savedmodels/runtime are tested with, and what Pillow sees in them.

    python make_pictures.py pictures DIR   # picture files, and beside each of them NAME.ppm: what Pillow makes of it
    python make_pictures.py resample FILE  # SHA-256 of what Pillow's resize makes of pictures given by a formula
    python make_pictures.py modes FILE     # the same for torchvision's, Keras' and transformers' ways to one size

The files are committed: tests need neither Python nor Pillow. They were made with Pillow 13.0.0.
"""
import hashlib
import io
import json
import os
import random
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps


def formula(h, w, c, seed):
    """A picture that Go makes as well: smooth waves with noise on top, from a linear congruential generator."""
    x = seed
    out = np.empty(h * w * c, np.uint8)
    for i in range(h * w * c):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        y, rest = divmod(i, w * c)
        out[i] = ((y * 5 + rest // c * 3 + rest % c * 60) // 2 + (x >> 26)) % 256 if seed % 2 else x >> 24
    return out.reshape(h, w, c)


def scene(h, w, seed=1):
    """A picture like a photograph: waves, an edge, some noise."""
    y, x = np.mgrid[0:h, 0:w]
    rng = np.random.default_rng(seed)
    out = np.stack([127 + 100 * np.sin(x / 5 + y / 9 + c * 2 + seed) for c in range(3)], -1)
    out[(x - w / 2) ** 2 + (y - h / 2) ** 2 < (min(h, w) / 4) ** 2] = [230, 40, 90]
    return np.clip(out + rng.normal(0, 8, out.shape), 0, 255).astype(np.uint8)


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, depth, colour, rows, *before):
    """A PNG of rows of bytes, for kinds that Pillow does not write."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return (b"\x89PNG\r\n\x1a\n" + head + b"".join(before)
            + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + r for r in rows))) + chunk(b"IEND", b""))


class Folder:
    def __init__(self, path):
        self.path = path
        os.makedirs(path, exist_ok=True)

    def put(self, name, data):
        """Writes a file and what Pillow sees in it after exif_transpose: with opacity dropped, and laid on white."""
        with open(os.path.join(self.path, name), "wb") as f:
            f.write(data)
        seen = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        seen.convert("RGB").save(os.path.join(self.path, name + ".ppm"))
        rgba = seen.convert("RGBA")
        if rgba.getextrema()[3][0] < 255:
            white = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
            white.convert("RGB").save(os.path.join(self.path, name + ".white.ppm"))

    def save(self, name, picture, kind, **options):
        out = io.BytesIO()
        picture.save(out, kind, **options)
        self.put(name, out.getvalue())


def pictures(path):
    to = Folder(path)
    rgb = Image.fromarray(scene(19, 26))
    grey = rgb.convert("L")
    opacity = Image.fromarray((np.arange(19 * 26).reshape(19, 26) * 7 % 256).astype(np.uint8))
    rgba, la = rgb.copy(), grey.copy()
    rgba.putalpha(opacity)
    la.putalpha(opacity)
    palette = rgb.quantize(13)

    to.save("rgb.png", rgb, "PNG")
    to.save("grey.png", grey, "PNG")
    to.save("bits1.png", grey.convert("1"), "PNG")
    to.save("rgba.png", rgba, "PNG")
    to.save("grey-alpha.png", la, "PNG")
    to.save("palette.png", palette, "PNG")
    to.save("palette-alpha.png", palette, "PNG", transparency=bytes(range(0, 13 * 19, 19)))
    to.save("palette4.png", rgb.quantize(4), "PNG", bits=2)
    to.save("grey-key.png", grey, "PNG", transparency=grey.getpixel((3, 3)))
    to.save("rgb-key.png", rgb, "PNG", transparency=rgb.getpixel((3, 3)))
    wide = (np.arange(19 * 26).reshape(19, 26) * 137 % 65536).astype(np.uint16)
    wide[:9] //= 200
    to.save("grey16.png", Image.fromarray(wide), "PNG")
    deep = np.random.default_rng(3).integers(0, 65536, (19, 26, 4)).astype(">u2")
    to.put("rgb16.png", png(26, 19, 16, 2, [r.tobytes() for r in deep[:, :, :3]]))
    to.put("rgba16.png", png(26, 19, 16, 6, [r.tobytes() for r in deep]))
    to.put("grey-alpha16.png", png(26, 19, 16, 4, [r.tobytes() for r in deep[:, :, :2]]))
    key = chunk(b"tRNS", struct.pack(">H", int(wide[0, 5])))
    to.put("grey16-key.png", png(26, 19, 16, 0, [r.astype(">u2").tobytes() for r in wide], key))
    for depth in 2, 4:
        rows = np.random.default_rng(depth).integers(0, 256, (19, (26 * depth + 7) // 8)).astype(np.uint8)
        to.put(f"grey{depth}.png", png(26, 19, depth, 0, [r.tobytes() for r in rows]))

    to.save("palette.gif", palette, "GIF")
    to.save("grey.gif", grey, "GIF")
    to.save("interlaced.gif", palette, "GIF", interlace=1)
    to.save("transparent.gif", palette, "GIF", transparency=palette.getpixel((13, 9)))
    to.save("frames.gif", palette, "GIF", save_all=True, append_images=[rgb.rotate(180).quantize(13)])
    gif = bytearray(to_bytes(palette, "GIF"))
    gif[6:10] = struct.pack("<HH", 31, 23)  # a screen larger than the frame
    to.put("small-frame.gif", bytes(gif))
    gif = bytearray(to_bytes(palette, "GIF", transparency=5))
    gif[6:10] = struct.pack("<HH", 31, 23)
    to.put("small-frame-transparent.gif", bytes(gif))

    to.save("rgb.bmp", rgb, "BMP")
    to.save("grey.bmp", grey, "BMP")
    to.save("palette.bmp", palette, "BMP")
    to.save("bits1.bmp", grey.convert("1"), "BMP")
    to.save("rgba.bmp", rgba, "BMP")

    to.save("rgb.tiff", rgb, "TIFF")
    to.save("rgb-lzw.tiff", rgb, "TIFF", compression="tiff_lzw")
    to.save("rgb-deflate.tiff", rgb, "TIFF", compression="tiff_adobe_deflate")
    to.save("grey.tiff", grey, "TIFF")
    to.save("bits1.tiff", grey.convert("1"), "TIFF")
    for fax in "group3", "group4":
        to.save(fax + ".tiff", grey.convert("1"), "TIFF", compression=fax)
        to.save(fax + "-white0.tiff", grey.convert("1"), "TIFF", compression=fax, tiffinfo={262: 0})
    to.save("grey16.tiff", Image.fromarray(wide), "TIFF")
    to.save("palette.tiff", palette, "TIFF")
    to.save("rgba.tiff", rgba, "TIFF")
    tiff = bytearray(to_bytes(rgba, "TIFF"))
    at = tiff.index(struct.pack("<HHI", 338, 3, 1))
    tiff[at + 8] = 1  # opacity is multiplied into the colours
    to.put("rgba-multiplied.tiff", bytes(tiff))

    for quality in 30, 75, 95:
        to.save(f"lossy{quality}.webp", rgb, "WEBP", quality=quality)
    for h, w in (1, 1), (2, 2), (1, 9), (9, 1), (18, 27), (33, 48):
        to.save(f"lossy-{h}x{w}.webp", Image.fromarray(scene(h, w, h * w)), "WEBP", quality=60)
    to.save("lossy-alpha.webp", rgba, "WEBP", quality=80)
    to.save("lossless.webp", rgb, "WEBP", lossless=True)
    to.save("lossless-alpha.webp", rgba, "WEBP", lossless=True, exact=True)

    for name, options in ("frames", {"quality": 70}), ("frames-lossless", {"lossless": True}):
        to.save(name + ".webp", rgba, "WEBP", save_all=True, append_images=[rgba.rotate(180)], **options)
    for name, picture, flags in ("small-frame", rgb, 2), ("small-frame-alpha", rgba, 2 | 16):
        def part(kind, content):
            return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)

        def triple(*numbers):
            return b"".join(struct.pack("<I", n)[:3] for n in numbers)

        inner = to_bytes(picture, "WEBP", lossless=True, exact=True)[12:]
        if inner[:4] == b"VP8X":
            inner = inner[18:]
        frame = part(b"ANMF", triple(1, 2, 25, 18, 100) + b"\0" + inner)
        body = b"WEBP" + part(b"VP8X", bytes([flags, 0, 0, 0]) + triple(33, 30)) + part(b"ANIM", b"\0" * 6) + frame + frame
        to.put(name + ".webp", part(b"RIFF", body))

    for quality, sampling in (95, 0), (75, 1), (75, 2), (30, 2):
        to.save(f"q{quality}-{sampling}.jpg", rgb, "JPEG", quality=quality, subsampling=sampling)
    to.save("progressive.jpg", rgb, "JPEG", progressive=True)
    to.save("optimised.jpg", rgb, "JPEG", optimize=True, restart_marker_blocks=2)
    to.save("grey.jpg", grey, "JPEG")
    to.save("rgb-colours.jpg", rgb, "JPEG", keep_rgb=True)
    to.save("cmyk.jpg", rgb.convert("CMYK"), "JPEG")
    for h, w in (1, 1), (1, 9), (9, 1), (16, 16), (17, 33):
        to.save(f"odd-{h}x{w}.jpg", Image.fromarray(scene(h, w, h * w)), "JPEG")

    for n in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = n
        to.save(f"turned{n}.jpg", rgb, "JPEG", exif=exif)
        to.save(f"turned{n}.png", rgb, "PNG", exif=exif)
    to.save("turned6.webp", rgb, "WEBP", lossless=True, exif=exif_of(6))
    to.save("turned8.tiff", rgb, "TIFF", tiffinfo={0x112: 8})
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="5"/></x:xmpmeta>'
    to.save("turned-xmp.jpg", rgb, "JPEG", xmp=xmp)
    text = "\nexif\n%8d\n" % len(exif_of(3)) + exif_of(3).hex()
    to.put("turned-profile.png", png(26, 19, 8, 2, [r.tobytes() for r in np.array(rgb)],
                                     chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text.encode()))))


def exif_of(n):
    exif = Image.Exif()
    exif[0x112] = n
    return exif.tobytes()


def to_bytes(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}


def image(pixels):
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def digest(picture):
    return hashlib.sha256(np.asarray(picture).tobytes()).hexdigest()


def resample(path):
    rng = random.Random(7)
    with open(path, "w") as f:
        for i in range(240):
            h, w, th, tw = (rng.choice([rng.randint(1, 12), rng.randint(1, 90)]) for _ in range(4))
            if i % 10 == 0:
                th = h
            if i % 15 == 0:
                tw = w
            c = rng.choice([1, 3])
            name = list(FILTERS)[i % 4]
            got = image(formula(h, w, c, i)).resize((tw, th), FILTERS[name])
            f.write(json.dumps({"from": [h, w, c], "to": [th, tw], "filter": name, "seed": i, "sha256": digest(got)}) + "\n")


def crop(picture, shorter, size, resample):
    """torchvision's Resize and CenterCrop on a PIL image, from their documentation."""
    w, h = picture.size
    to = (shorter, int(shorter * h / w)) if w <= h else (int(shorter * w / h), shorter)
    picture = picture.resize(to, resample)
    left, top = int(round((to[0] - size) / 2.0)), int(round((to[1] - size) / 2.0))
    return picture.crop((left, top, left + size, top + size))


def modes(path):
    rng = random.Random(11)
    with open(path, "w") as f:
        for i in range(120):
            h, w = rng.randint(1, 70), rng.randint(1, 70)
            size, name = rng.randint(1, 40), list(FILTERS)[i // 3 % 4]
            shorter = size + rng.choice([0, 1, 4, 9])
            picture = image(formula(h, w, 3, i))
            mode = ["crop", "squash", "pad"][i % 3]
            if mode == "crop":
                got = crop(picture, shorter, size, FILTERS[name])
            elif mode == "squash":
                got = picture.resize((size, size), FILTERS[name])
            else:
                if round(min(h, w) / max(h, w) * size) < 1:
                    continue  # Pillow refuses a side of 0
                got = ImageOps.pad(picture, (size, size), FILTERS[name])
            row = {"from": [h, w, 3], "mode": mode, "size": size, "filter": name, "seed": i, "sha256": digest(got)}
            if mode == "crop":
                row["shorter"] = shorter
            f.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    {"pictures": pictures, "resample": resample, "modes": modes}[sys.argv[1]](sys.argv[2])
