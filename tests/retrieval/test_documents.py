"""Data files and documents as passages."""

import itertools
import json

import pytest

from tests.retrieval.made_data import write_faq
from trainclinic.record.errors import ReadError, TrainclinicError
from trainclinic.retrieval.chunking import CHARACTERS, Block, pieces
from trainclinic.retrieval.documents import read_passages


def only(path):
    return read_passages([path]).passages


def test_a_pair_stays_whole_with_its_line(tmp_path):
    answer = "First.\n\n" + "A long paragraph about nothing. " * 100 + "\n\nLast."
    path = write_faq(
        tmp_path / "faq.jsonl", [{"question": "Why?", "answer": "So."}, {"question": "How?", "answer": answer}]
    )
    reading = read_passages([path])
    assert [passage.source for passage in reading.passages] == ["faq.jsonl:1", "faq.jsonl:2"]
    assert reading.passages[1].text == answer.strip()
    assert reading.pairs == {passage.id for passage in reading.passages}


def test_every_answer_of_a_conversation_is_found_with_the_turn_it_answers(tmp_path):
    turns = [("system", "Be kind."), ("user", "One?"), ("assistant", "1."), ("user", "Two?"), ("assistant", "2.")]
    path = tmp_path / "chat.jsonl"
    path.write_text(json.dumps({"messages": [{"role": role, "content": said} for role, said in turns]}) + "\n")
    assert [(passage.question, passage.text) for passage in only(path)] == [("One?", "1."), ("Two?", "2.")]


def test_csv_rows_are_pairs(tmp_path):
    path = tmp_path / "faq.csv"
    path.write_text('question,answer\nWhy?,"Because, so."\nWho?,Me.\n')
    assert [passage.text for passage in only(path)] == ["Because, so.", "Me."]


def test_rejected_and_disliked_answers_are_not_quoted(tmp_path):
    path = tmp_path / "kto.jsonl"
    kept = {"prompt": "Good?", "completion": "Good answer.", "label": True}
    path.write_text("\n".join(map(json.dumps, [kept, {"prompt": "Bad?", "completion": "Bad answer.", "label": False}])))
    assert [passage.text for passage in only(path)] == ["Good answer."]


def test_markdown_sections_keep_the_path_of_their_headings(tmp_path):
    path = tmp_path / "guide.md"
    path.write_text(
        "---\ntitle: x\n---\n# Install\n\nIntro.\n\n## Linux\n\nUse apt.\n\n```sh\n# no heading\napt install x\n```\n\n"
        "## Windows\n\nUse the installer.\n\nUse\n===\n\nRun it.\n"
    )
    found = [(passage.question, passage.text, passage.source) for passage in only(path)]
    assert found == [
        ("Install", "Intro.", "guide.md:6"),
        ("Install > Linux", "Use apt.\n\n```sh\n# no heading\napt install x\n```", "guide.md:10"),
        ("Install > Windows", "Use the installer.", "guide.md:19"),
        ("Use", "Run it.", "guide.md:24"),
    ]


def test_markdown_that_is_questions_and_answers_is_read_as_pairs(tmp_path):
    path = tmp_path / "faq.md"
    path.write_text("".join(f"**Q:** What is {n}?\n\n**A:** It is {n} things.\n\n" for n in range(5)))
    reading = read_passages([path])
    assert reading.passages[2].question == "What is 2?"
    assert len(reading.pairs) == 5


