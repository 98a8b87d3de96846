import assert from "node:assert/strict";
import { test } from "node:test";
import { listen, slug, tabs } from "../../../marketplace/frontend/js/components.js";
import { key, open, start } from "./page.js";

test("arrow keys move between tabs and go round", () => {
  open(`<div id="root" data-first="a"><div role="tablist">
    <button role="tab" data-tab="a"></button><button role="tab" data-tab="b"></button></div></div>`);
  const component = start(tabs);
  const list = document.querySelector("[role=tablist]");
  const [first, second] = list.querySelectorAll("button");
  first.focus();

  component.move({ key: "ArrowRight", currentTarget: list });
  assert.equal(component.current, "b");
  assert.equal(document.activeElement, second);
  component.move({ key: "ArrowRight", currentTarget: list });
  assert.equal(component.current, "a");
  component.move({ key: "Home", currentTarget: list });

  assert.equal(component.current, "a");
  assert.deepEqual([component.tabIndex("a"), component.tabIndex("b")], [0, -1]);
});

function type(input, text) {
  input.value = text;
  input.dispatchEvent(new Event("input"));
}

test("a name in addresses follows the name until it is edited itself", () => {
  open(`<form id="root"><input name="name"><input name="slug"></form>`);
  start(slug);
  const [name, own] = document.querySelectorAll("input");

  type(name, "  Café Noir & Söhne! ");
  assert.equal(own.value, "cafe-noir-sohne");
  type(own, "noir");
  type(name, "Something else");
  assert.equal(own.value, "noir");
  type(own, "");
  type(name, "Back again");

  assert.equal(own.value, "back-again");
});

test("a menu closes by a click elsewhere and by Escape, which gives the focus back", () => {
  open(`<details data-menu open><summary>More</summary><a href="#">Inside</a></details><p>Elsewhere</p>`);
  listen();
  const menu = document.querySelector("details");

  document.querySelector("a").dispatchEvent(new Event("click", { bubbles: true }));
  assert.equal(menu.open, true);
  document.querySelector("p").dispatchEvent(new Event("click", { bubbles: true }));
  assert.equal(menu.open, false);
  menu.open = true;
  key("Escape");

  assert.equal(menu.open, false);
  assert.equal(document.activeElement, menu.querySelector("summary"));
});

test("a dialog that the server wants open opens once, also when it is swapped in later", () => {
  open(`<dialog data-open></dialog>`);
  listen();
  const first = document.querySelector("dialog");
  assert.equal(first.open, true);
  first.close();

  document.body.insertAdjacentHTML("beforeend", `<dialog id="late" data-open></dialog>`);
  document.dispatchEvent(new Event("htmx:after:swap"));

  assert.equal(first.open, false);
  assert.equal(document.getElementById("late").open, true);
});
