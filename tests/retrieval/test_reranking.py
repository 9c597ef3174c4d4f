"""A reranker is used where it is measured to help, and nowhere else."""

from difflib import SequenceMatcher

import numpy as np
import pytest

from tests.retrieval.made_data import write_faq
from trainclinic.record.errors import TrainclinicError
from trainclinic.retrieval.build import build_index
from trainclinic.retrieval.index import Index
from trainclinic.retrieval.passage import Passage
from trainclinic.retrieval.reranking import CrossReranker, reordered

pytest.importorskip("bm25s")


class Careful:
    """Compares the question with the stored one, letter by letter."""

    def __init__(self, *, sense=1.0, identity="careful"):
        self.identity = identity
        self.sense = sense
        self.asked = 0

    def scores(self, question, texts):
        self.asked += 1
        stored = [text.split("\n")[0].lower() for text in texts]
        return np.array([self.sense * SequenceMatcher(None, question.lower(), one).ratio() for one in stored])


@pytest.fixture
def built(tmp_path):
    def build(reranker):
        data = write_faq(tmp_path / "faq.jsonl")
        return build_index([data], tmp_path / "index", reranker=reranker, reranking=str(tmp_path), rebuild=True)

    return build


def test_a_reranker_that_helps_orders_the_hits(built):
    made = built(Careful())
    assert made.tuned.reranks
    assert made.tuned.table["reranked"].mrr_at_10 > made.tuned.table["chosen, with whole questions"].mrr_at_10
    index = Index.open(made.folder, reranker=Careful())
    hit, *others = index.search("how long is the warranty of the vega two", 3)
    assert hit.passage.question == "How long is the warranty of the Vega Two?"
    assert len(others) == 2


def test_a_reranker_that_harms_is_measured_and_left_alone(built):
    made = built(Careful(sense=-1.0))
    assert not made.tuned.reranks
    assert made.tuned.table["reranked"].mrr_at_10 < made.tuned.table["chosen, with whole questions"].mrr_at_10
    watched = Careful(sense=-1.0)
    assert Index.open(made.folder, reranker=watched).search("serial number of the pico pro")
    assert watched.asked == 0


def test_an_index_without_reranker_needs_none(tmp_path):
    made = build_index([write_faq(tmp_path / "faq.jsonl")], tmp_path / "index")
    assert "reranked" not in made.tuned.table
    assert Index.open(made.folder).search("serial number of the pico pro")


def test_another_reranker_than_the_measured_one_is_refused(built):
    made = built(Careful())
    with pytest.raises(TrainclinicError, match="not the one that this index was built with"):
        Index.open(made.folder, reranker=Careful(identity="other"))


def test_equal_scores_keep_the_order_of_the_search():
    passages = [Passage(str(at), "", "text", "a:1") for at in range(4)]

    class Even:
        identity = "even"

        def scores(self, question, texts):
            del question
            return np.zeros(len(texts))

    assert reordered([7, 3, 9, 1], "anything", passages, Even()) == [7, 3, 9, 1]


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(TrainclinicError, match="is no folder of a reranker"):
        CrossReranker(tmp_path)


@pytest.mark.slow
def test_a_cross_encoder_of_the_library_reads_pairs(tmp_path):
    pytest.importorskip("sentence_transformers")
    import transformers

    settings = transformers.BertConfig(
        vocab_size=60, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, num_labels=1
    )
    transformers.BertForSequenceClassification(settings).save_pretrained(tmp_path)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    found = CrossReranker(tmp_path).scores("a question", ["one", "another", "a third"])
    assert found.shape == (3,)
    assert np.isfinite(found).all()
