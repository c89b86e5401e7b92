"use strict";

const TEXTS = {
  en: {
    title: "Check an event",
    intro: "Paste one event. It is checked and scored here. Nothing is published.",
    label: "Event (structured CloudEvent, JSON)",
    check: "Check",
    field: "Field",
    problem: "Problem",
    remedy: "Remedy",
    acceptable: "This event would be accepted.",
    doubted: "This event would be accepted, but some values look wrong.",
    refused: "This event would be refused.",
    failed: "The event could not be checked.",
    score: "Score of this parcel by itself: {score} of 100 ({dimension}).",
    none: "An event of this kind has no score by itself.",
    english: "",
    packaging: "packaging",
    delivery: "delivery",
    return: "return",
    circularity: "circularity",
  },
  vi: {
    title: "Kiểm tra một sự kiện",
    intro: "Dán một sự kiện vào đây. Sự kiện được kiểm tra và chấm điểm tại chỗ. Không có gì được gửi đi.",
    label: "Sự kiện (CloudEvent dạng structured, JSON)",
    check: "Kiểm tra",
    field: "Trường",
    problem: "Vấn đề",
    remedy: "Cách sửa",
    acceptable: "Sự kiện này sẽ được nhận.",
    doubted: "Sự kiện này sẽ được nhận, nhưng có giá trị trông không đúng.",
    refused: "Sự kiện này sẽ bị từ chối.",
    failed: "Không kiểm tra được sự kiện.",
    score: "Điểm riêng của bưu kiện này: {score} trên 100 ({dimension}).",
    none: "Loại sự kiện này không có điểm riêng.",
    english: "Chi tiết dưới đây chỉ có bằng tiếng Anh, như trong câu trả lời của gateway.",
    packaging: "bao bì",
    delivery: "giao hàng",
    return: "trả hàng",
    circularity: "tuần hoàn",
  },
};

const EXAMPLE = {
  specversion: "1.0",
  type: "greenlane.parcel.packed.v1",
  source: "/marketplaces/demo-vn",
  id: "order-1001.packed",
  subject: "seller-0043",
  time: "2026-07-01T09:30:00+07:00",
  data: {
    parcel_id: "order-1001",
    country: "VN",
    components: [{ role: "outer", material: "corrugated_board", mass_g: 87.0 }],
  },
};

const find = (selector) => document.querySelector(selector);
let language = (navigator.language || "").startsWith("vi") ? "vi" : "en";
let answer = null;

function say(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function row(error) {
  const line = document.createElement("tr");
  for (const name of ["field", "problem", "remedy"]) {
    const cell = Object.assign(document.createElement("td"), { textContent: error[name] });
    cell.dataset.label = say(name);
    line.append(cell);
  }
  return line;
}

function show() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = say(element.dataset.text);
  }
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
  find("section").hidden = answer === null;
  if (answer === null) {
    return;
  }
  const problems = answer.errors || answer.warnings || [];
  const verdict = answer.verdict;
  const scored = answer.score !== undefined && answer.score !== null;
  find("#verdict").textContent = say(verdict === "acceptable" && problems.length ? "doubted" : verdict);
  find("#verdict").className = verdict !== "acceptable" ? "bad" : problems.length ? "doubtful" : "good";
  find("#score").textContent =
    verdict !== "acceptable" ? "" : scored ? say("score", { score: answer.score, dimension: say(answer.dimension) }) : say("none");
  find("tbody").replaceChildren(...problems.map(row));
  find("table").hidden = !problems.length;
  find("#english").hidden = !say("english") || !(answer.explanation || problems.length);
  find("#explanation").textContent = answer.explanation || "";
  find("#explanation").hidden = !answer.explanation;
}

async function check(submitted) {
  submitted.preventDefault();
  const headers = { "content-type": "application/cloudevents+json" };
  find("form button").disabled = true;
  try {
    const said = await fetch("v1/check", { method: "POST", headers, body: find("#event").value });
    answer = await said.json();
    answer.verdict = said.ok ? "acceptable" : said.status < 429 ? "refused" : "failed";
  } catch {
    answer = { verdict: "failed" };
  }
  find("form button").disabled = false;
  show();
  find("section").scrollIntoView({ block: "nearest" });
}

find("#event").value = JSON.stringify(EXAMPLE, null, 2);
find("form").addEventListener("submit", check);
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    language = button.dataset.language;
    show();
  });
}
show();
