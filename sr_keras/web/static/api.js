// What the page says to the server, and hears from it.

/** Of this page: its jobs end when it is closed. */
export const session = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const COME_BACK_MS = 3000;

/** A refusal in the server's own words. `status` is that of HTTP, 0 where the server can't be reached. */
export class Refusal extends Error {
  constructor(status, message, retrySeconds = 0) {
    super(message);
    this.status = status;
    this.retrySeconds = retrySeconds;
  }
}

export async function get(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Refusal(response.status, (await response.json()).detail);
  return response.json();
}

/**
 * Sends a picture; resolves to its job.
 * @param {File} file
 * @param {object} settings - fields of the form
 * @param {(share: number) => void} progress
 * @param {AbortSignal} signal - ends it; then it rejects with null
 */
export function send(file, settings, progress, signal) {
  const form = new FormData();
  form.append("file", file, file.name);
  for (const [name, value] of Object.entries({ ...settings, wait: false, session })) form.append(name, value);
  return new Promise((resolve, reject) => {
    // Unlike fetch, it tells how much has been sent.
    const request = new XMLHttpRequest();
    request.open("POST", "v1/upscale");
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => {
      if (request.status === 202) resolve(request.response);
      else reject(new Refusal(request.status, request.response?.detail ?? request.statusText, Number(request.getResponseHeader("retry-after"))));
    };
    request.onerror = () => reject(new Refusal(0, "The server can’t be reached"));
    request.onabort = () => reject(null);
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

export function remove(job) {
  fetch(`v1/jobs/${job}`, { method: "DELETE" }).catch(() => {}); // without a server there is nothing to remove
}

export function removeAll() {
  fetch(`v1/sessions/${session}`, { method: "DELETE", keepalive: true }).catch(() => {});
}

export const allResults = `v1/sessions/${session}/results.zip`;
export const result = (job) => `v1/jobs/${job}/result`;
export const view = (job, kind) => `v1/jobs/${job}/view/${kind}`;

/**
 * Hears what becomes of the jobs, as long as the page is open.
 * @param {(status: object) => void} onJob
 * @param {(isConnected: boolean) => void} onConnection
 */
export function listen(onJob, onConnection) {
  const events = new EventSource(`v1/sessions/${session}/events`);
  events.addEventListener("job", (event) => onJob(JSON.parse(event.data)));
  events.onopen = () => onConnection(true);
  events.onerror = () => {
    onConnection(false);
    if (events.readyState !== EventSource.CLOSED) return; // it tries again by itself
    setTimeout(() => listen(onJob, onConnection), COME_BACK_MS);
  };
}
