"""Decode damaged text once more in the right way, export again what cannot be undone, and name UTF-8 at every opening.

## Why it works
UTF-8 that was read as Windows-1252 or Latin-1 is a substitution without loss as long as every character survived:
writing it back as Windows-1252 and reading it as UTF-8 gives the original, so `Ã¼` is `ü` again and `â€™` an
apostrophe. ftfy recognises such stretches and leaves words alone that use these letters rightly. Repaired text also
takes fewer tokens, since a damaged character costs two to six of them.
The default encoding of `open` in Python depends on the machine before version 3.15, and on Windows it is a code page
in most places. A named `encoding="utf-8"` at every reading and writing keeps the damage from coming back.
Weights that were trained on the damaged rows know its spelling by heart, since it is regular and comes early in
training. They have to be trained again from the base model.

## What it does not do
It cannot bring back what was replaced by `?` or U+FFFD; those rows have to be exported again or left out. It does not
help where only the console shows wrong characters and the bytes of the file are right, or where a tokenizer of another
model was used.

## References
- https://ftfy.readthedocs.io/
- https://docs.python.org/3/howto/unicode.html
- https://peps.python.org/pep-0686/
- https://www.unicode.org/faq/utf_bom.html
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, EASES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="repair-the-encoding",
    title="Repair the encoding of the text",
    kind="data",
    change=(
        "Mend every row with `ftfy.fix_encoding`, export rows with U+FFFD again from their source, and write "
        '`encoding="utf-8"` at every reading and writing of a file'
    ),
    treats=(
        Treats("mojibake-text", CURES, "the model reads and learns the spelling that was meant"),
        Treats("corrupt-input-data", EASES, "text that was damaged on its way is mended, numbers are not"),
    ),
    expects=(
        Expectation("fewer than 1 in 1,000 rows hold `Ã`, `Â` or `â€` before another sign, and none holds U+FFFD"),
        Expectation("20 outputs for prompts with names, quotes and dashes hold no such sequence"),
    ),
    check='Look at the bytes of one mended word: "ü" has to be `C3 BC`, and `C3 83 C2 BC` is still damaged',
    risk=(
        "Text that quotes damage on purpose, such as a guide about encodings, is mended as well; keep the original file"
    ),
    minutes=15,
    restart="nothing",
    spoils="taught the damaged spelling as the right one",
    patches=(Patch("data.repair_encoding", "rows hold UTF-8 that was read as another encoding", to=True),),
    edit=Edit(
        before="""\
with open("train.jsonl") as file:
    rows = [json.loads(line) for line in file]
""",
        after="""\
with open("train.jsonl", encoding="utf-8") as file:
    rows = [json.loads(line) for line in file]
rows = [row | {"text": ftfy.fix_encoding(row["text"])} for row in rows]
""",
        note="`pip install ftfy`; the repair is needed once, the named encoding always.",
    ),
    commands=("trainclinic data train.jsonl", "trainclinic data train.jsonl --repair cleaned/"),
)
