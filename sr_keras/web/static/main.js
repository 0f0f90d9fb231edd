// The page: what a person does to it, and where it goes.

import * as api from "./api.js";
import { Compare } from "./compare.js";
import { Queue, percent } from "./queue.js";
import { Settings } from "./settings.js";

const find = (id) => document.getElementById(id);
const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
const NARROW = matchMedia("(max-width: 56rem)");

const [models, limits] = await Promise.all([api.get("v1/models"), api.get("v1/limits")]);
const compare = new Compare(find("viewer"));
const settings = new Settings(models, limits.formats, draw);
const queue = new Queue(find("list"), { settings: () => settings.values, limits, onChange: draw, onShow: show, announce });
let shown = null;

find("place").textContent = isLocal
  ? "Pictures stay on this machine."
  : `Pictures go to ${location.hostname} alone, and are removed there when you close this page.`;
find("limits").textContent = `Up to ${Math.round(limits.max_bytes / 1e6)} MB and ${Math.round(limits.max_picture_pixels / 1e6)} megapixels a picture, ${Math.round(limits.max_result_pixels / 1e6)} megapixels a result.`;

// What is drawn of all pictures together

function draw() {
  const { items, done, unfinished } = queue;
  document.body.classList.toggle("some", items.length > 0);
  find("pictures-bar").hidden = !items.length;
  const connection = queue.isConnected ? "" : " The server can’t be reached; waiting for it.";
  find("summary").textContent = `${done.length} of ${items.length} done.${connection}`;
  find("save-all").hidden = done.length < 2;
  find("save-all").href = api.allResults;
  find("clear").textContent = unfinished.length ? "Cancel and remove all" : "Remove all";
  find("again-all").hidden = !items.some((item) => item.isOver && item.differs);
  for (const item of items) item.draw();
  if (!shown || !items.includes(shown)) shown = null;
  if ((!shown || shown.state !== "done") && done.length) show(done.at(-1), false);
  find("viewer").hidden = !shown || shown.state !== "done";
  shown?.row.classList.add("shown");
  const shares = items.map((item) => (item.isOver ? 1 : item.state === "computing" ? item.job.progress : 0));
  const share = shares.reduce((sum, each) => sum + each, 0) / items.length;
  document.title = unfinished.length ? `${percent(share)} – sr_keras` : "sr_keras";
}

function show(item, byHand = true) {
  shown = item;
  find("viewer").hidden = false;
  find("viewer-title").textContent = item.name;
  showBefore();
  if (!byHand) return;
  draw();
  find("stage").focus({ preventScroll: true });
  find("viewer").scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

function showBefore() {
  const kind = document.querySelector("[name=before]:checked").value;
  find("before-tag").textContent = kind === "bicubic" ? "Bicubic" : "Original";
  compare.show({
    before: api.view(shown.job.id, kind),
    after: api.view(shown.job.id, "result"),
    size: shown.job.result_size,
    isOriginal: kind === "original",
    label: `${shown.name}, before and after`,
  });
}

function announce(text) {
  find("announce").textContent = text;
}

// What a person does

function add(files) {
  if (!files.length) return;
  if (!settings.isValid) {
    find("settings").open = true;
    settings.form.reportValidity();
    return;
  }
  queue.add(files);
}

/** The files that were dropped; those of folders too. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.());
  if (!entries.some((entry) => entry?.isDirectory)) return [...transfer.files];
  const files = await Promise.all(entries.filter(Boolean).map(filesIn));
  return files.flat();
}

async function filesIn(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const entries = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break; // it gives a hundred at a time
    entries.push(...some);
  }
  const files = await Promise.all(entries.filter((each) => !each.name.startsWith(".")).map(filesIn));
  return files.flat();
}

const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
let depth = 0;
const overlay = (by) => {
  depth = Math.max(0, depth + by);
  find("overlay").hidden = !depth;
};
addEventListener("dragenter", (event) => holdsFiles(event) && overlay(1));
addEventListener("dragleave", (event) => holdsFiles(event) && overlay(-1));
addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
addEventListener("drop", async (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  overlay(-depth);
  add(await dropped(event.dataTransfer));
});
addEventListener("paste", (event) => add([...event.clipboardData.files]));

function chosen() {
  add([...find("choose").files]);
  find("choose").value = ""; // so that the same file can be chosen again
}
find("choose").addEventListener("change", chosen);
chosen(); // before all of this was loaded
find("sample").addEventListener("click", async () => {
  const content = await (await fetch("sample.jpg")).blob();
  add([new File([content], "sample.jpg", { type: content.type })]);
});
find("clear").addEventListener("click", () => {
  for (const item of [...queue.items]) queue.remove(item);
  find("pictures").focus();
});
find("again-all").addEventListener("click", () => {
  for (const item of queue.items.filter((each) => each.isOver && each.differs)) item.again(settings.values);
});
find("save-all").addEventListener("click", () => queue.done.forEach((item) => (item.isSaved = true)));
find("before").addEventListener("change", showBefore);

NARROW.addEventListener("change", foldSettings);
function foldSettings() {
  find("settings").open = !NARROW.matches;
}
foldSettings();

addEventListener("beforeunload", (event) => {
  if (queue.unfinished.length || queue.done.some((item) => !item.isSaved)) event.preventDefault();
});
addEventListener("pagehide", api.removeAll);
addEventListener("pageshow", (event) => event.persisted && location.reload());

api.listen(
  (status) => queue.heard(status),
  (isConnected) => queue.connected(isConnected),
);
