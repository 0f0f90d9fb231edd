// Before and after: two pictures of one size under a slider, which zooms and pans.

const LARGEST = 16;
const STEP = 1.25;
const PAN_PIXELS = 60;
// From here on, pixels are shown as squares.
const SQUARES = 3;
const CHECK = 12;

const clamp = (number, least, most) => Math.min(Math.max(number, least), most);

export class Compare {
  /** @param {HTMLElement} root - the section with the stage and its controls */
  constructor(root) {
    this.stage = root.querySelector("#stage");
    this.canvas = root.querySelector("canvas");
    // Photos of newer cameras and phones have more colours than sRGB.
    const colorSpace = matchMedia("(color-gamut: p3)").matches ? "display-p3" : "srgb";
    this.context = this.canvas.getContext("2d", { colorSpace });
    this.handle = root.querySelector("#handle");
    this.text = root.querySelector("#stage-text");
    this.zoomText = root.querySelector("#zoom");
    this.pictures = { before: new Image(), after: new Image() };
    this.size = { width: 1, height: 1 };
    this.split = 0.5;
    this.full();
    this.listen(root);
    new ResizeObserver(() => this.draw()).observe(this.stage);
  }

  /**
   * Shows a result, at 100 % if it is another than before.
   * @param {{before: string, after: string, size: {width: number, height: number}, isOriginal: boolean, label: string}} what - addresses, the size of the result, whether `before` is as small as the original
   */
  async show({ before, after, size, isOriginal, label }) {
    this.isOriginal = isOriginal;
    this.canvas.setAttribute("aria-label", label);
    if (this.pictures.after.getAttribute("src") !== after) {
      this.size = size;
      this.pictures = { before: new Image(), after: new Image() };
      this.full();
    }
    this.text.textContent = "Loading …";
    const loading = Promise.all([this.load("after", after), this.load("before", before)]);
    this.loading = loading;
    const problem = await loading.then(() => "", () => "It can’t be shown here; downloading it still works");
    if (this.loading !== loading) return; // another one is shown by now
    this.text.textContent = problem;
    this.draw();
  }

  /** Resolves when the picture can be drawn. Until then, the last one stays. */
  async load(name, address) {
    if (this.pictures[name].getAttribute("src") === address) return;
    const picture = new Image();
    picture.src = address;
    await picture.decode();
    this.pictures[name] = picture;
    this.draw();
  }

  /** CSS pixels for a pixel of the result. */
  get pixel() {
    return this.zoom / devicePixelRatio;
  }

  get fitting() {
    const { clientWidth, clientHeight } = this.stage;
    return devicePixelRatio * Math.min(clientWidth / this.size.width, clientHeight / this.size.height);
  }

  /** A pixel of the result is a pixel of the screen. */
  full() {
    this.zoom = 1;
    this.centre = { x: this.size.width / 2, y: this.size.height / 2 };
    this.draw();
  }

  /** All of it is seen. */
  fit() {
    this.zoom = this.fitting;
    this.draw();
  }

  /** Zooms so that what is at a place of the stage stays there, by default at its middle. */
  zoomBy(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
    const least = Math.min(1, this.fitting);
    const zoom = clamp(this.zoom * factor, least, Math.max(LARGEST, this.fitting));
    const dx = x - this.stage.clientWidth / 2;
    const dy = y - this.stage.clientHeight / 2;
    const shift = devicePixelRatio / this.zoom - devicePixelRatio / zoom;
    this.centre = { x: this.centre.x + dx * shift, y: this.centre.y + dy * shift };
    this.zoom = zoom;
    this.draw();
  }

  /** By CSS pixels. */
  panBy(dx, dy) {
    this.centre = { x: this.centre.x - dx / this.pixel, y: this.centre.y - dy / this.pixel };
    this.draw();
  }

  splitAt(share) {
    this.split = clamp(share, 0, 1);
    this.draw();
  }

