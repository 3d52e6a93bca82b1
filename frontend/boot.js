// Starts the portal; a module of its own, as the content security policy allows no inline script.
// The stored theme is set first, so that a dark page does not flash white while the rest loads.
import init from "/portal/{js}";

try {
  const theme = JSON.parse(localStorage.getItem("snapferry-theme"));
  if (theme) document.documentElement.setAttribute("data-theme", theme);
} catch {
  // Without storage the theme is the system's.
}
init({ module_or_path: "/portal/{wasm}" }).catch((error) => {
  const words = document.createElement("p");
  words.textContent = `The portal could not be started: ${error}. Reload the page.`;
  document.body.append(words);
});
