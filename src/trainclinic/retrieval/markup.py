"""Markdown, HTML, plain text and PDF as blocks: headings and paragraphs with their places.

It knows these four formats as far as a reader sees them. Nothing in a document is executed or followed: scripts and
styles are dropped, links are text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from trainclinic.record.errors import ReadError
from trainclinic.retrieval.chunking import Block
from trainclinic.retrieval.optional import needed

_HEADING = re.compile(r" {0,3}(?P<marks>#{1,6})(?=\s|$)")
_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})")
_UNDERLINE = re.compile(r" {0,3}(?P<mark>=+|-{2,})\s*$")
_DROPPED = frozenset({"script", "style", "noscript", "template", "svg", "iframe", "object", "canvas"})
_DECLARATION = re.compile(r"<!--|<[!?]")
_STRAY = re.compile(r"<(?!/?[A-Za-z][^<>]*>)")
# fmt: off
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "details", "div", "dl", "dt",
    "figcaption", "figure", "footer", "form", "header", "hr", "html", "li", "main", "nav", "ol", "p", "pre",
    "section", "summary", "table", "td", "tfoot", "th", "thead", "title", "tr", "ul",
})
# fmt: on
_INLINE_BREAKS = frozenset({"td", "th", "li", "br", "dd", "dt"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def text_of_bytes(data: bytes) -> str:
    """Bytes of a document as text: by its byte-order mark, else UTF-8; what cannot be decoded becomes a mark.

    Args:
        data: The file.
    """
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    return data.decode("utf-8", errors="replace").replace("\0", "\ufffd")


def plain_blocks(text: str) -> Iterator[Block]:
    """Paragraphs of a plain text: lines between blank lines.

    Args:
        text: The text.
    """
    held: list[str] = []
    begin = 1
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            begin = begin if held else number
            held.append(line.rstrip())
        elif held:
            yield Block("\n".join(held), str(begin))
            held = []
    if held:
        yield Block("\n".join(held), str(begin))


def markdown_blocks(text: str) -> Iterator[Block]:
    """Headings and paragraphs of Markdown; a block of code belongs to the paragraph before it, front matter to none.

    Args:
        text: The text.
    """
    reader = _Markdown()
    lines = text.splitlines()
    first = _behind_front_matter(lines)
    for number, line in enumerate(lines[first:], first + 1):
        yield from reader.read(number, line)
    yield from reader.close()


def _behind_front_matter(lines: list[str]) -> int:
    if not lines or lines[0].rstrip() != "---":
        return 0
    closing = next((at for at, line in enumerate(lines[1:200], 1) if line.rstrip() in {"---", "..."}), None)
    is_front_matter = closing is not None and all(":" in line or line[:1] in " -#" for line in lines[1:closing] if line)
    return closing + 1 if closing is not None and is_front_matter else 0


class _Markdown:
    def __init__(self) -> None:
        self._held: list[str] = []
        self._begin = 0
        self._fence = ""

    def read(self, number: int, line: str) -> Iterator[Block]:
        """What a line completes."""
        if self._is_code(line):
            self._hold(number, line)
            return
        heading = _HEADING.match(line)
        underline = _UNDERLINE.match(line)
        if heading is not None:
            yield from self.close()
            title = line[heading.end() :].strip().rstrip("#")
            yield Block(_unmarked(title), str(number), len(heading["marks"]))
        elif underline is not None and len(self._held) == 1 and not self._held[0].lstrip().startswith(("-", ">", "|")):
            title, self._held = self._held[0], []
            yield Block(_unmarked(title), str(self._begin), 1 if underline["mark"][0] == "=" else 2)
        elif not line.strip():
            yield from self.close()
        else:
            self._hold(number, line)

    def close(self) -> Iterator[Block]:
        """The paragraph that is open."""
        if any(line.strip() for line in self._held):
            yield Block("\n".join(self._held).strip("\n"), str(self._begin))
        self._held = []

    def _hold(self, number: int, line: str) -> None:
        self._begin = self._begin if self._held else number
        self._held.append(line.rstrip())

    def _is_code(self, line: str) -> bool:
        found = _FENCE.match(line)
        if not self._fence:
            self._fence = found["mark"] if found else ""
            return found is not None
        if found is not None and found["mark"].startswith(self._fence) and not line.strip().strip(self._fence[0]):
            self._fence = ""
        return True


def _unmarked(title: str) -> str:
    """A heading without marks of bold, italic and code."""
    return title.replace("`", "").replace("**", "").strip("*_ ")


def html_blocks(text: str) -> Iterator[Block]:
    """Headings and paragraphs that a reader of the page sees; scripts, styles and comments are dropped.

    Args:
        text: The page.
    """
    parser = _Page()
    parser.feed(_without_declarations(text))
    parser.close()
    parser.end_block()
    yield from parser.blocks


def _without_declarations(text: str) -> str:
    """A page without comments, declarations and stray `<`, on which the parser would take quadratic time.

    Lines keep their numbers.
    """
    kept, at = [], 0
    while (found := _DECLARATION.search(text, at)) is not None:
        kept.append(text[at : found.start()])
        closing = "-->" if found[0] == "<!--" else ">"
        end = text.find(closing, found.end())
        end = len(text) if end < 0 else end + len(closing)
        kept.append("\n" * text.count("\n", found.start(), end))
        at = end
    kept.append(text[at:])
    return _STRAY.sub("&lt;", "".join(kept))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._held: list[str] = []
        self._begin = 1
        self._level = 0
        self._dropped: list[str] = []
        self._is_verbatim = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that opens."""
        del attrs
        if self._dropped:
            if tag == self._dropped[-1]:
                self._dropped.append(tag)
            return
        if tag in _DROPPED:
            self._dropped.append(tag)
        elif tag in _HEADINGS:
            self.end_block()
            self._level = _HEADINGS[tag]
        elif tag in _INLINE_BREAKS:
            self._held.append("\n" if tag in {"li", "br", "dt", "dd"} else " ")
        elif tag in _BLOCKS:
            self.end_block()
            self._is_verbatim = tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        """A tag that closes."""
        if self._dropped:
            if tag == self._dropped[-1]:
                self._dropped.pop()
        elif tag in _HEADINGS or (tag in _BLOCKS and tag not in _INLINE_BREAKS):
            if tag == "title":
                self._held.clear()  # what a browser shows above the page; the first heading says it again
            self.end_block()

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._dropped:
            return
        if not any(part.strip() for part in self._held):
            self._begin = self.getpos()[0]
        self._held.append(data if self._is_verbatim else re.sub(r"\s+", " ", data))

    def end_block(self) -> None:
        """Close the paragraph or heading that is open."""
        text = "".join(self._held)
        if not self._is_verbatim:
            text = "\n".join(line.strip() for line in text.split("\n"))
        if text.strip():
            self.blocks.append(Block(text.strip(), str(self._begin), self._level))
        self._held, self._level, self._is_verbatim = [], 0, False


def pdf_blocks(data: bytes, name: str) -> Iterator[Block]:
    """Paragraphs of a PDF with their page; pages that are pictures have no text.

    Args:
        data: The file.
        name: How the user names it.

    Raises:
        ReadError: If it is no PDF that can be read, or needs a password.
        TrainclinicError: If `pypdf` is not installed.
    """
    pypdf = needed("pypdf", "pypdf", "reading PDF files")
    try:
        reader: Any = pypdf.PdfReader(io.BytesIO(data))
        is_locked = reader.is_encrypted and not reader.decrypt("")
        pages = [] if is_locked else [page.extract_text() for page in reader.pages]
    except Exception as error:  # a broken file makes the library fail in any way
        message = f"`{name}` is no PDF that can be read: {str(error) or type(error).__name__}"
        raise ReadError(message, hint="open it in a viewer and save it again, or convert it to text") from error
    if is_locked:
        message = f"`{name}` is locked with a password"
        raise ReadError(message, hint="save a copy without one")
    for number, text in enumerate(pages, 1):
        for block in plain_blocks(text):
            yield Block(block.text, f"page {number}")
