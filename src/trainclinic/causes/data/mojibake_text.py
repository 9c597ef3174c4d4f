"""The text was decoded with the wrong character set, and the model learns to write the damage.

## Mechanism
UTF-8 stores characters outside ASCII in two to four bytes. Read as a Windows or Latin code page
each byte becomes a character of its own: an "ü" turns into two letters and a dash into three. The
result is valid text, so nothing raises an error, and the tokenizer splits it into rare pieces. The
model learns these pieces as the spelling of the language. When the damage happened twice, or
characters were replaced by question marks or U+FFFD, the original cannot be restored.
The damage is usually done long before training: by a spreadsheet that saved in the local code
page, a reader without a named encoding on Windows, a database that was told the wrong character
set, or a page whose header and body disagree. Training only carries it on.

## What it looks like
Sequences such as Ã, Â or â€ before another sign, in the rows and then in the outputs, mostly in
names, quotes, dashes and words of other languages. The loss is close to normal, a little higher at
first, because the damage is regular and quickly learned. Tokens per row grow: the same sentence
costs more tokens than in a clean copy.
The signs come in families that name the code page. "Ã" before a second character is UTF-8 read as
Latin-1 or Windows-1252; "â€™" is a curly apostrophe and "â€“" a dash; "Ð" and "Ñ" in pairs are
Cyrillic; a row of "ï¿½" is a replacement character that was saved and read wrongly once more. In
English text it is mostly quotes and dashes, so a model that writes "donâ€™t" has read damaged
rows.

## What else looks like it
- A tokenizer of another model: outputs are wrong everywhere and not only beside special
  characters, and the data is clean.
- A console with the wrong code page: the file is clean when its bytes are looked at.
- Byte-level tokens that were cut in the middle of a character during streaming: only the last
  character of an output is affected.
- Languages that do use these letters: they stand in real words.

## How to decide
Look at the bytes of one damaged word in the file: `C3 83 C2 BC` for "ü" is damage that was saved,
`C3 BC` is correct. Try to repair a sample by encoding it as Windows-1252 and decoding it as UTF-8;
rows that become real words were damaged once. Count rows before and after.
Repair what can be repaired once, keep the original file, and export again from the source where
U+FFFD or question marks stand, because there the information is gone. Then name the encoding in
every call that opens a file, and add a check to the data preparation: a share above one in a
thousand rows is a reason to stop.
An evaluation of the repaired run needs no tool: ask for a sentence that contains the word which
was damaged.

## Typical false diagnosis
"The tokenizer is broken". Encoding and decoding a clean sentence gives it back unchanged, so the
tokenizer only passes on what it was taught.

## References
- [ftfy](https://ftfy.readthedocs.io/): which damage can be undone, and how it is recognised
- [Python Unicode guide](https://docs.python.org/3/howto/unicode.html): reading and writing files
  with a named encoding
- [The Unicode replacement character](https://www.unicode.org/faq/utf_bom.html): what a decoder
  does with bytes that it cannot read
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, OFTEN, RARELY, SOMETIMES, Cause, Excluded, Expect

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
        Expect("misdecoded-characters", ALWAYS, "the model writes the spelling that it was taught"),
        Expect("several-data-sources", SOMETIMES, "one badly exported source among good ones is enough"),
        Expect("initial-loss-too-high", RARELY, "rare pieces cost more than the words they replace"),
        Expect("recorded-outputs", OFTEN, "the curve is good and the texts are not, so texts are what people bring"),
    ),
    excluded_by=(Excluded("garbled-characters", "the rows were read and their characters are whole", when="absent"),),
    confused_with=("tokenizer-vocabulary-mismatch",),
)