  /** Draws all anew, with the next frame of the screen. */
  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.keepInside();
      this.drawPictures();
      this.drawControls();
    });
  }

  /** What is larger than the stage fills it; what is smaller lies in its middle. */
  keepInside() {
    const { width, height } = this.size;
    const room = { x: this.stage.clientWidth / this.pixel / 2, y: this.stage.clientHeight / this.pixel / 2 };
    this.centre.x = width > 2 * room.x ? clamp(this.centre.x, room.x, width - room.x) : width / 2;
    this.centre.y = height > 2 * room.y ? clamp(this.centre.y, room.y, height - room.y) : height / 2;
  }

  drawPictures() {
    const { canvas, context, zoom } = this;
    // In pixels of the screen, so that 100 % is sharp.
    canvas.width = Math.round(this.stage.clientWidth * devicePixelRatio);
    canvas.height = Math.round(this.stage.clientHeight * devicePixelRatio);
    const x = Math.round(canvas.width / 2 - this.centre.x * zoom);
    const y = Math.round(canvas.height / 2 - this.centre.y * zoom);
    const [width, height] = [this.size.width * zoom, this.size.height * zoom];
    const edge = Math.round(this.split * canvas.width);
    const parts = { before: [0, edge], after: [edge, canvas.width - edge] };
    for (const [name, [begin, extent]] of Object.entries(parts)) {
      const picture = this.pictures[name];
      if (!picture.naturalWidth) continue;
      context.save();
      context.beginPath();
      context.rect(begin, 0, extent, canvas.height);
      context.clip();
      this.drawChecks(x, y, width, height);
      context.imageSmoothingEnabled = zoom < SQUARES && !(name === "before" && this.isOriginal);
      context.imageSmoothingQuality = "high";
      context.drawImage(picture, x, y, width, height);
      context.restore();
    }
  }

  /** What is seen through transparent pictures. */
  drawChecks(x, y, width, height) {
    if (!this.checks) {
      const tile = new OffscreenCanvas(2 * CHECK, 2 * CHECK);
      const context = tile.getContext("2d");
      for (const [colour, left, top] of [["#fff", 0, 0], ["#ddd", CHECK, 0], ["#ddd", 0, CHECK], ["#fff", CHECK, CHECK]]) {
        context.fillStyle = colour;
        context.fillRect(left, top, CHECK, CHECK);
      }
      this.checks = this.context.createPattern(tile, "repeat");
    }
    this.context.fillStyle = this.checks;
    this.context.fillRect(x, y, width, height);
  }

  drawControls() {
    const percent = Math.round(100 * this.split);
    this.handle.style.left = `${100 * this.split}%`;
    this.handle.setAttribute("aria-valuenow", percent);
    this.handle.setAttribute("aria-valuetext", `${percent} % before, ${100 - percent} % after`);
    this.zoomText.textContent = `${Math.round(100 * this.zoom)} %`;
  }

  listen(root) {
    this.stage.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    this.stage.addEventListener("keydown", (event) => this.onKey(event));
    this.stage.addEventListener("dblclick", (event) => this.onDoubleClick(event));
    this.listenToPointers();
    const buttons = { "zoom-in": () => this.zoomBy(STEP), "zoom-out": () => this.zoomBy(1 / STEP), "zoom-full": () => this.full(), "zoom-fit": () => this.fit() };
    for (const [id, act] of Object.entries(buttons)) root.querySelector(`#${id}`).addEventListener("click", act);
  }

  /** Where an event is on the stage, in CSS pixels. */
  place(event) {
    const box = this.stage.getBoundingClientRect();
    return { x: event.clientX - box.left - this.stage.clientLeft, y: event.clientY - box.top - this.stage.clientTop };
  }

  onWheel(event) {
    event.preventDefault();
    const { x, y } = this.place(event);
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    // Browsers tell a pinch on a touchpad as a wheel with Ctrl, in smaller steps.
    this.zoomBy(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0015)), x, y);
  }

  onDoubleClick(event) {
    const { x, y } = this.place(event);
    if (this.zoom === 1) this.fit();
    else this.zoomBy(1 / this.zoom, x, y);
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onHandle = event.target === this.handle;
    const step = event.shiftKey ? 0.1 : 0.02;
    const acts = {
      "+": () => this.zoomBy(STEP),
      "=": () => this.zoomBy(STEP),
      "-": () => this.zoomBy(1 / STEP),
      0: () => this.fit(),
      1: () => this.full(),
      ArrowLeft: () => (onHandle ? this.splitAt(this.split - step) : this.panBy(PAN_PIXELS, 0)),
      ArrowRight: () => (onHandle ? this.splitAt(this.split + step) : this.panBy(-PAN_PIXELS, 0)),
      ArrowUp: () => (onHandle ? this.splitAt(this.split + step) : this.panBy(0, PAN_PIXELS)),
      ArrowDown: () => (onHandle ? this.splitAt(this.split - step) : this.panBy(0, -PAN_PIXELS)),
      Home: () => onHandle && this.splitAt(0),
      End: () => onHandle && this.splitAt(1),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  listenToPointers() {
    const pointers = new Map();
    let sliding = null;
    this.stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.stage.setPointerCapture(event.pointerId);
      if (this.handle.contains(event.target) && pointers.size === 0) sliding = event.pointerId;
      pointers.set(event.pointerId, this.place(event));
      this.stage.classList.add("moving");
    });
    this.stage.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const now = this.place(event);
      pointers.set(event.pointerId, now);
      const others = [...pointers].filter(([id]) => id !== event.pointerId);
      if (others.length) {
        // Two fingers: what lies between them stays there.
        sliding = null;
        const [, other] = others[0];
        const middle = (from) => ({ x: (from.x + other.x) / 2, y: (from.y + other.y) / 2 });
        const distance = (from) => Math.max(1, Math.hypot(from.x - other.x, from.y - other.y));
        this.panBy(middle(now).x - middle(before).x, middle(now).y - middle(before).y);
        this.zoomBy(distance(now) / distance(before), middle(now).x, middle(now).y);
      } else if (sliding === event.pointerId) {
        this.splitAt(now.x / this.stage.clientWidth);
      } else {
        this.panBy(now.x - before.x, now.y - before.y);
      }
    });
    const end = (event) => {
      pointers.delete(event.pointerId);
      if (sliding === event.pointerId) sliding = null;
      if (!pointers.size) this.stage.classList.remove("moving");
    };
    this.stage.addEventListener("pointerup", end);
    this.stage.addEventListener("pointercancel", end);
  }
}