def test_html_is_read_as_a_reader_sees_it(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(
        "<html><head><title>T</title><style>p {color: red}</style><script>alert('stolen')</script></head><body>"
        "<h1>Help &amp; more</h1><p>Call <b>us</b> at 5.</p>\n<svg><text>drawn</text></svg>"
        "<h2>Costs</h2><ul><li>One</li><li>Two</li></ul><pre>a  b\n  c</pre></body></html>"
    )
    found = [(passage.question, passage.text) for passage in only(path)]
    assert found == [("Help & more", "Call us at 5."), ("Help & more > Costs", "One\nTwo\n\na  b\n  c")]


def test_what_is_no_tag_is_text_and_an_open_comment_hides_the_rest(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(
        "<!doctype html><?php evil() ?><p>If a < b and 1 <2.</p><!-- one\ntwo --><p>Kept.</p><a <a <!-- gone <p>x"
    )
    passages = only(path)
    assert [passage.text for passage in passages] == ["If a < b and 1 <2.\n\nKept.\n\n<a <a"]


def test_markdown_headings_lose_their_closing_marks(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("## **Bold** title ##\n\nText.\n\n#no heading\n")
    assert [(passage.question, passage.text) for passage in only(path)] == [("Bold title", "Text.\n\n#no heading")]


def test_pdf_pages_are_named(tmp_path):
    pytest.importorskip("pypdf")
    path = tmp_path / "manual.pdf"
    path.write_bytes(one_page_pdf("The blue lever opens the hatch."))
    assert [(passage.text, passage.source) for passage in only(path)] == [
        ("The blue lever opens the hatch.", "manual.pdf:page 1")
    ]


def test_a_broken_pdf_is_said_when_named_and_skipped_in_a_folder(tmp_path):
    pytest.importorskip("pypdf")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(ReadError, match=r"`broken\.pdf` is no PDF that can be read"):
        read_passages([tmp_path / "broken.pdf"])
    (tmp_path / "good.txt").write_text("Some text.")
    reading = read_passages([tmp_path])
    assert [passage.text for passage in reading.passages] == ["Some text."]
    assert any("broken.pdf" in note for note in reading.notes())


def test_a_missing_library_is_named_with_its_installation(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pypdf", None)
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    with pytest.raises(TrainclinicError) as caught:
        read_passages([tmp_path / "a.pdf"])
    assert "`pypdf`" in caught.value.message
    assert "trainclinic[retrieval]" in caught.value.hint


def test_a_folder_gives_data_and_documents(tmp_path):
    write_faq(tmp_path / "faq.jsonl", [{"question": "Why?", "answer": "So."}])
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "README.md").write_text("# Read\n\nMe.\n")
    (tmp_path / "docs" / "page.htm").write_text("<p>Page.</p>")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.md").write_text("Hidden.")
    sources = {passage.source for passage in only(tmp_path)}
    assert sources == {"faq.jsonl:1", "docs/README.md:3", "docs/page.htm:1"}


def test_a_repeated_passage_is_kept_once_and_counted(tmp_path):
    same = {"question": "Why?", "answer": "So."}
    reading = read_passages([write_faq(tmp_path / "faq.jsonl", [same, same, {"question": "Who?", "answer": "So."}])])
    assert (len(reading.passages), reading.repeated) == (2, 1)


def test_nothing_to_read_is_an_error(tmp_path):
    (tmp_path / "empty.md").write_text("# Only a heading\n")
    with pytest.raises(ReadError, match="holds no text to search"):
        read_passages([tmp_path])
    with pytest.raises(ReadError, match="does not exist"):
        read_passages([tmp_path / "nowhere"])


def test_half_characters_of_json_can_be_written(tmp_path):
    path = tmp_path / "odd.jsonl"
    path.write_text('{"question": "Why \\ud83d?", "answer": "So \\udc00."}\n')
    assert only(path)[0].text.encode("utf-8")


def test_a_long_section_is_cut_at_paragraphs_with_a_little_overlap():
    paragraphs = [f"Paragraph {n} begins. " + f"Filler {n} goes on. " * 20 for n in range(6)]
    made = list(pieces([Block("Title", "1", 1), *(Block(text, str(n)) for n, text in enumerate(paragraphs, 2))]))
    assert len(made) > 1
    assert {piece.path for piece in made} == {"Title"}
    assert all(len(piece.text) <= CHARACTERS + 10 for piece in made)
    joined = " ".join(piece.text for piece in made)
    assert all(f"Paragraph {n} begins." in joined for n in range(6))
    for before, after in itertools.pairwise(made):
        again = after.text.split("\n\n")[0]
        assert again in before.text
        assert 0 < len(again) <= 200


def test_a_paragraph_without_any_blank_is_cut_and_nothing_is_lost():
    made = list(pieces([Block("x" * 5000, "1")]))
    assert all(len(piece.text) <= CHARACTERS for piece in made)
    assert sum(len(piece.text) for piece in made) == 5000


def one_page_pdf(text):
    stream = f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET".encode()
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    made, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return made + b"xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(made),
    )
