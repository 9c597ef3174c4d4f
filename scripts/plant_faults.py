"""Write a clean set of training data and its twin with planted faults: `python scripts/plant_faults.py FOLDER`.

FOLDER/clean and FOLDER/faulty hold `train.jsonl` and `val.jsonl`; FOLDER/faults.json says which rule has to find which
fault, and in which lines. The same seed gives the same files on every machine.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]
ROWS, HELD_OUT_ROWS = 400, 40


def _words(text: str) -> list[str]:
    return text.split()


THINGS = _words("""pump valve filter boiler press lathe drill motor belt gear shaft bearing nozzle sensor switch
relay fuse cable hose gauge burner fan rotor hopper mixer oven crane hoist winch brake clutch
piston gasket chain pulley turbine compressor conveyor scanner printer heater cooler tank silo
funnel grinder cutter welder saw planer kiln dryer washer sprayer""")
ADJECTIVES = _words("""small heavy old new spare left right upper lower front rear noisy quiet hot cold wet dry loose
tight rusty clean dusty narrow wide short long red green blue yellow square round flat bent
straight worn fresh cracked""")
VERBS = _words("""starts stops turns leaks shakes hums clicks jams slips heats cools opens closes drips rattles
stalls vibrates whistles smokes sticks""")
ACTIONS = _words("""oil clean replace tighten loosen inspect measure drain refill align rinse adjust lift lower remove
install label test rotate lock unlock cover wipe polish seal weigh photograph""")
PLACES = _words("""workshop yard cellar attic garage hall office kitchen tower harbour dock garden shed barn depot
basement corridor terrace stairwell laboratory archive canteen lobby gatehouse warehouse quarry
sawmill dairy bakery brewery""")
TIMES = _words("""morning noon evening midnight Monday Tuesday Wednesday Thursday Friday Saturday Sunday winter
spring summer autumn breakfast lunch supper dawn dusk""")
PEOPLE = _words("""foreman apprentice driver cook gardener porter clerk welder painter plumber miller baker sailor
nurse teacher librarian carpenter electrician mason smith tailor shepherd brewer fisher""")
REASONS = _words("""frost dust rain wear heat salt grease noise smoke pressure friction sunlight humidity rust
vibration sand condensation limescale overload draught""")


def _noun(random: random.Random) -> str:
    return f"{random.choice(ADJECTIVES)} {random.choice(THINGS)}"


SENTENCES: tuple[Callable[[random.Random], str], ...] = (
    lambda r: f"The {_noun(r)} in the {r.choice(PLACES)} {r.choice(VERBS)} because of {r.choice(REASONS)}.",
    lambda r: f"First {r.choice(ACTIONS)} the {_noun(r)}, then {r.choice(ACTIONS)} the {_noun(r)}.",
    lambda r: f"Ask the {r.choice(PEOPLE)} before {r.choice(TIMES)} if the {r.choice(THINGS)} {r.choice(VERBS)}.",
    lambda r: f"After {r.randint(3, 90)} hours of {r.choice(REASONS)} every {_noun(r)} {r.choice(VERBS)}.",
    lambda r: f"Nobody but the {r.choice(PEOPLE)} may {r.choice(ACTIONS)} a {_noun(r)} near the {r.choice(PLACES)}.",
    lambda r: f"Keep {r.randint(2, 40)} litres of water beside the {_noun(r)} until {r.choice(TIMES)}.",
    lambda r: f"A {_noun(r)} weighs {r.randint(2, 400)} kilograms and fits through the door of the {r.choice(PLACES)}.",
    lambda r: f"When {r.choice(REASONS)} comes early, the {r.choice(PEOPLE)} will {r.choice(ACTIONS)} the {_noun(r)}.",
)
QUESTIONS: tuple[Callable[[random.Random], str], ...] = (
    lambda r: (
        f"Why does the {_noun(r)} in the {r.choice(PLACES)} {r.choice(('stop', 'leak', 'shake', 'jam', 'stall'))}?"
    ),
    lambda r: f"How do I {r.choice(ACTIONS)} the {_noun(r)} of the {r.choice(PEOPLE)} by {r.choice(TIMES)}?",
    lambda r: f"Who should {r.choice(ACTIONS)} a {_noun(r)} that stands in the {r.choice(PLACES)}?",
    lambda r: f"What helps against {r.choice(REASONS)} on the {_noun(r)} at {r.choice(TIMES)}?",
)


def clean_rows(count: int, seed: int) -> list[Row]:
    """Conversations of one question and one answer, no two alike.

    Args:
        count: How many.
        seed: Same rows for the same seed.
    """
    source = random.Random(seed)
    rows: list[Row] = []
    asked: set[str] = set()
    while len(rows) < count:
        question = source.choice(QUESTIONS)(source)
        if question in asked:
            continue
        asked.add(question)
        answer = " ".join(source.choice(SENTENCES)(source) for _ in range(source.randint(2, 7)))
        rows.append({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]})
    return rows


@dataclass(slots=True)
class Twin:
    """The faulty twin while faults are planted.

    Attributes:
        lines: Lines of the training file: rows, or text that is no row.
        held_out: Rows of the held-out file.
        free: Numbers of the rows that no fault uses yet.
        faults: Code of the rule that has to find a fault, to the lines it was planted in.
    """

    lines: list[Row | str]
    held_out: list[Row]
    free: list[int]
    faults: dict[str, list[int]] = field(default_factory=dict)

    def change(self, code: str, count: int, how: Callable[[Row], Row | str]) -> None:
        """Plant a fault into rows that have none.

        Args:
            code: The rule that has to find it.
            count: Number of rows.
            how: Makes the faulty row out of a copy of a clean one.
        """
        for _ in range(count):
            at = self.free.pop()
            row = self.lines[at]
            assert isinstance(row, dict)
            self.lines[at] = how(json.loads(json.dumps(row)))
            self.faults.setdefault(code, []).append(at + 1)

    def add(self, code: str, rows: list[Row]) -> None:
        """Append rows that are faulty beside others."""
        for row in rows:
            self.lines.append(row)
            self.faults.setdefault(code, []).append(len(self.lines))


def answered(how: Callable[[str], str]) -> Callable[[Row], Row]:
    """A fault in the answer."""

    def change(row: Row) -> Row:
        row["messages"][-1]["content"] = how(row["messages"][-1]["content"])
        return row

    return change


def with_turns(how: Callable[[list[Row]], list[Row]]) -> Callable[[Row], Row]:
    """A fault in the turns."""

    def change(row: Row) -> Row:
        row["messages"] = how(row["messages"])
        return row

    return change


def misread(text: str) -> str:
    """UTF-8 read as Windows-1252."""
    german = "Die Größe der Tür: über fünf Fuß – schön."
    return f"{text} {german}".encode().decode("cp1252", "ignore")


def edited(row: Row) -> Row:
    """A copy in which one word in twenty is another one."""
    words = row["messages"][-1]["content"].split()
    for at in range(5, len(words), 20):
        words[at] = "somewhere"
    return {"messages": [row["messages"][0], {"role": "assistant", "content": " ".join(words)}]}


def plant(clean: list[Row], held_out: list[Row], seed: int) -> Twin:
    """The faulty twin of clean rows; every fault is one that people really had in their data."""
    order = list(range(len(clean)))
    random.Random(seed).shuffle(order)
    twin = Twin([*clean], [*held_out], order)
    key = "hf_" + "".join(random.Random(seed).choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789", k=34))
    twin.change("ANS001", 12, answered(lambda _: " \n"))
    twin.change("ANS002", 12, answered(lambda _: "TODO"))
    twin.change(
        "ANS003", 10, answered(lambda t: f"I'm sorry, but as an AI language model I cannot help with that. {t}")
    )
    twin.change("ANS004", 10, with_turns(lambda m: [m[0], {**m[1], "content": f"{m[0]['content']} {m[1]['content']}"}]))
    twin.change("ENC001", 12, answered(misread))
    twin.change("ENC002", 6, answered(lambda t: t.replace("e", "\ufffd", 2)))
    twin.change("ENC003", 6, answered(lambda t: f"\x1b[31m{t}\x1b[0m\x07"))
    twin.change("ENC004", 8, answered(lambda t: f"<p>{t}</p><br/>&nbsp;"))
    twin.change("DUP006", 45, answered(lambda t: f"{t}\nThis answer was brought to you by the maintenance desk."))
    twin.change("ROL001", 6, with_turns(lambda m: [m[0], {**m[1], "role": "narrator"}, m[1]]))
    twin.change("ROL002", 6, with_turns(lambda m: [m[0], m[0] | {"content": "And when?"}, m[1]]))
    twin.change("ROL003", 6, with_turns(lambda m: m[:1]))
    twin.change("TKN002", 10, answered(lambda t: f"{t}<|im_end|>"))
    twin.change("LAB002", 14, with_turns(lambda m: [{**m[0], "content": " ".join([m[0]["content"]] * 40)}, m[1]]))
    twin.change("CNT002", 2, answered(lambda t: f"{t} Use the token {key}."))
    twin.change("CNT003", 4, answered(lambda t: f"{t} Write to marta.kowalczyk@maschinenbau-nord.de."))
    twin.change("FMT004", 5, lambda row: json.dumps(row)[:-9])
    twin.change(
        "FMT002", 16, lambda row: {"instruction": row["messages"][0]["content"], "output": "By hand, and slowly."}
    )
    free = [clean[at] for at in twin.free]
    twin.add("DUP001", free[:20])
    twin.add("DUP002", [edited(row) for row in free[20:60]])
    others = [row["messages"][-1] for row in reversed(free)]
    twin.add(
        "DUP003", [{"messages": [row["messages"][0], other]} for row, other in zip(free[60:70], others, strict=False)]
    )
    twin.held_out += free[70:76]
    twin.faults["DUP007"] = []
    return twin


def write(folder: Path, lines: list[Row | str], held_out: list[Row]) -> None:
    """Write one of the twins."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("train.jsonl", lines), ("val.jsonl", held_out)):
        texts = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
        (folder / name).write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")


def main() -> int:
    """Write both twins."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    rows = clean_rows(ROWS + HELD_OUT_ROWS, options.seed)
    train, held_out = rows[:ROWS], rows[ROWS:]
    write(options.folder / "clean", list(train), held_out)
    twin = plant(train, held_out, options.seed)
    write(options.folder / "faulty", twin.lines, twin.held_out)
    (options.folder / "faults.json").write_text(json.dumps(twin.faults, indent=1) + "\n", encoding="utf-8")
    print(f"{len(twin.faults)} faults in {len(twin.lines)} lines: {options.folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
