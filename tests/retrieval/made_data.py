"""Small data for indexes: questions about products, and an encoder that needs no model."""

import json

import numpy as np

PRODUCTS = [f"{name} {kind}" for name in ("Orion", "Vega", "Atlas", "Nimbus", "Pico") for kind in ("One", "Two", "Pro")]
TOPICS = (
    ("How do I reset the password of my {p}?", "Open the settings of the {p}, choose Security and press Reset."),
    ("How long is the warranty of the {p}?", "The {p} is covered for {n} months from the day of purchase."),
    ("Where is the serial number of the {p}?", "It stands below the battery cover of the {p}, line {n}."),
    ("Which battery does the {p} need?", "A lithium cell of {n} mAh fits the {p}."),
)


def rows():
    return [
        {"question": asked.format(p=product), "answer": answer.format(p=product, n=17 + at)}
        for at, product in enumerate(PRODUCTS)
        for asked, answer in TOPICS
    ]


def write_faq(path, made=None):
    path.write_text("\n".join(json.dumps(row) for row in (made or rows())) + "\n", encoding="utf-8")
    return path


class CountingEncoder:
    """Vectors of hashed letter triples; counts what it was asked to encode."""

    def __init__(self, identity="counting"):
        self.identity = identity
        self.encoded = []

    def passages(self, texts, progress):
        self.encoded += texts
        progress(len(texts))
        return np.stack([self.question(text) for text in texts])

    def question(self, text):
        made = np.zeros(64, np.float32)
        for at in range(max(1, len(text) - 2)):
            made[sum(map(ord, text[at : at + 3].lower())) % 64] += 1
        return made / max(1e-9, float(np.linalg.norm(made)))
