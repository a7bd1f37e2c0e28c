// What stands around the map: which of the placements is shown, and which layers.

const TITLES = { umap: "UMAP", tsne: "t-SNE", pca: "PCA" };

// A radio group, so that arrow keys switch between the placements.
export function switcher(names, change) {
  const place = document.querySelector(".placements");
  for (const [at, name] of names.entries()) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.type = "radio";
    input.name = "placement";
    input.value = name;
    input.checked = at === 0;
    input.addEventListener("change", () => change(name));
    label.append(input, ` ${TITLES[name] ?? name}`);
    place.append(label);
  }
  place.closest(".bar").hidden = false;
}

// A checkbox before each layer of the list that is on the page without scripts too.
export function legend(data, hidden, changed) {
  const boxes = [];
  document.querySelectorAll(".depths li").forEach((item, at) => {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.setAttribute("aria-label", `Show ${data.layers[at].name}`);
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(at);
      else hidden.add(at);
      changed();
    });
    boxes.push(box);
    item.prepend(box);
  });
  const all = document.querySelector(".all");
  for (const [text, shown] of [["All", true], ["None", false]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", () => {
      boxes.forEach((box, at) => {
        box.checked = shown;
        if (shown) hidden.delete(at);
        else hidden.add(at);
      });
      changed();
    });
    all.append(button);
  }
}
