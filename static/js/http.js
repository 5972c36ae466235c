// Calls to our own REST API, with the session and its CSRF token. An answer is {status, body, headers}; a network failure is status 0.

const token = document.querySelector("meta[name=csrf-token]")?.content || "";

export async function call(method, path, body = undefined, headers = {}) {
  const options = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin" };
  if (method !== "GET") options.headers["X-CSRFToken"] = token;
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  try {
    const response = await fetch(path, options);
    const raw = await response.text();
    let parsed = null;
    try {
      parsed = raw ? JSON.parse(raw) : null;
    } catch {
      parsed = { message: "The server's answer could not be read." };
    }
    return { status: response.status, body: parsed, headers: response.headers };
  } catch {
    return { status: 0, body: { message: "The server could not be reached." }, headers: new Headers() };
  }
}

export const get = (path) => call("GET", path);

/** The query string of an object, null values left out. */
export function query(fields) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== null && value !== undefined && value !== "") search.set(name, value);
  return search.toString();
}
