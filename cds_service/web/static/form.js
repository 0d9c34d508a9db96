"use strict";
/* Makes the form better, never necessary: without this script the server asks and checks the same.
   Shows a question only while its rule holds, and says what is still needed. The rules are those of
   Questionnaire.item.enableWhen; an answer to a question that is not asked counts as none. */
(() => {
  const form = document.getElementById("answers");
  if (!form) return;
  document.documentElement.classList.add("js");

  /* A field answers one question of each form that asks it. */
  const fields = [...form.querySelectorAll("[data-question]")].map((element) => {
    const caption = element.querySelector("legend, .caption").cloneNode(true);
    caption.querySelectorAll(".number, .quiet").forEach((part) => part.remove());
    return {
      element,
      text: caption.textContent.trim(),
      inputs: [...element.querySelectorAll("input, textarea")],
      recorded: element.closest("[data-recorded]") !== null,
      asks: JSON.parse(element.dataset.asks),
    };
  });
  const questions = fields.flatMap((field) =>
    field.asks.map((ask) => {
      const dot = ask.name.indexOf(".");
      return { ...ask, field, part: ask.name.slice(0, dot), id: ask.name.slice(dot + 1) };
    }),
  );
  const parts = [...new Set(questions.map((each) => each.part))];

  /* The answer as rules compare it: true, false, a text, or null when there is none. */
  const answer = ({ inputs }) => {
    const first = inputs.find((input) => input.type !== "checkbox");
    if (first.type === "file") {
      const kept = inputs.filter((input) => input.type === "checkbox" && !input.checked);
      return first.files.length || kept.length ? "document" : null;
    }
    if (first.type === "radio") {
      const chosen = inputs.find((input) => input.checked);
      if (!chosen) return null;
      return chosen.value === "yes" ? true : chosen.value === "no" ? false : chosen.value;
    }
    return first.value.trim() || null;
  };

  const compare = (operator, given, wanted) => {
    if (operator === "=") return given === wanted;
    if (operator === "!=") return given !== wanted;
    const [left, right] = [Number(given), Number(wanted)];
    if (Number.isNaN(left)) return false;
    return { "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right }[operator];
  };

  /* `lenient`: an unanswered question leaves every outcome possible. */
  const holds = (rule, answers, lenient) => {
    if (rule.all) return rule.all.every((each) => holds(each, answers, lenient));
    if (rule.any) return rule.any.some((each) => holds(each, answers, lenient));
    const [id, operator, wanted] = rule;
    if (!answers.has(id)) return operator === "exists" && wanted === false;
    const given = answers.get(id);
    if (given === null) return lenient || (operator === "exists" && wanted === false);
    return operator === "exists" ? wanted === true : compare(operator, given, wanted);
  };

  /* The least set of questions that is consistent: those asked now. */
  const asked = (some, given) => {
    let now = new Set();
    for (;;) {
      const counted = new Map([...given].map(([id, value]) => [id, now.has(id) ? value : null]));
      const found = some.filter((each) => each.rules.every((rule) => holds(rule, counted, false)));
      if (found.every((each) => now.has(each.id))) return now;
      now = new Set([...now, ...found.map((each) => each.id)]);
    }
  };

  /* The greatest: those asked now, or perhaps once others are answered. */
  const possible = (some, given) => {
    let left = some;
    for (;;) {
      const counted = new Map(left.map((each) => [each.id, given.get(each.id)]));
      const kept = left.filter((each) => each.rules.every((rule) => holds(rule, counted, true)));
      if (kept.length === left.length) return new Set(kept.map((each) => each.id));
      left = kept;
    }
  };

  const status = document.getElementById("needed-said");
  const list = document.getElementById("needed");
  const box = list.closest(".needed");

  const say = (needed, later) => {
    box.classList.toggle("nothing", needed.length === 0);
    const count = needed.length === 1 ? "One answer" : `${needed.length} answers`;
    const more = later === 0 ? "" : `; up to ${later} more may follow`;
    const text = needed.length ? `${count} now${more}.` : "Nothing more. Send the answers to get the decision.";
    if (status.textContent !== text) status.textContent = text;
    list.replaceChildren(
      ...needed.map((each) => {
        const link = document.createElement("a");
        link.href = `#${each.inputs.find((input) => input.type !== "checkbox").id}`;
        link.textContent = each.text;
        const line = document.createElement("li");
        line.append(link);
        return line;
      }),
    );
  };

  const update = () => {
    const shown = new Set();
    const needed = new Set();
    const later = new Set();
    for (const part of parts) {
      const own = questions.filter((each) => each.part === part);
      const given = new Map(own.map((each) => [each.id, answer(each.field)]));
      const now = asked(own, given);
      const maybe = possible(own, given);
      for (const each of own) {
        if (!each.open) continue;
        if (now.has(each.id)) shown.add(each.field);
        if (!each.required || given.get(each.id) !== null) continue;
        if (now.has(each.id)) needed.add(each.field);
        else if (maybe.has(each.id)) later.add(each.field);
      }
    }
    let number = 0;
    for (const field of fields) {
      if (field.recorded) continue;
      field.element.hidden = !shown.has(field);
      field.inputs.forEach((input) => { input.disabled = !shown.has(field); });
      const place = field.element.querySelector(".number");
      if (shown.has(field) && place) place.textContent = `${(number += 1)}.`;
    }
    for (const group of [...form.querySelectorAll(".group")].reverse()) {
      group.hidden = ![...group.querySelectorAll("[data-question]")].some((each) => !each.hidden);
    }
    say([...needed], [...later].filter((each) => !needed.has(each)).length);
  };

  let changed = false;
  form.addEventListener("input", () => { changed = true; update(); });
  form.addEventListener("change", () => { changed = true; update(); });
  update();

  /* One press, one sending: the server takes a second one for the first, but nobody should wait for it. */
  const buttons = [...form.querySelectorAll("button")];
  let sent = false;
  const ready = () => {
    sent = false;
    buttons.forEach((each) => each.removeAttribute("aria-disabled"));
  };
  form.addEventListener("submit", (event) => {
    if (sent) { event.preventDefault(); return; }
    sent = true;
    changed = false;
    buttons.forEach((each) => each.setAttribute("aria-disabled", "true"));
    setTimeout(ready, 10000); /* the sending was stopped, or nothing answers */
  });
  window.addEventListener("pageshow", ready);
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });

  const first = document.getElementById("problems") || document.getElementById("notice");
  if (first) first.focus();
})();
