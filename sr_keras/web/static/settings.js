// What is to be done to the pictures that are added: the form, and what the server offers for it.

const KEPT = "sr_keras.settings";
const LOSSY = new Set(["jpg", "webp", "avif", "heic", "jxl"]);
const FORMATS = { png: "PNG", jpg: "JPEG", webp: "WebP", tif: "TIFF", avif: "AVIF", heic: "HEIC", jxl: "JPEG XL", gif: "GIF", bmp: "BMP" };
const COMMON = 4;
const USUAL_QUALITY = "95";

const find = (id) => document.getElementById(id);

export class Settings {
  /**
   * @param {object[]} models - as the server names them
   * @param {string[]} formats
   * @param {() => void} onChange
   */
  constructor(models, formats, onChange) {
    this.models = models;
    this.form = find("form");
    this.drawModels();
    for (const [name, label] of Object.entries(FORMATS)) {
      if (formats.includes(name)) find("format").append(new Option(label, name));
    }
    this.restore();
    this.show();
    this.form.addEventListener("input", () => {
      this.show();
      this.keep();
      onChange();
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
  }

  get model() {
    return this.models.find((model) => model.name === this.form.elements.model.value) ?? this.models[0];
  }

  /** The fields of the form that the server takes. */
  get values() {
    const values = { model: this.model.name };
    const size = find("size").value;
    if (size === "width" || size === "height") values[size] = find("side").value;
    else values.scale = size;
    if (this.model.strength) values.denoise = find("strength").value / 100;
    const format = find("format").value;
    if (format) values.format = format;
    // Where it is not moved, the server knows best.
    if (LOSSY.has(format) && find("quality").value !== USUAL_QUALITY) values.quality = find("quality").value;
    return values;
  }

  get isValid() {
    return this.form.reportValidity();
  }

  drawModels() {
    const models = find("models");
    models.classList.add("few");
    this.models.forEach((model, index) => {
      const label = document.createElement("label");
      label.className = index < COMMON ? "model" : "model rare";
      const input = Object.assign(document.createElement("input"), { type: "radio", name: "model", value: model.name, checked: index === 0 });
      const title = Object.assign(document.createElement("span"), { textContent: model.title });
      const about = Object.assign(document.createElement("span"), { className: "hint", textContent: model.about });
      label.append(input, title, about);
      models.append(label);
    });
    if (this.models.length <= COMMON) return;
    const more = Object.assign(document.createElement("button"), { type: "button", id: "more", textContent: "More networks" });
    more.addEventListener("click", () => {
      this.showAllModels();
      this.form.elements.model[COMMON].focus();
    });
    models.append(more);
  }

  showAllModels() {
    find("models").classList.remove("few");
    find("more")?.remove();
  }

  show() {
    const size = find("size").value;
    const bySide = size === "width" || size === "height";
    document.querySelector(".pixels").hidden = !bySide;
    find("side").disabled = !bySide;
    find("strength-field").hidden = !this.model.strength;
    find("strength-value").textContent = `${find("strength").value} %`;
    find("quality-field").hidden = !LOSSY.has(find("format").value);
    find("quality-value").textContent = find("quality").value;
    const sized = bySide ? `${find("side").value} pixels ${size === "width" ? "wide" : "high"}` : `${size} times`;
    const format = FORMATS[find("format").value];
    find("settings-summary").textContent = [this.model.title, sized, ...(format ? [format] : [])].join(", ");
  }

  keep() {
    const fields = { model: this.model.name };
    for (const id of ["size", "side", "strength", "format", "quality"]) fields[id] = find(id).value;
    try {
      localStorage.setItem(KEPT, JSON.stringify(fields));
    } catch {
      // A browser that keeps nothing asks again.
    }
  }

  restore() {
    let fields;
    try {
      fields = JSON.parse(localStorage.getItem(KEPT)) ?? {};
    } catch {
      return;
    }
    const { model, ...others } = fields;
    const index = this.models.findIndex((each) => each.name === model);
    if (index >= 0) this.form.elements.model[index].checked = true;
    if (index >= COMMON) this.showAllModels();
    for (const [id, value] of Object.entries(others)) {
      const field = find(id);
      if (field?.tagName !== "SELECT" || [...field.options].some((option) => option.value === value)) field.value = value;
    }
  }
}
