// The pictures of this page: a row for each, from the file to its result.

import * as api from "./api.js";

// Pictures that are sent ahead of their turn. All others wait here, so that others' pictures get their turn between them.
const AHEAD = 3;
const RETRY_MS = 3000;

/** States that end by themselves at the server. */
const AT_SERVER = new Set(["waiting", "computing"]);

export class Queue {
  /**
   * @param {HTMLElement} list
   * @param {{settings: () => object, limits: object, onChange: () => void, onShow: (item: Item) => void, announce: (text: string) => void}} page
   */
  constructor(list, page) {
    this.list = list;
    this.page = page;
    this.items = [];
    this.isConnected = false;
    // What was heard of jobs before the answer came that names them.
    this.early = new Map();
  }

  get done() {
    return this.items.filter((item) => item.state === "done");
  }

  get unfinished() {
    return this.items.filter((item) => !item.isOver);
  }

  add(files) {
    for (const file of files) {
      const item = new Item(file, this);
      this.items.push(item);
      this.list.append(item.row);
      if (file.size > this.page.limits.max_bytes) item.fail(`larger than the ${bytes(this.page.limits.max_bytes)} that are taken here`);
    }
    this.changed();
    this.pump();
  }

  remove(item) {
    item.leaveServer();
    item.close();
    this.items.splice(this.items.indexOf(item), 1);
    this.changed();
    this.pump();
  }

  /** Sends what has its turn. */
  pump() {
    if (!this.isConnected) return;
    // One after the other, so that they stand in line as they do here.
    if (this.items.some((item) => item.state === "sending")) return;
    if (this.items.filter((item) => AT_SERVER.has(item.state)).length >= AHEAD) return;
    this.items.find((item) => item.state === "here" && !item.isPaused)?.send();
  }

  heard(status) {
    const item = this.items.find((each) => each.job?.id === status.id);
    if (!item) this.early.set(status.id, status);
    if (!item || item.isOver) return;
    item.take(status);
    if (item.isOver) {
      this.page.announce(item.state === "done" ? `${item.name} is done` : `${item.name} failed: ${status.problem}`);
      this.pump();
    }
    this.changed();
  }

  /** The connection was lost, or is back. A server that waited too long for it has cancelled what was not done. */
  async connected(isConnected) {
    this.isConnected = isConnected;
    this.changed();
    if (!isConnected) return;
    const atServer = this.items.filter((item) => AT_SERVER.has(item.state));
    await Promise.all(
      atServer.map((item) =>
        api.get(`v1/jobs/${item.job.id}`).catch((refusal) => {
          if (refusal.status === 404) item.again(item.settings);
        }),
      ),
    );
    this.pump();
  }

  changed() {
    this.page.onChange();
  }
}

class Item {
  constructor(file, queue) {
    this.file = file;
    this.name = file.name || "picture";
    this.queue = queue;
    this.settings = queue.page.settings();
    this.state = "here";
    this.share = 0;
    this.job = null;
    this.problem = "";
    this.row = document.getElementById("row").content.firstElementChild.cloneNode(true);
    this.find(".name").textContent = this.name;
    this.find(".name").title = this.name;
    const label = (selector, text) => this.find(selector).setAttribute("aria-label", `${text} ${this.name}`);
    label(".thumb", "Compare before and after of");
    label(".again", "Do again, with the settings as they are now:");
    label(".save", "Download");
    label(".remove", "Remove");
    label("progress", "Progress of");
    for (const [selector, title] of [[".again", "Do again with the settings as they are now"], [".save", "Download"], [".remove", "Remove"]]) this.find(selector).title = title;
    this.find(".thumb").addEventListener("click", () => queue.page.onShow(this));
    this.find(".again").addEventListener("click", () => this.again(queue.page.settings()));
    this.find(".remove").addEventListener("click", () => queue.remove(this));
    this.find(".save").addEventListener("click", () => (this.isSaved = true));
    this.showThumb(URL.createObjectURL(file));
    this.draw();
  }

  find(selector) {
    return this.row.querySelector(selector);
  }

  get isOver() {
    return this.state === "done" || this.state === "failed";
  }

  get differs() {
    return JSON.stringify(this.settings) !== JSON.stringify(this.queue.page.settings());
  }

