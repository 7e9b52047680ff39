// What every client from Node does here: cases that print how they went, for `run.py` to count.
import assert from "node:assert/strict";

export const url = process.env.SEATRIAL_URL;
export const root = url.replace(/\/v1$/, "");
export const question = "How deep is the harbour?";
export const parameters = {
  type: "object",
  properties: { answer: { type: "string" } },
  required: ["answer"],
  additionalProperties: false,
};

const signed = /^\[id:\S+ q:[0-9a-f]{8} n:\d+\].*\[sum:[0-9a-f]{8}\]$/s;

// Fail unless this is the whole of an answer, signed by the scripted upstream.
export function checkText(text) {
  assert.match((text ?? "").trim(), signed);
}

// Run each case against each model, and print one line for each.
export async function run(cases) {
  for (const model of process.env.SEATRIAL_MODELS.split(" ")) {
    for (const [name, play] of Object.entries(cases)) {
      try {
        await play(model);
        console.log(`passed ${name} ${model}`);
      } catch (error) {
        process.exitCode = 1;
        console.error(error);
        console.log(`failed ${name} ${model}`);
      }
    }
  }
}
