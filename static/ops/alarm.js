/* Keys of one alarm's page: J and K go through the list that it was opened from, letters open the
   forms of the page. */
import { $ } from "./dom.js";
import { register } from "./keys.js";

const press = (selector) => () => {
  const button = $(selector);
  button?.click();
  return Boolean(button);
};

const group = gettext("告警");
const KEYS = [
  ["j", gettext("下一条"), "[data-step=j]"],
  ["k", gettext("上一条"), "[data-step=k]"],
  ["e", gettext("查核"), "[data-dialog=verify]"],
  ["i", gettext("忽略"), "[data-dialog=ignore]"],
  ["w", gettext("建工单"), "[data-order]"],
  ["a", gettext("归档"), "[data-dialog=archive]"],
];
for (const [key, words, selector] of KEYS) register(key, words, press(selector), { group });
