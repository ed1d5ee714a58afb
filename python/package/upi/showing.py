"""How a run and its parts show themselves in a notebook: HTML that needs nothing else."""

import base64
import html
import struct
import zlib

import numpy as np

MOST_ROWS, MOST_PERTURBATIONS = 60, 12
SIDE = 112  # pixels of a small picture on the page


def run(run):
    manifest = run.manifest
    parts = [f"<h3>{escape(run.name)}</h3>", f"<p>{escape(run.status)}, {escape(manifest['finished'][:16].replace('T', ' '))}; "
             f"<code>{escape(run.path)}</code></p>"]
    for name in ("models", "summary"):
        if name not in run.tables:
            continue
        parts.append(f"<h4>{name}</h4>{table(run.tables[name])}")
        parts += [f"<p>{escape(w)}</p>" for w in run.tables.warnings(name)]
    some = run.perturbations[:MOST_PERTURBATIONS]
    if some:
        left = len(run.perturbations) - len(some)
        parts.append(f"<h4>perturbations</h4><div>{''.join(map(perturbation, some))}</div>")
        if left:
            parts.append(f"<p>and {left} more: <code>run.perturbations</code></p>")
    return "".join(parts)


def perturbation(p):
    """The pattern, grey where nothing is added."""
    largest = float(np.abs(p.delta).max()) or 1.0
    return figure(127.5 + 127.5 * p.delta / largest, p.id)


def example(e):
    """Clean and perturbed, each with its map."""
    maps = [255 * m / (float(m.max()) or 1.0) for m in (e.clean_map, e.perturbed_map)]
    pictures = [(e.image, "clean"), (maps[0], "its map"), (e.perturbed, "perturbed"), (maps[1], "its map")]
    return f"<div>{''.join(figure(*p) for p in pictures)}</div>"


def figure(pixels, caption):
    source = base64.b64encode(png(pixels)).decode()
    return (f'<figure style="display:inline-block;margin:4px;width:{SIDE}px;vertical-align:top">'
            f'<img style="width:{SIDE}px;image-rendering:pixelated" alt="{escape(caption)}" src="data:image/png;base64,{source}">'
            f'<figcaption style="font-size:70%;overflow-wrap:anywhere">{escape(caption)}</figcaption></figure>')


def png(pixels):
    """A PNG of pixels 0..255: height x width, or height x width x channels, of which 1 or the first 3 are shown."""
    pixels = np.clip(np.rint(np.nan_to_num(pixels)), 0, 255).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    pixels = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., :1]
    height, width, channels = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def table(frame):
    """A table of pandas' or pyarrow's, cut after MOST_ROWS rows. Columns that have no value are left out."""
    columns = {name: list(frame[name])[:MOST_ROWS] for name in column_names(frame)}
    columns = {name: [cell(v) for v in values] for name, values in columns.items()}
    columns = {name: values for name, values in columns.items() if any(values)}
    rows = list(zip(*columns.values()))
    text = "".join(f"<th>{escape(name)}</th>" for name in columns)
    text = f"<thead><tr>{text}</tr></thead>"
    text += "".join("<tr>" + "".join(f"<td>{v}</td>" for v in row) + "</tr>" for row in rows)
    cut = len(frame) - len(rows)
    return f'<div style="overflow-x:auto"><table>{text}</table></div>' + (f"<p>and {cut} more rows</p>" if cut > 0 else "")


def column_names(frame):
    return frame.column_names if hasattr(frame, "column_names") else list(frame.columns)


def cell(value):
    value = value.as_py() if hasattr(value, "as_py") else value
    if value is None or value != value:
        return ""
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    return escape(value)


def escape(value):
    return html.escape(str(value))
