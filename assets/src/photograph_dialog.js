// A whole photograph, large, with the patch outlined, over the page that shows it small.

let dialog = null;

function make() {
  dialog = document.createElement("dialog");
  dialog.className = "whole";
  dialog.setAttribute("aria-label", "The whole photograph");
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  const figure = document.createElement("figure");
  dialog.append(figure, close);
  // A click beside the picture closes it too.
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
}

// Show what a link holds; false where the browser knows no dialogs.
export function enlarge(link) {
  if (typeof HTMLDialogElement === "undefined") return false;
  if (!dialog) make();
  const picture = link.querySelector(".pic").cloneNode(true);
  const image = picture.querySelector("img");
  image.loading = "eager";
  const caption = document.createElement("figcaption");
  caption.textContent = link.dataset.whole;
  dialog.querySelector("figure").replaceChildren(picture, caption);
  dialog.showModal();
  return true;
}