  async send() {
    this.state = "sending";
    this.share = 0;
    this.sending = new AbortController();
    this.draw();
    try {
      const status = await api.send(this.file, this.settings, (share) => this.sent(share), this.sending.signal);
      this.take(status);
      if (this.queue.early.has(status.id)) this.queue.heard(this.queue.early.get(status.id));
      this.queue.early.clear();
    } catch (refusal) {
      if (refusal === null) return; // it was removed, or starts anew
      if (refusal.status === 429 || refusal.status === 0 || refusal.status === 409) this.pause(refusal);
      else this.fail(refusal.message);
    }
    this.queue.pump();
    this.queue.changed();
  }

  sent(share) {
    this.share = share;
    this.draw();
  }

  /** The server has no place now, or can't be reached: later. */
  pause(refusal) {
    this.state = "here";
    this.isPaused = true;
    this.problem = refusal.message;
    this.draw();
    setTimeout(() => {
      this.isPaused = false;
      this.problem = "";
      this.draw();
      this.queue.pump();
    }, 1000 * refusal.retrySeconds || RETRY_MS);
  }

  fail(problem) {
    this.state = "failed";
    this.problem = problem;
    this.draw();
  }

  take(status) {
    this.job = status;
    this.state = status.state;
    this.problem = status.problem ?? "";
    if (this.state === "done" && !this.hasThumb) this.showThumb(api.view(status.id, "original"));
    this.draw();
  }

  again(settings) {
    this.leaveServer();
    this.settings = settings;
    this.state = "here";
    this.isSaved = false;
    this.draw();
    this.queue.changed();
    this.queue.pump();
  }

  leaveServer() {
    this.sending?.abort();
    if (this.job) api.remove(this.job.id);
    this.job = null;
  }

  close() {
    URL.revokeObjectURL(this.find(".thumb img").src);
    this.row.remove();
  }

  /** Not all that the server reads is shown by browsers. */
  showThumb(address) {
    const picture = this.find(".thumb img");
    picture.onload = () => {
      this.hasThumb = true;
      picture.hidden = false;
      this.find(".thumb svg").toggleAttribute("hidden", true);
    };
    picture.src = address;
  }

  draw() {
    const { state, job } = this;
    this.row.className = `row ${state}`;
    this.find(".state").textContent = this.sentence();
    const progress = this.find("progress");
    progress.hidden = !["sending", "waiting", "computing"].includes(state);
    const share = state === "sending" ? this.share : state === "computing" ? job.progress : 0;
    progress.value = share;
    this.find(".thumb").disabled = state !== "done";
    this.find(".remove").setAttribute("aria-label", `${this.isOver ? "Remove" : "Cancel"} ${this.name}`);
    this.find(".remove").title = this.isOver ? "Remove" : "Cancel";
    this.find(".again").hidden = !this.isOver || (state === "done" && !this.differs);
    const save = this.find(".save");
    save.hidden = state !== "done";
    if (state === "done") {
      save.href = api.result(job.id);
      save.download = job.result_name;
    }
    this.find(".notes").replaceChildren(...(job?.notes ?? []).map((note) => Object.assign(document.createElement("li"), { textContent: note })));
  }

  sentence() {
    const { state, job } = this;
    if (state === "here") return this.problem || "Waits";
    if (state === "sending") return `Sending, ${percent(this.share)}`;
    if (state === "failed") return this.problem.charAt(0).toUpperCase() + this.problem.slice(1);
    const sizes = `${size(job.size)} → ${size(job.result_size)}`;
    const steps = {
      waiting: () => [job.place === 1 ? "next in line" : `number ${job.place} in line`],
      computing: () => (job.progress ? [percent(job.progress), job.seconds_left === null ? "" : `${duration(job.seconds_left)} left`] : ["starting"]),
      done: () => [bytes(job.result_bytes), duration(job.seconds), job.why ? `${job.network} (${job.why})` : job.network],
    };
    return [sizes, ...steps[state]().filter(Boolean)].join(" · ");
  }
}

export const percent = (share) => `${Math.floor(100 * share)}\u00a0%`;
const size = ({ width, height }) => `${width} × ${height}`;

function bytes(number) {
  return number < 1e6 ? `${Math.max(1, Math.round(number / 1e3))}\u00a0kB` : `${(number / 1e6).toFixed(number < 1e7 ? 1 : 0)}\u00a0MB`;
}

function duration(seconds) {
  if (seconds < 60) return `${seconds < 10 && seconds % 1 ? Math.max(0.1, seconds).toFixed(1) : Math.ceil(seconds)}\u00a0s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes}\u00a0min` : `${Math.floor(minutes / 60)} h ${minutes % 60}\u00a0min`;
}
