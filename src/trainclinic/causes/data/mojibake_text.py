"""The text was decoded with the wrong character set, and the model learns to write the damage.

## Mechanism
UTF-8 stores characters outside ASCII in two to four bytes. Read as a Windows or Latin code page each
byte becomes a character of its own: an "ü" turns into two letters and a dash into three. The result is
valid text, so nothing raises an error, and the tokenizer splits it into rare pieces. The model learns
these pieces as the spelling of the language. When the damage happened twice, or characters were
replaced by question marks or U+FFFD, the original cannot be restored.

## What it looks like
Sequences such as Ã, Â or â€ before another sign, in the rows and then in the outputs, mostly in names,
quotes, dashes and words of other languages. The loss is close to normal, a little higher at first,
because the damage is regular and quickly learned. Rows per token grow: the same sentence costs more
tokens than in a clean copy.

## What else looks like it
- A tokenizer of another model: outputs are wrong everywhere and not only beside special characters, and
  the data is clean.
- A console with the wrong code page: the file is clean when its bytes are looked at.
- Byte-level tokens that were cut in the middle of a character during streaming: only the last character
  of an output is affected.
- Languages that do use these letters: they stand in real words.

## How to decide
Look at the bytes of one damaged word in the file: `C3 83 C2 BC` for "ü" is damage that was saved, `C3
BC` is correct. Try to repair a sample by encoding it as Windows-1252 and decoding it as UTF-8; rows
that become real words were damaged once. Count rows before and after.

## Typical false diagnosis
"The tokenizer is broken". Encoding and decoding a clean sentence gives it back unchanged, so the
tokenizer only passes on what it was taught.

## References
- [ftfy](https://ftfy.readthedocs.io/): which damage can be undone, and how it is recognised
- [Python Unicode guide](https://docs.python.org/3/howto/unicode.html): reading and writing files with a
  named encoding
- [The Unicode replacement character](https://www.unicode.org/faq/utf_bom.html): what a decoder does
  with bytes that it cannot read
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, RARELY, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="mojibake-text",
    title="Text decoded with the wrong encoding",
    family="data",
    incidents=0,
    decided_by=("data", "generation"),
    decisive_test=(
        'Look at the bytes of one damaged word in the training file: `C3 83 C2 BC` for "ü" is damage that was '
        "saved, `C3 BC` is not"
    ),
    false_diagnosis="a broken tokenizer",
    expects=(
        Expect("garbled-characters", ALWAYS, "the damage stands in the rows"),
        Expect("garbled-generation", USUALLY, "the model writes the spelling that it was taught"),
        Expect("initial-loss-too-high", RARELY, "rare pieces cost more than the words they replace"),
    ),
    excluded_by=(Excluded("garbled-characters", "the rows were read and their characters are whole", when="absent"),),
    confused_with=("tokenizer-vocabulary-mismatch",),
)
