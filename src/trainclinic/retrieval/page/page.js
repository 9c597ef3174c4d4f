"use strict";
/* Every text that comes from data, a model or the server enters the page through textContent, never as markup. */
const $ = (id) => document.getElementById(id);
const talk = [];
let running = null;

function make(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}

function fact(name, value) {
  const row = make("div");
  row.append(make("dt", "", name), make("dd", "", value));
  $("facts").append(row);
}

async function about() {
  const said = await (await fetch("/about")).json();
  $("title").textContent = said.title || "Ask the data";
  document.title = `${said.title || "Ask the data"} · trainclinic`;
  const by = said.writer ? `Answers are written by ${said.writer} from them` : "Answers are quoted from them, no model is asked";
  $("lead").textContent = `${said.passages.toLocaleString("en")} passages. ${by}.`;
  $("where").textContent = said.writer || "quotations";
  $("count").max = said.most;
  $("count").value = said.count;
  $("question").maxLength = said.longest_question;
  fact("answers by", said.writer || "quotation, without a model");
  fact("an answer needs", `a score of ${said.floor.toFixed(2)}`);
  for (const [name, value] of Object.entries(said.settings)) fact(name.replaceAll("_", " "), String(value));
}

/* An answer with its citations as buttons that lead to the source. */
function write(node, text, list) {
  node.replaceChildren();
  let end = 0;
  for (const found of text.matchAll(/\[(\d{1,3}(?:, \d{1,3})*)\]/g)) {
    if (!list) break;
    node.append(text.slice(end, found.index));
    for (const number of found[1].split(", ")) {
      const source = list.children[Number(number) - 1];
      if (!source) { node.append(`[${number}]`); continue; }
      const mark = make("button", "mark", `[${number}]`);
      mark.type = "button";
      mark.setAttribute("aria-label", `Source ${number}`);
      mark.addEventListener("click", () => {
        list.parentElement.open = true;
        for (const other of list.children) other.classList.toggle("lit", other === source);
        source.scrollIntoView({ block: "nearest" });
      });
      node.append(mark);
    }
    end = found.index + found[0].length;
  }
  node.append(text.slice(end));
}

function sources(turn, end) {
  const fold = make("details");
  const word = end.in_data ? (end.sources.length === 1 ? "1 source" : `${end.sources.length} sources`) : "Nearest passages, which are no answer";
  fold.append(make("summary", "", word));
  const list = make("ol", "sources");
  for (const source of end.sources) {
    const row = make("li"), body = make("div");
    row.append(make("span", end.cited.includes(source.number) ? "number cited" : "number", `[${source.number}]`), body);
    if (source.question) body.append(make("p", "asked", source.question));
    body.append(make("p", "text", source.text), make("span", "place", `${source.source} · score ${source.score.toFixed(2)}`));
    list.append(row);
  }
  fold.append(list);
  fold.open = end.in_data;
  if (end.sources.length) turn.append(fold);
  return list;
}

/* The values of a stream of server-sent events. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    held += value;
    const lines = held.split("\n\n");
    held = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data: ") && line !== "data: [DONE]") yield JSON.parse(line.slice(6));
    }
  }
}

async function send(question, signal) {
  const messages = [...talk.slice(-8), { role: "user", content: question }];
  const body = JSON.stringify({ model: "trainclinic", stream: true, count: Number($("count").value), messages });
  const response = await fetch("/v1/chat/completions", { method: "POST", headers: { "Content-Type": "application/json" }, body, signal });
  if (!response.ok) throw new Error((await response.json()).error.message);
  return response;
}

async function ask(question) {
  running = new AbortController();
  busy(true);
  const turn = make("section", "turn"), answer = make("p", "answer writing");
  turn.append(make("h2", "", question), answer);
  $("turns").prepend(turn);
  let text = "", end = null;
  try {
    for await (const chunk of events(await send(question, running.signal))) {
      if (chunk.error) throw new Error(chunk.error.message);
      text += chunk.choices[0].delta.content || "";
      if (chunk.sources) end = chunk;
      write(answer, text, null);
    }
    if (!end) throw new Error("the answer broke off");
    turn.classList.toggle("none", !end.in_data);
    for (const note of end.notes) turn.append(make("p", "note", note));
    write(answer, text, sources(turn, end));
    talk.push({ role: "user", content: question }, { role: "assistant", content: text.trim() });
    $("question").value = "";
  } catch (error) {
    const stopped = error.name === "AbortError";
    turn.append(make("p", stopped ? "note" : "note error", stopped ? "stopped" : error.message));
  } finally {
    answer.classList.remove("writing");
    busy(false);
  }
}

function busy(is) {
  $("send").disabled = is;
  $("stop").hidden = !is;
  $("status").textContent = is ? "searching and writing" : "";
  if (!is) { running = null; $("question").focus(); }
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = $("question").value.trim();
  if (question && !running) ask(question);
});
$("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("ask").requestSubmit(); }
});
$("stop").addEventListener("click", () => running && running.abort());
$("fresh").addEventListener("click", () => {
  if (running) running.abort();
  talk.length = 0;
  $("turns").replaceChildren();
  $("question").focus();
});
about().catch(() => { $("status").textContent = "the server does not answer"; });
